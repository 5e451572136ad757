"""Real world values (PS3.3 C.7.6.16.2.11): what stored numbers are in units of the world.

They map stored values, beside the modality transformation and not after it. The meant value stays
that of the modality transformation, as viewers and the standard's display pipeline have it, and the
real world values are given as further units; only where there is no such transformation by
definition, in parametric maps, and where the units stand nowhere else, in enhanced PET, are they
the meant ones.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

from loading.dicom import tags
from loading.dicom.elements import Damaged, DataSet, Element
from loading.dicom.elements import Values as Raw
from loading.dicom.header import Attributes, Instance
from loading.dicom.kinds import holds_real_values
from loading.dicom.suv import UNIT
from loading.dicom.text import decode_raw
from loading.dicom.values import Values
from loading.spec import OtherUnit, ValueMap

_FIRST, _LAST = 0x00409216, 0x00409211
_REAL_FIRST, _REAL_LAST = 0x00409214, 0x00409213
_INTERCEPT, _SLOPE = 0x00409224, 0x00409225
_EXPLANATION, _LABEL, _UNITS = 0x00283003, 0x00409210, 0x004008EA
_CODE, _SCHEME, _MEANING = 0x00080100, 0x00080102, 0x00080104
_MARKS = (b"\x40\x00\x96\x90", b"\x00\x40\x90\x96")
_WANTED = (_FIRST, _LAST, _REAL_FIRST, _REAL_LAST, _INTERCEPT, _SLOPE, _EXPLANATION, _LABEL)
_MOST_FILES = 2000
_NAMES = {
    "[hnsf'U]": "HU",
    "g/ml{SUVbw}": UNIT,
    "{SUVbw}g/ml": UNIT,
    "1": "",
    "{no units}": "",
    "Bq/mL": "Bq/ml",
}


class RealWorld(NamedTuple):
    """A line from stored numbers to a unit of the world, and where it is said to hold."""

    name: str
    unit: str
    slope: float
    intercept: float
    low: float
    high: float

    @property
    def value_map(self) -> ValueMap:
        """Give the line."""
        return ValueMap(self.slope, self.intercept)


Worlds = list[tuple[RealWorld, ...]]


def worlds_of(instances: Sequence[Instance]) -> Worlds:
    """Read the mappings of each slice; an empty list where the first one has none, or too many.

    Of each file the header is read once.
    """
    shared = instances[0].shared
    if not any(map(shared.has, (tags.REAL_WORLD, tags.SHARED_GROUPS, tags.PER_FRAME_GROUPS))):
        return []
    files: dict[str, _File] = {}
    found: Worlds = []
    for one in instances:
        name = one.place.name
        if name not in files:
            if len(files) == _MOST_FILES:
                return []
            files[name] = _read(one.file)
        found.append(files[name].of_frame(one.frame))
        if not found[0]:
            return []
    return found


class _File(NamedTuple):
    common: tuple[RealWorld, ...] = ()
    frames: dict[int, tuple[RealWorld, ...]] = {}  # noqa: RUF012 -- nobody writes into it

    def of_frame(self, number: int) -> tuple[RealWorld, ...]:
        return self.frames.get(number, self.common)


def _read(instance: Instance) -> _File:
    end = instance.offset
    raw = instance.place.read_at(0, end)
    if not any(mark in raw for mark in _MARKS):  # much faster than to walk all groups
        return _File()
    data = DataSet(raw, instance.shared.syntax, end)
    try:
        top = data.top((tags.REAL_WORLD, tags.SHARED_GROUPS, tags.PER_FRAME_GROUPS))
        shared = instance.shared
        common = _mappings(data, shared, top.get(tags.REAL_WORLD))
        groups = top.get(tags.SHARED_GROUPS)
        item = data.first_item(groups) if groups is not None else None
        common = (_within(data, shared, item) if item is not None else ()) or common
        frames = top.get(tags.PER_FRAME_GROUPS)
        own = {}
        for number, group in enumerate(data.items(frames) if frames is not None else ()):
            mappings = _within(data, shared, group)
            if mappings:
                own[number] = mappings
        return _File(common, own)
    except Damaged:
        return _File()


def _within(data: DataSet, shared: Attributes, item: Element) -> tuple[RealWorld, ...]:
    """Give the mappings of a frame's groups."""
    for element in data.elements(item):
        if element.tag == tags.REAL_WORLD:
            return _mappings(data, shared, element)
    return ()


def _mappings(data: DataSet, shared: Attributes, sequence: Element | None) -> tuple[RealWorld, ...]:
    if sequence is None:
        return ()
    found = (_mapping(data, shared, item) for item in data.items(sequence))
    return tuple(one for one in found if one is not None)


def _mapping(data: DataSet, shared: Attributes, item: Element) -> RealWorld | None:
    """Read one line; None for a table, and for what is no number."""
    raw = data.collect(item, _WANTED, ())
    slope, intercept = _double(raw.get(_SLOPE)), _double(raw.get(_INTERCEPT))
    if slope is None or intercept is None or slope == 0.0:
        return None
    low, high = _double(raw.get(_REAL_FIRST)), _double(raw.get(_REAL_LAST))
    if low is None or high is None:
        ends = [_short(raw.get(tag), shared) for tag in (_FIRST, _LAST)]
        if None in ends:
            return None
        low, high = (float(end) for end in ends if end is not None)
    units = data.collect(item, (_CODE, _SCHEME, _MEANING), (_UNITS,))
    name = decode_raw(shared, raw.get(_LABEL, b"")) or decode_raw(
        shared, raw.get(_EXPLANATION, b"")
    )
    return RealWorld(name, _unit(shared, units), slope, intercept, min(low, high), max(low, high))


def _unit(shared: Attributes, raw: Raw) -> str:
    code = decode_raw(shared, raw.get(_CODE, b""))
    if decode_raw(shared, raw.get(_SCHEME, b"")) != "UCUM":
        return decode_raw(shared, raw.get(_MEANING, b"")) or code
    return _NAMES.get(code, code)


def _double(raw: bytes | None) -> float | None:
    if raw is None or len(raw) != 8:
        return None
    value = float(struct.unpack("<d", raw)[0])
    return None if math.isnan(value) else value


def _short(raw: bytes | None, shared: Attributes) -> int | None:
    if raw is None or len(raw) != 2:
        return None
    return int.from_bytes(raw, "little", signed=shared.binary(tags.PIXEL_REPRESENTATION) == 1)


def meant_by(
    instances: Sequence[Instance], worlds: Worlds, stored_range: tuple[float, float]
) -> tuple[list[ValueMap], str] | None:
    """Give the maps and the unit where real world values are the meant ones, else None.

    Of several mappings it is the first whose unit all slices share and that holds for all values.
    """
    if not worlds or not holds_real_values(instances[0].shared):
        return None
    for number, first in enumerate(worlds[0]):
        column = [one[number] if number < len(one) else None for one in worlds]
        if all(
            one is not None and one.unit == first.unit and _covers(one, stored_range)
            for one in column
        ):
            return [one.value_map for one in column if one is not None], first.unit
    return None


def _covers(one: RealWorld, stored_range: tuple[float, float]) -> bool:
    """Tell whether a mapping holds for what can be stored; below zero it often is not said."""
    return one.low <= max(stored_range[0], 0.0) and one.high >= stored_range[1]


def further_units(
    worlds: Worlds, values: Values, stored_range: tuple[float, float]
) -> tuple[OtherUnit, ...]:
    """Give the real world values as further readings of the meant ones.

    A mapping counts where it holds for all values that can be stored and leads from the meant
    value of every slice to its unit by one and the same line.
    """
    found = []
    for number in range(len(worlds[0]) if worlds else 0):
        lines = [_line(worlds, at, number, values, stored_range) for at in range(len(worlds))]
        first, world = lines[0], worlds[0][number]
        if first is None or not all(_is_same(one, first, world) for one in lines):
            continue
        is_meant = world.unit == values.unit and _is_same(first, ValueMap(), world)
        if not is_meant:
            found.append(OtherUnit(world.unit or world.name, first))
    return tuple(found)


def _line(
    worlds: Worlds, at: int, number: int, values: Values, stored_range: tuple[float, float]
) -> ValueMap | None:
    """Give the line from the meant values of a slice to the unit; None where there is none."""
    meant = values.maps[at] if values.maps else values.value_map
    if number >= len(worlds[at]) or not isinstance(meant, ValueMap):
        return None
    world = worlds[at][number]
    if world.unit != worlds[0][number].unit or not _covers(world, stored_range):
        return None
    slope = world.slope / meant.slope
    return ValueMap(slope, world.intercept - slope * meant.intercept)


def _is_same(one: ValueMap | None, other: ValueMap, world: RealWorld) -> bool:
    """Compare lines as exactly as files round their numbers."""
    if one is None or abs(one.slope - other.slope) > _ROUNDED * abs(other.slope):
        return False
    size = max(abs(world.intercept), abs(world.slope))
    return abs(one.intercept - other.intercept) <= _ROUNDED * size


_ROUNDED = 1e-5
