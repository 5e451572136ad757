"""A published frame decoded: as native bytes for programs, as meant values or colours for people.

The readers of files do it, given metadata and bytes instead of a file, so that a picture which is
served shows what the same file shows when it is opened.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from loading import codecs
from loading.dicom import syntaxes, ybr
from loading.dicom.colour import ColourPixels, PaletteOf, as_stored, is_ybr, refusal
from loading.dicom.forms import PALETTE, PixelForm, Refused, form_of
from loading.dicom.header import Attributes, Instance
from loading.dicom.json_headers import JsonHeader, JsonReader
from loading.dicom.multiframe import is_multiframe, slices_of
from loading.dicom.payloads import Payloads
from loading.dicom.pixels import FramePixels, coding_of
from loading.dicom.values import map_of, windows_of
from loading.errors import CorruptFrame, UnsupportedTransferSyntax
from loading.publish.indexes import INSTANCE_UID, value_of
from loading.publish.tree import FramePart
from loading.sources.base import CancelToken
from loading.spec import Window

Object = dict[str, Any]
Samples = npt.NDArray[np.generic]
ReadBulk = Callable[[str], bytes]
"""Gives the bytes of a long value by its URI in the tree, none where there are none."""

_PALETTE_TABLES = ("00281201", "00281202", "00281203", "00281221", "00281222", "00281223")
_KEPT = ("RGB", "YBR_FULL")
"""Three samples for each pixel: so they are native as well as encoded."""


class Native(NamedTuple):
    """A frame without compression: little endian, planes as Planar Configuration says.

    Attributes
    ----------
    photometric : str
        What the samples are; not always what the metadata say, which speak of the codestream.
    """

    data: bytes
    photometric: str


class Shown(NamedTuple):
    """A frame for people.

    Attributes
    ----------
    samples : array, shape (rows, columns) or (rows, columns, 3)
        Meant values, or red, green and blue.
    form : PixelForm
        As the metadata have it.
    windows : tuple of Window
        Those of the file for this frame.
    """

    samples: Samples
    form: PixelForm
    windows: tuple[Window, ...]


def native_frame(entry: Object, part: FramePart) -> Native:
    """Decode a compressed frame to native samples.

    Samples stay what they are; colours that no native form holds (transformed ones, those that
    share chroma) and those that the metadata call by a wrong name become RGB.

    Raises
    ------
    LoadError
        When the frame is not what the metadata promise.
    """
    _, form = _header_of(entry)
    syntax = part.syntax
    if form.real or form.allocated == 1 or not syntaxes.is_encapsulated(syntax):
        raise UnsupportedTransferSyntax("Such frames are given only as they are")
    expected = coding_of(Attributes(syntax, {}), form).expected
    out = np.empty(expected.shape, expected.dtype)
    found = codecs.decode(syntax, part.data, expected, out)
    photometric = form.photometric
    if form.samples == 3:
        has_ybr = is_ybr(photometric, found)
        if photometric not in _KEPT or has_ybr != (photometric == "YBR_FULL"):
            if has_ybr:
                ybr.to_rgb(out, photometric, form.stored, out)
            photometric = "RGB"
        if form.planar:
            out = np.ascontiguousarray(np.moveaxis(out, -1, 0))
    return Native(out.astype(out.dtype.newbyteorder("<"), copy=False).tobytes(), photometric)


def shown_frame(entry: Object, part: FramePart, number: int, read_bulk: ReadBulk) -> Shown:
    """Decode a frame, counted from 1, to meant values or to colours.

    Raises
    ------
    LoadError
        When the frame is not what the metadata promise, or no picture can be made of it.
    """
    instance, form = _header_of(_with_palette(entry, read_bulk))
    syntax = part.syntax or instance.shared.syntax
    data = part.data
    if not syntaxes.is_encapsulated(syntax):
        form = as_stored(_alone(instance, syntax, len(data)), form)
        data = data[: form.native_bytes] if len(data) == form.native_bytes + 1 else data
    coding = coding_of(Attributes(syntax, instance.shared.raw), form)
    shape = (form.rows, form.columns)
    if form.is_colour:
        reason = refusal(form)
        if reason:
            raise UnsupportedTransferSyntax(f"No picture is made of the frame: {reason}")
        palette = PaletteOf(instance) if form.photometric == PALETTE else None
        colours = ColourPixels(instance, coding, 0, None, palette)
        dtype = np.dtype(np.uint8) if palette is not None else form.dtype
        out: Samples = np.empty((*shape, 3), dtype)
        Payloads().put(colours, data, syntax, out, CancelToken())
        return Shown(out, form, ())
    mine = _slice_of(instance, form, number)
    value_map, _ = map_of(mine)
    out = np.empty(shape, np.float64)
    Payloads().put(
        FramePixels(instance, coding, 0, None, value_map), data, syntax, out, CancelToken()
    )
    return Shown(out, form, windows_of(mine)[0])


def _header_of(entry: Object) -> tuple[Instance, PixelForm]:
    """Read the metadata of an instance as the header of one frame."""
    instance = JsonReader().read(entry, lambda one: str(value_of(dict(one), INSTANCE_UID)))
    place = instance.place
    assert isinstance(place, JsonHeader)
    instance = instance._replace(offset=len(place.encoded))
    try:
        form = form_of(instance.shared, instance.pixel_tag)
    except Refused as error:
        raise CorruptFrame(f"Its pixels cannot be read: {error}") from error
    return instance, replace(form, frames=1)


def _alone(instance: Instance, syntax: str, length: int) -> Instance:
    return instance._replace(shared=Attributes(syntax, instance.shared.raw), length=length)


def _slice_of(instance: Instance, form: PixelForm, number: int) -> Instance:
    """Give the header of one frame: functional groups have their own values for each."""
    if is_multiframe(instance.shared):
        frames = replace(form, frames=instance.shared.frames or 1)
        slices = slices_of(instance, frames)
        if number <= len(slices):
            return slices[number - 1]
    return instance


def _with_palette(entry: Object, read_bulk: ReadBulk) -> Object:
    """Put tables of colours into the metadata that are kept apart for their length."""
    apart = {
        tag: element for tag in _PALETTE_TABLES if "BulkDataURI" in (element := entry.get(tag, {}))
    }
    if not apart:
        return entry
    return entry | {
        tag: {
            "vr": element.get("vr", "OW"),
            "InlineBinary": base64.b64encode(read_bulk(str(element["BulkDataURI"]))).decode(),
        }
        for tag, element in apart.items()
    }
