"""The executor over QThreadPool, for the program with a window.

The one module of this package that imports Qt (QtCore only). It owns its pool: the global one
belongs to Qt. A pool cannot interrupt a running task, so drains look at their cancel token.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from PySide6.QtCore import QThread, QThreadPool

NICENESS = 5
"""Workers that read files keep every core busy; the window's own thread must still get its turn at
once (figure window.scroll_fps_while_loading). Over a line they mostly wait, and what has come is to
be seen (figure web40.window_vs_headless)."""


class QtExecutor:
    """Run drains on a QThreadPool of its own; needs no event loop and no application object."""

    def __init__(self) -> None:
        self._pool = QThreadPool()
        self._pool.setExpiryTimeout(1000)
        self._pool.setThreadPriority(QThread.Priority.LowPriority)

    def start(self, worker_count: int, drain: Callable[[], None], *, yields: bool = True) -> None:
        """Run `drain` in that many threads of the pool; `yields`: behind those of the window."""
        # tasks of an earlier start may still be leaving: make room for the new ones beside them
        self._pool.setMaxThreadCount(worker_count + self._pool.activeThreadCount())
        for _ in range(worker_count):
            self._pool.start(partial(_gently, drain) if yields else drain)

    def join(self, timeout_s: float) -> bool:
        """Wait until every started drain has returned."""
        return self._pool.waitForDone(max(0, round(timeout_s * 1000)))


def _gently(drain: Callable[[], None]) -> None:
    """Run a drain behind the other threads of the process."""
    if sys.platform == "linux":  # where Qt's priorities do nothing, and niceness is a thread's own
        thread = threading.get_native_id()
        with suppress(OSError):
            if os.getpriority(os.PRIO_PROCESS, thread) < NICENESS:
                os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
    drain()
