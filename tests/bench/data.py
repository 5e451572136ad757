"""The series that the bench reads: made once, kept in build/bench-data."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench import make_formats
from tests.bench.make_enhanced import make_enhanced
from tests.bench.make_series import make_series

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench-data"
VERSION = "1"
"""Goes up when `make_series` writes something else; older data are then made anew."""


@dataclass(frozen=True, slots=True)
class Series:
    """What `make_series` is asked for, or `make_enhanced`."""

    count: int
    size: int
    coding: str

    @property
    def volume_bytes(self) -> int:
        """Count the bytes of the int16 volume."""
        return self.count * self.size * self.size * 2


SERIES = {
    "raw500": Series(500, 512, "raw"),
    "enhanced500": Series(500, 512, "enhanced"),
    "raw2000": Series(2000, 128, "raw"),
    "cube256": Series(256, 256, "raw"),
    "cube512": Series(512, 512, "raw"),
    "htj2k200": Series(200, 512, "htj2k"),
    "j2k300": Series(300, 512, "j2k"),
    "cube64": Series(64, 64, "raw"),
    "tiny_raw": Series(8, 64, "raw"),
    "tiny_enhanced": Series(8, 64, "enhanced"),
    "tiny_htj2k": Series(8, 64, "htj2k"),
    "tiny_j2k": Series(8, 64, "j2k"),
}
OTHERS: dict[str, Callable[[Path], None]] = {
    "nifti256": partial(make_formats.make_nifti, packed=False),
    "niftigz256": partial(make_formats.make_nifti, packed=True),
    "tiff300": make_formats.make_tiff_stack,
    "mixed20000": make_formats.make_mixed,
    "tiny_nifti": partial(make_formats.make_nifti, packed=False, side=16),
    "tiny_niftigz": partial(make_formats.make_nifti, packed=True, side=16),
    "tiny_tiff": partial(make_formats.make_tiff_stack, count=4),
}
"""What lies in a folder beside one DICOM series."""


def folder_of(name: str) -> Path:
    """Give the folder of a series, made if it is not there; its pages are then in the cache."""
    folder = FOLDER / name
    mark = FOLDER / f"{name}.version-{VERSION}"
    if not mark.exists():
        print(f"making {name} in {folder} ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        if name in OTHERS:
            OTHERS[name](folder)
        else:
            _make(folder, SERIES[name])
        mark.touch()
    for path in folder.rglob("*"):
        if path.is_file():
            _warm(path)
    return folder


def _make(folder: Path, series: Series) -> None:
    if series.coding == "enhanced":
        make_enhanced(folder, series.count, series.size)
    else:
        make_series(folder, series.count, series.size, series.coding)


def _warm(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        while os.read(descriptor, 1 << 20):
            pass
    finally:
        os.close(descriptor)
