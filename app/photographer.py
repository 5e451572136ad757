"""Save a picture of the window once everything is there, then close it (`--screenshot`)."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from app.main_window import MainWindow

_log = logging.getLogger(__name__)

_LOOK_EVERY_MS = 100
_SETTLE_MS = 2000
"""Panels fill and bars fold some time after the last slice."""
_GIVE_UP_MS = 60_000


class Photographer(QObject):
    """Wait until the volume is complete and the views have settled."""

    def __init__(self, window: MainWindow, path: str) -> None:
        super().__init__(window)
        self._window, self._path = window, path
        self._quiet_ms = self._waited_ms = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        session, columns = self._window.session, self._window.columns
        is_quiet = columns is not None and not session.is_opening
        if not all(volume.state.is_over for volume in session.volumes):
            is_quiet = False
        if columns is not None and not all(one.is_at_rest for one in columns.workspaces):
            is_quiet = False
        if self._window.display.volume_section.pictures.is_busy:
            is_quiet = False
        self._quiet_ms = self._quiet_ms + _LOOK_EVERY_MS if is_quiet else 0
        self._waited_ms += _LOOK_EVERY_MS
        if self._quiet_ms < _SETTLE_MS and self._waited_ms < _GIVE_UP_MS:
            return
        self._timer.stop()
        if not self._window.grab().save(self._path):
            _log.error("the picture could not be written")
            sys.stderr.write(f"voxtide: {self._path} could not be written\n")
        self._window.close()
