"""The context menu of a series, and its details."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QMenu

from app.language import tr
from app.session import RIGHT
from app.sheets import Sheet
from app.theme import code_font
from app.widgets import label

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from loading import VolumeEntry, VolumeSpec

_PERSONAL = ("patient_name", "patient_id", "patient_birth_date")


def show_series_menu(window: MainWindow, entry: VolumeEntry, at: QPoint) -> QMenu:
    """Show what can be done with a series."""
    menu = QMenu(window)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    path = entry.spec.path
    menu.addAction(tr("Open"), lambda: window.session.select(entry))
    beside = menu.addAction(tr("Open beside"), lambda: window.session.select(entry, RIGHT))
    beside.setEnabled(window.session.volume is not None)
    menu.addAction(tr("Details"), lambda: window.show_details(entry))
    copy = menu.addAction(tr("Copy path"), lambda: QGuiApplication.clipboard().setText(path))
    show = menu.addAction(tr("Show in folder"), lambda: _show_in_folder(path))
    for action in (copy, show):
        action.setEnabled(bool(path))
    menu.addSeparator()
    menu.addAction(tr("Close"), lambda: window.session.close_entry(entry))
    menu.popup(at)
    return menu


class DetailsSheet(Sheet):
    """What is known about a series before any pixel is read."""

    def __init__(self, spec: VolumeSpec, *, names_hidden: bool) -> None:
        super().__init__(tr("Details"), QSize(560, 560))
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        for place, (name, value) in enumerate(detail_rows(spec, names_hidden=names_hidden)):
            grid.addWidget(label(name, "second"), place, 0, Qt.AlignmentFlag.AlignTop)
            shown = label(value, wrap=True)
            shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if value == spec.path:
                shown.setFont(code_font())
            grid.addWidget(shown, place, 1)
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)
        self.body.addStretch(1)


def detail_rows(spec: VolumeSpec, *, names_hidden: bool) -> list[tuple[str, str]]:
    """Give name and value of everything known."""
    from loading.memory import human_bytes

    slices, rows, columns = spec.shape_kji
    spacing = " x ".join(f"{step:.4g}" for step in spec.spacing_ijk_mm)
    made = [
        (tr("Series"), spec.label),
        (tr("Modality"), spec.modality),
        (tr("Slices"), f"{slices - len(spec.absent)}"),
        (tr("Pixels"), f"{columns} x {rows}"),
        (tr("Voxel"), f"{spacing} mm"),
        (tr("Values"), f"{spec.dtype}, {spec.unit}".rstrip(", ")),
        (tr("Memory"), human_bytes(spec.size_bytes)),
        (tr("Time points"), str(spec.time_points) if spec.time_points > 1 else ""),
        (tr("Transfer syntax"), ", ".join(spec.transfer_syntaxes)),
        (tr("Files"), str(spec.files)),
        (tr("Path"), "" if names_hidden else spec.path),
    ]
    for name, value in spec.header.items():
        if not (names_hidden and name in _PERSONAL):
            made.append((name.replace("_", " ").capitalize(), str(value)))
    return [(name, value) for name, value in made if value]


def _show_in_folder(path: str) -> None:
    place = Path(path)
    folder = place if place.is_dir() else place.parent
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
