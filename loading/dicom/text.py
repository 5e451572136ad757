"""Texts for people, decoded in the character set that the file names (PS3.5 6.1)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

from loading.dicom import tags
from loading.dicom.header import Attributes

HEADER_TEXTS = {
    "patient_name": tags.PATIENT_NAME,
    "patient_id": tags.PATIENT_ID,
    "patient_birth_date": tags.PATIENT_BIRTH_DATE,
    "patient_sex": tags.PATIENT_SEX,
    "study_date": tags.STUDY_DATE,
    "study_time": tags.STUDY_TIME,
    "study_description": tags.STUDY_DESCRIPTION,
    "series_date": tags.SERIES_DATE,
    "series_time": tags.SERIES_TIME,
    "series_description": tags.SERIES_DESCRIPTION,
    "series_number": tags.SERIES_NUMBER,
    "protocol": tags.PROTOCOL,
    "body_part": tags.BODY_PART,
    "manufacturer": tags.MANUFACTURER,
    "model": tags.MODEL,
    "institution": tags.INSTITUTION,
    "accession_number": tags.ACCESSION_NUMBER,
    "slice_thickness": tags.SLICE_THICKNESS,
}


def decode(shared: Attributes, tag: int) -> str:
    """Decode one text; control characters become spaces, so that a text stays one line."""
    return decode_raw(shared, shared.raw.get(tag, b""), tag == tags.PATIENT_NAME)


def decode_raw(shared: Attributes, raw: bytes, is_name: bool = False) -> str:
    """Decode the bytes of a text of the same file, from wherever in it."""
    raw = raw.strip(b" \0")
    if not raw:
        return ""
    if raw.isascii() and b"\x1b" not in raw:
        text = raw.decode("ascii")
    else:
        text = _decode(raw, shared.words(tags.CHARACTER_SET), is_name)
    return "".join(part if part.isprintable() else " " for part in text).strip()


def _decode(raw: bytes, names: tuple[str, ...], is_name: bool) -> str:
    from pydicom.charset import convert_encodings, decode_bytes
    from pydicom.valuerep import PersonName

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            encodings = convert_encodings(list(names) or [""])
            if is_name:
                return str(PersonName(raw, encodings).decode(encodings))
            return decode_bytes(raw, encodings, {0x0A, 0x0C, 0x0D, 0x5C})
    except Exception:
        return raw.decode("latin-1")


class HeaderTexts(Mapping[str, str]):
    """The attributes of a series for people, decoded when first asked for.

    `more` are facts that were worked out from several of them.
    """

    __slots__ = ("_more", "_shared", "_texts")

    def __init__(self, shared: Attributes, more: Mapping[str, str] | None = None) -> None:
        self._shared = shared
        self._more = dict(more or {})
        self._texts: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._texts is None:
            texts = {name: decode(self._shared, tag) for name, tag in HEADER_TEXTS.items()}
            self._texts = {name: text for name, text in texts.items() if text} | self._more
        return self._texts

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def label_of(shared: Attributes) -> str:
    """Name a series: its description, else its protocol, else modality and number.

    Of a dose it is said what it is the sum of.
    """
    summed = shared.text(tags.DOSE_SUMMATION).replace("_", " ").lower()
    return ", ".join(part for part in (_series_label(shared), summed) if part)


def _series_label(shared: Attributes) -> str:
    for tag in (tags.SERIES_DESCRIPTION, tags.PROTOCOL):
        text = decode(shared, tag)
        if text:
            return text
    number = decode(shared, tags.SERIES_NUMBER)
    return " ".join(part for part in (shared.modality, "series", number) if part)
