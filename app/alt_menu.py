"""The menu bar that comes while Alt is held, over the toolbar, so that nothing else moves."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.theme import toolbar_height

_AFTER_MS = 200
"""Alt with another key, or with the window manager's, is no wish for a menu."""


class AltMenuBar(QMenuBar):
    """A menu bar over the top edge of a widget.

    Parameters
    ----------
    over : QWidget
        Its parent.
    menus : QMenu
        Whose submenus stand in the bar.
    """

    def __init__(self, over: QWidget, menus: QMenu) -> None:
        super().__init__(over)
        self.setNativeMenuBar(False)
        for action in menus.actions():
            menu = action.menu()
            if isinstance(menu, QMenu):
                self.addMenu(menu)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_AFTER_MS)
        self._soon.timeout.connect(self._appear)
        self.hide()

    def watch(self, handle: QObject) -> None:
        """Follow the Alt key of a window."""
        handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Come with Alt held, go with it; other keys and clicks take the wish back."""
        kind = event.type()
        if kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            is_alt = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Alt
            if not is_alt:
                self._soon.stop()
            elif not self._soon.isActive() and not self.isVisible():
                self._soon.start()
        elif kind == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Alt:
                self._leave()
        elif kind in (QEvent.Type.FocusOut, QEvent.Type.MouseButtonPress):
            self._soon.stop()
        return False

    def _appear(self) -> None:
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(0, 0, parent.width(), toolbar_height())
            self.show()
            self.raise_()

    def _leave(self) -> None:
        self._soon.stop()
        if self.activeAction() is None:
            self.hide()
