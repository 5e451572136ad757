"""A published frame as a picture for people: windowed, eight bits, scaled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from loading.codecs.encode import encode_jpeg
from loading.dicom.json_model import Elements
from loading.errors import BadResponse, LoadError, UnsupportedTransferSyntax
from loading.publish.indexes import INSTANCE_UID, number, parsed, value_of
from loading.publish.samples import ReadBulk, Shown, shown_frame
from loading.publish.tree import FramePart, is_name, read_or_none, unwrap
from loading.spec import Window

Picture = npt.NDArray[np.uint8]
Meant = npt.NDArray[np.float64]
Object = dict[str, Any]

THUMBNAIL = 256
"""Pixels of the longer side."""
_GREY = ("MONOCHROME1", "MONOCHROME2")


def render(shown: Shown, window: Window | None = None) -> Picture:
    """Map a decoded frame to eight bits by its window, or by its range where there is none.

    Parameters
    ----------
    window : Window, optional
        In meant values; by default the first one of the file.

    Raises
    ------
    UnsupportedTransferSyntax
        When it is no grey or colour picture.
    """
    form = shown.form
    if shown.samples.ndim == 3:
        if shown.samples.dtype == np.uint8:
            return np.asarray(shown.samples, np.uint8)
        if form.signed or form.stored < 8:
            raise UnsupportedTransferSyntax(f"No picture is made of colours of {form.stored} bits")
        return np.right_shift(shown.samples, form.stored - 8).astype(np.uint8)
    if form.photometric not in _GREY:
        raise UnsupportedTransferSyntax(f"No picture is made of a frame of {form.photometric}")
    meant = shown.samples.astype(np.float64, copy=False)
    if form.real:
        meant = np.nan_to_num(meant, posinf=0.0, neginf=0.0)
    chosen = window or next(iter(shown.windows), None) or _range_of(meant)
    grey = _through(meant, chosen) * 255
    if form.photometric == "MONOCHROME1":
        grey = 255 - grey
    return np.rint(grey).astype(np.uint8)


def _through(meant: Meant, window: Window) -> Meant:
    """Map values to 0..1 (PS3.3 C.11.2.1.2, C.11.2.1.3)."""
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        away = np.clip(-4.0 * (meant - center) / width, -700.0, 700.0)
        return np.asarray(1.0 / (1.0 + np.exp(away)))
    if window.function == "LINEAR":
        center, width = center - 0.5, width - 1.0
    return np.asarray(np.clip((meant - center) / max(width, 1e-6) + 0.5, 0.0, 1.0))


def _range_of(values: Meant) -> Window:
    low, high = (float(one) for one in np.percentile(values, (1, 99)))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return Window((low + high) / 2, max(high - low, 1e-6), function="LINEAR_EXACT")


def fit(picture: Picture, width: int, height: int) -> Picture:
    """Scale a picture into a box, its sides kept in proportion; means where it gets smaller."""
    rows, columns = picture.shape[:2]
    scale = min(width / columns, height / rows)
    new = max(1, round(rows * scale)), max(1, round(columns * scale))
    if new == (rows, columns):
        return picture
    out = picture.astype(np.float64)
    for axis, (size, wanted) in enumerate(zip((rows, columns), new, strict=True)):
        out = _resample(out, size, wanted, axis)
    return np.rint(out).astype(np.uint8)


def _resample(
    values: npt.NDArray[np.float64], size: int, wanted: int, axis: int
) -> npt.NDArray[np.float64]:
    """Give mean values over intervals (smaller), or linear ones between centres (larger)."""
    if wanted >= size:
        at = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
        low = np.minimum(at.astype(int), max(size - 2, 0))
        part = (at - low).reshape([-1 if n == axis else 1 for n in range(values.ndim)])
        high = np.minimum(low + 1, size - 1)
        larger: npt.NDArray[np.float64] = values.take(low, axis) * (1 - part)
        larger += values.take(high, axis) * part
        return larger
    if size % wanted == 0:
        parts = (*values.shape[:axis], wanted, size // wanted, *values.shape[axis + 1 :])
        return np.asarray(values.reshape(parts).mean(axis + 1))
    total = np.cumsum(values, axis)
    zero = np.zeros_like(total.take([0], axis))
    total = np.concatenate([zero, total], axis)
    edges = np.arange(wanted + 1) * size / wanted
    low = np.minimum(edges.astype(int), size - 1)
    part = (edges - low).reshape([-1 if n == axis else 1 for n in range(values.ndim)])
    at_edges = total.take(low, axis) * (1 - part) + total.take(low + 1, axis) * part
    smaller: npt.NDArray[np.float64] = np.diff(at_edges, axis=axis) * (wanted / size)
    return smaller


def series_thumbnail(folder: Path, instances: Sequence[Elements]) -> bytes | None:
    """Make the JPEG of the middle frame of a series; None where there is nothing to see.

    Parameters
    ----------
    folder : Path
        Folder of the series.
    """
    with_pixels = [one for one in instances if "7FE00010" in one]
    if not with_pixels:
        return None
    entry = parsed(with_pixels[len(with_pixels) // 2])
    middle = max(1, int(number(entry, "00280008", 1))) // 2 + 1
    frames = folder / "instances" / str(value_of(entry, INSTANCE_UID)) / "frames"
    body = read_or_none(frames / f"{middle}.mht")

    def read_bulk(uri: str) -> bytes:
        names = uri.split("/")
        of_study = folder.parent.parent
        is_inside = names[0] == "bulkdata" and all(map(is_name, names))
        return (read_or_none(of_study.joinpath(*names)) if is_inside else None) or b""

    try:
        if body is None:
            raise BadResponse("There is no such frame")
        return thumbnail(entry, unwrap(body), middle, read_bulk)
    except LoadError:
        return None


def thumbnail(entry: Object, part: FramePart, frame: int, read_bulk: ReadBulk) -> bytes:
    """Make a small JPEG of a frame, counted from 1.

    Raises
    ------
    LoadError
        When the frame cannot be shown as a picture.
    """
    shown = shown_frame(entry, part, frame, read_bulk)
    return encode_jpeg(fit(render(shown), THUMBNAIL, THUMBNAIL), 80)
