"""Processes that are measured: each imports, warms up, says "ready", waits, and measures once.

Sides that are compared are started and measured in turn (A, B, A, B ...), each time in a process
of its own, so that none gains from what an earlier run left behind.
"""

from __future__ import annotations

import json
import mmap
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.bench.data import ROOT

ROUNDS = 5
START_TIMEOUT_S = 120.0
RUN_TIMEOUT_S = 300.0
SPAWNED = "VOXTIDE_BENCH_SPAWNED_S"
"""Tells a process when it was started: `time.perf_counter()`, one clock for all on Linux."""

FREE_BYTES = 768 << 20
"""More than any side touches for the first time."""

Sample = dict[str, Any]


class Failed(RuntimeError):
    """A measured process ended without a result."""


def peer(script: str, *arguments: object) -> list[str]:
    """Give the command of a floor or peer; it cannot import anything of ours."""
    path = ROOT / "tests" / "bench" / "peers" / script
    return [sys.executable, "-P", str(path), *map(str, arguments)]


def ours(module: str, *arguments: object) -> list[str]:
    """Give the command of a measured process of ours."""
    return [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]


def run_once(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Sample:
    """Start a process, wait until it is ready, let it measure, give what it prints."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {}), SPAWNED: str(time.perf_counter())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        if process.stdout.readline().strip() != "ready":
            raise Failed(f"did not start: {' '.join(command)}")
        warm_free_memory()
        line, _ = process.communicate("go\n", timeout=RUN_TIMEOUT_S)
        if process.returncode or not line:
            raise Failed(f"status {process.returncode}: {' '.join(command)}")
        sample: Sample = json.loads(line.splitlines()[-1])
        return sample
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def warm_free_memory() -> None:
    """Touch much memory and give it back, so that every side finds free pages of one kind.

    A virtual machine gives pages that are free for seconds back to its host; the next process to
    touch them pays for each with a visit there, 200 ms for a volume, whatever it measures.
    """
    with mmap.mmap(-1, FREE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.madvise(mmap.MADV_HUGEPAGE)
        for at in range(0, FREE_BYTES, mmap.PAGESIZE):
            block[at] = 1


def in_turn(
    commands: Mapping[str, Sequence[str]],
    rounds: int = ROUNDS,
    environment: Mapping[str, str] | None = None,
    *,
    dropped: int = 0,
    before_each: Callable[[], None] = lambda: None,
) -> dict[str, list[Sample]]:
    """Measure each side once a round; gives the samples of each side, round by round.

    Parameters
    ----------
    dropped : int
        Rounds before those that count: they fill the caches.
    before_each : callable
        Called before each process is started.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for turn in range(-dropped, rounds):
        for name, command in commands.items():
            before_each()
            sample = run_once(command, environment)
            if turn >= 0:
                samples[name].append(sample)
    return samples


def median(samples: Sequence[Sample], key: str = "ms") -> float:
    """Give the median of one measured number."""
    return statistics.median(float(sample[key]) for sample in samples)


def column(samples: Sequence[Sample], key: str = "ms") -> list[float]:
    """Give one measured number of each sample."""
    return [round(float(sample[key]), 4) for sample in samples]
