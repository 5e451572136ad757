"""A published frame as a picture for people: decoded, windowed, eight bits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from loading import codecs
from loading.codecs.encode import encode_jpeg
from loading.dicom import syntaxes
from loading.dicom.json_model import Elements
from loading.errors import BadResponse, CorruptFrame, LoadError, UnsupportedTransferSyntax
from loading.publish.indexes import INSTANCE_UID, number, parsed, value_of
from loading.publish.tree import FramePart, read_or_none, unwrap

Picture = npt.NDArray[np.uint8]
Object = dict[str, Any]

THUMBNAIL = 256
"""Pixels of the longer side."""
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOURS = ("RGB", "YBR_RCT", "YBR_ICT", "YBR_FULL", "YBR_FULL_422")


def decode_frame(entry: Object, part: FramePart) -> npt.NDArray[np.generic]:
    """Decode the frame of a published instance.

    Parameters
    ----------
    entry : dict
        DICOM JSON of the instance.

    Raises
    ------
    LoadError
        When the frame is not the picture that the entry promises.
    """
    rows, columns = (int(number(entry, tag, 0)) for tag in ("00280010", "00280011"))
    samples, allocated = int(number(entry, "00280002", 1)), int(number(entry, "00280100", 16))
    stored = min(int(number(entry, "00280101", allocated)), allocated)
    signed = number(entry, "00280103", 0) == 1
    if not 0 < rows <= 65535 or not 0 < columns <= 65535 or samples not in (1, 3):
        raise CorruptFrame("There is no picture of that size")
    if allocated not in (8, 16, 32):
        raise UnsupportedTransferSyntax(f"Frames of {allocated} bits have no picture")
    expected = codecs.Expected(rows, columns, samples, allocated, stored, signed)
    if part.syntax in syntaxes.NATIVE or not part.syntax:
        if len(part.data) < np.prod(expected.shape) * allocated // 8:
            raise CorruptFrame("The frame ends early")
        count = int(np.prod(expected.shape))
        return np.frombuffer(part.data, expected.dtype, count).reshape(expected.shape)
    out = np.empty(expected.shape, expected.dtype)
    codecs.decode(part.syntax, part.data, expected, out)
    return out


def render(
    entry: Object,
    frame: npt.NDArray[np.generic],
    window: tuple[float, float] | None = None,
) -> Picture:
    """Map a decoded frame to eight bits by its window, or by its range where there is none.

    Parameters
    ----------
    window : (centre, width), optional
        In meant values (PS3.3 C.11.2.1.2, linear); by default the first one of the file.

    Raises
    ------
    UnsupportedTransferSyntax
        When it is no grey or colour picture.
    """
    photometric = str(value_of(entry, "00280004") or "MONOCHROME2")
    if photometric in _COLOURS and frame.ndim == 3 and frame.dtype == np.uint8:
        is_ybr = photometric.startswith("YBR_FULL")  # decoders give samples as they were coded
        return _to_rgb(frame) if is_ybr else np.asarray(frame, np.uint8)
    if photometric not in _GREY or frame.ndim != 2:
        raise UnsupportedTransferSyntax(f"A frame of {photometric} is not rendered")
    meant = frame.astype(np.float64)
    meant *= number(entry, "00281053", 1.0)
    meant += number(entry, "00281052", 0.0)
    centre, width = window or _window_of(entry) or _range_of(meant)
    low = centre - 0.5 - (width - 1) / 2
    grey = np.clip((meant - low) / max(width - 1, 1e-6), 0, 1) * 255
    if photometric == "MONOCHROME1":
        grey = 255 - grey
    return np.rint(grey).astype(np.uint8)


def _window_of(entry: Object) -> tuple[float, float] | None:
    centre, width = number(entry, "00281050"), number(entry, "00281051")
    return (centre, width) if np.isfinite(centre) and np.isfinite(width) and width >= 1 else None


def _range_of(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(values, (1, 99))
    return (low + high) / 2 + 0.5, max(high - low, 1) + 1


def _to_rgb(frame: npt.NDArray[np.generic]) -> Picture:
    """Convert full-range YCbCr (PS3.3 C.7.6.3.1.2)."""
    y, cb, cr = (frame[..., n].astype(np.float64) - (128 if n else 0) for n in range(3))
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], -1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


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
    count = max(1, int(number(entry, "00280008", 1)))
    path = (
        folder
        / "instances"
        / str(value_of(entry, INSTANCE_UID))
        / "frames"
        / f"{count // 2 + 1}.mht"
    )
    body = read_or_none(path)
    try:
        if body is None:
            raise BadResponse("There is no such frame")
        return thumbnail(entry, unwrap(body))
    except LoadError:
        return None


def thumbnail(
    entry: Object, part: FramePart, width: int = THUMBNAIL, height: int = THUMBNAIL
) -> bytes:
    """Make a small JPEG of a frame.

    Raises
    ------
    LoadError
        When the frame cannot be shown as a picture.
    """
    return encode_jpeg(fit(render(entry, decode_frame(entry, part)), width, height), 80)
