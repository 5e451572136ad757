"""Opening and saving: the system's file dialogs, pictures, exports."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app import demo
from app.language import tr
from app.session import RIGHT

if TYPE_CHECKING:
    from app.main_window import MainWindow

_log = logging.getLogger(__name__)


class Files(QObject):
    """What the File menu does for one window."""

    _exported = Signal(str, str)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._exported.connect(self._tell_export, Qt.ConnectionType.QueuedConnection)

    def open_folder(self) -> None:
        """Ask for a folder and open it."""
        path = QFileDialog.getExistingDirectory(self._window, tr("Open folder"), _documents())
        if path:
            self._window.session.open([path])

    def open_beside(self) -> None:
        """Ask for a folder and open it in the right column."""
        path = QFileDialog.getExistingDirectory(self._window, tr("Open beside"), _documents())
        if path:
            self._window.session.open([path], RIGHT)

    def compare(self) -> None:
        """Put the next series of the list beside the present one; again: that one alone."""
        session = self._window.session
        if len(session.columns) > 1:
            others = [one for one in session.columns if one is not session.active]
            session.close_column(others[0])
            return
        entries = session.entries
        if session.entry in entries:
            place = entries.index(session.entry)
            session.select(entries[(place + 1) % len(entries)], RIGHT)

    def open_files(self) -> None:
        """Ask for files and open them."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, tr("Open files"), _documents())
        if paths:
            self._window.session.open(paths)

    def locate(self, uri: str) -> None:
        """Ask where something that was moved is now."""
        path = QFileDialog.getExistingDirectory(
            self._window, tr("Where is {name} now?").format(name=Path(uri).name), _documents()
        )
        if path:
            self._window.recent.remove(uri)
            self._window.session.open([path])

    def open_demo(self) -> None:
        """Open the volume that the program brings."""
        self._window.session.open([demo.URI])

    def copy_picture(self) -> None:
        """Put the active view on the clipboard."""
        views = self._window.views
        QGuiApplication.clipboard().setImage(views.grab_picture(views.state.active_view))
        self._window.tell(tr("Picture copied"))

    def save_picture(self) -> None:
        """Ask for a file and write all views into it."""
        columns = self._window.columns
        if columns is None:
            return
        picture = columns.grab_picture()
        path, _ = QFileDialog.getSaveFileName(
            self._window, tr("Save picture"), self._suggest(".png"), "PNG (*.png);;JPEG (*.jpg)"
        )
        if not path:
            return
        if not Path(path).suffix:
            path += ".png"
        done = picture.save(path)
        words = tr("Saved {name}") if done else tr("{name} could not be written.")
        self._window.tell(words.format(name=Path(path).name))

    def export(self) -> None:
        """Ask for a file and write the volume into it, in a thread of its own."""
        volume = self._window.session.volume
        if volume is None:
            return
        path, _ = QFileDialog.getSaveFileName(
            self._window,
            tr("Export volume"),
            self._suggest(".nii.gz"),
            "NIfTI (*.nii.gz *.nii);;NRRD (*.nrrd)",
        )
        if path:
            self._window.tell(tr("Writing {name}").format(name=Path(path).name))
            thread = threading.Thread(target=self._export, args=(volume, path), name="export")
            thread.start()

    def _export(self, volume: object, path: str) -> None:
        import loading

        try:
            loading.export(volume, path)  # type: ignore[arg-type]
            words = tr("Exported {name}").format(name=Path(path).name)
        except loading.LoadError as error:
            words = str(error)
        except Exception:
            _log.exception("export failed")
            words = tr("{name} could not be written; the log file has the details.").format(
                name=Path(path).name
            )
        self._exported.emit(path, words)

    def _tell_export(self, path: str, words: str) -> None:
        self._window.tell(words)

    def _suggest(self, suffix: str) -> str:
        volume = self._window.session.volume
        # the series' own words, never the patient's name
        name = volume.spec.label if volume is not None else "voxtide"
        safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "voxtide"
        return str(Path(_documents()) / f"{safe}{suffix}")


def _documents() -> str:
    place = QStandardPaths.StandardLocation.DocumentsLocation
    return QStandardPaths.writableLocation(place)
