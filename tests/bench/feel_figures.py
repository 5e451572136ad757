"""Figures of what a hand feels: from an event to the screen, against a bare window of OpenGL."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from functools import cache

from tests.bench.data import ROOT, folder_of
from tests.bench.figures import Figure, Measure
from tests.bench.subjects import Sample, in_turn, ours, peer
from tests.helpers.xvfb import start_xvfb

HOME = ROOT / "build" / "bench-home"
SCREEN = (1920, 1080)
EVENTS = 100
LEAST_DB = 30.0
HOW = (
    "512^3 loaded, four views alone in a window of 1920x1080, software OpenGL: posted event until "
    "the screen shows another picture, against four QOpenGLWidgets that clear and swap, in turn; "
    f"{EVENTS} events in each of 5 rounds"
)


@cache
def _rounds() -> dict[str, list[Sample]]:
    return _on_screen(
        {
            "voxtide": ours("our_window", "feel", folder_of("cube512"), folder_of("tiny_raw")),
            "bare": peer("bare_gl.py", *SCREEN, EVENTS),
        }
    )


def _on_screen(commands: Mapping[str, Sequence[str]]) -> dict[str, list[Sample]]:
    with start_xvfb(f"{SCREEN[0]}x{SCREEN[1]}x24") as display:
        environment = {
            **os.environ,
            **{f"XDG_{kind}_HOME": str(HOME / kind.lower()) for kind in ("CONFIG", "STATE")},
            "XDG_CACHE_HOME": str(HOME / "cache"),
            "DISPLAY": display,
            "WAYLAND_DISPLAY": "",
            "QT_QPA_PLATFORM": "xcb",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        return in_turn(commands, environment=environment)


@cache
def _orbits() -> dict[str, list[Sample]]:
    return _on_screen(
        {"voxtide": ours("our_window", "orbit", folder_of("cube256"), folder_of("tiny_raw"))}
    )


def orbit() -> Figure:
    samples = _orbits()["voxtide"]
    worst = min(float(sample["psnr_db"]) for sample in samples)
    raw = {"voxtide": [statistics.median(sample["orbit_ms"]) for sample in samples]}
    return Figure(
        "feel.orbit_ms",
        statistics.median(raw["voxtide"]),
        "ms",
        50,
        "3D of 256^3, preset Bone, shaded, 960x540, software OpenGL: a picture while a drag turns "
        f"it; medians of 5; the last has {worst:.1f} dB at least against the sharp one after it",
        raw,
        void="" if worst >= LEAST_DB else f"moving pictures have {worst:.1f} dB",
    )


def planes_while_3d_refines() -> Figure:
    raw = {"voxtide": [float(s["longest_block_ms"]) for s in _orbits()["voxtide"]]}
    return Figure(
        "feel.planes_while_3d_refines_ms",
        statistics.median(raw["voxtide"]),
        "ms",
        50,
        "longest pause of a 5 ms timer of the GUI thread from the end of the drag to the sharp "
        "picture; median of 5",
        raw,
    )


def _all(side: str, key: str) -> list[float]:
    return [float(value) for sample in _rounds()[side] for value in sample[key]]


def _percentile_99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _ratios(name: str, key: str) -> tuple[Measure, Measure, Measure]:
    def median() -> Figure:
        one, other = _all("voxtide", key), _all("bare", key)
        ratio = statistics.median(one) / statistics.median(other)
        return Figure(
            f"feel.{name}_vs_bare",
            ratio,
            "ratio",
            2,
            f"{HOW}; medians",
            {"voxtide": one, "bare": other},
        )

    def slowest() -> Figure:
        ratio = _percentile_99(_all("voxtide", key)) / _percentile_99(_all("bare", key))
        return Figure(
            f"feel.{name}_vs_bare_p99", ratio, "ratio", 3, f"{HOW}; 99th percentiles of both sides"
        )

    def absolute() -> Figure:
        value = statistics.median(_all("voxtide", key))
        return Figure(f"feel.{name}_ms", value, "ms", None, f"{HOW}; our median (aim 16)")

    return median, slowest, absolute


_WHEEL, _DRAG = _ratios("slice", "wheel_ms"), _ratios("window_level", "drag_ms")

FIGURES: dict[str, Measure] = {
    "feel.slice_vs_bare": _WHEEL[0],
    "feel.slice_vs_bare_p99": _WHEEL[1],
    "feel.window_level_vs_bare": _DRAG[0],
    "feel.window_level_vs_bare_p99": _DRAG[1],
    "feel.slice_ms": _WHEEL[2],
    "feel.window_level_ms": _DRAG[2],
    "feel.orbit_ms": orbit,
    "feel.planes_while_3d_refines_ms": planes_while_3d_refines,
}
