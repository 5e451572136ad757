"""Figures of the start, seen from outside by the screen's pixels, and of the package."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from functools import cache, partial
from pathlib import Path

from tests.bench.data import ROOT, folder_of
from tests.bench.figures import Figure, Measure, columns, ratio_of_medians
from tests.bench.subjects import Failed, Sample, in_turn, ours
from tests.bench.window_figures import HOME, environment

FROZEN = ROOT / "build" / "package" / "bundle" / "voxtide" / "voxtide"
FROZEN_NAME = "VOXTIDE_FROZEN"
"""Environment variable: the frozen program, where it is not in the build folder."""
BARE = [sys.executable, "-P", str(ROOT / "tests" / "bench" / "peers" / "bare_window.py")]
VENV = [str(Path(sys.executable).with_name("voxtide"))]


def _watch(wanted: str, *command: object) -> list[str]:
    return ours("watch_start", wanted, *command)


def _rounds(commands: dict[str, list[str]]) -> dict[str, list[Sample]]:
    """Start each in turn; what a start leaves is removed."""
    # a developer's habit that would have every module compiled at each start
    surroundings = {**environment(), "PYTHONDONTWRITEBYTECODE": "", "XDG_RUNTIME_DIR": ""}
    remove = partial(shutil.rmtree, HOME / "state", ignore_errors=True)
    return in_turn(commands, environment=surroundings, dropped=1, before_each=remove)


@cache
def _starts() -> dict[str, list[Sample]]:
    return _rounds(
        {
            "bare": _watch("paint", *BARE),
            "window": _watch("slice", *VENV, folder_of("raw500")),
        }
    )


def first_paint_vs_qt() -> Figure:
    raw = columns(_starts(), window="first_paint_ms", bare="first_paint_ms")
    return Figure(
        "start.first_paint_vs_qt",
        ratio_of_medians(raw["window"], raw["bare"]),
        "ratio",
        1.3,
        "start of the process to the first pixel of the window on the screen / the same of a bare "
        "PySide6 program with an empty QMainWindow, both from the virtual environment; medians of "
        "5, in turn",
        raw,
    )


def first_slice_vs_paint() -> Figure:
    raw = columns(_starts(), window="first_slice_ms") | {
        "paint": [float(one["first_paint_ms"]) for one in _starts()["window"]]
    }
    return Figure(
        "start.first_slice_vs_paint",
        ratio_of_medians(raw["window"], raw["paint"]),
        "ratio",
        3.5,
        "start of the process with 500 slices named on the command line to grey tissue on the "
        "screen / to its first pixel; medians of 5",
        raw,
    )


def first_paint() -> Figure:
    raw = {"window": [float(one["first_paint_ms"]) for one in _starts()["window"]]}
    return Figure(
        "start.first_paint_ms",
        statistics.median(raw["window"]),
        "ms",
        None,
        "start of the process to the first pixel of the window on the screen; median of 5",
        raw,
    )


def frozen_vs_venv() -> Figure:
    program = Path(os.environ.get(FROZEN_NAME, FROZEN))
    if not program.exists():
        raise Failed(f"no frozen program at {program}: run make package first")
    cube = folder_of("raw500")
    samples = _rounds(
        {
            "frozen": _watch("slice", program, cube),
            "venv": _watch("slice", *VENV, cube),
        }
    )
    raw = columns(samples, frozen="first_slice_ms", venv="first_slice_ms")
    return Figure(
        "start.frozen_vs_venv",
        ratio_of_medians(raw["frozen"], raw["venv"]),
        "ratio",
        1.2,
        "start of the process with 500 slices to grey tissue on the screen: frozen program / from "
        "the virtual environment; medians of 5, in turn",
        raw,
    )


def deb_size() -> Figure:
    packages = sorted((ROOT / "dist").glob("voxtide_*.deb"))
    if not packages:
        raise Failed("no dist/voxtide_*.deb: run make package first")
    return Figure(
        "package.deb_mb",
        packages[-1].stat().st_size / 1e6,
        "MB",
        150,
        "the .deb compressed with xz, imagecodecs, tensorstore and pycurl inside",
    )


FIGURES: dict[str, Measure] = {
    "package.deb_mb": deb_size,
    "start.first_paint_vs_qt": first_paint_vs_qt,
    "start.first_slice_vs_paint": first_slice_vs_paint,
    "start.frozen_vs_venv": frozen_vs_venv,
    "start.first_paint_ms": first_paint,
}
