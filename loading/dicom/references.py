"""What an object belongs to: the series and instances that it refers to.

Reports, presentation states, structure sets, segmentations, doses and documents name what they
were made of in sequences of their own; what stands there is the same two UIDs everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from loading.dicom import tags
from loading.dicom.elements import Damaged, DataSet, Element
from loading.dicom.header import Attributes, Instance
from loading.dicom.text import decode_raw, label_of
from loading.errors import LoadError

_REFERENCED_INSTANCE = 0x00081155
_TITLES = (
    0x00420010,  # Document Title
    0x30060002,  # Structure Set Label
    0x300A0002,  # RT Plan Label
    0x00700080,  # Content Label
)
_NAME, _MEANING = 0x0040A043, 0x00080104
_TOP = frozenset(
    {
        0x00081115,  # Referenced Series
        0x0008114A,  # Referenced Instance
        0x00081140,  # Referenced Image
        0x00081199,  # Referenced SOP
        0x0040A375,  # Current Requested Procedure Evidence
        0x0040A385,  # Pertinent Other Evidence
        0x00420013,  # Source Instance
        0x30060010,  # Referenced Frame of Reference
        0x300C0002,  # Referenced RT Plan
        0x300C0060,  # Referenced Structure Set
        0x00700308,  # Registration
        0x00409096,  # Real World Value Mapping
    }
)
_INNER = _TOP | {
    0x0008114A,
    0x30060012,  # RT Referenced Study
    0x30060014,  # RT Referenced Series
    0x30060016,  # Contour Image
}
_HEAD = 4 << 20
_MOST = 20_000


class References(NamedTuple):
    """The UIDs of series and instances that an object names."""

    series: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()


class About(NamedTuple):
    """What an object without pixels says of itself, for people."""

    title: str
    date: str
    references: References


def references_of(instance: Instance) -> References:
    """Read what an object refers to; nothing where it does not say."""
    return _references(_open(instance))


def about(instance: Instance) -> About:
    """Read title, date and references of an object."""
    try:
        data = _open(instance)
    except LoadError:  # its kind and date are known all the same
        return About(label_of(instance.shared), date_of(instance), References())
    return About(_title(instance.shared, data), date_of(instance), _references(data))


def date_of(instance: Instance) -> str:
    """Write the day and time of the content, else of the series or study: 2024-02-29 13:45."""
    shared = instance.shared
    for day, time in (
        (instance.own_text(tags.CONTENT_DATE), instance.own_text(tags.CONTENT_TIME)),
        (shared.text(tags.SERIES_DATE), shared.text(tags.SERIES_TIME)),
        (shared.text(tags.STUDY_DATE), shared.text(tags.STUDY_TIME)),
    ):
        day = day.replace(".", "")
        if len(day) == 8 and day.isdigit():
            clock = time.replace(":", "")[:4]
            at = f" {clock[:2]}:{clock[2:]}" if len(clock) == 4 and clock.isdigit() else ""
            return f"{day[:4]}-{day[4:6]}-{day[6:]}{at}"
    return ""


def _open(instance: Instance) -> DataSet:
    end = min(instance.offset or instance.place.size, _HEAD)
    return DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)


def _title(shared: Attributes, data: DataSet) -> str:
    """Give the title that an object has, else the name of its content, else of its series."""
    try:
        found = data.top((*_TITLES, _NAME))
        for tag in _TITLES:
            if tag in found and (text := decode_raw(shared, data.value(found[tag]))):
                return text
        item = data.first_item(found[_NAME]) if _NAME in found else None
        if item is not None:
            raw = data.collect(item, (_MEANING,), ()).get(_MEANING, b"")
            if text := decode_raw(shared, raw):
                return text
    except Damaged:
        pass
    return label_of(shared)


def _references(data: DataSet) -> References:
    series: dict[str, None] = {}
    instances: dict[str, None] = {}
    try:
        for element in data.top(_TOP).values():
            for tag, raw in _values_below(data, element, 0):
                uid = raw.strip(b" \0").decode("ascii", "replace")
                (series if tag == tags.SERIES_UID else instances)[uid] = None
                if len(series) + len(instances) > _MOST:
                    break
    except Damaged:  # what was found before is true
        pass
    return References(tuple(series), tuple(instances))


def _values_below(data: DataSet, sequence: Element, depth: int) -> Iterator[tuple[int, bytes]]:
    if depth > _DEEPEST:
        return
    for item in data.items(sequence):
        for element in data.elements(item):
            if element.tag in (tags.SERIES_UID, _REFERENCED_INSTANCE):
                yield element.tag, data.value(element)
            elif element.tag in _INNER:
                yield from _values_below(data, element, depth + 1)


_DEEPEST = 6


def words_of(found: References, series: dict[str, str], instances: dict[str, str]) -> str:
    """Name what an object belongs to, as far as it is here.

    Parameters
    ----------
    series, instances : dict of str to str
        Name for people by Series and SOP Instance UID.
    """
    names = [series[uid] for uid in found.series if uid in series]
    names += [instances[uid] for uid in found.instances if uid in instances]
    distinct: Sequence[str] = list(dict.fromkeys(names))
    if distinct:
        return ", ".join(distinct[:3]) + (", ..." if len(distinct) > 3 else "")
    return "a series that is not here" if found.series or found.instances else ""
