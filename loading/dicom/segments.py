"""Segmentations (PS3.3 C.8.20): the mask of each segment, or one volume of labels.

Segments may overlap, so that each one of a binary or fractional object is a volume of its own; an
object of labels is one volume as it is stored. All segments of one orientation lie on one grid.
Frames without content are usually left out: a plane without a frame is empty, not missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loading.catalogue import VolumeEntry
from loading.dicom import geometry, grouping, tags, text
from loading.dicom.elements import Damaged, DataSet
from loading.dicom.elements import Values as Raw
from loading.dicom.forms import PixelForm
from loading.dicom.geometry import Grid
from loading.dicom.grouping import Item, Stack
from loading.dicom.header import Attributes, Instance
from loading.dicom.multiframe import slices_of
from loading.dicom.pixels import FramePixels, coding_of
from loading.dicom.planes import readers_of
from loading.dicom.references import references_of
from loading.dicom.text import decode_raw
from loading.dicom.values import Values
from loading.dicom.volumes import MakeSource, common_spec, geometry_notices, level_of, origins_of
from loading.sources.base import CancelToken
from loading.spec import Segment, ValueMap, Window

_SEQUENCE, _ORGANIZATION = 0x00620002, 0x00209311
_NUMBER, _LABEL, _COLOUR, _TYPE = 0x00620004, 0x00620005, 0x0062000D, 0x0062000F
_MEANING = 0x00080104
_LABEL_MAP = "LABELMAP"


def volumes_of(
    instance: Instance, form: PixelForm, source: MakeSource
) -> tuple[list[VolumeEntry], list[str]]:
    """Describe the volumes of a segmentation.

    Returns
    -------
    list of VolumeEntry
        Empty where its frames have no places in the body, or no two of them; then it can be shown
        frame by frame.
    list of str
        What is left out, and why.
    """
    names = segments_of(instance)
    form = replace(form, photometric="MONOCHROME2")
    frames = slices_of(instance, form)
    placed = [(frame, form) for frame in frames if grouping.usable_position(frame)]
    groups = grouping.by_form(placed)
    if not groups or len(placed) < form.frames or not all(map(_is_stack, groups)):
        return [], []
    whole = _Object(instance, names, references_of(instance).series, source)
    found: list[VolumeEntry] = []
    left: list[str] = []
    for group, name in zip(groups, grouping.names_of(groups), strict=True):
        found += _of_group(whole, group, name, left)
    seen = {frame.part.segment for frame in frames if frame.part}
    if not whole.is_label_map:
        left += [
            f"segment {one.number} ({one.label}) has no frames"
            for number, one in names.items()
            if number not in seen
        ]
    return found, left


def labels_of(
    instance: Instance, count: int, frames: Sequence[Instance], names: dict[int, Segment]
) -> tuple[str, ...]:
    """Name the segment that each of `count` frames shows; nothing where that is not said.

    Frames say it themselves, or are all tiles of one segment after those of another (C.7.6.17.3).
    """
    numbers = [0 if one.part is None else one.part.segment for one in frames]
    is_map = instance.shared.text(tags.SEGMENTATION_TYPE) == _LABEL_MAP
    if not frames and names and not is_map and _is_tiled_full(instance):
        each, rest = divmod(count, len(names))
        numbers = [] if rest else [number for number in names for _ in range(each)]
    if len(numbers) != count or not all(numbers):
        return ()
    return tuple(
        names[number].label if number in names else f"segment {number}" for number in numbers
    )


def _is_tiled_full(instance: Instance) -> bool:
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
    try:
        found = data.top((_ORGANIZATION,)).get(_ORGANIZATION)
        return found is not None and data.value(found).strip(b" \0") == b"TILED_FULL"
    except Damaged:
        return False


class _Object(NamedTuple):
    """One segmentation, and what makes the sources of its volumes."""

    instance: Instance
    names: dict[int, Segment]
    refers_to: tuple[str, ...]
    source: MakeSource

    @property
    def is_label_map(self) -> bool:
        """Tell whether the pixels are numbers of segments."""
        return self.instance.shared.text(tags.SEGMENTATION_TYPE) == _LABEL_MAP

    def segments(self, number: int) -> tuple[Segment, ...]:
        """Give what a volume shows: one segment, or all."""
        if self.is_label_map:
            return tuple(self.names.values())
        return (self.names.get(number, Segment(number, f"segment {number}")),)


def segments_of(instance: Instance) -> dict[int, Segment]:
    """Read numbers, names and colours of the segments."""
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
    found: dict[int, Segment] = {}
    try:
        sequence = data.top((_SEQUENCE,)).get(_SEQUENCE)
        for item in data.items(sequence) if sequence is not None else ():
            raw = data.collect(item, (_NUMBER, _LABEL, _COLOUR), ())
            raw |= data.collect(item, (_MEANING,), (_TYPE,))
            one = _segment(instance.shared, raw)
            found.setdefault(one.number, one)
    except Damaged:  # their masks are still there
        pass
    return found


def _segment(shared: Attributes, raw: Raw) -> Segment:
    lab = np.frombuffer(raw.get(_COLOUR, b"")[:6], "<u2")
    return Segment(
        number=int.from_bytes(raw.get(_NUMBER, b"")[:2], "little"),
        label=decode_raw(shared, raw.get(_LABEL, b"")),
        colour=rgb_of_lab(lab) if len(lab) == 3 else None,
        meaning=decode_raw(shared, raw.get(_MEANING, b"")),
    )


def rgb_of_lab(encoded: npt.NDArray[np.uint16]) -> tuple[int, int, int]:
    """Turn a CIELab colour as DICOM encodes it (PS3.3 C.10.7.1.1) into sRGB.

    The standard means the white D50; dcmqi, PixelMed, highdicom and so the files in use take D65,
    which gives back the colour that their author saw.
    """
    lightness, a, b = np.array(encoded) / 65535.0 * (100.0, 255.0, 255.0) - (0.0, 128.0, 128.0)
    middle = (lightness + 16.0) / 116.0
    f = np.array([middle + a / 500.0, middle, middle - b / 200.0])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _WHITE
    linear = np.clip(_RGB_OF_XYZ @ xyz, 0.0, 1.0)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (int(part) for part in np.rint(rgb * 255.0))
    return red, green, blue


_WHITE = np.array([0.95047, 1.0, 1.08883])
_RGB_OF_XYZ = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
"""From XYZ to linear sRGB, both with the white D65."""


def _is_stack(items: Sequence[Item]) -> bool:
    """Tell whether the frames of a group are whole planes behind each other, two at least."""
    frame = grouping.frame_of(items[0][0].shared)
    if frame is None:
        return False
    _, positions, distances = grouping.sort_along(items, frame)
    places = grouping.places_of(distances)
    if int(places[-1]) == 0:
        return False
    return not any(
        place == after and float(np.linalg.norm(p - q)) > geometry.BESIDE_MM
        for (place, p), (after, q) in pairwise(zip(places.tolist(), positions, strict=True))
    )


def _of_group(
    whole: _Object, group: Sequence[Item], name: str, left: list[str]
) -> list[VolumeEntry]:
    """Describe the volumes of parallel frames; what gives way to another goes into `left`."""
    frame = grouping.frame_of(group[0][0].shared)
    assert frame is not None
    items, positions, distances = grouping.sort_along(group, frame)
    places = grouping.places_of(distances)
    _, firsts = np.unique(places, return_index=True)
    grid = geometry.lay_out_sparse(positions[firsts], frame.normal)
    stack = Stack(
        instances=[items[at][0] for at in firsts.tolist()],
        form=group[0][1],
        frame=frame,
        spacing=grouping.spacing_of(group[0][0].shared),
        positions=positions[firsts],
        name=name,
    )
    of_segment: dict[int, dict[int, Instance]] = {}
    for (one, _), place in zip(items, grid.plane_of[places].tolist(), strict=True):
        number = 0 if one.part is None or whole.is_label_map else one.part.segment
        planes = of_segment.setdefault(number, {})
        best = min(one, planes.get(place, one), key=grouping.sort_key)
        if place in planes:
            left.append(f"two frames of segment {number} are at one place; the first is shown")
        planes[place] = best
    return [
        _entry(whole, stack, grid, of_segment[number], whole.segments(number))
        for number in sorted(of_segment)
    ]


def _entry(
    whole: _Object,
    stack: Stack,
    grid: Grid,
    planes: dict[int, Instance],
    segments: tuple[Segment, ...],
) -> VolumeEntry:
    form, frames = stack.form, list(planes.values())
    values, window = values_of_masks(whole.instance.shared, form, segments)
    label = "labels" if whole.is_label_map else segments[0].label
    told = [one for one in geometry_notices(stack, grid) if one.code != "missing_slices"]
    spec = common_spec(
        frames,
        form,
        values,
        (window,),
        told,
        levels=(level_of(stack, grid),),
        origins=origins_of(stack, grid),
        name=stack.name,
    )
    name = ", ".join(part for part in (label, spec.label) if part)
    spec = replace(
        spec,
        label=name,
        # What stands on the pictures: the series' own words are the same for all segments.
        header=text.HeaderTexts(whole.instance.shared, {"series_description": name}),
        segments=segments,
        refers_to=whole.refers_to,
    )
    readers = readers_of(frames, [form] * len(frames), values)
    blank = BlankPixels(whole.instance, form)
    laid = dict(zip(planes, readers, strict=True))
    source = partial(whole.source, spec, [laid.get(n, blank) for n in range(grid.planes)])
    return VolumeEntry(spec, source)


def values_of_masks(
    shared: Attributes, form: PixelForm, segments: Sequence[Segment]
) -> tuple[Values, Window]:
    """Say what the numbers mean: in or out, a part of one, or the number of a segment."""
    most = float(2**form.stored - 1)
    slope, unit = 1.0, ""
    if shared.text(tags.SEGMENTATION_TYPE) == _LABEL_MAP:
        most = float(max((one.number for one in segments), default=1)) or 1.0
    elif shared.text(tags.SEGMENTATION_TYPE) == "FRACTIONAL":
        most = float(shared.binary(tags.MOST_FRACTION) or most)
        slope, unit = 1.0 / most, shared.text(tags.FRACTIONAL_TYPE).lower()
    top = 2.0**form.stored - 1
    values = Values(form.dtype, ValueMap(slope, 0.0), None, (0.0, top), None, 0.0, unit)
    shown = most * slope
    return values, Window(shown / 2, shown, "", "LINEAR_EXACT")


class BlankPixels(FramePixels):
    """A plane without a frame: nothing is read, all of it is background."""

    __slots__ = ()

    def __init__(self, instance: Instance, form: PixelForm) -> None:
        super().__init__(instance, coding_of(instance.shared, form), 0, None, None)

    @property
    def is_plain(self) -> bool:
        """Tell that there are no bytes."""
        return False

    @property
    def is_stored(self) -> bool:
        """Tell that there is nothing to be fetched."""
        return False

    def has_level(self, level: int) -> bool:
        """Tell that there is nothing coarse."""
        return False

    def read(self, out: npt.NDArray[np.generic], cancel: CancelToken) -> tuple[int, bool]:
        """Fill the plane with background; give no bytes read."""
        out[...] = 0
        return 0, False
