"""Members of ZIP archives, read in place: nothing is ever extracted to a disk.

A stored member is a stretch of the archive file; a deflated one is inflated as far as it is
read, a megabyte at a time, so that what a member claims to become costs nothing.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from struct import Struct

from loading.errors import BadResponse, CorruptFrame
from loading.sources.inflation import SMALL_BYTES, Inflation
from loading.sources.places import (
    Buffer,
    LocalFile,
    ends_early,
    inflate_range,
    source_error,
)

MAX_MEMBERS = 1_000_000
_AT_ONCE = 1 << 20
_local = Struct("<4sHHHHHLLLHH").unpack_from
_LOCAL_SIZE = 30
_MAX_INFLATION = 1032
"""Deflate never makes more bytes of one."""


def is_archive(path: str) -> bool:
    """Tell whether a file begins like a ZIP archive."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError:
        return False


def open_archive(path: str) -> Iterator[tuple[Member, str]]:
    """Give the members of an archive, each with the reason why it is passed over, or "".

    Raises
    ------
    BadResponse
        When the archive's directory cannot be read.
    """
    try:
        status = os.stat(path)  # noqa: PTH116
        archive = LocalFile(path, status.st_size, status.st_mtime_ns)
        with zipfile.ZipFile(path) as opened:
            members = opened.infolist()
    except OSError as error:
        raise source_error(error, path) from error
    except Exception as error:  # zipfile raises what it meets: BadZipFile, struct.error, ...
        raise BadResponse(
            "The ZIP archive is damaged", where=path, cure="Copy or download it again"
        ) from error
    if len(members) > MAX_MEMBERS:
        raise BadResponse(f"The archive has {len(members)} members", where=path)
    overlapping = _overlapping(members)
    for number, info in enumerate(members):
        if not info.filename.endswith("/"):
            reason = "it overlaps another member" if number in overlapping else _reason(info)
            yield Member(archive, info), reason


def _overlapping(members: list[zipfile.ZipInfo]) -> set[int]:
    """Find the members that reach into the next one: a thousand can share one bomb."""
    in_order = sorted(range(len(members)), key=lambda number: members[number].header_offset)
    return {
        number
        for number, after in pairwise(in_order)
        if members[number].header_offset + _LOCAL_SIZE + members[number].compress_size
        > members[after].header_offset
    }


def _reason(info: zipfile.ZipInfo) -> str:
    """Say why a member is not read; an empty text when it is."""
    name = info.filename.replace("\\", "/")
    if not name:
        return "it has no name"
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        return "its name climbs out of the archive"
    if info.flag_bits & 1:
        return "it is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is compressed in a way that is not read"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link"
    if name.lower().endswith(".zip"):
        return "an archive inside an archive is not opened"
    if info.file_size > info.compress_size * _MAX_INFLATION + 64:
        return "it claims more bytes than can be in it"
    return ""


class Member:
    """One member of an archive."""

    __slots__ = (
        "_archive",
        "_compressed",
        "_crc",
        "_header",
        "_inflation",
        "_is_whole",
        "_start",
        "_stored",
        "name",
        "size",
    )

    def __init__(self, archive: LocalFile, info: zipfile.ZipInfo) -> None:
        shown = "".join(part if part.isprintable() else "?" for part in info.filename)
        self.name = f"{archive.name}/{shown}"
        self.size = info.file_size
        self._archive = archive
        self._compressed = info.compress_size
        self._crc = info.CRC
        self._header = info.header_offset
        self._stored = info.compress_type == zipfile.ZIP_STORED
        self._start = -1
        self._is_whole = False
        self._inflation: Inflation | None = None

    @property
    def stamp(self) -> int:
        """Give the archive's time of change and the member's check sum."""
        return self._archive.stamp ^ self._crc

    @property
    def is_packed(self) -> bool:
        """Tell whether its bytes must be inflated from the first one on."""
        return not self._stored

    def inflated(self) -> Iterator[bytes]:
        """Give all bytes in parts; after the last one the check sum is compared."""
        start, crc, count = self._begin(), 0, 0
        parts: Iterator[bytes]
        if self._stored:
            parts = (self.read_at(at, _AT_ONCE) for at in range(0, self.size, _AT_ONCE))
        else:
            parts = inflate_range(self._archive, start, start + self._compressed, 0, self.size)
        for part in parts:
            crc, count = zlib.crc32(part, crc), count + len(part)
            if count == self.size:
                self._compare(crc)
            yield part
        if count < self.size:
            raise ends_early(self.name)

    def _begin(self) -> int:
        """Find where the member's bytes begin: behind its local header, which is read once."""
        if self._start < 0:
            raw = self._archive.read_at(self._header, _LOCAL_SIZE)
            if len(raw) < _LOCAL_SIZE:
                raise ends_early(self.name)
            fields = _local(raw)
            if fields[0] != b"PK\x03\x04":
                raise CorruptFrame("The ZIP archive is damaged", where=self.name)
            self._start = self._header + _LOCAL_SIZE + fields[9] + fields[10]
        return self._start

    def read_at(self, offset: int, count: int) -> bytes:
        """Give at most `count` bytes from an offset."""
        count = min(count, max(0, self.size - offset))
        start = self._begin()
        if self._stored:
            return self._archive.read_at(start + offset, count)
        whole = self._whole(offset + count)
        if whole is not None:
            return whole[offset : offset + count]
        parts = inflate_range(self._archive, start, start + self._compressed, offset, count)
        return b"".join(parts)

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill the buffer, once the check sum of all bytes of the member was compared."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        start = self._begin()
        if offset + len(view) > self.size:
            raise ends_early(self.name)
        if self._stored:
            self.verify()
            self._archive.read_into(start + offset, buffer)
            return
        whole = self._whole(self.size)
        if whole is not None:
            view[:] = whole[offset : offset + len(view)]
            return
        self._inflate_all(offset, view)

    def _whole(self, cost: int) -> bytes | None:
        """Give all bytes, once their check sum was compared, where it is worth keeping them."""
        if cost < SMALL_BYTES:
            return None
        if self._inflation is None:
            self._inflation = Inflation()
        return self._inflation.whole(cost, self.size, lambda _: self._inflated())

    def _inflated(self) -> bytes:
        data = bytearray(self.size)
        self._inflate_all(0, memoryview(data))
        return bytes(data)

    def verify(self) -> None:
        """Read the whole member and compare its check sum; what was whole is not read again."""
        if self._is_whole:
            return
        if not self._stored:
            self._inflate_all(0, memoryview(b""))
            return
        crc = 0
        for at in range(0, self.size, _AT_ONCE):
            part = self.read_at(at, _AT_ONCE)
            if not part:
                raise ends_early(self.name)
            crc = zlib.crc32(part, crc)
        self._compare(crc)

    def _compare(self, crc: int) -> None:
        if crc != self._crc:
            raise CorruptFrame(
                "The check sum of a member of the ZIP archive is wrong",
                where=self.name,
                cure="Copy or download the archive again",
            )
        self._is_whole = True

    def _inflate_all(self, offset: int, view: memoryview) -> None:
        start = self._begin()
        at, crc, end = 0, 0, offset + len(view)
        for part in inflate_range(self._archive, start, start + self._compressed, 0, self.size):
            crc = zlib.crc32(part, crc)
            lo, hi = max(offset - at, 0), min(end - at, len(part))
            if lo < hi:
                view[at + lo - offset : at + hi - offset] = part[lo:hi]
            at += len(part)
        if at < self.size:
            raise ends_early(self.name)
        self._compare(crc)
