"""The list of series on the left: grouped by study, each with a picture and its own strip."""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QAccessible, QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.language import tr
from app.session import RIGHT
from app.status_words import middle_words
from app.theme import SERIES_WIDTH, current_theme
from app.widgets import Elided, PanelScroll, Thumbnail, label
from viewer.names import person_text

if TYPE_CHECKING:
    from PySide6.QtGui import QContextMenuEvent, QKeyEvent

    from app.session import Opened, Session
    from app.thumbnails import Thumbnailer
    from loading import ImageEntry, OpenVolume, Qualities, VolumeEntry

STRIP_COLOURS = {0: "#262C33", 1: "#33475A", 3: "#3F648C", 6: "#4F8BCB", 7: "#7DB4EE", 8: "#B4D8FF"}
_FAILED, _ABSENT = "#FF7A6B", "#E0B04A"
NOWHERE = QPoint(-1, -1)
"""Where a series is let go that was taken back."""


class MiniStrip(QWidget):
    """Two pixels that say how good each slice is, from the first on the left to the last."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(2)
        self._colours: list[str] = []

    def show_colours(self, colours: list[str]) -> None:
        """Show one colour for each slice; none leaves the strip empty."""
        if colours != self._colours:
            self._colours = colours
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the slices as one row of pixels: it is painted often while they arrive."""
        count = len(self._colours)
        if count:
            row = array("I", map(_rgb, self._colours)).tobytes()
            image = QImage(row, count, 1, len(row), QImage.Format.Format_RGB32)
            QPainter(self).drawImage(self.rect(), image)


@cache
def _rgb(colour: str) -> int:
    return QColor(colour).rgb()


class SeriesCard(QWidget):
    """One series; a click opens it, with Ctrl beside what is there, and it can be dragged.

    Signals
    -------
    chosen(VolumeEntry), beside_wanted(VolumeEntry), close_wanted(VolumeEntry)
        What a click or a key asked for.
    menu_wanted(VolumeEntry, QPoint)
        At a place on the screen.
    carried(VolumeEntry, QPoint)
        It is being dragged, and the pointer is there on the screen.
    dropped(VolumeEntry, QPoint)
        It was let go there; `NOWHERE` when it was taken back.
    """

    accessible_role = QAccessible.Role.ListItem

    chosen = Signal(object)
    beside_wanted = Signal(object)
    menu_wanted = Signal(object, QPoint)
    close_wanted = Signal(object)
    carried = Signal(object, QPoint)
    dropped = Signal(object, QPoint)

    def __init__(
        self, entry: VolumeEntry, image: ImageEntry | None = None, *, names_hidden: bool = False
    ) -> None:
        super().__init__()
        self.entry = entry
        self._is_selected = self._is_active = False
        self._is_hot = False
        self._pressed_at: QPoint | None = None
        self._is_carried = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.thumbnail = Thumbnail(64)
        self.strip = MiniStrip()
        self.percent = Elided(role="caption")
        name = entry.spec.label or entry.spec.header.get("series_description", "")
        count = _count_words(entry)
        if image is not None:
            name = _name_of(image, names_hidden=names_hidden)
            count = image.kind if image.frames == 1 else f"{image.frames} \u00d7 {image.kind}"
            self.setToolTip("" if names_hidden else image.path)
        self.name = Elided(middle_words(name or tr("Series"), 40))
        self.count = Elided(count, "caption")
        self.setAccessibleName(f"{name}, {count}")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        for part in (self.name, self.count, self.percent):
            words.addWidget(part)
        words.addStretch(1)
        words.addWidget(self.strip)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 8, 12, 8)
        line.setSpacing(12)
        line.addWidget(self.thumbnail)
        line.addLayout(words, 1)

    def set_selected(self, is_selected: bool, is_active: bool = True) -> None:
        """Mark the series on the screen; the one in the active column more than the other."""
        self._is_selected, self._is_active = is_selected, is_selected and is_active
        self.setAccessibleDescription(tr("on the screen") if is_selected else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground and the accent edge."""
        theme = current_theme()
        painter = QPainter(self)
        if self._is_active or self._is_hot:
            painter.fillRect(self.rect(), QColor(theme.raised))
        if self._is_selected:
            painter.fillRect(QRect(0, 0, 3, self.height()), QColor(theme.accent))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click or a drag begins."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Carry the series about once the pointer has gone far enough."""
        if self._pressed_at is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        away = event.position().toPoint() - self._pressed_at
        if not self._is_carried and away.manhattanLength() >= QApplication.startDragDistance():
            self._is_carried = True
            self.grabKeyboard()  # Escape takes it back
        if self._is_carried:
            self.carried.emit(self.entry, event.globalPosition().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take a click, or let go of what was carried."""
        if event.button() != Qt.MouseButton.LeftButton or self._pressed_at is None:
            return
        self._pressed_at = None
        if self._is_carried:
            self._let_go(event.globalPosition().toPoint())
        elif self.rect().contains(event.position().toPoint()):
            self._choose(event.modifiers())

    def _choose(self, modifiers: Qt.KeyboardModifier) -> None:
        is_beside = modifiers & Qt.KeyboardModifier.ControlModifier
        (self.beside_wanted if is_beside else self.chosen).emit(self.entry)

    def _let_go(self, at: QPoint) -> None:
        self._is_carried = False
        self.releaseKeyboard()
        self.dropped.emit(self.entry, at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with Enter, with Ctrl beside; close with Delete; Escape ends a drag."""
        if self._is_carried:
            if event.key() == Qt.Key.Key_Escape:
                self._pressed_at = None
                self._let_go(NOWHERE)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(event.modifiers())
        elif event.key() == Qt.Key.Key_Delete:
            self.close_wanted.emit(self.entry)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu."""
        self.menu_wanted.emit(self.entry, event.globalPos())

    def enterEvent(self, event: object) -> None:
        """Light up under the pointer."""
        self._is_hot = True
        self.update()

    def leaveEvent(self, event: object) -> None:
        """Calm down again."""
        self._is_hot = False
        self.update()


class SeriesPanel(PanelScroll):
    """Everything that was found: studies, series, and what is no volume."""

    menu_wanted = Signal(object, QPoint)
    carried = Signal(object, QPoint)
    dropped = Signal(object, QPoint)

    def __init__(self, session: Session, thumbnails: Thumbnailer) -> None:
        super().__init__()
        self.setObjectName("seriesPanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Series"))
        self.setFixedWidth(SERIES_WIDTH)
        self._session = session
        self._thumbnails = thumbnails
        self._cards: dict[int, SeriesCard] = {}
        self._names_hidden = False
        self._opening = label(role="second")
        self._opening.setContentsMargins(12, 8, 12, 8)
        self._opening.hide()
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 8, 1, 8)
        column.setSpacing(0)
        column.addWidget(self._opening)
        column.addLayout(self._list)
        column.addStretch(1)
        self.setWidget(page)
        session.opened_changed.connect(self.rebuild)
        session.volume_changed.connect(self.refresh)
        thumbnails.made.connect(self._set_picture)

    def show_opening(self, words: str) -> None:
        """Say how far the search for images is; empty hides the line."""
        self._opening.setText(words)
        self._opening.setVisible(bool(words))

    def hide_names(self, hidden: bool) -> None:
        """Hide or show the patient's name."""
        if hidden != self._names_hidden:
            self._names_hidden = hidden
            self.rebuild()

    def rebuild(self) -> None:
        """Make the list anew from what is open."""
        _empty(self._list)
        self._cards.clear()
        patient = study = None
        for opened in self._session.opened:
            for entry in opened.entries:
                header = entry.spec.header
                if not self._names_hidden and header.get("patient_name", "") not in ("", patient):
                    patient = header["patient_name"]
                    self._add_text(person_text(patient), "section")
                if study != entry.spec.study_uid:
                    study = entry.spec.study_uid
                    self._add_text(_study_words(entry) or tr("SERIES"), "heading")
                self._add_card(entry)
            self._add_others(opened)
        self.refresh()

    def refresh(self) -> None:
        """Bring selection, percentages and strips up to date; cheap."""
        active = self._session.active
        for card in self._cards.values():
            shown = [one for one in self._session.columns if one.entry is card.entry]
            card.set_selected(bool(shown), active in shown)
            card.percent.setVisible(False)
            if shown and shown[0].volume is not None:
                _show_progress(card, shown[0].volume)

    def card(self, entry: VolumeEntry) -> SeriesCard:
        """Give the card of a series; raise KeyError when it is not in the list."""
        return self._cards[id(entry)]

    def _add_text(self, text: str, role: str) -> None:
        made = Elided(text, role)
        made.setContentsMargins(12, 0, 12, 0)
        holder = QWidget()
        box = QHBoxLayout(holder)
        box.setContentsMargins(12, 8, 12, 4)
        box.addWidget(made)
        self._list.addWidget(holder)

    def _add_card(self, entry: VolumeEntry, image: ImageEntry | None = None) -> None:
        card = SeriesCard(entry, image, names_hidden=self._names_hidden)
        card.chosen.connect(lambda one: self._session.select(one))
        card.beside_wanted.connect(lambda one: self._session.select(one, RIGHT))
        card.carried.connect(self.carried)
        card.dropped.connect(self.dropped)
        card.close_wanted.connect(self._session.close_entry)
        card.menu_wanted.connect(self.menu_wanted)
        picture = self._thumbnails.pictures.get(entry.spec.key)
        if picture is not None:
            card.thumbnail.set_picture(QPixmap.fromImage(picture))
        self._cards[id(entry)] = card
        self._list.addWidget(card)

    def _add_others(self, opened: Opened) -> None:
        images = opened.catalogue.images
        if not images:
            return
        self._add_text(tr("OTHER"), "heading")
        for image in images:
            entry = opened.pictures.get(image.path)
            if entry is None:
                self._list.addWidget(_other_card(image, names_hidden=self._names_hidden))
            else:
                self._add_card(entry, image)

    def _set_picture(self, key: str, picture: QImage) -> None:
        for card in self._cards.values():
            if card.entry.spec.key == key:
                card.thumbnail.set_picture(QPixmap.fromImage(picture))


def _show_progress(card: SeriesCard, volume: OpenVolume) -> None:
    progress = volume.progress
    done = progress.full + progress.failed >= progress.total
    card.percent.setVisible(not done or progress.failed > 0)
    share = 100 * progress.full // max(1, progress.total)
    failed = tr(", {count} failed").format(count=progress.failed) if progress.failed else ""
    card.percent.set_text(f"{share} %{failed}")
    is_whole = done and not (progress.failed or card.entry.spec.absent)
    card.strip.show_colours([] if is_whole else strip_colours(volume.qualities()))


def strip_colours(qualities: Qualities) -> list[str]:
    """Give one colour for each slice of a volume."""
    status = qualities.status.tolist()
    failed = qualities.failed
    absent = qualities.absent
    return [
        _FAILED if k in failed else _ABSENT if k in absent else STRIP_COLOURS[value]
        for k, value in enumerate(status)
    ]


def _other_card(image: ImageEntry, *, names_hidden: bool) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.setContentsMargins(12, 4, 12, 4)
    column.setSpacing(0)
    name = _name_of(image, names_hidden=names_hidden)
    column.addWidget(Elided(middle_words(name, 40)))
    column.addWidget(Elided(", ".join(filter(None, (image.kind, image.date))), "caption"))
    about = [image.title, tr("of {0}").format(image.belongs_to) if image.belongs_to else ""]
    made.setToolTip("\n".join(filter(None, (*about, "" if names_hidden else image.path))))
    return made


def _name_of(image: ImageEntry, *, names_hidden: bool) -> str:
    """Name an image by its file, which people may have named after a patient."""
    if names_hidden:
        return image.title or image.kind.capitalize()
    return image.path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _count_words(entry: VolumeEntry) -> str:
    spec = entry.spec
    slices = spec.shape_kji[0] - len(spec.absent)
    if spec.time_points > 1:
        return f"{spec.time_points} \u00d7 {slices} {spec.modality}"
    return f"{slices} {spec.modality}".strip()


def _study_words(entry: VolumeEntry) -> str:
    header = entry.spec.header
    date = header.get("study_date", "")
    if len(date) == 8 and date.isdigit():
        date = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return "  ".join(part for part in (date, header.get("study_description", "")) if part)


def _empty(layout: QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
