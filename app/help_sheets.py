"""The short pages of the Help menu."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QWidget

from app.language import tr
from app.sheets import Sheet
from app.widgets import label

_TOP_HALF, _HATCHED = 0.0, -1.0

STATUSES = (
    ("#262C33", 1 / 6, "Nothing yet"),
    ("#33475A", 1 / 3, "Copied from a far slice"),
    ("#3F648C", 1 / 3, "Copied from the next slice"),
    ("#4F8BCB", 2 / 3, "Reduced resolution"),
    ("#7DB4EE", 2 / 3, "Full size, lossy"),
    ("#B4D8FF", 1.0, "Complete"),
    ("#FF7A6B", _TOP_HALF, "Could not be read"),
    ("#E0B04A", _HATCHED, "Missing in the series"),
)

STEPS = (
    ("Drop a folder, files or a ZIP", "The volume is there at once and sharpens as it loads."),
    ("Wheel or arrow keys", "The slice before or after; Shift + wheel goes ten."),
    ("Click", "The crosshair goes there, in all planes."),
    ("Drag", "Right is wider, up is brighter. Keys 2 to 9 are presets, 0 and 1 bring it back."),
    ("Right drag, Ctrl + wheel", "Zoom."),
    ("Middle drag, Space + drag", "Move the picture."),
    ("Double click, or A C S V", "One view alone; again: all."),
    ("Ctrl+K", "Everything there is, by typing. A number goes to that slice."),
    ("F1", "All keys."),
)


class ColoursSheet(Sheet):
    """What the cells of the quality strip mean."""

    def __init__(self) -> None:
        super().__init__(tr("What do the colours mean"), QSize(440, 420))
        self.body.addWidget(
            label(
                tr("The strip under the pictures has a cell for each slice."), "second", wrap=True
            )
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for place, (colour, height, words) in enumerate(STATUSES):
            grid.addWidget(_Cell(colour, height), place, 0)
            grid.addWidget(label(tr(words)), place, 1)
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)
        self.body.addStretch(1)


class StartSheet(Sheet):
    """Nine lines that are enough to work."""

    def __init__(self) -> None:
        super().__init__(tr("Getting started"), QSize(520, 480))
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(12)
        for place, (what, words) in enumerate(STEPS):
            grid.addWidget(label(tr(what)), place, 0)
            grid.addWidget(label(tr(words), "second", wrap=True), place, 1)
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)
        self.body.addStretch(1)


class _Cell(QWidget):
    def __init__(self, colour: str, height: float) -> None:
        super().__init__()
        self._colour, self._share = colour, height
        self._from_top = height == _TOP_HALF
        self.setFixedSize(24, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#000000"))
        if self._share < 0:
            painter.setPen(QPen(QColor(self._colour), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            painter.fillRect(self.rect(), QBrush(QColor(self._colour), Qt.BrushStyle.BDiagPattern))
            return
        if self._from_top:
            painter.fillRect(0, 0, self.width(), self.height() // 2, QColor(self._colour))
            return
        tall = round(self.height() * self._share)
        painter.fillRect(0, self.height() - tall, self.width(), tall, QColor(self._colour))
