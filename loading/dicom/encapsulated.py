"""Find the frames in encapsulated pixel data (PS3.5 A.4): item by item, nothing believed.

Offsets in the Basic Offset Table are used only to find which fragments make a frame; every
fragment's length is held against the bytes that are there.
"""

from __future__ import annotations

from itertools import pairwise
from struct import Struct
from typing import NamedTuple

from loading.errors import CorruptFrame
from loading.sources.places import Readable, ends_early

_ITEM = 0xFFFEE000
_END = 0xFFFEE0DD
_WINDOW = 1 << 16
MAX_ITEMS = 1 << 20
"""More fragments than any object in use has; eight bytes in the file cost a hundred here."""
_HEADERS = 64
_header = Struct("<HHL").unpack_from


class Fragment(NamedTuple):
    """One item of pixel data: where its value begins and how long it is."""

    offset: int
    length: int


def frames_of(place: Readable, offset: int, count: int) -> list[tuple[Fragment, ...]]:
    """Give the fragments of each frame.

    Parameters
    ----------
    place : Readable
    offset : int
        Where the pixel value begins (its first item is the offset table).
    count : int
        Number of frames that the header claims.

    Raises
    ------
    CorruptFrame
        When the items do not add up to that many frames, or end early.
    """
    items = _items(place, offset)
    if not items:
        raise _no_fragments(place)
    table, fragments = items[0], [item for item in items[1:] if item.length]
    if not fragments:
        raise _no_fragments(place)
    if count == 1:
        return [tuple(fragments)]
    if len(fragments) == count:
        return [(fragment,) for fragment in fragments]
    by_table = _by_table(place, table, items[1:], count)
    if by_table is not None:
        return by_table
    by_start = _by_start(place, fragments)
    if len(by_start) == count:
        return by_start
    raise CorruptFrame(
        f"{len(fragments)} fragments do not divide into {count} frames", where=place.name
    )


def _no_fragments(place: Readable) -> CorruptFrame:
    return CorruptFrame("There is no fragment of pixel data", where=place.name)


def _items(place: Readable, offset: int) -> list[Fragment]:
    """Walk the items up to the delimiter, or to the end of the file where there is none."""
    items: list[Fragment] = []
    at = offset
    window, window_at = b"", 0
    while True:
        if not window_at <= at <= window_at + len(window) - 8:
            # Behind a fragment longer than a window the next header alone is worth reading.
            is_long = items and items[-1].length > _WINDOW
            window, window_at = place.read_at(at, _HEADERS if is_long else _WINDOW), at
            if len(window) < 8:
                return items
        group, element, length = _header(window, at - window_at)
        tag = group << 16 | element
        if tag == _END:
            return items
        if tag != _ITEM:
            raise CorruptFrame("The fragments of the pixel data are damaged", where=place.name)
        if at + 8 + length > place.size:
            raise ends_early(place.name)
        if len(items) == MAX_ITEMS:
            raise CorruptFrame("There are more fragments than are read", where=place.name)
        items.append(Fragment(at + 8, length))
        at += 8 + length


def _by_table(
    place: Readable, table: Fragment, fragments: list[Fragment], count: int
) -> list[tuple[Fragment, ...]] | None:
    """Use the Basic Offset Table where each entry names the beginning of a fragment."""
    if table.length != 4 * count or not fragments:
        return None
    raw = place.read_at(table.offset, table.length)
    if len(raw) < table.length:
        return None
    base = fragments[0].offset - 8
    starts = [base + int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4)]
    at_fragment = {fragment.offset - 8: number for number, fragment in enumerate(fragments)}
    numbers = [at_fragment.get(start, -1) for start in starts]
    if numbers[0] != 0 or any(a >= b for a, b in pairwise(numbers)):
        return None
    ends = [*numbers[1:], len(fragments)]
    return [tuple(fragments[lo:hi]) for lo, hi in zip(numbers, ends, strict=True)]


def _by_start(place: Readable, fragments: list[Fragment]) -> list[tuple[Fragment, ...]]:
    """Begin a new frame where a fragment begins like a codestream (JPEG's SOI, JPEG 2000's SOC)."""
    frames: list[list[Fragment]] = []
    for fragment in fragments:
        head = place.read_at(fragment.offset, 3)
        if head in (b"\xff\xd8\xff", b"\xff\x4f\xff") or not frames:
            frames.append([])
        frames[-1].append(fragment)
    return [tuple(frame) for frame in frames]


def read_frame(place: Readable, fragments: tuple[Fragment, ...]) -> bytes:
    """Read and join the fragments of one frame."""
    parts = []
    for fragment in fragments:
        part = place.read_at(fragment.offset, fragment.length)
        if len(part) < fragment.length:
            raise ends_early(place.name)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def only_frame(data: bytes, name: str) -> bytes:
    """Give the one frame of pixel data that are in memory, from the offset table on."""
    held = _Held(data, name)
    return read_frame(held, frames_of(held, 0, 1)[0])


class _Held:
    """Bytes in memory, read like a file."""

    __slots__ = ("_data", "name", "size")

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self.name = name
        self.size = len(data)

    def read_at(self, offset: int, count: int) -> bytes:
        return self._data[offset : offset + count]
