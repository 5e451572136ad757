"""Walk the packet headers of a one-tile, one-layer, one-component HTJ2K codestream.

ISO/IEC 15444-1 B.10 (tag trees, coding passes, lengths) with the lengths of HT code-blocks as
15444-15 gives them: one for the cleanup pass, one for the refinement passes together.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from loading.codecs.jpeg2000 import MainHeader


class PacketsEnd(Exception):
    """The bytes end inside a packet header; carries the offset that would be needed."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted


class _Bits:
    """Read bits; after a byte 0xFF the next one has only seven (B.10.1)."""

    __slots__ = ("_data", "_left", "_value", "at")

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at
        self._left = 0
        self._value = 0

    def one(self) -> int:
        if not self._left:
            self._left = 7 if self._value == 0xFF else 8
            if self.at >= len(self._data):
                raise PacketsEnd(self.at + 1)
            self._value = self._data[self.at]
            self.at += 1
        self._left -= 1
        return (self._value >> self._left) & 1

    def many(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self.one()
        return value

    def end(self) -> int:
        """Give the offset behind the header; a byte is stuffed after a last 0xFF."""
        return self.at + 1 if self._value == 0xFF else self.at


class _TagTree:
    """A tag tree (B.10.2): minima of blocks, told level by level."""

    __slots__ = ("_known", "_levels", "_values", "_widths")

    def __init__(self, width: int, height: int) -> None:
        self._widths: list[int] = []
        self._values: list[list[int]] = []
        self._known: list[list[bool]] = []
        while True:
            self._widths.append(width)
            self._values.append([0] * (width * height))
            self._known.append([False] * (width * height))
            if width * height == 1:
                break
            width, height = (width + 1) // 2, (height + 1) // 2
        self._levels = len(self._widths)

    def is_below(self, x: int, y: int, limit: int, bits: _Bits) -> bool:
        """Read until it is known whether the leaf's value is below `limit`."""
        low = 0
        for level in range(self._levels - 1, -1, -1):
            at = (y >> level) * self._widths[level] + (x >> level)
            values, known = self._values[level], self._known[level]
            low = values[at] = max(values[at], low)
            while not known[at] and values[at] < limit:
                if bits.one():
                    known[at] = True
                else:
                    values[at] += 1
            low = values[at]
            if not known[at]:
                return False
        return low < limit

    def settle(self, x: int, y: int, bits: _Bits) -> None:
        """Read until the leaf's value is known.

        The bits are those that `is_below` would read for one limit after the other: a node has its
        say only when all above it have had theirs.
        """
        low, one = 0, bits.one
        for level in range(self._levels - 1, -1, -1):
            at = (y >> level) * self._widths[level] + (x >> level)
            value = max(self._values[level][at], low)
            if not self._known[level][at]:
                while not one():
                    value += 1
                self._known[level][at] = True
            low = self._values[level][at] = value


def walk_resolutions(data: bytes, at: int, header: MainHeader, last: int) -> int:
    """Give the offset at which resolution `last` (0 is the coarsest) is complete.

    Parameters
    ----------
    data : bytes
        The beginning of the codestream; bodies of the last packets may lie beyond its end.
    at : int
        Offset of the first packet.

    Raises
    ------
    PacketsEnd
        When a packet header lies beyond the data.
    """
    for end in islice(resolution_ends(data, at, header), last + 1):
        at = end
    return at


def resolution_ends(data: bytes, at: int, header: MainHeader) -> Iterator[int]:
    """Give where each resolution is complete, the coarsest first; see `walk_resolutions`."""
    for resolution in range(header.levels + 1):
        for bands in _precincts(header, resolution):
            at = _packet(data, at, bands, header)
        yield at


def _up(value: int, shift: int) -> int:
    return -(-value // (1 << shift))


def _precincts(header: MainHeader, resolution: int) -> list[list[tuple[int, int]]]:
    """Give, for each precinct of a resolution, the code-blocks (across, down) of its bands."""
    shrink = header.levels - resolution
    width, height = _up(header.columns, shrink), _up(header.rows, shrink)
    px, py = header.precincts[resolution]
    depth = shrink if resolution == 0 else shrink + 1
    qx, qy = (px, py) if resolution == 0 else (px - 1, py - 1)
    block_x, block_y = min(header.block[0], qx), min(header.block[1], qy)
    kinds = [(0, 0)] if resolution == 0 else [(1, 0), (0, 1), (1, 1)]
    precincts = []
    for row in range(_up(height, py)):
        for column in range(_up(width, px)):
            bands = []
            for high_x, high_y in kinds:
                across = _blocks(header.columns, depth, high_x, column, qx, block_x)
                down = _blocks(header.rows, depth, high_y, row, qy, block_y)
                bands.append((across, down) if across and down else (0, 0))
            precincts.append(bands)
    return precincts


def _blocks(size: int, depth: int, high: int, precinct: int, exponent: int, block: int) -> int:
    """Count the code-blocks along one axis of a band that lie in a precinct (B.7)."""
    offset = (1 << depth) >> 1 if high else 0
    end = _up(size - offset, depth) if size > offset else 0
    low, stop = precinct << exponent, min(end, (precinct + 1) << exponent)
    return _up(stop, block) - (low >> block) if stop > low else 0


def _packet(data: bytes, at: int, bands: list[tuple[int, int]], header: MainHeader) -> int:
    """Step over one packet: its header is read, its body skipped."""
    if header.markers_in_packets & 2 and data[at : at + 2] == b"\xff\x91":
        at += 6
    bits = _Bits(data, at)
    body = 0
    if bits.one():
        for across, down in bands:
            if across:
                body += _band(bits, across, down)
    at = bits.end()
    if header.markers_in_packets & 4 and data[at : at + 2] == b"\xff\x92":
        at += 2
    return at + body


def _band(bits: _Bits, across: int, down: int) -> int:
    """Read the blocks of one band; give the bytes of their bodies."""
    included, planes = _TagTree(across, down), _TagTree(across, down)
    body = 0
    for y in range(down):
        for x in range(across):
            if not included.is_below(x, y, 1, bits):
                continue
            planes.settle(x, y, bits)
            body += _block_length(bits)
    return body


def _block_length(bits: _Bits) -> int:
    """Read passes and lengths of one HT code-block; give the bytes of both its segments."""
    passes = _passes(bits)
    width = 3
    while bits.one():
        width += 1
    # Passes in threes before the cleanup pass are place-holders without bytes.
    empty = (passes - 1) // 3
    passes -= 3 * empty
    length = bits.many(width + (3 * empty + 1).bit_length() - 1)
    if passes > 1:
        length += bits.many(width + (passes - 1).bit_length() - 1)
    return length


def _passes(bits: _Bits) -> int:
    """Read the number of coding passes (table B.4)."""
    if not bits.one():
        return 1
    if not bits.one():
        return 2
    count = bits.many(2)
    if count < 3:
        return 3 + count
    count = bits.many(5)
    return 6 + count if count < 31 else 37 + bits.many(7)
