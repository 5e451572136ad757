"""Find the frames in encapsulated pixel data (PS3.5 A.4): item by item, nothing believed.

Offsets in the Basic Offset Table are used only to find which fragments make a frame; every
fragment's length is held against the bytes that are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from itertools import pairwise
from struct import Struct, iter_unpack
from typing import NamedTuple

from loading.dicom.held import Held
from loading.errors import CorruptFrame
from loading.sources.places import Readable, ends_early

_ITEM = 0xFFFEE000
_END = 0xFFFEE0DD
_WINDOW = 1 << 16
MAX_ITEMS = 1 << 20
"""More fragments than any object in use has; eight bytes in the file cost a hundred here."""
_HEADERS = 64
_header = Struct("<HHL").unpack_from
_ITEM_TAG, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


class Fragment(NamedTuple):
    """One item of pixel data: where its value begins and how long it is."""

    offset: int
    length: int


Frames = list[tuple[Fragment, ...]]
"""The fragments of each frame; none of a frame that the file ends before."""


def frames_of(
    place: Readable,
    offset: int,
    count: int,
    extended: Callable[[], Sequence[int]] = tuple,
    *,
    one_each: bool = False,
) -> Frames:
    """Give the fragments of each frame; of a file that ends early those that are whole.

    Parameters
    ----------
    place : Readable
    offset : int
        Where the pixel value begins (its first item is the offset table).
    count : int
        Number of frames that the header claims.
    extended : callable
        Gives the Extended Offset Table (7FE0,0001), where it is needed.
    one_each : bool
        Each frame is one fragment in this syntax (RLE among them).

    Raises
    ------
    CorruptFrame
        When the items do not add up to that many frames and nobody knows which ones are there.
    """
    items, ending = _items(place, offset)
    if not items:
        raise _no_fragments(place)
    table, fragments = items[0], [item for item in items[1:] if item.length]
    if not fragments:
        raise ends_early(place.name) if ending is _Ending.CUT else _no_fragments(place)
    if ending is _Ending.CUT and count == 1:
        raise ends_early(place.name)
    if count == 1:
        return [tuple(fragments)]
    if len(fragments) == count and ending is not _Ending.CUT:
        return [(fragment,) for fragment in fragments]
    by_start = _by_start(place, fragments)
    if len(by_start) == count and ending is not _Ending.CUT:
        return by_start
    for starts in (_basic_offsets(place, table), extended()):
        by_table = _by_table(starts, items[1:], count, ending)
        if by_table is not None:
            return by_table
    if ending is not _Ending.WHOLE:
        found = [(one,) for one in fragments] if one_each else _finished(place, by_start)
        if found and len(found) < count:
            return found + [()] * (count - len(found))
    raise CorruptFrame(
        f"{len(fragments)} fragments do not divide into {count} frames", where=place.name
    )


class _Ending(Enum):
    """How a walk over the items came to its end: by a delimiter, by none, inside of an item."""

    WHOLE = 0
    OPEN = 1
    CUT = 2


def _no_fragments(place: Readable) -> CorruptFrame:
    return CorruptFrame("There is no fragment of pixel data", where=place.name)


def _items(place: Readable, offset: int) -> tuple[list[Fragment], _Ending]:
    """Walk the items up to the delimiter, or as far as they are whole where there is none."""
    items: list[Fragment] = []
    at = offset
    window, window_at = b"", 0
    while True:
        if not window_at <= at <= window_at + len(window) - 8:
            # Behind a fragment longer than a window the next header alone is worth reading.
            is_long = items and items[-1].length > _WINDOW
            window, window_at = place.read_at(at, _HEADERS if is_long else _WINDOW), at
            if len(window) < 8:
                return items, _Ending.OPEN
        group, element, length = _header(window, at - window_at)
        tag = group << 16 | element
        if tag == _END:
            return items, _Ending.WHOLE
        if tag != _ITEM:
            raise CorruptFrame("The fragments of the pixel data are damaged", where=place.name)
        if at + 8 + length > place.size:
            return items, _Ending.CUT
        if len(items) == MAX_ITEMS:
            raise CorruptFrame("There are more fragments than are read", where=place.name)
        items.append(Fragment(at + 8, length))
        at += 8 + length


def _basic_offsets(place: Readable, table: Fragment) -> Sequence[int]:
    raw = place.read_at(table.offset, table.length)
    return [one[0] for one in iter_unpack("<L", raw[: len(raw) // 4 * 4])]


def _by_table(
    offsets: Sequence[int], fragments: list[Fragment], count: int, ending: _Ending
) -> Frames | None:
    """Use a table of offsets where each entry names the beginning of a fragment.

    An entry behind the end of a file that ends early is a frame that is not there; the frame
    before it is whole if it reaches up to it.
    """
    if len(offsets) != count or not fragments:
        return None
    base, end = fragments[0].offset - 8, fragments[-1].offset + fragments[-1].length
    at_fragment = {one.offset - 8: number for number, one in enumerate(fragments)}
    at_fragment[end] = len(fragments)
    numbers = []
    for offset in offsets:
        start = base + offset
        if start >= end and ending is not _Ending.WHOLE:
            numbers.append(len(fragments) if start == end else len(fragments) + 1)
        elif start < end and start in at_fragment:
            numbers.append(at_fragment[start])
        else:
            return None
    out_of_order = any(b <= a <= len(fragments) for a, b in pairwise(numbers))
    if numbers[0] != 0 or out_of_order or sorted(numbers) != numbers:
        return None
    behind = len(fragments) + (ending is _Ending.CUT)
    frames: Frames = []
    for first, last in pairwise([*numbers, behind]):
        is_there = first < len(fragments) and last <= len(fragments)
        frames.append(tuple(fragments[first:last]) if is_there else ())
    return frames


def _finished(place: Readable, frames: Frames) -> Frames:
    """Leave out the last frame of a file that ends early unless its codestream has its end."""
    if not frames or place.read_at(frames[0][0].offset, 3) not in _BEGINNINGS:
        return []
    last = frames[-1][-1]
    tail = place.read_at(last.offset + max(0, last.length - 3), min(3, last.length))
    return frames if tail.rstrip(b"\0").endswith(b"\xff\xd9") else frames[:-1]


def _by_start(place: Readable, fragments: list[Fragment]) -> Frames:
    """Begin a new frame where a fragment begins like a codestream (JPEG's SOI, JPEG 2000's SOC)."""
    frames: list[list[Fragment]] = []
    for fragment in fragments:
        head = place.read_at(fragment.offset, 3)
        if head in _BEGINNINGS or not frames:
            frames.append([])
        frames[-1].append(fragment)
    return [tuple(frame) for frame in frames]


_BEGINNINGS = (b"\xff\xd8\xff", b"\xff\x4f\xff")


def read_frame(place: Readable, fragments: tuple[Fragment, ...]) -> bytes:
    """Read and join the fragments of one frame."""
    if not fragments:
        raise ends_early(place.name)
    parts = []
    for fragment in fragments:
        part = place.read_at(fragment.offset, fragment.length)
        if len(part) < fragment.length:
            raise ends_early(place.name)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def only_frame(data: bytes, name: str) -> bytes:
    """Give the one frame of pixel data that are in memory, from the offset table on."""
    if len(data) >= 32 and data[:4] == _ITEM_TAG and data[-8:] == _DELIMITER:
        # nearly always: a table, one fragment, the end
        at = 8 + int.from_bytes(data[4:8], "little")
        start = at + 8
        length = int.from_bytes(data[at + 4 : start], "little")
        if data[at : at + 4] == _ITEM_TAG and length and start + length + 8 == len(data):
            return data[start:-8]
    held = Held(name, data)
    return read_frame(held, frames_of(held, 0, 1)[0])
