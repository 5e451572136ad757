"""What is kept of one file: raw attribute values, parsed when somebody asks, and where pixels lie.

Files of one series share one `Attributes` object, so that what is parsed is parsed once a series.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from typing import NamedTuple

from loading.dicom import tags
from loading.sources.places import Place

UNDEFINED = -1
"""Length of pixel data that end with a delimiter (encapsulated)."""


def numbers(raw: bytes) -> tuple[float, ...]:
    """Parse a decimal string (VR DS, IS); a part that is no number becomes NaN."""
    return _numbers(raw)


@lru_cache(maxsize=4096)
def _numbers(raw: bytes) -> tuple[float, ...]:
    text = raw.strip(b" \0")
    if not text:
        return ()
    return tuple(_number(part) for part in text.split(b"\\"))


def _number(part: bytes) -> float:
    try:
        # Underscores are Python's own; no DICOM writer means them.
        return math.nan if b"_" in part else float(part.strip(b" \0"))
    except ValueError:
        return math.nan


@lru_cache(maxsize=4096)
def _position(raw: bytes) -> tuple[float, float, float] | None:
    """Parse three numbers, once for the many who ask where one slice lies."""
    values = _numbers(raw)
    if len(values) != 3 or not all(map(math.isfinite, values)):
        return None
    return values


class Attributes:
    """Raw values that the files of a series have in common.

    Parameters
    ----------
    syntax : str
        Transfer syntax UID of the file.
    raw : dict of int to bytes
        Values of `tags.SHARED_TAGS` as they stand in the file, little endian; empty ones left out.
    """

    __slots__ = ("_texts", "raw", "syntax")

    def __init__(self, syntax: str, raw: dict[int, bytes]) -> None:
        self.syntax = syntax
        self.raw = raw
        self._texts: dict[int, str] = {}

    def has(self, tag: int) -> bool:
        """Tell whether the attribute is there with a value."""
        return tag in self.raw

    def text(self, tag: int) -> str:
        """Give a code string or UID (ASCII); what is not ASCII becomes a question mark."""
        text = self._texts.get(tag)
        if text is None:
            raw = self.raw.get(tag, b"")
            text = raw.strip(b" \0").decode("ascii", "replace").replace("\ufffd", "?")
            self._texts[tag] = text
        return text

    def words(self, tag: int) -> tuple[str, ...]:
        """Give the values of a code string with several values."""
        text = self.text(tag)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def numbers(self, tag: int) -> tuple[float, ...]:
        """Give the values of a decimal or integer string; NaN where it is no number."""
        return numbers(self.raw.get(tag, b""))

    def binary(self, tag: int, default: int = 0) -> int:
        """Give the first value of a binary unsigned 16-bit attribute."""
        raw = self.raw.get(tag, b"")
        return int(struct.unpack_from("<H", raw)[0]) if len(raw) >= 2 else default

    @property
    def rows(self) -> int:
        """Give the pixels down a column."""
        return self.binary(tags.ROWS)

    @property
    def columns(self) -> int:
        """Give the pixels along a row."""
        return self.binary(tags.COLUMNS)

    @property
    def samples(self) -> int:
        """Give the samples of one pixel."""
        return self.binary(tags.SAMPLES_PER_PIXEL, 1)

    @property
    def frames(self) -> int | None:
        """Give the number of frames, 1 when not said, None when what is said is no count."""
        if not self.has(tags.NUMBER_OF_FRAMES):
            return 1
        values = self.numbers(tags.NUMBER_OF_FRAMES)
        if not values:
            return 1
        count = values[0]
        # VR IS: an integer of at most 31 bits (PS3.5 6.2)
        return int(count) if 1 <= count < 2**31 and count == int(count) else None

    @property
    def modality(self) -> str:
        """Give the modality."""
        return self.text(tags.MODALITY)


class Part(NamedTuple):
    """Say which slice of a file of many an `Instance` stands for.

    Attributes
    ----------
    whole : Instance
        The file as it was read.
    number : int
        Frame, from 0.
    tile : int
        Place on a mosaic, from 0 in reading order; -1 where the frame is the slice.
    stack : str
        Stack ID (0020,9056).
    indices : tuple of int
        Dimension index values that do not say where the slice lies (0020,9157).
    segment : int
        Referenced Segment Number (0062,000B) of a frame of a segmentation, else 0.
    kind : str
        What sets it apart from frames of other kinds at its place, for people.
    """

    whole: Instance
    number: int
    tile: int = -1
    stack: str = ""
    indices: tuple[int, ...] = ()
    segment: int = 0
    kind: str = ""


class Instance(NamedTuple):
    """One slice: shared attributes, its own raw values, and where its pixels are.

    `own` follows `tags.OWN_TAGS`; an attribute that is absent is empty. `offset` is that of the
    pixel value, after its header; `pixel_tag` is 0 where there is none. It is a whole file, or
    that `part` of one.
    """

    place: Place
    shared: Attributes
    own: tuple[bytes, ...]
    pixel_tag: int
    offset: int
    length: int
    part: Part | None = None

    @property
    def frame(self) -> int:
        """Give the number of the frame, from 0."""
        return 0 if self.part is None else self.part.number

    @property
    def file(self) -> Instance:
        """Give the whole file."""
        return self if self.part is None else self.part.whole

    @property
    def within(self) -> tuple[int, int]:
        """Name the slice within its file."""
        return (0, -1) if self.part is None else (self.part.number, self.part.tile)

    def own_raw(self, tag: int) -> bytes:
        """Give the raw value of an attribute that each slice has for itself."""
        return self.own[tags.OWN_AT[tag]]

    def own_numbers(self, tag: int) -> tuple[float, ...]:
        """Give the values of a decimal or integer string of this slice."""
        return numbers(self.own[tags.OWN_AT[tag]])

    def own_text(self, tag: int) -> str:
        """Give a code string, time or UID of this slice."""
        return self.own[tags.OWN_AT[tag]].strip(b" \0").decode("ascii", "replace")

    @property
    def position(self) -> tuple[float, float, float] | None:
        """Give the centre of the first voxel, LPS mm; None when it is not there or no number."""
        return _position(self.own[_POSITION_AT])

    @property
    def instance_number(self) -> float:
        """Give the instance number; infinite when there is none, so that such files come last."""
        values = numbers(self.own[_NUMBER_AT])
        return values[0] if values and math.isfinite(values[0]) else math.inf


_POSITION_AT = tags.OWN_AT[tags.POSITION]
_NUMBER_AT = tags.OWN_AT[tags.INSTANCE_NUMBER]
