"""The head of a JPEG XL codestream (ISO/IEC 18181-1 Annexes A, D and F), read and judged.

Read as far as the first frame's own header, where that can be reached without decoding: how large
the picture is, how many bits and channels it has, and whether it was made from other colours.
"""

from __future__ import annotations

from typing import NamedTuple

from loading.codecs.expected import Expected, Facts, check_size

LOSSLESS = "1.2.840.10008.1.2.4.110"
_SIGNATURE = b"\xff\x0a"
_BOXES = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_GREY, _XYB = 1, 2
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_MOST_BITS = 16
"""Of more bits the library makes floating-point numbers."""
_MOST_BOXES = 4096


class Head(NamedTuple):
    """What stands before the first frame.

    Attributes
    ----------
    bits : int
        Of a sample; 0 where samples are floating-point numbers.
    channels : int
        Channels of colour, one or three.
    extra : int
        Further channels: opacity and the like.
    is_xyb : bool
        Colours were changed to a model of perception, which loses values.
    is_modular : bool or None
        The first frame is coded as numbers, not as cosines; None where that was not reached.
    is_ycbcr : bool or None
        The first frame is luminance and chroma, which the library turns into colours.
    """

    rows: int
    columns: int
    bits: int
    channels: int
    extra: int
    is_animated: bool
    is_xyb: bool
    is_modular: bool | None
    is_ycbcr: bool | None


class BadHead(ValueError):
    """Raise when bytes are not the head of a codestream; the text says why."""


def codestream_of(data: bytes) -> bytes:
    """Give the codestream out of the boxes of a file (18181-2), which some writers keep."""
    if data[:12] != _BOXES:
        return data
    parts, at = [], 0
    for _ in range(_MOST_BOXES):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start = at + 8
        if length == 1:
            length, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = at + length if length else len(data)
        if kind == b"jxlc":
            return data[start:end]
        if kind == b"jxlp":  # a part, behind its number
            parts.append(data[start + 4 : end])
        if len(kind) < 4 or end <= at or end >= len(data):
            break
        at = end
    return b"".join(parts)


def judge(syntax: str, data: bytes, expected: Expected) -> Facts:
    """Hold the head of a codestream against the DICOM attributes.

    Raises
    ------
    CorruptFrame
        When it is no codestream, or not the picture that the header promises.
    """
    try:
        head = read_head(codestream_of(data))
    except BadHead as error:
        raise expected.corrupt(f"The frame is no JPEG XL picture: {error}") from error
    if head.is_animated:
        raise expected.corrupt("The JPEG XL picture is a sequence of pictures")
    if head.extra:
        raise expected.corrupt("The JPEG XL picture has opacity or other further samples a pixel")
    if not 1 <= head.bits <= _MOST_BITS:
        how = f"{head.bits} bits a sample" if head.bits else "samples that are no whole numbers"
        raise expected.corrupt(f"The JPEG XL picture has {how}, which is not read")
    check_size(expected, head.rows, head.columns, head.channels, head.bits, "JPEG XL")
    if expected.signed:
        # It knows no sign, and writers that keep one do so in different ways.
        raise expected.corrupt("The header says that numbers of JPEG XL have a sign")
    is_exact = syntax == LOSSLESS and not head.is_xyb and head.is_modular is not False
    is_made = head.channels == 3 and (head.is_xyb or head.is_ycbcr is not False)
    return Facts(not is_exact, head.bits, colour="made rgb" if is_made else "")


def read_head(data: bytes) -> Head:
    """Read the head of a bare codestream.

    Raises
    ------
    BadHead
    """
    if data[:2] != _SIGNATURE:
        raise BadHead("it does not begin like one")
    bits = _Bits(data, 2)
    rows, columns = _size(bits)
    if bits.one():  # all as is the rule: 8 bits, XYB
        is_modular, is_ycbcr = _frame(bits, is_xyb=True) if bits.one() else (None, None)
        return Head(rows, columns, 8, 3, 0, False, True, is_modular, is_ycbcr)
    has_more = bool(bits.one())
    is_animated = has_more and _further_fields(bits)
    depth = _depth(bits)
    bits.many(1)
    extra = bits.choice((0, 0), (1, 0), (2, 4), (1, 12))
    if extra:
        # What describes them is long, and such pictures are refused.
        return Head(rows, columns, depth, 0, extra, is_animated, False, None, None)
    is_xyb = bool(bits.one())
    space, has_profile = _colours(bits)
    channels = 1 if space == _GREY else 3
    is_modular, is_ycbcr = None, None
    if not has_profile:
        if has_more and not bits.one():
            bits.many(16 + 16 + 1 + 16)  # tone mapping
        is_plain = bits.long() == 0 and bits.one()
        if is_plain:
            is_modular, is_ycbcr = _frame(bits, is_xyb=is_xyb)
    return Head(rows, columns, depth, channels, 0, is_animated, is_xyb, is_modular, is_ycbcr)


def _size(bits: _Bits) -> tuple[int, int]:
    """Read rows and columns (D.2)."""
    is_small = bits.one()

    def side() -> int:
        if is_small:
            return 8 * (1 + bits.many(5))
        return 1 + bits.choice((0, 9), (0, 13), (0, 18), (0, 30))

    rows = side()
    ratio = bits.many(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        return rows, rows * across // down
    return rows, side()


def _further_fields(bits: _Bits) -> bool:
    """Step over orientation, size on paper and preview; tell whether it is an animation (D.3)."""
    bits.many(3)
    if bits.one():
        _size(bits)
    if bits.one():
        raise BadHead("it begins with a preview")
    if not bits.one():
        return False
    bits.choice((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.choice((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.choice((0, 0), (0, 3), (0, 16), (0, 32))
    bits.many(1)
    return True


def _depth(bits: _Bits) -> int:
    """Read the bits of a sample; 0 of floating-point numbers."""
    if bits.one():
        bits.choice((32, 0), (16, 0), (24, 0), (1, 6))
        bits.many(4)
        return 0
    return bits.choice((8, 0), (10, 0), (12, 0), (1, 6))


def _colours(bits: _Bits) -> tuple[int, bool]:
    """Read the kind of colours; tell whether a profile follows (E.2)."""
    if bits.one():
        return 0, False
    has_profile = bool(bits.one())
    space = bits.enumeration()
    if has_profile:
        return space, True
    if space != _XYB:
        white = bits.enumeration()
        if white == 2:
            _points(bits, 1)
        if space != _GREY and bits.enumeration() == 2:
            _points(bits, 3)
        if bits.one():
            bits.many(24)  # a power
        else:
            bits.enumeration()
    bits.enumeration()
    return space, False


def _points(bits: _Bits, count: int) -> None:
    for _ in range(2 * count):
        bits.choice((0, 19), (524288, 19), (1048576, 20), (2097152, 21))


def _frame(bits: _Bits, *, is_xyb: bool) -> tuple[bool, bool]:
    """Tell whether the first frame is modular, and whether it is YCbCr (F.2)."""
    bits.align()
    if bits.one():
        return False, False
    bits.many(2)
    is_modular = bool(bits.one())
    bits.long()
    return is_modular, not is_xyb and bool(bits.one())


class _Bits:
    """Bits from the lowest of each byte on (B.2)."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._at = 8 * start

    def many(self, count: int) -> int:
        """Read a number of so many bits."""
        first, last = self._at // 8, (self._at + count + 7) // 8
        if last > len(self._data):
            raise BadHead("it ends early")
        whole = int.from_bytes(self._data[first:last], "little") >> self._at % 8
        self._at += count
        return whole & ((1 << count) - 1)

    def one(self) -> int:
        """Read one bit."""
        return self.many(1)

    def choice(self, *ways: tuple[int, int]) -> int:
        """Read which of four ways a number is written in, each a base and bits to add (U32)."""
        base, count = ways[self.many(2)]
        return base + self.many(count)

    def enumeration(self) -> int:
        """Read a name's number."""
        return self.choice((0, 0), (1, 0), (2, 4), (18, 6))

    def long(self) -> int:
        """Read a number of up to 64 bits (U64)."""
        way = self.many(2)
        if way < 2:
            return 1 + self.many(4) if way else 0
        if way == 2:
            return 17 + self.many(8)
        value, at = self.many(12), 12
        while self.one():
            if at == 60:
                return value | self.many(4) << at
            value |= self.many(8) << at
            at += 8
        return value

    def align(self) -> None:
        """Step to the next whole byte."""
        self._at = -(-self._at // 8) * 8
