"""Encoders for publishing: one call for a frame in a named encoding, with what is true of it.

Whatever is written is judged and decoded again by the same code that reads frames of others;
the caller compares. All calls let other Python threads run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loading.codecs.jpeg2000 import BadHeader, parse_main_header

Frame = npt.NDArray[np.generic]

_J2K = "1.2.840.10008.1.2.4."
_STEPS = 128
"""Lossy encodings err by about this part of a frame's range of values."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One way to encode a frame.

    Attributes
    ----------
    name : str
        As on the command line.
    syntax : str
        Transfer syntax UID of what it writes.
    method : str
        Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1), empty where nothing is lost.
    """

    name: str
    syntax: str
    method: str
    encode: Callable[[Frame, bool], bytes]

    @property
    def is_lossy(self) -> bool:
        """Tell whether values are lost."""
        return bool(self.method)


def _htj2k(frame: Frame, transform: bool) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.htj2k_encode(frame, rgb=transform, tlm=True, tilepart=1))


def _htj2k_lossy(frame: Frame, transform: bool) -> bytes:
    import imagecodecs

    step = _tolerance(frame) / float(1 << 8 * frame.dtype.itemsize)
    return bytes(
        imagecodecs.htj2k_encode(
            frame, level=step, reversible=False, rgb=transform, tlm=True, tilepart=1
        )
    )


def _jpeg_ls(frame: Frame, transform: bool) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpegls_encode(_unsigned(frame)))


def _jpeg_ls_near(frame: Frame, transform: bool) -> bytes:
    import imagecodecs

    near = min(255, _tolerance(frame))
    if frame.dtype.kind == "i":
        limits = np.iinfo(frame.dtype)  # type: ignore[type-var]
        if int(frame.max()) + near > limits.max or int(frame.min()) - near < limits.min:
            raise ValueError("an error could turn the sign of the largest values")
    return bytes(imagecodecs.jpegls_encode(_unsigned(frame), level=near))


def _jpeg_2000(frame: Frame, transform: bool) -> bytes:
    """Encode colours as they are: Cornerstone3D shows transformed ones (YBR_RCT) in black."""
    import imagecodecs

    return bytes(
        imagecodecs.jpeg2k_encode(
            frame, level=0, reversible=True, codecformat="j2k", mct=False, numthreads=1
        )
    )


HTJ2K = Encoding("htj2k", _J2K + "202", "", _htj2k)
HTJ2K_LOSSY = Encoding("jhc", _J2K + "203", "ISO_15444_15", _htj2k_lossy)
JPEG_LS = Encoding("jls", _J2K + "80", "", _jpeg_ls)
JPEG_LS_NEAR = Encoding("jls-near", _J2K + "81", "ISO_14495_1", _jpeg_ls_near)
JPEG_2000 = Encoding("j2k", _J2K + "90", "", _jpeg_2000)


def _tolerance(frame: Frame) -> int:
    low, high = int(frame.min()), int(frame.max())
    return max(1, (high - low) // _STEPS)


def _unsigned(frame: Frame) -> Frame:
    """Give the same bits as unsigned numbers: JPEG-LS knows no sign."""
    return frame.view(np.dtype(f"u{frame.dtype.itemsize}"))


def is_progressive(codestream: bytes) -> bool:
    """Tell whether an HTJ2K codestream is what `HTJ2K` writes: RPCL, one tile-part a resolution."""
    try:
        header = parse_main_header(codestream)
    except BadHeader:
        return False
    return (
        header.high_throughput
        and header.reversible
        and header.progression == 2
        and header.tiles == 1
        and len(header.tile_parts) == header.levels + 1
    )


def has_colour_transform(codestream: bytes) -> bool:
    """Tell whether a JPEG 2000 or HTJ2K codestream holds transformed colours (PS3.5 8.2.4)."""
    try:
        return parse_main_header(codestream).colour_transform
    except BadHeader:
        return False


def encode_jpeg(picture: Frame, quality: int) -> bytes:
    """Encode 8-bit grey or RGB as baseline JPEG, for people and thumbnails."""
    import imagecodecs

    return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(picture), level=quality))


def encode_png(picture: Frame) -> bytes:
    """Encode 8-bit grey or RGB as PNG."""
    import imagecodecs

    return bytes(imagecodecs.png_encode(np.ascontiguousarray(picture)))
