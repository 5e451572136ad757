"""The whole window as a drop target: what a drag carries, and the frame shown while it hovers."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.language import tr
from app.theme import TITLE_PX, body_font, current_theme


def dropped_uris(data: QMimeData) -> list[str]:
    """Give the paths and addresses of a drag; nothing is looked at on disk."""
    uris = []
    for url in data.urls():
        text = url.toLocalFile() if url.isLocalFile() else url.toString()
        if text:
            uris.append(text)
    return uris


class DropFrame(QWidget):
    """The accent frame with the word "Open", over everything, without taking events."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw frame and word."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.accent), 2))
        painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        words = tr("Open")
        painter.setFont(body_font(TITLE_PX, strong=True))
        size = painter.fontMetrics().size(0, words)
        plate = QRectF(0, 0, size.width() + 64, size.height() + 32)
        plate.moveCenter(QRectF(self.rect()).center())
        painter.setBrush(QColor(theme.panel))
        painter.drawRoundedRect(plate, 10, 10)
        painter.setPen(QColor(theme.accent))
        painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), words)
