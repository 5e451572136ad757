"""Read DICOM JSON (PS3.18 F) into the records that files give, so that one code groups both.

Values are put back into the bytes that a file would have (explicit little endian, UTF-8): grouping,
geometry and values see no difference, down to functional groups and private blocks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from loading.dicom import syntaxes, tags
from loading.dicom.header import UNDEFINED, Attributes, Instance
from loading.dicom.kinds import needs_no_pixels
from loading.errors import BadResponse, SourceError
from loading.sources.places import Buffer

AVAILABLE_SYNTAX = 0x00083002
_OPEN_END = 1 << 60
"""The size of an object on a server: not told, so that nothing is held to be missing."""
_MAX_DEPTH = 16
_CHARSET = b"ISO_IR 192"
_PRIVATE_HTJ2K = "3.2.840.10008.1.2.4.96"
_NUMBERS = {
    "US": "H",
    "SS": "h",
    "UL": "I",
    "SL": "i",
    "FL": "f",
    "FD": "d",
    "UV": "Q",
    "SV": "q",
}
_LONG = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])
_UNPADDED_BY_SPACE = frozenset(("UI", "OB", "UN"))

_TEXTS = frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "SH", "ST", "TM", "UI"))
_WANTED = {f"{tag:08X}": tag for tag in tags.WANTED_TAGS}

JsonObject = Mapping[str, Any]


class JsonHeader:
    """The header of an object on a server, as the bytes of a file when somebody wants them.

    Attributes
    ----------
    name : str
        Address of the instance.
    pixels_uri : str
        Where the metadata say that Pixel Data are; may be relative, or empty.
    """

    size = _OPEN_END
    stamp = 0

    def __init__(self, name: str, data: JsonObject) -> None:
        self.name = name
        self.json = data
        pixels = data.get("7FE00010")
        uri = pixels.get("BulkDataURI", "") if isinstance(pixels, Mapping) else ""
        self.pixels_uri = uri if isinstance(uri, str) else ""

    @cached_property
    def encoded(self) -> bytes:
        """Give the data set without its pixels: preamble, meta header, elements."""
        uid = _padded(syntaxes.EXPLICIT_LITTLE.encode(), "UI")
        meta = b"\x02\x00\x10\x00UI" + struct.pack("<H", len(uid)) + uid
        return b"\0" * 128 + b"DICM" + meta + _encode(self.json, 0)

    @cached_property
    def version(self) -> str:
        """Give a text that changes when anything in the header does."""
        text = json.dumps(self.json, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def read_at(self, offset: int, count: int) -> bytes:
        """Give at most `count` bytes of the header."""
        return self.encoded[offset : offset + count]

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Refuse: pixels are not here."""
        raise SourceError("The pixels are on a server", where=self.name)

    def verify(self) -> None:
        """Accept: there is no check sum."""


class JsonReader:
    """Make header records; objects with the same shared values share one `Attributes`."""

    def __init__(self) -> None:
        self._attributes: dict[tuple[str, tuple[tuple[int, bytes], ...]], Attributes] = {}

    def read(self, data: object, name_of: Callable[[JsonObject], str]) -> Instance:
        """Read one object of an array of metadata.

        Raises
        ------
        BadResponse
            When it is no DICOM object.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("00080018"), Mapping):
            raise BadResponse("An entry of the metadata is no DICOM object")
        values = wanted_values(data)
        syntax = _syntax_of(data)
        shared_values = sorted((t, v) for t, v in values.items() if t not in tags.OWN_AT)
        key = (syntax, tuple(shared_values))
        shared = self._attributes.get(key)
        if shared is None:
            shared = self._attributes[key] = Attributes(syntax, dict(shared_values))
        own = tuple([values.get(tag, b"") for tag in tags.OWN_TAGS])
        place = JsonHeader(name_of(data), data)
        offset = len(place.encoded) if _needs_bytes(values, shared) else 0
        is_native = not syntaxes.is_encapsulated(syntax)
        length = _OPEN_END - offset if is_native else UNDEFINED
        return Instance(place, shared, own, _pixel_tag(data, shared), offset, length)


def _needs_bytes(values: Mapping[int, bytes], shared: Attributes) -> bool:
    """Tell whether somebody will read the header again, as the bytes before the pixels.

    For functional groups, tables, real world values, private blocks and what a tracer was; for
    palettes, rates of loops and sizes of pixels, which pictures have that are no slices.
    """
    return (
        tags.PER_FRAME_GROUPS in values
        or tags.MODALITY_LUT in values
        or tags.REAL_WORLD in values
        or shared.modality == "PT"
        or tags.NUMBER_OF_FRAMES in values
        or tags.PIXEL_PRESENTATION in values
        or tags.POSITION not in values
        or not shared.text(tags.PHOTOMETRIC).startswith("MONOCHROME")
        or "MOSAIC" in shared.words(tags.IMAGE_TYPE)
    )


def wanted_values(data: JsonObject) -> dict[int, bytes]:
    """Give the raw values of the attributes that matter, text in UTF-8."""
    values: dict[int, bytes] = {}
    for name, element in data.items():
        tag = _WANTED.get(name) or _WANTED.get(name.upper())
        if tag is None or not isinstance(element, dict):
            continue
        if tag in tags.PRESENCE_TAGS:
            if element.get("Value"):
                values[tag] = b"1"
            continue
        raw = _raw(element.get("vr", "UN"), element, 0)
        if raw:
            values[tag] = raw
    values[tags.CHARACTER_SET] = _CHARSET
    return values


def instance_uid(data: JsonObject) -> str:
    """Give the SOP Instance UID of an object, empty where there is none."""
    return _first_text(data, "00080018")


def series_uid(data: JsonObject) -> str:
    """Give the Series Instance UID of an object, empty where there is none."""
    return _first_text(data, "0020000E")


def _first_text(data: JsonObject, name: str) -> str:
    element = data.get(name)
    values = element.get("Value") if isinstance(element, Mapping) else None
    return str(values[0]).strip() if isinstance(values, Sequence) and values else ""


def _syntax_of(data: JsonObject) -> str:
    """Give the syntax in which frames are kept; metadata without one are of plain pixels."""
    syntax = _first_text(data, f"{AVAILABLE_SYNTAX:08X}") or _first_text(data, "00020010")
    if syntax == _PRIVATE_HTJ2K:
        return syntaxes.HTJ2K
    return syntax or syntaxes.EXPLICIT_LITTLE


def _pixel_tag(data: JsonObject, shared: Attributes) -> int:
    """Tell which element has the pixels; some servers leave it out of the metadata altogether."""
    for tag in sorted(tags.PIXEL_TAGS):
        if f"{tag:08X}" in data or f"{tag:08x}" in data:
            return tag
    is_picture = shared.rows > 0 and shared.columns > 0 and not needs_no_pixels(shared)
    return tags.PIXELS if is_picture else 0


def _tag(name: str) -> int:
    try:
        return int(name, 16) if len(name) == 8 else -1
    except ValueError:
        return -1


def _raw(vr: object, element: Mapping[str, Any], depth: int) -> bytes:
    """Give the bytes of a value; empty for none, and for one that lies elsewhere."""
    values = element.get("Value")
    if not isinstance(values, list) or not values:
        return _inline(element)
    if vr in _TEXTS and len(values) == 1 and type(values[0]) in (str, int, float):
        return str(values[0]).encode("utf-8", "replace")
    try:
        if vr == "SQ":
            return b"".join(_item(value, depth) for value in values)
        if vr in _NUMBERS:
            form = f"<{len(values)}{_NUMBERS[str(vr)]}"
            return struct.pack(form, *[_number(str(vr), v) for v in values])
        if vr == "AT":
            halves = ((int(str(v)[:4], 16), int(str(v)[4:8], 16)) for v in values)
            return b"".join(struct.pack("<HH", *pair) for pair in halves)
    except (struct.error, ValueError, TypeError, OverflowError):
        return b""
    return "\\".join([_text(value) for value in values]).encode("utf-8", "replace")


def _inline(element: Mapping[str, Any]) -> bytes:
    inline = element.get("InlineBinary")
    if not isinstance(inline, str):
        return b""
    try:
        return base64.b64decode(inline, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _number(vr: str, value: object) -> float | int:
    # numbers may come as texts, which the standard allows where JSON would lose digits
    if vr in ("FL", "FD"):
        return float(str(value))
    return int(value) if isinstance(value, int | float) else int(str(value))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        parts = [str(value.get(k) or "") for k in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(parts).rstrip("=")
    return str(value)


def _item(value: object, depth: int) -> bytes:
    body = _encode(value, depth + 1) if isinstance(value, Mapping) else b""
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(body)) + body


def _encode(data: JsonObject, depth: int) -> bytes:
    """Encode a data set, explicit little endian; pixels and values kept elsewhere are left out."""
    if depth > _MAX_DEPTH:
        raise BadResponse("Sequences in the metadata are nested too deep")
    parts: list[bytes] = []
    for tag, element in sorted((_tag(name), element) for name, element in data.items()):
        if tag < 0x00080000 or tag in tags.PIXEL_TAGS or not isinstance(element, Mapping):
            continue
        vr = str(element.get("vr", "UN"))[:2]
        if len(vr) < 2 or not (vr.isascii() and vr.isalpha() and vr.isupper()):
            vr = "UN"
        raw = _CHARSET if tag == tags.CHARACTER_SET else _raw(vr, element, depth)
        raw = _padded(raw, vr)
        if vr not in _LONG and len(raw) > 0xFFFE:
            vr = "UN"
        head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
        if vr in _LONG:
            head += struct.pack("<HI", 0, len(raw))
        else:
            head += struct.pack("<H", len(raw))
        parts.append(head + raw)
    return b"".join(parts)


def _padded(raw: bytes, vr: str) -> bytes:
    if len(raw) % 2:
        raw += b"\0" if vr in _UNPADDED_BY_SPACE else b" "
    return raw
