"""Open the real window in a test, wait for it, act on it by real events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PySide6
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.main_window import MainWindow

LONG_S = 60.0
"""A time-out, not a measurement: a slow machine is no failure."""


def wait_until(is_so: Callable[[], bool], what: str = "it", timeout_s: float = LONG_S) -> None:
    """Run the event loop until something is so; fail with its name when it never is."""
    ends = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > ends:
            raise AssertionError(f"{what} did not happen within {timeout_s:g} s")
        QTest.qWait(10)


@contextmanager
def main_window(size: tuple[int, int] = (1280, 800), *, views: bool = True) -> Iterator[MainWindow]:
    """Give the window as the program makes it, without its command line; close it afterwards."""
    window = MainWindow()
    window.resize(*size)
    window.move(0, 0)
    window.show()
    assert QTest.qWaitForWindowExposed(window)
    # without a window manager nobody else makes it active, and shortcuts need that
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    if views:
        window.prepare_views()
    try:
        yield window
    finally:
        window.close()
        assert window.session.join(10.0), "a thread of the session did not end"
        window.deleteLater()
        QApplication.sendPostedEvents(window)
        QTest.qWait(0)


def open_and_wait(window: MainWindow, *paths: Path) -> None:
    """Drop paths on the window and wait until everything has been read and drawn."""
    drop(window, *paths)
    wait_until(lambda: is_complete(window), "the load")


def open_beside(window: MainWindow, *paths: Path) -> None:
    """Drop paths on the right of the window and wait until everything has been read and drawn."""
    drop(window, *paths, at=QPoint(window.width() - 40, window.height() // 2))
    wait_until(lambda: is_complete(window), "the load beside")


def is_complete(window: MainWindow) -> bool:
    """Tell whether all is opened and loaded, and views and status line have seen that it is."""
    session = window.session
    if session.is_opening or not all(volume.state.is_over for volume in session.volumes):
        return False
    workspaces = window.columns.workspaces if window.columns is not None else []
    has_seen = all(views._model.is_settled for views in workspaces)
    return has_seen and not window.teller.is_following


def drag_enter(place: QPoint, data: QMimeData) -> QDragEnterEvent:
    """Make the event of a drag that comes over a window."""
    # Qt 6.12 takes exact points and warns of the others; before, there were only the others.
    exact: Any = QPointF(place) if PySide6.__version_info__ >= (6, 12) else place
    left, no_keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    return QDragEnterEvent(exact, Qt.DropAction.CopyAction, data, left, no_keys)


def drop(window: MainWindow, *paths: Path, at: QPoint | None = None) -> None:
    """Drop files on the window, its middle unless told, as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    middle = window.rect().center() if at is None else at
    left, no_keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    enter = drag_enter(middle, data)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    event = QDropEvent(QPointF(middle), copy, data, left, no_keys)
    QApplication.sendEvent(window, event)
    assert event.isAccepted()


def press(window: MainWindow, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    """Press a key, as the window system reports it."""
    keys = Qt.KeyboardModifier.NoModifier
    for one in modifiers:
        keys |= one
    QTest.keyClick(window.windowHandle(), key, keys)
    QTest.qWait(20)


def click(widget: QWidget, at: QPoint | None = None) -> None:
    """Click a widget, in its middle unless told."""
    QTest.mouseClick(
        widget,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        widget.rect().center() if at is None else at,
    )
    QTest.qWait(20)


def drag(
    widget: QWidget,
    start: QPoint,
    away: QPoint,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
) -> None:
    """Drag with a button held, as the window system reports it."""
    window, no_keys = widget.window(), Qt.KeyboardModifier.NoModifier
    handle = window.windowHandle()
    first = widget.mapTo(window, start)
    QTest.mousePress(handle, button, no_keys, first)
    for step in range(1, 9):
        QTest.mouseMove(handle, first + away * step / 8)
        QTest.qWait(5)
    QTest.mouseRelease(handle, button, no_keys, first + away)
    QTest.qWait(20)


def grab(widget: QWidget) -> QImage:
    """Take a picture of a widget, one pixel to one."""
    return widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def brightness(picture: QImage) -> float:
    """Give the mean grey of a picture, 0 to 255."""
    small = picture.scaled(
        32, 32, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    values = [small.pixelColor(x, y).lightness() for x in range(32) for y in range(32)]
    return sum(values) / len(values)


def differs(first: QImage, second: QImage, least: int = 24) -> int:
    """Count pixels, of every fourth, that differ by more than `least` in one channel.

    Pictures of different sizes are compared where they overlap: the views grow by two pixels when
    the quality strip goes.
    """
    size = first.size().boundedTo(second.size())
    count = 0
    for y in range(0, size.height(), 2):
        for x in range(0, size.width(), 2):
            a, b = first.pixelColor(x, y), second.pixelColor(x, y)
            away = max(abs(a.red() - b.red()), abs(a.green() - b.green()), abs(a.blue() - b.blue()))
            count += away > least
    return count
