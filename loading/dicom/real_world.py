"""Real world values (PS3.3 C.7.6.16.2.11): what stored numbers are in units of the world.

They map stored values, beside the modality transformation and not after it. The meant value stays
that of the modality transformation, as viewers and the standard's display pipeline have it, and the
real world values are given as further units; only where there is no such transformation by
definition, in parametric maps, and where the units stand nowhere else, in enhanced PET, are they
the meant ones. A mapping is a line or a table, and holds from one stored value to another.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from loading.dicom import tags
from loading.dicom.elements import Damaged, DataSet, Element
from loading.dicom.elements import Values as Raw
from loading.dicom.header import Attributes, Instance
from loading.dicom.kinds import holds_real_values
from loading.dicom.suv import UNIT
from loading.dicom.tables import DOUBLES, Table
from loading.dicom.text import decode_raw
from loading.dicom.values import LARGEST, Mapping, Values
from loading.notices import Notice, notice
from loading.spec import OtherUnit, ValueMap

_FIRST, _LAST = 0x00409216, 0x00409211
_REAL_FIRST, _REAL_LAST = 0x00409214, 0x00409213
_INTERCEPT, _SLOPE, _TABLE = 0x00409224, 0x00409225, 0x00409212
_EXPLANATION, _LABEL, _UNITS = 0x00283003, 0x00409210, 0x004008EA
_CODE, _SCHEME, _MEANING = 0x00080100, 0x00080102, 0x00080104
_MARKS = (b"\x40\x00\x96\x90", b"\x00\x40\x90\x96")
_LINE = (_FIRST, _LAST, _REAL_FIRST, _REAL_LAST, _INTERCEPT, _SLOPE)
_WANTED = (*_LINE, _TABLE, _EXPLANATION, _LABEL)
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
    """What leads from stored numbers to a unit of the world, and where it is said to hold."""

    name: str
    unit: str
    mapping: Mapping
    low: float
    high: float


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
    """Read one line or table; None for what is no number, or has no ends."""
    raw = data.collect(item, _WANTED, ())
    low, high = _double(raw.get(_REAL_FIRST)), _double(raw.get(_REAL_LAST))
    if low is None or high is None:
        ends = [_short(raw.get(tag), shared) for tag in (_FIRST, _LAST)]
        if None in ends:
            return None
        low, high = (float(end) for end in ends if end is not None)
    table = _table(raw.get(_TABLE, b""), low, high)
    low, high = min(low, high), max(low, high)
    slope, intercept = _double(raw.get(_SLOPE)), _double(raw.get(_INTERCEPT))
    mapping: Mapping | None = table
    if mapping is None and slope is not None and intercept is not None:
        is_line = 1 / LARGEST < abs(slope) <= LARGEST and abs(intercept) <= LARGEST
        mapping = ValueMap(slope, intercept) if is_line else None
    if mapping is None:
        return None
    units = data.collect(item, (_CODE, _SCHEME, _MEANING), (_UNITS,))
    name = decode_raw(shared, raw.get(_LABEL, b"")) or decode_raw(
        shared, raw.get(_EXPLANATION, b"")
    )
    return RealWorld(name, _unit(shared, units), mapping, low, high)


def _table(words: bytes, low: float, high: float) -> Table | None:
    """Give the table whose entries are those of each stored number from `low` to `high`.

    None where the ends are no whole numbers or the other way round: which entry is whose is not
    sure then.
    """
    if not words or not low.is_integer() or len(words) != 8 * (high - low + 1):
        return None
    if not (np.abs(np.frombuffer(words, DOUBLES)) <= LARGEST).all():
        return None
    return Table(int(low), words, kind=DOUBLES)


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


class Meant(NamedTuple):
    """Real world values that are the meant ones.

    Attributes
    ----------
    maps : list of Mapping
        One for each slice.
    told : list of Notice
        What is not sure about them.
    """

    maps: list[Mapping]
    unit: str
    told: list[Notice]


def meant_by(
    instances: Sequence[Instance],
    worlds: Worlds,
    stored_range: tuple[float, float],
    *,
    is_real: bool = False,
) -> Meant | None:
    """Give the maps and the unit where real world values are the meant ones, else None.

    Of several mappings it is the first whose unit all slices share and that holds for all values.
    Where none does it is the first line, which is told: writers give the range of the numbers that
    occur. What range real numbers (`is_real`) may have nobody knows.
    """
    if not worlds or not holds_real_values(instances[0].shared):
        return None
    columns = []
    for number, first in enumerate(worlds[0]):
        column = [one[number] for one in worlds if number < len(one)]
        if len(column) == len(worlds) and {one.unit for one in column} == {first.unit}:
            columns.append(column)
    for column in columns:
        if is_real or all(_covers(one, stored_range) for one in column):
            return Meant([one.mapping for one in column], column[0].unit, [])
    for column in columns:
        if not any(isinstance(one.mapping, Table) for one in column):
            low, high = max(one.low for one in column), min(one.high for one in column)
            told = notice("real_world_range", low=f"{low:g}", high=f"{high:g}")
            return Meant([one.mapping for one in column], column[0].unit, [told])
    return None


def _covers(one: RealWorld, stored_range: tuple[float, float]) -> bool:
    """Tell whether a mapping holds for what can be stored; below zero it often is not said."""
    return one.low <= max(stored_range[0], 0.0) and one.high >= stored_range[1]


def further_units(
    worlds: Worlds,
    values: Values,
    stored_range: tuple[float, float],
    *,
    is_real: bool = False,
) -> tuple[OtherUnit, ...]:
    """Give the real world values as further readings of the meant ones.

    A mapping counts where it leads from the meant value of every slice to its unit in one and the
    same way, and for the values for which all slices say so.
    """
    ends = None if is_real else stored_range
    found = []
    for number in range(len(worlds[0]) if worlds else 0):
        readings = [_reading(worlds, at, number, values, ends) for at in range(len(worlds))]
        first, world = readings[0], worlds[0][number]
        if first is None or not all(_is_same(one, first, world) for one in readings):
            continue
        low = max(one.low for one in readings if one is not None)
        high = min(one.high for one in readings if one is not None)
        is_meant = world.unit == values.unit and _is_same(
            OtherUnit(first.unit, ValueMap(), entries=first.entries), first, world
        )
        if low < high and (first.entries or not is_meant):
            found.append(replace(first, low=low, high=high))
    return tuple(found)


def _reading(
    worlds: Worlds,
    at: int,
    number: int,
    values: Values,
    stored_range: tuple[float, float] | None,
) -> OtherUnit | None:
    """Give what leads from the meant values of a slice to the unit; None where nothing does.

    Real numbers have no `stored_range`.
    """
    meant = values.maps[at] if values.maps else values.value_map
    if number >= len(worlds[at]) or not isinstance(meant, ValueMap):
        return None
    world = worlds[at][number]
    if world.unit != worlds[0][number].unit:
        return None
    if isinstance(world.mapping, Table):
        # The line gives the number of the entry.
        slope, intercept = 1.0, -float(world.mapping.first)
        entries = _unrolled(world.mapping)
    else:
        slope, intercept = world.mapping.slope, world.mapping.intercept
        entries = ()
    slope /= meant.slope
    line = ValueMap(slope, intercept - slope * meant.intercept)
    name = world.unit or world.name
    if not entries and stored_range is not None and _covers(world, stored_range):
        return OtherUnit(name, line)
    # A little beyond the ends: meant values are rounded.
    more = 0.5 if stored_range is not None else _ROUNDED * max(abs(world.low), abs(world.high))
    ends = [meant.slope * end + meant.intercept for end in (world.low - more, world.high + more)]
    return OtherUnit(name, line, min(ends), max(ends), entries)


@lru_cache(maxsize=1)
def _unrolled(table: Table) -> tuple[float, ...]:
    """Give the entries of a table; the slices of a series, mostly of one table, share them."""
    return tuple(table.entries.tolist())


def _is_same(one: OtherUnit | None, other: OtherUnit, world: RealWorld) -> bool:
    """Compare ways as exactly as files round their numbers."""
    if one is None or one.entries != other.entries:
        return False
    first, second = one.value_map, other.value_map
    if abs(first.slope - second.slope) > _ROUNDED * abs(second.slope):
        return False
    size = max(abs(second.intercept), abs(second.slope))
    if isinstance(world.mapping, ValueMap):
        size = max(abs(world.mapping.intercept), abs(world.mapping.slope))
    return abs(first.intercept - second.intercept) <= _ROUNDED * size


_ROUNDED = 1e-5
