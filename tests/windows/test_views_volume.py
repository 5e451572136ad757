"""The 3D view: what it shows, that it follows hands, and what it says where it cannot draw."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QNativeGestureEvent, QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.helpers.array_source import ArraySource
from tests.helpers.views import (
    LEFT,
    Views,
    drag,
    near,
    open_views,
    pump,
    pump_until,
    volume_spec,
    wheel,
)
from viewer.state import Camera3D

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def views(qapp):
    with open_views(size=(604, 454)) as made:
        yield made


def ball_with_marker(marker=(48, 32, 32), edge=64) -> np.ndarray:
    """Make a ball with a smaller one beside it; `marker` is (i, j, k)."""
    k, j, i = np.ogrid[:edge, :edge, :edge]
    ball = np.sqrt((i - 32.0) ** 2 + (j - 32.0) ** 2 + (k - 32.0) ** 2) < 14
    mi, mj, mk = marker
    small = np.sqrt((i - mi) ** 2 + (j - mj) ** 2 + (k - mk) ** 2) < 5
    return np.where(ball | small, 200, 0).astype(np.uint8)


def picture(views: Views) -> np.ndarray:
    """Grab the 3D view without the cube's corner."""
    grabbed = views.pixels("volume").astype(int)
    grabbed[-72:, :72] = 0
    grabbed[:24] = 0
    return grabbed


def settled(views: Views, least: float = 0.01) -> np.ndarray:
    """Wait for the final picture, in which something must be seen."""
    pump_until(lambda: views.workspace.is_at_rest)
    grabbed = picture(views)
    assert (grabbed.max(axis=2) > 40).mean() > least, "an empty picture"
    return grabbed


def off_centre(grabbed: np.ndarray) -> np.ndarray:
    """Give how far the middle of what is light lies right and down of the middle of its extent."""
    light = np.argwhere(grabbed.max(axis=2) > 40)
    height, width = grabbed.shape[:2]
    return (light.mean(axis=0) - (height / 2, width / 2))[::-1]


@pytest.mark.parametrize(
    ("side", "marker", "expected"),
    [
        ("anterior", (54, 32, 32), (1, 0)),  # the patient's left is on the right of the screen
        ("anterior", (32, 32, 54), (0, -1)),
        ("posterior", (54, 32, 32), (-1, 0)),
        ("left", (32, 54, 32), (1, 0)),
        ("superior", (54, 32, 32), (1, 0)),
        ("superior", (32, 10, 32), (0, 1)),  # the nose points down when seen from above
    ],
)
def test_sides_stand_where_they_belong(views, side, marker, expected) -> None:
    """Facts 2.5: directions in 3D agree with the letters of the cube."""
    views.show_array(ball_with_marker(marker), modality="OT")
    views.bare()
    views.workspace.orient_volume(side)
    right, down = off_centre(settled(views))
    along = right * expected[0] + down * expected[1]
    across = right * expected[1] + down * expected[0]
    assert along > 1.0
    assert abs(across) < along / 2


def test_an_orbit_by_hand_turns_it_and_undo_turns_it_back(views) -> None:
    views.show_array(ball_with_marker((54, 32, 32)))
    views.bare()
    views.workspace.orient_volume("anterior")
    before = settled(views)
    drag(views.view("volume"), (150, 150), (350, 150))
    after = settled(views)
    assert off_centre(after)[0] < off_centre(before)[0] - 1
    views.workspace.undo()
    assert np.abs(settled(views) - before).mean() < 0.5


def test_a_click_on_the_cube_looks_from_that_side(views) -> None:
    views.show_array(ball_with_marker((54, 32, 32)))
    views.workspace.change(text_visible=True, camera=Camera3D(azimuth=20, elevation=10))
    settled(views)
    volume = views.view("volume")
    QTest.mouseClick(volume, LEFT, pos=QPoint(36, volume.height() - 34))
    assert (views.workspace.state.camera.azimuth, views.workspace.state.camera.elevation) == (0, 0)
    assert off_centre(settled(views))[0] > 1


def test_a_double_click_picks_the_point_and_shows_3d_alone(views) -> None:
    views.show_array(ball_with_marker((54, 32, 32)))
    views.bare()
    views.workspace.orient_volume("anterior")
    settled(views)
    volume = views.view("volume")
    QTest.mouseDClick(volume, LEFT, pos=QPoint(volume.width() // 2, volume.height() // 2))
    assert views.workspace.state.layout == "volume"
    x, y, z = views.workspace.state.crosshair_lps
    assert (x, z) == pytest.approx((32, 32), abs=1.5)
    assert y == pytest.approx(18, abs=2), "the front of the ball, 14 mm before its middle"


@pytest.mark.parametrize("name", ["volume", "coronal"])
def test_a_pinch_zooms(views, name) -> None:
    views.show_array(ball_with_marker())
    view, state = views.view(name), views.workspace.state
    middle = QPointF(view.rect().center())
    for value in (0.25, 0.25):
        pinch = QNativeGestureEvent(
            Qt.NativeGestureType.ZoomNativeGesture, QPointingDevice.primaryPointingDevice(), 2,
            middle, middle, middle, value, QPointF(), 1,
        )  # fmt: skip
        QApplication.sendEvent(view, pinch)
    now = views.workspace.state
    factor = (now.camera.zoom if name == "volume" else now.coronal.zoom) / (
        state.camera.zoom if name == "volume" else state.coronal.zoom
    )
    assert factor == pytest.approx(1.25**2)
    views.workspace.undo()
    assert views.workspace.state == state, "one pinch is one step"


def test_the_wheel_zooms(views) -> None:
    views.show_array(ball_with_marker())
    views.bare()
    before = (settled(views).max(axis=2) > 40).sum()
    wheel(views.view("volume"), 4)
    assert (settled(views).max(axis=2) > 40).sum() > 2 * before


def test_a_picture_does_not_depend_on_how_the_axes_run(views) -> None:
    """Left-handed and rotated volumes are lit from the same side, and stand at the same place."""
    voxels = ball_with_marker((50, 20, 44))
    pictures = []
    for flip_k, order in ((False, (0, 1, 2)), (True, (0, 1, 2)), (False, (2, 0, 1))):
        affine = np.eye(4)
        data = voxels
        if flip_k:
            data, affine[2, 2], affine[2, 3] = voxels[::-1], -1.0, 63.0
        columns = [affine[:3, 2], affine[:3, 1], affine[:3, 0]]
        turned = np.eye(4)
        turned[:3, 3] = affine[:3, 3]
        turned[:3, 2], turned[:3, 1], turned[:3, 0] = (columns[n] for n in order)
        views.show_array(np.ascontiguousarray(data.transpose(order)), turned)
        views.bare()
        pictures.append(settled(views))
    for one, other in itertools.combinations(pictures, 2):
        assert np.abs(one - other).mean() < 1.0
        assert (np.abs(one - other).max(axis=2) > 60).mean() < 0.004


def test_missing_planes_are_empty_in_3d(views) -> None:
    """F5: a gap is a gap, whatever lies in its memory."""
    voxels = np.full((40, 40, 40), 200, np.uint8)
    spec = volume_spec(voxels, absent=frozenset(range(16, 24)))
    volume = views.show(ArraySource(spec, voxels[np.newaxis], has_coarse=False), wait=False)
    volume.array[16:24] = 200  # as garbage may
    views.bare()
    views.workspace.orient_volume("anterior")
    views.settle()
    grabbed = settled(views).max(axis=2)
    middle = grabbed.shape[0] // 2
    columns = slice(grabbed.shape[1] // 2 - 20, grabbed.shape[1] // 2 + 20)
    assert grabbed[middle - 2 : middle + 2, columns].max() < 40
    assert grabbed[middle - 60 : middle + 60, columns].max() > 50


def test_while_loading_3d_follows_and_says_that_it_is_coarse(views) -> None:
    """V3: what has arrived is seen in 3D before the rest is there."""
    voxels = ball_with_marker()
    let_go = threading.Event()

    def before(request) -> None:
        if request.chunk.index > 40:
            let_go.wait(60)

    source = ArraySource(volume_spec(voxels), voxels[np.newaxis], has_coarse=False, before=before)
    views.show(source, wait=False, workers=4)
    try:
        pump_until(lambda: (picture(views).max(axis=2) > 40).mean() > 0.005)
        words = views.pixels("volume")[-40:, 72:]
        assert near(words, (0xE0, 0xB0, 0x4A), 60).sum() > 20
    finally:
        let_go.set()
    views.settle()
    settled(views)
    assert views.view("volume")._following.copy is None, "the volume itself took its place"
    words = views.pixels("volume")[-40:, 72:200]
    assert near(words, (0xE0, 0xB0, 0x4A), 40).sum() == 0


def test_off_says_so_and_draws_nothing(views) -> None:
    views.show_array(ball_with_marker())
    views.bare(volume_mode="off")
    pump(0.5)
    grabbed = picture(views)
    assert 0 < (grabbed.max(axis=2) > 40).sum() < 3000, "a sentence, no volume"
    views.workspace.change(volume_mode="mip")
    assert (settled(views).max(axis=2) > 40).mean() > 0.01


def test_a_look_that_shows_nothing_is_a_sentence_not_a_black_view(views) -> None:
    views.show_array(ball_with_marker())
    views.bare(shift=8.0)
    pump_until(lambda: views.workspace.is_at_rest)
    words = (picture(views).max(axis=2) > 40).sum()
    assert 100 < words < 3000, "a sentence, no volume"
    views.workspace.change(shift=0.0)
    assert (settled(views).max(axis=2) > 40).mean() > 0.01


def test_a_look_that_shows_nothing_leaves_what_takes_clicks_to_be_seen(views) -> None:
    views.show_array(ball_with_marker())
    views.bare(shift=8.0)
    pump_until(lambda: views.workspace.is_at_rest)
    sentence = views.pixels("volume").astype(int)
    views.workspace.change(text_visible=True)
    pump_until(lambda: views.workspace.is_at_rest)
    cube = np.abs(views.pixels("volume") - sentence).max(axis=2) > 40
    assert cube[-72:, :72].sum() > 100
    views.workspace.change(text_visible=False, crop=((8.0,) * 3, (56.0,) * 3))
    pump_until(lambda: views.workspace.is_at_rest)
    box = np.abs(views.pixels("volume") - sentence).max(axis=2) > 40
    assert box.sum() > 100


@pytest.mark.parametrize("at", ["viewer.model.robust_range", "viewer.volume_view.averaged_copy"])
def test_work_that_fails_is_not_waited_for(views, monkeypatch, at) -> None:
    def fail(*_args, **_options):
        raise MemoryError("no room")

    monkeypatch.setattr(at, fail)
    views.show_array(ball_with_marker())
    pump_until(lambda: views.workspace.is_at_rest)


def test_a_picture_of_the_volume_before_never_comes_late(views) -> None:
    """C: what was under way for one volume is not shown for the next."""
    views.show_array(ball_with_marker())
    views.bare()
    settled(views)
    views.workspace.change(camera=Camera3D(azimuth=77))  # a picture is under way
    nearly_empty = np.zeros((40, 40, 40), np.uint8)
    nearly_empty[0, 0, 0] = 200  # of nothing at all a sentence would tell
    views.show_array(nearly_empty)
    for _ in range(20):
        pump(0.05)
        assert (picture(views).max(axis=2) > 40).mean() < 0.005, "the ball takes ten times that"


def test_the_opengl_widget_draws_the_same_as_the_thread(qapp) -> None:
    pictures = []
    for gl_widget in (False, True):
        with open_views(gl_widget=gl_widget) as views:
            views.show_array(ball_with_marker())
            views.bare()
            pictures.append(settled(views))
            drag(views.view("volume"), (150, 150), (250, 150))
            assert np.abs(settled(views) - pictures[-1]).mean() > 0.2
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.0


def test_threads_end_with_the_views(qapp) -> None:
    before = {thread.name for thread in threading.enumerate()}
    with open_views() as views:
        views.show_array(ball_with_marker())
        settled(views)
        assert any(thread.name == "voxtide-3d" for thread in threading.enumerate())
    after = {thread.name for thread in threading.enumerate()}
    assert not {name for name in after - before if name.startswith("voxtide")}


WITHOUT_OPENGL = """
import sys
import numpy as np
from PySide6.QtWidgets import QApplication
application = QApplication([])
from tests.helpers.views import open_views, pump_until, to_array
with open_views(gl_widget=None) as views:
    told = []
    views.workspace.notice.connect(lambda code, message: told.append((code, message)))
    views.show_array(np.random.default_rng(1).integers(0, 256, (20, 40, 40)).astype(np.uint8))
    pump_until(lambda: bool(told))
    print(told[0][0], told[0][1], sep=": ")
    print("slices", int((views.centre("axial").max(axis=2) > 60).mean() * 100))
    print("sentence", int((views.centre("volume").max(axis=2) > 60).sum()))
"""


def test_without_opengl_slices_are_drawn_and_3d_says_why_not(display) -> None:
    """Window 5.6: never a black view without a sentence."""
    environment = {**os.environ, "MESA_GL_VERSION_OVERRIDE": "1.4", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPENGL],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines()[1:])
    assert done.stdout.startswith("no_opengl: 3D needs OpenGL 3.2; found 1.4")
    assert int(lines["slices"]) > 50
    assert 50 < int(lines["sentence"]) < 3000


SNAPSHOT = """
import sys
import numpy as np
import loading
from tests.helpers.array_source import ArraySource
from viewer.snapshot import render_snapshot
voxels = np.zeros((1, 32, 32, 32), np.uint8)
voxels[0, 8:24, 8:24, 8:24] = 200
from loading.spec import Level, VolumeSpec
spec = VolumeSpec("s", "s", "OT", "", (Level((32, 32, 32), np.eye(4), (1, 32, 32)),), voxels.dtype)
with loading.open_entry(ArraySource(spec, voxels, has_coarse=False).entry()) as volume:
    volume.wait()
    assert render_snapshot(volume, (320, 240), "four_up").save(sys.argv[1], "PNG")
"""


def test_a_snapshot_needs_no_display(qapp, tmp_path) -> None:
    from PySide6.QtGui import QImage

    from tests.helpers.views import to_array

    target = tmp_path / "out.png"
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run(
        [sys.executable, "-c", SNAPSHOT, str(target)],
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    grabbed = to_array(QImage(str(target)))
    assert grabbed.shape == (240, 320, 3)
    for y, x in ((60, 80), (60, 240), (180, 80), (180, 240)):
        middle = grabbed[y - 20 : y + 20, x - 20 : x + 20].max(axis=2)
        assert (middle > 60).mean() > 0.5, "one of the four views is empty"


def test_a_volume_that_is_closed_is_let_go_of(views) -> None:
    """M5: neither views nor threads keep the memory of a volume that is gone."""
    import weakref

    views.show_array(ball_with_marker())
    settled(views)
    buffer = weakref.ref(views.volume._volume)
    views.workspace.show_volume(None)
    views.volume.close()
    views.volume = None
    pump_until(lambda: buffer() is None)


def test_a_volume_that_is_closed_while_3d_follows_it_is_let_go_of(views) -> None:
    """M5: neither the copy that follows a load nor what it was taken from is kept."""
    import weakref

    voxels = ball_with_marker()
    let_go = threading.Event()

    def before(request) -> None:
        if request.chunk.index > 40:
            let_go.wait(60)

    source = ArraySource(volume_spec(voxels), voxels[np.newaxis], has_coarse=False, before=before)
    views.show(source, wait=False, workers=4)
    try:
        pump_until(lambda: views.view("volume")._look.image is not None)
        scene = weakref.ref(views.workspace._model.scene)
        views.workspace.show_volume(None)
    finally:
        let_go.set()
    views.volume.close()
    views.volume = None
    pump_until(lambda: scene() is None)
