"""The list of notices that opens from the status line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.code_type import Words, details_box
from app.icons import pixmap
from app.language import tr
from app.notices import NoticeRow
from app.sheets import Sheet
from app.theme import current_theme
from app.widgets import button, label, line


class NoticesSheet(Sheet):
    """All notices, what changes the picture's meaning first."""

    def __init__(self, rows: Sequence[NoticeRow]) -> None:
        super().__init__(tr("Notices"), QSize(520, 480), corner=True)
        for place, one in enumerate(rows):
            if place:
                self.body.addWidget(line())
            self.body.addWidget(NoticeCard(one))
        if not rows:
            self.body.addWidget(label(tr("Nothing to tell."), "second"))
        self.body.addStretch(1)


class NoticeCard(QWidget):
    """One notice: sign, sentence, where, code, what can be done."""

    def __init__(self, row: NoticeRow) -> None:
        super().__init__()
        theme = current_theme()
        colour, name = {
            "error": (theme.error, "error"),
            "warning": (theme.warn, "warning"),
        }.get(row.severity, (theme.text_second, "info"))
        sign = QLabel()
        sign.setPixmap(pixmap(name, colour, 20, self.devicePixelRatioF()))
        sign.setAccessibleName(row.severity)
        words = QVBoxLayout()
        words.setSpacing(4)
        said, where = Words(wrap=True), Words("second", wrap=True)
        said.show_words(row.message, row.names)
        said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words.addWidget(said)
        if row.where:
            where.show_words(row.where, row.names)
            words.addWidget(where)
        self._details = details_box(row.details)
        self._details.setMaximumHeight(120)
        self._details.hide()
        foot = QHBoxLayout()
        foot.setSpacing(4)
        foot.addWidget(label(row.code, "caption"))
        foot.addStretch(1)
        if row.details:
            foot.addWidget(button(tr("Details"), self._toggle_details, "small"))
            foot.addWidget(
                button(
                    tr("Copy"), lambda: QGuiApplication.clipboard().setText(row.details), "small"
                )
            )
        if row.act and row.run is not None:
            foot.addWidget(button(row.act, row.run, "small"))
        words.addLayout(foot)
        words.addWidget(self._details)
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 4, 0, 4)
        across.setSpacing(12)
        across.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        across.addLayout(words, 1)

    def _toggle_details(self) -> None:
        self._details.setVisible(not self._details.isVisible())
