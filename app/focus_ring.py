"""The ring around what has the keyboard: 2 px of accent, 2 px away, only while keys are used."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QScrollArea, QWidget

from app.theme import current_theme
from app.widgets import above

_MARGIN = 4  # 2 px of air, 2 px of ring
_PLACES = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Hide)
_KEY_EVENTS = (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
_RING_KEYS = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_F6)


class FocusRing(QWidget):
    """Follow the focus inside one window; a click hides the ring, Tab and F6 bring it back."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._around: QWidget | None = None
        self._by_keys = False
        self.hide()
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._take_focus)

    def watch(self, handle: QObject) -> None:
        """Learn from the events of the window itself whether keys or the mouse are used.

        A filter on the application would see every event of every widget.
        """
        handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch keys and clicks of the window, and moves of what has the focus."""
        kind = event.type()
        # a key that is a shortcut comes as an override only
        if kind in _KEY_EVENTS and isinstance(event, QKeyEvent):
            self._by_keys = event.key() in _RING_KEYS
        elif kind == QEvent.Type.MouseButtonPress:
            self._by_keys = False
            self._follow(None)
        elif watched is self._around and kind in _PLACES:
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(current_theme().accent), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)

    def _take_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        has_own = isinstance(now, (QLineEdit, QComboBox)) or (
            now is not None and bool(now.property("no_ring"))
        )
        if has_own and now is not None and self._by_keys:
            _bring_into_view(now)
        self._follow(now if self._by_keys and not has_own else None)

    def _follow(self, widget: QWidget | None) -> None:
        if self._around is not None:
            self._around.removeEventFilter(self)
        is_here = widget is not None and widget.window() is above(self).window()
        self._around = widget if is_here else None
        if self._around is not None:
            self._around.installEventFilter(self)
            _bring_into_view(self._around)
        self._place()

    def _place(self) -> None:
        around = self._around
        if around is None or not around.isVisible():
            self.hide()
            return
        window = above(self)
        seen = QRect(around.mapTo(window, QPoint(0, 0)), around.size())
        margins = (-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)
        self.setGeometry(seen.adjusted(*margins) & window.rect())
        self.raise_()
        self.show()


def _bring_into_view(widget: QWidget) -> None:
    """Scroll to what keys have reached from outside; Qt does so only for steps within a column."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget, 0, 2 * _MARGIN)
        parent = parent.parentWidget()
