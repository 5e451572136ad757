"""Real views over real loads of volumes made in memory, and their pixels as arrays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

import loading
from loading.spec import Level, VolumeSpec
from tests.helpers.array_source import ArraySource
from viewer.workspace import Workspace

TIMEOUT_S = 60.0
LEFT, MIDDLE, RIGHT = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.RightButton,
)
NONE = Qt.KeyboardModifier.NoModifier


def volume_spec(voxels: np.ndarray, affine: np.ndarray | None = None, **changes) -> VolumeSpec:
    """Describe an array [k,j,i]; 1 mm voxels, axial, unless told otherwise."""
    affine = np.eye(4) if affine is None else np.asarray(affine, float)
    level = Level(voxels.shape, affine, (1, *voxels.shape[1:]))
    fields = {
        "key": "views",
        "label": "views",
        "modality": "OT",
        "unit": "",
        "levels": (level,),
        "dtype": voxels.dtype,
        "windows": (loading.Window(center=127.5, width=255.0, function="LINEAR_EXACT"),),
    }
    return VolumeSpec(**{**fields, **changes})


def pump_until(ready: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Run the event loop until something holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < deadline, "it did not happen in time"
        QApplication.processEvents()
        time.sleep(0.002)
    QApplication.processEvents()


def pump(seconds: float) -> None:
    """Run the event loop for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        QApplication.processEvents()
        time.sleep(0.002)


class Views:
    """A workspace in a window, with the volume it shows."""

    def __init__(
        self, size: tuple[int, int] = (804, 604), *, gl_widget: bool | None = False
    ) -> None:
        self.workspace = Workspace(gl_widget=gl_widget)
        self.workspace.resize(*size)
        self.workspace.show()
        QTest.qWaitForWindowExposed(self.workspace)
        self.volume: loading.OpenVolume | None = None

    def show(
        self, source: ArraySource, *, wait: bool = True, workers: int | None = None
    ) -> loading.OpenVolume:
        """Open a source and show it, by default until everything has arrived."""
        self.volume = loading.open_entry(source.entry(), worker_count=workers)
        self.workspace.show_volume(self.volume)
        if wait:
            self.settle()
        return self.volume

    def show_array(
        self, voxels: np.ndarray, affine: np.ndarray | None = None, **changes
    ) -> loading.OpenVolume:
        """Open an array and show it."""
        spec = volume_spec(voxels, affine, **changes)
        return self.show(ArraySource(spec, voxels[np.newaxis], has_coarse=False))

    def settle(self) -> None:
        """Wait until the load is over and the views have taken it in."""
        volume = self.volume
        assert volume is not None
        pump_until(lambda: volume.state.is_over)
        pump_until(lambda: self.workspace._model.is_settled)

    def view(self, name: str) -> QWidget:
        """Give the widget of a view, by the name that screen readers' tools find it by."""
        widget = self.workspace.findChild(QWidget, f"view-{name}")
        assert widget is not None
        return widget

    @property
    def strip(self) -> QWidget:
        """Give the quality strip."""
        widget = self.workspace.findChild(QWidget, "quality-strip")
        assert widget is not None
        return widget

    def bare(self, **changes) -> None:
        """Take everything off the pictures that is not picture, and change more."""
        self.workspace.change(text_visible=False, crosshair_visible=False, **changes)
        QApplication.processEvents()

    def pixels(self, name: str) -> np.ndarray:
        """Grab what a view shows on the screen, [y, x, rgb]."""
        QApplication.processEvents()
        return to_array(self.view(name).grab().toImage())

    def centre(self, name: str) -> np.ndarray:
        """Grab the middle half of a view, where no text stands."""
        picture = self.pixels(name)
        height, width = picture.shape[:2]
        return picture[height // 4 : -height // 4, width // 4 : -width // 4]

    def close(self) -> None:
        """End everything."""
        self.workspace.show_volume(None)
        self.workspace.shut_down()
        self.workspace.close()
        self.workspace.deleteLater()
        if self.volume is not None:
            self.volume.close()
        QApplication.processEvents()


@contextmanager
def open_views(**settings) -> Iterator[Views]:
    """Give views that are closed at the end."""
    views = Views(**settings)
    try:
        yield views
    finally:
        views.close()


def to_array(image: QImage) -> np.ndarray:
    """Copy a picture into an array, [y, x, rgb]."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    height, width, stride = image.height(), image.width(), image.bytesPerLine()
    flat = np.frombuffer(image.constBits(), np.uint8, height * stride)
    return flat.reshape(height, stride)[:, : 3 * width].reshape(height, width, 3).copy()


def drag(
    widget: QWidget,
    start: tuple[float, float],
    end: tuple[float, float],
    button: Qt.MouseButton = LEFT,
    modifiers: Qt.KeyboardModifier = NONE,
    steps: int = 8,
) -> None:
    """Press, move in steps and let go, as a hand does."""
    first, last = QPoint(*map(round, start)), QPoint(*map(round, end))
    QTest.mousePress(widget, button, modifiers, first)
    for n in range(1, steps + 1):
        at = QPointF(first) + QPointF(last - first) * n / steps
        move(widget, at, button, modifiers)
    QTest.mouseRelease(widget, button, modifiers, last)
    QApplication.processEvents()


def move(
    widget: QWidget,
    at: QPointF,
    buttons: Qt.MouseButton = Qt.MouseButton.NoButton,
    modifiers: Qt.KeyboardModifier = NONE,
) -> None:
    """Move the pointer; QTest's own move knows neither buttons nor modifiers."""
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        Qt.MouseButton.NoButton,
        buttons,
        modifiers,
    )
    QApplication.sendEvent(widget, event)
    QApplication.processEvents()


def wheel(
    widget: QWidget,
    notches: int,
    at: tuple[float, float] | None = None,
    modifiers: Qt.KeyboardModifier = NONE,
) -> None:
    """Turn the wheel; positive is away from the person."""
    where = QPointF(widget.rect().center()) if at is None else QPointF(*at)
    for _ in range(abs(notches)):
        event = QWheelEvent(
            where,
            QPointF(widget.mapToGlobal(where.toPoint())),
            QPoint(0, 0),
            QPoint(0, 120 if notches > 0 else -120),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)
    QApplication.processEvents()


def near(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 40) -> np.ndarray:
    """Tell which pixels have about this colour, [y, x]."""
    away = np.abs(picture.astype(int) - np.array(colour)).max(axis=2)
    return away <= tolerance
