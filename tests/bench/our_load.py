"""Measured process of ours: open what lies in a folder, as a caller of the Python API would.

usage: python -m tests.bench.our_load FOLDER WARM_UP_FOLDER
"""

from __future__ import annotations

import json
import sys
import time

import loading
from loading.timeline import timeline


def load(folder: str) -> dict[str, float]:
    """Load a folder; milliseconds from the call, headers included."""
    called_s = time.perf_counter()
    entry = loading.choose(loading.describe(folder))
    described_s = time.perf_counter()
    with loading.open_entry(entry) as volume:
        volume.wait()
        complete_s = time.perf_counter()
        assert volume.state is loading.LoadState.COMPLETE
        marks = timeline(volume.spec, volume.history(), called_s)
    assert marks.coverage_ms is not None
    assert marks.full_ms is not None
    return {
        "describe_ms": (described_s - called_s) * 1000,
        "coverage_ms": marks.coverage_ms,
        "full_ms": marks.full_ms,
        "complete_ms": (complete_s - called_s) * 1000,
    }


def main() -> None:
    folder, warm_up = sys.argv[1:3]
    load(warm_up)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(load(folder)), flush=True)


if __name__ == "__main__":
    main()
