"""Rows of a search: DICOM JSON read with patience, since every server writes it its own way."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any

TAG = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True, slots=True)
class Study:
    """A study as a search gives it; counts are None where the server does not tell."""

    uid: str
    patient: str = ""
    patient_id: str = ""
    day: datetime.date | None = None
    description: str = ""
    accession: str = ""
    modalities: tuple[str, ...] = ()
    series_count: int | None = None
    instance_count: int | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A series as a search gives it."""

    uid: str
    number: int | None = None
    modality: str = ""
    description: str = ""
    instance_count: int | None = None


def study_of(row: dict[str, Any]) -> Study:
    """Read a row of a search for studies; what is missing or odd is left empty."""
    return Study(
        uid=text_of(row, "0020000D"),
        patient=name_of(row, "00100010"),
        patient_id=text_of(row, "00100020"),
        day=day_of(text_of(row, "00080020")),
        description=text_of(row, "00081030"),
        accession=text_of(row, "00080050"),
        modalities=tuple(dict.fromkeys(_texts(row, "00080061") or _texts(row, "00080060"))),
        series_count=_count(row, "00201206"),
        instance_count=_count(row, "00201208"),
    )


def series_of(row: dict[str, Any]) -> Series:
    """Read a row of a search for series."""
    return Series(
        uid=text_of(row, "0020000E"),
        number=_count(row, "00200011"),
        modality=text_of(row, "00080060"),
        description=text_of(row, "0008103E"),
        instance_count=_count(row, "00201209"),
    )


def text_of(row: dict[str, Any], tag: str) -> str:
    """Give the first value of an element as text; empty for none."""
    return next(iter(_texts(row, tag)), "")


def name_of(row: dict[str, Any], tag: str) -> str:
    """Give a person's name for people: "Miller, Anna" of `MILLER^Anna`."""
    for value in _values(row, tag):
        parts = value if isinstance(value, dict) else {"Alphabetic": value}
        for group in ("Alphabetic", "Ideographic", "Phonetic"):
            name = parts.get(group)
            if isinstance(name, str) and name.strip("^ "):
                family, _, given = name.partition("^")
                rest = " ".join(part for part in given.split("^") if part)
                return ", ".join(part.strip() for part in (family, rest) if part.strip())
    return ""


def day_of(text: str) -> datetime.date | None:
    """Read a DICOM date, also the old form with points or dashes."""
    match = re.match(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})", text)
    try:
        return datetime.date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return None


def _values(row: dict[str, Any], tag: str) -> list[Any]:
    element = row.get(tag, row.get(tag.lower()))
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _texts(row: dict[str, Any], tag: str) -> list[str]:
    texts = (str(v).strip() for v in _values(row, tag) if isinstance(v, str | int | float))
    return [text for text in texts if text]


def _count(row: dict[str, Any], tag: str) -> int | None:
    try:
        return int(float(text_of(row, tag)))
    except (ValueError, OverflowError):
        return None
