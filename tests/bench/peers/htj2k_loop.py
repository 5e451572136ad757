"""Floor: read HTJ2K files and decode them with imagecodecs into a fresh array, on all cores.

Imports nothing of Voxtide. Where the code stream lies in each file is found beforehand.

usage: htj2k_loop.py FOLDER ROWS COLUMNS; waits for a line, reads, prints JSON.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import imagecodecs
import numpy as np

START, END = b"\xff\x4f\xff\x51", b"\xff\xd9"


def find_stream(path):
    """Give path, offset and length of the one code stream in a file."""
    content = path.read_bytes()
    first = content.index(START)
    return str(path), first, content.rindex(END) + len(END) - first


def decode_some(volume, files, numbers):
    for k in numbers:
        path, offset, length = files[k]
        descriptor = os.open(path, os.O_RDONLY)
        stream = os.pread(descriptor, length, offset)
        os.close(descriptor)
        imagecodecs.htj2k_decode(stream, out=volume[k])


def decode_all(files, rows, columns, cores):
    start = time.perf_counter()
    volume = np.empty((len(files), rows, columns), np.int16)
    threads = [
        threading.Thread(target=decode_some, args=(volume, files, range(n, len(files), cores)))
        for n in range(cores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - start) * 1000


folder, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
files = [find_stream(path) for path in sorted(Path(folder).glob("*.dcm"))]
cores = os.cpu_count() or 1
decode_all(files[:8], rows, columns, cores)
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps({"ms": decode_all(files, rows, columns, cores)}), flush=True)
