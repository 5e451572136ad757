"""Voxels that lie behind a header or in files beside it, packed or not: for NRRD and MetaImage.

A header names its data files by text. Only names of files in the header's own folder, or below
it, are followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from loading.errors import CorruptFrame
from loading.formats.blocks import (
    BZIP2_RATIO,
    GZIP_RATIO,
    VERIFIED_BYTES,
    Array,
    Blocks,
    Piece,
    PlainBlocks,
    StreamBlocks,
    check_present,
    check_stream,
    inflate,
    read_numbers,
    unpack_bzip2,
)
from loading.formats.planes import BlockReader, FormatSource, Layout
from loading.formats.shelf import Flowing, is_file, place_of
from loading.sources.base import CancelToken
from loading.sources.places import Place
from loading.spec import ValueMap, VolumeSpec

RAW, DEFLATED, BZIP2, TEXT = "raw", "deflated", "bzip2", "text"
MAX_HEADER_BYTES = 1 << 20
MAX_FILES = 1 << 16
_MAX_SKIPPED_BYTES = 1 << 24
_PATTERN = re.compile(r"^[^%]*%0?\d{0,2}[du][^%]*$")

MakeBlocks = Callable[[], Blocks]


def inside(header: str, name: str) -> str:
    """Give the path of a file that a header names, whether or not it is there.

    Raises
    ------
    CorruptFrame
        When the name leads out of the header's folder.
    """
    plain = _plain(name)
    steps = plain.split("/")
    if not plain or plain.startswith("/") or plain[1:2] == ":" or ".." in steps or "\0" in plain:
        raise CorruptFrame(
            "Its data file lies outside its folder, and is not opened",
            where=header,
            cure="Put header and data into one folder",
        )
    return os.path.join(os.path.dirname(header), *steps)  # noqa: PTH118, PTH120


def _plain(name: str) -> str:
    return name.strip().replace("\\", "/")


def beside(header: str, name: str) -> str:
    """Give the path of a data file that a header names (see `inside`); it must be there."""
    path = inside(header, name)
    if not is_file(path):
        shown = "".join(c if c.isprintable() else "?" for c in _plain(name))[:80]
        raise CorruptFrame(f"Its data file {shown} is not there", where=header)
    return path


def numbered(header: str, words: Sequence[str], most: int) -> list[str]:
    """Give the files of a pattern with first, last and step ("name%03d.raw 1 20 1")."""
    pattern = words[0]
    try:
        first, last, step = int(words[1]), int(words[2]), int(words[3]) if len(words) > 3 else 1
        numbers = range(first, last + (1 if step > 0 else -1), step)
    except (ValueError, IndexError) as error:
        raise CorruptFrame("The pattern of its data files is damaged", where=header) from error
    if not _PATTERN.match(pattern):
        raise CorruptFrame("The pattern of its data files is damaged", where=header)
    if not 0 < len(numbers) <= min(most, MAX_FILES):
        raise CorruptFrame(f"It claims {len(numbers)} data files for {most} slices", where=header)
    return [beside(header, pattern % number) for number in numbers]


def skip_lines(place: Place, start: int, count: int) -> int:
    """Give the offset behind so many lines."""
    if not 0 <= count <= _MAX_SKIPPED_BYTES:
        raise CorruptFrame(f"{count} lines to skip are not usable", where=place.name)
    at = start
    while count:
        text = place.read_at(at, 1 << 16)
        if not text or at - start > _MAX_SKIPPED_BYTES:
            raise CorruptFrame("The lines to skip are not there", where=place.name)
        found = -1
        while count and (found := text.find(b"\n", found + 1)) >= 0:
            count -= 1
        at += found + 1 if not count else len(text)
    return at


def blocks_of(
    files: Sequence[Place],
    encoding: str,
    starts: Sequence[int],
    skip: int,
    block_bytes: int,
    count: int,
    stored: np.dtype[np.generic],
) -> MakeBlocks:
    """Hold the claim against the bytes present; give what makes the blocks when they are wanted.

    Parameters
    ----------
    starts : sequence of int
        Where the (packed) bytes begin in each file; -1 where they end with the file.
    skip : int
        Bytes to pass over in each file once they are unpacked.
    """
    first, start, needed = files[0], starts[0], block_bytes * count
    if encoding == RAW and len(files) == 1 and isinstance(first, Flowing):
        check_present(
            first.name, (first.size - needed if start < 0 else start + skip) + needed, first.size
        )
        before = first.size - needed if start < 0 else start + skip
        return partial(StreamBlocks, first.whole, before, block_bytes, count, first.name)
    if encoding == RAW:
        return partial(PlainBlocks, _pieces(files, starts, skip, needed), block_bytes)
    each, rest = divmod(count, len(files))
    if rest:
        raise _uneven(files)
    is_checked = needed <= VERIFIED_BYTES
    streams = [
        _stream(file, encoding, start, skip, block_bytes, each, stored, is_checked=is_checked)
        for file, start in zip(files, starts, strict=True)
    ]
    return streams[0] if len(streams) == 1 else partial(FileBlocks, streams, each)


def _stream(
    place: Place,
    encoding: str,
    start: int,
    skip: int,
    block_bytes: int,
    count: int,
    stored: np.dtype[np.generic],
    *,
    is_checked: bool,
) -> MakeBlocks:
    """Do the same (see `blocks_of`) for one packed file."""
    needed, packed = block_bytes * count, place.size - start
    if encoding == DEFLATED:
        parts, ratio = partial(inflate, place, start), GZIP_RATIO
    elif encoding == BZIP2:
        parts, ratio = partial(unpack_bzip2, place, start), BZIP2_RATIO
    else:
        # a number takes a digit and a space
        check_present(place.name, 2 * (needed // stored.itemsize) - 1, packed)
        parts, ratio = partial(read_numbers, place, start, stored), stored.itemsize
    is_gzip = encoding == DEFLATED and place.read_at(start, 2) == b"\x1f\x8b"
    check_stream(place, parts, skip + needed, packed, ratio, is_gzip=is_gzip, is_checked=is_checked)
    return partial(StreamBlocks, parts, skip, block_bytes, count, place.name)


def _uneven(files: Sequence[Place]) -> CorruptFrame:
    return CorruptFrame(
        f"The voxels cannot be shared out evenly among {len(files)} files", where=files[0].name
    )


class FileBlocks:
    """Blocks in several packed files, so many in each: every file is a stream of its own.

    Parameters
    ----------
    makers : sequence of callable
        Give the blocks of each file.
    each : int
        Blocks in a file.
    """

    def __init__(self, makers: Sequence[MakeBlocks], each: int) -> None:
        self._files = [make() for make in makers]
        self._each = each
        # with one block a file any order is cheap
        self.in_order = each > 1

    def fill(self, block: int, out: Array, cancel: CancelToken) -> None:
        """Unpack from the file that holds the block."""
        self._files[block // self._each].fill(block % self._each, out, cancel)

    def close(self) -> None:
        """Let go of what was kept."""
        for file in self._files:
            file.close()


def _pieces(files: Sequence[Place], starts: Sequence[int], skip: int, needed: int) -> list[Piece]:
    each, rest = divmod(needed, len(files))
    if rest:
        raise _uneven(files)
    pieces = []
    for file, start in zip(files, starts, strict=True):
        offset = file.size - each if start < 0 else start + skip
        check_present(file.name, max(0, offset) + each, file.size if offset >= 0 else 0)
        pieces.append(Piece(file, offset, each))
    return pieces


def source(layout: Layout, value_map: ValueMap, make: MakeBlocks, spec: VolumeSpec) -> FormatSource:
    """Open the source of a volume whose planes are blocks."""
    blocks = make()
    return FormatSource(
        spec, lambda: BlockReader(spec, layout, blocks, value_map), in_order=blocks.in_order
    )


def listed(header: str, names: Sequence[str], most: int) -> list[str]:
    """Give the files of a list, one name a line."""
    if not 0 < len(names) <= min(most, MAX_FILES):
        raise CorruptFrame(f"It lists {len(names)} data files for {most} slices", where=header)
    return [beside(header, name) for name in names]


def header_lines(place: Place) -> bytes:
    """Give the beginning of a file, as far as a header may go."""
    return place.read_at(0, MAX_HEADER_BYTES)


__all__ = [
    "BZIP2",
    "DEFLATED",
    "RAW",
    "TEXT",
    "beside",
    "blocks_of",
    "header_lines",
    "inside",
    "listed",
    "numbered",
    "place_of",
    "skip_lines",
    "source",
]
