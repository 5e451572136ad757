"""What the pixels of a file are: size, samples, bits; and whether the bytes for them are there."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from loading.dicom import syntaxes, tags
from loading.dicom.header import UNDEFINED, Attributes, Instance

MAX_SIDE = 65_535
PALETTE = "PALETTE COLOR"


class Refused(Exception):
    """Raised where pixels cannot be what the header says; the text is the reason."""


@dataclass(frozen=True, slots=True)
class PixelForm:
    """Describe the stored pixels of one file (PS3.3 C.7.6.3.1).

    Attributes
    ----------
    allocated, stored, high : int
        Bits of a sample's cell, bits that are used, and the highest of these.
    real : bool
        The samples are floating-point numbers (7FE0,0008 or 7FE0,0009).
    """

    rows: int
    columns: int
    samples: int
    frames: int
    allocated: int
    stored: int
    high: int
    signed: bool
    real: bool
    photometric: str
    planar: bool

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Give the type of a sample in memory."""
        if self.real:
            return np.dtype(f"f{self.allocated // 8}")
        width = max(1, self.allocated // 8)
        return np.dtype(f"{'i' if self.signed else 'u'}{width}")

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Give the shape of one frame."""
        if self.samples == 1:
            return self.rows, self.columns
        return self.rows, self.columns, self.samples

    @property
    def frame_bits(self) -> int:
        """Count the bits of one native frame."""
        if self.is_subsampled:
            return self.rows * self.columns * 2 * self.allocated
        return prod(self.frame_shape) * self.allocated

    @property
    def native_bytes(self) -> int:
        """Count the bytes of all frames, uncompressed."""
        return (self.frame_bits * self.frames + 7) // 8

    @property
    def is_colour(self) -> bool:
        """Tell whether pixels are shown in colour: several samples, or a palette for one."""
        return self.samples > 1 or self.photometric == PALETTE

    @property
    def is_subsampled(self) -> bool:
        """Tell whether native pixels share their chroma by pairs (C.7.6.3.1.2)."""
        return self.samples == 3 and self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")

    @property
    def has_spare_bits(self) -> bool:
        """Tell whether cells hold bits that are not the sample's and must be cleared."""
        return not self.real and self.allocated > 1 and self.stored < self.allocated


def form_of(shared: Attributes, pixel_tag: int) -> PixelForm:
    """Read the form of the pixels from a header.

    Raises
    ------
    Refused
        When no picture can be what is said there.
    """
    rows, columns = shared.rows, shared.columns
    if not 0 < rows <= MAX_SIDE or not 0 < columns <= MAX_SIDE:
        raise Refused(f"{rows} rows of {columns} pixels are no picture")
    frames = shared.frames
    if frames is None:
        raise Refused("Number of Frames is not a number above zero")
    real = pixel_tag in (tags.FLOAT_PIXELS, tags.DOUBLE_PIXELS)
    allocated = shared.binary(tags.BITS_ALLOCATED)
    stored = shared.binary(tags.BITS_STORED, allocated)
    high = shared.binary(tags.HIGH_BIT, stored - 1)
    if real:
        allocated = stored = 32 if pixel_tag == tags.FLOAT_PIXELS else 64
        high = stored - 1
    elif allocated not in (1, 8, 16, 32):
        raise Refused(f"{allocated} bits allocated for a sample cannot be read")
    if not 0 < stored <= allocated or not stored - 1 <= high < allocated:
        raise Refused(f"{stored} bits stored up to bit {high} do not fit in {allocated}")
    samples = shared.samples
    if samples not in (1, 3, 4):
        raise Refused(f"{samples} samples a pixel cannot be read")
    return PixelForm(
        rows=rows,
        columns=columns,
        samples=samples,
        frames=frames,
        allocated=allocated,
        stored=stored,
        high=high,
        signed=shared.binary(tags.PIXEL_REPRESENTATION) == 1,
        real=real,
        photometric=shared.text(tags.PHOTOMETRIC),
        planar=shared.binary(tags.PLANAR_CONFIGURATION) == 1,
    )


def shortage(instance: Instance, form: PixelForm) -> str:
    """Say why the bytes of the pixels cannot be all there; an empty text when they can be.

    Nothing is read: claims are held against the size of the file. Of a frame among many only its
    own bytes count.
    """
    size, start, length = instance.place.size, instance.offset, instance.length
    syntax = instance.shared.syntax
    if syntaxes.is_encapsulated(syntax):
        if syntax not in syntaxes.NAMES:
            return f"{syntaxes.name_of(syntax)} cannot be decoded"
        if length != UNDEFINED:
            return f"it says {syntaxes.name_of(syntax)}, but the pixels are not in fragments"
        if start + 16 > size:
            return "it ends before the first fragment of its pixels"
        return ""
    if length == UNDEFINED:
        return "its pixels are not compressed, yet have no length"
    if instance.part is not None and instance.part.tile < 0:
        behind = start + ((instance.frame + 1) * form.frame_bits + 7) // 8
        return f"it ends early: frame {instance.frame + 1} is not whole" if behind > size else ""
    needed = form.native_bytes
    if start + needed > size:
        missing = start + needed - size
        return f"it ends early: {missing} of {needed} bytes of pixels are missing"
    if start + length > size + 1:
        return f"its pixels claim {length} bytes, the file has {size - start}"
    if length < needed:
        return f"its pixels have {length} bytes where {needed} are needed"
    return ""
