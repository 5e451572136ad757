"""Colours: how bright they are. Red, green and blue as stored, no profile applied (docs)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.generic]
_RED, _GREEN, _BLUE = 299, 587, 114
"""Thousandths, as in Y of YBR_FULL (PS3.3 C.7.6.3.1.2, ITU-R BT.601)."""


def put_luminance(colour: Samples, out: Samples) -> None:
    """Write the luminance of colours into an array.

    Parameters
    ----------
    colour : array, shape (..., 3) or (..., 4)
        Red, green, blue; a fourth sample (opacity) does not count.
    out : array, shape (...)
        Of any type; whole ones get the nearest number, halves go up. Grey keeps its value.
    """
    is_whole = colour.dtype.kind in "iu"
    wide: np.dtype[np.generic] = np.dtype(np.float64)
    if is_whole:
        wide = np.dtype(np.int32 if colour.dtype.itemsize <= 2 else np.int64)
    total = colour[..., 0].astype(wide)
    total *= _RED
    for at, weight in ((1, _GREEN), (2, _BLUE)):
        part = colour[..., at].astype(wide)
        part *= weight
        total += part
    if is_whole and out.dtype.kind in "iu":
        total += 500
        np.floor_divide(total, 1000, out=total)
        out[...] = total
    else:
        bright = total / 1000.0
        out[...] = np.floor(bright + 0.5) if out.dtype.kind in "iu" else bright


def luminance(colour: Samples, dtype: np.dtype[np.generic]) -> Samples:
    """Give the luminance of colours as an array of a type (see `put_luminance`)."""
    out: Samples = np.empty(colour.shape[:-1], dtype)
    put_luminance(colour, out)
    return out
