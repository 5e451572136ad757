"""What stored numbers mean: one linear map or one for each slice, units, windows, padding."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loading.dicom import tags
from loading.dicom.forms import PixelForm
from loading.dicom.header import Attributes, Instance
from loading.dicom.kinds import is_dose
from loading.dicom.suv import UNIT, Suv
from loading.dicom.tables import Table, table_of
from loading.notices import Notice, notice
from loading.spec import OtherUnit, ValueMap, Window

_PET_UNITS = {"BQML": "Bq/ml", "GML": "g/ml", "CNTS": "counts"}
AIR_HU = -1000.0
LARGEST = 1e30
"""Meant values are float32: beyond this a slope or intercept makes them infinite or all zero."""


Mapping = ValueMap | Table
"""What leads from stored values to meant ones: a line, or a table."""


@dataclass(frozen=True, slots=True)
class Values:
    """How the slices of one volume become the numbers in its array.

    Attributes
    ----------
    dtype : numpy dtype
        Of the array.
    value_map : ValueMap
        From array values to meant ones; the identity when the array holds meant values.
    maps : tuple of Mapping or None
        One for each slice when they differ: then each slice is mapped while it is read, in
        float64, and rounded once to float32. None when stored values go into the array.
    """

    dtype: np.dtype[np.generic]
    value_map: ValueMap
    maps: tuple[Mapping, ...] | None
    stored_range: tuple[float, float]
    padding: tuple[float, float] | None
    empty_value: float
    unit: str


def map_of(instance: Instance) -> tuple[Mapping, list[Notice]]:
    """Read the table, else slope and intercept; what is not usable becomes 1 or 0 and is told."""
    notices: list[Notice] = []
    if is_dose(instance.shared):
        return _dose_map(instance.shared)
    if instance.shared.has(tags.MODALITY_LUT):
        table = table_of(instance)
        if table is not None:
            return table, []
        told = notice("value_ignored", attribute="Modality LUT Sequence", value="no usable table")
        notices.append(told)
    parts = []
    for tag, default in ((tags.SLOPE, 1.0), (tags.INTERCEPT, 0.0)):
        values = instance.own_numbers(tag)
        value = values[0] if values else default
        if not abs(value) <= LARGEST or (tag == tags.SLOPE and abs(value) < 1 / LARGEST):
            notices.append(ignored(tag, instance.own_text(tag)))
            value = default
        parts.append(value)
    return ValueMap(parts[0], parts[1]), notices


def _dose_map(shared: Attributes) -> tuple[ValueMap, list[Notice]]:
    """Scale a dose to gray; the numbers of one that is relative to another stay as stored."""
    scaling = scaling_of(shared)
    if scaling is None:
        return ValueMap(), [ignored(tags.DOSE_SCALING, shared.text(tags.DOSE_SCALING) or "none")]
    if shared.text(tags.DOSE_UNITS) == "GY":
        return ValueMap(scaling, 0.0), []
    return ValueMap(), [notice("relative_dose", scaling=f"{scaling:.6g}")]


def scaling_of(shared: Attributes) -> float | None:
    """Give the factor from stored numbers to the unit of a dose; None where it is not usable."""
    values = shared.numbers(tags.DOSE_SCALING)
    return values[0] if values and 1 / LARGEST < values[0] < LARGEST else None


def relative_dose(shared: Attributes) -> tuple[OtherUnit, ...]:
    """Give the reading of a dose that is relative to another: in parts of that."""
    scaling = scaling_of(shared)
    if not is_dose(shared) or scaling is None or shared.text(tags.DOSE_UNITS) == "GY":
        return ()
    return (OtherUnit("of the reference dose", ValueMap(scaling, 0.0)),)


def ignored(tag: int, value: str) -> Notice:
    """Tell that an attribute is not usable; the value is shortened and made harmless."""
    shown = "".join(part if part.isprintable() else " " for part in value)[:40]
    return notice("value_ignored", attribute=tags.NAMES[tag], value=shown)


def ignored_numbers(shared: Attributes) -> list[Notice]:
    """Tell which lengths in the header are no numbers; they are not needed for geometry."""
    return [
        ignored(tag, shared.text(tag))
        for tag in (tags.SLICE_THICKNESS, tags.SPACING_BETWEEN_SLICES)
        if not all(math.isfinite(value) for value in shared.numbers(tag))
    ]


def union_dtype(forms: Sequence[PixelForm]) -> np.dtype[np.generic]:
    """Give the smallest type that holds the stored values of all slices; float32 if none does."""
    dtype = forms[0].dtype
    for form in forms[1:]:
        if form.dtype != dtype:
            dtype = np.result_type(dtype, form.dtype)
    if dtype.itemsize > 4:
        return np.dtype(np.float32)
    return dtype


def values_of(
    instances: Sequence[Instance],
    forms: Sequence[PixelForm],
    suv: Suv | None = None,
    real: tuple[Sequence[Mapping], str] | None = None,
) -> tuple[Values, list[Notice]]:
    """Decide on the array's type and map from all slices (never from the first alone).

    With a factor for SUV the meant values are SUV. `real` are maps and unit that come in the
    place of those of the modality.
    """
    maps, notices = _maps_of(instances) if real is None else (list[Mapping](real[0]), [])
    unit = "" if any(item.code == "value_ignored" for item in notices) else _unit(instances[0])
    if real is not None:
        unit = real[1]
    if suv is not None and suv.factor is not None:
        maps, unit = [_scaled(one, suv.factor) for one in maps], UNIT
    tables = [one for one in set(maps) if isinstance(one, Table)]
    if tables and unit != "HU" and real is None and unit != UNIT:
        unit = tables[0].unit
    distinct_forms = list(dict.fromkeys(forms))
    dtype = union_dtype(distinct_forms)
    ends = stored_range_of(distinct_forms)
    padding = _common_padding(instances, forms)
    one = maps[0]
    if (
        isinstance(one, Table)
        or len(set(maps)) > 1
        or (dtype.kind == "f" and not distinct_forms[0].real)
    ):
        return _meant_values(maps, ends, padding, unit), notices
    empty = _empty(one, padding, ends, unit)
    return Values(dtype, one, None, ends, padding, empty, unit), notices


def _meant_values(
    maps: Sequence[Mapping],
    stored_range: tuple[float, float],
    padding: tuple[float, float] | None,
    unit: str,
) -> Values:
    """Let the array hold meant values, each slice mapped by itself."""
    reached = [meant_of(one, end) for one in set(maps) for end in stored_range]
    reached += [
        float(end)
        for one in set(maps)
        if isinstance(one, Table)
        for end in (one.entries.min(), one.entries.max())
    ]
    low, high = min(reached), max(reached)
    empty = min(max(AIR_HU, low), high) if unit == "HU" else _zero(low)
    return Values(
        np.dtype(np.float32),
        ValueMap(),
        tuple(maps),
        (low, high),
        _mapped(padding, maps),
        empty,
        unit,
    )


def meant_of(one: Mapping, stored: float) -> float:
    """Map one stored value."""
    if isinstance(one, Table):
        return float(one.meant(np.array(stored)))
    return one.slope * stored + one.intercept


def _scaled(one: Mapping, factor: float) -> Mapping:
    if isinstance(one, Table):
        return one.times(factor)
    return ValueMap(one.slope * factor, one.intercept * factor)


def _maps_of(instances: Sequence[Instance]) -> tuple[list[Mapping], list[Notice]]:
    """Read the map of each slice; equal bytes are read once, tables from each file."""
    known: dict[tuple[bytes, bytes, str], Mapping] = {}
    told: dict[Notice, None] = {}
    maps: list[Mapping] = []
    for instance in instances:
        own = instance.own
        file_of_table = instance.place.name if instance.shared.has(tags.MODALITY_LUT) else ""
        key = (own[_SLOPE_AT], own[_INTERCEPT_AT], file_of_table)
        value_map = known.get(key)
        if value_map is None:
            value_map, notices = map_of(instance)
            known[key] = value_map
            told.update(dict.fromkeys(notices))
        maps.append(value_map)
    return maps, list(told)


_SLOPE_AT = tags.OWN_AT[tags.SLOPE]
_INTERCEPT_AT = tags.OWN_AT[tags.INTERCEPT]


def _unit(instance: Instance) -> str:
    shared = instance.shared
    if shared.modality == "CT":
        return "HU"
    if shared.modality == "PT":
        units = shared.text(tags.PET_UNITS)
        return _PET_UNITS.get(units, units)
    if is_dose(shared):
        return "Gy" if shared.text(tags.DOSE_UNITS) == "GY" else ""
    kind = shared.text(tags.RESCALE_TYPE)
    return "" if kind in ("US", "UNSPECIFIED") else kind


def stored_range_of(forms: Sequence[PixelForm]) -> tuple[float, float]:
    """Give the smallest and the largest number that can be stored; of real ones 0 and 1."""
    lows, highs = [], []
    for form in forms:
        if form.real:
            return 0.0, 1.0
        if form.signed:
            lows.append(-(2.0 ** (form.stored - 1)))
            highs.append(2.0 ** (form.stored - 1) - 1)
        else:
            lows.append(0.0)
            highs.append(2.0**form.stored - 1)
    return min(lows), max(highs)


def _common_padding(
    instances: Sequence[Instance], forms: Sequence[PixelForm]
) -> tuple[float, float] | None:
    """Give the padding range where all slices have the same: one's padding is another's data."""
    kinds = {
        (id(instance.shared), id(form)): (instance.shared, form)
        for instance, form in zip(instances, forms, strict=True)
    }
    ranges = {_padding(shared, form) for shared, form in kinds.values()}
    return ranges.pop() if len(ranges) == 1 else None


def _padding(shared: Attributes, form: PixelForm) -> tuple[float, float] | None:
    """Read padding value and range limit (C.7.5.1.1.2): stored values, of the pixels' kind."""
    value, limit, kind = tags.PADDING_VALUE, tags.PADDING_LIMIT, "<h" if form.signed else "<H"
    if form.real and form.allocated == 32:
        value, limit, kind = tags.FLOAT_PADDING_VALUE, tags.FLOAT_PADDING_LIMIT, "<f"
    elif form.real:
        value, limit, kind = tags.DOUBLE_PADDING_VALUE, tags.DOUBLE_PADDING_LIMIT, "<d"
    ends = []
    for tag in (value, limit):
        raw = shared.raw.get(tag, b"")
        if len(raw) >= struct.calcsize(kind):
            ends.append(float(struct.unpack_from(kind, raw)[0]))
    # Values that are no numbers are nothing without being told so.
    if not shared.has(value) or not ends or not all(map(math.isfinite, ends)):
        return None
    return min(ends), max(ends)


def _mapped(
    padding: tuple[float, float] | None, maps: Sequence[Mapping]
) -> tuple[float, float] | None:
    """Map a padding range to meant values where all slices agree on it."""
    if padding is None:
        return None
    ranges = {tuple(sorted(meant_of(one, end) for end in padding)) for one in set(maps)}
    if len(ranges) != 1:
        return None
    low, high = (float(np.float32(end)) for end in next(iter(ranges)))
    return low, high


def _empty(
    one: ValueMap, padding: tuple[float, float] | None, ends: tuple[float, float], unit: str
) -> float:
    """Choose the array value that stands for nothing: padding, air, or zero."""
    if padding is not None:
        return padding[0]
    if unit == "HU":
        stored = round((AIR_HU - one.intercept) / one.slope)
        return float(min(max(stored, ends[0]), ends[1]))
    return _zero(ends[0])


def _zero(low: float) -> float:
    return max(low, 0.0)


def windows_of(instance: Instance) -> tuple[tuple[Window, ...], list[Notice]]:
    """Read the windows of a slice (C.11.2.1.2); what is not usable is left out and told."""
    centers = instance.own_numbers(tags.WINDOW_CENTER)
    widths = instance.own_numbers(tags.WINDOW_WIDTH)
    shared = instance.shared
    names = shared.words(tags.WINDOW_NAME)
    function = shared.text(tags.WINDOW_FUNCTION) or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        function = "LINEAR"
    windows: list[Window] = []
    notices: list[Notice] = []
    for at, (center, width) in enumerate(zip(centers, widths, strict=False)):
        least = 1.0 if function == "LINEAR" else 0.0
        if not math.isfinite(center):
            notices.append(ignored(tags.WINDOW_CENTER, instance.own_text(tags.WINDOW_CENTER)))
        elif not math.isfinite(width) or width <= 0.0 or width < least:
            notices.append(ignored(tags.WINDOW_WIDTH, instance.own_text(tags.WINDOW_WIDTH)))
        else:
            window = Window(center, width, names[at] if at < len(names) else "", function)
            if window not in windows:
                windows.append(window)
    if (not centers or not widths) and (centers or widths):
        tag = tags.WINDOW_CENTER if centers else tags.WINDOW_WIDTH
        notices.append(ignored(tag, instance.own_text(tag)))
    return tuple(windows), notices


def windows_in_suv(windows: Sequence[Window], factor: float) -> tuple[Window, ...]:
    """Bring windows for activity to SUV; the half unit of LINEAR is one of the file's values."""
    found = []
    for one in windows:
        center, width, function = one.center, one.width, one.function
        if function == "LINEAR" and width > 1.0:
            center, width, function = center - 0.5, width - 1.0, "LINEAR_EXACT"
        found.append(Window(center * factor, width * factor, one.name, function))
    return tuple(found)


def is_lossy(shared: Attributes) -> bool:
    """Tell whether the header says that loss came with compression (0028,2110)."""
    return shared.text(tags.LOSSY) == "01"
