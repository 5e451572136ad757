"""Peer: read a series with SimpleITK, names included. Imports nothing of Voxtide.

usage: simpleitk_series.py FOLDER WARM_UP_FOLDER; waits for a line, reads, prints JSON.
"""

import json
import sys
import time

import SimpleITK


def read(folder: str) -> float:
    start = time.perf_counter()
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(folder))
    image = reader.Execute()
    elapsed = time.perf_counter() - start
    assert image.GetNumberOfPixels()
    return elapsed * 1000


read(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps({"ms": read(sys.argv[1])}), flush=True)
