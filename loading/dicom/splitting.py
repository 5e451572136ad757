"""Tell apart the slices that lie at one place: kinds become volumes, points a fourth axis.

A series may hold several stacks, several kinds of image of one place (magnitude and phase), and
the same place at several times, echoes or diffusion weights. Keys are tried in the order of
trust; what no key tells apart is told apart by instance number where every place is there equally
often. Pure functions; the order of the files makes no difference.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from loading.dicom import geometry, grouping, tags
from loading.dicom.geometry import Frame, IntArray
from loading.dicom.grouping import Item, by_key, places_of, sort_along, sort_key
from loading.dicom.header import Instance, numbers

Key = Callable[[Instance], Hashable]


class Telling(NamedTuple):
    """An attribute that tells slices of one place apart: axis it makes, key, label of a value."""

    axis: str
    key: Key
    label: Callable[[Hashable], str]


@dataclass(slots=True, eq=False)
class Series:
    """Slices that belong to one volume, or to one volume at several points.

    Attributes
    ----------
    points : list of list of Item
        One for each point of the fourth axis, in its order; one where there is no such axis.
    axis : str
        What the fourth axis counts: "time", "echo time", "diffusion"; empty without one.
    labels : list of str
        Name of each point.
    name : str
        What sets this volume apart from others of its series, for people.
    """

    points: list[list[Item]]
    axis: str = ""
    labels: list[str] = field(default_factory=list)
    name: str = ""


def _numeric(raw: bytes) -> Hashable:
    """Give numbers where a text holds them, so that 5.1 and 5.10 are one; else the text."""
    values = numbers(raw)
    return raw.strip(b" \0") if any(map(math.isnan, values)) else values


def _own(tag: int) -> Key:
    at = tags.OWN_AT[tag]
    return lambda instance: _numeric(instance.own[at])


def _moment(date: int, time: int) -> Key:
    return lambda instance: (_own(date)(instance), _own(time)(instance))


def b_value(instance: Instance) -> Hashable:
    """Give the diffusion weight in s/mm2: the standard's, else the vendor's; empty without one."""
    raw = instance.own_raw(tags.B_VALUE)
    if len(raw) >= 8:
        return struct.unpack_from("<d", raw)
    shared = instance.shared
    raw = instance.own_raw(tags.PHILIPS_B_VALUE)
    if len(raw) == 4 and shared.text(tags.PHILIPS_BLOCK) == "Philips Imaging DD 001":
        return struct.unpack("<f", raw)
    values = instance.own_numbers(tags.SIEMENS_B_VALUE)
    if values and shared.text(tags.SIEMENS_BLOCK) == "SIEMENS MR HEADER":
        return values[:1]
    values = instance.own_numbers(tags.GE_B_VALUE)
    if values and math.isfinite(values[0]) and shared.text(tags.GE_BLOCK) == "GEMS_PARM_01":
        return (values[0] % _GE_FLAG,)
    return ()


_GE_FLAG = 1e9
"""GE adds this to the weights of some sequences."""


def _gradient(instance: Instance) -> Hashable:
    for tag in (tags.GRADIENT, tags.SIEMENS_GRADIENT):
        raw = instance.own_raw(tag)
        if len(raw) == 24:
            return tuple(round(part, 6) for part in struct.unpack("<3d", raw))
    return ()


def _indices(instance: Instance) -> Hashable:
    return () if instance.part is None else instance.part.indices


def _object(instance: Instance) -> Hashable:
    whole = instance.file
    return () if instance.part is None else sort_key(whole)[:3]


def _plain(value: Hashable) -> str:
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    if isinstance(value, tuple):
        return " ".join(_plain(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _with_unit(unit: str) -> Callable[[Hashable], str]:
    return lambda value: f"{_plain(value)} {unit}" if value not in ((), b"") else ""


def _clock(value: Hashable) -> str:
    """Write a time of day, given as (date, time) in DICOM's digits."""
    seconds = value[1] if isinstance(value, tuple) and len(value) == 2 else ()
    if not isinstance(seconds, tuple) or not seconds:
        return _plain(value)
    digits = f"{seconds[0]:013.6f}".rstrip("0").rstrip(".")
    return f"{digits[:2]}:{digits[2:4]}:{digits[4:]}"


TIME = "time"

SURE: tuple[Telling, ...] = (
    Telling(TIME, _own(tags.TEMPORAL_POSITION), _plain),
    Telling("echo time", _own(tags.ECHO_TIME), _with_unit("ms")),
    Telling("echo time", _own(tags.ECHO_NUMBER), _plain),
    Telling("diffusion", b_value, _with_unit("s/mm\u00b2")),
    Telling("diffusion", _gradient, _plain),
    Telling(TIME, _indices, _plain),
)
"""Made to tell slices of one place apart; a point may lack places."""

LIKELY: tuple[Telling, ...] = (
    Telling(TIME, _own(tags.TRIGGER_TIME), _with_unit("ms")),
    Telling(TIME, _own(tags.FRAME_REFERENCE_TIME), _with_unit("ms")),
    Telling(TIME, _moment(tags.ACQUISITION_DATE, tags.ACQUISITION_TIME), _clock),
    Telling(TIME, _own(tags.ACQUISITION_NUMBER), _plain),
    Telling(TIME, _moment(tags.CONTENT_DATE, tags.CONTENT_TIME), _clock),
    Telling(TIME, _object, lambda _: ""),
)
"""May differ from slice to slice as well: count only where each point has every place."""


def split(items: Sequence[Item], frame: Frame) -> list[Series]:
    """Split parallel slices of one form into volumes, and these into points."""
    found = []
    for stack, of_stack in _by_stack(items):
        if _most_at_one_place(of_stack, frame) == 1:
            found.append(Series([of_stack], name=stack))
            continue
        for kind, of_kind in _by_kind(of_stack, frame):
            series = _by_point(of_kind, frame)
            name = ", ".join(part for part in (stack, kind) if part)
            found += [Series(s.points, s.axis, s.labels, _joined(name, s.name)) for s in series]
    return found


def _joined(*names: str) -> str:
    return ", ".join(name for name in names if name)


def _by_stack(items: Sequence[Item]) -> list[tuple[str, list[Item]]]:
    """Split by Stack ID or kind, unless a "stack" is one slice: then the number means nothing."""
    stacks = by_key(items, _stack_name)
    if len(stacks) < 2 or min(map(len, stacks.values())) < 2:
        return [("", list(items))]
    return [
        (str(name), stacks[name]) for name in sorted(stacks, key=lambda n: (len(str(n)), str(n)))
    ]


def _stack_name(instance: Instance) -> str:
    part = instance.part
    if part is None:
        return ""
    return _joined(f"stack {part.stack}" if part.stack else "", part.kind)


def _by_kind(items: Sequence[Item], frame: Frame) -> list[tuple[str, list[Item]]]:
    """Split by image type where that leaves fewer slices at one place."""
    repeats = _most_at_one_place(items, frame)
    kinds = by_key(items, grouping.image_type)
    if len(kinds) < 2 or min(map(len, kinds.values())) < 2:
        return [("", list(items))]
    if max(_most_at_one_place(part, frame) for part in kinds.values()) >= repeats:
        return [("", list(items))]
    types = [[str(word) for word in kind] for kind in kinds if isinstance(kind, tuple)]
    common = set(types[0]).intersection(*types)
    return [
        (" ".join(w for w in kind if w not in common) if isinstance(kind, tuple) else "", part)
        for kind, part in sorted(kinds.items(), key=lambda entry: str(entry[0]))
    ]


def _most_at_one_place(items: Sequence[Item], frame: Frame) -> int:
    _, _, distances = sort_along(items, frame)
    return int(np.bincount(places_of(distances)).max())


def _by_point(items: Sequence[Item], frame: Frame) -> list[Series]:
    """Split where places repeat: by sure keys together, by one key alone, by rank."""
    in_order, _, distances = sort_along(items, frame)
    places = places_of(distances)
    distinct = int(places[-1]) + 1
    if distinct == len(items) or distinct < 2:
        return [Series([list(items)])]
    chosen = _telling_together(items)
    for tellings, least in (
        (chosen, 2),
        *(((one,), 2) for one in SURE),
        *(((*chosen, one), distinct) for one in LIKELY),
        *(((one,), distinct) for one in LIKELY),
    ):
        series = _split_by(items, frame, tellings, least)
        if series is not None:
            return series
    ranked = _by_rank(in_order, places, chosen)
    if ranked is None:
        ranked = _unfinished(items, frame, chosen, distinct) or _by_number(in_order, places, frame)
    return ranked or [Series([list(items)])]


def _unfinished(
    items: Sequence[Item], frame: Frame, chosen: Sequence[Telling], distinct: int
) -> list[Series] | None:
    """Split what was broken off: some points of a sure key, or one of another, lack places."""
    sure = ((tuple(chosen)), *((one,) for one in SURE))
    likely = (*((*chosen, one) for one in LIKELY), *((one,) for one in LIKELY))
    ways: tuple[tuple[tuple[tuple[Telling, ...], ...], int, Callable[[int], int]], ...] = (
        (sure, 2, lambda parts: parts // 2),
        (sure, distinct, lambda parts: parts - 1),
        (likely, distinct, lambda parts: int(parts > 2)),
    )
    for keys, least, short in ways:
        for tellings in keys:
            series = _split_by(items, frame, tellings, least, short=short)
            if series is not None:
                return series
    return None


def _by_number(in_order: Sequence[Item], places: IntArray, frame: Frame) -> list[Series] | None:
    """Split where the numbers of instances run through all places time after time.

    The last time may be broken off. None where the numbers do not show that no slice is missing
    before that: all that come later would be of another time.
    """
    if not _is_gap_free(in_order):
        return None
    distinct = int(places[-1]) + 1
    placed = sorted(
        zip(places.tolist(), in_order, strict=True), key=lambda pair: sort_key(pair[1][0])
    )
    rounds = [placed[at : at + distinct] for at in range(0, len(placed), distinct)]
    if len(rounds) < 3 or any(len({place for place, _ in one}) < len(one) for one in rounds):
        return None
    parts = [[item for _, item in one] for one in rounds]
    return _on_one_grid(parts, TIME, [""] * len(parts), frame)


def _is_gap_free(items: Sequence[Item]) -> bool:
    """Tell whether instance numbers, or the frames of objects, begin where they must, all there."""
    frames: dict[tuple[float, str], list[int]] = {}
    for instance, _ in items:
        of_file = (instance.instance_number, instance.place.name)
        frames.setdefault(of_file, []).append(instance.frame)
    if any(sorted(one) != list(range(len(one))) for one in frames.values()):
        return False
    files = sorted(number for number, _ in frames)
    if len(files) == 1 and len(items) > 1:
        return True
    return files[0] in (0, 1) and all(n == files[0] + at for at, n in enumerate(files))


def _telling_together(items: Sequence[Item]) -> tuple[Telling, ...]:
    """Choose the sure keys that each tell something apart that those before did not."""
    chosen: list[Telling] = []
    count = 1
    for one in SURE:
        parts = len({_value(item[0], (*chosen, one)) for item in items})
        if parts > count:
            chosen.append(one)
            count = parts
    return tuple(chosen)


def _value(instance: Instance, tellings: Sequence[Telling]) -> tuple[Hashable, ...]:
    return tuple(one.key(instance) for one in tellings)


def _split_by(
    items: Sequence[Item],
    frame: Frame,
    tellings: Sequence[Telling],
    least: int,
    *,
    short: Callable[[int], int] = lambda parts: 0,
) -> list[Series] | None:
    """Split by keys together; None where that does not leave every place once.

    Each part must have `least` slices, but for as many as `short` allows of so many parts.
    """
    parts = by_key(items, lambda instance: _value(instance, tellings))
    if len(parts) < 2 or sum(len(one) < least for one in parts.values()) > short(len(parts)):
        return None
    if not all(_is_single(part, frame) for part in parts.values()):
        return None
    names = sorted(parts, key=_order)
    labels = [
        _joined(*(one.label(v) for one, v in zip(tellings, _as_tuple(name), strict=True)))
        for name in names
    ]
    axes = list(dict.fromkeys(one.axis for one in tellings))
    return _on_one_grid([parts[name] for name in names], ", ".join(axes), labels, frame)


def _as_tuple(value: Hashable) -> tuple[Hashable, ...]:
    return value if isinstance(value, tuple) else (value,)


def _order(value: Hashable) -> tuple[object, ...]:
    """Sort numbers as numbers, texts as texts, and either before the other without an error."""
    if isinstance(value, tuple):
        return (2, *(_order(part) for part in value))
    if isinstance(value, bool | int | float):
        return (0, float(value))
    return (1, value.decode("latin-1") if isinstance(value, bytes) else str(value))


def _is_single(items: Sequence[Item], frame: Frame) -> bool:
    """Tell whether no two of the items lie at one place."""
    if len(items) == 1:
        return True
    _, _, distances = sort_along(items, frame)
    gaps = np.diff(distances)
    return bool(len(gaps) and gaps.min() > geometry.same_place_mm(distances))


def _by_rank(
    in_order: Sequence[Item], places: IntArray, chosen: Sequence[Telling]
) -> list[Series] | None:
    """Put the first slice of each place into one point, the second into the next, and so on.

    What the sure keys tell comes first, then the instance number. None where places are not all
    there equally often, or the numbers show that slices are missing and times would be mixed.
    """
    distinct = int(places[-1]) + 1
    times = len(in_order) // distinct
    if not (np.bincount(places) == times).all():
        return None
    ranked = sorted(
        zip(places.tolist(), in_order, strict=True),
        key=lambda p: (p[0], _order(_value(p[1][0], chosen)), sort_key(p[1][0])),
    )
    points = [[item for _, item in ranked[first::times]] for first in range(times)]
    if not _is_gap_free(in_order) and not _is_regular(points):
        return None
    return [Series(points, TIME, [""] * times)]


def _is_regular(points: Sequence[Sequence[Item]]) -> bool:
    """Tell whether each point counts on from place to place like the first, and in their order.

    Else some of its slices may be of the next point. Where nothing is numbered, nothing is known.
    """
    counted = np.array([[(one.instance_number, one.frame) for one, _ in part] for part in points])
    if np.isinf(counted).all(axis=(0, 1))[0]:
        return True
    if np.isinf(counted).any():
        return False
    steps = np.diff(counted, axis=1)
    rises, falls = (steps >= 0).all(axis=(0, 1)), (steps <= 0).all(axis=(0, 1))
    return bool((steps == steps[0]).all() and (rises | falls).all())


def _on_one_grid(
    parts: list[list[Item]], axis: str, labels: list[str], frame: Frame
) -> list[Series]:
    """Join the points that have the same places; others are volumes of their own."""
    placed = [sort_along(part, frame)[1] for part in parts]
    sizes = [len(positions) for positions in placed]
    usual = max({size for size in sizes if size > 1}, key=lambda size: (sizes.count(size), size))
    lead = placed[sizes.index(usual)]
    limit = geometry.same_place_mm(geometry.along(lead, frame.normal))
    same = [
        len(positions) == usual and float(np.abs(positions - lead).max()) <= limit
        for positions in placed
    ]
    numbers_of = [number for number, is_same in enumerate(same) if is_same]
    series = [
        Series([parts[n] for n in numbers_of], axis, [labels[n] for n in numbers_of])
        if len(numbers_of) > 1
        else Series([parts[numbers_of[0]]], name=_name_of(axis, labels, numbers_of[0]))
    ]
    for number, part in enumerate(parts):
        if not same[number]:
            series.append(Series([part], name=_name_of(axis, labels, number)))
    return series


def _name_of(axis: str, labels: Sequence[str], number: int) -> str:
    return f"{axis} {labels[number] or number + 1}"
