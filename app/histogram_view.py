"""The histogram of what has arrived, with the grey ramp over it; its ends can be dragged."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.language import tr
from app.theme import current_theme

_REACH_PX = 14
_MARGIN = 6.0


class HistogramView(QWidget):
    """Show counts of values and the window; all numbers are meant values.

    `dragged` brings window and level while an end, or the ramp between them, is moved; `gesture`
    is another object for each drag.
    """

    accessible_role = QAccessible.Role.Graphic

    dragged = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(240, 72)
        self.setAccessibleName(tr("Histogram with the window"))
        self.setMouseTracking(True)
        self._heights: list[float] = []
        self._low, self._high = 0.0, 1.0
        self._window, self._level = 1.0, 0.5
        self._inverted = False
        self._held = ""
        self._grip = 0.0
        self.gesture = object()

    def sizeHint(self) -> QSize:
        """Give the one size it has."""
        return QSize(240, 72)

    def show_counts(self, counts: Sequence[int], low: float, high: float) -> None:
        """Show how often values between `low` and `high` occur, in equal bins."""
        # the fourth root keeps tissue visible beside a background a thousand times more frequent
        roots = [float(count) ** 0.25 for count in counts]
        top = max(roots, default=0.0)
        self._heights = [value / top for value in roots] if top else []
        self._low, self._high = low, max(high, low + 1e-9)
        self.update()

    def show_window(self, window: float, level: float, *, inverted: bool) -> None:
        """Show the ramp."""
        self._window, self._level, self._inverted = window, level, inverted
        self.update()

    @property
    def ends(self) -> tuple[float, float]:
        """Give the values at which the ramp starts and ends."""
        return self._level - self._window / 2, self._level + self._window / 2

    def x_of(self, value: float) -> float:
        """Give the place of a value, kept inside the picture."""
        share = (value - self._low) / (self._high - self._low)
        return _MARGIN + min(1.0, max(0.0, share)) * (self.width() - 2 * _MARGIN)

    def value_at(self, x: float) -> float:
        """Give the value at a place."""
        share = (x - _MARGIN) / (self.width() - 2 * _MARGIN)
        return self._low + share * (self._high - self._low)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw ground, counts and ramp."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.setBrush(QColor(theme.window))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        self._draw_counts(painter)
        self._draw_ramp(painter)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of what lies under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = self._part_at(event.position().x())
            self.gesture = object()
            self._grip = self.value_at(event.position().x()) - self._level

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move what is held."""
        x = event.position().x()
        if not self._held:
            part = self._part_at(x)
            shape = Qt.CursorShape.SizeHorCursor if part else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)
            return
        low, high = self.ends
        least = (self._high - self._low) / 1000
        value = self.value_at(x)
        if self._held == "low":
            low = min(value, high - least)
        elif self._held == "high":
            high = max(value, low + least)
        else:
            half = (high - low) / 2
            low, high = value - self._grip - half, value - self._grip + half
        self.dragged.emit(high - low, (low + high) / 2)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._held = ""

    def _part_at(self, x: float) -> str:
        low, high = (self.x_of(end) for end in self.ends)
        near_low, near_high = abs(x - low), abs(x - high)
        if min(near_low, near_high) <= _REACH_PX:
            # where both ends lie on one spot, the side of the pointer decides
            if near_low == near_high:
                return "low" if x < low else "high"
            return "low" if near_low < near_high else "high"
        return "both" if low < x < high else ""

    def _draw_counts(self, painter: QPainter) -> None:
        if not self._heights:
            return
        bottom, height = self.height() - _MARGIN, self.height() - 2 * _MARGIN
        wide = (self.width() - 2 * _MARGIN) / len(self._heights)
        shape = QPolygonF([QPointF(_MARGIN, bottom)])
        for place, share in enumerate(self._heights):
            y = bottom - share * height
            shape.append(QPointF(_MARGIN + place * wide, y))
            shape.append(QPointF(_MARGIN + (place + 1) * wide, y))
        shape.append(QPointF(self.width() - _MARGIN, bottom))
        fill = QColor(current_theme().disabled)
        fill.setAlphaF(0.55)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(shape)

    def _draw_ramp(self, painter: QPainter) -> None:
        theme = current_theme()
        accent = QColor(theme.accent if self.isEnabled() else theme.disabled)
        low, high = (self.x_of(end) for end in self.ends)
        top, bottom = _MARGIN, self.height() - _MARGIN
        dark, light = (top, bottom) if self._inverted else (bottom, top)
        painter.setPen(QPen(accent, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(
            QPolygonF(
                [
                    QPointF(_MARGIN, dark),
                    QPointF(low, dark),
                    QPointF(high, light),
                    QPointF(self.width() - _MARGIN, light),
                ]
            )
        )
        painter.setPen(QPen(QColor(current_theme().panel), 1.5))
        painter.setBrush(accent)
        for x, y in ((low, dark), (high, light)):
            painter.drawEllipse(QPointF(x, y), 5, 5)
