"""The list of studies as a table, and the tiles of a study's series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QAccessible, QPixmap

from app.cards import Card
from app.language import tr
from app.widgets import Elided, Thumbnail

if TYPE_CHECKING:
    from app.study_search import StudySearch
    from loading.web.qido_rows import Series, Study

Index = QModelIndex | QPersistentModelIndex

COLUMNS = ("Patient", "ID", "Date", "Modality", "Description", "Series", "Slices")
WIDTHS = (0, 104, 104, 88, 0, 64, 72)
"""Pixels; 0 takes its share of what is left."""
SORT_ROLE = Qt.ItemDataRole.UserRole
_NUMBERS = (5, 6)
_TILE_WIDTH, _PICTURE = 116, 80


class StudyTable(QAbstractTableModel):
    """The studies of a search; asks for the next page when the table wants more rows."""

    def __init__(self, search: StudySearch, *, names_hidden: bool) -> None:
        super().__init__()
        self._search = search
        self._names_hidden = names_hidden
        self._rows: list[Study] = list(search.studies)
        search.found.connect(self._append)
        search.changed.connect(self._follow)

    def study(self, row: int) -> Study:
        """Give the study of a row."""
        return self._rows[row]

    def rowCount(self, parent: Index | None = None) -> int:
        """Count rows."""
        return len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """Count columns."""
        return len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a cell."""
        study, column = self._rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._words(study, column)
        if role == SORT_ROLE:
            return self._rank(study, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in _NUMBERS:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Give the words of a heading."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section in _NUMBERS:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return tr(COLUMNS[section]) if role == Qt.ItemDataRole.DisplayRole else None

    def canFetchMore(self, parent: Index) -> bool:
        """Tell whether there is another page to ask for."""
        return not self._search.is_over and not self._search.is_searching

    def fetchMore(self, parent: Index) -> None:
        """Ask for it."""
        self._search.more()

    def _words(self, study: Study, column: int) -> str:
        if column in (0, 1) and self._names_hidden:
            return tr("hidden")
        day = study.day.isoformat() if study.day else ""
        counts = ["" if n is None else str(n) for n in (study.series_count, study.instance_count)]
        modalities = ", ".join(study.modalities)
        return str(
            (study.patient, study.patient_id, day, modalities, study.description, *counts)[column]
        )

    def _rank(self, study: Study, column: int) -> Any:
        if column == 2:
            return study.day.toordinal() if study.day else 0
        if column in _NUMBERS:
            return (study.series_count if column == 5 else study.instance_count) or 0
        return self._words(study, column).casefold()

    def _append(self, count: int) -> None:
        first = len(self._rows)
        self.beginInsertRows(QModelIndex(), first, first + count - 1)
        self._rows += self._search.studies[first:]
        self.endInsertRows()

    def _follow(self) -> None:
        """Notice that a new search has begun."""
        if len(self._search.studies) < len(self._rows):
            self.beginResetModel()
            self._rows = list(self._search.studies)
            self.endResetModel()


class SeriesTile(Card):
    """One series of a study: picture, name, number of slices; a click opens it."""

    accessible_role = QAccessible.Role.ListItem

    chosen = QtSignal(str)

    def __init__(self, series: Series) -> None:
        super().__init__(Qt.FocusPolicy.StrongFocus)
        self.uid = series.uid
        name = series.description or tr("Series {number}").format(number=series.number or "")
        count = tr("{count} slices").format(count=series.instance_count)
        parts = [series.modality, count if series.instance_count is not None else ""]
        details = ", ".join(part for part in parts if part)
        self.setFixedWidth(_TILE_WIDTH)
        self.setAccessibleName(tr("Open {name}, {details}").format(name=name, details=details))
        self.thumbnail = Thumbnail(_PICTURE)
        self.column.addWidget(self.thumbnail, 0, Qt.AlignmentFlag.AlignHCenter)
        self.column.addWidget(Elided(name))
        self.column.addWidget(Elided(details, "caption"))
        self.column.addStretch(1)
        self.picked.connect(lambda: self.chosen.emit(self.uid))

    def set_picture(self, data: bytes) -> None:
        """Show a picture; what cannot be read shows nothing."""
        picture = QPixmap()
        if picture.loadFromData(data):
            self.thumbnail.set_picture(picture)


def tiles_of(series: Sequence[Series]) -> list[SeriesTile]:
    """Make a tile of each series."""
    return [SeriesTile(one) for one in series]
