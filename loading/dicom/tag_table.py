"""Every attribute of one file as text, for people who want to look.

Nothing is decided by these texts: geometry and values go through `header` and `scan`.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import MutableSequence
from typing import TYPE_CHECKING

from loading.dicom.parse import MAX_HEADER
from loading.errors import BadResponse
from loading.sources.base import TagRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    from loading.sources.places import Place

_FIRST_BYTES = 1 << 20
_TEXT_LIMIT = 200
_ROW_LIMIT = 5000
_DEPTH_LIMIT = 8


def tag_rows(place: Place) -> list[TagRow]:
    """Read the header of a DICOM object as a table.

    Raises
    ------
    LoadError
        When the file cannot be read, or holds no header.
    """
    import pydicom

    size = min(place.size, MAX_HEADER)
    for count in (min(size, _FIRST_BYTES), size):
        head = io.BytesIO(place.read_at(0, count))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dataset = pydicom.dcmread(head, stop_before_pixels=True, force=True)
                rows = list(_rows(dataset.file_meta, 0)) + list(_rows(dataset, 0))
        except Exception as error:
            reason = str(error)
            continue
        if head.tell() < count or count == size:
            return rows[:_ROW_LIMIT]
    raise BadResponse(f"The header cannot be shown ({reason})", where=place.name)


def _rows(dataset: Dataset, depth: int) -> Iterator[TagRow]:
    for element in dataset:
        tag = f"({element.tag.group:04X},{element.tag.element:04X})"
        if element.VR != "SQ":
            yield TagRow(tag, element.name, element.VR, _text(element.value), depth)
            continue
        items = element.value or []
        yield TagRow(tag, element.name, "SQ", f"{len(items)} items", depth)
        if depth < _DEPTH_LIMIT:
            for item in items:
                yield from _rows(item, depth + 1)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    parts = value if isinstance(value, MutableSequence) else [value]
    text = "\\".join(" ".join(str(part).split()) for part in parts)
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "\u2026"
