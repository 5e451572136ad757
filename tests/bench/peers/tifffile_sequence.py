"""Peer: read a folder of TIFF slices with tifffile, as one sequence.

usage: tifffile_sequence.py FOLDER WARM_UP_FOLDER
"""

import json
import sys
import time
from pathlib import Path

import tifffile


def load(folder: str) -> tuple[float, int]:
    """Give the milliseconds and the bytes of the array."""
    called_s = time.perf_counter()
    array = tifffile.imread(sorted(str(path) for path in Path(folder).iterdir()))
    return (time.perf_counter() - called_s) * 1000, array.nbytes


load(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
milliseconds, count = load(sys.argv[1])
print(json.dumps({"ms": milliseconds, "bytes": count}), flush=True)
