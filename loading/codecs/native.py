"""The calls into the decoding libraries, one function each: bytes in, a filled array out.

Each raises whatever its library raises; `frames` turns that into an error of ours. Where the
cells of the codestream are those of the array, the library writes straight into it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.generic]
_RLE_HEADER = 64


def put(decoded: Any, out: Frame) -> None:
    """Copy a decoded frame into `out`, cell by cell; raise ValueError when it is another shape.

    Decoders tell signed from unsigned by the codestream, DICOM by its own attribute, which
    decides: cells of one width are copied bit by bit, narrower ones by value.
    """
    array = np.asarray(decoded)
    if array.shape != out.shape:
        raise ValueError(f"decoded to {array.shape}, expected {out.shape}")
    if array.dtype.itemsize == out.dtype.itemsize:
        out[...] = array.view(out.dtype)
    elif array.dtype.itemsize < out.dtype.itemsize:
        out[...] = array
    else:
        raise ValueError(f"decoded to {array.dtype}, expected {out.dtype}")


def _into(decode: Any, data: bytes, out: Frame, depth: int, **options: Any) -> None:
    """Decode straight into `out` where the codestream's cells are as wide; else by a copy."""
    if (depth + 7) // 8 == out.dtype.itemsize and out.flags.c_contiguous:
        decode(data, out=out, **options)
    else:
        put(decode(data, **options), out)


def rle(data: bytes, out: Frame, depth: int) -> None:
    """Decode RLE (imagecodecs).

    Samples come one after the other, each for the whole frame (PS3.5 G.2). The library takes a
    segment that ends early for a good one and leaves the rest of the array as it was. So the last
    pixel is set beforehand: if any of its bytes is still the same afterwards, a second run with
    other bytes tells whether that is chance.
    """
    import imagecodecs

    if depth == 1:
        _rle_bits(imagecodecs.packbits_decode(data[_RLE_HEADER:]), out)
        return
    planes = out if out.ndim == 2 else np.empty((out.shape[2], *out.shape[:2]), out.dtype)
    cells = planes.reshape(-1).view(np.uint8)
    last = cells.reshape(1 if out.ndim == 2 else out.shape[2], -1)[:, -out.dtype.itemsize :]
    for mark in (0x5A, 0xA5):
        last[...] = mark
        imagecodecs.dicomrle_decode(data, out.dtype.newbyteorder("<"), out=cells.data)
        if not (last == mark).any():
            break
        if mark == 0xA5:
            raise ValueError("a segment ends early")
    if sys.byteorder == "big":
        planes.byteswap(inplace=True)
    if planes is not out:
        out[...] = np.moveaxis(planes, 0, -1)


def _rle_bits(cells: bytes, out: Frame) -> None:
    """Unpack pixels of one bit; some writers give each a byte. Frames begin at a byte each."""
    if len(cells) >= out.size:
        out[...] = np.frombuffer(cells, np.uint8, out.size).reshape(out.shape)
        return
    if len(cells) < (out.size + 7) // 8:
        raise ValueError("a segment ends early")
    bits = np.unpackbits(np.frombuffer(cells, np.uint8), count=out.size, bitorder="little")
    out[...] = bits.reshape(out.shape)


def jpeg(data: bytes, out: Frame, depth: int) -> None:
    """Decode baseline, extended and progressive JPEG (imagecodecs, libjpeg-turbo).

    Three samples come as they were coded, brought to one size: the library is told that they are
    what is wanted. It would guess what they mean; the caller knows more.
    """
    import imagecodecs

    options = {"colorspace": "RGB", "outcolorspace": "RGB"} if out.ndim == 3 else {}
    put(imagecodecs.jpeg8_decode(data, **options), out)


def jpeg_lossless(data: bytes, out: Frame, depth: int) -> None:
    """Decode lossless JPEG (imagecodecs)."""
    import imagecodecs

    _into(imagecodecs.ljpeg_decode, data, out, depth)


def jpeg_ls(data: bytes, out: Frame, depth: int) -> None:
    """Decode JPEG-LS (imagecodecs, CharLS).

    Colours that are coded one after the other would go into the array as planes.
    """
    import imagecodecs

    if out.ndim == 3:
        put(imagecodecs.jpegls_decode(data), out)
    else:
        _into(imagecodecs.jpegls_decode, data, out, depth)


def jpeg_2000(data: bytes, out: Frame, depth: int) -> None:
    """Decode JPEG 2000 (imagecodecs, OpenJPEG)."""
    import imagecodecs

    _into(imagecodecs.jpeg2k_decode, data, out, depth, numthreads=1)


def htj2k(data: bytes, out: Frame, depth: int) -> None:
    """Decode HTJ2K (imagecodecs, OpenJPH); it would give planes where it finds planes."""
    import imagecodecs

    _into(imagecodecs.htj2k_decode, data, out, depth, planar=False)


def htj2k_prefix(data: bytes, out: Frame, depth: int) -> None:
    """Decode the beginning of an HTJ2K codestream at full size; what is missing counts as zero."""
    import imagecodecs

    _into(imagecodecs.htj2k_decode, data, out, depth, resilient=True)


def jpeg_xl(data: bytes, out: Frame, depth: int) -> None:
    """Decode JPEG XL (imagecodecs, libjxl); the picture is not turned."""
    import imagecodecs

    put(imagecodecs.jpegxl_decode(data, keeporientation=True, numthreads=1), out)


def openjpeg(data: bytes, out: Frame, depth: int) -> None:
    """Decode JPEG 2000 or HTJ2K (pylibjpeg-openjpeg)."""
    from openjpeg.utils import decode

    put(decode(data), out)
