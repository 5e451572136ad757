"""The form of a search: patient, ID, days, modality, description."""

from __future__ import annotations

import datetime
import re

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.language import tr
from app.widgets import Choice, Field, button
from loading.web.qido import StudyQuery

MODALITIES = ("CT", "MR", "PT", "NM", "US", "XA", "CR", "DX", "MG", "RF", "OT")
_ANY = "any"


class StudyForm(QWidget):
    """One line of fields; `asked` comes with Enter in any of them, or with the button."""

    asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.patient = self._field(tr("Patient"))
        self.patient_id = self._field(tr("ID"))
        self.first_day = self._field(tr("From day"))
        self.last_day = self._field(tr("To day"))
        for field in (self.first_day, self.last_day):
            field.setToolTip(tr("2025-01-31, or 31.01.2025"))
        self.modality = Choice(tr("Modality"), [(_ANY, tr("Any")), *((m, m) for m in MODALITIES)])
        self.modality.set_value(_ANY)
        self.modality.setMinimumContentsLength(3)
        self.description = self._field(tr("Description"))
        self.search = button(tr("Search"), self.asked.emit)
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        stretches = (3, 2, 2, 2, 1, 3, 0)
        parts = (self.patient, self.patient_id, self.first_day, self.last_day, self.modality,
                 self.description, self.search)  # fmt: skip
        for part, stretch in zip(parts, stretches, strict=True):
            across.addWidget(part, stretch)
        self.setFocusProxy(self.patient)

    def _field(self, name: str) -> Field:
        made = Field()
        made.setPlaceholderText(name)
        made.setAccessibleName(name)
        # a name that does not fit would be all there is to say what the field is for
        made.setMinimumWidth(min(96, made.fontMetrics().horizontalAdvance(name) + 24))
        made.setClearButtonEnabled(False)
        made.returnPressed.connect(self.asked)
        return made

    def fill(self, query: StudyQuery) -> None:
        """Show what is looked for."""
        self.patient.setText(query.patient)
        self.patient_id.setText(query.patient_id)
        self.first_day.setText(query.first_day.isoformat() if query.first_day else "")
        self.last_day.setText(query.last_day.isoformat() if query.last_day else "")
        self.modality.set_value(query.modality if query.modality in MODALITIES else _ANY)
        self.description.setText(query.description)

    def read(self) -> tuple[StudyQuery | None, str]:
        """Give what to look for, or None and a sentence when a day cannot be understood."""
        days: list[datetime.date | None] = []
        for field in (self.first_day, self.last_day):
            text = field.text().strip()
            day = day_typed(text)
            if text and day is None:
                words = tr("“{text}” is no day. Write it as 2025-01-31.").format(text=text[:20])
                field.setFocus()
                return None, words
            days.append(day)
        modality = self.modality.value()
        query = StudyQuery(
            patient=self.patient.text().strip(),
            patient_id=self.patient_id.text().strip(),
            first_day=days[0],
            last_day=days[1],
            modality="" if modality == _ANY else modality,
            description=self.description.text().strip(),
        )
        return query, ""


def day_typed(text: str) -> datetime.date | None:
    """Read a day as people type it; None for what is none or could be two."""
    for pattern, order in (
        (r"(\d{4})-?(\d{1,2})-?(\d{1,2})", (0, 1, 2)),
        (r"(\d{4})[./](\d{1,2})[./](\d{1,2})", (0, 1, 2)),
        # days come first only with points: 03/04/2025 is two days
        (r"(\d{1,2})\.(\d{1,2})\.(\d{4})", (2, 1, 0)),
    ):
        match = re.fullmatch(pattern, text.strip())
        if match:
            try:
                return datetime.date(*(int(match.groups()[place]) for place in order))
            except ValueError:
                return None
    return None
