"""Headers as DICOM JSON (PS3.18 Annex F), element by element as text.

Slices of one series agree on nearly all their elements: what has been turned into text once is
looked up, so that a header costs a parse and a few dozen look-ups.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from loading.dicom.header import Instance
from loading.dicom.json_fast import FastWalk, NotOrdinary, Walked
from loading.dicom.parse import MAX_HEADER, inflated_prefix, swapped
from loading.dicom.syntaxes import EXPLICIT_LITTLE, is_encapsulated
from loading.errors import BadResponse
from loading.sources.places import Inflated

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset

Elements = dict[str, str]
"""Tag in eight hexadecimal digits to the JSON text of its element."""
KeepBulk = Callable[[bytes], str]
"""Keeps a long value somewhere and gives its URI."""

INLINE_BYTES = 1024
"""Longer binary values are kept apart as bulk data."""
_INLINE = INLINE_BYTES // 4 * 3  # pydicom means the length of the text in base64
_CACHED_BYTES = 512
_MAX_CACHED = 100_000
_CHARACTER_SET = "00080005"
_ENDS_WITH_PIXELS = 0x7FE00000


class JsonHeaders:
    """Turn headers into JSON; one object for many files. May be used by several threads."""

    def __init__(self) -> None:
        self._texts: dict[tuple[object, ...], str] = {}
        self._last = Walked()

    def elements(self, instance: Instance, keep_bulk: KeepBulk) -> Elements:
        """Give the elements of a file before its pixels, without those of group 2.

        Texts are Unicode and the character set says so; an element that cannot be read is given
        as the bytes that it has.

        Raises
        ------
        LoadError
            When the header cannot be read.
        """
        texts = self._fast(instance, keep_bulk)
        if texts is None:
            texts = self._parsed(instance, keep_bulk)
        texts[_CHARACTER_SET] = element_text("CS", "ISO_IR 192")
        return texts

    def _fast(self, instance: Instance, keep_bulk: KeepBulk) -> Elements | None:
        """Take an ordinary header from its bytes; None where pydicom has to look at it."""
        place, syntax = instance.place, instance.shared.syntax
        length = instance.offset if instance.pixel_tag else place.size
        is_explicit = syntax == EXPLICIT_LITTLE or is_encapsulated(syntax)
        if not is_explicit or length > MAX_HEADER or len(self._texts) >= _MAX_CACHED:
            return None
        walk = FastWalk(place.read_at(0, length), self._texts, keep_bulk, _INLINE, self._last)
        try:
            return walk.top(_ENDS_WITH_PIXELS)
        except NotOrdinary:
            return None
        finally:
            self._last = walk.walked  # of whichever thread: any header of the series will do

    def _parsed(self, instance: Instance, keep_bulk: KeepBulk) -> Elements:
        dataset = _read(instance)
        character_set = str(dataset.get("SpecificCharacterSet", ""))
        texts = Elements()
        for tag in dataset.keys():  # noqa: SIM118 -- a Dataset iterates over elements, not tags
            if tag.element == 0 or tag.group < 8 or tag >= _ENDS_WITH_PIXELS:
                continue
            texts[f"{tag:08X}"] = self._text(dataset, tag, character_set, keep_bulk)
        return texts

    def _text(self, dataset: Dataset, tag: Any, character_set: str, keep_bulk: KeepBulk) -> str:
        from pydicom.dataelem import RawDataElement

        raw = dataset.get_item(tag)
        key = None
        if isinstance(raw, RawDataElement) and len(raw.value or b"") <= _CACHED_BYTES:
            key = (tag, raw.VR, raw.value, raw.is_little_endian, character_set)
            known = self._texts.get(key)
            if known is not None:
                return known
        text = _compact(_element(dataset, tag, raw, keep_bulk))
        if key is not None and len(self._texts) < _MAX_CACHED:
            self._texts[key] = text
        return text


@lru_cache(maxsize=4096)
def element_text(vr: str, *values: object) -> str:
    """Give the JSON text of an element."""
    return _compact({"vr": vr, "Value": list(values)} if values else {"vr": vr})


def object_text(elements: Elements) -> str:
    """Join elements to one JSON object, in the order of their tags."""
    return "{" + ",".join(f'"{tag}":{text}' for tag, text in sorted(elements.items())) + "}"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _read(instance: Instance) -> Dataset:
    """Let pydicom read what lies before the pixels; its values stay raw until asked for."""
    import pydicom

    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    place = instance.place
    length = instance.offset if instance.pixel_tag else place.size
    if isinstance(place, Inflated):
        head = inflated_prefix() + place.read_at(0, min(length, MAX_HEADER))
    elif length > MAX_HEADER:
        raise BadResponse("The header is longer than is read", where=place.name)
    else:
        head = place.read_at(0, length)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(io.BytesIO(head), stop_before_pixels=True, force=True)
    except Exception as error:  # whatever a damaged header makes a parser do
        raise BadResponse(
            f"The header is damaged ({type(error).__name__})", where=place.name
        ) from error


def _element(
    dataset: Dataset, tag: Any, raw: DataElement | RawDataElement, keep_bulk: KeepBulk
) -> dict[str, Any]:
    from pydicom.dataelem import RawDataElement

    if isinstance(raw, RawDataElement) and not raw.is_little_endian and raw.value:
        value = swapped(raw.value, str(raw.VR))
        dataset[tag] = raw._replace(value=value, is_little_endian=True)

    def keep(element: DataElement) -> str:
        return keep_bulk(bytes(element.value))

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told: dict[str, Any] = dataset[tag].to_json_dict(keep, INLINE_BYTES)
            _compact(told)
    except Exception:  # a value that is not of its kind: its bytes are still true
        return _as_bytes(raw, keep_bulk)
    return told


def _as_bytes(raw: DataElement | RawDataElement, keep_bulk: KeepBulk) -> dict[str, Any]:
    import base64

    value = raw.value if isinstance(raw.value, bytes) else str(raw.value).encode()
    if len(value) > INLINE_BYTES:
        return {"vr": "UN", "BulkDataURI": keep_bulk(value)}
    return {"vr": "UN", "InlineBinary": base64.b64encode(value).decode()}
