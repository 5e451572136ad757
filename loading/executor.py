"""Threads for the engine: plain ones here, Qt's in `loading.qtpool`.

A worker is one long-running drain (take the best request, read, commit, repeat), not a task per
slice: no thread has to be told when the order changes, and the cost per slice stays below 1 us.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Executor(Protocol):
    """Supply threads that run a drain until it returns."""

    def start(self, worker_count: int, drain: Callable[[], None], *, yields: bool = True) -> None:
        """Run `drain` in that many threads; it may be called again while others still run.

        `yields`: the process's other threads go first.
        """
        ...

    def join(self, timeout_s: float) -> bool:
        """Wait until every started drain has returned; tell whether that was in time."""
        ...


class ThreadExecutor:
    """Plain threads, for the command line, the API and tests."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self, worker_count: int, drain: Callable[[], None], *, yields: bool = True) -> None:
        """Run `drain` in that many new threads; they are as good as any."""
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            for number in range(worker_count):
                # daemon: a decoder that hangs must not keep the process; close() joins them all
                thread = threading.Thread(target=drain, name=f"voxtide-{number}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def join(self, timeout_s: float) -> bool:
        """Wait until every started drain has returned."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(t.is_alive() for t in threads if t is not threading.current_thread())
