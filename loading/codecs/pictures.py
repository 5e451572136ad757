"""PNG, JPEG and BMP files: what their first bytes say, and their samples (imagecodecs)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_PNG, _JPEG, _BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"
_PNG_SAMPLES = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BMP_HEADER = 54


class PictureFacts(NamedTuple):
    """Size and kind of a picture."""

    kind: str
    rows: int
    columns: int
    dtype: np.dtype[np.generic]
    is_colour: bool
    is_lossy: bool = False


def facts_of(head: bytes) -> PictureFacts | None:
    """Tell what picture begins with these bytes; None when it cannot be told."""
    try:
        if head.startswith(_PNG):
            return _png(head)
        if head.startswith(_JPEG):
            return _jpeg(head)
        if head.startswith(_BMP):
            return _bmp(head)
    except IndexError:
        pass
    return None


def _png(head: bytes) -> PictureFacts | None:
    if head[12:16] != b"IHDR" or len(head) < 26:
        return None
    columns, rows = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    depth, colour = head[24], head[25]
    if colour not in _PNG_SAMPLES:
        return None
    dtype = np.dtype(np.uint16 if depth == 16 else np.uint8)
    return PictureFacts("PNG", rows, columns, dtype, colour in (2, 3, 6))


def _jpeg(head: bytes) -> PictureFacts | None:
    """Step from segment to segment up to the frame header (ISO/IEC 10918-1 B.2)."""
    at = 2
    while True:
        if head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = head[at + 2] << 8 | head[at + 3]
        if marker in _JPEG_FRAMES:
            depth, samples = head[at + 4], head[at + 9]
            rows, columns = head[at + 5] << 8 | head[at + 6], head[at + 7] << 8 | head[at + 8]
            if samples not in (1, 3):
                return None
            dtype = np.dtype(np.uint8 if depth == 8 else np.uint16)
            is_lossy = marker != 0xC3
            return PictureFacts("JPEG", rows, columns, dtype, samples == 3, is_lossy)
        if length < 2:
            return None
        at += 2 + length


def _bmp(head: bytes) -> PictureFacts | None:
    if len(head) < _BMP_HEADER or int.from_bytes(head[14:18], "little") < 40:
        return None
    columns = int.from_bytes(head[18:22], "little", signed=True)
    rows = abs(int.from_bytes(head[22:26], "little", signed=True))
    bits = int.from_bytes(head[28:30], "little")
    begin = 14 + int.from_bytes(head[14:18], "little")
    palette = head[begin : int.from_bytes(head[10:14], "little")]
    is_grey = bits == 8 and palette[0::4] == palette[1::4] == palette[2::4]
    return PictureFacts("BMP", rows, columns, np.dtype(np.uint8), not is_grey)


def decode(kind: str, data: bytes) -> npt.NDArray[np.generic]:
    """Decode a whole picture: [rows, columns] or [rows, columns, samples].

    Raises
    ------
    ValueError
        When the picture is damaged or ends early.
    """
    import imagecodecs

    if kind == "JPEG" and b"\xff\xd9" not in data.rstrip(b"\0")[-64:]:
        # the decoder fills in what is missing without a word
        raise ValueError("the JPEG picture ends early")
    decoders: dict[str, Any] = {
        "PNG": imagecodecs.png_decode,
        "JPEG": imagecodecs.jpeg_decode,
        "BMP": imagecodecs.bmp_decode,
    }
    try:
        return np.asarray(decoders[kind](data))
    except RuntimeError as error:  # what imagecodecs' errors are
        raise ValueError(f"the {kind} picture is damaged: {error}") from error
