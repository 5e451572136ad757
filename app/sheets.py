"""Panels that lie over the window without blocking it: settings, notices, tags, about.

One is open at a time; Esc, its cross, or the command that opened it closes it.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.language import tr
from app.theme import status_height, toolbar_height
from app.widgets import PanelScroll, icon_button, label


class Sheet(QWidget):
    """A titled panel over the window.

    Parameters
    ----------
    title : str
        Its heading.
    wanted : QSize
        Its size where the window is large enough.
    corner : bool
        Stand at the bottom right, above the status line, instead of in the middle.
    """

    accessible_role = QAccessible.Role.Dialog

    closed = Signal()

    def __init__(self, title: str, wanted: QSize, *, corner: bool = False) -> None:
        super().__init__()
        self.setObjectName("sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("no_ring", True)
        self.setAccessibleName(title)
        self._wanted = wanted
        self.in_corner = corner
        self.cross = icon_button("close", tr("Close  (Esc)"), self.dismiss)
        head = QHBoxLayout()
        head.setContentsMargins(16, 8, 8, 4)
        head.addWidget(label(title, "section"))
        head.addStretch(1)
        head.addWidget(self.cross)
        inner = QWidget()
        self.body = QVBoxLayout(inner)
        self.body.setContentsMargins(16, 4, 16, 16)
        self.body.setSpacing(8)
        self._scroll = PanelScroll()
        self._scroll.setWidget(inner)
        self._inner = inner
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._scroll, 1)

    def dismiss(self) -> None:
        """Close the sheet."""
        self.hide()
        self.closed.emit()

    def place(self, room: QRect) -> None:
        """Take a place inside the given room."""
        # words of other languages may need more than was wanted, and nothing scrolls sideways
        wanted = max(self._wanted.width(), self._inner.minimumSizeHint().width() + 8)
        width = min(wanted, room.width() - 32)
        content = self._inner.sizeHint().height() + 56
        height = min(max(content, 120), self._wanted.height(), room.height() - 32)
        if self.in_corner:
            left, top = room.right() - width - 8, room.bottom() - height - 8
        else:
            left = room.left() + (room.width() - width) // 2
            top = room.top() + max(16, (room.height() - height) // 3)
        self.setGeometry(left, top, width, height)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Let Tab go round inside the sheet: what lies below it cannot be seen; F6 leaves it."""
        first: QWidget = self.focusWidget() or self
        found = first.nextInFocusChain() if forward else first.previousInFocusChain()
        while found is not None and found is not first:
            takes_tab = found.focusPolicy() & Qt.FocusPolicy.TabFocus
            if takes_tab and found.isEnabled() and found.isVisible() and self.isAncestorOf(found):
                reason = Qt.FocusReason
                found.setFocus(reason.TabFocusReason if forward else reason.BacktabFocusReason)
                return True
            found = found.nextInFocusChain() if forward else found.previousInFocusChain()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)


class SheetHost:
    """Show one sheet at a time over a window's centre."""

    def __init__(self, over: QWidget, give_focus_back: Callable[[], None]) -> None:
        self._over = over
        self._give_focus_back = give_focus_back
        self._name = ""
        self._inset = 0
        self.sheet: Sheet | None = None

    def toggle(self, name: str, make: Callable[[], Sheet]) -> None:
        """Open a sheet, or close it if it is the one that is open."""
        was = self._name
        self.close()
        if was != name:
            self._name = name
            self.sheet = make()
            self.sheet.setParent(self._over)
            self.sheet.closed.connect(self.close)
            self.arrange()
            self.sheet.show()
            self.sheet.raise_()
            self.sheet.setFocus(Qt.FocusReason.OtherFocusReason)

    def replace(self, name: str, make: Callable[[], Sheet]) -> None:
        """Make an open sheet of this name anew; do nothing when it is not open."""
        if self._name == name:
            self.close()
            self.toggle(name, make)

    def close(self) -> None:
        """Close whatever is open."""
        if self.sheet is not None:
            sheet, self.sheet, self._name = self.sheet, None, ""
            sheet.hide()
            sheet.deleteLater()
            self._give_focus_back()

    def leave_room(self, height: int) -> None:
        """Stay below a bar of this height, which stands under the toolbar."""
        self._inset = height
        self.arrange()

    def arrange(self) -> None:
        """Place the sheet anew after the window has changed its size."""
        if self.sheet is not None:
            top = toolbar_height() + self._inset
            self.sheet.place(self._over.rect().adjusted(0, top, 0, -status_height()))
