"""Measured process of ours: load a series from a server, and look at a far slice in mid-load.

usage: python -m tests.bench.our_web load|alone|jump URL
"""

from __future__ import annotations

import json
import sys
import time

import loading
from loading.plan import Plan, Position, Stage
from loading.volume import Change

ALONE = Plan("alone", (Stage("one", positions=(Position(fraction=0.5),)),))
REACH = 5
JUMP_AT = 0.4
"""The eye jumps when this share of the slices is there."""


def exact_s(changes: list[Change], k: int) -> float:
    """Give when a slice was final."""
    return next(
        c.time_s for c in changes if c.chunk.index == k and c.status >= loading.Status.LOSSY
    )


def frames_until_covered(changes: list[Change], count: int) -> int:
    """Count whole frames until each slice has one at most REACH away."""
    uncovered, frames = set(range(count)), 0
    for change in changes:
        if change.status >= loading.Status.LOSSY and uncovered:
            frames += 1
            k = change.chunk.index
            uncovered.difference_update(range(k - REACH, k + REACH + 1))
    return frames


def measure(kind: str, url: str) -> dict[str, float]:
    entry = loading.first_choice(loading.describe(url))
    assert entry is not None
    plan = ALONE if kind == "alone" else loading.COARSE_FIRST
    with loading.open_entry(entry, plan=plan, start=False) as volume:
        count = volume.spec.shape_kji[0]
        middle = (count - 1) // 2 if kind == "alone" else count // 2
        started = time.perf_counter()
        volume.load()
        found: dict[str, float] = {}
        if kind == "jump":
            while volume.progress.full < JUMP_AT * count:
                time.sleep(0.002)
            status = volume.qualities().status
            far = max((k for k in range(count) if status[k] < loading.Status.LOSSY), default=0)
            jumped = time.perf_counter()
            volume.prefer(loading.Demand(visible=(far,)))
            while volume.status(far) < loading.Status.LOSSY:
                time.sleep(0.001)
            found = {"jump_ms": (exact_s(volume.history(), far) - jumped) * 1000, "far": far}
            volume.cancel()
        volume.wait()
        changes = volume.history()
        found["first_exact_ms"] = (exact_s(changes, middle) - started) * 1000
        found["coverage_frames"] = frames_until_covered(changes, count)
        found["failures"] = len(volume.failures)
    return found


def main() -> None:
    kind, url = sys.argv[1:3]
    print(json.dumps(measure(kind, url)), flush=True)


if __name__ == "__main__":
    main()
