"""How large a pixel of a picture is, where it has no place in space: detector, region, ratio."""

from __future__ import annotations

import struct

from loading.dicom import grouping
from loading.dicom.elements import Damaged, DataSet, Element
from loading.dicom.header import Instance, numbers
from loading.notices import Notice, notice

_IMAGER_SPACING = 0x00181164
_SCANNED_SPACING = 0x00182010
_ASPECT_RATIO = 0x00280034
_REGIONS = 0x00186011
_REGION_FORMAT, _UNITS_X, _UNITS_Y = 0x00186012, 0x00186024, 0x00186026
_DELTA_X, _DELTA_Y = 0x0018602C, 0x0018602E
_PICTURE, _CENTIMETRES = 1, 3
_REGION = frozenset({_REGION_FORMAT, _UNITS_X, _UNITS_Y, _DELTA_X, _DELTA_Y})
_AGREE = 1e-3

Spacing = tuple[float, float]


def scale_of(instance: Instance) -> tuple[Spacing, list[Notice]]:
    """Give the distance between rows and between columns, millimetres, and what is to be told.

    Pixel Spacing holds in the body. Else the regions of an ultrasound picture count where all
    that show tissue agree (C.8.5.5), then the spacing at the detector, which is larger than in
    the body (C.8.7.10), or on the film. Where none is given pixels have their shape at least.
    """
    spacing = grouping.spacing_of(instance.shared)
    if spacing is not None:
        return spacing, []
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
    try:
        found = data.top((_REGIONS, _IMAGER_SPACING, _SCANNED_SPACING, _ASPECT_RATIO))
        spacing = _of_regions(data, found[_REGIONS]) if _REGIONS in found else None
        if spacing is not None:
            return spacing, [notice("spacing_of_region")]
        for tag in (_IMAGER_SPACING, _SCANNED_SPACING):
            spacing = _pair(data, found.get(tag))
            if spacing is not None:
                return spacing, [notice("spacing_at_detector")]
        ratio = _pair(data, found.get(_ASPECT_RATIO)) or (1.0, 1.0)
    except Damaged:
        ratio = (1.0, 1.0)
    least = min(ratio)
    return (ratio[0] / least, ratio[1] / least), [notice("no_spacing")]


def _pair(data: DataSet, element: Element | None) -> Spacing | None:
    values = numbers(data.value(element)) if element is not None else ()
    if len(values) != 2 or not all(1e-6 <= value <= 1e4 for value in values):
        return None
    return values[0], values[1]


def _of_regions(data: DataSet, sequence: Element) -> Spacing | None:
    """Give the size of a pixel in the regions that are pictures; None where they differ."""
    spacings: list[Spacing] = []
    for item in data.items(sequence):
        values = data.collect(item, _REGION, ())
        kinds = [
            int.from_bytes(values.get(tag, b"")[:2], "little")
            for tag in (_REGION_FORMAT, _UNITS_X, _UNITS_Y)
        ]
        if kinds[0] != _PICTURE:
            continue
        if kinds[1:] != [_CENTIMETRES, _CENTIMETRES]:
            return None
        deltas = [values.get(tag, b"") for tag in (_DELTA_Y, _DELTA_X)]
        if any(len(delta) != 8 for delta in deltas):
            return None
        down, across = (10.0 * abs(struct.unpack("<d", delta)[0]) for delta in deltas)
        if not (1e-6 <= down <= 1e4 and 1e-6 <= across <= 1e4):
            return None
        spacings.append((down, across))
    if not spacings or any(not _agree(spacings[0], other) for other in spacings):
        return None
    return spacings[0]


def _agree(one: Spacing, other: Spacing) -> bool:
    return all(abs(a - b) <= _AGREE * a for a, b in zip(one, other, strict=True))
