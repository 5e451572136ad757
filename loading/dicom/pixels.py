"""One frame: from its bytes, whatever their encoding, to numbers in a plane of the array."""

from __future__ import annotations

import sys
import threading

import numpy as np
import numpy.typing as npt

from loading import codecs
from loading.dicom import encapsulated, syntaxes
from loading.dicom.encapsulated import Fragment
from loading.dicom.forms import PixelForm, shortage
from loading.dicom.header import Instance
from loading.dicom.values import is_lossy
from loading.errors import CorruptFrame, LoadError
from loading.sources.base import CancelToken
from loading.spec import ValueMap

Plane = npt.NDArray[np.generic]
_AT_ONCE = 64 << 20
_scratch = threading.local()


class FrameIndex:
    """Find the frames of one encapsulated object once, for all who ask."""

    __slots__ = ("_frames", "_instance", "_lock", "form")

    def __init__(self, instance: Instance, form: PixelForm) -> None:
        self._instance = instance
        self.form = form
        self._frames: list[tuple[Fragment, ...]] | None = None
        self._lock = threading.Lock()

    def fragments(self, frame: int) -> tuple[Fragment, ...]:
        """Give the fragments of a frame; the file is walked at the first call."""
        with self._lock:
            if self._frames is None:
                place = self._instance.place
                self._frames = encapsulated.frames_of(
                    place, self._instance.offset, self.form.frames
                )
            return self._frames[frame]


class FramePixels:
    """Read one frame of one instance into a plane.

    Parameters
    ----------
    instance, form
        Header and pixel form of the file.
    frame : int
        Which of its frames.
    index : FrameIndex
        Shared by the frames of one file.
    value_map : ValueMap or None
        When given, meant values are written (float32); otherwise stored ones.
    """

    __slots__ = ("_index", "form", "frame", "instance", "value_map")

    def __init__(
        self,
        instance: Instance,
        form: PixelForm,
        frame: int,
        index: FrameIndex | None,
        value_map: ValueMap | None,
    ) -> None:
        self.instance = instance
        self.form = form
        self.frame = frame
        self._index = index
        self.value_map = value_map

    @property
    def is_encapsulated(self) -> bool:
        """Tell whether the frame is compressed."""
        return syntaxes.is_encapsulated(self.instance.shared.syntax)

    @property
    def is_lossy(self) -> bool:
        """Tell whether the header says that values were lost in compression."""
        return is_lossy(self.instance.shared)

    @property
    def is_plain(self) -> bool:
        """Tell whether the bytes in the file are the bytes in the array."""
        form = self.form
        return (
            self.value_map is None
            and not self.is_encapsulated
            and not self._is_foreign_order
            and not form.has_spare_bits
            and form.allocated > 1
            and not shortage(self.instance, form)
        )

    @property
    def _is_foreign_order(self) -> bool:
        big = self.instance.shared.syntax == syntaxes.EXPLICIT_BIG
        return big == (sys.byteorder == "little") and self.form.allocated > 8

    @property
    def native_span(self) -> tuple[int, int]:
        """Give offset and length of a native frame of whole bytes."""
        length = self.form.frame_bits // 8
        return self.instance.offset + self.frame * length, length

    def check(self) -> None:
        """Hold what can be seen without decoding against the header; raise a LoadError."""
        reason = shortage(self.instance, self.form)
        if reason:
            raise CorruptFrame(f"Not readable: {reason}", where=self.instance.place.name)
        self.instance.place.verify()
        if self.is_encapsulated:
            codecs.inspect(self.instance.shared.syntax, self._encoded(), self._expected())

    def read(self, out: Plane, cancel: CancelToken) -> tuple[int, bool]:
        """Write the frame into `out` (rows, columns); give bytes read and whether it is lossy."""
        reason = shortage(self.instance, self.form)
        if reason:
            raise CorruptFrame(
                f"The slice cannot be read: {reason}",
                where=self.instance.place.name,
                cure="Copy the file again",
            )
        stored = self._target(out)
        if self.is_encapsulated:
            data = self._encoded()
            cancel.check()
            lossy = codecs.decode(self.instance.shared.syntax, data, self._expected(), stored)
            count = len(data)
        else:
            count, lossy = self._read_native(stored), False
        cancel.check()
        self._finish(stored, out)
        return count, lossy or self.is_lossy

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
        codecs.decode_prefix(self.instance.shared.syntax, prefix, self._expected(), stored)
        self._finish(stored, out)
        return len(prefix)

    def _level_end(self, level: int) -> int | None:
        if self.instance.shared.syntax not in syntaxes.HTJ2K_FAMILY or self.form.samples != 1:
            return None
        return codecs.level_end(self._prefix, self._expected(), level)

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
        if self.form.frames == 1 and place.size - start <= _AT_ONCE:
            # One read for table, fragments and delimiter; the items are found in memory.
            return encapsulated.only_frame(place.read_at(start, place.size - start), place.name)
        return encapsulated.read_frame(place, self._fragments())

    def _expected(self) -> codecs.Expected:
        form = self.form
        return codecs.Expected(
            form.rows,
            form.columns,
            form.samples,
            form.allocated,
            form.stored,
            form.signed,
            self.instance.place.name,
        )

    def _target(self, out: Plane) -> Plane:
        """Give the array that stored values go into: the plane itself, or a scratch one."""
        if self.value_map is None and out.dtype == self.form.dtype:
            return out
        return scratch(self.form)

    def _read_native(self, stored: Plane) -> int:
        if self.form.allocated == 1:
            return self._read_bits(stored)
        offset, length = self.native_span
        self.instance.place.read_into(offset, stored)
        if self._is_foreign_order:
            stored.byteswap(inplace=True)
        return length

    def _read_bits(self, stored: Plane) -> int:
        """Unpack a frame of one bit a pixel; frames need not begin at a byte (PS3.5 8.1.1)."""
        first = self.frame * self.form.frame_bits
        last = first + self.form.frame_bits
        count = (last + 7) // 8 - first // 8
        raw = self.instance.place.read_at(self.instance.offset + first // 8, count)
        bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
        bits = bits[first % 8 :][: self.form.frame_bits]
        if len(bits) < self.form.frame_bits:
            raise CorruptFrame("The file ends early", where=self.instance.place.name)
        stored[...] = bits.reshape(stored.shape)
        return count

    def _finish(self, stored: Plane, out: Plane) -> None:
        """Clear spare bits, map to meant values if asked for, and put the result into `out`."""
        if self.form.has_spare_bits:
            clear_spare_bits(stored, self.form)
        if self.value_map is not None:
            meant = stored.astype(np.float64)
            meant *= self.value_map.slope
            meant += self.value_map.intercept
            out[...] = meant
        elif stored is not out:
            out[...] = stored


def clear_spare_bits(stored: Plane, form: PixelForm) -> None:
    """Keep the bits up to High Bit and as many as are stored, with their sign (C.7.6.3.1).

    Old files keep overlays in the spare bits; some writers don't extend the sign.
    """
    up = form.allocated - 1 - form.high
    down = form.allocated - form.stored
    if not form.signed and not up:
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
