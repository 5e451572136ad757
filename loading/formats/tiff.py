"""TIFF in its forms: single pages, multi-page, BigTIFF, ImageJ and OME, read by tifffile.

Planes that lie uncompressed in the file are read in place. Resolution tags of plain TIFF are not
believed (most say 72 dpi); those of ImageJ and OME are. Other files that an OME header names are
not followed.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from loading.errors import CorruptFrame, SourceError
from loading.formats.blocks import Piece, PlainBlocks, check_present
from loading.formats.parts import (
    MAX_AXIS,
    Facts,
    Parts,
    is_usable,
    luminance,
    millimetres,
    scaled,
    spacing_assumed,
    spec_of,
)
from loading.formats.planes import BlockReader, FormatSource, Layout, Plane
from loading.formats.sidecars import voxel_size
from loading.notices import Notice, notice
from loading.sources.base import CancelToken
from loading.sources.places import LocalFile
from loading.spec import ValueMap, VolumeSpec

Spacing = tuple[float | None, float | None, float | None]
UNKNOWN: Spacing = (None, None, None)

_MINISWHITE, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 2, 3, 5, 6
_JPEGS = (6, 7, 33003, 33005, 34712, 50001)
_PACKING_RATIO = 100_000
_MAX_VOLUMES = 64
_TEMPLATE_BYTES = 4096
_PLACE_TAGS = (273, 279, 324, 325)


class PageForm(NamedTuple):
    """What the samples of a page are.

    Attributes
    ----------
    stored : numpy dtype
        As tifffile gives them, in the byte order of the machine.
    samples : int
        Of each pixel.
    to_grey : str
        "" for grey, "colour", "palette", or "first" where only the first sample counts.
    """

    rows: int
    columns: int
    stored: np.dtype[np.generic]
    samples: int = 1
    to_grey: str = ""
    inverted: bool = False
    is_lossy: bool = False

    @property
    def is_colour(self) -> bool:
        """Tell whether colours become grey."""
        return self.to_grey in ("colour", "palette")


@dataclass(frozen=True, slots=True)
class SinglePage:
    """A file with one picture in it, that may be a slice of a stack.

    `offset` is where its samples lie in one piece, as they go into the array (-1: they do not);
    `swapped` tells that their bytes are in the other order.
    """

    place: LocalFile
    form: PageForm
    spacing: Spacing = UNKNOWN
    offset: int = -1
    swapped: bool = False


def open_tiff(path: str) -> Any:
    """Open a file with tifffile, which is imported now; the caller closes it."""
    import tifffile

    try:
        return tifffile.TiffFile(path, _multifile=False)
    except OSError as error:
        raise SourceError(f"The file cannot be read ({error.strerror})", where=path) from error
    except Exception as error:  # tifffile raises what it meets
        reason = " ".join(str(error).split())[:120]
        raise CorruptFrame(f"The TIFF header is damaged ({reason})", where=path) from error


def describe(place: LocalFile, parts: Parts) -> SinglePage | None:
    """List the volumes of a file with several pages; give a single picture back."""
    with open_tiff(place.name) as tif:
        series = [one for one in tif.series if len(one.pages)]
        if not series:
            raise CorruptFrame("The TIFF holds no picture", where=place.name)
        spacing = _spacing(tif, series[0])
        told = _lost_pages(tif)
        if not told and len(series) == 1 and math.prod(_leading(series[0])[1]) == 1:
            form = form_of(series[0].keyframe, place.name)
            page = series[0].pages[0]
            check_page(page, form, place)
            if form.to_grey or not page.is_final or page.dtype != form.stored:
                return SinglePage(place, form, spacing)
            return SinglePage(place, form, spacing, int(page.dataoffsets[0]), _is_swapped(page))
        for number, one in enumerate(series[:_MAX_VOLUMES]):
            name = f"series {number + 1}" if len(series) > 1 else ""
            _describe_series(place, parts, one, number, name, spacing, told)
    return None


def _lost_pages(tif: Any) -> list[Notice]:
    """Tell when the chain of pages breaks off: the last one must point to no other."""
    count = len(tif.pages)
    tif.filehandle.seek(tif.pages.next_page_offset)
    pointer = tif.filehandle.read(tif.tiff.offsetsize)
    if len(pointer) == tif.tiff.offsetsize and not any(pointer):
        return []
    return [notice("pages_lost", count=count)]


def form_of(page: Any, name: str) -> PageForm:
    """Tell what the samples of a page are."""
    if page.dtype is None:
        raise CorruptFrame("The TIFF holds values that are not known", where=name)
    photometric = int(page.photometric)
    samples = int(page.samplesperpixel)
    if photometric == _CMYK:
        raise CorruptFrame("Printing colours (CMYK) are not read", where=name)
    if page.imagedepth != 1:
        raise CorruptFrame("Pages with a depth of their own are not read", where=name)
    to_grey = ""
    if photometric == _PALETTE and samples == 1 and not _is_grey_ramp(page.colormap):
        to_grey = "palette"
    elif photometric == _RGB or (photometric == _YCBCR and int(page.compression) in _JPEGS):
        to_grey = "colour" if samples >= 3 else "first"
    elif samples > 1:
        to_grey = "first"
        if samples > 2 and photometric != _YCBCR:
            raise CorruptFrame(f"Pixels of {samples} samples are not read", where=name)
    lossy = int(page.compression) in (6, 7, 34892)
    rows, columns = int(page.imagelength), int(page.imagewidth)
    if not (1 <= rows <= MAX_AXIS and 1 <= columns <= MAX_AXIS):
        raise CorruptFrame(f"The size {columns} x {rows} is not usable", where=name)
    dtype = np.dtype(page.dtype).newbyteorder("=")
    return PageForm(rows, columns, dtype, samples, to_grey, photometric == _MINISWHITE, lossy)


def _is_grey_ramp(colours: Any) -> bool:
    """Tell whether a palette says no more than that higher is brighter."""
    if colours is None:
        return True
    table = np.asarray(colours).reshape(3, -1) >> 8
    ramp = np.arange(table.shape[1]) * 255 // max(1, table.shape[1] - 1)
    return bool((table == ramp).all())


def check_page(page: Any, form: PageForm, place: LocalFile) -> None:
    """Refuse a page whose samples are not all in the file, before anything is allocated for it."""
    if page is None or not len(page.dataoffsets):
        raise CorruptFrame("A page has no samples", where=place.name)
    offsets, counts = page.dataoffsets, page.databytecounts
    if len(offsets) != len(counts) or min(counts) <= 0:
        raise CorruptFrame("A part of a page is not there", where=place.name)
    end = max(offset + count for offset, count in zip(offsets, counts, strict=True))
    check_present(place.name, end, place.size)
    needed = form.rows * form.columns * form.samples * form.stored.itemsize
    packed = sum(counts)
    keyframe = page.keyframe
    if int(keyframe.compression) == 1:
        bits = int(keyframe.bitspersample)
        rows = form.rows * (-(-form.columns * form.samples * bits // 8))
        check_present(place.name, min(needed, rows) if not keyframe.is_subsampled else 0, packed)
    elif needed > packed * _PACKING_RATIO:
        raise CorruptFrame(
            f"The header claims {needed} bytes, more than can be packed into {packed}",
            where=place.name,
        )


def _leading(series: Any) -> tuple[str, tuple[int, ...]]:
    """Give the axes before those of a page, and their lengths."""
    axes, shape = str(series.axes), tuple(int(n) for n in series.shape)
    keep = [n for n, axis in enumerate(axes) if axis not in "YXS"]
    return "".join(axes[n] for n in keep), tuple(shape[n] for n in keep)


class _Roles(NamedTuple):
    """Which leading axis is what: its place among them, or None."""

    slices: int | None
    times: int | None
    others: tuple[int, ...]


def _roles(axes: str, shape: tuple[int, ...]) -> _Roles:
    """Find slices and time points; what is left makes volumes of its own."""
    order = [n for n in range(len(axes)) if shape[n] > 1]
    slices = next((n for n in reversed(order) if axes[n] == "Z"), None)
    if slices is None:
        slices = next((n for n in reversed(order) if axes[n] not in "TC"), None)
    times = next((n for n in order if axes[n] == "T"), None)
    if slices is None:
        # frames of one plane are leafed through like slices
        slices, times = times, None
    others = tuple(n for n in order if n not in (slices, times))
    return _Roles(slices, times, others)


def _describe_series(
    place: LocalFile,
    parts: Parts,
    series: Any,
    number: int,
    name: str,
    spacing: Spacing,
    told: list[Notice],
) -> None:
    axes, shape = _leading(series)
    form = form_of(series.keyframe, place.name)
    first_page = series.pages[0]
    check_page(first_page, form, place)
    roles = _roles(axes, shape)
    steps = [math.prod(shape[n + 1 :]) for n in range(len(shape))]
    planes = shape[roles.slices] if roles.slices is not None else 1
    points = shape[roles.times] if roles.times is not None else 1
    kinds = [range(shape[n]) for n in roles.others]
    if math.prod(len(kind) for kind in kinds) > _MAX_VOLUMES:
        raise CorruptFrame(f"The axes {axes} are not read", where=place.name)
    in_place = series.dataoffset is not None and form.to_grey in ("", "colour")
    if not in_place and math.prod(shape) != len(series.pages):
        raise CorruptFrame("The TIFF has other pages than its header says", where=place.name)
    for chosen in product(*kinds):
        first = sum(at * steps[n] for at, n in zip(chosen, roles.others, strict=True))
        layout = Layout(
            form.stored,
            k_step=steps[roles.slices] if roles.slices is not None else 0,
            t_step=steps[roles.times] if roles.times is not None else 0,
            first=first,
            samples=form.samples,
        )
        names = [f"{axes[n].lower()}{at + 1}" for at, n in zip(chosen, roles.others, strict=True)]
        facts = facts_of(form, (planes, form.rows, form.columns), spacing, place.name)
        facts.time_points = points
        facts.notices += told
        facts.label = " ".join(text for text in (_stem(place.name), name, *names) if text)
        spec = spec_of(facts, [place], part=f"{number} {chosen}")
        if in_place:
            opener = _in_place(place, series, layout, form, math.prod(shape))
        else:
            opener = partial(_paged, place, number, layout, form)
        parts.add(spec, opener)


def facts_of(
    form: PageForm, shape: tuple[int, int, int], spacing: Spacing, path: str, prefix: str = ""
) -> Facts:
    """Put together what is known of a volume of such pages: voxel size from tags or side-cars."""
    told: list[Notice] = []
    if None in spacing:
        folder = os.path.dirname(path)  # noqa: PTH120
        beside = voxel_size(folder, prefix or _stem(path))
        if beside is not None:
            spacing = beside[0]
    affine, guessed = scaled(spacing)
    if not is_usable(affine):
        affine, guessed = np.eye(4), [spacing_assumed([1.0, 1.0, 1.0])]
    told += guessed
    if form.is_lossy:
        told.append(notice("lossy"))
    stored = np.dtype(np.uint8) if form.to_grey == "palette" else form.stored
    return Facts(
        shape,
        affine,
        stored,
        colour=form.is_colour,
        inverted=form.inverted,
        notices=told,
        header={"format": "TIFF"},
    )


def _stem(path: str) -> str:
    name = os.path.basename(path)  # noqa: PTH119
    for ending in (".ome.tif", ".ome.tiff"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return os.path.splitext(name)[0]  # noqa: PTH122


def _in_place(
    place: LocalFile, series: Any, layout: Layout, form: PageForm, planes: int
) -> partial[FormatSource]:
    """Read planes that lie one behind the other, as they are."""
    order = str(series.keyframe.parent.byteorder)
    stored = form.stored.newbyteorder("<" if order == "<" else ">")
    block = form.rows * form.columns * form.samples * form.stored.itemsize
    check_present(place.name, int(series.dataoffset) + block * planes, place.size)
    blocks = PlainBlocks([Piece(place, int(series.dataoffset), block * planes)], block)
    return partial(_block_source, layout._replace(stored=stored), blocks)


def _block_source(layout: Layout, blocks: PlainBlocks, spec: VolumeSpec) -> FormatSource:
    return FormatSource(spec, lambda: BlockReader(spec, layout, blocks, ValueMap()))


def _paged(
    place: LocalFile, number: int, layout: Layout, form: PageForm, spec: VolumeSpec
) -> FormatSource:
    return FormatSource(spec, lambda: PagedReader(place, number, layout, form), lossy=form.is_lossy)


class PagedReader:
    """Decode the pages of one series of a file."""

    in_order = False

    def __init__(self, place: LocalFile, number: int, layout: Layout, form: PageForm) -> None:
        self._place = place
        self._layout = layout
        self._form = form
        self._tif = open_tiff(place.name)
        self._series = self._tif.series[number]
        self._lock = threading.RLock()

    def fill(self, t: int, k: int, out: Plane, cancel: CancelToken) -> int:
        """Fill a plane (see `PlaneReader.fill`)."""
        with self._lock:
            page = self._series.pages[self._layout.block_of(t, k)]
        return read_page(page, self._place, self._form, out, self._lock)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._tif.close()


def read_page(page: Any, place: LocalFile, form: PageForm, out: Plane, lock: Any) -> int:
    """Read one page into a plane; give how many bytes it takes in the file."""
    check_page(page, form, place)
    keyframe = page.keyframe
    count = int(sum(page.databytecounts))
    if not form.to_grey and form.stored == out.dtype:
        if page.is_final and keyframe.dtype == out.dtype:
            place.read_into(int(page.dataoffsets[0]), out)
            if _is_swapped(keyframe):
                out.byteswap(inplace=True)
            return count
        page.asarray(out=out[...], lock=lock, maxworkers=1)
        return count
    samples = np.asarray(page.asarray(lock=lock, maxworkers=1))
    if form.to_grey == "palette":
        table = np.asarray(keyframe.colormap).reshape(3, -1).T >> 8
        out[...] = luminance(table, np.dtype(np.uint8))[samples]
        return count
    if samples.ndim == 3 and samples.shape[0] == form.samples and samples.shape[1:] == out.shape:
        samples = np.moveaxis(samples, 0, -1)  # colours in planes of their own
    if form.to_grey == "colour":
        out[...] = luminance(samples, out.dtype)
    elif form.to_grey == "first":
        out[...] = samples[..., 0]
    else:
        out[...] = samples
    return count


def _is_swapped(page: Any) -> bool:
    """Tell whether the file's bytes are in the other order than the machine's."""
    return bool(page.parent.byteorder != ("<" if np.little_endian else ">"))


def _spacing(tif: Any, series: Any) -> Spacing:
    """Give voxel sizes (x, y, z) in millimetres as OME or ImageJ tell them."""
    if tif.is_ome:
        return _ome_spacing(str(tif.ome_metadata or ""))
    if tif.is_imagej:
        return _imagej_spacing(dict(tif.imagej_metadata or {}), series.keyframe)
    return UNKNOWN


def _ome_spacing(xml: str) -> Spacing:
    import tifffile

    try:
        image = tifffile.xml2dict(xml)["OME"]["Image"]
        pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
    except Exception:  # whatever is wrong with it, it tells no size
        return UNKNOWN
    sizes: list[float | None] = []
    for axis in "XYZ":
        # micrometres are the default (OME-XML, Pixels)
        unit = millimetres(str(pixels.get(f"PhysicalSize{axis}Unit", "um")))
        sizes.append(_product(pixels.get(f"PhysicalSize{axis}"), unit))
    return sizes[0], sizes[1], sizes[2]


def _imagej_spacing(told: dict[str, Any], page: Any) -> Spacing:
    unit = millimetres(str(told.get("unit", "")))
    if unit is None:
        return UNKNOWN
    across: list[float | None] = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        value = tag.value if tag is not None else (0, 0)
        usable = isinstance(value, tuple) and len(value) == 2 and value[0] and value[1]
        across.append(value[1] / value[0] * unit if usable else None)
    return across[0], across[1], _product(told.get("spacing"), unit)


def _product(value: Any, unit: float | None) -> float | None:
    try:
        size = abs(float(value)) * (unit if unit is not None else math.nan)
    except (TypeError, ValueError):
        return None
    return size if math.isfinite(size) and size > 0 else None


class IfdTemplate:
    """Recognise a file whose one page has the same header, byte for byte, as one parsed before."""

    def __init__(self) -> None:
        self._known: dict[bytes, SinglePage] = {}

    def find(self, place: LocalFile, key: bytes) -> SinglePage | None:
        """Give the page of a file with this key (see `key_of`), or None."""
        page = self._known.get(key)
        return None if page is None else replace(page, place=place)

    def learn(self, key: bytes, page: SinglePage) -> None:
        """Remember a page."""
        if key and len(self._known) < 256:
            self._known[key] = page

    @staticmethod
    def key_of(place: LocalFile) -> bytes:
        """Give size and page header of a small classic TIFF; b"" for others.

        Where the strips lie is part of it, also when that stands outside of the header.
        """
        head = place.read_at(0, _TEMPLATE_BYTES)
        if head[:4] not in (b"II*\0", b"MM\0*"):
            return b""
        order: Any = "little" if head[:2] == b"II" else "big"

        def take(at: int, count: int) -> bytes:
            return head[at : at + count] if at + count <= len(head) else place.read_at(at, count)

        at = int.from_bytes(head[4:8], order)
        count = int.from_bytes(take(at, 2), order)
        if not 0 < count <= 64:
            return b""
        ifd = take(at, 2 + count * 12 + 4)
        if len(ifd) < 6 + count * 12 or any(ifd[-4:]):
            return b""
        parts = [place.size.to_bytes(8, "little"), head[:8], ifd]
        for start in range(2, 2 + count * 12, 12):
            entry = ifd[start : start + 12]
            length = int.from_bytes(entry[4:8], order)
            if int.from_bytes(entry[:2], order) in _PLACE_TAGS and length > 1:
                if length > _TEMPLATE_BYTES:
                    return b""
                parts.append(take(int.from_bytes(entry[8:12], order), 4 * length))
        return b"".join(parts)
