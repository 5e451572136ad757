"""The opacity curve of the 3D view, for people who want more than a preset and a shift.

Points are dragged; a double click makes one, or takes one away.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from app.language import tr
from app.theme import current_theme

Points = tuple[tuple[float, float], ...]

_MARGIN = 8.0
_REACH_PX = 12.0
_STEP = 0.02


class OpacityEditor(QWidget):
    """Show opacity by value and let its points be moved; all values are meant values.

    `edited` brings the points while one is moved; `gesture` is another object for each drag.
    Keys: the arrows move the chosen point, Page up and down choose, Insert and Delete make one
    and take it away.
    """

    accessible_role = QAccessible.Role.Graphic

    edited = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(240, 96)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Opacity by value"))
        self.setToolTip(tr("Drag a point. A double click makes one or takes it away."))
        self._points: Points = ()
        self._colours: tuple[tuple[float, int], ...] = ()
        self._low, self._high = 0.0, 1.0
        self._chosen = 0
        self._is_held = False
        self.gesture = object()

    def sizeHint(self) -> QSize:
        """Give the one size it has."""
        return QSize(240, 96)

    def show_range(self, low: float, high: float) -> None:
        """Show values from `low` to `high`."""
        self._low, self._high = low, max(high, low + 1e-9)
        self.update()

    def show_curve(self, points: Points, colours: Sequence[tuple[float, int]]) -> None:
        """Show a curve, ascending in value, and the colours under it."""
        if (points, tuple(colours)) == (self._points, self._colours):
            return
        self._points, self._colours = points, tuple(colours)
        self._chosen = min(self._chosen, max(0, len(points) - 1))
        self._tell_readers()
        self.update()

    # -- places -------------------------------------------------------------------------------

    def place_of(self, point: tuple[float, float]) -> QPointF:
        """Give the place of a point; beyond the range of the data, at the edge."""
        share = (point[0] - self._low) / (self._high - self._low)
        x = _MARGIN + min(1.0, max(0.0, share)) * (self.width() - 2 * _MARGIN)
        return QPointF(x, self.height() - _MARGIN - point[1] * (self.height() - 2 * _MARGIN))

    def _point_at(self, at: QPointF) -> tuple[float, float]:
        share = (at.x() - _MARGIN) / (self.width() - 2 * _MARGIN)
        up = (self.height() - _MARGIN - at.y()) / (self.height() - 2 * _MARGIN)
        value = self._low + min(1.0, max(0.0, share)) * (self._high - self._low)
        return value, min(1.0, max(0.0, up))

    def _near(self, at: QPointF) -> int:
        """Give the point under the pointer, -1 for none."""
        away = [(at - self.place_of(point)).manhattanLength() for point in self._points]
        nearest = min(range(len(away)), key=away.__getitem__, default=-1)
        return nearest if nearest >= 0 and away[nearest] <= _REACH_PX else -1

    # -- editing ------------------------------------------------------------------------------

    def _move(self, number: int, point: tuple[float, float]) -> None:
        """Put a point somewhere, between the ones beside it."""
        points = list(self._points)
        before = points[number - 1][0] if number else float("-inf")
        after = points[number + 1][0] if number + 1 < len(points) else float("inf")
        points[number] = (min(after, max(before, point[0])), min(1.0, max(0.0, point[1])))
        self._take(points)

    def _add(self, point: tuple[float, float]) -> None:
        points = sorted((*self._points, point))
        self._chosen = points.index(point)
        self._take(points)

    def _remove(self, number: int) -> None:
        if len(self._points) > 2:
            self._chosen = max(0, number - 1)
            self._take([one for place, one in enumerate(self._points) if place != number])

    def _take(self, points: Sequence[tuple[float, float]]) -> None:
        self._points = tuple(points)
        self._tell_readers()
        self.update()
        self.edited.emit(self._points)

    def _tell_readers(self) -> None:
        if self._points:
            value, opacity = self._points[self._chosen]
            words = tr("Point {n} of {count}: value {value:.4g}, opacity {opacity:.0f} %")
            self.setAccessibleDescription(words.format(
                n=self._chosen + 1, count=len(self._points), value=value, opacity=100 * opacity
            ))  # fmt: skip

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the point under the pointer."""
        near = self._near(event.position())
        if event.button() == Qt.MouseButton.LeftButton and near >= 0:
            self._chosen, self._is_held = near, True
            self.gesture = object()
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move what is held."""
        if self._is_held:
            self._move(self._chosen, self._point_at(event.position()))
            return
        is_near = self._near(event.position()) >= 0
        self.setCursor(Qt.CursorShape.SizeAllCursor if is_near else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._is_held = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take the point there away, or make one."""
        self._is_held = False
        self.gesture = object()
        near = self._near(event.position())
        if near >= 0:
            self._remove(near)
        else:
            self._add(self._point_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose, move, make and take away by keys."""
        key, step = event.key(), _STEP * (self._high - self._low)
        ways = {
            Qt.Key.Key_Left: (-step, 0.0),
            Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, _STEP),
            Qt.Key.Key_Down: (0.0, -_STEP),
        }
        if not self._points:
            super().keyPressEvent(event)
            return
        value, opacity = self._points[self._chosen]
        if key in ways:
            across, up = ways[Qt.Key(key)]
            self._move(self._chosen, (value + across, opacity + up))
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            onwards = self._chosen + (1 if key == Qt.Key.Key_PageDown else -1)
            self._chosen = min(len(self._points) - 1, max(0, onwards))
            self.gesture = object()
            self._tell_readers()
            self.update()
        elif key == Qt.Key.Key_Insert:
            self._add((value + step, opacity))
        elif key == Qt.Key.Key_Delete:
            self._remove(self._chosen)
        else:
            super().keyPressEvent(event)

    # -- painting -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw ground, colours under the curve, curve and points."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.setBrush(QColor(theme.window))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        if not self._points:
            return
        accent = QColor(theme.accent if self.isEnabled() else theme.disabled)
        left, right = _MARGIN, self.width() - _MARGIN
        places = [self.place_of(point) for point in self._points]
        curve = [QPointF(left, places[0].y()), *places, QPointF(right, places[-1].y())]
        bottom = self.height() - _MARGIN
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._gradient(left, right))
        painter.drawPolygon(QPolygonF([QPointF(left, bottom), *curve, QPointF(right, bottom)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 2))
        painter.drawPolyline(QPolygonF(curve))
        for number, place in enumerate(places):
            is_chosen = number == self._chosen
            painter.setPen(QPen(QColor(theme.text if is_chosen else theme.panel), 1.5))
            painter.setBrush(accent)
            painter.drawEllipse(place, 5, 5)

    def _gradient(self, left: float, right: float) -> QLinearGradient:
        """Give the colours of the preset from left to right."""
        made = QLinearGradient(left, 0, right, 0)
        for value, rgb in self._colours:
            share = (value - self._low) / (self._high - self._low)
            colour = QColor(rgb)
            colour.setAlphaF(0.6 if self.isEnabled() else 0.2)
            made.setColorAt(min(1.0, max(0.0, share)), colour)
        return made
