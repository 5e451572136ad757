"""The palette (Ctrl+K): everything the program can do, found by typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QObject,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.language import tr
from app.search import Hit, rank
from app.theme import CAPTION_PX, body_font, current_theme
from app.widgets import Field, above

WIDTH, ROW, ROWS = 560, 32, 9
_RECENT_LIMIT = 12


class _Rows(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.hits: list[Hit] = []

    def show(self, hits: list[Hit]) -> None:
        self.beginResetModel()
        self.hits = hits
        self.endResetModel()

    def rowCount(self, parent: object = None) -> int:
        return len(self.hits)

    def data(self, index: object, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        hit = self.hits[index.row()]  # type: ignore[attr-defined]
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(
                part for part in (hit.title, hit.path, hit.shortcut, hit.reason) if part
            )
        return None


class _RowPainter(QStyledItemDelegate):
    def sizeHint(self, option: object, index: object) -> QSize:
        return QSize(WIDTH - 16, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        hit: Hit = index.model().hits[index.row()]  # type: ignore[attr-defined]
        theme = current_theme()
        area: QRect = option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.raised))
            painter.drawRoundedRect(area, 6, 6)
        inner = area.adjusted(12, 0, -12, 0)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(body_font(CAPTION_PX))
        painter.setPen(QColor(theme.text_second))
        painter.drawText(inner, middle | int(Qt.AlignmentFlag.AlignRight), hit.shortcut)
        right = painter.fontMetrics().horizontalAdvance(hit.shortcut) + 16 if hit.shortcut else 0
        painter.setFont(body_font())
        painter.setPen(QColor(theme.disabled if hit.reason else theme.text))
        left = inner.adjusted(0, 0, -right, 0)
        title = painter.fontMetrics().elidedText(
            hit.title, Qt.TextElideMode.ElideRight, left.width()
        )
        painter.drawText(left, middle, title)
        used = painter.fontMetrics().horizontalAdvance(title) + 12
        painter.setFont(body_font(CAPTION_PX))
        painter.setPen(QColor(theme.text_second))
        rest = left.adjusted(used, 0, 0, 0)
        words = hit.reason or hit.path
        painter.drawText(
            rest,
            middle,
            painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, rest.width()),
        )
        painter.restore()


class CommandPalette(QWidget):
    """A field and a list at the top of the window; Esc leaves, Enter runs.

    Parameters
    ----------
    gather : callable
        Gives all rows when the palette opens.
    answer : callable
        Gives rows for what was typed that no fixed row can know ("212", "w 400 40"); they come
        first.
    """

    left = Signal()

    def __init__(
        self,
        parent: QWidget,
        gather: Callable[[], Sequence[Hit]],
        answer: Callable[[str], Sequence[Hit]],
    ) -> None:
        super().__init__(parent)
        self.setObjectName("sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Search or command"))
        self._gather, self._answer = gather, answer
        self._all: list[Hit] = []
        self._recent: list[str] = []
        self.field = Field()
        self.field.setPlaceholderText(tr("Command, series, recent, slice number, or w 400 40"))
        self.field.setAccessibleName(tr("Search or command"))
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self._search)
        self._rows = _Rows()
        self.list = QListView()
        self.list.setModel(self._rows)
        self.list.setItemDelegate(_RowPainter(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMouseTracking(True)
        self.list.entered.connect(self.list.setCurrentIndex)
        self.list.clicked.connect(lambda _: self._run())
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self.list)
        self.hide()

    @property
    def hits(self) -> list[Hit]:
        """Give the rows that are shown."""
        return self._rows.hits

    def open(self, text: str = "") -> None:
        """Show the palette with everything in it."""
        self._all = list(self._gather())
        self.field.setText(text)
        self._search(text)
        self.arrange()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.field.selectAll()

    def leave(self) -> None:
        """Close the palette."""
        if self.isVisible():
            self.hide()
            self.left.emit()

    def arrange(self) -> None:
        """Stand in the middle of the top."""
        room = above(self).rect()
        rows = min(ROWS, max(1, len(self._rows.hits)))
        width = min(WIDTH, room.width() - 32)
        height = min(8 + 28 + 8 + rows * ROW + 12, room.height() - 64)
        self.setGeometry((room.width() - width) // 2, 44, width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move the selection, run and leave from inside the field."""
        if event.type() == QEvent.Type.FocusOut and watched is self.field:
            self.leave()
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        key = event.key()
        steps = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageUp: -ROWS,
            Qt.Key.Key_PageDown: ROWS,
        }
        if key in steps:
            self._move(steps[Qt.Key(key)])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run()
        elif key == Qt.Key.Key_Escape:
            self.leave()
        else:
            return False
        return True

    def _search(self, text: str) -> None:
        answers = list(self._answer(text))
        self._rows.show(answers + rank(text, self._all, self._recent))
        if self._rows.hits:
            self.list.setCurrentIndex(self._rows.index(0))
        if self.isVisible():
            self.arrange()

    def _move(self, steps: int) -> None:
        count = len(self._rows.hits)
        if count:
            place = min(count - 1, max(0, self.list.currentIndex().row() + steps))
            self.list.setCurrentIndex(self._rows.index(place))

    def _run(self) -> None:
        index = self.list.currentIndex()
        if not index.isValid():
            return
        hit = self._rows.hits[index.row()]
        if hit.reason or hit.run is None:
            return
        self._recent = [hit.key, *(key for key in self._recent if key != hit.key)][:_RECENT_LIMIT]
        self.leave()
        hit.run()
