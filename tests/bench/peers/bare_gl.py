"""Floor: a window of four QOpenGLWidgets that clear and swap. Imports nothing of ours.

An event is posted to the first widget; all four take the next colour; the time ends when the
screen shows it. Prints milliseconds of every event as {"wheel_ms": [...], "drag_ms": [...]}.

usage: bare_gl.py WIDTH HEIGHT EVENTS
"""

from __future__ import annotations

import json
import sys
import time
from typing import ClassVar

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QSurfaceFormat, QWheelEvent
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

TIMEOUT_S = 5.0


class Cell(QOpenGLWidget):
    """Fill with one colour; an event gives all cells the next."""

    cells: ClassVar[list[Cell]] = []
    step = 0

    def __init__(self) -> None:
        super().__init__()
        Cell.cells.append(self)

    def paintGL(self) -> None:
        gl = self.context().functions()
        gl.glClearColor((Cell.step * 37 % 256) / 255, 0.3, 0.5, 1.0)
        gl.glClear(0x4000)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        self._next()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._next()

    def _next(self) -> None:
        Cell.step += 1
        for cell in Cell.cells:
            cell.update()


def wheel(widget: QWidget) -> QWheelEvent:
    centre = QPointF(widget.rect().center())
    return QWheelEvent(
        centre,
        widget.mapToGlobal(centre),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


def move(widget: QWidget, number: int) -> QMouseEvent:
    place = QPointF(widget.rect().center()) + QPointF(number % 50, 0)
    return QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        widget.mapToGlobal(place),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )


def seen(widget: QWidget) -> int:
    at = widget.mapToGlobal(widget.rect().center())
    return widget.screen().grabWindow(0, at.x(), at.y(), 1, 1).toImage().pixel(0, 0)


def timed(widget: QWidget, event: QEvent) -> float:
    before, start = seen(widget), time.perf_counter()
    QCoreApplication.postEvent(widget, event)
    while seen(widget) == before:
        QApplication.processEvents()
        if time.perf_counter() > start + TIMEOUT_S:
            raise TimeoutError("the screen did not change")
    return (time.perf_counter() - start) * 1000


def main() -> None:
    width, height, count = map(int, sys.argv[1:4])
    form = QSurfaceFormat()
    form.setSwapInterval(0)
    QSurfaceFormat.setDefaultFormat(form)
    application = QApplication(["bare"])
    window = QWidget()
    grid = QGridLayout(window)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(2)
    for number in range(4):
        grid.addWidget(Cell(), number // 2, number % 2)
    window.resize(width, height)
    window.show()
    until = time.perf_counter() + 1.0
    while time.perf_counter() < until:
        application.processEvents()
    print("ready", flush=True)
    sys.stdin.readline()
    first = Cell.cells[0]
    for _ in range(10):
        timed(first, wheel(first))
    result = {
        "wheel_ms": [timed(first, wheel(first)) for _ in range(count)],
        "drag_ms": [timed(first, move(first, n)) for n in range(count)],
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
