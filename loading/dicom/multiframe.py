"""Take an object of many frames apart: each frame becomes a slice of its own (PS3.3 C.7.6.16).

Position, orientation, spacing and rescale of a frame stand in functional groups, those of all
frames in the shared ones. Once a frame has them where a classic slice has them, the same code
sorts, groups and reads both, so that an enhanced object equals its classic twin.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from loading.dicom import tags
from loading.dicom.elements import Damaged, DataSet, Element, Values
from loading.dicom.forms import PixelForm
from loading.dicom.header import Attributes, Instance, Part
from loading.dicom.kinds import is_segmentation

MAX_FRAMES = 100_000
"""More frames than any object has; each costs a kilobyte."""

_FRAME_TYPE = 0x00089007
_EFFECTIVE_ECHO_TIME = 0x00189082
_ACQUISITION_DATETIME = 0x00189074
_TRIGGER_DELAY = 0x00209153
_FRAME_ACQUISITION_NUMBER = 0x00209156
_STACK_ID = 0x00209056
_IN_STACK_POSITION = 0x00209057
_TEMPORAL_INDEX = 0x00209128
_INDEX_VALUES = 0x00209157
_VOLUME_POSITION = 0x00209301
_TIME_OFFSET = 0x0020930D
_DIMENSION_INDEX = 0x00209222
_INDEX_POINTER = 0x00209165
_SEGMENT_NUMBER = 0x0062000B

_GROUPS = frozenset(
    {
        0x00189076,  # Diffusion Gradient Direction
        0x00189114,  # MR Echo
        0x00189117,  # MR Diffusion
        0x00189118,  # Cardiac Synchronization
        0x00189226,  # MR Image Frame Type
        0x00189329,  # CT Image Frame Type
        0x00189504,  # X-Ray 3D Frame Type
        0x00189751,  # PET Frame Type
        0x00189806,  # US Image Description
        0x00209111,  # Frame Content
        0x00209113,  # Plane Position
        0x00209116,  # Plane Orientation
        0x0020930E,  # Plane Position (Volume)
        0x0020930F,  # Plane Orientation (Volume)
        0x00209170,  # Unassigned Shared Converted Attributes
        0x00209171,  # Unassigned Per-Frame Converted Attributes
        0x00209310,  # Temporal Position
        0x00289110,  # Pixel Measures
        0x00289132,  # Frame VOI LUT
        0x00289145,  # Pixel Value Transformation
        0x0062000A,  # Segment Identification
    }
)
"""Sequences that hold what is wanted; the converted ones belong to legacy objects."""

_SHARED = (
    tags.ORIENTATION,
    tags.VOLUME_ORIENTATION,
    tags.PIXEL_SPACING,
    tags.SLICE_THICKNESS,
    tags.SPACING_BETWEEN_SLICES,
    tags.RESCALE_TYPE,
    tags.WINDOW_NAME,
    tags.WINDOW_FUNCTION,
)
_OWN = (
    tags.POSITION,
    tags.SLOPE,
    tags.INTERCEPT,
    tags.WINDOW_CENTER,
    tags.WINDOW_WIDTH,
    tags.TEMPORAL_POSITION,
    tags.TRIGGER_TIME,
    tags.ECHO_TIME,
    tags.ECHO_NUMBER,
    tags.B_VALUE,
    tags.GRADIENT,
    tags.FRAME_REFERENCE_TIME,
    tags.ACQUISITION_DATE,
    tags.ACQUISITION_TIME,
)
_OTHERS = (
    _FRAME_TYPE,
    _EFFECTIVE_ECHO_TIME,
    _ACQUISITION_DATETIME,
    _TRIGGER_DELAY,
    _FRAME_ACQUISITION_NUMBER,
    _STACK_ID,
    _TEMPORAL_INDEX,
    _INDEX_VALUES,
    _TIME_OFFSET,
    _SEGMENT_NUMBER,
    _VOLUME_POSITION,
)
_WANTED = frozenset((*_SHARED, *_OWN, *_OTHERS))
_PLACES = frozenset({_STACK_ID, _IN_STACK_POSITION, tags.POSITION, tags.ORIENTATION})
"""Dimensions that say where a slice lies, which its position says better."""


def is_multiframe(shared: Attributes) -> bool:
    """Tell whether the frames of an object may be slices with a place each."""
    return shared.has(tags.PER_FRAME_GROUPS) and not is_segmentation(shared)


def slices_of(instance: Instance, form: PixelForm) -> list[Instance]:
    """Give a slice for each frame, in the order of the file.

    Frames without functional groups come without a position. The list is empty where the groups
    cannot be read: then nobody knows where the frames belong.
    """
    try:
        data = instance.place.read_at(0, instance.offset)
        found = DataSet(data, instance.shared.syntax, instance.offset)
        return list(_slices(instance, form, found))
    except Damaged:
        return []


def first_slice_of(instance: Instance, form: PixelForm) -> Instance | None:
    """Give the first frame as a slice; None where the object has no functional groups.

    Tiles of a slide may have shared groups alone (PS3.3 C.8.12.4.1).
    """
    shared = instance.shared
    if not (shared.has(tags.PER_FRAME_GROUPS) or shared.has(tags.SHARED_GROUPS)):
        return None
    try:
        data = instance.place.read_at(0, instance.offset)
        found = DataSet(data, shared.syntax, instance.offset)
        if shared.has(tags.PER_FRAME_GROUPS):
            return next(_slices(instance, form, found), None)
        values = _common(found, found.top((tags.SHARED_GROUPS,)))
        return instance._replace(shared=_Sharing(shared)(values))
    except Damaged:
        return None


def _slices(instance: Instance, form: PixelForm, data: DataSet) -> Iterator[Instance]:
    top = data.top((tags.SHARED_GROUPS, tags.PER_FRAME_GROUPS, _DIMENSION_INDEX))
    common = _common(data, top)
    spatial = _spatial_dimensions(data, top.get(_DIMENSION_INDEX))
    per_frame = top.get(tags.PER_FRAME_GROUPS)
    if per_frame is None:
        return
    own, shared_of = list(instance.own), _Sharing(instance.shared)
    at = [(tag, tags.OWN_AT[tag]) for tag in _OWN]
    count = min(form.frames, MAX_FRAMES)
    collect = data.collector(_WANTED, _GROUPS)
    for number, item in enumerate(data.items(per_frame)):
        if number >= count:
            return
        values = common | collect(item)
        _translate(values)
        mine = list(own)
        for tag, place in at:
            if tag in values:
                mine[place] = values[tag]
        _put_times(mine, values)
        part = Part(
            instance,
            number,
            stack=values.get(_STACK_ID, b"").strip(b" \0").decode("ascii", "replace"),
            indices=_indices(values.get(_INDEX_VALUES, b""), spatial),
            segment=int.from_bytes(values.get(_SEGMENT_NUMBER, b"")[:2], "little"),
        )
        yield instance._replace(shared=shared_of(values), own=tuple(mine), part=part)


def _common(data: DataSet, top: dict[int, Element]) -> Values:
    """Read the shared groups; an object without them has all in those of the frames."""
    sequence = top.get(tags.SHARED_GROUPS)
    item = None if sequence is None else data.first_item(sequence)
    return {} if item is None else data.collect(item, _WANTED, _GROUPS)


def _spatial_dimensions(data: DataSet, sequence: Element | None) -> tuple[bool, ...]:
    """Tell of each dimension whether it says where a slice lies."""
    if sequence is None:
        return ()
    kinds = []
    for item in data.items(sequence):
        pointer = data.collect(item, (_INDEX_POINTER,), ()).get(_INDEX_POINTER, b"")
        parts = struct.unpack("<HH", pointer) if len(pointer) == 4 else (0, 0)
        kinds.append(parts[0] << 16 | parts[1] in _PLACES)
    return tuple(kinds)


def _indices(raw: bytes, spatial: Sequence[bool]) -> tuple[int, ...]:
    """Give the dimension index values that tell slices of one place apart."""
    values = struct.unpack(f"<{len(raw) // 4}L", raw[: len(raw) // 4 * 4])
    if len(values) != len(spatial):
        return ()
    return tuple(value for value, place in zip(values, spatial, strict=True) if not place)


def _translate(values: Values) -> None:
    """Give attributes of enhanced objects the names and forms that they have in classic ones."""
    for enhanced, classic, form in _TRANSLATIONS:
        raw = values.get(enhanced)
        if raw:
            values[classic] = _as_text(raw, form)
    if tags.POSITION in values or tags.ORIENTATION in values:
        values.pop(tags.VOLUME_ORIENTATION, None)
    elif _VOLUME_POSITION in values and tags.VOLUME_ORIENTATION in values:
        # Of ultrasound: where a frame lies to the probe, which nobody can turn into the body.
        values[tags.POSITION] = _as_text(values[_VOLUME_POSITION], "3d")
        values[tags.ORIENTATION] = _as_text(values[tags.VOLUME_ORIENTATION], "6d")


_TRANSLATIONS = (
    (_EFFECTIVE_ECHO_TIME, tags.ECHO_TIME, "d"),
    (_TRIGGER_DELAY, tags.TRIGGER_TIME, "d"),
    (_TEMPORAL_INDEX, tags.TEMPORAL_POSITION, "L"),
    (_TIME_OFFSET, tags.TEMPORAL_POSITION, "d"),
)


@lru_cache(maxsize=4096)
def _as_text(raw: bytes, form: str) -> bytes:
    size = struct.calcsize("<" + form)
    if len(raw) < size:
        return b""
    return "\\".join(f"{one:.10g}" for one in struct.unpack_from("<" + form, raw)).encode()


def _put_times(own: list[bytes], values: Values) -> None:
    """Take date and time of acquisition, and its number, from the frame where it has them."""
    moment = values.get(_ACQUISITION_DATETIME, b"").strip(b" \0")
    if len(moment) >= 14:
        own[_DATE_AT], own[_TIME_AT] = moment[:8], moment[8:].partition(b"+")[0]
    number = values.get(_FRAME_ACQUISITION_NUMBER, b"")
    if len(number) == 2:
        own[_ACQUISITION_AT] = str(int.from_bytes(number, "little")).encode()


_DATE_AT = tags.OWN_AT[tags.ACQUISITION_DATE]
_TIME_AT = tags.OWN_AT[tags.ACQUISITION_TIME]
_ACQUISITION_AT = tags.OWN_AT[tags.ACQUISITION_NUMBER]


class _Sharing:
    """Give frames that agree one `Attributes` object, as files of one series have."""

    def __init__(self, base: Attributes) -> None:
        self._base = base
        self._known: dict[tuple[bytes | None, ...], Attributes] = {}

    def __call__(self, values: Values) -> Attributes:
        key = tuple(map(values.get, (*_SHARED, _FRAME_TYPE)))
        known = self._known.get(key)
        if known is None:
            raw = dict(self._base.raw)
            raw |= {tag: values[tag] for tag in _SHARED if tag in values}
            if _FRAME_TYPE in values:
                raw[tags.IMAGE_TYPE] = values[_FRAME_TYPE]
            known = self._known[key] = Attributes(self._base.syntax, raw)
        return known
