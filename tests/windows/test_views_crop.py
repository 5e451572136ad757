"""The crop box by hand: edges in the planes, handles in 3D, and what 3D then shows."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint

from tests.helpers.views import drag, open_views, pump_until
from viewer.crop import Face, handle
from viewer.projection import Projection

ACCENT = np.array([0x5A, 0xA7, 0xFF])


@pytest.fixture
def views(qapp):
    with open_views(size=(604, 454)) as made:
        edge = 64
        k, j, i = np.ogrid[:edge, :edge, :edge]
        ball = (i - 32.0) ** 2 + (j - 32.0) ** 2 + (k - 32.0) ** 2 < 20**2
        made.show_array(np.where(ball, 200, 0).astype(np.uint8))
        made.bare()
        made.workspace.orient_volume("anterior")
        yield made


def body(views):
    """Give where the grey of the ball is seen in 3D; the blue box is not grey."""
    pump_until(lambda: views.workspace.is_at_rest)
    grabbed = views.pixels("volume").astype(int)
    is_grey = (np.ptp(grabbed, axis=2) < 30) & (grabbed.min(axis=2) > 40)
    is_grey[:24] = False
    return is_grey


def accent(views, name):
    return (np.abs(views.pixels(name).astype(int) - ACCENT).max(axis=2) < 12).sum()


def test_an_edge_dragged_in_a_plane_cuts_the_ball_in_3d(views):
    before = body(views)
    assert accent(views, "axial") == accent(views, "coronal") == 0
    views.workspace.toggle_crop()
    assert views.workspace.state.crop == ((-0.5,) * 3, (63.5,) * 3)
    assert accent(views, "axial") > 100
    assert accent(views, "coronal") > 100
    view = views.view("axial")
    middle = QPoint(view.width() // 2, view.height() // 2)
    columns = np.flatnonzero(
        (np.abs(views.pixels("axial").astype(int) - ACCENT).max(axis=2) < 12).sum(axis=0) > 40
    )
    left = int(columns[0])
    drag(view, (left, middle.y() + 30), (middle.x(), middle.y() + 30))
    low, high = views.workspace.state.crop
    assert low[0] == pytest.approx(31.5, abs=1.0)
    assert (low[1:], high) == ((-0.5, -0.5), (63.5,) * 3)
    after = body(views)
    # seen from the front, low i (the patient's right) is on the left of the screen
    half = before.shape[1] // 2
    assert after[:, : half - 12].sum() < 0.05 * before[:, : half - 12].sum()
    assert after[:, half + 12 :].sum() > 0.9 * before[:, half + 12 :].sum()
    views.workspace.undo()
    assert (body(views) != before).mean() < 0.02


def test_a_handle_dragged_in_3d_moves_its_face_alone(views):
    views.workspace.toggle_crop()
    body(views)
    view, state = views.view("volume"), views.workspace.state
    scene = views.workspace._model.scene
    projection = Projection(state.camera, scene, (view.width(), view.height()))
    places = [handle(projection, scene, state.crop, Face(2, end)) for end in (1, 0)]
    (x, y), (_, under) = [place for place in places if place is not None]
    drag(view, (round(x), round(y)), (round(x), round((y + under) / 2)))
    low, high = views.workspace.state.crop
    assert high[2] == pytest.approx(31.5, abs=3)
    assert (low, high[:2]) == ((-0.5,) * 3, (63.5, 63.5))
    assert views.workspace.state.camera == state.camera
    rows = np.flatnonzero(body(views).any(axis=1))
    assert rows[0] > view.height() * 0.42
    views.workspace.crop_whole()
    assert views.workspace.state.crop == ((-0.5,) * 3, (63.5,) * 3)
    views.workspace.toggle_crop()
    assert views.workspace.state.crop is None
