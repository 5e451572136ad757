"""A logout, `kill` or Ctrl+C closes the window as its cross does, so that the run ends well."""

from __future__ import annotations

import signal
import socket
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier

if TYPE_CHECKING:
    from app.main_window import MainWindow


class SignalDoor(QObject):
    """Turn signals of the system into a close; Qt's loop would not let Python see them.

    The C handler writes a byte into a socket, the loop sees it. Without such signals, on Windows,
    it does nothing.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        if sys.platform == "win32":
            return
        self._inside, self._outside = socket.socketpair()
        for end in (self._inside, self._outside):
            end.setblocking(False)
        signal.set_wakeup_fd(self._outside.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(self._inside.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._close)

    def _close(self) -> None:
        self._inside.recv(64)
        self._window.close()
