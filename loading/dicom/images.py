"""Files with pixels that are no volume: single slices, localizers, loops, colour pictures.

They are opened frame by frame through the same source as volumes; what the header says is held
against the file first, so that a damaged file is listed with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import overload

import numpy as np

from loading.catalogue import ImageEntry, VolumeEntry
from loading.dicom import geometry, grouping, tags, text
from loading.dicom.colour import (
    ColourPixels,
    PaletteOf,
    contradiction,
    has_profile,
    refusal,
    values_of_colours,
    window_as_stored,
)
from loading.dicom.forms import PALETTE, PixelForm, shortage
from loading.dicom.gridded import kinds_of
from loading.dicom.header import Instance, Part
from loading.dicom.json_headers import JsonHeader
from loading.dicom.kinds import is_segmentation, kind_of
from loading.dicom.loops import frame_times
from loading.dicom.meaning import Meaning, meaning_of
from loading.dicom.multiframe import first_slice_of, slices_of
from loading.dicom.palette import colour_range_of
from loading.dicom.picture_scale import scale_of
from loading.dicom.pixels import FrameIndex, FramePixels, coding_of
from loading.dicom.segments import labels_of, segments_of, values_of_masks
from loading.dicom.values import Mapping, ignored_numbers, is_lossy, values_of
from loading.dicom.volumes import MakeSource, common_spec
from loading.errors import LoadError
from loading.notices import Notice, notice
from loading.sources.dicom_files import DicomSource
from loading.spec import Level, Segment, VolumeSpec

MOST_CLAIMED = 16
"""A file that ends early may claim so many times the bytes it has; more is nonsense."""
_GREY = ("MONOCHROME1", "MONOCHROME2")


def describe_image(
    instance: Instance, form: PixelForm, source: MakeSource = DicomSource
) -> ImageEntry | str:
    """Describe a file with pixels, or give the reason why it cannot be shown."""
    reason = shortage(instance, form)
    if reason and not _has_many(instance, form):
        return reason
    if form.is_colour:
        return _describe_colour(instance, form, source)
    if form.photometric not in _GREY:
        return f"one sample a pixel that is {form.photometric or 'not named'} cannot be read"
    kind = kind_of(instance.shared)
    name = instance.place.name
    frames = slices_of(instance, form) if instance.shared.has(tags.PER_FRAME_GROUPS) else []
    lead = frames[0] if frames else first_slice_of(instance, form) or instance
    slices = frames if len(frames) == form.frames else [lead]
    names = segments_of(instance) if is_segmentation(instance.shared) else {}
    meaning = _meaning(form, slices, lead, names)
    values = meaning.values
    spec = common_spec(
        [instance],
        form,
        values,
        meaning.windows,
        [*_short(instance, form), *_notices(lead), *meaning.told],
        levels=(_level_of(lead, form),),
    )
    spec = _with_points(spec, instance, form)
    spec = replace(
        spec,
        other_units=meaning.other_units,
        header=text.HeaderTexts(instance.shared, meaning.words),
        segments=tuple(names.values()),
        slice_labels=labels_of(instance, form.frames, frames, names),
        frame_ms=frame_times(instance, form.frames),
        colour_range=None if values.maps else colour_range_of(instance),
    )
    readers = FileFrames(instance, form, values.maps)
    try:
        if not isinstance(instance.place, JsonHeader):  # else nothing of it is here yet
            readers[0].check()
    except LoadError as error:
        return error.what
    return ImageEntry(name, kind, form.frames, spec, partial(source, spec, readers))


def _meaning(
    form: PixelForm, slices: Sequence[Instance], lead: Instance, names: dict[int, Segment]
) -> Meaning:
    """Say what numbers mean: of a segmentation masks or labels."""
    if is_segmentation(lead.shared):
        values, window = values_of_masks(lead.shared, form, list(names.values()))
        return Meaning(values, (), (window,), [], None)
    return meaning_of(slices, [form] * len(slices), lead)


def _describe_colour(instance: Instance, form: PixelForm, source: MakeSource) -> ImageEntry | str:
    """Describe a picture in colour; of a palette also the numbers that stand in the file."""
    reason = refusal(form)
    if reason:
        return reason
    values = values_of_colours([form])
    readers = FileFrames(instance, form, None)
    if readers.lacks_palette:
        entry = describe_image(instance, replace(form, photometric="MONOCHROME2"), source)
        return entry if isinstance(entry, str) else _told(entry, notice("palette_as_numbers"))
    try:
        found = None if isinstance(instance.place, JsonHeader) else readers[0].check()
    except LoadError as error:
        return error.what
    lead = first_slice_of(instance, form) or instance
    told = [*_short(instance, form), *_notices(lead)]
    differ = contradiction(form, found)
    if differ is not None:
        told.append(notice("colours_contradicted", said=differ[0], found=differ[1]))
    if has_profile(instance):
        told.append(notice("profile_ignored"))
    level = _level_of(lead, form)
    spec = common_spec([instance], form, values, window_as_stored(values), told, levels=(level,))
    spec = replace(spec, frame_ms=frame_times(instance, form.frames))
    kind = f"{kind_of(instance.shared)}, colour"
    opener = partial(source, spec, readers)
    numbers = _numbers_of(instance, form, spec, source) if form.photometric == PALETTE else None
    return ImageEntry(instance.place.name, kind, form.frames, spec, opener, numbers)


def _numbers_of(
    instance: Instance, form: PixelForm, spec: VolumeSpec, source: MakeSource
) -> VolumeEntry:
    """Describe the numbers that a palette makes colours of."""
    grey = replace(form, photometric="MONOCHROME2")
    values, _ = values_of([instance], [grey])
    plain = replace(
        spec,
        samples=1,
        dtype=values.dtype,
        value_map=values.value_map,
        stored_range=values.stored_range,
        windows=(),
    )
    return VolumeEntry(plain, partial(source, plain, FileFrames(instance, grey, values.maps)))


def _told(entry: ImageEntry, more: Notice) -> ImageEntry:
    """Give an entry with one notice more."""
    assert entry.spec is not None
    assert entry.open is not None
    spec = replace(entry.spec, warnings=(*entry.spec.warnings, more))
    return replace(entry, spec=spec)


class FileFrames(Sequence[FramePixels]):
    """The frames of one file; each reader is made when it is asked for.

    A file may claim as many frames as it has bits. `maps` are one for each frame, or one for all.
    """

    def __init__(self, instance: Instance, form: PixelForm, maps: Sequence[Mapping] | None) -> None:
        self._instance = instance
        self._coding = coding_of(instance.shared, form)
        self._index = FrameIndex(instance, form.frames) if self._coding.is_encapsulated else None
        self._maps = maps
        self._palette = PaletteOf(instance) if form.photometric == PALETTE else None

    @property
    def lacks_palette(self) -> bool:
        """Tell whether there are numbers for colours, and no palette that could be used."""
        return self._palette is not None and not self._palette.is_usable

    def __len__(self) -> int:
        return self._coding.form.frames

    @overload
    def __getitem__(self, number: int) -> FramePixels: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[FramePixels]: ...
    def __getitem__(self, number: int | slice) -> FramePixels | Sequence[FramePixels]:
        if isinstance(number, slice):
            return [self[at] for at in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        instance = frame_of_file(self._instance, self._coding.form, number)
        if self._coding.form.is_colour:
            return ColourPixels(instance, self._coding, number, self._index, self._palette)
        value_map = None
        if self._maps:
            value_map = self._maps[number if len(self._maps) > 1 else 0]
        return FramePixels(instance, self._coding, number, self._index, value_map)


def frame_of_file(instance: Instance, form: PixelForm, number: int) -> Instance:
    """Give one frame of many as an instance of its own, for which its own bytes count."""
    if form.frames == 1:
        return instance
    return instance._replace(part=Part(instance, number))


def _with_points(spec: VolumeSpec, instance: Instance, form: PixelForm) -> VolumeSpec:
    """Make energy windows and detectors of nuclear medicine the points of a fourth axis."""
    labels = kinds_of(instance, form)
    if not labels:
        return spec
    count, rows, columns = form.frames // len(labels), form.rows, form.columns
    level = Level((count, rows, columns), spec.affine_lps, (1, rows, columns))
    return replace(
        spec, levels=(level,), time_points=len(labels), time_axis="view", time_labels=labels
    )


def _has_many(instance: Instance, form: PixelForm) -> bool:
    """Tell whether a file that ends early has whole frames, and a fair part of what it claims."""
    there = instance.place.size - instance.offset
    first_is_whole = form.frames > 1 and not shortage(frame_of_file(instance, form, 0), form)
    return first_is_whole and form.native_bytes <= MOST_CLAIMED * there


def _short(instance: Instance, form: PixelForm) -> list[Notice]:
    """Tell that the last frames of a file are not there."""
    if not shortage(instance, form):
        return []
    name = instance.place.name.replace("\\", "/").rpartition("/")[2]
    return [notice("truncated", count=1, places=name)]


def _notices(instance: Instance) -> list[Notice]:
    shared = instance.shared
    told = [*scale_of(instance)[1], *ignored_numbers(shared)]
    if is_lossy(shared):
        told.append(notice("lossy"))
    return told


def _level_of(instance: Instance, form: PixelForm) -> Level:
    """Place the picture where its header says; frames follow each other a millimetre apart."""
    shared = instance.shared
    frame = grouping.frame_of(shared) or geometry.STANDARD_FRAME
    position = instance.position if grouping.usable_position(instance) else None
    affine = geometry.affine_of(
        frame,
        scale_of(instance)[0],
        np.array(position or (0.0, 0.0, 0.0)),
        frame.normal,
    )
    shape = (form.frames, form.rows, form.columns)
    return Level(shape, affine, (1, form.rows, form.columns))
