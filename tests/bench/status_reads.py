"""Measured process of ours: is the record of the statuses ever locked for long?

usage: python -m tests.bench.status_reads FOLDER WARM_UP_FOLDER
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

import loading

READ_EVERY_S = 0.002


class TimedLock:
    """Stand in for a lock and note the longest time that it was held."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._since_s = 0.0
        self.longest_s = 0.0

    def __enter__(self) -> None:
        self._inner.acquire()
        self._since_s = time.perf_counter()

    def __exit__(self, *about: object) -> None:
        self.longest_s = max(self.longest_s, time.perf_counter() - self._since_s)
        self._inner.release()


def measure(folder: str) -> dict[str, float]:
    """Load a folder and read its qualities all the while."""
    entry = loading.choose(loading.describe(folder))
    reads = []
    with loading.open_entry(entry, start=False) as volume:
        record = volume._volume
        record._lock = lock = TimedLock(record._lock)  # type: ignore[assignment]
        volume.load()
        while not volume.state.is_over:
            start = time.perf_counter()
            volume.qualities()
            reads.append((time.perf_counter() - start) * 1000)
            time.sleep(READ_EVERY_S)
    return {
        "longest_hold_ms": lock.longest_s * 1000,
        "longest_read_ms": max(reads),
        "median_read_ms": statistics.median(reads),
    }


def main() -> None:
    folder, warm_up = sys.argv[1:3]
    measure(warm_up)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(measure(folder)), flush=True)


if __name__ == "__main__":
    main()
