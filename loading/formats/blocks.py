"""Bytes in blocks of one size: read in place, or out of a compressed stream as it goes by.

A stream can only be read from its beginning. The blocks that it passes on the way to the one
that is wanted are kept until they are asked for, up to a bound; whoever asks for one that was
dropped has it read from the beginning again.
"""

from __future__ import annotations

import bz2
import os
import threading
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from loading.errors import CorruptFrame
from loading.sources.base import CancelToken
from loading.sources.places import (
    HAS_PREADV,
    LocalFile,
    Place,
    ends_early,
    fill_from,
    open_readonly,
    refuse_changed,
    source_error,
)

PART_BYTES = 1 << 20
"""Inflated at once: bounds memory and the time until a cancel is heard."""
KEPT_BYTES = 64 << 20
"""Blocks that went by and were not asked for yet."""
GZIP_RATIO = 1032
"""Deflate never makes more bytes of one."""
BZIP2_RATIO = 50_000
VERIFIED_BYTES = 64 << 20
"""Streams of up to this many bytes are read through once where their length is in doubt."""
_FEED_BYTES = 1 << 18

Array = npt.NDArray[np.generic]
Parts = Callable[[], Iterator[bytes]]


class Blocks(Protocol):
    """Bytes in blocks of one size; `in_order` when only one after the other is cheap."""

    in_order: bool

    def fill(self, block: int, out: Array, cancel: CancelToken) -> None:
        """Fill `out`, C-contiguous and of the size of a block."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class Piece(NamedTuple):
    """A stretch of a file."""

    place: Place
    offset: int
    length: int


class _OpenFile:
    """A file that stays open as long as somebody holds this.

    It is never closed by hand: a thread that is still reading must not find another file under
    the same number.
    """

    def __init__(self, path: str) -> None:
        self.number = open_readonly(path)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            os.close(self.number)


class PlainBlocks:
    """Blocks that lie in files as they are, one piece behind the other.

    A volume in one file has it open between reads; of many files each is opened for its read.
    """

    in_order = False

    def __init__(self, pieces: Sequence[Piece], block_bytes: int) -> None:
        self._pieces = pieces
        self._block_bytes = block_bytes
        ends = np.cumsum([piece.length for piece in pieces], dtype=np.int64).tolist()
        self._starts = [0, *ends[:-1]]
        self._can_stay_open = HAS_PREADV and len(pieces) == 1
        self._file: _OpenFile | None = None

    def _read(self, piece: Piece, within: int, out: Array) -> None:
        if not self._can_stay_open or not isinstance(piece.place, LocalFile):
            piece.place.read_into(piece.offset + within, out)
            return
        path = piece.place.name
        try:
            file = self._file or _OpenFile(path)
            self._file = file
            refuse_changed(file.number, piece.place.size, piece.place.stamp, path)
            fill_from(file.number, piece.offset + within, out, path)
        except OSError as error:
            raise source_error(error, path) from error

    def fill(self, block: int, out: Array, cancel: CancelToken) -> None:
        """Read a block straight from where it lies."""
        at = block * self._block_bytes
        number = bisect_right(self._starts, at) - 1
        piece, within = self._pieces[number], at - self._starts[number]
        if within + self._block_bytes <= piece.length:
            self._read(piece, within, out)
            return
        view = memoryview(out).cast("B")  # type: ignore[arg-type]
        done = 0
        while done < len(view):
            if number >= len(self._pieces):
                raise ends_early(piece.place.name)
            piece = self._pieces[number]
            within = at + done - self._starts[number]
            count = min(len(view) - done, piece.length - within)
            piece.place.read_into(piece.offset + within, view[done : done + count])
            done += count
            number += 1

    def close(self) -> None:
        """Let go of the file."""
        self._file = None


class StreamBlocks:
    """Blocks out of a stream that is read once, in its order.

    Parameters
    ----------
    parts : callable
        Starts the stream anew and gives its bytes in parts.
    skip : int
        Bytes before the first block.
    block_bytes, count : int
        Size and number of the blocks.
    name : str
        For messages.
    """

    in_order = True

    def __init__(self, parts: Parts, skip: int, block_bytes: int, count: int, name: str) -> None:
        self._parts = parts
        self._skip = skip
        self._block_bytes = block_bytes
        self._count = count
        self._name = name
        self._lock = threading.Lock()
        self._kept: dict[int, bytes] = {}
        self._stream: Iterator[bytes] | None = None
        self._rest = memoryview(b"")
        self._next = 0

    def fill(self, block: int, out: Array, cancel: CancelToken) -> None:
        """Read on until the block has gone by."""
        view = memoryview(out).cast("B")  # type: ignore[arg-type]
        with self._lock:
            cancel.check()
            kept = self._kept.pop(block, None)
            if kept is not None:
                view[:] = kept
                return
            try:
                self._advance_to(block, cancel)
                self._take(view, cancel)
                self._next = block + 1
                if self._next == self._count:
                    self._finish()
            except BaseException:
                # what was half read is lost: the next one begins again
                self._stream = None
                raise

    def _advance_to(self, block: int, cancel: CancelToken) -> None:
        if self._stream is None or block < self._next:
            self._stream, self._rest, self._next = self._parts(), memoryview(b""), 0
            self._take(memoryview(bytearray(min(self._skip, PART_BYTES))), cancel, self._skip)
        room = max(1, KEPT_BYTES // self._block_bytes)
        while self._next < block:
            passed = bytearray(self._block_bytes)
            self._take(memoryview(passed), cancel)
            self._kept[self._next] = bytes(passed)
            if len(self._kept) > room:
                del self._kept[min(self._kept)]
            self._next += 1

    def _take(self, view: memoryview, cancel: CancelToken, count: int | None = None) -> None:
        """Move bytes of the stream into a view; with a count larger than it, over and over."""
        left = len(view) if count is None else count
        at = 0
        while left:
            if not self._rest:
                cancel.check()
                part = next(self._stream, b"") if self._stream is not None else b""
                if not part:
                    raise ends_early(self._name)
                self._rest = memoryview(part)
            moved = min(left, len(self._rest), len(view) - at)
            view[at : at + moved] = self._rest[:moved]
            self._rest = self._rest[moved:]
            left -= moved
            at = 0 if count is not None else at + moved

    def _finish(self) -> None:
        """Read what is behind the last block, so that a check sum at the end is compared."""
        for number, _ in enumerate(self._stream or ()):
            if number >= 16:
                break
        self._stream, self._rest = None, memoryview(b"")

    def close(self) -> None:
        """Let go of what was kept."""
        with self._lock:
            self._kept.clear()
            self._stream = None
            self._rest = memoryview(b"")


def inflate(place: Place, start: int, length: int | None = None) -> Iterator[bytes]:
    """Give the bytes of a gzip or zlib stream, gzip members one behind the other.

    Raises
    ------
    CorruptFrame
        When the stream is damaged, its check sum is wrong, or it ends before its end.
    """
    at, stop = start, place.size if length is None else min(place.size, start + length)
    engine = zlib.decompressobj(zlib.MAX_WBITS | 32)
    feed = b""
    try:
        while True:
            if not feed:
                feed = place.read_at(at, min(_FEED_BYTES, stop - at))
                at += len(feed)
                if not feed:
                    break
            part = engine.decompress(feed, PART_BYTES)
            feed = engine.unconsumed_tail
            if part:
                yield part
            if engine.eof:
                more = place.read_at(at, min(_FEED_BYTES, stop - at))
                at += len(more)
                feed = engine.unused_data + more
                if feed[:2] != b"\x1f\x8b":
                    return
                engine = zlib.decompressobj(zlib.MAX_WBITS | 32)
        while part := engine.decompress(b"", PART_BYTES):
            yield part
    except zlib.error as error:
        raise _damaged(place) from error
    if not engine.eof:
        raise ends_early(place.name)


def unpack_bzip2(place: Place, start: int) -> Iterator[bytes]:
    """Give the bytes of bzip2 streams one behind the other (see `inflate`)."""
    at, engine = start, bz2.BZ2Decompressor()
    feed = b""
    try:
        while True:
            if engine.needs_input and not feed:
                feed = place.read_at(at, _FEED_BYTES)
                at += len(feed)
                if not feed:
                    raise ends_early(place.name)
            part = engine.decompress(feed, PART_BYTES)
            feed = b""
            if part:
                yield part
            if engine.eof:
                more = place.read_at(at, _FEED_BYTES)
                at += len(more)
                feed = engine.unused_data + more
                if feed[:3] != b"BZh":
                    return
                engine = bz2.BZ2Decompressor()
    except (OSError, EOFError, ValueError) as error:
        raise _damaged(place) from error


def read_numbers(place: Place, start: int, dtype: np.dtype[np.generic]) -> Iterator[bytes]:
    """Give numbers written as text, as bytes of a type."""
    at, rest = start, b""
    while True:
        text = place.read_at(at, _FEED_BYTES)
        at += len(text)
        whole, rest = _up_to_space(rest + text) if text else (rest, b"")
        words = whole.split()
        if len(rest) > 400:
            raise CorruptFrame("The numbers of the text are damaged", where=place.name)
        if words:
            try:
                yield np.array(words, np.float64).astype(dtype).tobytes()
            except ValueError as error:
                raise CorruptFrame(
                    "The numbers of the text are damaged", where=place.name
                ) from error
        if not text:
            return


def _up_to_space(text: bytes) -> tuple[bytes, bytes]:
    """Cut text behind its last white space, so that no number is cut."""
    for at in range(len(text) - 1, -1, -1):
        if text[at] in b" \t\r\n":
            return text[:at], text[at + 1 :]
    return b"", text


def check_present(name: str, needed: int, present: int) -> None:
    """Refuse a header that claims more bytes than there are."""
    if needed > present:
        raise CorruptFrame(
            f"The header claims {needed} bytes, {max(0, present)} are there",
            where=name,
            cure="Copy the file again",
        )


def check_stream(
    place: Place,
    parts: Parts,
    needed: int,
    packed: int,
    ratio: int,
    *,
    is_gzip: bool = False,
    is_checked: bool = True,
) -> None:
    """Refuse a stream that cannot, or does not, hold the bytes that a header claims.

    A gzip file says its length at its end. Where that is another one (it was cut, or has several
    members) a short stream is read through once, without keeping anything; a long one, or one that
    need not be checked, is left to the reading, which marks the slices that are not there.
    """
    if needed > packed * ratio + 1024:
        raise CorruptFrame(
            f"The header claims {needed} bytes, more than can be packed into {packed}",
            where=place.name,
            cure="Copy the file again",
        )
    if is_gzip and int.from_bytes(place.read_at(place.size - 4, 4), "little") == needed % (1 << 32):
        return
    if needed > VERIFIED_BYTES or not is_checked:
        return
    have = 0
    for part in parts():
        have += len(part)
        if have >= needed:
            return
    raise ends_early(place.name)


def _damaged(place: Place) -> CorruptFrame:
    return CorruptFrame(
        "The compressed bytes are damaged: any of its slices may be wrong",
        where=place.name,
        cure="Copy the file again",
    )
