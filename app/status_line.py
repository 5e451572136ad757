"""The line at the bottom: what is loading or under the pointer, and the count of notices."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QPropertyAnimation, Qt, Signal
from PySide6.QtWidgets import QGraphicsOpacityEffect, QHBoxLayout, QPushButton, QWidget

from app.icons import icon
from app.language import tr
from app.motion import duration_ms
from app.theme import current_theme, status_height
from app.widgets import Elided, button


class StatusLine(QWidget):
    """One line of text, one button that goes on or stops, one that opens the notices."""

    notices_wanted = Signal()
    pause_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("statusLine")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(status_height())
        self.setAccessibleName(tr("Status"))
        self.text = Elided()
        self.act: QPushButton = button("", self.pause_wanted.emit)
        self.act.hide()
        self.notices: QPushButton = button("", self.notices_wanted.emit)
        self.notices.hide()
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 0, 4, 0)
        line.setSpacing(8)
        line.addWidget(self.text, 1)
        line.addWidget(self.act)
        line.addWidget(self.notices)
        self._count = 0

    def show_text(self, text: str, act: str = "") -> None:
        """Show a text and, where something can be done about it, a button."""
        self.text.set_text(text)
        self.act.setText(act)
        self.act.setAccessibleName(act)
        self.act.setVisible(bool(act))

    def show_notices(self, count: int, *, is_serious: bool) -> None:
        """Show how many notices there are; the first ones pulse once."""
        words = tr("1 notice") if count == 1 else tr("{count} notices").format(count=count)
        theme = current_theme()
        self.notices.setText(words)
        self.notices.setAccessibleName(words)
        self.notices.setIcon(icon("warning" if is_serious else "info", self._colour(is_serious)))
        self.notices.setStyleSheet(f"color: {theme.warn if is_serious else theme.text}")
        self.notices.setVisible(count > 0)
        if count and not self._count:
            self._pulse()
        self._count = count

    def _colour(self, is_serious: bool) -> str:
        theme = current_theme()
        return theme.warn if is_serious else theme.text_second

    def _pulse(self) -> None:
        length = duration_ms(150)
        if not length:
            return
        effect = QGraphicsOpacityEffect(self.notices)
        self.notices.setGraphicsEffect(effect)
        pulse = QPropertyAnimation(effect, b"opacity", self)
        pulse.setDuration(length)
        pulse.setStartValue(0.2)
        pulse.setEndValue(1.0)
        pulse.setEasingCurve(QEasingCurve.Type.OutCubic)
        pulse.finished.connect(lambda: self.notices.setGraphicsEffect(None))  # type: ignore[arg-type]
        pulse.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)
