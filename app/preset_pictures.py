"""The 3D presets as small pictures, drawn from the user's own volume.

A thread of their own draws them once the load is over; until then a button shows its name alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QGridLayout, QWidget

from app.theme import CAPTION_PX, body_font, current_theme
from viewer.worker import Worker

if TYPE_CHECKING:
    from loading import OpenVolume

SHOWN = 9
_COLUMNS = 3
_SIDES = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
_ROOM = 66
"""Pixels that a name may take of a button's 72."""
_AFTER_MS = 2500
"""The views have the machine for themselves until they have settled."""


def words_in_lines(text: str, metrics: QFontMetrics) -> list[str]:
    """Break a name into two lines where it is too wide for one; what still is, is cut short."""
    lines = [text]
    if metrics.horizontalAdvance(text) > _ROOM and " " in text:
        first, _, rest = text.partition(" ")
        lines = [first, rest]
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, _ROOM) for line in lines]


class PresetButton(QAbstractButton):
    """One preset: its picture, its name over it."""

    def __init__(self, value: str, words: str) -> None:
        super().__init__()
        self.value = value
        self.setText(words)
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.setCheckable(True)
        self.setFixedSize(72, 72)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._picture = QImage()

    def sizeHint(self) -> QSize:
        """Give the one size it has."""
        return QSize(72, 72)

    def set_picture(self, picture: QImage) -> None:
        """Show a picture."""
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture, the name, and the edge of the chosen one."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setClipPath(shape)
        painter.fillRect(self.rect(), QColor("#000000"))
        painter.setFont(body_font(CAPTION_PX))
        metrics = painter.fontMetrics()
        lines = words_in_lines(self.text(), metrics)
        words = QRectF(self.rect())
        if not self._picture.isNull():
            painter.drawImage(QRectF(self.rect()), self._picture)
            words.setTop(words.bottom() - metrics.height() * len(lines) - 7)
            painter.fillRect(words, QColor(0, 0, 0, 160))
        painter.setPen(QColor("#E6EAEF" if self.isEnabled() else "#67727E"))
        painter.drawText(words, int(Qt.AlignmentFlag.AlignCenter), "\n".join(lines))
        painter.setClipping(False)
        edge = theme.accent if self.isChecked() else theme.border
        wide = 2 if self.isChecked() else 1
        painter.setPen(QPen(QColor(edge), wide))
        inset = wide / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 6, 6)


class PresetPictures(QWidget):
    """A grid of the commonest presets."""

    chosen = Signal(str)
    _drawn = Signal(object, str, QImage)

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, PresetButton] = {}
        self._volume: OpenVolume | None = None
        self._made: WeakKeyDictionary[OpenVolume, dict[str, QImage]] = WeakKeyDictionary()
        self._timer = QTimer(self)
        self._timer.setInterval(_AFTER_MS)
        self._timer.timeout.connect(self._start_if_over)
        self._is_drawing = False
        self._worker = Worker("preset pictures", self)
        self._drawn.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def offer(self, presets: Sequence[tuple[str, str]]) -> None:
        """Offer these presets, the first nine of them."""
        for old in self._buttons.values():
            self._group.removeButton(old)
            old.hide()
            old.deleteLater()
        self._buttons.clear()
        for place, (value, words) in enumerate(presets[:SHOWN]):
            made = PresetButton(value, words)
            made.clicked.connect(lambda _=False, v=value: self.chosen.emit(v))
            self._group.addButton(made)
            self._buttons[value] = made
            row, column = divmod(place, _COLUMNS)
            self._grid.addWidget(made, row, column, _SIDES[column])

    def follow(self, volume: OpenVolume | None) -> None:
        """Draw pictures of this volume as soon as it is complete, those that were not yet."""
        self._volume = volume
        self._timer.stop()
        self._is_drawing = False
        if volume is None:
            return
        made = self._made.get(volume, {})
        for name, button in self._buttons.items():
            button.set_picture(made.get(name, QImage()))
        if self._buttons.keys() - made.keys():
            self._timer.start()

    def set_value(self, value: str) -> None:
        """Mark the chosen preset."""
        if value in self._buttons:
            self._buttons[value].setChecked(True)
            return
        self._group.setExclusive(False)
        for made in self._buttons.values():
            made.setChecked(False)
        self._group.setExclusive(True)

    def button(self, value: str) -> PresetButton:
        """Give the button of a preset."""
        return self._buttons[value]

    @property
    def is_busy(self) -> bool:
        """Tell whether pictures are still to come."""
        return self.isVisible() and (self._is_drawing or self._timer.isActive())

    def stop(self) -> None:
        """End the thread that draws; called when the window closes."""
        self.follow(None)
        self._worker.stop()

    def _start_if_over(self) -> None:
        """Draw once the load is over and the pictures can be seen."""
        if self._volume is None or not self.isVisible():
            return
        if not self._volume.state.name.startswith("COMPLETE"):
            return
        self._timer.stop()
        self._is_drawing = True
        made = self._made.get(self._volume, {})
        volume, names = self._volume, [name for name in self._buttons if name not in made]
        size = round(72 * self.devicePixelRatioF())
        self._worker.run("draw", lambda: self._work(volume, names, size), self._end)

    def _work(self, volume: OpenVolume, names: list[str], size: int) -> OpenVolume:
        from viewer.preset_pictures import preset_pictures

        for name, picture in preset_pictures(
            volume, names, size, lambda: self._volume is not volume
        ):
            self._drawn.emit(volume, name, picture)
        return volume

    def _end(self, volume: OpenVolume) -> None:
        if volume is self._volume:
            self._is_drawing = False

    def _take(self, volume: OpenVolume, name: str, picture: QImage) -> None:
        self._made.setdefault(volume, {})[name] = picture
        if volume is self._volume and name in self._buttons:
            self._buttons[name].set_picture(picture)
