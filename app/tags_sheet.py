"""All tags of one slice, as a table that can be filtered (Ctrl+I, or "? words" in the palette)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QSize, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from app.language import tr
from app.sheets import Sheet
from app.widgets import Field, label

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from loading.sources.base import TagRow

_PATIENT_GROUP = "(0010,"


def read_tags(window: MainWindow) -> list[TagRow]:
    """Read the header of the acquired slice that goes through the crosshair.

    With names hidden, whatever belongs to the patient or is a person's name is left out.
    """
    volume = window.session.volume
    if volume is None:
        return []
    from loading import LoadError

    k, _ = window.views.slice_position(window.views.acquired_view)
    try:
        rows = volume.tags(k)
    except LoadError as error:
        window.tell(str(error))
        return []
    if window.settings.value.names_hidden:
        rows = [r for r in rows if r.vr != "PN" and not r.tag.startswith(_PATIENT_GROUP)]
    return rows


def matching(rows: Sequence[TagRow], words: str) -> list[TagRow]:
    """Keep the rows that have every word in number, name or value."""
    wanted = words.casefold().split()
    return [
        row
        for row in rows
        if all(word in f"{row.tag} {row.name} {row.value}".casefold() for word in wanted)
    ]


class _Table(QAbstractTableModel):
    _HEADS = ("Tag", "Name", "VR", "Value")

    def __init__(self, rows: Sequence[TagRow]) -> None:
        super().__init__()
        self.rows = list(rows)

    def show(self, rows: Sequence[TagRow]) -> None:
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: object = None) -> int:
        return len(self.rows)

    def columnCount(self, parent: object = None) -> int:
        return len(self._HEADS)

    def data(self, index: object, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        row = self.rows[index.row()]  # type: ignore[attr-defined]
        indent = "    " * row.depth
        return (indent + row.tag, row.name, row.vr, row.value)[index.column()]  # type: ignore[attr-defined]

    def headerData(self, section: int, orientation: object, role: int = 0) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return tr(self._HEADS[section])
        return None


class TagsSheet(Sheet):
    """The table with a field that filters it."""

    def __init__(self, rows: Sequence[TagRow], wanted: str = "") -> None:
        super().__init__(tr("All tags of this slice"), QSize(760, 640))
        self._rows = list(rows)
        self.field = Field()
        self.field.setPlaceholderText(tr("Filter by number, name or value"))
        self.field.setAccessibleName(tr("Filter"))
        self.field.textChanged.connect(self._filter)
        self._model = _Table(self._rows)
        self.table = QTableView()
        self.table.setModel(self._model)
        self.table.setAccessibleName(tr("Tags"))
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)  # Tab leaves the table, arrows go through it
        self.table.setMinimumHeight(440)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        head = self.table.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setHighlightSections(False)
        for column, width in enumerate((120, 256, 52)):
            self.table.setColumnWidth(column, width)
        head.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        if not rows:
            self.body.addWidget(label(tr("This slice has no header that can be shown."), "second"))
        self.body.addWidget(self.field)
        self.body.addWidget(self.table, 1)
        self.setFocusProxy(self.field)
        self.field.setText(wanted)

    @property
    def shown(self) -> list[TagRow]:
        """Give the rows that match the filter."""
        return self._model.rows

    def _filter(self, words: str) -> None:
        self._model.show(matching(self._rows, words))
