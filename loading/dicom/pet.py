"""Gather what the files of a PET series say about dose, patient and times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from loading.dicom import tags
from loading.dicom.elements import Damaged, DataSet, Element, Values
from loading.dicom.header import Instance, numbers
from loading.dicom.suv import UNIT, PetFacts, Suv, moment, moment_of, suv_of
from loading.spec import OtherUnit, ValueMap

_WEIGHT = 0x00101030
_CORRECTED = 0x00280051
_DURATION = 0x00181242
_RADIOPHARMACEUTICAL = 0x00540016
_START_TIME = 0x00181072
_DOSE = 0x00181074
_HALF_LIFE = 0x00181075
_START_DATETIME = 0x00181078
_UNITS = 0x00541001
_SUV_TYPE = 0x00541006
_DECAY = 0x00541102
_CORRECTED_TO = 0x00189701
_IS_DECAY_CORRECTED, _IS_ATTENUATION_CORRECTED = 0x00189758, 0x00189759
_CONVERTED = 0x00209170
_GE, _GE_START = (0x0009, "GEMS_PETD"), 0x0D
_PHILIPS, _PHILIPS_SUV, _PHILIPS_ACTIVITY = (0x7053, "Philips PET Private Group"), 0x00, 0x09
_BLOCKS = range(0x10, 0x20)
"""Private blocks that are looked at; which one is whose says its creator (PS3.5 7.8.1)."""

_TOP = frozenset(
    {
        _WEIGHT,
        _CORRECTED,
        _DURATION,
        _UNITS,
        _SUV_TYPE,
        _DECAY,
        _CORRECTED_TO,
        _IS_DECAY_CORRECTED,
        _IS_ATTENUATION_CORRECTED,
    }
) | {
    group << 16 | part
    for group, wanted in ((_GE[0], (_GE_START,)), (_PHILIPS[0], (_PHILIPS_SUV, _PHILIPS_ACTIVITY)))
    for block in _BLOCKS
    for part in (block, *(block << 8 | one for one in wanted))
}
_DOSES = frozenset({_START_TIME, _DOSE, _HALF_LIFE, _START_DATETIME})


def is_pet(instance: Instance) -> bool:
    """Tell whether values may be activities."""
    return instance.shared.modality == "PT"


def other_units(suv: Suv | None) -> tuple[OtherUnit, ...]:
    """Give the unit of the file where SUV is shown instead."""
    if suv is None or suv.factor is None or not suv.unit:
        return ()
    return (OtherUnit(suv.unit, ValueMap(1.0 / suv.factor, 0.0)),)


def words_of(suv: Suv) -> str:
    """Say for people how SUV came about, or why it is not available."""
    if suv.factor is None:
        return f"not available: {suv.reason}"
    return f"{suv.unit} x {suv.factor:.6g}" if suv.unit else "as in the file"


def suv_of_series(instances: Sequence[Instance], unit: str = "") -> Suv:
    """Give the SUV factor of a series, or the reason why it has none.

    `unit` is that of values whose unit no attribute of PET says: those of enhanced objects.

    Every file is read, of very long series a thousand and one of each header that differs; where
    they do not agree there is no factor.
    """
    first = min(instances, key=_acquired)
    files = list({one.place.name: one for one in instances}.values())
    chosen = [first, *files[:: max(1, len(files) // _MOST)]]
    chosen += list({id(one.shared): one for one in files}.values())[:_MOST]
    known: dict[str, PetFacts] = {}
    try:
        for one in chosen:
            if one.place.name not in known:
                known[one.place.name] = _facts(one)
    except Damaged:
        return Suv(None, "the header is damaged")
    facts = known[first.place.name]
    for other in known.values():
        if _constant(other) != _constant(facts):
            return Suv(None, "its files differ in dose, weight or times")
    if not facts.units and unit:
        facts = replace(facts, units={"Bq/ml": "BQML", UNIT: "GML"}.get(unit, unit))
    return suv_of(facts)


_MOST = 1000


def _constant(facts: PetFacts) -> PetFacts:
    """Leave out what may differ from slice to slice."""
    return replace(
        facts,
        first_acquired=None,
        reference_ms=None,
        duration_ms=None,
        vendor_start=None,
    )


def _acquired(instance: Instance) -> tuple[bool, str, str]:
    date, time = _own(instance, tags.ACQUISITION_DATE), _own(instance, tags.ACQUISITION_TIME)
    return not time, date, time


def _own(instance: Instance, tag: int) -> str:
    return instance.own_text(tag)


def _facts(instance: Instance) -> PetFacts:
    """Read the facts of one file."""
    data = DataSet(
        instance.place.read_at(0, instance.offset), instance.shared.syntax, instance.offset
    )
    found = data.top((*_TOP, _RADIOPHARMACEUTICAL, tags.SHARED_GROUPS))
    found = _converted(data, found.pop(tags.SHARED_GROUPS, None)) | found
    sequence = found.pop(_RADIOPHARMACEUTICAL, None)
    values = {tag: data.value(element) for tag, element in found.items()}
    values |= _doses(data, sequence)
    shared = instance.shared
    series_date = shared.text(tags.SERIES_DATE)
    acquired_date = _own(instance, tags.ACQUISITION_DATE) or series_date
    return PetFacts(
        units=_text(values, _UNITS),
        suv_type=_text(values, _SUV_TYPE),
        decay_correction=_text(values, _DECAY),
        corrected=_corrections(values),
        corrected_to=moment_of(_text(values, _CORRECTED_TO)),
        weight_kg=_number(values, _WEIGHT),
        dose_bq=_number(values, _DOSE),
        half_life_s=_number(values, _HALF_LIFE),
        injected=moment_of(_text(values, _START_DATETIME)),
        injected_time=moment(series_date, _text(values, _START_TIME)),
        series_start=moment(series_date, shared.text(tags.SERIES_TIME)),
        first_acquired=moment(acquired_date, _own(instance, tags.ACQUISITION_TIME)),
        vendor_start=moment_of(_text(values, _private(values, _GE, _GE_START))),
        reference_ms=_first(instance.own_numbers(tags.FRAME_REFERENCE_TIME)),
        duration_ms=_number(values, _DURATION),
        vendor_suv=_number(values, _private(values, _PHILIPS, _PHILIPS_SUV)),
        vendor_activity=_number(values, _private(values, _PHILIPS, _PHILIPS_ACTIVITY)),
    )


def _private(values: Values, owner: tuple[int, str], element: int) -> int:
    """Give the tag of a maker's element; 0, which nothing has, where no block is the maker's."""
    group, creator = owner
    for block in _BLOCKS:
        if _text(values, group << 16 | block).startswith(creator):
            return group << 16 | block << 8 | element
    return 0


def _converted(data: DataSet, groups: Element | None) -> dict[int, Element]:
    """Find the attributes that a converted object keeps for all frames in a group of its own."""
    item = data.first_item(groups) if groups is not None else None
    for group in data.elements(item) if item is not None else ():
        if group.tag == _CONVERTED and (inner := data.first_item(group)) is not None:
            return {
                one.tag: one
                for one in data.elements(inner)
                if one.tag in _TOP or one.tag == _RADIOPHARMACEUTICAL
            }
    return {}


def _corrections(values: Values) -> tuple[str, ...]:
    """Name what was corrected for, by the list of classic objects or the flags of enhanced ones."""
    named = [part.strip() for part in _text(values, _CORRECTED).split("\\")]
    for tag, name in ((_IS_DECAY_CORRECTED, "DECY"), (_IS_ATTENUATION_CORRECTED, "ATTN")):
        if _text(values, tag) == "YES":
            named.append(name)
    return tuple(named)


def _doses(data: DataSet, sequence: Element | None) -> Values:
    item = None if sequence is None else data.first_item(sequence)
    return {} if item is None else data.collect(item, _DOSES, ())


def _text(values: Values, tag: int) -> str:
    return values.get(tag, b"").strip(b" \0").decode("ascii", "replace")


def _number(values: Values, tag: int) -> float | None:
    return _first(numbers(values.get(tag, b"")))


def _first(found: Sequence[float]) -> float | None:
    return found[0] if found and math.isfinite(found[0]) else None
