"""Calls from any thread to the window's, in the order in which they come."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

_log = logging.getLogger(__name__)


class Courier(QObject):
    """Run calls in the thread that made it, as soon as its event loop comes to them."""

    _brought = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._brought.connect(lambda call: call(), Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], None]) -> None:
        """Have a call run; one that comes after the window has gone is dropped."""
        try:
            self._brought.emit(call)
        except RuntimeError:
            _log.debug("an answer came after the end")
