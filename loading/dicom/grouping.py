"""Split the instances of a series into stacks that can be volumes. Pure functions, no files.

The order in which instances come makes no difference to any result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import numpy as np

from loading.dicom import geometry, tags
from loading.dicom.forms import PixelForm
from loading.dicom.geometry import FloatArray, Frame, IntArray
from loading.dicom.header import Attributes, Instance
from loading.dicom.kinds import is_dose

_T = TypeVar("_T")
SPACING_RELATIVE = 1e-4


Item = tuple[Instance, PixelForm]


@dataclass(slots=True, eq=False)
class Stack:
    """Parallel slices of one size, one to a place, sorted along the normal.

    Attributes
    ----------
    frame : Frame or None
        None when the slices carry no usable position: then the order is that of the numbers.
    spacing : tuple of float or None
        Between rows, between columns, mm; None when not given.
    positions : array, shape (n, 3), mm, or None
    dropped : list of (Instance, Instance)
        (left out, kept) where two instances claim one place.
    later : list of list of Item
        The same slices at further points of a fourth axis, in the same order.
    axis, labels : str, tuple of str
        What the fourth axis counts, and the name of each point.
    name : str
        What sets the volume apart from others of its series.
    """

    instances: list[Instance]
    form: PixelForm
    frame: Frame | None
    spacing: tuple[float, float] | None
    positions: FloatArray | None = None
    dropped: list[tuple[Instance, Instance]] = field(default_factory=list)
    orientations: int = 1
    later: list[list[Item]] = field(default_factory=list)
    axis: str = ""
    labels: tuple[str, ...] = ()
    name: str = ""


def sort_key(instance: Instance) -> tuple[float, str, str, tuple[int, int]]:
    """Order instances of one place: lower number first; then by UID and name, for certainty."""
    return (
        instance.instance_number,
        instance.own_text(tags.SOP_INSTANCE),
        instance.place.name,
        instance.within,
    )


def series_key(instance: Instance) -> tuple[str, ...]:
    """Name the series; files without a series UID belong together by folder.

    Each file of a dose is one by itself: others in its series are those of other plans or beams.
    """
    shared = instance.shared
    uid = shared.text(tags.SERIES_UID)
    if not uid:
        name = instance.place.name.replace("\\", "/")
        uid = "folder " + name.rpartition("/")[0]
    if instance.part is not None and is_dose(shared):
        return (shared.text(tags.STUDY_UID), uid, shared.modality, instance.place.name)
    return (shared.text(tags.STUDY_UID), uid, shared.modality)


def spacing_of(shared: Attributes) -> tuple[float, float] | None:
    """Give the distance between rows and between columns, mm; None when not usable."""
    values = shared.numbers(tags.PIXEL_SPACING)
    if len(values) != 2 or not all(1e-6 <= value <= 1e4 for value in values):
        return None
    return values[0], values[1]


@lru_cache(maxsize=1024)
def _frame_of(raw: bytes) -> Frame | None:
    shared = Attributes("", {tags.ORIENTATION: raw})
    return geometry.frame_of(shared.numbers(tags.ORIENTATION))


def frame_of(shared: Attributes) -> Frame | None:
    """Give the directions of the slices, None when not usable."""
    raw = shared.raw.get(tags.ORIENTATION)
    return _frame_of(raw) if raw else None


def usable_position(instance: Instance) -> bool:
    """Tell whether the position is three numbers within a kilometre."""
    position = instance.position
    if position is None:
        return False
    x, y, z = position
    far = geometry.MAX_POSITION_MM
    return -far <= x <= far and -far <= y <= far and -far <= z <= far


def by_key(
    items: Iterable[Item], key: Callable[[Instance], Hashable]
) -> dict[Hashable, list[Item]]:
    """Collect items under a key of their instance."""
    groups: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item[0])].append(item)
    return groups


def by_series(items: Iterable[Item]) -> dict[Hashable, list[Item]]:
    """Collect items by series; what files share is asked once."""
    groups: dict[Hashable, list[Item]] = defaultdict(list)
    names: dict[int, Hashable] = {}
    for item in items:
        instance = item[0]
        shared = instance.shared
        name = names.get(id(shared))
        if name is None or instance.part is not None:
            name = series_key(instance)
            if shared.text(tags.SERIES_UID):  # else it is the folder's name
                names[id(shared)] = name
        groups[name].append(item)
    return groups


def by_form(items: Sequence[Item]) -> list[list[Item]]:
    """Split one series by size, samples, frame of reference, orientation and pixel spacing."""
    groups: dict[Hashable, list[Item]] = defaultdict(list)
    # To compare two forms, field by field, costs more than all the rest.
    distinct = {(id(item[0].shared), id(item[1])): item for item in items}
    names: dict[tuple[int, int], Hashable] = {}
    frames: list[Frame] = []
    spacings: list[tuple[float, float]] = []
    # In an order of their own, so that which value stands for its class never depends on that of
    # the files.
    for key, (instance, form) in sorted(distinct.items(), key=_canonical):
        shared = instance.shared
        names[key] = (
            form.rows,
            form.columns,
            form.samples,
            form.photometric,
            form.real,
            shared.text(tags.FRAME_OF_REFERENCE),
            _nearest(frames, frame_of(shared), geometry.same_direction),
            _nearest(spacings, spacing_of(shared), _same_spacing),
        )
    for item in items:
        groups[names[id(item[0].shared), id(item[1])]].append(item)
    return [groups[name] for name in sorted(groups, key=repr)]


def names_of(groups: Sequence[Sequence[Item]]) -> list[str]:
    """Name for people what tells the groups of one series apart: direction, size, spacing ...

    Frames of reference have no names of their own and are counted.
    """
    facts = []
    references: dict[str, int] = {}
    for group in groups:
        instance, form = group[0]
        frame, spacing = frame_of(instance.shared), spacing_of(instance.shared)
        uid = instance.shared.text(tags.FRAME_OF_REFERENCE)
        reference = references.setdefault(uid, len(references) + 1)
        facts.append(
            (
                geometry.plane_name(frame) if frame else "",
                f"{form.columns} x {form.rows}",
                f"{spacing[1]:.4g} x {spacing[0]:.4g} mm" if spacing else "",
                f"frame of reference {reference}",
                form.photometric.lower(),
                "real numbers" if form.real else "whole numbers",
            )
        )
    telling = [len({fact[at] for fact in facts}) > 1 for at in range(6)]
    return [
        ", ".join(word for word, tells in zip(fact, telling, strict=True) if tells and word)
        for fact in facts
    ]


def _canonical(entry: tuple[tuple[int, int], Item]) -> tuple[bytes, bytes]:
    raw = entry[1][0].shared.raw
    return raw.get(tags.ORIENTATION, b""), raw.get(tags.PIXEL_SPACING, b"")


def _nearest(known: list[_T], value: _T | None, same: Callable[[_T, _T], bool]) -> int:
    """Give the class of a value among values that are the same within a tolerance; -1: none."""
    if value is None:
        return -1
    for number, other in enumerate(known):
        if same(other, value):
            return number
    known.append(value)
    return len(known) - 1


def _same_spacing(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(abs(x - y) <= SPACING_RELATIVE * max(x, y) for x, y in zip(a, b, strict=True))


def image_type(instance: Instance) -> Hashable:
    """Give the image type as a key."""
    return instance.shared.words(tags.IMAGE_TYPE)


def sort_along(items: Sequence[Item], frame: Frame) -> tuple[list[Item], FloatArray, FloatArray]:
    """Sort by position along the normal and nothing else; give items, positions, distances.

    Slices at one place come in the order of `sort_key`, never in that of the files.
    """
    positions = np.array([item[0].position for item in items], dtype=np.float64)
    distances = geometry.along(positions, frame.normal)
    order = np.argsort(distances, kind="stable")
    if len(items) > 1 and np.diff(distances[order]).min() <= 0.0:
        # Only where distances are equal can the order of the input matter.
        items = sorted(items, key=lambda item: sort_key(item[0]))
        positions = np.array([item[0].position for item in items], dtype=np.float64)
        distances = geometry.along(positions, frame.normal)
        order = np.argsort(distances, kind="stable")
    return [items[at] for at in order.tolist()], positions[order], distances[order]


def places_of(distances: FloatArray) -> IntArray:
    """Give each of sorted distances the number of its place; equal numbers are one place."""
    limit = geometry.same_place_mm(distances)
    numbers: IntArray = np.concatenate([[0], np.cumsum(np.diff(distances) > limit)])
    return numbers


def without_repeats(
    items: Sequence[Item], frame: Frame
) -> tuple[list[Item], FloatArray, list[tuple[Instance, Instance]]]:
    """Sort along the normal and keep, of several at one place, the lowest instance number.

    Of equal numbers the one with the lowest SOP Instance UID stays, so that the order of the
    files never decides.
    """
    items, positions, distances = sort_along(items, frame)
    places = places_of(distances)
    if int(places[-1]) + 1 == len(items):
        return items, positions, []
    keep: dict[int, int] = {}
    for at, place in enumerate(places.tolist()):
        best = keep.get(place)
        if best is None or sort_key(items[at][0]) < sort_key(items[best][0]):
            keep[place] = at
    kept = list(keep.values())
    dropped = [
        (item[0], items[keep[place]][0])
        for at, (item, place) in enumerate(zip(items, places.tolist(), strict=True))
        if keep[place] != at
    ]
    return [items[at] for at in kept], positions[kept], dropped
