"""Figures of the real window, on a virtual display with software OpenGL unless one is given."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache

from tests.bench.data import ROOT, SERIES, folder_of
from tests.bench.figures import Figure, Measure, columns, ratio_of_medians
from tests.bench.subjects import Sample, column, in_turn, ours
from tests.helpers.xvfb import start_xvfb

HOME = ROOT / "build" / "bench-home"
"""Settings, log and shader cache of the measured windows; the user's own stay as they are."""
GUI = "window with four views, software OpenGL, virtual display"

_open = ExitStack()
_given_display = ""


def use_display(name: str) -> None:
    """Measure on this display instead of a virtual one."""
    global _given_display
    _given_display = name


def close_display() -> None:
    """End the virtual display, if one was started."""
    environment.cache_clear()
    _open.close()


@cache
def environment() -> Mapping[str, str]:
    display = _given_display or _open.enter_context(start_xvfb())
    folders = {
        f"XDG_{kind}_HOME": str(HOME / kind.lower())
        for kind in ("CONFIG", "STATE", "CACHE", "DATA")
    }
    return {
        **folders,
        "DISPLAY": display,
        "WAYLAND_DISPLAY": "",
        "QT_QPA_PLATFORM": "xcb",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }


def _window(kind: str, series: str, warm_up: str = "tiny_raw") -> list[str]:
    return ours("our_window", kind, folder_of(series), folder_of(warm_up))


@cache
def _raw_rounds() -> dict[str, list[Sample]]:
    """Load the 500 raw slices and the cube of 64 in the window, and the former without one."""
    commands = {
        "window": _window("load", "raw500"),
        "headless": ours("our_load", folder_of("raw500"), folder_of("tiny_raw")),
        "window_cube64": _window("load", "cube64"),
    }
    return in_turn(commands, environment=environment())


def peak_memory() -> Figure:
    samples = _raw_rounds()
    raw = columns(samples, window="peak_rss_bytes", window_cube64="peak_rss_bytes")
    extra = statistics.median(raw["window"]) - statistics.median(raw["window_cube64"])
    return Figure(
        "window.peak_memory",
        extra / SERIES["raw500"].volume_bytes,
        "ratio",
        1.3,
        f"{GUI}: peak resident memory with 500 raw slices, less that with a 64^3 series / bytes of "
        "the volume; medians of 5, in turn",
        raw,
    )


def load_vs_headless() -> Figure:
    samples = in_turn(
        {
            "window": _window("load", "j2k300", "tiny_j2k"),
            "headless": ours("our_load", folder_of("j2k300"), folder_of("tiny_j2k")),
        },
        environment=environment(),
    )
    raw = columns(samples, window="full_ms", headless="full_ms")
    return Figure(
        "window.load_vs_headless",
        ratio_of_medians(raw["window"], raw["headless"]),
        "ratio",
        1.3,
        f"300 slices of JPEG 2000: drop to all slices FULL in a {GUI} / call to all slices FULL "
        "without a window; medians of 5, in turn",
        raw,
    )


def load_raw_extra() -> Figure:
    raw = columns(_raw_rounds(), window="full_ms", headless="full_ms")
    return Figure(
        "window.load_raw_extra_ms",
        statistics.median(raw["window"]) - statistics.median(raw["headless"]),
        "ms",
        150,
        f"500 raw slices: drop to all slices FULL in a {GUI}, less call to all slices FULL without "
        "a window; medians of 5, in turn",
        raw,
    )


def longest_block() -> Figure:
    raw = columns(_raw_rounds(), window="longest_block_ms")
    return Figure(
        "window.longest_block_ms",
        min(raw["window"]),
        "ms",
        100,
        f"{GUI}: longest pause of a 5 ms timer of the GUI thread, from the drop of 500 raw slices "
        "to 1 s after complete; least of 5 (aim 50)",
        raw,
    )


def first_slice() -> Figure:
    raw = columns(_raw_rounds(), window="first_slice_ms")
    return Figure(
        "window.first_slice_ms",
        statistics.median(raw["window"]),
        "ms",
        150,
        f"{GUI}: drop of 500 raw slices to grey tissue on the screen, looked for there every 5 ms; "
        "median of 5",
        raw,
    )


def scroll_fps() -> Figure:
    command = _window("scroll", "j2k300", "tiny_j2k")
    samples = in_turn({"window": command}, environment=environment())["window"]
    raw = {
        "slowest_second_fps": column(samples, "slowest_second_fps"),
        "mean_fps": column(samples, "fps"),
        "loading_s": column(samples, "loading_s"),
    }
    return Figure(
        "window.scroll_fps_while_loading",
        statistics.median(raw["slowest_second_fps"]),
        "1/s",
        30,
        f"F4, {GUI}: paints of another slice in the slowest second while the wheel turns 120 "
        "notches a second over the axial view and 300 slices of JPEG 2000 load; median of 5",
        raw,
        at_least=True,
    )


def scan_block() -> Figure:
    command = _window("scan", "raw2000")
    samples = in_turn({"window": command}, environment=environment())["window"]
    raw = {
        "longest_block_ms": column(samples, "longest_block_ms"),
        "described_ms": column(samples, "described_ms"),
    }
    return Figure(
        "scan2000.longest_block_ms",
        min(raw["longest_block_ms"]),
        "ms",
        50,
        f"M6, {GUI}: longest pause of a 5 ms timer of the GUI thread from the drop of 2000 files "
        "until their headers are read and the views are told; least of 5",
        raw,
    )


@cache
def _starts() -> list[Sample]:
    command = ours("our_window", "start", folder_of("cube64"))
    return in_turn({"start": command}, environment=environment(), dropped=1)["start"]


def ready() -> Figure:
    raw = {"window": column(_starts(), "ready_ms")}
    return Figure(
        "start.ready_ms",
        statistics.median(raw["window"]),
        "ms",
        None,
        "start of the process with a 64^3 series to the first picture drawn by VTK, input "
        "accepted; median of 5",
        raw,
    )


FIGURES: dict[str, Measure] = {
    "window.peak_memory": peak_memory,
    "window.load_vs_headless": load_vs_headless,
    "window.load_raw_extra_ms": load_raw_extra,
    "window.longest_block_ms": longest_block,
    "window.first_slice_ms": first_slice,
    "window.scroll_fps_while_loading": scroll_fps,
    "scan2000.longest_block_ms": scan_block,
    "start.ready_ms": ready,
}
