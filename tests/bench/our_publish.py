"""Measured process of ours: publish a folder into a tree that is not there yet, in memory.

How long a disk takes is not what is measured: the floor writes nothing.

usage: python -m tests.bench.our_publish FOLDER WARM_UP_FOLDER
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from loading.publish import publish


def measure(folder: str) -> float:
    """Publish; milliseconds from the call to the last list, headers included."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as tree:
        start = time.perf_counter()
        done = publish([folder], tree)
        taken = (time.perf_counter() - start) * 1000
        assert done.frames == done.total
        assert not done.failed
    return taken


def main() -> None:
    folder, warm_up = sys.argv[1:3]
    measure(warm_up)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps({"ms": measure(folder)}), flush=True)


if __name__ == "__main__":
    main()
