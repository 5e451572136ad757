"""Slice views: what the pixels show, judged against the array they come from."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

import loading
from tests.helpers.array_source import ArraySource
from tests.helpers.views import (
    LEFT,
    RIGHT,
    Views,
    drag,
    move,
    near,
    open_views,
    pump,
    pump_until,
    volume_spec,
    wheel,
)
from viewer.state import PlaneView

ROOT = Path(__file__).resolve().parents[2]
AMBER, RED = (0xE0, 0xB0, 0x4A), (0xFF, 0x7A, 0x6B)


@pytest.fixture
def views(qapp):
    with open_views() as made:
        yield made


def noise(shape=(12, 40, 48), seed=5, dtype=np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)


def exact(views: Views, view: str, pixels_per_mm: int) -> None:
    """Show a view so that a millimetre takes a whole number of pixels."""
    views.bare(interpolation="nearest")
    views.workspace.change(active_view=view)
    views.workspace.actual_size()
    zoom = views.workspace.state.plane(view).zoom * pixels_per_mm
    views.workspace.change(**{view: PlaneView(zoom)})
    QApplication.processEvents()


def block(picture: np.ndarray, shape: tuple[int, int], size: int) -> np.ndarray:
    """Give the middle pixel of each voxel of a plane that stands in the middle of a view."""
    height, width = picture.shape[:2]
    rows = height / 2 + (np.arange(shape[0]) - (shape[0] - 1) / 2) * size
    columns = width / 2 + (np.arange(shape[1]) - (shape[1] - 1) / 2) * size
    return picture[np.ix_(rows.astype(int), columns.astype(int))][..., 0]


def test_each_plane_shows_the_arrays_own_values(views) -> None:
    """F1: planes are cut from the one array, voxel for voxel."""
    voxels = noise()
    views.show_array(voxels)
    for view, plane in (
        ("axial", voxels[6]),
        ("coronal", voxels[::-1, 20, :]),
        ("sagittal", voxels[::-1, :, 24]),
    ):
        exact(views, view, 5)
        assert (block(views.pixels(view), plane.shape, 5) == plane).all(), view


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1), (1, -1, 1), (-1, -1, -1)])
def test_patients_sides_stand_where_radiologists_expect_them(views, flips) -> None:
    """V: right on the left, anterior up, head up, however the axes of the file run."""
    voxels = np.zeros((20, 20, 20), np.uint8)
    corner = [slice(0, 6) if flip > 0 else slice(14, 20) for flip in flips]
    voxels[corner[2], corner[1], corner[0]] = 255  # right, anterior, inferior
    affine = np.diag([*map(float, flips), 1.0])
    affine[:3, 3] = [0.0 if flip > 0 else 19.0 for flip in flips]
    views.show_array(voxels, affine)
    views.bare()
    views.workspace.change(crosshair_lps=(2.0, 2.0, 2.0))
    for view, quarter in (("axial", (0, 0)), ("coronal", (1, 0)), ("sagittal", (1, 0))):
        light = views.pixels(view)[30:-30, 30:-30].mean(axis=2)
        halves = [np.array_split(part, 2, axis=1) for part in np.array_split(light, 2, axis=0)]
        sums = np.array([[half.sum() for half in row] for row in halves])
        assert divmod(int(sums.argmax()), 2) == quarter, view
        assert sums.max() > 0.9 * sums.sum()


def test_the_wheel_steps_one_slice_and_ten_with_shift(views) -> None:
    voxels = noise((30, 20, 20))
    views.show_array(voxels)
    exact(views, "axial", 5)
    axial = views.view("axial")
    wheel(axial, -1)
    assert (block(views.pixels("axial"), (20, 20), 5) == voxels[16]).all()
    wheel(axial, 3)
    assert (block(views.pixels("axial"), (20, 20), 5) == voxels[13]).all()
    wheel(axial, 1, modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert (block(views.pixels("axial"), (20, 20), 5) == voxels[3]).all()
    wheel(axial, 20)
    assert (block(views.pixels("axial"), (20, 20), 5) == voxels[0]).all()


def test_a_gantry_tilt_is_drawn_sheared(views) -> None:
    """Facts 4.2: an upright rod in a tilted series is upright in the sagittal view."""
    tilt = 0.3
    voxels = np.zeros((40, 60, 20), np.uint8)
    for k in range(40):
        voxels[k, round(30 - tilt * k + 6)] = 255
    affine = np.eye(4)
    affine[:3, 2] = (0.0, tilt, 1.0)  # the step between slices leans
    views.show_array(voxels, affine)
    views.bare(interpolation="nearest")
    picture = views.pixels("sagittal").max(axis=2) > 128
    rows = np.flatnonzero(picture.any(axis=1))
    rows = rows[(rows > 40) & (rows < picture.shape[0] - 40)]
    middles = [np.flatnonzero(picture[row]).mean() for row in rows]
    voxel_px = picture[rows[0]].sum()
    assert np.ptp(middles) <= 1.2 * voxel_px, "the rod leans"
    assert len(rows) > 100


def test_padding_is_black_whatever_the_window(views) -> None:
    voxels = np.full((8, 20, 20), 200, np.int16)
    voxels[:, :10] = -2000
    views.show_array(voxels, padding=(-2000.0, -2000.0))
    views.bare(window=10.0, level=-3000.0, interpolation="nearest")
    middle = views.centre("axial")
    assert middle[: len(middle) // 2 - 8].max() == 0
    assert middle[len(middle) // 2 + 8 :].min() == 255


def test_monochrome1_and_the_users_inversion_cancel_out(views) -> None:
    voxels = noise()
    views.show_array(voxels, inverted=True)
    exact(views, "axial", 5)
    assert (block(views.pixels("axial"), (40, 48), 5) == 255 - voxels[6]).all()
    views.workspace.change(inverted=True)
    assert (block(views.pixels("axial"), (40, 48), 5) == voxels[6]).all()


# -- what is not there, or not all of it ---------------------------------------------------------


class Gate:
    """Let a source read only the slices that were named."""

    def __init__(self, *slices: int) -> None:
        self._let = set(slices)
        self._changed = threading.Condition()

    def __call__(self, request: loading.Request) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._let or request.chunk.index in self._let, 60)

    def open(self) -> None:
        with self._changed:
            self._let = set()
            self._changed.notify_all()


def gated(voxels: np.ndarray, gate: Gate, **changes) -> ArraySource:
    spec = volume_spec(voxels, **changes)
    return ArraySource(spec, voxels[np.newaxis], has_coarse=False, before=gate)


def test_empty_slices_are_black_even_where_zero_is_white(views) -> None:
    """F5: a voxel without data is never drawn as a value."""
    voxels = np.full((9, 20, 20), 255, np.uint8)
    gate = Gate(99)
    views.show(gated(voxels, gate), wait=False)
    views.bare(window=10.0, level=-300.0)  # every value is white, and so would zero be
    pump(0.3)
    for view in ("axial", "coronal", "sagittal"):
        assert views.centre(view).max() == 0, view
    gate.open()
    views.settle()
    for view in ("axial", "coronal", "sagittal"):
        assert views.centre(view).min() == 255, view


def test_a_slice_that_is_not_there_yet_says_so_in_words(views) -> None:
    """V1: what is untrue is written into the picture, and goes when it is true."""
    gate = Gate(99)
    views.show(gated(noise(), gate), wait=False)
    views.workspace.change(crosshair_visible=False)
    pump_until(lambda: near(views.pixels("axial")[-30:, :120], AMBER, 60).sum() > 20)
    gate.open()
    views.settle()
    corner = views.pixels("axial")[-30:, :40]
    assert near(corner, AMBER, 60).sum() == 0


def test_a_borrowed_slice_shows_its_neighbours_pixels_and_says_it(views) -> None:
    """C2: nearest delivered slice wins; its value is read with a mark."""
    voxels = noise((9, 40, 48))
    budget = threading.Semaphore(3)  # three slices are read, then the line is dead

    def spend(_request):
        budget.acquire(timeout=60)

    source = ArraySource(
        volume_spec(voxels),
        voxels[np.newaxis],
        has_coarse=False,
        before=spend,
        delay_s=0.15,
    )
    volume = views.show(source, wait=False, workers=1)
    exact(views, "axial", 5)
    borrowed = -1

    def found() -> bool:
        nonlocal borrowed
        content = volume.qualities().content
        there = np.flatnonzero((content >= 0) & (content != np.arange(9)))
        borrowed = int(there[0]) if there.size else -1
        return borrowed >= 0 and len(source.requests) == 4

    pump_until(found)
    views.workspace.go_to_slice(borrowed)
    lender = int(volume.qualities().content[borrowed])
    pump_until(lambda: (block(views.pixels("axial"), (40, 48), 5) == voxels[lender]).all())
    assert near(views.pixels("axial")[-30:, :160], AMBER, 60).sum() > 20
    texts: list[str] = []
    views.workspace.pointer_text.connect(texts.append)
    axial = views.view("axial")
    move(axial, QPointF(axial.rect().center()))
    assert "   ~" in texts[-1]
    budget.release(100)
    views.settle()
    assert (block(views.pixels("axial"), (40, 48), 5) == voxels[borrowed]).all()
    move(axial, QPointF(axial.rect().center() + QPoint(1, 1)))
    assert "~" not in texts[-1]


def test_missing_and_unreadable_slices_are_hatched_in_every_view(views) -> None:
    """E1, V2: absent is hatched amber, unreadable red, in the plane and as bands across it."""
    voxels = np.full((15, 30, 30), 90, np.int16)
    spec = volume_spec(voxels, absent=frozenset({4}), windows=(loading.Window(500.0, 20.0),))
    source = ArraySource(spec, voxels[np.newaxis], has_coarse=False, failures={10: -1})
    views.show(source)
    views.bare()
    for k, colour, other in ((4, AMBER, RED), (10, RED, AMBER)):
        views.workspace.change(active_view="axial")
        views.workspace.go_to_slice(k)
        hatched = views.centre("axial").astype(int)
        strength = hatched.max(axis=(0, 1))
        wanted, rest = (np.array(c) * 0.35 for c in (colour, other))
        assert np.abs(strength - wanted).max() < 12
        assert np.abs(strength - rest).max() > 12
        lines = hatched.max(axis=2) > 40
        assert 0.15 < lines.mean() < 0.75, "lines with gaps"
        # at 45 degrees: the next row is the same pattern, one pixel to the left
        assert (lines[1:-1, :-1] == lines[:-2, 1:]).mean() > 0.95
    for view in ("coronal", "sagittal"):
        rows = views.centre(view).astype(int)
        amber = (rows[..., 0] - rows[..., 2] > 20) & (rows[..., 1] > rows[..., 2] + 12)
        red = (rows[..., 0] - rows[..., 1] > 20) & ~amber
        assert amber.any(axis=1).sum() > 5, view
        assert red.any(axis=1).sum() > 5, view
        assert amber.any(axis=1).argmax() > red.any(axis=1).argmax(), "slice 4 lies below 10"


def test_smoothing_never_mixes_in_a_missing_plane(views) -> None:
    """F5: between a slice and a gap there is nothing to interpolate with."""
    voxels = np.full((9, 24, 24), 200, np.uint8)
    spec = volume_spec(voxels, absent=frozenset({4}))
    volume = views.show(ArraySource(spec, voxels[np.newaxis], has_coarse=False))
    volume.array[4] = 0  # whatever lies in that memory
    views.bare(interpolation="linear")
    picture = views.centre("coronal")[:, :, 2]
    column = picture[:, picture.shape[1] // 2]
    inside = column[(column < 100)]
    assert set(column.tolist()) - set(inside.tolist()) == {200}, "a value between 0 and 200"
    assert inside.size > 5


# -- hands ---------------------------------------------------------------------------------------


def test_left_drag_is_window_and_level(views) -> None:
    ramp = np.tile(np.arange(240, dtype=np.uint8), (8, 60, 1))
    views.show_array(ramp, windows=(loading.Window(120.0, 100.0, function="LINEAR_EXACT"),))
    views.bare()
    axial = views.view("axial")
    before = views.centre("axial")[:, :, 0].astype(int)
    drag(axial, (200, 150), (200, 90))
    brighter = views.centre("axial")[:, :, 0].astype(int)
    assert brighter.mean() > before.mean() + 5, "up is brighter"
    views.workspace.undo()
    assert (views.centre("axial")[:, :, 0] == before).all(), "one drag is one step"
    drag(axial, (140, 150), (300, 150))
    softer = views.centre("axial")[:, :, 0].astype(int)
    middle = len(before) // 2
    steep = np.abs(np.diff(before[middle])).max()
    assert np.abs(np.diff(softer[middle])).max() < steep, "right is wider"


def test_a_click_puts_the_crosshair_there_in_all_planes(views) -> None:
    views.show_array(noise((40, 40, 40)))
    views.workspace.change(text_visible=False)
    axial = views.view("axial")
    QTest.mouseClick(axial, LEFT, pos=QPoint(120, 90))
    picture = views.pixels("axial")
    sagittal_line = near(picture, (0xE8, 0xCC, 0x55), 12).sum(axis=0)
    coronal_line = near(picture, (0x78, 0xC2, 0x67), 12).sum(axis=1)
    assert abs(int(sagittal_line.argmax()) - 120) <= 1
    assert abs(int(coronal_line.argmax()) - 90) <= 1
    k, count = views.workspace.slice_position("coronal")
    moved = near(views.pixels("sagittal"), (0x78, 0xC2, 0x67), 12).sum(axis=0).argmax()
    width = views.view("sagittal").width()
    scale = min(width, views.view("sagittal").height()) * 0.96 / 40
    assert abs(moved - (width / 2 + (k - (count - 1) / 2) * scale)) <= scale


def test_dragging_a_line_moves_its_plane_alone(views) -> None:
    views.show_array(noise((40, 40, 40)))
    views.workspace.change(text_visible=False)
    axial = views.view("axial")
    line = near(views.pixels("axial"), (0xE8, 0xCC, 0x55), 12).sum(axis=0).argmax()
    before = {view: views.workspace.slice_position(view) for view in ("axial", "coronal")}
    drag(axial, (line, 60), (line + 50, 80))
    after = near(views.pixels("axial"), (0xE8, 0xCC, 0x55), 12).sum(axis=0).argmax()
    assert abs(after - line - 50) <= 2
    assert before == {view: views.workspace.slice_position(view) for view in before}


def test_right_drag_zooms_about_the_point_where_it_began(views) -> None:
    voxels = np.zeros((9, 60, 60), np.uint8)
    voxels[:, 20:23, 40:43] = 255
    views.show_array(voxels)
    views.bare(interpolation="nearest")
    spot = np.argwhere(views.pixels("axial")[30:-30, :, 0] > 128).mean(axis=0) + np.array((30, 0))
    size = (views.pixels("axial")[30:-30, :, 0] > 128).sum()
    drag(views.view("axial"), (spot[1], spot[0]), (spot[1], spot[0] - 80), RIGHT)
    after = np.argwhere(views.pixels("axial")[30:-30, :, 0] > 128).mean(axis=0) + np.array((30, 0))
    assert np.abs(after - spot).max() < 3
    assert (views.pixels("axial")[30:-30, :, 0] > 128).sum() > 2 * size, "up is in"


def test_double_click_shows_a_view_alone_and_back(views) -> None:
    views.show_array(noise())
    coronal = views.view("coronal")
    small = coronal.size()
    QTest.mouseDClick(coronal, LEFT, pos=QPoint(100, 100))
    assert coronal.width() == views.workspace.width()
    assert not views.view("axial").isVisible()
    QTest.mouseDClick(coronal, LEFT, pos=QPoint(300, 300))
    assert coronal.size() == small
    assert views.view("axial").isVisible()


def test_gaps_can_be_dragged_and_a_double_click_evens_them(views) -> None:
    views.show_array(noise())
    grid = views.view("axial").parentWidget()
    at = QPoint(views.view("axial").width() + 1, 60)
    handle = grid.childAt(at)
    drag(handle, (4, 60), (104, 60), steps=1)
    assert abs(views.view("axial").width() - (at.x() + 100)) <= 5
    QTest.mouseDClick(handle, LEFT, pos=QPoint(4, 60))
    assert abs(views.view("axial").width() - views.view("volume").width()) <= 1


def test_what_comes_on_the_screen_is_read_next(views) -> None:
    """P5, Y1: a scroll re-orders what is still to be read."""
    voxels = noise((40, 20, 20))
    gate = Gate(99)
    source = gated(voxels, gate)
    views.show(source, wait=False, workers=2)
    pump_until(lambda: len(source.requests) == 2)
    wheel(views.view("axial"), -9)
    k, _ = views.workspace.slice_position("axial")
    gate.open()
    views.settle()
    asked = [request.chunk.index for request in source.requests]
    assert asked.index(k) <= 3, "the slice on the screen waited behind others"


def test_the_value_under_the_pointer_is_the_meant_one(views) -> None:
    voxels = np.zeros((9, 30, 30), np.int16)
    voxels[4, 15, 15] = 1064
    spec = volume_spec(
        voxels,
        unit="HU",
        modality="CT",
        value_map=loading.ValueMap(1.0, -1024.0),
        absent=frozenset({2}),
    )
    views.show(ArraySource(spec, voxels[np.newaxis], has_coarse=False))
    texts: list[str] = []
    views.workspace.pointer_text.connect(texts.append)
    axial = views.view("axial")
    scale = min(axial.width(), axial.height()) * 0.96 / 30
    middle = QPointF(axial.width() / 2, axial.height() / 2)
    move(axial, middle + QPointF(0.5, 0.5) * scale)
    assert texts[-1] == "x 15.0 L  y 15.0 P  z 4.0 S mm   40 HU"
    wheel(axial, 2)
    move(axial, middle)
    assert texts[-1].endswith("mm   -"), "a missing slice has no value"
    QTest.mouseMove(views.view("volume"), QPoint(2, 2))


def test_region_sets_the_window_to_its_mean_and_spread(views) -> None:
    voxels = np.zeros((9, 40, 40), np.uint8)
    voxels[:, 10:30, 10:20], voxels[:, 10:30, 20:30] = 90, 110
    views.show_array(voxels)
    axial = views.view("axial")
    scale = min(axial.width(), axial.height()) * 0.96 / 40
    x, y, half = axial.width() / 2, axial.height() / 2, 8 * scale
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    drag(axial, (x - half, y - half), (x + half, y + half), modifiers=both)
    views.bare(interpolation="nearest")
    left, right = (views.pixels("axial")[int(y), int(x + dx * scale), 0] for dx in (-5, 5))
    # mean 100, SD 10: the window runs from 80 to 120, 90 and 110 lie at a quarter of it
    assert abs(int(left) - 64) <= 8
    assert abs(int(right) - 191) <= 8


def test_pet_in_suv_moves_only_the_upper_end(views) -> None:
    """Window 6: the lower end of a PET window stays where it is."""
    voxels = np.tile(np.linspace(0, 10, 64, dtype=np.float32), (8, 64, 1))
    window = loading.Window(center=5.0, width=10.0, function="LINEAR_EXACT")
    views.show_array(voxels, modality="PT", unit="g/ml", windows=(window,))
    views.bare()
    drag(views.view("axial"), (150, 150), (150, 90))
    state = views.workspace.state
    assert state.level - state.window / 2 == pytest.approx(0.0, abs=1e-6)
    assert state.window < 10.0, "up is brighter"


HIGH_DPI = """
import numpy as np
from PySide6.QtWidgets import QApplication
application = QApplication([])
from tests.helpers.views import open_views
from tests.windows.test_views_slices import block, exact, noise
with open_views(size=(402, 302)) as views:
    voxels = noise()
    views.show_array(voxels)
    assert views.workspace.devicePixelRatioF() == 2.0
    for view, plane in (("axial", voxels[6]), ("coronal", voxels[::-1, 20, :])):
        exact(views, view, 4)
        assert (block(views.pixels(view), plane.shape, 4) == plane).all(), view
print("sharp")
"""


def test_fine_screens_get_their_own_pixels(display) -> None:
    """Window 11: at scale 2 a voxel still takes exactly the pixels it should."""
    done = subprocess.run(
        [sys.executable, "-c", HIGH_DPI],
        env={**os.environ, "QT_SCALE_FACTOR": "2", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.stdout.strip() == "sharp", done.stderr[-2000:]
