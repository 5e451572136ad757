"""Where the formats find files by path: on the disk, or among the members of archives.

A header names files beside it by path, and a stack is the pictures of one folder. While files are
described, the readable members of archives stand on a shelf under the path of the archive and their
name, so that a reader need not know where it reads. A path leads to a member that stands there or
to a file, never through an archive that was not asked for.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

from loading import memory
from loading.errors import TooLarge
from loading.sources.archives import Member
from loading.sources.places import Buffer, LocalFile, Place, ends_early, source_error

FLOWING_BYTES = 1 << 20
"""A packed member up to this size is inflated for each read; longer ones flow by once."""

_members: ContextVar[Mapping[str, Member]] = ContextVar("members", default={})  # noqa: B039


@contextmanager
def members_on(members: Mapping[str, Member]) -> Iterator[None]:
    """Let these members be found by their names until the block ends."""
    token = _members.set(members)
    try:
        yield
    finally:
        _members.reset(token)


def place_of(path: str) -> Place:
    """Give a file or a member as a place of bytes, with its size."""
    member = _members.get().get(path)
    if member is not None:
        return Flowing(member) if member.is_packed and member.size > FLOWING_BYTES else member
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise source_error(error, path) from error
    return LocalFile(path, status.st_size, status.st_mtime_ns)


def is_file(path: str) -> bool:
    """Tell whether there is a file or a member of this path."""
    return path in _members.get() or os.path.isfile(path)  # noqa: PTH113


def names_in(folder: str) -> list[str]:
    """Name the files of a folder, or of a folder in an archive; none where it cannot be read."""
    begin = f"{folder}/"
    found = [name[len(begin) :] for name in _members.get() if name.startswith(begin)]
    if found:
        return [name for name in found if "/" not in name]
    try:
        return os.listdir(folder or ".")  # noqa: PTH208
    except OSError:
        return []


class Flowing:
    """A packed member that is read from its beginning to its end, once, as far as is wanted.

    Whoever reads behind what was read before has all before it thrown away; whoever reads before it
    begins anew. The check sum is compared when the end goes by.
    """

    in_order = True

    def __init__(self, member: Member) -> None:
        self._member = member
        self._lock = threading.Lock()
        self._parts: Iterator[bytes] = iter(())
        self._rest = b""
        self._at = -1

    @property
    def name(self) -> str:
        """Give the path for people."""
        return self._member.name

    @property
    def size(self) -> int:
        """Count the inflated bytes."""
        return self._member.size

    @property
    def stamp(self) -> int:
        """Give that of the member."""
        return self._member.stamp

    def read_at(self, offset: int, count: int) -> bytes:
        """Give at most `count` bytes from an offset."""
        count = min(count, max(0, self.size - offset))
        with self._lock:
            if self._at < 0 or offset < self._at:
                self._parts, self._rest, self._at = self._member.inflated(), b"", 0
            parts: list[bytes] = []
            while count > 0:
                if not self._rest:
                    self._rest = next(self._parts, b"")
                    if not self._rest:
                        break
                skipped = min(len(self._rest), offset - self._at)
                part = self._rest[skipped : skipped + count]
                used = skipped + len(part)
                self._rest, self._at = self._rest[used:], self._at + used
                if part:
                    parts.append(part)
                    offset, count = offset + len(part), count - len(part)
            return b"".join(parts)

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill the buffer."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        found = self.read_at(offset, len(view))
        if len(found) < len(view):
            raise ends_early(self.name)
        view[:] = found

    def verify(self) -> None:
        """Compare the check sum of the member."""
        self._member.verify()

    def whole(self) -> Iterator[bytes]:
        """Give all bytes from the beginning, in parts; the check sum is compared at the end."""
        return self._member.inflated()


class PlaceFile(io.RawIOBase):
    """Let a library that wants a file read from a place."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._at = 0
        self.name = place.name

    @cached_property
    def _bytes(self) -> bytearray | None:
        """Hold what can only be read from its beginning; None for what can be read anywhere."""
        place = self._place
        place.verify()
        if isinstance(place, LocalFile) or (isinstance(place, Member) and not place.is_packed):
            return None
        room = memory.free_bytes() - memory.RESERVE_BYTES
        if place.size > room:
            raise TooLarge(
                f"Unpacking it needs {memory.human_bytes(place.size)}, "
                f"{memory.human_bytes(max(0, room))} are free",
                where=place.name,
                cure="Unpack the archive",
            )
        found = bytearray(place.size)
        place.read_into(0, found)
        return found

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read anywhere."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to an offset."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._place.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Buffer) -> int:  # type: ignore[override]
        """Fill as much of the buffer as there is."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        held, found = self._bytes, b""
        if held is None:
            found = self._place.read_at(self._at, len(view))
        else:
            found = bytes(held[self._at : self._at + len(view)])
        view[: len(found)] = found
        self._at += len(found)
        return len(found)
