"""Matching of searches (PS3.4 C.2.2.2): values, lists of UIDs, wildcards, ranges, sequences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loading.dicom.keywords import tag_and_vr
from loading.serve.messages import Refusal

Object = Mapping[str, Any]

_OPTIONS = ("limit", "offset", "includefield", "fuzzymatching", "accept", "emptyvaluematching")
_RANGES = ("DA", "TM", "DT")
_NUMBERS = ("IS", "DS", "US", "SS", "UL", "SL", "FL", "FD", "UV", "SV")
_HEX = re.compile(r"[0-9A-Fa-f]{8}")
_RANGE = re.compile(r"([^-]*)-((?:\d{4,}.*)?)")
_MAX_VALUE = 1024
MOST = 5000
"""Results of one answer; more are asked for with `offset`."""


@dataclass(frozen=True, slots=True)
class Key:
    """One attribute to match; `path` leads through sequences."""

    path: tuple[str, ...]
    vr: str
    value: str

    @property
    def is_universal(self) -> bool:
        """Tell whether every value matches: the attribute is only to be returned."""
        return not self.value or set(self.value) == {"*"}


@dataclass(frozen=True, slots=True)
class Search:
    """A query, read."""

    keys: tuple[Key, ...]
    include: frozenset[str]
    limit: int
    offset: int
    fuzzy: bool


def read_query(query: Sequence[tuple[str, str]]) -> Search:
    """Read the parameters of a search.

    Raises
    ------
    Refusal
        400 for an attribute that nobody knows or a number that is none.
    """
    keys, include = [], set[str]()
    options = {"limit": "", "offset": "0", "fuzzymatching": "false"}
    for name, value in query:
        lower = name.lower()
        if lower == "includefield":
            include |= {
                "all" if one.strip() == "all" else _path(one.strip())[0][0]
                for one in value.split(",")
                if one.strip()
            }
        elif lower in _OPTIONS:
            options[lower] = value
        else:
            if len(value) > _MAX_VALUE:
                raise Refusal(400, f"The value of {name[:64]} is too long")
            path, vr = _path(name)
            keys.append(Key(path, vr, value.strip()))
            include.add(path[0])
    limit = _count(options["limit"], "limit") if options["limit"] else MOST
    return Search(
        tuple(keys),
        frozenset(include),
        min(limit, MOST),
        _count(options["offset"], "offset"),
        options["fuzzymatching"].lower() == "true",
    )


def _count(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Refusal(400, f"{name} is no number: {text[:40]!r}")
    return int(text)


def _path(name: str) -> tuple[tuple[str, ...], str]:
    """Turn a keyword, a tag or a path of them into tags and the VR of the last."""
    tags, vr = [], "UN"
    for part in name.split("."):
        if _HEX.fullmatch(part):
            found = tag_and_vr(int(part, 16))
            tag, vr = part.upper(), found[1] if found else "UN"
        else:
            found = tag_and_vr(part)
            if found is None:
                raise Refusal(400, f"There is no attribute {part[:64]!r}")
            tag, vr = f"{found[0]:08X}", found[1]
        tags.append(tag)
    return tuple(tags), vr


def matches(entry: Object, key: Key, fuzzy: bool) -> bool:
    """Tell whether an object has what a key asks for; an absent attribute matches nothing else."""
    if key.is_universal:
        return True
    tag, rest = key.path[0], key.path[1:]
    element = entry.get(tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    if not isinstance(values, list) or not values:
        return False
    if rest:
        inner = Key(rest, key.vr, key.value)
        return any(isinstance(one, Mapping) and matches(one, inner, fuzzy) for one in values)
    vr = str(element.get("vr", key.vr)) if isinstance(element, Mapping) else key.vr
    return any(_value_matches(one, vr, key.value, fuzzy) for one in values)


def _value_matches(value: Any, vr: str, wanted: str, fuzzy: bool) -> bool:
    if vr == "PN" and isinstance(value, Mapping):
        return any(_name_matches(str(group), wanted, fuzzy) for group in value.values())
    text = str(value)
    if vr == "UI":
        return text in re.split(r"[,\\]", wanted)
    if vr in _NUMBERS:
        return any(_same_number(text, one) for one in re.split(r"[,\\]", wanted))
    if vr in _RANGES:
        return _in_range(text, wanted, vr)
    # a code cannot hold a comma, and OHIF joins modalities with it
    parts = re.split(r"[,\\]", wanted) if vr == "CS" else wanted.split("\\")
    return any(is_like(text, one) for one in parts)


def _same_number(text: str, wanted: str) -> bool:
    try:
        return float(text) == float(wanted)
    except ValueError:
        return text == wanted


def _in_range(text: str, wanted: str, vr: str) -> bool:
    """Match a date or time, or a range of them (PS3.4 C.2.2.2.5); both ends belong to it."""
    value = _digits(text, vr)
    range_of = _RANGE.fullmatch(wanted)
    if range_of is None:
        one = _digits(wanted, vr)
        return value == one if vr == "DA" else value.startswith(one)
    first, last = (_digits(part, vr) for part in range_of.groups())
    after = not first or value >= first[: len(value)]
    before = not last or value[: len(last)] <= last
    return after and before


def _digits(text: str, vr: str) -> str:
    """Leave out what stands between digits in older dates and times."""
    return re.sub(r"[.:\s]" if vr != "DT" else r"\s", "", text)


def _name_matches(name: str, wanted: str, fuzzy: bool) -> bool:
    """Match a person's name, case aside; fuzzily: each word begins one of the name's words."""
    plain, asked = _plain(name), _plain(wanted)
    if is_like(plain, asked):
        return True
    if not fuzzy:
        return False
    words = re.split(r"[\^\s=,-]+", plain)
    return all(
        any(word.startswith(part) for word in words)
        for part in re.split(r"[\^\s=,*?-]+", asked)
        if part
    )


def _plain(text: str) -> str:
    """Leave accents, case and empty components out."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return bare.casefold().rstrip("^ ")


def is_like(text: str, pattern: str) -> bool:
    """Match with * (any characters) and ? (one), in a time that grows with both lengths only."""
    at = mark = position = 0
    star = -1
    while position < len(text):
        if at < len(pattern) and pattern[at] in ("?", text[position]) and pattern[at] != "*":
            at += 1
            position += 1
        elif at < len(pattern) and pattern[at] == "*":
            star, mark = at, position
            at += 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")
