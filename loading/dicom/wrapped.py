"""Frames of native samples in fragments, plain or deflated one by one (PS3.5 A.4.11, A.4.13)."""

from __future__ import annotations

import zlib

from loading.dicom.syntaxes import DEFLATED_FRAMES
from loading.errors import CorruptFrame
from loading.sources.places import ends_early


def unwrapped(data: bytes, syntax: str, length: int, name: str) -> bytes:
    """Give the native bytes of a frame out of its fragment; a byte that fills it up is left out.

    Never more than `length` bytes and one are inflated, whatever the fragment expands to.

    Raises
    ------
    CorruptFrame
        When it holds fewer or more bytes than the frame has.
    """
    if syntax == DEFLATED_FRAMES:
        data = _inflated(data, length + 2, name)
    if len(data) < length:
        raise ends_early(name)
    if len(data) > length + length % 2:
        raise CorruptFrame("A fragment holds more than one frame", where=name)
    return data[:length]


def _inflated(data: bytes, most: int, name: str) -> bytes:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = engine.decompress(data, most)
    except zlib.error as error:
        raise CorruptFrame(
            "The deflated bytes of a frame are damaged", where=name, cure="Copy the file again"
        ) from error
    if not engine.eof and len(inflated) < most:
        raise ends_early(name)
    return inflated
