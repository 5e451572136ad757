"""Take a few attributes out of nested sequences, without parsing the rest.

Functional groups of a thousand frames hold a hundred thousand elements of which a dozen matter.
This walk knows every encoding in which a data set may stand, steps over what nobody wants, and
refuses what does not fit: it never reads beyond its bytes and never recurses without a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from struct import Struct, error
from typing import NamedTuple

import numpy as np

from loading.dicom import syntaxes
from loading.dicom.tags import PIXEL_TAGS

MAX_DEPTH = 16
"""Sequences within sequences; functional groups need three."""
MAX_PATTERNS = 256
"""Layouts of items that are remembered; decimal numbers make them differ in length."""
_UNDEFINED = 0xFFFFFFFF
_ITEM = 0xFFFEE000
_ITEM_END = 0xFFFEE00D
_SEQUENCE_END = 0xFFFEE0DD
_LONG_VR = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT_VR = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_WIDTHS = {b"US": 2, b"SS": 2, b"AT": 2, b"OW": 2, b"UL": 4, b"SL": 4, b"FL": 4, b"FD": 8}

Values = dict[int, bytes]


class Damaged(Exception):
    """Raised where bytes are no data set; the text says what is wrong."""


class Element(NamedTuple):
    """Where one element's value lies; `end` is behind it, delimiters left out."""

    tag: int
    vr: bytes
    start: int
    end: int


class DataSet:
    """Bytes of a data set in one encoding.

    Parameters
    ----------
    data : bytes
        From the beginning of the object on, up to its pixels or farther.
    syntax : str
        Transfer syntax UID.
    end : int
        Where the walk stops.
    """

    def __init__(self, data: bytes, syntax: str, end: int) -> None:
        self._data = data
        self._end = min(end, len(data))
        self._big = syntax == syntaxes.EXPLICIT_BIG
        self._explicit = syntax != syntaxes.IMPLICIT_LITTLE
        order = ">" if self._big else "<"
        self._short = Struct(order + "HH2sH").unpack_from
        self._plain = Struct(order + "HHL").unpack_from
        self._long = Struct(order + "L").unpack_from
        self._marks: list[tuple[int, int]] | None = None

    def top(self, wanted: Collection[int]) -> dict[int, Element]:
        """Find wanted elements outside sequences; the walk stops behind the last of them."""
        last = max(wanted, default=0)
        found: dict[int, Element] = {}
        for element in self._elements(self._body_start(), self._end, self._explicit, 0):
            if element.tag in wanted:
                found[element.tag] = element
            if element.tag >= last:
                break
        return found

    def value(self, element: Element) -> bytes:
        """Give a value, little endian."""
        raw = self._data[element.start : element.end]
        width = _WIDTHS.get(element.vr, 1) if self._big else 1
        if width == 1 or len(raw) % width:
            return raw
        return b"".join(raw[at : at + width][::-1] for at in range(0, len(raw), width))

    def items(self, sequence: Element) -> Iterator[Element]:
        """Give the items of a sequence; each is an element without a VR."""
        explicit = self._explicit and sequence.vr != b"UN"
        return self._items(sequence.start, sequence.end, explicit, 1)

    def first_item(self, sequence: Element) -> Element | None:
        """Give the first item of a sequence, None when it has none."""
        return next(self.items(sequence), None)

    def elements(self, item: Element) -> Iterator[Element]:
        """Give the elements of an item."""
        explicit = self._explicit and item.vr != b"UN"
        return self._elements(item.start, item.end, explicit, 1)

    def collect(self, item: Element, wanted: Collection[int], groups: Collection[int]) -> Values:
        """Give wanted values of an item, also those in the first item of each of its groups.

        What stands in the item itself, or in a group that comes later, wins.
        """
        return {tag: self.value(at) for tag, at in self._find(item, wanted, groups, 1).items()}

    def collector(
        self, wanted: Collection[int], groups: Collection[int]
    ) -> Callable[[Element], Values]:
        """Give a `collect` for many items that are laid out alike, each walked only when not.

        An item of the same length with the same element headers at the same places would be
        walked by the same steps, so that its values lie where they lay in the other.
        """
        patterns: dict[int, _Pattern] = {}

        def collect(item: Element) -> Values:
            length = item.end - item.start
            pattern = patterns.get(length)
            found = None if pattern is None else pattern.match(self._data, item.start)
            if found is not None:
                return found
            self._marks = []
            try:
                elements = self._find(item, wanted, groups, 1)
                if not self._big and len(patterns) < MAX_PATTERNS:
                    patterns[length] = _Pattern(self._data, item, self._marks, elements)
            finally:
                self._marks = None
            return {tag: self.value(at) for tag, at in elements.items()}

        return collect

    def _find(
        self, item: Element, wanted: Collection[int], groups: Collection[int], depth: int
    ) -> dict[int, Element]:
        if depth > MAX_DEPTH:
            raise Damaged("sequences are nested too deep")
        found: dict[int, Element] = {}
        explicit = self._explicit and item.vr != b"UN"
        for element in self._elements(item.start, item.end, explicit, depth):
            if element.tag in wanted:
                if element.end > element.start:
                    found[element.tag] = element
            elif element.tag in groups:
                first = self.first_item(element)
                if first is not None:
                    found.update(self._find(first, wanted, groups, depth + 1))
        return found

    def _body_start(self) -> int:
        """Step over preamble and group 2, which is always explicit little endian."""
        data = self._data
        at = 132 if data[128:132] == b"DICM" else 0
        while data[at : at + 2] == b"\x02\x00" and at + 12 <= self._end:
            if data[at + 4 : at + 6] in _LONG_VR:
                at += 12 + int.from_bytes(data[at + 8 : at + 12], "little")
            else:
                at += 8 + int.from_bytes(data[at + 6 : at + 8], "little")
        return at

    def _elements(self, at: int, end: int, explicit: bool, depth: int) -> Iterator[Element]:
        data = self._data
        vr = b""
        while at + 8 <= end:
            try:
                if explicit:
                    group, number, vr, length = self._short(data, at)
                    start = at + 8
                    if vr in _LONG_VR:
                        length = self._long(data, start)[0]
                        start += 4
                    elif vr not in _SHORT_VR and group != 0xFFFE:
                        raise Damaged(f"an element is of the unknown type {vr!r}")
                else:
                    group, number, length = self._plain(data, at)
                    start = at + 8
            except error:
                raise Damaged("an element is cut off") from None
            tag = group << 16 | number
            if depth == 0 and tag in PIXEL_TAGS:
                return
            if group == 0xFFFE:
                raise Damaged("a delimiter stands where an element belongs")
            if self._marks is not None:
                self._marks.append((at, start))
            if length == _UNDEFINED:
                stop, at = self._end_of_sequence(start, end, explicit and vr != b"UN", depth + 1)
            else:
                stop = at = start + length
            if stop > end:
                if depth == 0:  # only the beginning of the object was given
                    return
                raise Damaged("an element is longer than what holds it")
            yield Element(tag, vr, start, stop)

    def _items(self, at: int, end: int, explicit: bool, depth: int) -> Iterator[Element]:
        vr = b"" if explicit or not self._explicit else b"UN"
        while at + 8 <= end:
            group, number, length = self._plain(self._data, at)
            tag = group << 16 | number
            if tag != _ITEM:
                raise Damaged("a sequence holds something else than items")
            start = at + 8
            if self._marks is not None:
                self._marks.append((at, start))
            if length == _UNDEFINED:
                stop, at = self._end_of_item(start, end, explicit, depth)
            else:
                stop = at = start + length
            if stop > end:
                raise Damaged("an item is longer than its sequence")
            yield Element(tag, vr, start, stop)

    def _end_of_sequence(self, at: int, end: int, explicit: bool, depth: int) -> tuple[int, int]:
        """Give where the last item of an undelimited sequence ends, and where the next one is."""
        if depth > MAX_DEPTH:
            raise Damaged("sequences are nested too deep")
        while at + 8 <= end:
            group, number, length = self._plain(self._data, at)
            tag = group << 16 | number
            if self._marks is not None:
                self._marks.append((at, at + 8))
            if tag == _SEQUENCE_END:
                return at, at + 8
            if tag != _ITEM:
                raise Damaged("a sequence holds something else than items")
            at += 8
            if length == _UNDEFINED:
                at = self._end_of_item(at, end, explicit, depth)[1]
            else:
                at += length
        raise Damaged("a sequence has no end")

    def _end_of_item(self, at: int, end: int, explicit: bool, depth: int) -> tuple[int, int]:
        """Give where an item without a length ends, and where the next one begins."""
        data = self._data
        while at + 8 <= end:
            group, number, length = self._plain(data, at)
            tag = group << 16 | number
            if self._marks is not None:
                self._marks.append((at, at + 12))
            if tag == _ITEM_END:
                return at, at + 8
            start, vr = at + 8, b""
            if explicit:
                vr, length = self._short(data, at)[2:]
                if vr in _LONG_VR:
                    if start + 4 > end:
                        break
                    length = self._long(data, start)[0]
                    start += 4
                elif vr not in _SHORT_VR:
                    raise Damaged(f"an element is of the unknown type {vr!r}")
            if length == _UNDEFINED:
                at = self._end_of_sequence(start, end, explicit and vr != b"UN", depth + 1)[1]
            else:
                at = start + length
        raise Damaged("an item has no end")


class _Pattern:
    """The layout of an item that was walked, to be recognised in another of the same length."""

    __slots__ = ("_expected", "_mask", "_spans")

    def __init__(
        self,
        data: bytes,
        item: Element,
        marks: list[tuple[int, int]],
        elements: dict[int, Element],
    ) -> None:
        length = item.end - item.start
        mask = np.zeros(length, np.uint8)
        for start, end in marks:
            mask[start - item.start : end - item.start] = 0xFF
        self._mask = mask
        self._expected = (np.frombuffer(data, np.uint8, length, item.start) & mask).tobytes()
        self._spans = [
            (tag, at.start - item.start, at.end - item.start) for tag, at in elements.items()
        ]

    def match(self, data: bytes, start: int) -> Values | None:
        """Give the values of the item that starts there, None when it is laid out otherwise."""
        mask = self._mask
        here = np.frombuffer(data, np.uint8, len(mask), start)
        if (here & mask).tobytes() != self._expected:
            return None
        return {tag: data[start + a : start + b] for tag, a, b in self._spans}
