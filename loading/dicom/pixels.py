"""One frame: from its bytes, whatever their encoding, to numbers in a plane of the array."""

from __future__ import annotations

import struct
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from loading import codecs
from loading.dicom import encapsulated, syntaxes, tags
from loading.dicom.elements import Damaged, DataSet
from loading.dicom.encapsulated import Fragment
from loading.dicom.forms import PixelForm, shortage
from loading.dicom.header import Attributes, Instance
from loading.dicom.held import Held
from loading.dicom.reader import HeaderReader
from loading.dicom.tables import Table
from loading.dicom.values import Mapping, is_lossy
from loading.dicom.wrapped import unwrapped
from loading.errors import CorruptFrame, LoadError
from loading.sources.base import CancelToken
from loading.sources.places import LocalFile, Place

Plane = npt.NDArray[np.generic]
_AT_ONCE = 64 << 20
_scratch = threading.local()


@dataclass(frozen=True, slots=True)
class Coding:
    """How the frames of files with the same header are stored; worked out once for all of them.

    Attributes
    ----------
    high : int
        Highest bit of a sample in its cell; decoders give numbers, which begin at the lowest.
    is_encapsulated : bool
        Frames come in fragments.
    is_wrapped : bool
        What the fragments hold are native samples, which no codec decodes.
    is_foreign : bool
        Samples are in the byte order of another machine.
    in_words : bool
        Bytes lie in pairs, the second one first: 8 bits in big-endian words (PS3.5 A.3, VR OW).
    is_lossy : bool
        The header says that values were lost in compression.
    is_plain : bool
        The bytes in the file are those in memory.
    """

    form: PixelForm
    high: int
    syntax: str
    is_encapsulated: bool
    is_wrapped: bool
    is_foreign: bool
    in_words: bool
    is_lossy: bool
    is_plain: bool
    expected: codecs.Expected


def coding_of(shared: Attributes, form: PixelForm) -> Coding:
    """Work out how frames are stored."""
    encapsulated_too = syntaxes.is_encapsulated(shared.syntax)
    big = shared.syntax == syntaxes.EXPLICIT_BIG
    foreign = big == (sys.byteorder == "little") and form.allocated > 8
    in_words = big and form.allocated == 8 and shared.has(tags.PIXELS)
    plain = not (
        encapsulated_too or foreign or in_words or form.has_spare_bits or form.allocated == 1
    )
    wrapped = shared.syntax in syntaxes.WRAPPED
    gives_numbers = encapsulated_too and not wrapped and shared.syntax != syntaxes.RLE
    expected = codecs.Expected(
        form.rows, form.columns, form.samples, form.allocated, form.stored, form.signed
    )
    return Coding(
        form=form,
        high=form.stored - 1 if gives_numbers else form.high,
        syntax=shared.syntax,
        is_encapsulated=encapsulated_too,
        is_wrapped=wrapped,
        is_foreign=foreign,
        in_words=in_words,
        is_lossy=is_lossy(shared),
        is_plain=plain,
        expected=expected,
    )


class FrameIndex:
    """Find the frames of one encapsulated object once, for all who ask."""

    __slots__ = ("_count", "_frames", "_instance", "_lock")

    def __init__(self, instance: Instance, count: int) -> None:
        self._instance = instance
        self._count = count
        self._frames: list[tuple[Fragment, ...]] | None = None
        self._lock = threading.Lock()

    def fragments(self, frame: int) -> tuple[Fragment, ...]:
        """Give the fragments of a frame; the file is walked at the first call."""
        with self._lock:
            if self._frames is None:
                instance = self._instance
                self._frames = encapsulated.frames_of(
                    instance.place,
                    instance.offset,
                    self._count,
                    partial(extended_offsets, instance),
                    one_each=instance.shared.syntax in syntaxes.ONE_FRAGMENT,
                )
            if not self._frames[frame]:
                raise CorruptFrame(
                    f"The file ends before frame {frame + 1} is whole",
                    where=self._instance.place.name,
                    cure="Copy the file again",
                )
            return self._frames[frame]


_EXTENDED_OFFSETS = 0x7FE00001


def extended_offsets(instance: Instance) -> Sequence[int]:
    """Read the Extended Offset Table (PS3.3 C.7.6.3.1.8); nothing where there is none."""
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
    try:
        found = data.top((_EXTENDED_OFFSETS,)).get(_EXTENDED_OFFSETS)
        raw = b"" if found is None else data.value(found)
    except Damaged:
        return ()
    return [one[0] for one in struct.iter_unpack("<Q", raw[: len(raw) // 8 * 8])]


class FramePixels:
    """Read one frame of one instance into a plane.

    Parameters
    ----------
    instance : Instance
        Header of the file.
    coding : Coding
        How its frames are stored.
    frame : int
        Which of them.
    index : FrameIndex or None
        Shared by the frames of one file; needed where they are encapsulated.
    value_map : Mapping or None
        When given, meant values are written (float32); otherwise stored ones.
    """

    __slots__ = ("_index", "coding", "frame", "instance", "value_map")

    def __init__(
        self,
        instance: Instance,
        coding: Coding,
        frame: int,
        index: FrameIndex | None,
        value_map: Mapping | None,
    ) -> None:
        self.instance = instance
        self.coding = coding
        self.frame = frame
        self._index = index
        self.value_map = value_map

    @property
    def is_plain(self) -> bool:
        """Tell whether the bytes in the file are the bytes in the array."""
        return (
            self.coding.is_plain
            and self.value_map is None
            and not shortage(self.instance, self.coding.form)
        )

    @property
    def is_stored(self) -> bool:
        """Tell whether there are bytes of it at all; what has none is background."""
        return True

    @property
    def carrier(self) -> FramePixels:
        """Give the frame whose bytes it is in: itself, but for a tile."""
        return self

    @property
    def native_span(self) -> tuple[int, int]:
        """Give offset and length of a native frame of whole bytes."""
        length = self.coding.form.frame_bits // 8
        return self.instance.offset + self.frame * length, length

    def check(self) -> codecs.Facts | None:
        """Hold what can be seen without decoding against the header; raise a LoadError.

        Gives what an encapsulated frame says of itself.
        """
        self._refuse_shortage()
        self.instance.place.verify()
        if self.coding.is_wrapped:
            self._native()
        if self.coding.is_wrapped or not self.coding.is_encapsulated:
            return None
        with self._named():
            return codecs.inspect(self.coding.syntax, self._encoded(), self.coding.expected)

    def read(self, out: Plane, cancel: CancelToken) -> tuple[int, bool]:
        """Write the frame into `out` (rows, columns); give bytes read and whether it is lossy."""
        self._refuse_shortage()
        coding = self.coding
        stored = self._target(out)
        lossy, found = coding.is_lossy, None
        if coding.is_encapsulated and not coding.is_wrapped:
            data = self._encoded()
            cancel.check()
            try:  # what `_named` does, without what entering it costs each frame
                found = codecs.decode(coding.syntax, data, coding.expected, stored)
            except LoadError as error:
                error.where = error.where or self.instance.place.name
                raise
            lossy |= found.lossy
            count = len(data)
        else:
            count = self._read_native(stored)
        cancel.check()
        self._finish(stored, out, found)
        return count, lossy

    def _refuse_shortage(self) -> None:
        reason = shortage(self.instance, self.coding.form)
        if reason and _was_copied_again(self.instance.file):
            reason = shortage(self.instance, self.coding.form)
        if reason:
            raise CorruptFrame(
                f"The slice cannot be read: {reason}",
                where=self.instance.place.name,
                cure="Copy the file again",
            )

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Put the file's name into errors of decoders, which know none."""
        try:
            yield
        except LoadError as error:
            error.where = error.where or self.instance.place.name
            raise

    def has_level(self, level: int) -> bool:
        """Tell whether the bytes of a reduced resolution can be told from the rest."""
        try:
            return self._level_end(level) is not None
        except LoadError:
            return False

    def read_level(self, level: int, out: Plane, cancel: CancelToken) -> int | None:
        """Write a coarse picture of full size into `out`; give the bytes read.

        None when it is not known where the coarse picture ends: then nothing is written.
        """
        end = self._level_end(level)
        if end is None:
            return None
        prefix = self._prefix(end)
        if len(prefix) < end:
            raise CorruptFrame("The file ends early", where=self.instance.place.name)
        cancel.check()
        stored = self._target(out)
        with self._named():
            codecs.decode_prefix(prefix, self.coding.expected, stored)
        self._finish(stored, out)
        return len(prefix)

    def _level_end(self, level: int) -> int | None:
        if self.coding.syntax not in syntaxes.HTJ2K_FAMILY or self.coding.form.samples != 1:
            return None
        return codecs.level_end(self._prefix, self.coding.expected, level)

    def _prefix(self, count: int) -> bytes:
        """Give the first bytes of the codestream."""
        parts: list[bytes] = []
        for fragment in self._fragments():
            part = self.instance.place.read_at(fragment.offset, min(count, fragment.length))
            parts.append(part)
            count -= len(part)
            if count <= 0:
                break
        return b"".join(parts)

    def _fragments(self) -> tuple[Fragment, ...]:
        if self._index is None:
            raise CorruptFrame("There is no frame", where=self.instance.place.name)
        return self._index.fragments(self.frame)

    def _encoded(self) -> bytes:
        place, start = self.instance.place, self.instance.offset
        place.verify()
        if self.coding.form.frames == 1 and place.size - start <= _AT_ONCE:
            # One read for table, fragments and delimiter; the items are found in memory.
            return encapsulated.only_frame(place.read_at(start, place.size - start), place.name)
        return encapsulated.read_frame(place, self._fragments())

    def _target(self, out: Plane) -> Plane:
        """Give the array that stored values go into: the plane itself, or a scratch one."""
        if self.value_map is None and out.dtype == self.coding.form.dtype:
            return out
        return scratch(self.coding.form)

    def _native(self) -> tuple[Place, int, int]:
        """Give where native samples lie: place, offset of the first frame, number of this one."""
        coding, name = self.coding, self.instance.place.name
        if not coding.is_wrapped:
            return self.instance.place, self.instance.offset, self.frame
        length = (coding.form.frame_bits + 7) // 8
        return Held(name, unwrapped(self._encoded(), coding.syntax, length, name)), 0, 0

    def _read_native(self, stored: Plane) -> int:
        place, start, frame = self._native()
        if self.coding.form.allocated == 1:
            return self._read_bits(place, start, frame, stored)
        length = self.coding.form.frame_bits // 8
        if self.coding.in_words:
            return self._read_words(stored, length)
        place.read_into(start + frame * length, stored)
        if self.coding.is_foreign:
            stored.byteswap(inplace=True)
        return length

    def _read_words(self, stored: Plane, length: int) -> int:
        """Read bytes that lie in words, the second one first; a frame may begin inside of one."""
        begin = self.frame * length
        first, last = begin // 2, (begin + length + 1) // 2
        words = np.empty(last - first, np.uint16)
        self.instance.place.read_into(self.instance.offset + 2 * first, words)
        skip = begin - 2 * first
        mine = words.byteswap().view(stored.dtype)[skip : skip + length]
        stored[...] = mine.reshape(stored.shape)
        return length

    def _read_bits(self, place: Place, start: int, frame: int, stored: Plane) -> int:
        """Unpack a frame of one bit a pixel; frames need not begin at a byte (PS3.5 8.1.1)."""
        first = frame * self.coding.form.frame_bits
        last = first + self.coding.form.frame_bits
        count = (last + 7) // 8 - first // 8
        raw = place.read_at(start + first // 8, count)
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        bits = bits[first % 8 :][: self.coding.form.frame_bits]
        if len(bits) < self.coding.form.frame_bits:
            raise CorruptFrame("The file ends early", where=self.instance.place.name)
        stored[...] = bits.reshape(stored.shape)
        return count

    def _finish(self, stored: Plane, out: Plane, found: codecs.Facts | None = None) -> None:
        """Clear spare bits, map to meant values if asked for, and put the result into `out`."""
        if self.coding.form.has_spare_bits:
            clear_spare_bits(stored, self.coding.form, self.coding.high)
        self.deliver(stored, out)

    def deliver(self, stored: Plane, out: Plane) -> None:
        """Put stored values into `out`, mapped to meant ones if asked for."""
        if isinstance(self.value_map, Table):
            out[...] = self.value_map.meant(stored)
        elif self.value_map is not None:
            meant = stored.astype(np.float64)
            meant *= self.value_map.slope
            meant += self.value_map.intercept
            out[...] = meant
        elif stored is not out:
            out[...] = stored


def _was_copied_again(file: Instance) -> bool:
    """Look whether a file that was too short is another size now, and take that over.

    Its header has to be the one that was read: another slice must not get into this one's place.
    """
    place = file.place
    if not isinstance(place, LocalFile):
        return False
    now = HeaderReader().read_file(place.name)
    if now.place.size == place.size or now[2:] != file[2:] or now.shared.raw != file.shared.raw:
        return False
    place.size, place.stamp = now.place.size, now.place.stamp
    return True


def clear_spare_bits(stored: Plane, form: PixelForm, high: int) -> None:
    """Keep the bits up to `high` and as many as are stored, with their sign (C.7.6.3.1).

    Old files keep overlays in the spare bits; some writers don't extend the sign.
    """
    up = form.allocated - 1 - high
    down = form.allocated - form.stored
    if not form.signed and high == form.stored - 1:
        mask = stored.dtype.type((1 << form.stored) - 1)
        np.bitwise_and(stored, mask, out=stored)
        return
    if up:
        np.left_shift(stored, stored.dtype.type(up), out=stored)
    # A shift to the right extends the sign of a signed type and fills an unsigned one with zeros.
    np.right_shift(stored, stored.dtype.type(down), out=stored)


def scratch(form: PixelForm) -> Plane:
    """Give this thread's scratch plane for a form; it is used again for the next frame."""
    key = (form.frame_shape, form.dtype)
    held: tuple[object, Plane] | None = getattr(_scratch, "held", None)
    if held is None or held[0] != key:
        held = _scratch.held = (key, np.empty(form.frame_shape, form.dtype))
    return held[1]
