"""Frames in colour: whatever their encoding and model, red, green and blue go into the array."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from loading import codecs
from loading.dicom import syntaxes, ybr
from loading.dicom.elements import Damaged, DataSet
from loading.dicom.forms import PALETTE, PixelForm
from loading.dicom.header import Instance
from loading.dicom.palette import Palette, palette_of
from loading.dicom.pixels import Coding, FrameIndex, FramePixels, Plane, clear_spare_bits, scratch
from loading.dicom.values import Values
from loading.errors import CorruptFrame
from loading.spec import ValueMap, Window

MODELS = (
    "RGB",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_PARTIAL_422",
    "YBR_PARTIAL",
    "YBR_PARTIAL_420",
    "YBR_ICT",
    "YBR_RCT",
    "XYB",
)
_ICC_PROFILE, _OPTICAL_PATHS = 0x00282000, 0x00480105
TRANSFORMED = ("YBR_ICT", "YBR_RCT", "XYB")
"""Undone by the decoder; where a codestream has no such transform its samples are RGB."""


def refusal(form: PixelForm) -> str:
    """Say why pixels with a colour cannot be shown in colour; an empty text when they can be."""
    if form.photometric == PALETTE:
        if form.samples != 1 or form.real:
            return f"a palette for {form.samples} samples a pixel cannot be read"
        return ""
    if form.samples != 3 or form.photometric not in MODELS or form.real or form.allocated < 8:
        return (
            f"{form.samples} samples a pixel of {form.allocated} bits that are "
            f"{form.photometric or 'not named'} cannot be read"
        )
    if form.is_subsampled and form.rows * form.columns % 2:
        return "an odd number of pixels that share their colour by pairs cannot be read"
    return ""


def as_stored(instance: Instance, form: PixelForm) -> PixelForm:
    """Give the form that the length of native pixels proves.

    Some writers say that chroma is shared by pairs, and store it for each pixel.
    """
    if not form.is_subsampled or syntaxes.is_encapsulated(instance.shared.syntax):
        return form
    whole = replace(form, photometric=form.photometric.removesuffix("_422"))
    return whole if 0 <= instance.length - whole.native_bytes <= 1 else form


def values_of_colours(forms: Sequence[PixelForm]) -> Values:
    """Say what the numbers of red, green and blue are: those of the file, bytes from a palette."""
    if forms[0].photometric == PALETTE:
        dtype, top = np.dtype(np.uint8), 255.0
    else:
        dtype = np.result_type(*{form.dtype for form in forms})
        top = 2.0 ** max(form.stored for form in forms) - 1.0
    return Values(dtype, ValueMap(), None, (0.0, top), None, 0.0, "")


def window_as_stored(values: Values) -> tuple[Window, ...]:
    """Give the window that shows colours as they are; those of files are not for colours."""
    low, high = values.stored_range
    return (Window((low + high) / 2, high - low, "as stored", "LINEAR_EXACT"),)


class PaletteOf:
    """Read the palette of one file once, for all its frames."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._palette: Palette | None = None
        self._has_looked = False
        self._lock = threading.Lock()

    @property
    def is_usable(self) -> bool:
        """Tell whether there is a palette."""
        with self._lock:
            self._look()
            return self._palette is not None

    def _look(self) -> None:
        if not self._has_looked:
            self._palette = palette_of(self._instance)
            self._has_looked = True

    def get(self) -> Palette:
        """Give the palette, or raise CorruptFrame."""
        with self._lock:
            self._look()
            if self._palette is None:
                raise CorruptFrame(
                    "The picture has numbers for colours, but no usable palette",
                    where=self._instance.place.name,
                )
            return self._palette


class ColourPixels(FramePixels):
    """Read one frame into a plane of colours, shape (rows, columns, 3)."""

    __slots__ = ("_palette",)

    def __init__(
        self,
        instance: Instance,
        coding: Coding,
        frame: int,
        index: FrameIndex | None,
        palette: PaletteOf | None,
    ) -> None:
        super().__init__(instance, coding, frame, index, None)
        self._palette = palette

    @property
    def is_plain(self) -> bool:
        """Tell whether the bytes in the file are the bytes in the array."""
        form = self.coding.form
        return (
            self._palette is None
            and form.photometric == "RGB"
            and not form.planar
            and super().is_plain
        )

    def has_level(self, level: int) -> bool:
        """Tell that there is no coarse picture: numbers of a palette cannot be averaged."""
        return False

    def check(self) -> codecs.Facts | None:
        """Hold what can be seen without decoding against the header (see `FramePixels.check`)."""
        if self._palette is not None:
            self._palette.get()
        return super().check()

    def _target(self, out: Plane) -> Plane:
        form = self.coding.form
        is_direct = self._palette is None and out.dtype == form.dtype
        return out if is_direct else scratch(form)

    def _read_native(self, stored: Plane) -> int:
        form = self.coding.form
        if not form.is_subsampled and not form.planar:
            return super()._read_native(stored)
        count = form.frame_bits // form.allocated
        raw = np.empty(count, form.dtype)
        read = super()._read_native(raw)
        if form.is_subsampled:
            ybr.from_pairs(raw, stored)
        else:
            planes = raw.reshape(form.samples, form.rows, form.columns)
            stored[...] = np.moveaxis(planes, 0, -1)
        return read

    def _finish(self, stored: Plane, out: Plane, found: codecs.Facts | None = None) -> None:
        form = self.coding.form
        if form.has_spare_bits:
            clear_spare_bits(stored, form, self.coding.high)
        if self._palette is not None:
            self._palette.get().put(stored, out)
        elif is_ybr(form.photometric, found):
            ybr.to_rgb(stored, form.photometric, form.stored, out)
        elif stored is not out:
            out[...] = stored


def is_ybr(photometric: str, found: codecs.Facts | None) -> bool:
    """Tell whether decoded samples are luminance and chroma: the codestream knows better."""
    if found is not None and found.colour:
        return found.colour == "ybr"
    return photometric.startswith("YBR") and photometric not in TRANSFORMED


def has_profile(instance: Instance) -> bool:
    """Tell whether a file says by an ICC profile which colours are meant (C.11.15)."""
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
    try:
        found = data.top((_ICC_PROFILE, _OPTICAL_PATHS))
        if _ICC_PROFILE in found:
            return True
        path = data.first_item(found[_OPTICAL_PATHS]) if _OPTICAL_PATHS in found else None
        return path is not None and bool(data.collect(path, (_ICC_PROFILE,), ()))
    except Damaged:
        return False


def contradiction(form: PixelForm, found: codecs.Facts | None) -> tuple[str, str] | None:
    """Give what header and codestream say of the colours where they differ."""
    if found is None or found.colour in ("", "made rgb") or form.samples != 3:
        return None
    says = "RGB" if form.photometric in ("RGB", *TRANSFORMED) else "YBR"
    has = found.colour.upper()
    return None if says == has else (form.photometric, has)
