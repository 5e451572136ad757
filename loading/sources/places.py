"""Where the bytes of one object lie: a file, a member of an archive, an inflated data set.

A place reads at an offset into what it is given. It never trusts a length that is claimed: what
is not there raises a LoadError, and nothing is allocated for it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from loading.errors import CorruptFrame, NotFound, SourceError
from loading.sources.inflation import Inflation

Buffer = npt.NDArray[np.generic] | memoryview | bytearray
HAS_PREADV = hasattr(os, "preadv")
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Readable(Protocol):
    """Bytes with a name."""

    @property
    def name(self) -> str:
        """Give the path for people; never used to open anything."""
        ...

    @property
    def size(self) -> int:
        """Count the bytes."""
        ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Give at most `count` bytes; fewer where the end comes first."""
        ...


class Place(Readable, Protocol):
    """Bytes on a disk or in an archive."""

    @property
    def stamp(self) -> int:
        """Give a number that changes when the bytes change (time of change, check sum)."""
        ...

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill the whole buffer, or raise a LoadError."""
        ...

    def verify(self) -> None:
        """Raise a LoadError when a check sum that comes with the bytes says they are damaged."""
        ...


def ends_early(name: str) -> CorruptFrame:
    """Say that a file is shorter than its header claims."""
    return CorruptFrame("The file ends early", where=name, cure="Copy the file again")


def source_error(error: OSError, name: str) -> SourceError:
    """Turn what the operating system says into an error of ours."""
    if isinstance(error, FileNotFoundError):
        return NotFound("There is no such file", where=name, cure="Was it moved or renamed?")
    reason = error.strerror or type(error).__name__
    return SourceError(f"The file cannot be read ({reason})", where=name)


def open_readonly(path: str) -> int:
    """Open a file for reading and give its descriptor."""
    return os.open(path, _READ_FLAGS)


def refuse_changed(descriptor: int, size: int, stamp: int, name: str) -> None:
    """Raise SourceError where an open file is not the one that was described.

    Its pixels would be read by the header of another. A stamp of 0 says that nobody knows.
    """
    now = os.fstat(descriptor)
    if stamp and (now.st_size != size or now.st_mtime_ns != stamp):
        raise SourceError(
            "The file has changed since it was described", where=name, cure="Open it again"
        )


def fill_from(descriptor: int, offset: int, buffer: Buffer, name: str) -> None:
    """Fill a buffer from a file at an offset; short reads go on, an early end raises."""
    if HAS_PREADV:
        wanted = buffer.nbytes if not isinstance(buffer, bytearray) else len(buffer)
        got = os.preadv(descriptor, [buffer], offset)  # type: ignore[list-item]
        if got == wanted:
            return
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while got < wanted:
            more = os.preadv(descriptor, [view[got:]], offset + got)
            if not more:
                raise ends_early(name)
            got += more
        return
    _fill_by_readinto(descriptor, offset, buffer, name)


def _fill_by_readinto(descriptor: int, offset: int, buffer: Buffer, name: str) -> None:
    """Do the same where preadv does not exist (Windows)."""
    view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        file.seek(offset)
        got = 0
        while got < len(view):
            more = file.readinto(view[got:])
            if not more:
                raise ends_early(name)
            got += more


class LocalFile:
    """A file on a disk, opened for each read: thousands of files never need that many handles."""

    __slots__ = ("name", "size", "stamp")

    def __init__(self, name: str, size: int, stamp: int) -> None:
        self.name = name
        self.size = size
        self.stamp = stamp

    def read_at(self, offset: int, count: int) -> bytes:
        """Give at most `count` bytes from an offset."""
        try:
            descriptor = os.open(self.name, _READ_FLAGS)
            try:
                refuse_changed(descriptor, self.size, self.stamp, self.name)
                return _read_up_to(descriptor, offset, min(count, max(0, self.size - offset)))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise source_error(error, self.name) from error

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill the buffer straight from the file."""
        try:
            descriptor = os.open(self.name, _READ_FLAGS)
            try:
                refuse_changed(descriptor, self.size, self.stamp, self.name)
                fill_from(descriptor, offset, buffer, self.name)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise source_error(error, self.name) from error

    def verify(self) -> None:
        """Accept: files carry no check sum."""


def _read_up_to(descriptor: int, offset: int, count: int) -> bytes:
    parts: list[bytes] = []
    if not HAS_PREADV:
        os.lseek(descriptor, offset, os.SEEK_SET)
    while count > 0:
        most = min(count, 1 << 24)
        part = os.pread(descriptor, most, offset) if HAS_PREADV else os.read(descriptor, most)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        count -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Inflated:
    """A data set that was deflated as a whole (PS3.5 A.5): offsets count inflated bytes."""

    __slots__ = ("_inflation", "_start", "inner")

    def __init__(self, inner: Place, start: int) -> None:
        self.inner = inner
        self._start = start
        self._inflation = Inflation()

    @property
    def name(self) -> str:
        """Give the path of the file."""
        return self.inner.name

    @property
    def size(self) -> int:
        """Give a bound: deflate never makes more than 1032 bytes of one."""
        return self.inner.size * 1032

    @property
    def stamp(self) -> int:
        """Give that of the file."""
        return self.inner.stamp

    def read_at(self, offset: int, count: int) -> bytes:
        """Inflate up to the wanted bytes and give them."""
        whole = self._whole(offset + count)
        if whole is not None:
            return whole[offset : offset + count]
        return self._inflate(offset, count)

    def _whole(self, cost: int) -> bytes | None:
        return self._inflation.whole(cost, 0, lambda most: self._inflate(0, most + 1))

    def _inflate(self, offset: int, count: int) -> bytes:
        parts = inflate_range(self.inner, self._start, self.inner.size, offset, count)
        return b"".join(parts)

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Inflate straight into the buffer; what lies before the offset is thrown away."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        at = 0
        whole = self._whole(offset + len(view))
        if whole is not None:
            parts = iter([whole[offset : offset + len(view)]])
        else:
            parts = inflate_range(self.inner, self._start, self.inner.size, offset, len(view))
        for part in parts:
            view[at : at + len(part)] = part
            at += len(part)
        if at < len(view):
            raise ends_early(self.name)

    def verify(self) -> None:
        """Ask the file that holds the deflated bytes."""
        self.inner.verify()


def inflate_range(inner: Place, start: int, stop: int, offset: int, count: int) -> Iterator[bytes]:
    """Inflate raw deflate bytes of `inner[start:stop]` and give `count` bytes from `offset` on.

    Parts are bounded by 1 MiB, whatever the stream expands to.
    """
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    done = 0
    end = offset + count
    at = start
    try:
        while done < end and not engine.eof:
            feed = engine.unconsumed_tail
            if not feed and at < stop:
                feed = inner.read_at(at, min(1 << 18, stop - at))
                at += len(feed)
            part = engine.decompress(feed, min(1 << 20, end - done))
            if not part and not feed:
                return
            lo, hi = max(offset - done, 0), min(end - done, len(part))
            if lo < hi:
                yield part[lo:hi]
            done += len(part)
    except zlib.error as error:
        raise CorruptFrame(
            "The deflated bytes are damaged", where=inner.name, cure="Copy the file again"
        ) from error
