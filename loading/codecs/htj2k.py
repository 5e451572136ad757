"""Where each resolution of an HTJ2K frame ends, told from its first bytes.

Two ways: the lengths of tile-parts in the main header, when each holds one resolution (TLM,
ISO/IEC 15444-1 A.7.1); or the packet headers themselves (B.10, block lengths as in 15444-15),
walked from the coarsest resolution on, which costs a few blocks for the coarse levels. What is
not of the ordinary shape (one tile, one layer, resolution first) is answered with "not known".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate, islice

from loading.codecs.expected import Expected
from loading.codecs.jpeg2000 import (
    LRCP,
    RLCP,
    RPCL,
    SOD,
    SOT,
    BadHeader,
    MainHeader,
    parse_main_header,
)
from loading.codecs.packets import PacketsEnd, resolution_ends, walk_resolutions

_HEAD = 1024
_MAX_HEAD = 64 << 10


def level_end(read_prefix: Callable[[int], bytes], expected: Expected, level: int) -> int | None:
    """Tell after how many bytes the picture reduced by 2**level is complete; None: not known."""
    head = read_prefix(_HEAD)
    try:
        header = parse_main_header(head)
        if not _is_ordinary(header, expected, level):
            return None
        wanted = header.levels - level
        if len(header.tile_parts) == header.levels + 1:
            return header.first_tile_part + sum(header.tile_parts[: wanted + 1])
        return _end_by_packets(read_prefix, header, head, wanted)
    except BadHeader:
        return None


def level_ends(head: bytes, expected: Expected, finest: int) -> dict[int, int]:
    """Tell where the levels down to a finest one end, as far as the first bytes tell it."""
    ends: dict[int, int] = {}
    try:
        header = parse_main_header(head)
        if not _is_ordinary(header, expected, finest):
            return {}
        if len(header.tile_parts) == header.levels + 1:
            lengths = accumulate(header.tile_parts, initial=header.first_tile_part)
            told: Iterable[int] = islice(lengths, 1, None)
        else:
            start = _data_of_first_tile_part(head, header.first_tile_part)
            told = () if start is None else resolution_ends(head, start, header)
        # what was told before the bytes ended stays
        ends.update(zip(range(header.levels, finest - 1, -1), told, strict=False))
    except (BadHeader, PacketsEnd):
        pass
    return ends


def _is_ordinary(header: MainHeader, expected: Expected, level: int) -> bool:
    return (
        header.high_throughput
        and header.tiles == 1
        and header.layers == 1
        and header.levels >= level
        and header.progression in (LRCP, RLCP, RPCL)
        and len(header.components) == expected.samples == 1
        and (header.rows, header.columns) == (expected.rows, expected.columns)
        and header.origin == (0, 0)
        and not header.unusual
        and not header.per_component
    )


def _end_by_packets(
    read_prefix: Callable[[int], bytes], header: MainHeader, head: bytes, wanted: int
) -> int | None:
    """Walk packet headers; read on while the walk runs beyond what is there."""
    size = _HEAD
    while True:
        start = _data_of_first_tile_part(head, header.first_tile_part)
        if start is None:
            return None
        try:
            return walk_resolutions(head, start, header, wanted)
        except PacketsEnd as end:
            size = max(2 * size, end.wanted + 256)
            if size > _MAX_HEAD:
                return None
            longer = read_prefix(size)
            if len(longer) <= len(head):
                return None
            head = longer


def _data_of_first_tile_part(head: bytes, at: int) -> int | None:
    """Step over SOT and what follows it up to the packets; None when there is another tile-part."""
    if int.from_bytes(head[at : at + 2], "big") != SOT or head[at + 10 : at + 12] not in (
        b"\x00\x01",
        b"\x00\x00",
    ):
        return None
    at += 12
    while at + 4 <= len(head):
        marker = int.from_bytes(head[at : at + 2], "big")
        if marker == SOD:
            return at + 2
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None
