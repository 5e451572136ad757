"""Measured process of ours: say what lies in a folder, as `voxtide info` and the window do.

usage: python -m tests.bench.our_describe FOLDER WARM_UP_FOLDER
"""

from __future__ import annotations

import json
import sys
import time

import loading


def describe(folder: str) -> dict[str, float]:
    """Describe a folder; milliseconds, volumes, and files that were passed over."""
    called_s = time.perf_counter()
    catalogue = loading.describe(folder)
    return {
        "ms": (time.perf_counter() - called_s) * 1000,
        "volumes": len(catalogue.volumes),
        "skipped": len(catalogue.skipped),
    }


def main() -> None:
    folder, warm_up = sys.argv[1:3]
    describe(warm_up)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(describe(folder)), flush=True)


if __name__ == "__main__":
    main()
