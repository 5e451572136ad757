"""Objects of many frames that say in vectors where their frames lie.

Doses (PS3.3 C.8.8.3) and reconstructed nuclear medicine (C.8.4.8, C.8.4.15). Each frame becomes a
slice with a position of its own, so that the same code sorts and groups it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np

from loading.dicom import grouping, tags
from loading.dicom.elements import Damaged, DataSet, Values
from loading.dicom.forms import PixelForm
from loading.dicom.geometry import Frame
from loading.dicom.header import Attributes, Instance, Part
from loading.dicom.kinds import is_dose, is_nuclear

_SAME_MM = 1e-3
_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def planes_of(instance: Instance, form: PixelForm) -> list[Instance]:
    """Give a slice for each frame; nothing for other objects and where the places are unsure."""
    if is_dose(instance.shared):
        return _planes_of_dose(instance, form)
    if is_nuclear(instance.shared) and form.frames > 1:
        return _planes_of_tomogram(instance, form)
    return []


def _planes_of_dose(instance: Instance, form: PixelForm) -> list[Instance]:
    frame = grouping.frame_of(instance.shared)
    if frame is None or not grouping.usable_position(instance):
        return []
    offsets = _relative_offsets(instance, frame)
    if len(offsets) != form.frames or len(set(offsets)) != len(offsets):
        return []
    return _placed(instance, frame, offsets)


def _planes_of_tomogram(instance: Instance, form: PixelForm) -> list[Instance]:
    """Place the slices of a reconstruction: from the first one, step by step along its normal.

    The sign of Spacing Between Slices says in which direction (C.8.4.15). Energy windows and
    detectors are kinds of image, intervals and slots of the heart's cycle are times.
    """
    try:
        vectors, place = _vectors_of(instance)
    except Damaged:
        return []
    slices = vectors.pop(_SLICES, ())
    spacing = instance.shared.numbers(tags.SPACING_BETWEEN_SLICES)
    if len(slices) != form.frames or not spacing or not 1e-6 <= abs(spacing[0]) <= 1e4:
        return []
    if any(len(vector) != form.frames for vector in vectors.values()):
        return []
    whole = _with_place(instance, place)
    frame = grouping.frame_of(whole.shared)
    if frame is None or not grouping.usable_position(whole):
        return []
    kinds = {tag: vectors[tag] for tag in _KINDS if len(set(vectors.get(tag, ()))) > 1}
    times = [vectors[tag] for tag in sorted(vectors.keys() - _KINDS.keys())]
    placed = _placed(whole, frame, [(number - 1) * spacing[0] for number in slices])
    return [
        one._replace(
            part=Part(
                instance,
                number,
                indices=tuple(vector[number] for vector in times),
                kind=", ".join(f"{_KINDS[tag]} {kinds[tag][number]}" for tag in kinds),
            )
        )
        for number, one in enumerate(placed)
    ]


def kinds_of(instance: Instance, form: PixelForm) -> tuple[str, ...]:
    """Name the energy windows and detectors whose frames follow each other, window by window.

    Nothing where there is one only, or where they are not all there equally often and in order.
    """
    if not is_nuclear(instance.shared):
        return ()
    try:
        vectors, _ = _vectors_of(instance)
    except Damaged:
        return ()
    telling = {tag: vectors[tag] for tag in _KINDS if len(set(vectors.get(tag, ()))) > 1}
    if not telling or any(len(vector) != form.frames for vector in telling.values()):
        return ()
    keys = list(zip(*telling.values(), strict=True))
    distinct = list(dict.fromkeys(keys))
    each = form.frames // len(distinct)
    if keys != [key for key in distinct for _ in range(each)]:
        return ()
    names = [_KINDS[tag] for tag in telling]
    return tuple(
        ", ".join(f"{name} {number}" for name, number in zip(names, key, strict=True))
        for key in distinct
    )


def _vectors_of(instance: Instance) -> tuple[dict[int, tuple[int, ...]], Values]:
    """Read the vectors that the Frame Increment Pointer names, and the place of the detector."""
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
    found = data.top((_POINTER, _DETECTORS, *_VECTORS))
    pointer = data.value(found[_POINTER]) if _POINTER in found else b""
    words = struct.unpack(f"<{len(pointer) // 4 * 2}H", pointer[: len(pointer) // 4 * 4])
    named = {group << 16 | element for group, element in zip(*[iter(words)] * 2, strict=True)}
    vectors = {}
    for tag in named & _VECTORS & found.keys():
        raw = data.value(found[tag])
        vectors[tag] = struct.unpack(f"<{len(raw) // 2}H", raw[: len(raw) // 2 * 2])
    item = data.first_item(found[_DETECTORS]) if _DETECTORS in found else None
    place = {} if item is None else data.collect(item, (tags.POSITION, tags.ORIENTATION), ())
    return vectors, place


_POINTER = 0x00280009
_DETECTORS = 0x00540022
_SLICES = 0x00540080
_KINDS = {0x00540010: "energy window", 0x00540020: "detector"}
_VECTORS = frozenset(
    {
        *_KINDS,
        0x00540030,  # Phase
        0x00540050,  # Rotation
        0x00540060,  # R-R Interval
        0x00540070,  # Time Slot
        _SLICES,
        0x00540090,  # Angular View
        0x00540100,  # Time Slice
    }
)


def _with_place(instance: Instance, place: Values) -> Instance:
    """Give an instance the place of its detector where it has none of its own."""
    shared, own = instance.shared, list(instance.own)
    if not shared.has(tags.ORIENTATION) and tags.ORIENTATION in place:
        raw = shared.raw | {tags.ORIENTATION: place[tags.ORIENTATION]}
        shared = Attributes(shared.syntax, raw)
    own[_POSITION_AT] = own[_POSITION_AT] or place.get(tags.POSITION, b"")
    return instance._replace(shared=shared, own=tuple(own))


def _relative_offsets(instance: Instance, frame: Frame) -> Sequence[float]:
    """Read the Grid Frame Offset Vector as distances from the first frame, along the normal.

    It begins with zero, or, in axial grids only, with the z of the position: then it holds those
    of all frames (C.8.8.3.2). Anything else may be meant either way and is not believed.
    """
    offsets = instance.shared.numbers(tags.FRAME_OFFSETS)
    if not offsets or not all(map(math.isfinite, offsets)):
        return ()
    if abs(offsets[0]) <= _SAME_MM:
        return offsets
    z = (instance.position or (0.0, 0.0, 0.0))[2]
    cosines = (*frame.row.tolist(), *frame.column.tolist())
    is_axial = all(abs(a - b) <= 1e-4 for a, b in zip(cosines, _AXIAL, strict=True))
    if is_axial and abs(offsets[0] - z) <= _SAME_MM:
        return [offset - z for offset in offsets]
    return ()


def _placed(instance: Instance, frame: Frame, offsets: Sequence[float]) -> list[Instance]:
    first = np.array(instance.position)
    found = []
    for number, offset in enumerate(offsets):
        own = list(instance.own)
        place = first + offset * frame.normal
        own[_POSITION_AT] = "\\".join(repr(float(part)) for part in place).encode()
        found.append(instance._replace(own=tuple(own), part=Part(instance, number)))
    return found


_POSITION_AT = tags.OWN_AT[tags.POSITION]
