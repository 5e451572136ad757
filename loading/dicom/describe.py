"""From header records to a catalogue: volumes, images, and what was passed over and why."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from loading.catalogue import ImageEntry, Skipped, VolumeEntry
from loading.dicom import geometry, grouping, splitting, tags, text
from loading.dicom.colour import as_stored, refusal
from loading.dicom.forms import PixelForm, Refused, form_of, shortage
from loading.dicom.gridded import planes_of
from loading.dicom.grouping import Item, Stack
from loading.dicom.header import Attributes, Instance
from loading.dicom.images import describe_image
from loading.dicom.kinds import (
    MEDIA_DIRECTORY,
    class_of,
    is_localizer,
    is_segmentation,
    is_slide,
    kind_of,
    needs_no_pixels,
    stacks_without_position,
)
from loading.dicom.mosaic import is_mosaic, tiles_of
from loading.dicom.multiframe import is_multiframe, slices_of
from loading.dicom.references import about, words_of
from loading.dicom.segments import segments_of, volumes_of
from loading.dicom.splitting import Series
from loading.dicom.volumes import MakeSource, entry_of
from loading.errors import unexpected
from loading.notices import Notice
from loading.sources.base import CancelToken
from loading.sources.dicom_files import DicomSource

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Found:
    """What a set of instances turned out to be; lists grow while it is sorted out."""

    source: MakeSource = DicomSource
    volumes: list[VolumeEntry] = field(default_factory=list)
    images: list[ImageEntry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)

    masks: list[VolumeEntry] = field(default_factory=list)
    """Segments, which are listed behind the volumes that they are parts of."""
    objects: list[Instance] = field(default_factory=list)
    """Those without pixels, which are listed last, when it is known what they belong to."""

    _names: dict[str, str] = field(default_factory=dict)
    _told: set[Skipped] = field(default_factory=set)
    _listed: set[str] = field(default_factory=set)

    def skip(self, instance: Instance, reason: str) -> None:
        """Pass a file over; many frames of one file for one reason are told once."""
        told = Skipped(instance.place.name, reason)
        if told not in self._told:
            self._told.add(told)
            self.skipped.append(told)

    def copy_of(self, instance: Instance) -> str:
        """Give the name of an object of the same UID that was asked about before, if any."""
        uid, name = instance.own_text(tags.SOP_INSTANCE), instance.place.name
        known = self._names.setdefault(uid, name) if uid else name
        return "" if known == name else known

    def is_first(self, instance: Instance) -> bool:
        """Tell, once, that a file has not been listed as an image before."""
        name = instance.place.name
        is_new = name not in self._listed
        self._listed.add(name)
        return is_new


def sort_out(
    instances: Sequence[Instance],
    cancel: CancelToken | None = None,
    source: MakeSource = DicomSource,
) -> Found:
    """Sort instances into volumes, images and skipped files; their order makes no difference.

    `source` makes what reads the frames of a volume.
    """
    found = Found(source)
    slices: list[Item] = []
    forms: _Forms = {}
    for instance in instances:
        try:
            slices += _slices_in(found, instance, forms)
        except Exception as error:  # whatever it is, the other files are still there
            _log.exception("a file cannot be described")
            found.skip(instance, unexpected(error).what)
    series = grouping.by_series(slices)
    for name in sorted(series, key=repr):
        if cancel is not None:
            cancel.check()
        _add_series_apart(found, series[name])
    found.volumes += found.masks
    if found.objects:
        _add_objects(found, instances)
    return found


def _add_objects(found: Found, instances: Sequence[Instance]) -> None:
    """List what has no pixels, with what it belongs to of all that was found."""
    series, of_instance = {}, {}
    for one in instances:
        label = text.label_of(one.shared)
        series[one.shared.text(tags.SERIES_UID)] = label
        of_instance[one.own_text(tags.SOP_INSTANCE)] = label
    for one in found.objects:
        told = about(one)
        found.images.append(
            ImageEntry(
                one.place.name,
                kind_of(one.shared),
                0,
                title=told.title,
                date=told.date,
                belongs_to=words_of(told.references, series, of_instance),
            )
        )


_Forms = dict[tuple[int, int], tuple[PixelForm | Refused, bool, bool]]
"""Of files that share their attributes: what the pixels are, whether that is one slice, or a mosaic
of many."""


def _slices_in(found: Found, instance: Instance, forms: _Forms) -> list[Item]:
    """Give the slices that a file holds; what is no slice is listed at once."""
    key = (id(instance.shared), instance.pixel_tag)
    known = forms.get(key)
    if known is None:
        form = _form(instance)
        is_slice = isinstance(form, PixelForm) and _is_slice(instance.shared, form)
        known = forms[key] = (form, is_slice, is_slice and is_mosaic(instance.shared))
    form, is_slice, is_tiled = known
    if isinstance(form, PixelForm):
        if is_tiled and not form.is_colour:
            return _unpack(instance, form)
        if is_slice and not is_tiled:  # a mosaic in colour is shown as the picture that it is
            return [(instance, form)]
        if is_segmentation(instance.shared):
            return _add_segments(found, instance, form)
        planes = planes_of(instance, form)
        if planes:
            return [(plane, form) for plane in planes]
        if is_multiframe(instance.shared) and _is_stackable(instance.shared, form):
            return _take_apart(found, instance, form)
    _add_other(found, instance, form)
    return []


def _add_segments(found: Found, instance: Instance, form: PixelForm) -> list[Item]:
    """List the segments of an object as volumes, else its frames as an image."""
    other = found.copy_of(instance)
    if other:
        found.skip(instance, f"the same object as {other}")
        return []
    volumes, left = volumes_of(instance, form, found.source)
    found.masks += volumes
    for reason in left:
        found.skip(instance, reason)
    if not volumes:
        before = len(found.images)
        _add_other(found, instance, form)
        names = [one.label for one in segments_of(instance).values() if one.label]
        title = ", ".join(names[:4])
        title += f" and {len(names) - 4} more segments" if len(names) > 4 else ""
        found.images[before:] = [replace(one, title=title) for one in found.images[before:]]
    return []


def _form(instance: Instance) -> PixelForm | Refused:
    if not instance.pixel_tag:
        return Refused("")
    try:
        return as_stored(instance, form_of(instance.shared, instance.pixel_tag))
    except Refused as refused:
        return refused


def _is_slice(shared: Attributes, form: PixelForm) -> bool:
    """Tell whether a file can be a slice of a volume: one frame that is no localizer."""
    return (
        form.frames == 1 and not shared.has(tags.PER_FRAME_GROUPS) and _is_stackable(shared, form)
    )


def _is_stackable(shared: Attributes, form: PixelForm) -> bool:
    """Tell whether pictures may be slices: those in colour only where they say how they lie."""
    if is_localizer(shared) or form.allocated < 8:
        return False
    if form.is_colour:
        may_lie = shared.has(tags.ORIENTATION) or shared.has(tags.PER_FRAME_GROUPS)
        return may_lie and not is_slide(shared) and not refusal(form)
    return form.samples == 1 and form.photometric in ("MONOCHROME1", "MONOCHROME2")


def _take_apart(found: Found, instance: Instance, form: PixelForm) -> list[Item]:
    """Give the frames of an object as slices; list it as an image where they have no places."""
    slices = slices_of(instance, form)
    if not any(grouping.usable_position(part) and not shortage(part, form) for part in slices):
        _add_other(found, instance, form)
        return []
    if len(slices) < form.frames:
        lost = form.frames - len(slices)
        found.skip(instance, f"{lost} of its {form.frames} frames say nothing of their place")
    return [(part, form) for part in slices]


def _unpack(instance: Instance, form: PixelForm) -> list[Item]:
    """Give the tiles of a mosaic as slices; the picture itself where nobody says how they lie."""
    tiles, form_of_tile = ([], form) if shortage(instance, form) else tiles_of(instance, form)
    return [(tile, form_of_tile) for tile in tiles] or [(instance, form)]


def _add_other(found: Found, instance: Instance, form: PixelForm | Refused) -> None:
    """List a file that is no slice: as an image, or with the reason why it is passed over."""
    shared = instance.shared
    if isinstance(form, PixelForm):
        _add_image(found, instance, form)
    elif str(form):
        found.skip(instance, str(form))
    elif class_of(shared) == MEDIA_DIRECTORY:
        found.skip(instance, "the directory of a medium; the files themselves were read")
    elif needs_no_pixels(shared):
        found.objects.append(instance)
    else:
        found.skip(instance, f"{kind_of(shared)} without pixels")


def _without_copies(items: list[Item]) -> tuple[list[Item], list[tuple[Item, Item]]]:
    """Find copies of one SOP instance: the one that is whole stays, else the first by name.

    Gives what stays, and pairs (copy, what stays of it).
    """
    kept: dict[str, Item] = {}
    copies: list[tuple[str, Item]] = []
    for number, item in enumerate(sorted(items, key=lambda item: item[0].place.name)):
        uid = item[0].own_text(tags.SOP_INSTANCE) or f"none {number}"
        if item[0].part is not None:
            uid += f" {item[0].within}"
        other = kept.setdefault(uid, item)
        if other is item:
            continue
        if _is_better(item, other):
            kept[uid], item = item, other
        copies.append((uid, item))
    return list(kept.values()), [(item, kept[uid]) for uid, item in copies]


def _is_better(item: Item, other: Item) -> bool:
    """Tell whether an instance is whole where its copy is not."""
    return bool(shortage(*other)) and not shortage(*item)


def _add_series_apart(found: Found, items: list[Item]) -> None:
    part = Found(found.source)
    try:
        _add_series(part, items)
    except Exception as error:  # whatever it is, the other series are still there
        _log.exception("a series cannot be described")
        for instance, _ in items:
            found.skip(instance, unexpected(error).what)
        return
    found.volumes += part.volumes
    found.images += part.images
    found.skipped += part.skipped
    found.warnings += part.warnings


def _add_series(found: Found, items: list[Item]) -> None:
    groups = grouping.by_form(items)
    frames = {id(group): grouping.frame_of(group[0][0].shared) for group in groups}
    orientations: list[geometry.Frame] = []
    for group in groups:
        frame = frames[id(group)]
        if frame and not any(geometry.same_direction(frame, known) for known in orientations):
            orientations.append(frame)
    for group, name in zip(groups, grouping.names_of(groups), strict=True):
        _add_group(found, group, max(1, len(orientations)), name)


def _add_group(found: Found, items: list[Item], orientations: int, name: str) -> None:
    """Make volumes of slices of one form, or images where they are no stack."""
    items, copies = _without_copies(items)
    if all(shortage(*item) for item in items):
        # Nothing of them could be shown, and what they claim is held against no bytes.
        for item in [*items, *(copy for copy, _ in copies)]:
            _add_image(found, *item)
        return
    frame = grouping.frame_of(items[0][0].shared)
    placed = [item for item in items if grouping.usable_position(item[0])]
    if frame is None or not placed:
        stacked = _add_unplaced(found, items, name)
    else:
        stacked = set()
        if len(placed) < len(items):
            _skip_unplaced(found, items)
        for series in splitting.split(placed, frame):
            series.name = ", ".join(part for part in (name, series.name) if part)
            stacked |= _add_stack(found, series, frame, orientations)
    for copy, kept in copies:
        if id(kept[0]) in stacked:
            found.skip(copy[0], f"the same slice as {kept[0].place.name}")
        else:
            _add_image(found, *copy)


def _skip_unplaced(found: Found, items: list[Item]) -> None:
    for item in items:
        if not grouping.usable_position(item[0]):
            found.skip(item[0], "its position is not usable, while other slices have one")


def _add_stack(found: Found, series: Series, frame: geometry.Frame, orientations: int) -> set[int]:
    """Add the volumes of slices with positions; give the ids of the instances in them."""
    items, *later = series.points
    kept, positions, dropped = grouping.without_repeats(items, frame)
    if len(kept) < 2:
        for item in items:
            _add_image(found, *item)
        return set()
    points = [grouping.sort_along(point, frame)[0] for point in later]
    stacked: set[int] = set()
    distances = geometry.along(positions, frame.normal)
    cuts = geometry.split_far_apart(distances)
    for number, cut in enumerate(cuts, 1):
        parts = [kept[cut], *(point[cut] for point in points)]
        if len(parts[0]) < 2:
            for part in parts:
                _add_image(found, *part[0])
            continue
        first = parts[0]
        names = {id(item[0]) for item in first}
        stack = Stack(
            instances=[item[0] for item in first],
            form=first[0][1],
            frame=frame,
            spacing=grouping.spacing_of(first[0][0].shared),
            positions=positions[cut],
            dropped=[pair for pair in dropped if id(pair[1]) in names],
            orientations=orientations,
            later=parts[1:],
            axis=series.axis,
            labels=tuple(series.labels),
            name=_part_name(series.name, number if len(cuts) > 1 else 0),
        )
        found.volumes.append(entry_of(stack, [item[1] for item in first], found.source))
        stacked |= {id(item[0]) for part in parts for item in part}
    for left, kept_one in dropped:
        found.skip(left, f"at the same place as {kept_one.place.name}")
    return stacked


def _part_name(name: str, part: int) -> str:
    """Name a part of slices that lie far from the others, counted from 1; 0 where all are one."""
    return ", ".join(word for word in (name, f"part {part}" if part else "") if word)


def _add_unplaced(found: Found, items: list[Item], name: str) -> set[int]:
    """Stack slices without geometry by instance number, where their class is one of stacks."""
    if len(items) < 2 or not stacks_without_position(items[0][0].shared):
        for item in items:
            _add_image(found, *item)
        return set()
    items = sorted(items, key=lambda item: grouping.sort_key(item[0]))
    stack = Stack(
        instances=[item[0] for item in items],
        form=items[0][1],
        frame=None,
        spacing=grouping.spacing_of(items[0][0].shared),
        name=name,
    )
    found.volumes.append(entry_of(stack, [item[1] for item in items], found.source))
    return {id(item[0]) for item in items}


def _add_image(found: Found, instance: Instance, form: PixelForm) -> None:
    """List a file with pixels that is no volume, or say why it cannot be shown."""
    if instance.part is not None:
        # What is left of an object of many frames is shown as the object, once.
        instance = instance.part.whole
        whole = _form(instance)
        if not found.is_first(instance) or not isinstance(whole, PixelForm):
            return
        form = whole
    described = describe_image(instance, form, found.source)
    if isinstance(described, str):
        found.skip(instance, described)
        return
    found.images.append(described)
    if described.spec is not None:
        found.warnings += [told for told in described.spec.warnings if told.code != "lossy"]
