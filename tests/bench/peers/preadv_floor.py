"""Floor: one preadv of each file's pixel bytes into its slice of a fresh array, on all cores.

Imports nothing of Voxtide. Offsets are known beforehand, files are taken in the order of their
names, and each core has a block of slices to itself, so that no two of them fault in one huge page.

usage: preadv_floor.py FOLDER ROWS COLUMNS; waits for a line, reads, prints JSON.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np


def read_block(volume, files, first, stop):
    for k in range(first, stop):
        path, offset, size = files[k]
        descriptor = os.open(path, os.O_RDONLY)
        got = os.preadv(descriptor, [volume[k]], offset)
        os.close(descriptor)
        assert got == size


def read_all(files, rows, columns, cores):
    start = time.perf_counter()
    volume = np.empty((len(files), rows, columns), np.int16)
    edges = [len(files) * n // cores for n in range(cores + 1)]
    threads = [
        threading.Thread(target=read_block, args=(volume, files, edges[n], edges[n + 1]))
        for n in range(cores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - start) * 1000


folder, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
size = rows * columns * 2
files = [(str(p), p.stat().st_size - size, size) for p in sorted(Path(folder).glob("*.dcm"))]
cores = os.cpu_count() or 1
read_all(files[:8], rows, columns, cores)
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps({"ms": read_all(files, rows, columns, cores)}), flush=True)
