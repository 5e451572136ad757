"""The main header of a JPEG 2000 or HTJ2K codestream (ISO/IEC 15444-1 Annex A), parsed and judged.

A wrong size or coding style makes native decoders allocate without bound or loop for minutes, so
the header is held against the DICOM attributes before any of them sees it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from struct import Struct
from struct import error as struct_error

from loading.codecs.expected import Expected, Facts, check_size

SOC, SOT, SOD, EOC = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9
CAP, SIZ, COD, COC, TLM, PLM, PLT, QCD, QCC = (
    0xFF50,
    0xFF51,
    0xFF52,
    0xFF53,
    0xFF55,
    0xFF57,
    0xFF58,
    0xFF5C,
    0xFF5D,
)
RGN, POC, PPM, PPT, CRG, COM = 0xFF5E, 0xFF5F, 0xFF60, 0xFF61, 0xFF63, 0xFF64
LRCP, RLCP, RPCL, PCRL, CPRL = range(5)

_segment = Struct(">HH").unpack_from
_tile_part = Struct(">4xHL").unpack_from
_siz = Struct(">HIIIIIIIIH").unpack_from
_cod = Struct(">BBHBBBBBB").unpack_from
_ORDINARY = frozenset({CAP, SIZ, COD, COC, TLM, PLM, QCD, QCC, COM, RGN, CRG})
_PART_2 = frozenset(range(0xFF70, 0xFF80))
"""Segments of ISO/IEC 15444-2 (A.2) that change values: decoders step over them."""
_MAX_TILES = 1024
_MAX_BLOCKS = 1 << 22


@dataclass(slots=True)
class MainHeader:
    """What stands before the first tile-part.

    Attributes
    ----------
    origin, size : tuple of int
        (x, y) of the image area on the reference grid, and its far corner.
    precincts : list of tuple of int
        For each resolution, exponents (x, y) of the precinct size.
    block : tuple of int
        Exponents (x, y) of the code-block size.
    tile_parts : list of int
        Lengths from TLM marker segments, in order.
    lengths_at : list of tuple of int
        Where what these segments hold begins and ends.
    first_tile_part : int
        Offset of the first SOT marker.
    """

    size: tuple[int, int] = (0, 0)
    origin: tuple[int, int] = (0, 0)
    tile: tuple[int, int] = (0, 0)
    tile_origin: tuple[int, int] = (0, 0)
    components: list[tuple[int, int, int]] = field(default_factory=list)
    high_throughput: bool = False
    progression: int = 0
    layers: int = 1
    colour_transform: bool = False
    levels: int = 0
    block: tuple[int, int] = (6, 6)
    block_style: int = 0
    reversible: bool = True
    markers_in_packets: int = 0
    precincts: list[tuple[int, int]] = field(default_factory=list)
    tile_parts: list[int] = field(default_factory=list)
    lengths_at: list[tuple[int, int]] = field(default_factory=list)
    unusual: set[int] = field(default_factory=set)
    per_component: bool = False
    first_tile_part: int = 0

    @property
    def columns(self) -> int:
        """Give the width of the picture."""
        return self.size[0] - self.origin[0]

    @property
    def rows(self) -> int:
        """Give the height of the picture."""
        return self.size[1] - self.origin[1]

    @property
    def depth(self) -> int:
        """Give the bits of a sample (the largest of all components)."""
        return max(bits & 0x7F for bits, _, _ in self.components) + 1

    @property
    def signed(self) -> bool:
        """Tell whether samples carry a sign (A.5.1: the top bit of Ssiz)."""
        return any(bits & 0x80 for bits, _, _ in self.components)

    @property
    def tiles(self) -> int:
        """Count the tiles."""
        if not self.tile[0] or not self.tile[1]:
            return 0
        across = -(-(self.size[0] - self.tile_origin[0]) // self.tile[0])
        down = -(-(self.size[1] - self.tile_origin[1]) // self.tile[1])
        return max(0, across) * max(0, down)


class BadHeader(ValueError):
    """Raise when bytes are not the main header of a codestream; the text says why."""


def parse_main_header(data: bytes) -> MainHeader:
    """Parse up to the first tile-part.

    Raises
    ------
    BadHeader
        When a marker segment is wrong or the header does not end within `data`.
    """
    try:
        return _parse(data)
    except (struct_error, IndexError) as error:
        raise BadHeader("its header ends early") from error


def _parse(data: bytes) -> MainHeader:
    if data[:4] != b"\xff\x4f\xff\x51":
        raise BadHeader("it does not begin like one")
    header = MainHeader()
    at = 2
    seen: set[int] = set()
    while True:
        marker, length = _segment(data, at)
        if marker == SOT:
            header.first_tile_part = at
            break
        if marker < 0xFF00 or length < 2:
            raise BadHeader("its header is damaged")
        body = data[at + 4 : at + 2 + length]
        if len(body) < length - 2:
            raise BadHeader("its header ends early")
        if marker == SIZ:
            _take_siz(header, body)
        elif marker == COD:
            _take_cod(header, body)
        elif marker == CAP:
            # Ccap bit 17 from the left of Pcap marks part 15, high throughput.
            header.high_throughput = bool(int.from_bytes(body[:4], "big") & (1 << 17))
        elif marker == TLM:
            header.tile_parts += _tile_part_lengths(body)
            header.lengths_at.append((at + 4, at + 2 + length))
        elif marker not in _ORDINARY:
            header.unusual.add(marker)
        header.per_component |= marker in (COC, QCC)
        seen.add(marker)
        at += 2 + length
    if not {SIZ, COD, QCD} <= seen:
        raise BadHeader("its header lacks size, coding or quantisation")
    return header


def _take_siz(header: MainHeader, body: bytes) -> None:
    _, x1, y1, x0, y0, tile_x, tile_y, tile_x0, tile_y0, count = _siz(body)
    if x1 <= x0 or y1 <= y0 or not 1 <= count <= 16384 or len(body) < 36 + 3 * count:
        raise BadHeader("its size is damaged")
    header.size, header.origin = (x1, y1), (x0, y0)
    header.tile, header.tile_origin = (tile_x, tile_y), (tile_x0, tile_y0)
    header.components = [
        (body[at], body[at + 1], body[at + 2]) for at in range(36, 36 + 3 * count, 3)
    ]


def _take_cod(header: MainHeader, body: bytes) -> None:
    style, order, layers, transform, levels, block_x, block_y, block_style, wavelet = _cod(body)
    if order > CPRL or levels > 32 or not layers:
        raise BadHeader("its coding style is damaged")
    if block_x > 8 or block_y > 8 or block_x + block_y > 8:
        raise BadHeader("its code-blocks are larger than allowed")
    header.progression, header.layers, header.levels = order, layers, levels
    header.colour_transform = bool(transform)
    header.block, header.block_style = (block_x + 2, block_y + 2), block_style
    header.reversible = wavelet == 1
    header.markers_in_packets = style & 6
    header.precincts = [(15, 15)] * (levels + 1)
    if style & 1:
        sizes = body[10 : 11 + levels]
        if len(sizes) < levels + 1:
            raise BadHeader("its precincts are damaged")
        header.precincts = [(size & 15, size >> 4) for size in sizes]


def _tile_part_lengths(body: bytes) -> list[int]:
    """Read a TLM segment (A.7.1): lengths of tile-parts, with or without tile numbers."""
    if len(body) < 2:
        raise BadHeader("its tile-part lengths are damaged")
    index_bytes, length_bytes = (body[1] >> 4) & 3, 4 if body[1] & 0x40 else 2
    step = index_bytes + length_bytes
    return [
        int.from_bytes(body[at + index_bytes : at + step], "big")
        for at in range(2, len(body) - step + 1, step)
    ]


def is_whole(data: bytes, header: MainHeader) -> bool:
    """Tell whether all tile-parts that are announced lie within the bytes (A.4.2).

    A decoder's silence proves nothing: one shows a picture of half the bytes without a word.
    """
    at, tiles = header.first_tile_part, set()
    while data[at : at + 2] == b"\xff\x90":
        if at + 12 > len(data):
            return False
        tile, length = _tile_part(data, at)
        tiles.add(tile)
        if not length:  # the last tile-part goes on to the end of the codestream
            return b"\xff\xd9" in data.rstrip(b"\0")[-8:]
        if length < 14:
            return False
        at += length
    return at <= len(data) and len(tiles) == header.tiles


def strip_box(data: bytes) -> bytes:
    """Give the codestream inside a JP2 file; some writers put the whole file into the fragment."""
    if data[:12] != b"\x00\x00\x00\x0cjP  \r\n\x87\n":
        return data
    at = 0
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start = at + 8
        if length == 1:
            length, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        if kind == b"jp2c":
            return data[start : at + length] if length else data[start:]
        if length < 8:
            break
        at += length
    return data


def judge(data: bytes, expected: Expected, *, htj2k: bool, prefix: bool = False) -> Facts:
    """Hold a codestream's header against the DICOM attributes.

    Parameters
    ----------
    htj2k : bool
        The transfer syntax is one of HTJ2K.
    prefix : bool
        The bytes are the beginning of the codestream only.

    Raises
    ------
    CorruptFrame
        When it is no codestream, or not the picture that the header promises.
    """
    data = strip_box(data)
    known: _Known | None = getattr(_last, "known", None)
    if known is None or not known.matches(data, expected, htj2k):
        header = _checked(data, expected, htj2k)
        known = _last.known = _Known(data, expected, htj2k, header)
    if not prefix and not is_whole(data, known.header):
        what = "HTJ2K" if htj2k else "JPEG 2000"
        raise expected.corrupt(f"The {what} picture ends early")
    return known.facts


def _checked(data: bytes, expected: Expected, htj2k: bool) -> MainHeader:
    """Parse a main header and hold it against the DICOM attributes."""
    what = "HTJ2K" if htj2k else "JPEG 2000"
    try:
        header = parse_main_header(data)
    except BadHeader as error:
        raise expected.corrupt(f"The frame is no {what} picture: {error}") from error
    check_size(expected, header.rows, header.columns, len(header.components), header.depth, what)
    if any(dx != 1 or dy != 1 for _, dx, dy in header.components):
        raise expected.corrupt(f"The {what} picture has sub-sampled components")
    if not 1 <= header.tiles <= _MAX_TILES:
        raise expected.corrupt(f"The {what} picture claims {header.tiles} tiles")
    if header.unusual & _PART_2:
        raise expected.corrupt(f"The {what} picture has a transform that no decoder here undoes")
    return header


class _Known:
    """A main header that was judged, to recognise the next one of its series.

    Frames of a series differ in the lengths of their tile-parts alone, which say nothing of what
    is judged here. All other bytes up to the first tile-part being equal, so is the judgement.
    """

    __slots__ = ("_expected", "_htj2k", "_same", "facts", "header")

    def __init__(self, data: bytes, expected: Expected, htj2k: bool, header: MainHeader) -> None:
        self._expected, self._htj2k, self.header = expected, htj2k, header
        is_rgb = header.colour_transform and len(header.components) >= 3
        self.facts = Facts(
            not header.reversible,
            header.depth,
            _doubt(header, htj2k),
            not header.signed,
            "rgb" if is_rgb else "",
        )
        edges = [0, *(edge for span in header.lengths_at for edge in span)]
        edges.append(header.first_tile_part + 2)
        self._same = [
            (start, stop, data[start:stop])
            for start, stop in zip(edges[::2], edges[1::2], strict=True)
        ]

    def matches(self, data: bytes, expected: Expected, htj2k: bool) -> bool:
        """Tell whether another frame of the same kind has the same header."""
        if self._expected is not expected or self._htj2k is not htj2k:
            return False
        return all(data[start:stop] == text for start, stop, text in self._same)


_last = threading.local()
"""The header that this thread judged last."""


def _doubt(header: MainHeader, htj2k: bool) -> str:
    """Say what no ordinary encoder of DICOM pictures writes; that is decoded in a child process."""
    if header.unusual:
        return "unusual marker segments"
    if header.layers > 64 or header.levels > 10:
        return f"{header.layers} layers, {header.levels} levels"
    if header.origin != (0, 0) or header.tile_origin != (0, 0):
        return "an image area off the origin"
    if min(header.tile) < 32 and header.tiles > 1:
        return "very small tiles"
    if any(min(size) < 2 for size in header.precincts[1:]):
        return "very small precincts"
    if header.high_throughput != htj2k:
        return "a codestream of the other kind"
    if header.per_component:
        return "styles by component"
    return ""
