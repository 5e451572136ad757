"""One thread for work on pixels that must not hold up the window: copies, ranges, pictures in 3D.

Jobs have a name; a job that still waits is replaced by a newer one of the same name, so that a
flood of wishes never becomes a queue. Results come back on the GUI thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

_log = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 5.0
NICENESS = 10

_Then = Callable[[Any], None]
_Job = tuple[Callable[[], Any], _Then, Callable[[], None] | None]


class GivenUp(Exception):
    """Raised inside a job whose result nobody wants any more."""


class Worker(QObject):
    """Run jobs one after the other in a thread of its own.

    Parameters
    ----------
    name : str
        Of the thread, for people who look at a stuck program.
    """

    _finished = Signal(object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: dict[str, _Job] = {}
        self._wake = threading.Condition()
        self._stopping = self._hurried = False
        self._at_end: Callable[[], None] | None = None
        self._name = name
        self._thread: threading.Thread | None = None
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Start the thread before it is needed: a busy machine makes its starter wait."""
        with self._wake:
            self._start()

    def _start(self) -> None:
        if self._thread is None and not self._stopping:
            self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
            self._thread.start()

    def run(
        self,
        name: str,
        job: Callable[[], Any],
        then: _Then,
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Ask for `job()` in the thread and `then(result)` on the GUI thread.

        A job that raises is logged, and instead of its `then`, `failed()` is called there; neither
        is for a job that gave up.
        """
        with self._wake:
            if self._hurried:
                return
            self._jobs.pop(name, None)
            self._jobs[name] = (job, then, failed)
            self._start()
            self._wake.notify()

    def is_waiting(self, name: str) -> bool:
        """Tell whether a newer job of this name waits; long jobs look here and give up."""
        return name in self._jobs or self._hurried

    def go_on_with(self, name: str) -> None:
        """Raise `GivenUp` where a newer job of this name waits; for the steps of a long job."""
        if self.is_waiting(name):
            raise GivenUp

    def drop(self, name: str) -> None:
        """Forget a waiting job."""
        with self._wake:
            self._jobs.pop(name, None)

    def hurry(self) -> None:
        """Let the job under way give up, and begin no other; `stop` comes soon.

        Where many threads are to end, all are told first: they end beside each other.
        """
        with self._wake:
            self._hurried = True
            self._jobs.clear()

    def stop(self, at_end: Callable[[], None] | None = None) -> bool:
        """Drop what waits, run `at_end` in the thread and join it; tell whether it has ended."""
        self.hurry()
        with self._wake:
            self._stopping = True
            self._at_end = at_end
            self._wake.notify()
        if self._thread is None:
            return True
        self._thread.join(JOIN_TIMEOUT_S)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        _step_back()
        while True:
            with self._wake:
                self._wake.wait_for(lambda: bool(self._jobs) or self._stopping)
                if self._stopping:
                    break
                name = next(iter(self._jobs))
                job, then, failed = self._jobs.pop(name)
            self._do(name, job, then, failed)
            # What they hold, a whole volume maybe, is not kept until the next job.
            del job, then, failed
        if self._at_end is not None:
            self._at_end()

    def _do(
        self, name: str, job: Callable[[], Any], then: _Then, failed: Callable[[], None] | None
    ) -> None:
        try:
            result = job()
        except GivenUp:
            return
        except Exception:
            _log.exception("the job %s failed", name)
            if failed is not None and not self._hurried:
                self._finished.emit(lambda _: failed(), None)
            return
        if not self._hurried:
            self._finished.emit(then, result)

    def _deliver(self, then: _Then, result: Any) -> None:
        if not self._hurried:
            then(result)


def _step_back() -> None:
    """Let the window and the loaders go first, where a thread can say so (Linux).

    Threads that OpenGL on the processor makes for itself inherit it.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
