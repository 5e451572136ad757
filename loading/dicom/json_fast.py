"""DICOM JSON of ordinary elements straight from their bytes, twenty times faster than a parser.

Explicit VR little endian only, ASCII only, and only what has one reading: anything else makes the
whole header go to pydicom (`json_model`), whose result this one equals text by text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from math import isfinite
from struct import Struct, unpack_from
from struct import error as struct_error
from typing import NamedTuple

_Known = dict[tuple[object, ...], str]

_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR",
                   b"UT", b"UV"))  # fmt: skip
_WORDS = frozenset((b"AE", b"AS", b"CS", b"DA", b"DT", b"LO", b"SH", b"TM", b"UI"))
_BYTES = frozenset((b"OB", b"OW", b"OF", b"OD", b"OL", b"OV"))
_TEXTS = frozenset((b"LT", b"ST", b"UT"))
_NUMBERS = {b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"UV": "Q", b"SV": "q", b"FL": "f",
            b"FD": "d"}  # fmt: skip
_WIDTH = {"H": 2, "h": 2, "I": 4, "i": 4, "Q": 8, "q": 8, "f": 4, "d": 8}
_INTEGER = re.compile(rb"[+-]?\d{1,12}")
_DECIMAL = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_UNDEFINED = 0xFFFFFFFF
_CHARSET = 0x00080005
_ITEM, _ITEM_END, _END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_CACHED_BYTES = 512
_MAX_DEPTH = 8
_tag = Struct("<HH").unpack_from
_short = Struct("<H").unpack_from
_long = Struct("<I").unpack_from


class NotOrdinary(Exception):
    """Raised where an element needs more knowledge than there is here."""


class Span(NamedTuple):
    """An element of a header: all its bytes, and its text; none where it is left out."""

    tag: int
    key: str
    raw: bytes
    text: str


class Walked(NamedTuple):
    """A header that has been walked: the next file of its series repeats most of it."""

    charset: str = ""
    spans: Sequence[Span] = ()


class FastWalk:
    """Walk one header.

    Parameters
    ----------
    data : bytes
        The file up to its pixels.
    known : dict
        Texts of elements seen before, of `JsonHeaders`.
    keep_bulk : callable
        Keeps a long value and gives its URI.
    inline : int
        Bytes up to which a binary value stands in the text.
    like : Walked
        Another header: elements that are the same are not looked at again.

    Attributes
    ----------
    walked : Walked
        This header, for the next one.
    """

    def __init__(
        self,
        data: bytes,
        known: _Known,
        keep_bulk: Callable[[bytes], str],
        inline: int,
        like: Walked,
    ) -> None:
        self._data = data
        self._known = known
        self._keep_bulk = keep_bulk
        self._inline = inline
        self._like = like
        self._charset = ""
        self._kept = 0
        self.walked = like

    def top(self, last: int) -> dict[str, str]:
        """Give the elements from group 8 up to a tag.

        Raises
        ------
        NotOrdinary
            When the header has to be parsed.
        """
        if self._data[128:132] != b"DICM":
            raise NotOrdinary
        try:
            return self._top(132, len(self._data), last)
        except (struct_error, IndexError, UnicodeDecodeError) as error:
            raise NotOrdinary from error

    def _top(self, at: int, end: int, last: int) -> dict[str, str]:
        texts: dict[str, str] = {}
        spans: list[Span] = []
        data, before, waiting = self._data, -1, iter(self._like.spans)
        span = next(waiting, None)
        while at < end:
            while span is not None and span.tag <= before:
                span = next(waiting, None)
            if span is not None and self._is_again(span, at):
                found = span
            else:
                group, element = _tag(data, at)
                if group << 16 | element >= last:
                    break
                kept = self._kept
                tag, text, stop = self._next(at, end, 0)
                found = Span(tag, f"{tag:08X}", data[at:stop], text)
                if self._kept > kept:  # long values are kept aside for every file
                    found = found._replace(raw=b"")
                    at = stop
            if found.tag <= before:
                raise NotOrdinary
            before = found.tag
            at += len(found.raw)
            spans.append(found)
            if found.text:
                texts[found.key] = found.text
        self.walked = Walked(self._charset, spans)
        return texts

    def _is_again(self, span: Span, at: int) -> bool:
        """Tell whether an element stands here as it did there, its letters read alike."""
        if not span.raw or not self._data.startswith(span.raw, at):
            return False
        if span.tag == _CHARSET:
            self._charset = self._like.charset
        return span.tag < _CHARSET or self._charset == self._like.charset

    def _next(self, at: int, end: int, depth: int) -> tuple[int, str, int]:
        """Read an element: tag, text (none for what is left out), where the next one begins."""
        data = self._data
        group, element = _tag(data, at)
        tag = group << 16 | element
        vr = data[at + 4 : at + 6]
        if vr in _LONG:
            length, start = _long(data, at + 8)[0], at + 12
        else:
            length, start = _short(data, at + 6)[0], at + 8
        is_left_out = group < 8 or not element
        if vr == b"SQ":
            text, stop = self._sequence(start, length, depth)
            return tag, "" if group < 8 and not depth else text, stop
        if length == _UNDEFINED or start + length > end:
            raise NotOrdinary
        stop = start + length
        return tag, "" if is_left_out else self._element(tag, vr, data[start:stop]), stop

    def _elements(self, at: int, end: int, depth: int) -> tuple[dict[str, str], int]:
        """Read the elements of an item up to its end."""
        texts: dict[str, str] = {}
        before = -1
        while at < end:
            group, element = _tag(self._data, at)
            tag = group << 16 | element
            if tag == _ITEM_END:
                return texts, at + 8
            if tag <= before or not element:
                raise NotOrdinary
            before, text, at = self._next(at, end, depth)
            if text:
                texts[f"{tag:08X}"] = text
        return texts, at

    def _sequence(self, at: int, length: int, depth: int) -> tuple[str, int]:
        if depth >= _MAX_DEPTH:
            raise NotOrdinary
        end = len(self._data) if length == _UNDEFINED else at + length
        items: list[str] = []
        while at < end:
            group, element = _tag(self._data, at)
            size = _long(self._data, at + 4)[0]
            tag = group << 16 | element
            at += 8
            if tag == _END and length == _UNDEFINED:
                return _list(items), at
            if tag != _ITEM:
                raise NotOrdinary
            stop = end if size == _UNDEFINED else at + size
            texts, at = self._elements(at, stop, depth + 1)
            if size != _UNDEFINED and at != stop:
                raise NotOrdinary
            items.append("{" + ",".join(f'"{key}":{text}' for key, text in texts.items()) + "}")
        if length == _UNDEFINED or at != end:
            raise NotOrdinary
        return _list(items), at

    def _element(self, tag: int, vr: bytes, value: bytes) -> str:
        if tag == _CHARSET:
            self._charset = value.decode("ascii").strip()
            if "\\" in self._charset:
                raise NotOrdinary
        key = None
        if len(value) <= _CACHED_BYTES:
            key = (tag, vr, value, self._charset)
            known = self._known.get(key)
            if known is not None:
                return known
        text = self._text(vr, value)
        if key is not None:
            self._known[key] = text
        return text

    def _text(self, vr: bytes, value: bytes) -> str:
        name = vr.decode("ascii")
        if vr in _BYTES:
            if len(value) > self._inline:
                self._kept += 1
                return f'{{"vr":"{name}","BulkDataURI":{json.dumps(self._keep_bulk(value))}}}'
            if not value:
                return f'{{"vr":"{name}"}}'
            inline = base64.b64encode(value).decode("ascii")
            return f'{{"vr":"{name}","InlineBinary":"{inline}"}}'
        values = _values(vr, value)
        if not values:
            return f'{{"vr":"{name}"}}'
        return f'{{"vr":"{name}","Value":[{",".join(values)}]}}'


def _list(items: list[str]) -> str:
    return '{"vr":"SQ","Value":[' + ",".join(items) + "]}"


def _values(vr: bytes, value: bytes) -> list[str]:
    """Give the JSON texts of the values of an element."""
    code = _NUMBERS.get(vr)
    if code is not None:
        count, rest = divmod(len(value), _WIDTH[code])
        if rest:
            raise NotOrdinary
        numbers = unpack_from(f"<{count}{code}", value)
        if not all(map(isfinite, numbers)):
            raise NotOrdinary
        return list(map(repr, numbers))
    plain = value.rstrip(b"\0" if vr == b"UI" else b" ")
    if not plain:
        return []
    parts = [plain] if vr in _TEXTS else plain.split(b"\\")
    if vr == b"PN" and all(map(_is_plain, parts)) and b"=" not in plain:
        return [f'{{"Alphabetic":{json.dumps(part.decode("ascii"))}}}' for part in parts]
    if vr == b"IS" and all(map(_INTEGER.fullmatch, parts)):
        return [str(int(part)) for part in parts]
    if vr == b"DS" and all(map(_DECIMAL.fullmatch, parts)):
        decimals = [float(part) for part in parts]
        if not all(map(isfinite, decimals)):
            raise NotOrdinary
        return list(map(repr, decimals))
    if vr not in _WORDS | _TEXTS or not all(map(_is_plain, parts)):
        raise NotOrdinary
    return [json.dumps(part.decode("ascii")) for part in parts]


def _is_plain(part: bytes) -> bool:
    """Tell whether a text is printable ASCII without spaces around it."""
    return bool(part) and part.isascii() and part.strip() == part and part.decode().isprintable()
