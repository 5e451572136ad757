"""Bars under the toolbar that ask something without blocking: one at a time, the others wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.language import tr
from app.widgets import button, icon_button, label

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Bar(QWidget):
    """A bar with words and, below them, whatever answers them.

    Esc or the cross say no; `left` is emitted once, when it may go.
    """

    left = Signal()

    def __init__(self, words: str, *, more: str = "") -> None:
        super().__init__()
        self.setObjectName("messageBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(words)
        self._is_left = False
        self.words = label(words, "strong", wrap=True)
        self.more = label(more, "second", wrap=True)
        self.more.setVisible(bool(more))
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(8)
        text = QVBoxLayout()
        text.setSpacing(4)
        text.addWidget(self.words)
        text.addWidget(self.more)
        head.addLayout(text, 1)
        head.addWidget(icon_button("close", tr("Not now  (Esc)"), self.refuse))
        self.answers = QHBoxLayout()
        self.answers.setContentsMargins(0, 0, 0, 0)
        self.answers.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 8, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(self.answers)

    def take_focus(self) -> None:
        """Put the keyboard where the answer is given."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def refuse(self) -> None:
        """Say no."""
        self.leave()

    def leave(self) -> None:
        """Go; whoever waits for an answer has had it."""
        if not self._is_left:
            self._is_left = True
            self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Say no with Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.refuse()
        else:
            super().keyPressEvent(event)


class QuestionBar(Bar):
    """A question that is answered by one button, or not at all."""

    def __init__(
        self,
        words: str,
        more: str,
        yes: str,
        run: Callable[[], object],
        instead: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(words, more=more)
        self._run, self._instead = run, instead
        self.yes = button(yes, self._agree, "filled")
        self.no = button(tr("Not now"), self.refuse, "plain")
        self.answers.addWidget(self.yes)
        self.answers.addWidget(self.no)
        self.answers.addStretch(1)

    def take_focus(self) -> None:
        """Put the keyboard on the button that does nothing."""
        self.no.setFocus(Qt.FocusReason.OtherFocusReason)

    def refuse(self) -> None:
        """Say no."""
        if not self._is_left:
            self.leave()
            self._instead()

    def _agree(self) -> None:
        if not self._is_left:
            self.leave()
            self._run()


class BarHost:
    """Show bars of one window, one after the other."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._waiting: list[Bar] = []

    @property
    def bar(self) -> Bar | None:
        """Give the bar that is shown."""
        return self._waiting[0] if self._waiting else None

    def ask(self, bar: Bar) -> None:
        """Show a bar, after those that wait already."""
        self._waiting.append(bar)
        bar.left.connect(lambda: self._drop(bar))
        if self.bar is bar:
            self._show()

    def close(self) -> None:
        """Say no to everything."""
        for bar in list(self._waiting):
            bar.refuse()

    def _show(self) -> None:
        bar = self.bar
        self._window.deck.set_bar(bar)
        self._window.sheets.leave_room(0 if bar is None else bar.height())
        if bar is not None:
            bar.take_focus()

    def _drop(self, bar: Bar) -> None:
        was_shown = self.bar is bar
        self._waiting.remove(bar)
        if was_shown:
            self._show()
            if not self._waiting:
                self._give_focus_back()
        bar.hide()
        bar.deleteLater()

    def _give_focus_back(self) -> None:
        sheet = self._window.sheets.sheet
        if sheet is not None:
            sheet.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._window.give_focus_to_views()
