"""Peer: read a NIfTI file with nibabel, every voxel into an array of one's own.

usage: nibabel_array.py FILE WARM_UP_FILE
"""

import json
import sys
import time
import warnings

import nibabel
import numpy as np


def load(path: str) -> tuple[float, int]:
    """Give the milliseconds and the bytes of the array."""
    called_s = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its array interface is that of numpy 1
        array = np.array(nibabel.load(path).dataobj)
    return (time.perf_counter() - called_s) * 1000, array.nbytes


load(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
milliseconds, count = load(sys.argv[1])
print(json.dumps({"ms": milliseconds, "bytes": count}), flush=True)
