"""One frame: from its file to the bytes that are published, proven before they are kept."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from loading import codecs
from loading.codecs.encode import (
    HTJ2K,
    JPEG_LS,
    Encoding,
    has_colour_transform,
    is_progressive,
)
from loading.dicom import encapsulated, syntaxes, tags
from loading.dicom.colour import TRANSFORMED
from loading.dicom.forms import PixelForm, Refused, form_of, shortage
from loading.dicom.header import Attributes, Instance
from loading.dicom.json_model import Elements
from loading.dicom.pixels import Coding, FrameIndex, FramePixels, coding_of
from loading.errors import CorruptFrame, LoadError
from loading.publish.tree import Tree, envelope, read_or_none, unwrap
from loading.sources.base import CancelToken

Frame = npt.NDArray[np.generic]

_JPEGS = (
    syntaxes.JPEG_BASELINE,
    syntaxes.JPEG_EXTENDED,
    syntaxes.JPEG_SPECTRAL,
    syntaxes.JPEG_PROGRESSIVE,
)
_PHOTOMETRICS = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL"})
_scratch = threading.local()


class CannotEncode(CorruptFrame):
    """Raise when an encoding does not give back what it was given, or refuses it."""


@dataclass(slots=True)
class Written:
    """What has been written of one rendition of some frames.

    Attributes
    ----------
    depth : int
        Bits of a sample in the codestream, 0 where it is as it was.
    raw, encoded : int
        Bytes before and after.
    error : int
        Largest difference of a value.
    """

    syntax: str = ""
    photometric: str = ""
    depth: int = 0
    raw: int = 0
    encoded: int = 0
    error: int = 0
    shape: tuple[int, ...] = ()

    def add(self, other: Written) -> None:
        """Count the frames of another one as well."""
        self.syntax, self.photometric = other.syntax, other.photometric
        self.depth = max(self.depth, other.depth)
        self.raw += other.raw
        self.encoded += other.encoded
        self.error = max(self.error, other.error)
        self.shape = other.shape


@dataclass(slots=True)
class ImageFile:
    """The frames of one instance, and what may be done with them.

    Attributes
    ----------
    photometric : str
        What decoded samples are.
    coded : str
        What the codestreams hold, whatever the file calls it.
    can_decode : bool
        Decoded values mean what the header says, and are all that there is.
    """

    instance: Instance
    form: PixelForm
    coding: Coding
    index: FrameIndex | None
    photometric: str = ""
    coded: str = ""
    can_decode: bool = False
    fragments: list[tuple[encapsulated.Fragment, ...]] = field(default_factory=list)

    @property
    def syntax(self) -> str:
        """Give the transfer syntax of the file."""
        return self.instance.shared.syntax

    @property
    def pixel_vr(self) -> str:
        """Give the VR of the pixel value."""
        if self.form.real:
            return "OF" if self.form.allocated == 32 else "OD"
        return "OB" if self.fragments else "OW"

    def read(self, number: int, out: Frame) -> None:
        """Decode a frame into `out`: samples as they were coded."""
        frame = FramePixels(self.instance, self.coding, number, self.index, None)
        frame.read(out, CancelToken())

    def raw(self, number: int) -> bytes:
        """Give a frame as it stands in the file; native ones little endian, from a whole byte."""
        if self.fragments:
            return encapsulated.read_frame(self.instance.place, self.fragments[number])
        form = self.form
        if form.allocated == 1:
            bits = np.empty(form.frame_shape, form.dtype)
            self.read(number, bits)
            return np.packbits(bits.reshape(-1).astype(np.uint8), bitorder="little").tobytes()
        length = form.frame_bits // 8
        data = self.instance.place.read_at(self.instance.offset + number * length, length)
        if len(data) < length:
            raise CorruptFrame("The file ends early", where=self.instance.place.name)
        if self.syntax == syntaxes.EXPLICIT_BIG:
            width = 2 if form.allocated == 8 else form.allocated // 8
            if width == 2 and form.allocated == 8 and not self.instance.shared.has(tags.PIXELS):
                return data
            return np.frombuffer(data, f">u{width}").byteswap().tobytes()
        return data


def open_image(instance: Instance, elements: Elements) -> ImageFile | None:
    """Give access to the frames of an instance; None where it has no pixels.

    Raises
    ------
    LoadError
        When the pixels cannot be there.
    """
    if not instance.pixel_tag:
        return None
    try:
        form, coding = _forms(instance.shared, instance.pixel_tag)
    except Refused as error:
        raise CorruptFrame(f"Its pixels cannot be read: {error}") from error
    reason = shortage(instance, form)
    if reason:
        raise CorruptFrame(f"Its pixels cannot be read: {reason}")
    index = FrameIndex(instance, form.frames) if coding.is_encapsulated else None
    image = ImageFile(instance, form, coding, index, form.photometric, form.photometric)
    if index is not None:
        image.fragments = encapsulated.frames_of(instance.place, instance.offset, form.frames)
        if form.samples == 3:
            first = image.raw(0)
            image.coded = _coded_colours(image.syntax, first, coding.expected, form.photometric)
            if has_colour_transform(first):
                image.photometric = "RGB"  # the decoder undoes the transform
    image.can_decode = (
        not form.real
        and form.allocated > 1
        and form.samples in (1, 3)
        and image.photometric in _PHOTOMETRICS
        and not (form.samples == 3 and image.syntax in _JPEGS)  # they may share chroma
        # codestreams say whole bytes, and how bright a colour is depends on the bits
        and not (form.samples == 3 and form.has_spare_bits)
        and not _has_embedded_overlay(elements)
    )
    return image


def _coded_colours(syntax: str, frame: bytes, expected: codecs.Expected, called: str) -> str:
    """Name the colours of a codestream as it says itself, else as the file calls them.

    Files call JPEG pictures RGB often enough that hold luminance and chroma.
    """
    try:
        facts = codecs.inspect(syntax, frame, expected)
    except LoadError:
        return called
    if has_colour_transform(frame):
        return "YBR_ICT" if facts.lossy else "YBR_RCT"
    if called in TRANSFORMED or facts.colour.endswith("rgb"):
        return "RGB"
    return "YBR_FULL_422" if facts.colour == "ybr" and not called.startswith("YBR") else called


@lru_cache(maxsize=64)
def _forms(shared: Attributes, pixel_tag: int) -> tuple[PixelForm, Coding]:
    """Work out what the slices of a series share, once."""
    form = form_of(shared, pixel_tag)
    return form, coding_of(shared, form)


def _has_embedded_overlay(elements: Elements) -> bool:
    """Tell whether spare bits of the pixels hold an overlay (retired; PS3.3 C.9.2): bits > 1."""
    tags = [tag for tag in elements if tag[:2] == "60" and tag[4:] == "0100"]
    return any(json.loads(elements[tag]).get("Value", [1]) != [1] for tag in tags)


def read_frame(image: ImageFile, number: int) -> Frame:
    """Decode a frame into an array of this thread, which the next call of this thread reuses."""
    form = image.form
    stored = _plane("source", form.frame_shape, form.dtype)
    image.read(number, stored)
    if form.planar and not image.fragments and form.samples > 1:
        planes = stored.reshape(form.samples, form.rows, form.columns)
        return np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    return stored


def encoding_for(image: ImageFile, wanted: Encoding | None) -> Encoding | None:
    """Give the encoding of an instance's frames: colours in HTJ2K are nobody's gain.

    They have no coarse pictures here, and Cornerstone3D 5 shows them in black (YBR_RCT) or takes
    planes for pixels (RGB). JPEG-LS is as small and read by all.
    """
    return JPEG_LS if wanted is HTJ2K and image.form.samples == 3 else wanted


def reason_to_keep(image: ImageFile, encoding: Encoding | None) -> str | None:
    """Say why frames are published as they are in the file; None where they are encoded anew.

    Those that lost values gain nothing by another encoding; those that have it need none. The
    text is empty where that is what was asked for.
    """
    if encoding is None:
        return ""
    if not image.can_decode:
        return "their values cannot be held by another encoding"
    if not image.fragments:
        return None
    first, form = image.raw(0), image.form
    if image.syntax == encoding.syntax and (
        image.syntax != syntaxes.HTJ2K_RPCL or is_progressive(first)
    ):
        return ""
    expected = codecs.Expected(
        form.rows, form.columns, form.samples, form.allocated, form.stored, form.signed
    )
    lossy = codecs.inspect(image.syntax, first, expected).lossy
    return "they are lossy already" if lossy else None


def write_as_is(tree: Tree, path: str, image: ImageFile, number: int, name: str) -> Written:
    """Publish a frame with the bytes that it has."""
    data = image.raw(number)
    syntax = image.syntax if image.fragments else syntaxes.EXPLICIT_LITTLE
    head, tail = envelope(syntax, name)
    if read_or_none(path) != head + data + tail:
        tree.write(path, head, data, tail)
    return Written(
        syntax,
        image.coded,
        0,
        image.form.frame_bits // 8,
        len(data),
        0,
        image.form.frame_shape,
    )


def write_encoded(
    tree: Tree, path: str, image: ImageFile, frame: Frame, encoding: Encoding, name: str
) -> Written:
    """Publish a frame in another encoding; what is there already is kept if it proves right.

    Raises
    ------
    CannotEncode
        When the encoder does not give back what it was given.
    """
    form = image.form
    allocated = 8 * frame.dtype.itemsize
    expected = codecs.Expected(
        frame.shape[0], frame.shape[1], form.samples, allocated, allocated, form.signed, path
    )
    proven = None if encoding.is_lossy else _proven(path, encoding, expected, frame)
    data, facts = proven or (b"", None)
    photometric, error = image.photometric, 0
    if facts is None:
        try:
            data = encoding.encode(frame, form.samples == 3 and photometric == "RGB")
            facts, error = _compare(data, encoding, expected, frame)
        except Exception as problem:  # whatever an encoding library raises
            raise CannotEncode(f"{encoding.name} cannot hold these values ({problem})") from problem
        if (error or facts.lossy) and not encoding.is_lossy:
            raise CannotEncode(f"{encoding.name} did not give back what it was given")
        head, tail = envelope(encoding.syntax, name)
        if not encoding.is_lossy or read_or_none(path) != head + data + tail:
            tree.write(path, head, data, tail)
    if form.samples == 3 and has_colour_transform(data):
        photometric = "YBR_RCT" if not encoding.is_lossy else "YBR_ICT"
    return Written(
        encoding.syntax, photometric, facts.depth, frame.nbytes, len(data), error, frame.shape
    )


def _proven(
    path: str, encoding: Encoding, expected: codecs.Expected, frame: Frame
) -> tuple[bytes, codecs.Facts] | None:
    """Give the codestream of a file that is there and holds just this frame."""
    body = read_or_none(path)
    if body is None:
        return None
    try:
        part = unwrap(body)
        if part.syntax != encoding.syntax:
            return None
        facts, error = _compare(part.data, encoding, expected, frame)
    except LoadError:
        return None
    return None if error or facts.lossy else (part.data, facts)


def _compare(
    data: bytes, encoding: Encoding, expected: codecs.Expected, frame: Frame
) -> tuple[codecs.Facts, int]:
    """Decode; tell what the codestream is and its largest difference to what was encoded."""
    again = _plane("again", frame.shape, frame.dtype)
    # A decoder that wrote nothing must not be saved by what the last frame left.
    again.reshape(-1)[[0, -1]] = np.invert(frame.reshape(-1)[[0, -1]])
    facts = codecs.decode(encoding.syntax, data, expected, again)
    if np.array_equal(_words(again), _words(frame)):
        return facts, 0
    return facts, int(np.abs(again.astype(np.int64) - frame.astype(np.int64)).max())


def _words(frame: Frame) -> Frame:
    """View an array in cells of eight bytes where it divides into them: compared in a quarter."""
    flat = frame.reshape(-1)
    return flat.view(np.uint64) if frame.nbytes % 8 == 0 else flat


def reduce(frame: Frame, factor: int) -> Frame:
    """Filter and take every `factor`-th sample, beginning with the first.

    The filter is a triangle over twice the factor, centred on the sample that is kept: sample n
    lies where sample n * factor lies. So a reduced picture is placed by the rule of wavelets and
    of pictures that were thinned out without a filter.
    """
    ramp = np.arange(1, factor)
    weights = np.concatenate([ramp, [factor], ramp[::-1]]).astype(np.float64) / factor**2
    out = frame.astype(np.float64)
    for axis in (0, 1):
        out = _filter(out, weights, factor, axis)
    limits = np.iinfo(frame.dtype)  # type: ignore[type-var]
    return np.clip(np.rint(out), limits.min, limits.max).astype(frame.dtype)


def _filter(
    values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], factor: int, axis: int
) -> npt.NDArray[np.float64]:
    length = values.shape[axis]
    kept = -(-length // factor)
    at = np.arange(kept) * factor
    total = np.zeros([*values.shape[:axis], kept, *values.shape[axis + 1 :]])
    for offset, weight in enumerate(weights, 1 - factor):
        total += weight * np.take(values, np.clip(at + offset, 0, length - 1), axis)
    return total


def _plane(use: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Frame:
    """Give this thread's array for a use; fresh memory for each frame costs as much as a copy."""
    held: dict[str, Frame] = _scratch.__dict__
    plane = held.get(use)
    if plane is None or plane.shape != shape or plane.dtype != dtype:
        plane = held[use] = np.empty(shape, dtype)
    return plane
