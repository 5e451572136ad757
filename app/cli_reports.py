"""What the commands of the command line do, and what they print. No Qt, no VTK (but snapshot)."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

import loading
from loading.errors import unexpected
from loading.loader import LoadState, OpenVolume
from loading.memory import human_bytes, peak_rss_bytes
from loading.timeline import timeline
from loading.values import ValueDigest, digest

LARGEST_PICTURE = 16384
"""Pixels a side of a snapshot; graphics have no larger textures."""
READ_AHEAD = 16
"""Slices decoded at once while a volume is hashed without keeping it."""


def info(options: argparse.Namespace) -> int:
    """Describe everything under a URI."""
    catalogue = _describe(options.uri)
    report = {
        **_lists(catalogue),
        "volumes": [
            _volume_report(number, entry, t, options.checksum)
            for number, entry in enumerate(catalogue.volumes)
            for t in _points_told(entry.spec)
        ],
        "images": [_image_report(entry, options.checksum) for entry in catalogue.images],
    }
    if options.json:
        print(_json(report))
    else:
        _print_info(report)
    return 0


def empty_report(error: loading.LoadError) -> dict[str, Any]:
    """Give the report of `info` when nothing could be opened: what was passed over, and why."""
    if isinstance(error, loading.NothingFound):
        return _lists(error.catalogue)
    return _lists(loading.Catalogue(""))


def _lists(catalogue: loading.Catalogue) -> dict[str, Any]:
    return {
        "volumes": [],
        "images": [],
        "skipped": [{"path": s.path, "reason": s.reason} for s in catalogue.skipped],
        "warnings": [_notice(warning) for warning in catalogue.warnings],
    }


def probe(options: argparse.Namespace) -> int:
    """Print the value at each point, in each volume and time point that contains it."""
    catalogue = _describe(options.uri)
    if not catalogue.volumes:
        loading.choose(catalogue)
    chosen = loading.choose(catalogue, options.volume) if options.volume is not None else None
    entries = [
        (number, entry)
        for number, entry in enumerate(catalogue.volumes)
        if chosen is None or entry is chosen
    ]
    _check_time(options.time, max(entry.spec.time_points for _, entry in entries))
    points = [(x, y, z) for x, y, z in options.lps]
    found = loading.probe(entries, points, options.time)
    rows = [
        {
            "lps": list(p.lps),
            "volume": p.volume,
            "time_point": p.time_point,
            "ijk": list(p.ijk),
            "value": p.value,
            "unit": p.unit,
            "status": p.status,
            **({"rgb": list(p.colour)} if p.colour else {}),
            **({"readings": {unit: one for one, unit in p.readings}} if p.readings else {}),
        }
        for p in found
    ]
    if options.json:
        print(_json({"probes": rows}))
    else:
        for p, row in zip(found, rows, strict=True):
            value = "-" if row["value"] is None else f"{row['value']:g} {row['unit']}".strip()
            value += "".join(f" ({reading:.4g} {unit})" for reading, unit in p.readings)
            print(
                f"{row['lps']}  volume {row['volume']}  ijk {row['ijk']}  {value}  {row['status']}"
            )
    return 0


def load(options: argparse.Namespace) -> int:
    """Load a volume and print the timeline of the load."""
    if options.plan not in loading.PLANS:
        print(
            f"voxtide: no plan {options.plan!r}; there are {', '.join(loading.PLANS)}",
            file=sys.stderr,
        )
        return 2
    called_s, cpu_s = time.perf_counter(), time.process_time()
    volume = _open(options, loading.PLANS[options.plan])
    asked_s, parsed_s = volume.metadata_s or (called_s, volume.started_s)
    with volume:
        _wait(volume)
        ended_s = time.perf_counter()
        marks = timeline(volume.spec, volume.history(), parsed_s, options.time or 0)
        report: dict[str, Any] = {
            "metadata_ms": (parsed_s - asked_s) * 1000,
            "first_ms": marks.first_ms,
            "coverage_ms": marks.coverage_ms,
            "own_ms": marks.own_ms,
            "quarter_ms": marks.quarter_ms,
            "full_ms": marks.full_ms,
            "total_ms": (ended_s - called_s) * 1000,
            "bytes_read": volume.bytes_read,
            "requests": volume.requests,
            "failures": len(volume.failures),
            "cpu_s": time.process_time() - cpu_s,
            "peak_rss_bytes": peak_rss_bytes(),
        }
        if options.checksum:
            result = volume.digest(options.time or 0)
            report |= {
                "sha256": result.sha256,
                "sha256_stored": result.sha256_stored,
                "sums": result.sums,
            }
        for chunk, failure in sorted(volume.failures.items()):
            print(f"voxtide: slice {chunk.index + 1}: {failure.reason}", file=sys.stderr)
    if options.json:
        print(_json(report))
    else:
        for key, value in report.items():
            if key != "sums":
                print(f"{key:15} {round(value, 1) if isinstance(value, float) else value}")
    return 0


def export(options: argparse.Namespace) -> int:
    """Write a volume to a NIfTI or NRRD file."""
    with _open(options) as volume:
        _wait(volume)
        _complain(volume)
        path = loading.export(volume, options.output, options.time or 0)
    print(f"{path} written, {human_bytes(path.stat().st_size)}", file=sys.stderr)
    return 0


def snapshot(options: argparse.Namespace) -> int:
    """Render a volume off screen into a PNG."""
    size = _size_of(options.size)
    if size is None:
        print(f"voxtide: {options.size!r} is no size; write 1280x960", file=sys.stderr)
        return 2
    from PySide6.QtCore import QByteArray
    from PySide6.QtGui import QImageWriter

    from viewer.snapshot import LAYOUTS, render_snapshot

    if options.layout not in LAYOUTS:
        print(f"voxtide: no layout {options.layout!r}: {', '.join(LAYOUTS)}", file=sys.stderr)
        return 2
    with _open(options) as volume:
        _wait(volume, options.at)
        if options.at == "complete":
            _complain(volume)
        picture = render_snapshot(volume, size, options.layout, options.time or 0)
    if not QImageWriter(options.output, QByteArray(b"PNG")).write(picture):
        raise loading.LoadError("Cannot write", where=options.output, cure="Choose another place")
    return 0


def _size_of(text: str) -> tuple[int, int] | None:
    """Read WIDTHxHEIGHT; None where it is no size of a picture."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        return None
    size = int(width), int(height)
    return size if min(size) > 0 and max(size) <= LARGEST_PICTURE else None


def _describe(uri: str) -> loading.Catalogue:
    """Describe a URI, with a bar where somebody watches and it takes long enough to see it."""
    with tqdm(
        desc="reading headers", unit=" files", delay=0.5, leave=False, disable=not _is_watched()
    ) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        return loading.describe(uri, report)


def _open(options: argparse.Namespace, plan: loading.Plan = loading.COARSE_FIRST) -> OpenVolume:
    entry = loading.choose(_describe(options.uri), options.volume)
    _check_time(options.time, entry.spec.time_points)
    return loading.open_entry(entry, plan=plan)


def _wait(volume: OpenVolume, until: str = "complete") -> None:
    """Wait for a load, or for its first slice or coverage, showing how far it is."""
    total = volume.progress.total
    with tqdm(
        total=total,
        desc="loading",
        unit=" slices",
        delay=0.5,
        leave=False,
        disable=not _is_watched(),
    ) as bar:
        while not volume.state.is_over:
            volume.wait(0.1 if until == "complete" else 0.005)
            progress = volume.progress
            bar.update(progress.full - bar.n)
            if (until == "first" and progress.own) or (
                until == "coverage" and progress.shown >= total
            ):
                volume.cancel()


def _complain(volume: OpenVolume) -> None:
    if volume.state is LoadState.COMPLETE_WITH_FAILURES:
        reason = next(iter(volume.failures.values())).reason
        print(f"voxtide: {len(volume.failures)} slices failed: {reason}", file=sys.stderr)


def _check_time(wanted: int | None, count: int) -> None:
    if wanted is not None and not 0 <= wanted < count:
        raise loading.NotFound(f"No time point {wanted}", cure=f"There are {count}, from 0")


def _points_told(spec: loading.VolumeSpec) -> range:
    """Give the points of the fourth axis to describe: the first one of a time series.

    Echoes and diffusion weights mean something else each, with a range and a hash of its own.
    """
    one_kind = not spec.time_axis or "time" in spec.time_axis.split(", ")
    return range(1 if one_kind else spec.time_points)


def _volume_report(
    number: int, entry: loading.VolumeEntry, t: int, with_checksum: bool
) -> dict[str, Any]:
    spec = entry.spec
    result, failures = _digest_entry(entry, t)
    warnings = [_notice(warning) for warning in spec.warnings]
    if failures:
        told = loading.notice("chunk_failed", count=len(failures), reason=failures[0])
        warnings.append(_notice(told))
    report: dict[str, Any] = {
        "volume": number,
        "label": spec.label,
        "path": spec.path,
        "files": spec.files,
        "modality": spec.modality,
        "unit": spec.unit,
        "shape_kji": list(spec.shape_kji),
        "dtype": str(spec.dtype),
        "affine_lps": np.asarray(spec.affine_lps).tolist(),
        "spacing_ijk_mm": list(spec.spacing_ijk_mm),
        "value_range": result.value_range,
        "time_points": spec.time_points,
        "time_axis": spec.time_axis,
        "time_point": t,
        "time_label": spec.time_labels[t] if spec.time_labels else "",
        "chunks": spec.chunk_count,
        **({"segments": [asdict(one) for one in spec.segments]} if spec.segments else {}),
        "transfer_syntaxes": list(spec.transfer_syntaxes),
        "warnings": warnings,
    }
    if with_checksum:
        report["sha256"] = result.sha256
    return report


def _image_report(entry: loading.ImageEntry, with_checksum: bool) -> dict[str, Any]:
    report: dict[str, Any] = {"path": entry.path, "kind": entry.kind, "frames": entry.frames}
    words = {"title": entry.title, "date": entry.date, "belongs_to": entry.belongs_to}
    report |= {name: word for name, word in words.items() if word}
    shown = loading.VolumeEntry(entry.spec, entry.open) if entry.spec and entry.open else None
    if shown is not None and shown.spec.is_colour:
        report["colour"] = True
    if with_checksum and shown is not None:
        result, failures = _digest_entry(entry.numbers or shown)
        if failures:
            report["error"] = failures[0]
        else:
            report["sha256"] = result.sha256
    return report


def _digest_entry(entry: loading.VolumeEntry, t: int = 0) -> tuple[ValueDigest, list[str]]:
    """Hash one time point without keeping it; give the reasons of slices that failed."""
    spec, failures = entry.spec, list[str]()
    source = entry.open()

    def read(k: int) -> npt.NDArray[np.generic] | str | None:
        if k in spec.absent:
            return None
        chunk = loading.ChunkKey(t, 0, k)
        out = np.empty(spec.read_shape(k), spec.dtype)
        try:
            best = source.renditions(chunk)[-1]
            source.read(loading.Request(chunk, best), out, loading.CancelToken())
        except loading.LoadError as error:
            return str(error)
        except Exception as error:  # what a source of others raises costs its slice only
            return str(unexpected(error))
        plane: npt.NDArray[np.generic] = out[0]
        return plane

    def planes() -> Iterator[npt.NDArray[np.generic] | None]:
        with ThreadPoolExecutor() as pool:
            for start in range(0, spec.shape_kji[0], READ_AHEAD):
                stop = min(start + READ_AHEAD, spec.shape_kji[0])
                for plane in pool.map(read, range(start, stop)):
                    if isinstance(plane, str):
                        failures.append(plane)
                    yield None if isinstance(plane, str) else plane

    try:
        return digest(spec, planes()), failures
    finally:
        source.close()


def _json(report: dict[str, Any]) -> str:
    """Write one line of JSON, which knows neither NaN nor infinity: they become null."""
    return json.dumps(_finite(report), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _notice(told: loading.Notice) -> dict[str, str]:
    return {"code": told.code, "message": told.message}


def _print_info(report: dict[str, list[dict[str, Any]]]) -> None:
    for volume in report["volumes"]:
        k, j, i = volume["shape_kji"]
        spacing = " x ".join(f"{mm:.3g}" for mm in volume["spacing_ijk_mm"])
        print(f"volume {volume['volume']}: {volume['label'] or Path(volume['path']).name}")
        print(f"  {volume['modality']}, {k} slices of {i} x {j}, {spacing} mm, {volume['dtype']}")
        if volume["time_points"] > 1:
            axis, label = volume["time_axis"] or "time", volume["time_label"]
            place = f"{volume['time_point'] + 1} of {volume['time_points']}"
            print(f"  {axis}: point {place}" + (f", {label}" if label else ""))
        if volume["value_range"]:
            low, high = volume["value_range"]
            print(f"  values {low:g} to {high:g} {volume['unit']}".rstrip())
        for key in ("sha256", "path"):
            if key in volume:
                print(f"  {key} {volume[key]}")
        for warning in volume["warnings"]:
            print(f"  ! {warning['code']}: {warning['message']}")
    for image in report["images"]:
        words = [image["kind"], image.get("title", ""), image.get("date", "")]
        if image.get("belongs_to"):
            words.append(f"of {image['belongs_to']}")
        print(f"image: {image['path']}: {', '.join(filter(None, words))}")
    for skipped in report["skipped"]:
        print(f"passed over: {skipped['path']}: {skipped['reason']}")


def _is_watched() -> bool:
    return sys.stderr.isatty()
