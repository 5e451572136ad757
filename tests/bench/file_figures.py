"""Figures of loading from local files, without a window."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from functools import cache

from tests.bench.data import ROOT, SERIES, folder_of
from tests.bench.figures import (
    HTJ2K_OF_SIMPLEITK,
    PREADV_OF_SIMPLEITK,
    Figure,
    Measure,
    columns,
    floor_check,
    ratio_of_medians,
)
from tests.bench.subjects import ROUNDS, Sample, column, in_turn, ours, peer, run_once


@cache
def _raw_rounds() -> dict[str, list[Sample]]:
    folder, warm_up = folder_of("raw500"), folder_of("tiny_raw")
    return in_turn(
        {
            "simpleitk": peer("simpleitk_series.py", folder, warm_up),
            "voxtide": ours("our_load", folder, warm_up),
            "floor": peer("preadv_floor.py", folder, 512, 512),
        }
    )


def full_vs_simpleitk() -> Figure:
    raw = columns(_raw_rounds(), voxtide="full_ms", simpleitk="ms")
    return Figure(
        "folder.full_vs_simpleitk",
        ratio_of_medians(raw["voxtide"], raw["simpleitk"]),
        "ratio",
        0.18,
        "500 raw slices: call to all slices FULL / SimpleITK ImageSeriesReader with "
        "GetGDCMSeriesFileNames; medians of 5, in turn",
        raw,
    )


def coverage_vs_simpleitk() -> Figure:
    raw = columns(_raw_rounds(), voxtide="coverage_ms", simpleitk="ms")
    return Figure(
        "folder.coverage_vs_simpleitk",
        ratio_of_medians(raw["voxtide"], raw["simpleitk"]),
        "ratio",
        0.12,
        "500 raw slices: call to every slice showing own data or a copy from at most 2 away / "
        "SimpleITK; medians of 5, in turn",
        raw,
    )


def full_vs_floor() -> Figure:
    samples = _raw_rounds()
    raw = columns(samples, voxtide="full_ms", floor="ms")
    peer_ms = column(samples["simpleitk"])
    return Figure(
        "folder.full_vs_floor",
        ratio_of_medians(raw["voxtide"], raw["floor"]),
        "ratio",
        1.7,
        "500 raw slices: call to all slices FULL / one preadv a file into a fresh array on all "
        "cores; medians of 5, in turn",
        {**raw, "simpleitk": peer_ms, "describe": column(samples["voxtide"], "describe_ms")},
        void=floor_check(raw["floor"], peer_ms, PREADV_OF_SIMPLEITK),
    )


def multiframe_full_vs_classic() -> Figure:
    samples = in_turn(
        {
            "enhanced": ours("our_load", folder_of("enhanced500"), folder_of("tiny_enhanced")),
            "classic": ours("our_load", folder_of("raw500"), folder_of("tiny_raw")),
        }
    )
    raw = columns(samples, enhanced="full_ms", classic="full_ms")
    return Figure(
        "multiframe.full_vs_classic",
        ratio_of_medians(raw["enhanced"], raw["classic"]),
        "ratio",
        1.5,
        "one enhanced CT of 500 frames: call to all slices FULL / the same as 500 files; "
        "medians of 5, in turn (how long describing took is in the raw values)",
        {
            **raw,
            "enhanced_describe": column(samples["enhanced"], "describe_ms"),
            "classic_describe": column(samples["classic"], "describe_ms"),
        },
    )


def htj2k_vs_bare_loop() -> Figure:
    coded, warm_up = folder_of("htj2k200"), folder_of("tiny_htj2k")
    samples = in_turn(
        {
            "floor": peer("htj2k_loop.py", coded, 512, 512),
            "voxtide": ours("our_load", coded, warm_up),
            "simpleitk": peer("simpleitk_series.py", folder_of("raw500"), folder_of("tiny_raw")),
        }
    )
    raw = columns(samples, voxtide="full_ms", floor="ms", simpleitk="ms")
    return Figure(
        "htj2k.vs_bare_loop",
        ratio_of_medians(raw["voxtide"], raw["floor"]),
        "ratio",
        1.2,
        "200 HTJ2K slices: call to all slices FULL / pread and imagecodecs.htj2k_decode into a "
        "fresh array in a bare loop on all cores; medians of 5, in turn",
        raw,
        void=floor_check(raw["floor"], raw["simpleitk"], HTJ2K_OF_SIMPLEITK),
    )


def folder_peak_memory() -> Figure:
    size = SERIES["raw500"].volume_bytes
    raw: dict[str, list[float]] = {"load_peak_bytes": [], "idle_bytes": []}
    for _ in range(ROUNDS):
        raw["idle_bytes"].append(run_once(ours("idle_process"))["rss_bytes"])
        raw["load_peak_bytes"].append(_load_report("raw500")["peak_rss_bytes"])
    extra = statistics.median(raw["load_peak_bytes"]) - statistics.median(raw["idle_bytes"])
    return Figure(
        "folder.peak_memory",
        extra / size,
        "ratio",
        1.1,
        "500 raw slices: peak resident memory of `voxtide load`, less that of a process that has "
        "imported the same and loads nothing / bytes of the volume; medians of 5",
        raw,
    )


def _load_report(name: str) -> Sample:
    command = [sys.executable, "-m", "app.cli", "load", str(folder_of(name)), "--json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    report: Sample = json.loads(result.stdout)
    return report


def read_lock() -> Figure:
    command = ours("status_reads", folder_of("raw500"), folder_of("tiny_raw"))
    samples = in_turn({"reads": command})["reads"]
    raw = {
        "longest_hold_ms": column(samples, "longest_hold_ms"),
        "longest_read_ms": column(samples, "longest_read_ms"),
        "median_read_ms": column(samples, "median_read_ms"),
    }
    return Figure(
        "status.read_lock_ms",
        statistics.median(raw["longest_hold_ms"]),
        "ms",
        1.0,
        "Q4: longest time that anybody holds the lock of the statuses while 500 raw slices load "
        "and a reader asks every 2 ms; median of 5 loads (how long a read took, waiting for the "
        "interpreter included, is in the raw values)",
        raw,
    )


def rerank() -> Figure:
    samples = in_turn({"ranks": ours("queue_ranks")})["ranks"]
    raw = {"median_ms": column(samples, "median_ms"), "longest_ms": column(samples, "longest_ms")}
    return Figure(
        "queue.rerank10k_ms",
        statistics.median(raw["median_ms"]),
        "ms",
        5.0,
        "Y3: ranking 10 000 waiting requests anew for another displayed slice; median of 200 in a "
        "process, median of 5 processes",
        raw,
    )


FIGURES: dict[str, Measure] = {
    "folder.full_vs_simpleitk": full_vs_simpleitk,
    "folder.coverage_vs_simpleitk": coverage_vs_simpleitk,
    "folder.full_vs_floor": full_vs_floor,
    "multiframe.full_vs_classic": multiframe_full_vs_classic,
    "folder.peak_memory": folder_peak_memory,
    "htj2k.vs_bare_loop": htj2k_vs_bare_loop,
    "status.read_lock_ms": read_lock,
    "queue.rerank10k_ms": rerank,
}
