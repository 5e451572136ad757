"""Floor: encode slices with imagecodecs as HTJ2K and decode them back, on all cores.

Imports nothing of Voxtide. The pixels are in memory beforehand, results are compared and dropped.

usage: htj2k_encode_loop.py FOLDER ROWS COLUMNS; waits for a line, runs, prints JSON.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import imagecodecs
import numpy as np


def encode_some(slices, back, wrong):
    for pixels in slices:
        stream = imagecodecs.htj2k_encode(pixels, tlm=True, tilepart=1)
        imagecodecs.htj2k_decode(stream, out=back)
        if not np.array_equal(back, pixels):
            wrong.append(stream)


def encode_all(slices, cores):
    start = time.perf_counter()
    wrong: list[bytes] = []
    threads = [
        threading.Thread(
            target=encode_some, args=(slices[n::cores], np.empty_like(slices[0]), wrong)
        )
        for n in range(cores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    return (time.perf_counter() - start) * 1000


folder, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
count = rows * columns
slices = [
    np.frombuffer(path.read_bytes()[-2 * count :], np.int16).reshape(rows, columns)
    for path in sorted(Path(folder).glob("*.dcm"))
]
cores = os.cpu_count() or 1
encode_all(slices[:8], cores)
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps({"ms": encode_all(slices, cores)}), flush=True)
