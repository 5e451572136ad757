"""The slow road: let pydicom read a header, and give the same raw values that the scanner gives.

Nothing of pydicom's exceptions, warnings or types leaves this module.
"""

from __future__ import annotations

import io
import logging
import warnings
import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from loading.dicom import tags
from loading.dicom.header import UNDEFINED
from loading.dicom.syntaxes import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from loading.errors import BadResponse, CorruptFrame

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

MAX_HEADER = 256 << 20
"""A header longer than this is no header."""
MAX_ELEMENTS = 200_000
"""More elements outside sequences than any object in use has; pydicom takes 10 us for each."""
MAX_ITEMS = 400_000
"""More sequence items than any object in use has; pydicom takes 30 us for each."""
_FIRST_HEAD = 1 << 20
_SWAP = {"US": 2, "SS": 2, "OW": 2, "UL": 4, "SL": 4, "FL": 4, "AT": 2, "FD": 8}


class Parsed(NamedTuple):
    """What the scanner would have given: syntax, raw values by tag, where the pixels are.

    `inflate_at` is where a deflated data set begins (offsets then count inflated bytes), else 0.
    """

    syntax: str
    values: dict[int, bytes]
    pixel_tag: int
    offset: int
    length: int
    inflate_at: int


def looks_like_dicom(head: bytes) -> bool:
    """Tell whether the first bytes can be those of a DICOM object, with or without preamble."""
    if head[128:132] == b"DICM":
        return True
    # Without a preamble: the first element is of group 2 or 8, with a known or no VR.
    if len(head) < 16 or head[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08", b"\x00\x02"):
        return False
    if head[2] > 0x20 and head[3] > 0x20:
        return False
    if head[4:6].isalpha() and head[4:6].isupper():
        return True
    return int.from_bytes(head[4:8], "little") <= 64


def parse(read_at: Callable[[int, int], bytes], size: int, name: str) -> Parsed:
    """Read a header with pydicom.

    Parameters
    ----------
    read_at : callable
        Gives at most so many bytes from an offset.
    size : int
        Bytes of the object.
    name : str
        For messages.

    Raises
    ------
    BadResponse
        When this is no DICOM object that can be read, with the reason.
    """
    want = _FIRST_HEAD
    while True:
        head = read_at(0, min(want, size))
        if head.count(b"\xfe\xff\x00\xe0") > MAX_ITEMS:
            raise BadResponse("The header holds more sequence items than are read", where=name)
        whole = len(head) >= size
        try:
            parsed = _parse_head(head, name)
        except _Short:
            if whole:
                raise BadResponse("The file ends inside its header", where=name) from None
            parsed = None
        if parsed is not None and (parsed.pixel_tag or whole or parsed.inflate_at):
            return parsed
        want *= 16
        if want > MAX_HEADER:
            raise BadResponse("The header is longer than is read", where=name)


class _Short(Exception):
    """The head ends inside an element."""


def _parse_head(head: bytes, name: str) -> Parsed:
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_partial

    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    inflated_at = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream, inflated_at = _inflate_head(head, name)
            dataset = read_partial(stream, stop_when=_StopAtPixels(name), force=True)
            return _collect(dataset, stream, inflated_at)
    except EOFError as error:
        raise _Short from error
    except RecursionError as error:
        raise BadResponse("Sequences are nested too deep", where=name) from error
    except (CorruptFrame, BadResponse, _Short):
        raise
    except InvalidDicomError as error:
        raise BadResponse("This is not a DICOM object", where=name) from error
    except MemoryError as error:
        raise BadResponse("The header claims more than memory holds", where=name) from error
    except Exception as error:  # whatever a damaged header makes a parser do
        raise BadResponse(f"The header is damaged ({type(error).__name__})", where=name) from error


class _StopAtPixels:
    """Tell pydicom to stop before the pixels; refuse a header that goes on for ever."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = 0

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        self._seen += 1
        if self._seen > MAX_ELEMENTS:
            raise BadResponse("The header holds more elements than are read", where=self._name)
        return tag in tags.PIXEL_TAGS


def _inflate_head(head: bytes, name: str) -> tuple[io.BytesIO, int]:
    """Give the stream for pydicom; of a deflated object the inflated beginning, bounded."""
    start = _deflated_from(head)
    if not start:
        return io.BytesIO(head), 0
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = engine.decompress(head[start:], 64 << 20)
    except zlib.error as error:
        raise CorruptFrame("The deflated bytes are damaged", where=name) from error
    return io.BytesIO(inflated_prefix() + body), start


def inflated_prefix() -> bytes:
    """Give what stands before an inflated data set to make a file of it."""
    return b"\0" * 128 + b"DICM" + _meta_for_explicit()


def _meta_for_explicit() -> bytes:
    uid = EXPLICIT_LITTLE.encode() + b"\0"
    return b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid


PREFIX_OF_INFLATED = 132 + len(_meta_for_explicit())


def _deflated_from(head: bytes) -> int:
    """Give where the deflated part begins, 0 when the object is not deflated."""
    at = 132
    deflated = False
    while head[128:132] == b"DICM" and at + 12 <= len(head) and head[at : at + 2] == b"\x02\x00":
        vr = head[at + 4 : at + 6]
        if vr in (b"OB", b"UN", b"SQ", b"OW", b"UT"):
            start, length = at + 12, int.from_bytes(head[at + 8 : at + 12], "little")
        else:
            start, length = at + 8, int.from_bytes(head[at + 6 : at + 8], "little")
        value = head[start : start + length]
        if head[at : at + 4] == b"\x02\x00\x10\x00":
            deflated = value.rstrip(b" \0") == DEFLATED.encode()
        at = start + length
    return at if deflated else 0


def _collect(dataset: FileDataset, stream: io.BytesIO, inflated_at: int) -> Parsed:
    """Take the raw values out of a pydicom data set and look at the element it stopped at."""
    if not len(dataset) and not len(dataset.file_meta):
        raise BadResponse("There is nothing in it")
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", "") or "")
    said, little = dataset.original_encoding
    implicit = _is_implicit(dataset, bool(said))
    if not syntax or (implicit != bool(said) and little and syntax in _LITTLE):
        syntax = IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE if little else EXPLICIT_BIG
    values = _raw_values(dataset)
    values.update(_raw_values(dataset.file_meta))
    tag, offset, length, vr = _pixel_element(stream, implicit, bool(little))
    if vr == b"OW" and not little:
        values[tags.PIXELS] = vr
    if inflated_at:
        return Parsed(DEFLATED, values, tag, offset - PREFIX_OF_INFLATED, length, inflated_at)
    return Parsed(syntax, values, tag, offset, length, 0)


_LITTLE = (IMPLICIT_LITTLE, EXPLICIT_LITTLE)


def _is_implicit(dataset: Dataset, said: bool) -> bool:
    """Tell how elements are written, which some files do otherwise than they say."""
    from pydicom.dataelem import RawDataElement

    for tag in dataset.keys():  # noqa: SIM118 -- a Dataset iterates over elements, not tags
        element = dataset.get_item(tag)
        if isinstance(element, RawDataElement):
            return bool(element.is_implicit_VR)
    return said


def _raw_values(dataset: Dataset) -> dict[int, bytes]:
    from pydicom.dataelem import RawDataElement

    values: dict[int, bytes] = {}
    for tag in dataset.keys():  # noqa: SIM118 -- a Dataset iterates over elements, not tags
        if tag not in tags.WANTED_TAGS:
            continue
        element = dataset.get_item(tag)
        if tag in tags.PRESENCE_TAGS:
            values[int(tag)] = b"1"
        elif isinstance(element, RawDataElement):
            raw = bytes(element.value or b"")
            if not element.is_little_endian:
                raw = swapped(raw, str(element.VR))
            if raw:
                values[int(tag)] = raw
        elif element is not None and tag in _PARSED_BY_PYDICOM:
            values[int(tag)] = _text_of(element.value)
    return {tag: raw for tag, raw in values.items() if raw}


_PARSED_BY_PYDICOM = (tags.TRANSFER_SYNTAX, tags.MEDIA_SOP_CLASS, tags.CHARACTER_SET)
"""pydicom turns these into its own types while it reads."""


def _text_of(value: object) -> bytes:
    parts = [value] if isinstance(value, str) or not isinstance(value, Iterable) else value
    return "\\".join(str(part or "") for part in parts).encode("ascii", "replace")


def swapped(raw: bytes, vr: str) -> bytes:
    """Turn a value of a big-endian file into one of a little-endian file."""
    width = _SWAP.get(vr, 1)
    if width == 1 or len(raw) % width:
        return raw
    return b"".join(raw[at : at + width][::-1] for at in range(0, len(raw), width))


def _pixel_element(stream: io.BytesIO, implicit: bool, little: bool) -> tuple[int, int, int, bytes]:
    """Read the header of the element that pydicom stopped at: tag, offset, length, VR.

    The tag is 0 when that is the end of the file.
    """
    at = stream.tell()
    head = stream.read(12)
    order: Literal["little", "big"] = "little" if little else "big"
    if len(head) < 8:
        return 0, 0, 0, b""
    tag = int.from_bytes(head[:2], order) << 16 | int.from_bytes(head[2:4], order)
    if tag not in tags.PIXEL_TAGS:
        return 0, 0, 0, b""
    vr = b""
    if implicit:
        start, length = at + 8, int.from_bytes(head[4:8], order)
    elif len(head) < 12:
        raise _Short
    else:
        start, length, vr = at + 12, int.from_bytes(head[8:12], order), head[4:6]
    return tag, start, UNDEFINED if length == 0xFFFFFFFF else length, vr
