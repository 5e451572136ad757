"""From header records to a catalogue: volumes, images, and what was passed over and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from loading.catalogue import ImageEntry, Skipped, VolumeEntry
from loading.dicom import geometry, grouping, syntaxes, tags, text
from loading.dicom.forms import PixelForm, Refused, form_of, shortage
from loading.dicom.grouping import Item, Stack
from loading.dicom.header import Attributes, Instance
from loading.dicom.kinds import (
    MEDIA_DIRECTORY,
    is_localizer,
    kind_of,
    stacks_without_position,
)
from loading.dicom.pixels import FrameIndex, FramePixels
from loading.dicom.values import is_lossy, values_of, windows_of
from loading.dicom.volumes import entry_of, key_of
from loading.errors import LoadError
from loading.notices import Notice, notice
from loading.sources.base import CancelToken
from loading.sources.dicom_files import DicomSource
from loading.spec import Level, VolumeSpec


@dataclass(slots=True, eq=False)
class Found:
    """What a set of instances turned out to be; lists grow while it is sorted out."""

    volumes: list[VolumeEntry] = field(default_factory=list)
    images: list[ImageEntry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)

    def skip(self, instance: Instance, reason: str) -> None:
        """Pass a file over."""
        self.skipped.append(Skipped(instance.place.name, reason))


def sort_out(instances: Sequence[Instance], cancel: CancelToken | None = None) -> Found:
    """Sort instances into volumes, images and skipped files; their order makes no difference."""
    found = Found()
    slices: list[Item] = []
    forms: dict[tuple[int, int], PixelForm | Refused] = {}
    for instance in instances:
        key = (id(instance.shared), instance.pixel_tag)
        form = forms.get(key)
        if form is None:
            form = forms[key] = _form(instance)
        if isinstance(form, PixelForm) and _is_slice(instance.shared, form):
            slices.append((instance, form))
        else:
            _add_other(found, instance, form)
    slices = _without_copies(found, slices)
    series = grouping.by_key(slices, grouping.series_key)
    for name in sorted(series, key=repr):
        if cancel is not None:
            cancel.check()
        _add_series(found, series[name])
    return found


def _form(instance: Instance) -> PixelForm | Refused:
    if not instance.pixel_tag:
        return Refused("")
    try:
        return form_of(instance.shared, instance.pixel_tag)
    except Refused as refused:
        return refused


def _is_slice(shared: Attributes, form: PixelForm) -> bool:
    """Tell whether a file can be a slice of a volume: one grey frame that is no localizer."""
    return (
        form.frames == 1
        and form.samples == 1
        and form.allocated >= 8
        and not shared.has(tags.PER_FRAME_GROUPS)
        and form.photometric in ("MONOCHROME1", "MONOCHROME2")
        and not is_localizer(shared)
    )


def _add_other(found: Found, instance: Instance, form: PixelForm | Refused) -> None:
    """List a file that is no slice: as an image, or with the reason why it is passed over."""
    shared = instance.shared
    if isinstance(form, PixelForm):
        _add_image(found, instance, form)
    elif str(form):
        found.skip(instance, str(form))
    elif shared.text(tags.SOP_CLASS) == MEDIA_DIRECTORY:
        found.skip(instance, "the directory of a medium; the files themselves were read")
    elif not shared.has(tags.SOP_CLASS) and not shared.has(tags.MODALITY):
        found.skip(instance, "a DICOM file without pixels that does not say what it is")
    else:
        found.images.append(ImageEntry(instance.place.name, kind_of(shared), 0))


def _without_copies(found: Found, slices: list[Item]) -> list[Item]:
    """Drop copies of one SOP instance: the one that is whole stays, of several the first by name."""
    by_uid: dict[str, Item] = {}
    kept: list[Item] = []
    for item in sorted(slices, key=lambda item: item[0].place.name):
        uid = item[0].own_text(tags.SOP_INSTANCE)
        other = by_uid.get(uid)
        if not uid or other is None:
            by_uid[uid] = item
            kept.append(item)
            continue
        if _is_better(item, other):
            kept[kept.index(other)] = by_uid[uid] = item
            item, other = other, item
        found.skip(item[0], f"the same instance as {other[0].place.name}")
    return kept


def _is_better(item: Item, other: Item) -> bool:
    """Tell whether an instance is whole where its copy is not."""
    return bool(shortage(*other)) and not shortage(*item)


def _add_series(found: Found, items: list[Item]) -> None:
    groups = grouping.by_form(items)
    frames = {id(group): grouping.frame_of(group[0][0].shared) for group in groups}
    orientations: list[geometry.Frame] = []
    for group in groups:
        frame = frames[id(group)]
        if frame and not any(geometry.same_direction(frame, known) for known in orientations):
            orientations.append(frame)
    for group in groups:
        _add_group(found, group, max(1, len(orientations)))


def _add_group(found: Found, items: list[Item], orientations: int) -> None:
    """Make volumes of slices of one form, or images where they are no stack."""
    shared = items[0][0].shared
    frame = grouping.frame_of(shared)
    placed = [item for item in items if grouping.usable_position(item[0])]
    if frame is None or not placed:
        _add_unplaced(found, items)
        return
    if len(placed) < len(items):
        for item in items:
            if not grouping.usable_position(item[0]):
                found.skip(item[0], "its position is not usable, while other slices have one")
    for part in grouping.split_repeats(placed, frame):
        _add_stack(found, part, frame, orientations)


def _add_stack(found: Found, items: list[Item], frame: geometry.Frame, orientations: int) -> None:
    kept, positions, dropped = grouping.without_repeats(items, frame)
    if len(kept) < 2:
        for item in items:
            _add_image(found, *item)
        return
    distances = geometry.along(positions, frame.normal)
    for cut in geometry.split_far_apart(distances):
        part = kept[cut]
        if len(part) < 2:
            _add_image(found, *part[0])
            continue
        names = {id(item[0]) for item in part}
        stack = Stack(
            instances=[item[0] for item in part],
            form=part[0][1],
            frame=frame,
            spacing=grouping.spacing_of(part[0][0].shared),
            positions=positions[cut],
            dropped=[pair for pair in dropped if id(pair[1]) in names],
            orientations=orientations,
        )
        found.volumes.append(entry_of(stack, [item[1] for item in part]))
    for left, kept_one in dropped:
        found.skip(left, f"at the same place as {kept_one.place.name}")


def _add_unplaced(found: Found, items: list[Item]) -> None:
    """Stack slices without geometry by instance number, where their class is one of stacks."""
    if len(items) < 2 or not stacks_without_position(items[0][0].shared):
        for item in items:
            _add_image(found, *item)
        return
    items = sorted(items, key=lambda item: grouping.sort_key(item[0]))
    stack = Stack(
        instances=[item[0] for item in items],
        form=items[0][1],
        frame=None,
        spacing=grouping.spacing_of(items[0][0].shared),
    )
    found.volumes.append(entry_of(stack, [item[1] for item in items]))


def _add_image(found: Found, instance: Instance, form: PixelForm) -> None:
    """List a file with pixels that is no volume; grey ones can be opened, frame by frame."""
    reason = shortage(instance, form)
    if reason:
        found.skip(instance, reason)
        return
    kind = kind_of(instance.shared)
    name = instance.place.name
    if form.samples != 1 or form.photometric not in ("MONOCHROME1", "MONOCHROME2"):
        found.images.append(ImageEntry(name, f"{kind}, colour", form.frames))
        return
    spec, frames = _image_spec(found, instance, form)
    source = DicomSource(spec, frames)
    try:
        source.check(0)
    except LoadError as error:
        found.skip(instance, error.what)
        return
    found.images.append(
        ImageEntry(name, kind, form.frames, spec, partial(DicomSource, spec, frames))
    )


def _image_spec(
    found: Found, instance: Instance, form: PixelForm
) -> tuple[VolumeSpec, list[FramePixels | None]]:
    shared = instance.shared
    values, notices = values_of([instance], [form])
    windows, more = windows_of(instance)
    spacing = grouping.spacing_of(shared)
    if shared.has(tags.PIXEL_SPACING) and spacing is None:
        more.append(notice("no_spacing"))
    if is_lossy(shared):
        notices.append(notice("lossy"))
    found.warnings += [told for told in [*notices, *more] if told.code != "lossy"]
    frame = grouping.frame_of(shared) or geometry.frame_of((1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    position = instance.position if grouping.usable_position(instance) else None
    first = np.array(position or (0.0, 0.0, 0.0))
    affine = np.eye(4)
    if frame is not None:
        affine = geometry.affine_of(frame, spacing or (1.0, 1.0), first, frame.normal)
    shape = (form.frames, form.rows, form.columns)
    spec = VolumeSpec(
        key=key_of([instance]),
        label=text.label_of(shared),
        modality=shared.modality,
        unit=values.unit,
        levels=(Level(shape, affine, (1, form.rows, form.columns)),),
        dtype=values.dtype,
        value_map=values.value_map,
        stored_range=values.stored_range,
        empty_value=values.empty_value,
        inverted=form.photometric == "MONOCHROME1",
        padding=values.padding,
        windows=windows,
        warnings=tuple(dict.fromkeys([*notices, *more])),
        path=instance.place.name,
        files=1,
        transfer_syntaxes=(shared.syntax,),
        series_uid=shared.text(tags.SERIES_UID),
        study_uid=shared.text(tags.STUDY_UID),
        frame_of_reference_uid=shared.text(tags.FRAME_OF_REFERENCE),
        header=text.HeaderTexts(shared),
    )
    index = FrameIndex(instance, form) if syntaxes.is_encapsulated(shared.syntax) else None
    value_map = values.maps[0] if values.maps else None
    return spec, [
        FramePixels(instance, form, number, index, value_map) for number in range(form.frames)
    ]
