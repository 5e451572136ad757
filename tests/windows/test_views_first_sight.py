"""What the views say before, between and beside their pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest

from loading import Window
from tests.helpers.array_source import ArraySource
from tests.helpers.views import LEFT, near, open_views, pump_until, to_array, volume_spec
from viewer.names import person_text
from viewer.overlays import ABSENT, PLANE_COLOURS

FULL, RED = (0xB4, 0xD8, 0xFF), (0xFF, 0x7A, 0x6B)


@pytest.fixture
def views(qapp):
    with open_views() as made:
        yield made


def colour_of(view: str) -> tuple[int, int, int]:
    colour = PLANE_COLOURS[view]
    return colour.red(), colour.green(), colour.blue()


@pytest.mark.parametrize("view", list(PLANE_COLOURS))
def test_frames_have_their_names_before_a_volume_is_there(views, view) -> None:
    corner = views.pixels(view)[4:26, :80]
    assert near(corner, colour_of(view), 60).sum() > 20


@pytest.mark.parametrize("size", [(1204, 404), (404, 804)])
def test_the_3d_picture_of_another_shape_is_never_stretched(views, size) -> None:
    """Until the next picture is drawn, the one before stands there at its true proportions."""
    k, j, i = np.ogrid[:48, :48, :48]
    ball = (i - 24) ** 2 + (j - 24) ** 2 + (k - 24) ** 2 < 15**2
    views.show_array((ball * 200).astype(np.uint8))
    views.bare()
    pump_until(lambda: views.workspace.is_at_rest)
    views.workspace.resize(*size)
    grabbed = to_array(views.view("volume").grab().toImage())[26:, :]
    lit = grabbed.max(axis=2) > 60
    height, width = (np.ptp(np.flatnonzero(lit.any(axis=axis))) + 1 for axis in (1, 0))
    assert height > 40
    assert 0.85 < width / height < 1.18


def test_the_strip_keeps_only_what_is_wrong(views) -> None:
    """E2: when all the rest is complete, the failed slice alone is left in the strip."""
    voxels = np.zeros((20, 30, 30), np.int16)
    spec = volume_spec(voxels, windows=(Window(10.0, 10.0),))
    views.show(ArraySource(spec, voxels[np.newaxis], has_coarse=False, failures={3: -1}))
    grabbed = to_array(views.strip.grab().toImage())
    assert near(grabbed, RED, 10).any()
    assert not near(grabbed, FULL, 10).any()


def test_words_on_3d_are_whole_in_a_small_view(views) -> None:
    """Beside the cube there is no room for them; shortened they would say something else."""
    voxels = np.full((12, 24, 24), 100, np.uint8)
    views.show_array(voxels, absent=frozenset({5}))
    amber = (ABSENT.red(), ABSENT.green(), ABSENT.blue())
    pump_until(lambda: views.workspace.is_at_rest)

    def ink() -> int:
        return int(near(views.pixels("volume")[-140:], amber, 30).sum())

    roomy = ink()
    views.workspace.resize(404, 604)
    assert roomy > 200
    pump_until(lambda: abs(ink() - roomy) <= 0.05 * roomy)


@pytest.mark.parametrize(
    ("coded", "shown"),
    [
        ("Doe^Jane", "Doe, Jane"),
        ("Doe^Jane^Mary^Dr", "Doe, Jane Mary Dr"),
        ("Doe", "Doe"),
        ("^Jane", "Jane"),
        ("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce", "Yamada, Tarou"),
        ("", ""),
    ],
)
def test_names_are_written_for_people(coded, shown) -> None:
    assert person_text(coded) == shown


@pytest.mark.parametrize("size", [(804, 604), (604, 804)])
def test_fit_brings_all_corners_of_a_flat_volume_into_3d(views, size) -> None:
    views.workspace.resize(*size)
    noise = np.random.default_rng(3).integers(0, 255, (10, 60, 80))
    views.show_array(noise.astype(np.uint8))
    views.bare(volume_mode="mip", active_view="volume")
    views.workspace.zoom_by(1.4)

    def on_the_edge() -> int:
        pump_until(lambda: views.workspace.is_at_rest)
        lit = views.pixels("volume")[2:].max(axis=2) > 30
        return int(lit[:, :3].sum() + lit[:, -3:].sum() + lit[-3:].sum())

    assert on_the_edge() > 0
    views.workspace.fit()
    assert on_the_edge() == 0
    assert views.centre("volume").max() > 60


def edges_of_3d(views) -> int:
    """Count what is lit at the edges of the 3D view."""
    pump_until(lambda: views.workspace.is_at_rest)
    lit = views.pixels("volume")[2:].max(axis=2) > 30
    return int(lit[:, :3].sum() + lit[:, -3:].sum() + lit[-3:].sum())


def test_a_block_begins_whole_in_3d_and_a_reset_brings_that_back(views) -> None:
    """What was cut out of a body is seen up to its corners."""
    noise = np.random.default_rng(3).integers(100, 255, (20, 60, 80))
    views.show_array(noise.astype(np.uint8))
    views.bare(volume_mode="mip")
    assert edges_of_3d(views) == 0
    assert views.centre("volume").max() > 60
    zoom = views.workspace.state.camera.zoom
    assert zoom < 0.9
    views.workspace.change(active_view="volume")
    views.workspace.zoom_by(2.0)
    assert edges_of_3d(views) > 0
    views.workspace.reset_view()
    assert edges_of_3d(views) == 0
    assert views.workspace.state.camera.zoom == zoom


def test_a_head_with_air_around_it_begins_large(views) -> None:
    k, j, i = np.ogrid[:60, :60, :60]
    ball = (i - 30) ** 2 + (j - 30) ** 2 + (k - 30) ** 2 < 25**2
    views.show_array((ball * 200).astype(np.uint8))
    views.bare()
    assert edges_of_3d(views) == 0
    assert views.workspace.state.camera.zoom == 1.0


def test_undo_never_brings_a_hidden_name_back(views) -> None:
    views.show_array(
        np.zeros((8, 30, 30), np.uint8), header={"patient_name": "Doe^Jane", "patient_id": "1"}
    )
    views.workspace.change(inverted=True)
    shown = views.pixels("axial")[4:60, :160]
    views.workspace.change(names_hidden=True)
    hidden = views.pixels("axial")[4:60, :160]
    assert (shown != hidden).any()
    for step in (views.workspace.undo, views.workspace.undo, views.workspace.redo):
        step()
        assert views.workspace.state.names_hidden


def test_a_click_on_a_small_views_name_swaps_and_nothing_else(views) -> None:
    voxels = np.random.default_rng(2).integers(0, 255, (20, 60, 80)).astype(np.uint8)
    views.show_array(voxels)
    views.workspace.change(layout="one_plus_three", active_view="axial")
    pump_until(lambda: views.view("axial").width() > 1.5 * views.view("coronal").width())
    before = views.workspace.state.crosshair_lps
    width = views.view("coronal").width()
    QTest.mouseClick(views.view("coronal"), LEFT, pos=QPoint(24, 12))
    pump_until(lambda: views.view("coronal").width() > 1.5 * width)
    assert views.workspace.state.crosshair_lps == before
    QTest.mouseClick(views.view("coronal"), LEFT, pos=QPoint(24, 12))
    assert views.workspace.state.crosshair_lps != before, "a large view has no such place"
