"""QIDO-RS (PS3.18 10.6): find studies, series and instances by any attribute that they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from loading.publish.indexes import (
    INSTANCE_TAGS,
    INSTANCE_UID,
    SERIES_TAGS,
    SERIES_UID,
    STUDY_TAGS,
    STUDY_UID,
    pick,
    value_of,
)
from loading.serve.messages import Ask, Reply, json_reply
from loading.serve.query import Key, Search, matches, read_query
from loading.serve.store import Object, Store

_RETRIEVE = "00081190"
_ALL_LEVELS = ("00080005", "00080056", "00080201")
_STUDY = frozenset(STUDY_TAGS)
_SERIES = frozenset((*SERIES_TAGS, STUDY_UID))


def find_studies(store: Store, ask: Ask) -> Reply:
    """Search studies; a key of a series or instance holds where one of them has it."""
    search = read_query(ask.query)

    def fits(entry: Object) -> bool:
        study = str(value_of(entry, STUDY_UID))
        return _holds(entry, search, _STUDY, lambda: store.below(study), store.series, study)

    found = sorted(filter(fits, store.studies()), key=_newest_first)
    return _answer(ask, search, [(one, STUDY_TAGS, _study_url(one)) for one in found])


def find_series(store: Store, ask: Ask, study: str = "") -> Reply:
    """Search series, of one study or of all."""
    search = read_query(ask.query)
    studies = [study] if study else [str(value_of(one, STUDY_UID)) for one in store.studies()]
    tags = SERIES_TAGS if study else (*STUDY_TAGS, *SERIES_TAGS)
    found = []
    for uid in studies:
        for entry in store.series(uid):
            series = str(value_of(entry, SERIES_UID))
            below = _below(store, uid, series)
            if _holds(entry, search, _STUDY | _SERIES, below):
                found.append((entry, (*tags, STUDY_UID), f"{_study_url(entry)}/series/{series}"))
    return _answer(ask, search, found)


def find_instances(store: Store, ask: Ask, study: str = "", series: str = "") -> Reply:
    """Search instances, of one series, of one study or of all."""
    search = read_query(ask.query)
    above = () if series else SERIES_TAGS if study else (*STUDY_TAGS, *SERIES_TAGS)
    tags = (*INSTANCE_TAGS, *above, STUDY_UID, SERIES_UID)
    source = store.below(study, series) if study else store.everything()
    found = []
    for of_study, of_series, entry in source:
        if all(matches(entry, key, search.fuzzy) for key in search.keys):
            uid = value_of(entry, INSTANCE_UID)
            url = f"studies/{of_study}/series/{of_series}/instances/{uid}"
            found.append((entry, tags, url))
    return _answer(ask, search, found)


def _below(
    store: Store, study: str, series: str
) -> Callable[[], Iterator[tuple[str, str, Object]]]:
    return lambda: store.below(study, series)


def _holds(
    entry: Object,
    search: Search,
    own: frozenset[str],
    below: Callable[[], Iterable[tuple[str, str, Object]]],
    series: Callable[[str], Sequence[Object]] | None = None,
    study: str = "",
) -> bool:
    """Match the keys of this level here, those of lower levels where they are."""
    lower: list[Key] = []
    for key in search.keys:
        if key.path[0] in own or key.path[0] in entry:
            if not matches(entry, key, search.fuzzy):
                return False
        elif not key.is_universal:
            lower.append(key)
    if lower and series is not None and all(key.path[0] in _SERIES for key in lower):
        return _some_has_all(series(study), lower, search.fuzzy)
    return not lower or _some_has_all((one for _, _, one in below()), lower, search.fuzzy)


def _some_has_all(entries: Iterable[Object], keys: Sequence[Key], fuzzy: bool) -> bool:
    return any(all(matches(one, key, fuzzy) for key in keys) for one in entries)


def _newest_first(entry: Object) -> tuple[int, str]:
    day = str(value_of(entry, "00080020") or "")
    return -int(day) if day.isdecimal() else 0, str(value_of(entry, STUDY_UID))


def _study_url(entry: Object) -> str:
    return f"studies/{value_of(entry, STUDY_UID)}"


def _answer(ask: Ask, search: Search, found: Sequence[tuple[Object, Sequence[str], str]]) -> Reply:
    page = found[search.offset : search.offset + search.limit]
    left = len(found) - search.offset - len(page)
    results = [_result(ask, search, *one) for one in page]
    if left > 0:
        told = f'299 {ask.base} "There are {left} additional results that can be requested"'
        return json_reply(results, Warning=told)
    return json_reply(results)


def _result(
    ask: Ask, search: Search, entry: Object, tags: Sequence[str], url: str
) -> dict[str, Any]:
    wanted = {*tags, *_ALL_LEVELS, *search.include}
    told = entry if "all" in search.include else pick(entry, wanted)
    told = {tag: element for tag, element in told.items() if "BulkDataURI" not in element}
    told["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
    told[_RETRIEVE] = {"vr": "UR", "Value": [f"{ask.base}/{url}"]}
    return dict(sorted(told.items()))
