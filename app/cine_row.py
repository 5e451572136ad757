"""The line of the display panel that plays a loop: a button, the rate, where the rate is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.icons import icon
from app.language import tr
from app.widgets import NumberField, icon_button, label, row

if TYPE_CHECKING:
    from viewer.cine import Cine


class CineRow(QWidget):
    """Play and stop; shown where there is more than one frame to play."""

    def __init__(self) -> None:
        super().__init__()
        self._cine: Cine | None = None
        self.play = icon_button("play", tr("Play"), self._toggle)
        self.rate = NumberField(tr("Frames a second"))
        self.rate.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.rate.setFixedWidth(72)
        self.rate.taken.connect(self._take_rate)
        self.source = label("", "caption")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(label(tr("Cine"), "caption"))
        column.addLayout(row(self.play, self.rate, label(tr("frames/s"), "second"), None))
        column.addWidget(self.source)
        self.setVisible(False)

    def follow(self, cine: Cine) -> None:
        """Show and change this one from now on."""
        if cine is self._cine:
            return
        if self._cine is not None:
            self._cine.changed.disconnect(self.refresh)
        self._cine = cine
        cine.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show whether it plays, and how fast."""
        cine = self._cine
        if cine is None:
            return
        self.setVisible(cine.count > 1)
        name = "pause" if cine.is_playing else "play"
        words = tr("Stop") if cine.is_playing else tr("Play")
        if self.play.property("icon_name") != name:
            self.play.setProperty("icon_name", name)
            self.play.setIcon(icon(name))
            self.play.setToolTip(words)
            self.play.setAccessibleName(words)
        self.rate.decimals = 0 if abs(cine.rate - round(cine.rate)) < 0.005 else 1
        self.rate.set_value(cine.rate)
        self.source.setText(tr("Rate of the file") if cine.is_rate_of_file else "")
        self.source.setVisible(cine.is_rate_of_file)

    def _toggle(self) -> None:
        if self._cine is not None:
            self._cine.toggle()

    def _take_rate(self, rate: float) -> None:
        if self._cine is not None and rate > 0:
            self._cine.set_rate(rate)
