"""Peer: find the series of a folder with pydicom, on one core; pixels are not read.

usage: pydicom_headers.py FOLDER WARM_UP_FOLDER
"""

import json
import os
import sys
import time

import pydicom
from pydicom.errors import InvalidDicomError


def scan(folder: str) -> tuple[float, int, int]:
    """Give the milliseconds, the files that are DICOM and the series."""
    called_s = time.perf_counter()
    series: dict[str, int] = {}
    for here, _, names in os.walk(folder):
        for name in names:
            try:
                dataset = pydicom.dcmread(os.path.join(here, name), stop_before_pixels=True)  # noqa: PTH118
            except InvalidDicomError:
                continue
            uid = str(dataset.SeriesInstanceUID)
            series[uid] = series.get(uid, 0) + 1
    return (time.perf_counter() - called_s) * 1000, sum(series.values()), len(series)


scan(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
milliseconds, files, found = scan(sys.argv[1])
print(json.dumps({"ms": milliseconds, "files": files, "series": found}), flush=True)
