"""The ring around what has the keyboard: 2 px of accent, 2 px away, only while keys are used."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QWidget

from app.theme import current_theme
from app.widgets import above

_MARGIN = 4  # 2 px of air, 2 px of ring
_KEYS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class FocusRing(QWidget):
    """Follow the focus inside one window; a click hides the ring, Tab brings it back."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._around: QWidget | None = None
        self.hide()
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch focus, clicks, and moves of the widget that has the focus."""
        kind = event.type()
        if kind == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            by_keys = event.reason() in _KEYS  # type: ignore[attr-defined]
            own = isinstance(watched, (QLineEdit, QComboBox)) or watched.property("no_ring")
            self._follow(watched if by_keys and not own else None)
        elif kind == QEvent.Type.MouseButtonPress or (
            kind == QEvent.Type.FocusOut and watched is self._around
        ):
            self._follow(None)
        elif watched is self._around and kind in (
            QEvent.Type.Move,
            QEvent.Type.Resize,
            QEvent.Type.Hide,
        ):
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(current_theme().accent), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)

    def _follow(self, widget: QWidget | None) -> None:
        if widget is None or widget.window() is not above(self).window():
            self._around = None
        else:
            self._around = widget
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
