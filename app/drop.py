"""What can be dropped on the window, and where: files and folders, and series out of the list.

Over the left part it is opened in the place of what is there, over the right part beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.language import tr
from app.links import is_address
from app.series_panel import NOWHERE
from app.session import LEFT, RIGHT
from app.theme import SECTION_PX, TITLE_PX, body_font, current_theme

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from loading import VolumeEntry

FILES_SHARE, SERIES_SHARE = 2 / 3, 1 / 2


def dropped_uris(data: QMimeData) -> list[str]:
    """Give the paths and addresses of a drag, in text too; nothing is looked at on disk."""
    uris = []
    for url in data.urls():
        text = url.toLocalFile() if url.isLocalFile() else url.toString()
        if text:
            uris.append(text)
    if not uris and data.hasText():
        uris = [line.strip() for line in data.text().splitlines() if is_address(line)]
    return uris


VEIL = 160
"""How opaque the veil is that lies over the window while something is dragged, of 255."""


class DropFrame(QWidget):
    """The accent frame and the words, over everything, without taking events."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._zones: list[tuple[QRect, str]] = []
        self._chosen = 0
        self.hide()

    def show_zones(self, zones: list[tuple[QRect, str]], chosen: int) -> None:
        """Show where what is dragged can be dropped; the one under the pointer stands out."""
        self._zones, self._chosen = zones, chosen
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw frames and words; what lies below steps back, so that words never stand on words."""
        painter = QPainter(self)
        veil = QColor(current_theme().window)
        veil.setAlpha(VEIL)
        painter.fillRect(self.rect(), veil)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, (zone, words) in enumerate(self._zones):
            is_chosen = place == self._chosen
            font = body_font(TITLE_PX if is_chosen else SECTION_PX, strong=is_chosen)
            self._paint_zone(painter, QRectF(zone), words, font, is_chosen=is_chosen)

    def _paint_zone(
        self, painter: QPainter, zone: QRectF, words: str, font: QFont, *, is_chosen: bool
    ) -> None:
        theme = current_theme()
        colour = QColor(theme.accent if is_chosen else theme.text_second)
        if is_chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 2))
            painter.drawRect(zone.adjusted(1, 1, -1, -1))
        painter.setFont(font)
        size = painter.fontMetrics().size(0, words)
        plate = QRectF(0, 0, size.width() + 64, size.height() + 32)
        plate.moveCenter(zone.center())
        painter.setPen(QPen(colour, 2 if is_chosen else 1))
        painter.setBrush(QColor(theme.panel))
        painter.drawRoundedRect(plate, 10, 10)
        painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), words)


class DropZones:
    """Choose, for one window, what a drop at some place does."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.frame = DropFrame(window.deck)

    def hover(self, at: QPoint, *, is_series: bool = False) -> None:
        """Show what a drop here would do.

        Parameters
        ----------
        at : QPoint
            On the window's centre.
        """
        zones = self._zones(is_series)
        place = self.place_at(at, is_series=is_series)
        chosen = -1 if is_series and not self._window.deck.room.contains(at) else place or 0
        self.frame.show_zones(zones, chosen)

    def leave(self) -> None:
        """Show nothing any more."""
        self.frame.hide()

    def arrange(self) -> None:
        """Follow the size of the window."""
        self.frame.setGeometry(self._window.deck.rect())

    def carry(self, _entry: VolumeEntry, at: QPoint) -> None:
        """Show what letting go of a series here, on the screen, would do."""
        self.hover(self._window.deck.mapFromGlobal(at), is_series=True)

    def let_go(self, entry: VolumeEntry, at: QPoint) -> None:
        """Open a series where it was let go; beside the pictures nothing happens."""
        self.leave()
        here = self._window.deck.mapFromGlobal(at)
        if at != NOWHERE and self._window.deck.room.contains(here):
            self._window.session.select(entry, self.place_at(here, is_series=True))

    def place_at(self, at: QPoint, *, is_series: bool = False) -> int | None:
        """Give the place in which a drop opens something; None where there is only one."""
        zones = self._zones(is_series)
        if len(zones) < 2:
            return None
        return RIGHT if at.x() >= zones[1][0].left() else LEFT

    def _zones(self, is_series: bool) -> list[tuple[QRect, str]]:
        """Give the parts of the window and what each is for."""
        deck, session = self._window.deck, self._window.session
        whole = deck.room if is_series else deck.rect()
        if session.volume is None:
            return [(whole, tr("Open"))]
        share = SERIES_SHARE if is_series else FILES_SHARE
        split = whole.left() + round(whole.width() * share)
        if len(session.columns) > 1 and self._window.columns is not None:
            gap = self._window.columns.gap_x
            split = deck.room.left() + gap
        left, right = QRect(whole), QRect(whole)
        left.setRight(split - 1)
        right.setLeft(split)
        return [(left, tr("Open")), (right, tr("Open beside"))]
