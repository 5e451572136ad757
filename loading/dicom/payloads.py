"""Put a frame that has been received, whole or its beginning, into a plane of the array.

The frame's own reader does it, given the bytes in memory instead of a file, so that values come
out as they would from that file.
"""

from __future__ import annotations

import copy
import struct
from dataclasses import replace

import numpy as np

from loading import codecs
from loading.dicom import encapsulated, syntaxes
from loading.dicom.forms import form_of, shortage
from loading.dicom.header import UNDEFINED, Attributes
from loading.dicom.held import Held
from loading.dicom.mosaic import TilePixels
from loading.dicom.pixels import Coding, FrameIndex, FramePixels, Plane, coding_of
from loading.dicom.reader import HeaderReader
from loading.errors import CorruptFrame, UnsupportedTransferSyntax
from loading.sources.base import CancelToken

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0" + bytes(4)


class Payloads:
    """Decode the frames of one volume; what they have in common is worked out once."""

    def __init__(self) -> None:
        self._codings: dict[tuple[int, str], Coding] = {}

    def put(
        self, frame: FramePixels, data: bytes, syntax: str, out: Plane, cancel: CancelToken
    ) -> bool:
        """Write a whole frame into `out` (rows, columns); tell whether values were lost.

        `syntax` is what the sender says that it is, or nothing: then what the header says. Of a
        tile the bytes are those of its mosaic.
        """
        if isinstance(frame, TilePixels):
            reader = self._reader_of(frame.carrier, data, syntax)
            return frame.read_from(reader, out, cancel)[1]
        return self._reader_of(frame, data, syntax).read(out, cancel)[1]

    def _reader_of(self, frame: FramePixels, data: bytes, syntax: str) -> FramePixels:
        """Make a frame's reader one of bytes in memory."""
        coding = self.coding(frame, syntax)
        length = len(data)
        if coding.is_encapsulated:
            fragment = data + b"\0" if length % 2 else data
            head = _ITEM + bytes(4) + _ITEM + struct.pack("<I", len(fragment))
            data, length = b"".join((head, fragment, _END)), UNDEFINED
        elif length != coding.form.native_bytes:
            raise CorruptFrame(
                f"{length} bytes came where the frame has {coding.form.native_bytes}",
                where=frame.instance.place.name,
            )
        shared = frame.instance.shared
        if shared.syntax != coding.syntax:
            shared = Attributes(coding.syntax, shared.raw)
        instance = frame.instance._replace(
            place=Held(frame.instance.place.name, data),
            shared=shared,
            offset=0,
            length=length,
            part=None,
        )
        reader = copy.copy(frame)
        reader.instance, reader.coding, reader.frame = instance, coding, 0
        reader._index = FrameIndex(instance, 1) if coding.is_encapsulated else None
        return reader

    def put_prefix(self, frame: FramePixels, prefix: bytes, syntax: str, out: Plane) -> None:
        """Write the picture that the beginning of a frame gives, at full size, into `out`.

        The caller has cut the prefix where a level ends.
        """
        coding = self.coding(frame, syntax)
        stored = frame._target(out)
        with frame._named():
            codecs.decode_prefix(prefix, coding.expected, stored)
        frame._finish(stored, out)

    def level_ends(
        self, frame: FramePixels, head: bytes, syntax: str, finest: int
    ) -> dict[int, int]:
        """Tell how many bytes hold the pictures reduced by 2**level, as far as `head` tells it."""
        if not self.has_levels(frame, syntax):
            return {}
        return codecs.level_ends(head, self.coding(frame, syntax).expected, finest)

    def has_levels(self, frame: FramePixels, syntax: str) -> bool:
        """Tell whether the beginning of a frame can be a picture of its own."""
        if frame.carrier is not frame or not frame.is_stored:
            return False
        coding = self.coding(frame, syntax)
        return coding.syntax in syntaxes.HTJ2K_FAMILY and not coding.form.is_colour

    def coding(self, frame: FramePixels, syntax: str) -> Coding:
        """Give how a frame is coded when it comes alone, in this syntax."""
        shared = frame.instance.shared
        syntax = syntax or shared.syntax
        key = id(frame.coding), syntax
        known = self._codings.get(key)
        if known is None:
            if syntax not in syntaxes.NAMES:
                raise UnsupportedTransferSyntax(
                    f"Pictures of {syntaxes.name_of(syntax)} cannot be decoded",
                    where=frame.instance.place.name,
                )
            form = replace(frame.coding.form, frames=1)
            known = self._codings[key] = coding_of(Attributes(syntax, shared.raw), form)
        return known


def sniff_syntax(data: bytes, native_bytes: int) -> str:
    """Tell what encoded bytes are by their beginning; empty where it cannot be told.

    Of JPEG and JPEG 2000 one member of the family is named that decodes all the frame may be.
    """
    if data[:4] == b"\xff\x4f\xff\x51":
        # a CAP segment right behind SIZ makes it HTJ2K (ISO/IEC 15444-15)
        behind = 4 + int.from_bytes(data[4:6], "big")
        is_ht = data[behind : behind + 2] == b"\xff\x50"
        return syntaxes.HTJ2K if is_ht else syntaxes.JPEG_2000
    if data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        return syntaxes.JPEG_XL
    if data[:2] == b"\xff\xd8":
        return _JPEGS.get(_frame_marker(data), syntaxes.JPEG_EXTENDED)
    if len(data) == native_bytes:
        return syntaxes.EXPLICIT_LITTLE
    if data[:2] == b"\xff\x0a":  # also the ordinary value 2815
        return syntaxes.JPEG_XL
    count = int.from_bytes(data[:4], "little")
    if len(data) > 64 and 1 <= count <= 15 and data[4:8] == b"\x40\0\0\0":
        return syntaxes.RLE
    return ""


_JPEGS = {
    0xC0: syntaxes.JPEG_BASELINE,
    0xC1: syntaxes.JPEG_EXTENDED,
    0xC3: syntaxes.JPEG_LOSSLESS,
    0xF7: syntaxes.JPEG_LS,
}


def _frame_marker(data: bytes) -> int:
    """Find the start-of-frame marker of a JPEG; 0 when there is none."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return marker
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0


def frame_of_file(data: bytes, number: int, name: str) -> tuple[bytes, str]:
    """Take one frame, counted from 0, out of a Part 10 file: its bytes and transfer syntax.

    Raises
    ------
    LoadError
        When it is no DICOM object, or has no such frame.
    """
    place = Held(name, data)
    instance = HeaderReader().read_place(place)
    if not instance.pixel_tag:
        raise CorruptFrame("The object holds no pixels", where=name)
    shared = instance.shared
    form = form_of(shared, instance.pixel_tag)
    if not 0 <= number < form.frames:
        raise CorruptFrame(f"The object has no frame {number + 1}", where=name)
    if syntaxes.is_encapsulated(shared.syntax):
        fragments = encapsulated.frames_of(instance.place, instance.offset, form.frames)
        return encapsulated.read_frame(instance.place, fragments[number]), shared.syntax
    reason = shortage(instance, form)
    if reason:
        raise CorruptFrame(f"The slice cannot be read: {reason}", where=name)
    return frame_of_plain(
        instance.place.read_at(instance.offset, form.native_bytes), number, form.frame_bits
    ), shared.syntax


def frame_of_plain(pixels: bytes, number: int, frame_bits: int) -> bytes:
    """Cut one frame, counted from 0, out of uncompressed pixels of all frames."""
    if frame_bits % 8:
        first = number * frame_bits
        bits = np.unpackbits(np.frombuffer(pixels, np.uint8), bitorder="little")
        return np.packbits(bits[first : first + frame_bits], bitorder="little").tobytes()
    length = frame_bits // 8
    return pixels[number * length : (number + 1) * length]
