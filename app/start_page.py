"""What the window shows while nothing is open: the drop target, and what was opened lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QLocale, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.cards import Card
from app.code_type import Words
from app.language import tr
from app.recent import RecentItem, RecentStore
from app.theme import current_theme
from app.widgets import Elided, PanelScroll, Thumbnail, button, label, row

CARD_WIDTH = 640
COLUMNS = 4
_RECENT_WIDTH, _CARD_GAP = 148, 16


class DropCard(QWidget):
    """The dashed card: invitation, progress of an opening, or why one failed."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choices: list[QWidget] = []
        self.setMaximumWidth(CARD_WIDTH)
        self.title = Words("title", wrap=True)
        self.text = Words("second", wrap=True)
        for part in (self.title, self.text):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 32, 32, 32)
        column.setSpacing(8)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addSpacing(16)
        column.addLayout(self.buttons)

    def show_words(
        self, title: str, text: str, buttons: Sequence[QWidget], names: Sequence[str] = ()
    ) -> None:
        """Show other words and other buttons; names of files are set in code type."""
        self.title.show_words(title, names)
        self.text.show_words(text, names)
        had_focus = False
        while (item := self.buttons.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                had_focus = had_focus or old.hasFocus()
                old.hide()
                old.deleteLater()
        self.buttons.addStretch(1)
        for one in buttons:
            self.buttons.addWidget(one)
        self.buttons.addStretch(1)
        self.choices = list(buttons)
        self.changed.emit()
        if had_focus:  # else it would go to whatever comes next: the button that clears the list
            buttons[0].show()
            buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the dashed border."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(current_theme().disabled), 1.5)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 10, 10)


class RecentCard(Card):
    """One thing that was opened lately; a click opens it again."""

    accessible_role = QAccessible.Role.Button

    chosen = Signal(str)
    located = Signal(str)
    removed = Signal(str)

    def __init__(
        self, item: RecentItem, picture: Path | None, *, names_hidden: bool = False
    ) -> None:
        super().__init__(Qt.FocusPolicy.TabFocus)
        self._item = item
        name = item.shown_name(names_hidden=names_hidden)
        self.setFixedSize(_RECENT_WIDTH, 156)
        self.setAccessibleName(tr("Open {name} again").format(name=name))
        self._thumbnail = Thumbnail(96)
        if picture is not None:
            self._thumbnail.set_picture(QPixmap(str(picture)))
        self._detail = Elided(_details(item), "caption")
        self._ways_out = QWidget()
        out = QHBoxLayout(self._ways_out)
        out.setContentsMargins(0, 0, 0, 0)
        out.setSpacing(4)
        self._locate = button(tr("Locate"), lambda: self.located.emit(item.uri), "small")
        out.addWidget(self._locate)
        out.addWidget(button(tr("Remove"), lambda: self.removed.emit(item.uri), "small"))
        self._ways_out.hide()
        self.column.addWidget(self._thumbnail, 0, Qt.AlignmentFlag.AlignHCenter)
        self.column.addWidget(Elided(name, mode=Qt.TextElideMode.ElideMiddle))
        self.column.addWidget(self._detail)
        self.column.addWidget(self._ways_out)
        self.column.addStretch(1)
        self.picked.connect(self.choose)
        if not item.is_there:
            self.setToolTip(tr("not found"))
            self._thumbnail.setEnabled(False)
            self._detail.setEnabled(False)

    def choose(self) -> None:
        """Open the item, or say that it is gone and offer the ways out."""
        if self._item.is_there:
            self.chosen.emit(self._item.uri)
            return
        self._detail.set_text(tr("not found"))
        self._thumbnail.hide()
        self._ways_out.show()
        if self.hasFocus():
            self._locate.setFocus(Qt.FocusReason.OtherFocusReason)


class StartPage(QWidget):
    """The page of an empty window."""

    open_folder = Signal()
    open_url = Signal()
    demo = Signal()
    cancel = Signal()
    open_uri = Signal(str)
    locate = Signal(str)

    def __init__(self, recent: RecentStore, keep_recent: bool) -> None:
        super().__init__()
        self.setObjectName("startPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._recent = recent
        self._keep_recent = keep_recent
        self._names_hidden = False
        self.card = DropCard()
        self._cards = QGridLayout()
        self._cards.setContentsMargins(0, 0, 0, 0)
        self._cards.setSpacing(_CARD_GAP)
        self._head = QWidget()
        head = row(label(tr("Recent"), "section"), None)
        self._clear_button = button(tr("Clear"), self._clear, "small")
        head.addWidget(self._clear_button)
        self._head.setLayout(head)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(24, 24, 24, 8)
        column.setSpacing(16)
        column.addStretch(1)
        cards = QWidget()
        across = QHBoxLayout(cards)
        across.setContentsMargins(0, 0, 0, 0)
        across.addLayout(self._cards)
        across.addStretch(1)
        for part in (self.card, self._head, cards):
            column.addLayout(_centred(part))
        column.addStretch(2)
        scroll = PanelScroll()
        scroll.setWidget(page)
        foot = label(tr("Not a medical device."), "caption")
        foot.setContentsMargins(16, 4, 16, 8)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(scroll, 1)
        whole.addWidget(foot)
        self.card.changed.connect(self._order_tabs)
        self.invite()
        self.refresh(keep_recent)

    def _order_tabs(self) -> None:
        """Let Tab go from the card's buttons to the list; what is made last would come last."""
        cards = [self._cards.itemAt(place) for place in range(self._cards.count())]
        listed = [item.widget() for item in cards if item is not None]
        for before, after in pairwise([*self.card.choices, self._clear_button, *listed]):
            if before is not None and after is not None:
                QWidget.setTabOrder(before, after)

    def invite(self) -> None:
        """Show the invitation."""
        self.card.show_words(
            tr("Drop a folder, files or a ZIP"),
            tr("DICOM, NIfTI, TIFF stacks, Zarr. Nothing is copied, changed or sent anywhere."),
            (
                button(tr("Open folder"), self.open_folder.emit, "filled"),
                button(tr("Open DICOMweb URL"), self.open_url.emit, "plain"),
                button(tr("Try the demo"), self.demo.emit, "plain"),
            ),
        )

    def show_opening(self, name: str, text: str) -> None:
        """Show how far an opening is."""
        if self.card.title.text() != name:
            self.card.show_words(name, text, (button(tr("Stop"), self.cancel.emit, "plain"),))
        self.card.text.show_words(text)

    def show_failure(self, title: str, text: str, names: Sequence[str] = ()) -> None:
        """Show why nothing could be opened; the card stays the drop target."""
        self.card.show_words(
            title,
            text,
            (
                button(tr("Open another"), self.open_folder.emit, "filled"),
                button(tr("Try the demo"), self.demo.emit, "plain"),
            ),
            names,
        )

    def hide_names(self, hidden: bool) -> None:
        """Hide or show what the recent items are called."""
        if hidden != self._names_hidden:
            self._names_hidden = hidden
            self.refresh(self._keep_recent)

    def refresh(self, keep_recent: bool) -> None:
        """Lay out the recent items anew."""
        self._keep_recent = keep_recent
        while (item := self._cards.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        items = self._recent.items if keep_recent else ()
        self._head.setVisible(bool(items))
        columns = self._columns(self.width())
        for place, one in enumerate(items):
            card = RecentCard(one, self._recent.picture_path(one), names_hidden=self._names_hidden)
            card.chosen.connect(self.open_uri)
            card.located.connect(self.locate)
            card.removed.connect(self._remove)
            self._cards.addWidget(card, place // columns, place % columns)
        self._order_tabs()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep as many cards beside each other as fit."""
        before = self._columns(event.oldSize().width())
        super().resizeEvent(event)
        if before != self._columns(self.width()):
            self.refresh(self._keep_recent)

    @staticmethod
    def _columns(width: int) -> int:
        room = min(width - 48, CARD_WIDTH) + _CARD_GAP
        return max(1, min(COLUMNS, room // (_RECENT_WIDTH + _CARD_GAP)))

    def _clear(self) -> None:
        self._recent.clear()
        self.refresh(self._keep_recent)

    def _remove(self, uri: str) -> None:
        self._recent.remove(uri)
        self.refresh(self._keep_recent)


def _centred(widget: QWidget) -> QHBoxLayout:
    widget.setMaximumWidth(CARD_WIDTH)
    made = QHBoxLayout()
    made.addStretch(1)
    made.addWidget(widget, 1000)
    made.addStretch(1)
    return made


def _details(item: RecentItem) -> str:
    day = day_words(datetime.fromtimestamp(item.opened).date(), date.today()) if item.opened else ""
    count = tr("{count} slices").format(count=item.slices) if item.slices else ""
    return ", ".join(part for part in (count, day) if part)


def day_words(day: date, today: date) -> str:
    """Name a day as people do."""
    distance = (today - day).days
    if distance == 0:
        return tr("today")
    if distance == 1:
        return tr("yesterday")
    if 1 < distance < 7:
        return tr("{count} days ago").format(count=distance)
    return QLocale().toString(day, QLocale.FormatType.ShortFormat)  # type: ignore[call-overload, no-any-return]
