"""Files with pixels that are no volume: single slices, localizers, loops, colour pictures.

Grey ones can be opened frame by frame through the same source as volumes; what the header says
is held against the file first, so that a damaged file is listed with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import overload

import numpy as np

from loading.catalogue import ImageEntry
from loading.dicom import geometry, grouping, tags
from loading.dicom.forms import PixelForm, shortage
from loading.dicom.header import Instance
from loading.dicom.kinds import kind_of
from loading.dicom.multiframe import slices_of
from loading.dicom.pixels import FrameIndex, FramePixels, coding_of
from loading.dicom.values import Mapping, ignored_numbers, is_lossy, values_of, windows_of
from loading.dicom.volumes import common_spec
from loading.errors import LoadError
from loading.notices import Notice, notice
from loading.sources.dicom_files import DicomSource
from loading.spec import Level

_PALETTE = "PALETTE COLOR"
_NUMBERS = ("MONOCHROME1", "MONOCHROME2", _PALETTE)


def describe_image(instance: Instance, form: PixelForm) -> ImageEntry | str:
    """Describe a file with pixels, or give the reason why it cannot be shown."""
    reason = shortage(instance, form)
    if reason:
        return reason
    kind = kind_of(instance.shared)
    name = instance.place.name
    if form.samples != 1 or form.photometric not in _NUMBERS:
        return ImageEntry(name, f"{kind}, colour", form.frames)
    frames = slices_of(instance, form) if instance.shared.has(tags.PER_FRAME_GROUPS) else []
    lead = frames[0] if frames else instance
    slices = frames if len(frames) == form.frames else [lead]
    values, notices = values_of(slices, [form] * len(slices))
    windows, more = windows_of(lead)
    if form.photometric == _PALETTE:
        kind += ", palette"
        notices.append(notice("palette_as_numbers"))
    spec = common_spec(
        [instance],
        form,
        values,
        windows,
        [*_notices(lead), *notices, *more],
        levels=(_level_of(lead, form),),
    )
    readers = FileFrames(instance, form, values.maps)
    try:
        readers[0].check()
    except LoadError as error:
        return error.what
    return ImageEntry(name, kind, form.frames, spec, partial(DicomSource, spec, readers))


class FileFrames(Sequence[FramePixels]):
    """The frames of one file; each reader is made when it is asked for.

    A file may claim as many frames as it has bits. `maps` are one for each frame, or one for all.
    """

    def __init__(self, instance: Instance, form: PixelForm, maps: Sequence[Mapping] | None) -> None:
        self._instance = instance
        self._coding = coding_of(instance.shared, form)
        self._index = FrameIndex(instance, form.frames) if self._coding.is_encapsulated else None
        self._maps = maps

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
        value_map = None
        if self._maps:
            value_map = self._maps[number if len(self._maps) > 1 else 0]
        return FramePixels(self._instance, self._coding, number, self._index, value_map)


def _notices(instance: Instance) -> list[Notice]:
    shared = instance.shared
    told = ignored_numbers(shared)
    if grouping.spacing_of(shared) is None:
        told.append(notice("no_spacing"))
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
        grouping.spacing_of(shared) or (1.0, 1.0),
        np.array(position or (0.0, 0.0, 0.0)),
        frame.normal,
    )
    shape = (form.frames, form.rows, form.columns)
    return Level(shape, affine, (1, form.rows, form.columns))
