"""From luminance and chroma to red, green and blue (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.generic]
Tables = tuple[npt.NDArray[np.int16], npt.NDArray[np.int16], npt.NDArray[np.int16]]

_FULL = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]])
_PARTIAL = np.linalg.inv(
    np.array([[0.2568, 0.5041, 0.0979], [-0.1482, -0.2910, 0.4392], [0.4392, -0.3678, -0.0714]])
)


def to_rgb(samples: Samples, photometric: str, bits: int, out: Samples) -> None:
    """Convert pixels; halves are rounded up, what is beyond the range is cut.

    Parameters
    ----------
    samples : array, shape (rows, columns, 3)
        Y, Cb, Cr as stored.
    photometric : str
        YBR_PARTIAL_422 and YBR_PARTIAL_420 leave room at both ends, all others do not.
    bits : int
        Bits stored: chroma is zero in the middle of their range.
    out : array, shape (rows, columns, 3)
        May be `samples` itself.
    """
    is_partial = photometric.startswith("YBR_PARTIAL")
    if samples.dtype == np.uint8 and bits == 8 and not is_partial:
        _full_range(samples, out)
        return
    unit = 2.0 ** (bits - 8)
    black = 16.0 * unit if is_partial else 0.0
    centred = samples.astype(np.float64) - (black, 128.0 * unit, 128.0 * unit)
    rgb = centred @ (_PARTIAL if is_partial else _FULL).T
    out[...] = np.clip(np.floor(rgb + 0.5), 0.0, 2.0**bits - 1.0)


def _full_range(samples: Samples, out: Samples) -> None:
    """Convert bytes by tables: Y is whole, so only what chroma adds to it needs rounding."""
    from_red, from_both, from_blue = _tables()
    luma = samples[..., 0].astype(np.int16)
    blue, red = samples[..., 1], samples[..., 2]
    both = blue.astype(np.uint16)
    both <<= 8
    both += red.astype(np.uint16)
    added = (from_red[red], from_both[both], from_blue[blue])
    for at, part in enumerate(added):
        part += luma
        out[..., at] = np.clip(part, 0, 255, out=part)


@cache
def _tables() -> Tables:
    """Give what chroma adds to red, to green (by Cb * 256 + Cr) and to blue."""
    chroma = np.arange(256) - 128.0
    green = _FULL[1, 1] * chroma[:, None] + _FULL[1, 2] * chroma[None, :]
    red, both, blue = (
        np.floor(part + 0.5).astype(np.int16)
        for part in (_FULL[0, 2] * chroma, green.reshape(-1), _FULL[2, 1] * chroma)
    )
    return red, both, blue


def from_pairs(raw: npt.NDArray[np.generic], out: Samples) -> None:
    """Spread pixels that share chroma by pairs: Y1 Y2 Cb Cr become two times three samples.

    Parameters
    ----------
    raw : array, shape (2 * pixels,)
    out : array, shape (rows, columns, 3), an even number of pixels
    """
    pairs, pixels = raw.reshape(-1, 4), out.reshape(-1, 2, 3)
    pixels[..., 0] = pairs[:, :2]
    pixels[..., 1] = pairs[:, 2:3]
    pixels[..., 2] = pairs[:, 3:4]
