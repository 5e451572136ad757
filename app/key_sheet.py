"""The keyboard sheet (F1): every key there is; typing filters, any other key closes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.language import tr
from app.theme import BODY_PX, SECTION_PX, TITLE_PX, body_font, current_theme
from app.widgets import above

_COLUMNS = 4
_LINE = 22


class KeyRow(NamedTuple):
    """One line of the sheet."""

    group: str
    title: str
    keys: str


class KeySheet(QWidget):
    """A translucent sheet over the whole window."""

    accessible_role = QAccessible.Role.Dialog

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("no_ring", True)
        self.setAccessibleName(tr("Keyboard sheet"))
        self._rows: list[KeyRow] = []
        self._filter = ""
        self.hide()

    def open(self, rows: Sequence[KeyRow]) -> None:
        """Show these keys."""
        self._rows = list(rows)
        self._filter = ""
        self.setGeometry(above(self).rect())
        self.setAccessibleDescription("; ".join(f"{r.keys}: {r.title}" for r in rows))
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        """Close the sheet."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    @property
    def rows(self) -> list[KeyRow]:
        """Give the lines that match what was typed."""
        words = self._filter.casefold().split()
        return [r for r in self._rows if all(w in " ".join(r).casefold() for w in words)]

    def event(self, event: QEvent) -> bool:
        """Keep letters from being taken for commands."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Filter by letters, close with any other key."""
        typed = event.text()
        if event.key() == Qt.Key.Key_Backspace and self._filter:
            self._filter = self._filter[:-1]
        elif typed and (typed.isalnum() or (typed == " " and self._filter)):
            self._filter += typed
        elif event.key() in (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta):
            return
        else:
            self.leave()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close with a click."""
        self.leave()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines in columns, groups kept together where they fit."""
        theme = current_theme()
        painter = QPainter(self)
        ground = QColor(theme.window)
        ground.setAlphaF(0.97)
        painter.fillRect(self.rect(), ground)
        painter.setFont(body_font(TITLE_PX, strong=True))
        painter.setPen(QColor(theme.text))
        painter.drawText(32, 48, self._filter or tr("Keys"))
        painter.setFont(body_font(BODY_PX))
        painter.setPen(QColor(theme.text_second))
        hint = tr("Type to filter; Esc, any other key or a click closes.")
        painter.drawText(32, 72, hint)
        self._draw_rows(painter, QRectF(self.rect()).adjusted(32, 96, -32, -16))

    def _draw_rows(self, painter: QPainter, room: QRectF) -> None:
        columns = max(1, min(_COLUMNS, int(room.width() // 200)))
        laid = in_columns(self.rows, columns)
        step = min(_LINE, room.height() / max(1, max(len(lines) for lines in laid)))
        width = (room.width() - (columns - 1) * 24) / columns
        for place, lines in enumerate(laid):
            box = QRectF(room.left() + place * (width + 24), room.top(), width, step)
            for title, keys in lines:
                _draw_line(painter, box, title, keys)
                box.translate(0, step)


def in_columns(rows: Sequence[KeyRow], columns: int) -> list[list[tuple[str, str]]]:
    """Lay groups out in columns, none of them torn apart; a heading is a line without keys."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in rows:
        groups.setdefault(one.group, [(one.group, "")]).append((one.title, one.keys))
    blocks = [[*lines, ("", "")] for lines in groups.values()]
    tallest = max((len(block) for block in blocks), default=1)
    total = sum(len(block) for block in blocks)
    for height in range(max(tallest, -(-total // columns)), total + 1):
        laid: list[list[tuple[str, str]]] = [[]]
        for block in blocks:
            if len(laid[-1]) + len(block) > height:
                laid.append([])
            laid[-1] += block
        if len(laid) <= columns:
            return laid
    return [[line for block in blocks for line in block]]


def _draw_line(painter: QPainter, box: QRectF, title: str, keys: str) -> None:
    theme = current_theme()
    size = BODY_PX if box.height() >= 18 else max(9, int(box.height() * 0.7))
    middle = Qt.AlignmentFlag.AlignVCenter
    if not keys:
        painter.setFont(body_font(min(SECTION_PX, size + 1), strong=True))
        painter.setPen(QColor(theme.accent))
        painter.drawText(box, int(middle), title)
        return
    painter.setFont(body_font(size))
    painter.setPen(QColor(theme.text_second))
    painter.drawText(box, int(middle | Qt.AlignmentFlag.AlignRight), keys)
    room = box.width() - painter.fontMetrics().horizontalAdvance(keys) - 8
    painter.setPen(QColor(theme.text))
    shown = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, int(room))
    painter.drawText(box, int(middle), shown)
