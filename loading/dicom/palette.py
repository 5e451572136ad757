"""Palettes: the colours that numbers stand for (PS3.3 C.7.6.3.1.5, segmented C.7.9.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loading.dicom import tags
from loading.dicom.elements import Damaged, DataSet
from loading.dicom.header import Attributes, Instance
from loading.spec import ColourRange

_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)
_TABLES = (0x00281201, 0x00281202, 0x00281203)
_SEGMENTED = (0x00281221, 0x00281222, 0x00281223)
_LARGEST_GREY = 0x00289099
_DISCRETE, _LINEAR, _INDIRECT = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Give each number its colour: the first entry is that of `first` and all below it.

    Attributes
    ----------
    colours : array of uint8, shape (entries, 3)
    """

    first: int
    colours: npt.NDArray[np.uint8]

    def put(self, numbers: npt.NDArray[np.generic], out: npt.NDArray[np.generic]) -> None:
        """Write the colours of numbers, shape (rows, columns), into (rows, columns, 3)."""
        last = len(self.colours) - 1
        at = np.clip(numbers.astype(np.int64) - self.first, 0, last)
        np.take(self.colours, at, axis=0, out=out, mode="clip")


def palette_of(instance: Instance) -> Palette | None:
    """Read the palette of a file; None where it has none that can be used.

    Entries of 16 bits are brought to 8, which is what screens show; some writers use only the
    lower 8 bits of such entries (then none is above 255).
    """
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
    try:
        found = data.top((*_DESCRIPTORS, *_TABLES, *_SEGMENTED))
        values = {tag: data.value(element) for tag, element in found.items()}
        tables = [
            _entries(*(values.get(tag, b"") for tag in three))
            for three in zip(_DESCRIPTORS, _TABLES, _SEGMENTED, strict=True)
        ]
    except Damaged:
        return None
    count = len(tables[0])
    if any(len(table) != count for table in tables):
        return None
    entries = np.stack(tables, axis=1)
    if entries.max() > 255:
        entries >>= 8
    return Palette(_first(values[_DESCRIPTORS[0]], instance.shared), entries.astype(np.uint8))


def colour_range_of(instance: Instance) -> ColourRange | None:
    """Read the palette beside grey values; None where there is none that can be used."""
    shared = instance.shared
    if shared.text(tags.PIXEL_PRESENTATION) not in ("COLOR", "MIXED"):
        return None
    palette = palette_of(instance)
    if palette is None:
        return None
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), shared.syntax, end)
    try:
        largest = data.top((_LARGEST_GREY,)).get(_LARGEST_GREY)
        raw = b"" if largest is None else data.value(largest)
    except Damaged:
        raw = b""
    above = struct.unpack("<H", raw)[0] if len(raw) == 2 else palette.first - 1
    return ColourRange(float(above), float(palette.first), palette.colours)


def _first(descriptor: bytes, shared: Attributes) -> int:
    signed = shared.binary(tags.PIXEL_REPRESENTATION) == 1
    return int(struct.unpack_from("<h" if signed else "<H", descriptor, 2)[0])


def _entries(descriptor: bytes, plain: bytes, segmented: bytes) -> npt.NDArray[np.uint16]:
    """Give the entries for one of the three colours."""
    if len(descriptor) < 6:
        raise Damaged("a palette has no descriptor")
    count, _, bits = struct.unpack_from("<3H", descriptor)
    count = count or 1 << 16
    if segmented and not plain:
        kind = np.dtype(np.uint8 if bits == 8 else "<u2")
        words = np.frombuffer(segmented, kind, len(segmented) // kind.itemsize)
        table = _expanded(words.tolist(), count, bits)
        if len(table) < count:
            raise Damaged("a segmented palette ends early")
        return np.array(table[:count], np.uint16)
    if len(plain) >= 2 * count:
        return np.frombuffer(plain, "<u2", count).copy()
    if bits == 8 and len(plain) >= count:
        return np.frombuffer(plain, np.uint8, count).astype(np.uint16)
    raise Damaged("a palette is shorter than its descriptor says")


def _expanded(words: list[int], count: int, bits: int) -> list[int]:
    """Expand segments: values, ramps from the value before, and copies of earlier segments.

    Offsets of copies count entries of the data, as all known readers take them. Copies do not
    copy copies, and no more than `count` entries are made, so that it always ends.
    """
    table: list[int] = []
    at = 0
    while at + 2 <= len(words) and len(table) < count:
        if words[at] == _INDIRECT:
            wide = 4 if bits == 8 else 2
            parts = words[at + 2 : at + 2 + wide]
            source = sum(part << (bits * place) for place, part in enumerate(parts))
            for _ in range(words[at + 1]):
                source = _expand_one(words, source, table, count)
            at += 2 + wide
        else:
            at = _expand_one(words, at, table, count)
    return table


def _expand_one(words: list[int], at: int, table: list[int], count: int) -> int:
    """Expand one segment of values or one ramp; give where the next one begins."""
    if at + 2 > len(words):
        raise Damaged("a segment of a palette lies outside of it")
    kind, length = words[at : at + 2]
    if kind == _DISCRETE and at + 2 + length <= len(words):
        table += words[at + 2 : at + 2 + length]
        return at + 2 + length
    if kind == _LINEAR and table and at + 2 < len(words) and length:
        start, end = table[-1], words[at + 2]
        steps = np.linspace(start, end, length + 1)[1 : count - len(table) + 1]
        table += np.rint(steps).astype(int).tolist()
        return at + 3
    raise Damaged("a palette holds a segment of no known kind")
