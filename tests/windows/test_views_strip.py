"""The quality strip: what it shows, where a click leads, when it goes away."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from loading import Window
from tests.helpers.array_source import ArraySource
from tests.helpers.views import (
    LEFT,
    drag,
    near,
    open_views,
    pump,
    pump_until,
    to_array,
    volume_spec,
)

FULL, EMPTY, RED = (0xB4, 0xD8, 0xFF), (0x26, 0x2C, 0x33), (0xFF, 0x7A, 0x6B)


@pytest.fixture
def views(qapp):
    with open_views() as made:
        yield made


def strip_pixels(views) -> np.ndarray:
    return to_array(views.strip.grab().toImage())


def test_a_right_click_asks_for_a_menu(views) -> None:
    voxels = np.zeros((20, 30, 30), np.uint8)
    views.show_array(voxels, absent=frozenset({4}))
    asked: list[str] = []
    views.workspace.context_menu_requested.connect(lambda _, name: asked.append(name))
    at = QPoint(30, 2)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, views.strip.mapToGlobal(at))
    QApplication.sendEvent(views.strip, event)
    assert asked == ["strip"]


def test_it_hides_when_every_slice_is_complete(views) -> None:
    views.show_array(np.zeros((20, 30, 30), np.uint8))
    views.workspace.change(crosshair_visible=False)
    assert views.strip.isVisible()
    before = views.pixels("coronal")
    pump_until(lambda: not views.strip.isVisible())
    assert (views.pixels("coronal") == before).all(), "nothing moves when it goes"


def test_cells_rise_as_slices_arrive(views) -> None:
    voxels = np.zeros((20, 30, 30), np.uint8)
    let_go = threading.Event()

    def before(request) -> None:
        if request.chunk.index >= 5:
            let_go.wait(60)

    spec = volume_spec(voxels)
    source = ArraySource(spec, voxels[np.newaxis], has_coarse=False, before=before)
    volume = views.show(source, wait=False, workers=20)
    pump_until(lambda: volume.progress.full == 5)

    def filled() -> np.ndarray:
        return near(strip_pixels(views)[:1], FULL, 10)[0]

    quarter = len(filled()) // 4
    pump_until(lambda: filled()[: quarter - 2].mean() > 0.95)
    assert filled()[quarter + 2 :].sum() == 0
    let_go.set()
    views.settle()


def test_a_failed_slice_stays_marked_and_the_strip_stays(views) -> None:
    """E2: complete never hides a failure."""
    voxels = np.zeros((20, 30, 30), np.int16)
    spec = volume_spec(voxels, windows=(Window(10.0, 10.0),))
    views.show(ArraySource(spec, voxels[np.newaxis], has_coarse=False, failures={3: -1}))
    pump(2.5)
    assert views.strip.isVisible()
    grabbed = strip_pixels(views)
    marked = np.flatnonzero(near(grabbed[:1], RED, 10)[0])
    width = grabbed.shape[1]
    assert marked.min() >= 3 * width // 20 - 2
    assert marked.max() <= 4 * width // 20 + 2
    assert "could not be read" in views.strip.tooltip_at(3.5 * views.strip.width() / 20)
    assert "19 of 20 slices complete, 1 failed" in views.strip.words()


def test_a_click_goes_to_the_slice_and_a_drag_scrubs(views) -> None:
    voxels = np.zeros((20, 30, 30), np.int16)
    voxels[12] = 255
    views.show(
        ArraySource(volume_spec(voxels), voxels[np.newaxis], has_coarse=False, failures={3: -1})
    )
    views.bare(interpolation="nearest")
    assert views.centre("axial").max() == 0
    strip = views.strip
    QTest.mouseClick(strip, LEFT, pos=QPoint(round(12.5 * strip.width() / 20), 2))
    assert views.centre("axial").min() == 255
    drag(strip, (12.5 * strip.width() / 20, 2), (7.5 * strip.width() / 20, 2))
    assert views.workspace.slice_position("axial") == (7, 20)
    assert views.centre("axial").max() == 0
