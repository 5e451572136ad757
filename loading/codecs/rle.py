"""The header of an RLE frame (PS3.5 Annex G), judged before a decoder sees it."""

from __future__ import annotations

import struct

from loading.codecs.expected import Expected, Facts


def judge(data: bytes, expected: Expected) -> Facts:
    """Hold segments and offsets against the DICOM attributes.

    Raises
    ------
    CorruptFrame
        When the number of segments is not samples times bytes, or an offset lies outside.
    """
    if len(data) < 64:
        raise expected.corrupt("The RLE frame ends inside its header")
    count, *offsets = struct.unpack_from("<16L", data)
    wanted = expected.samples * max(1, expected.allocated // 8)
    if count != wanted:
        raise expected.corrupt(f"The RLE frame has {count} segments where {wanted} are needed")
    ends = [*offsets[1:count], len(data)]
    starts = offsets[:count]
    if starts[0] != 64 or any(lo >= hi for lo, hi in zip(starts, ends, strict=True)):
        raise expected.corrupt("The segments of the RLE frame lie outside of it")
    return Facts(False, expected.allocated)
