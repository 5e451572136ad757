"""Pages of TIFF files: what their samples are, whether they are all there, and reading them."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np

from loading.errors import CorruptFrame, SourceError
from loading.formats.blocks import check_present
from loading.formats.parts import MAX_AXIS
from loading.formats.planes import Layout, Plane
from loading.formats.shelf import PlaceFile
from loading.sources.base import CancelToken
from loading.sources.places import LocalFile, Place

Spacing = tuple[float | None, float | None, float | None]
UNKNOWN: Spacing = (None, None, None)

TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MINISWHITE, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 2, 3, 5, 6
_JPEGS = (6, 7, 33003, 33005, 34712, 50001)
_PACKING_RATIO = 100_000
_IFD_BYTES = 1024
_MOST_TAGS = 4096
_MOST_SAMPLES = 16
"""Colours, transparency and some more: all are unpacked to get at the colours."""


class PageForm(NamedTuple):
    """What the samples of a page are.

    Attributes
    ----------
    stored : numpy dtype
        As tifffile gives them, in the byte order of the machine.
    samples : int
        Of each pixel.
    meaning : str
        "" for grey, "colour", "palette", or "first" where only the first sample counts.
    """

    rows: int
    columns: int
    stored: np.dtype[np.generic]
    samples: int = 1
    meaning: str = ""
    inverted: bool = False
    is_lossy: bool = False

    @property
    def is_colour(self) -> bool:
        """Tell whether pixels have a colour."""
        return self.meaning in ("colour", "palette")


def open_tiff(
    place: Place, *, pages_only: bool = False, whole_set: bool = False, omexml: str = ""
) -> Any:
    """Open a file with tifffile, which is imported now; the caller closes it.

    With `pages_only` what OME or ImageJ say of the pages is left aside: some are not there. With
    `whole_set` tifffile opens the files that OME names, which the caller has looked at; `omexml`
    stands in place of what the file says itself.
    """
    import tifffile

    path = place.name
    aside = {"is_ome": False, "is_imagej": False, "is_shaped": False} if pages_only else {}
    _refuse_changed(place)
    try:
        file = path if isinstance(place, LocalFile) else PlaceFile(place)
        return tifffile.TiffFile(file, _multifile=whole_set, omexml=omexml or None, **aside)
    except OSError as error:
        raise SourceError(f"The file cannot be read ({error.strerror})", where=path) from error
    except Exception as error:  # tifffile raises what it meets
        reason = " ".join(str(error).split())[:120]
        raise CorruptFrame(f"The TIFF header is damaged ({reason})", where=path) from error


def _refuse_changed(place: Place) -> None:
    """Raise SourceError where a file is not the one that was described."""
    if isinstance(place, LocalFile):
        place.read_at(0, 1)


def count_pages(place: Place) -> tuple[int, bool]:
    """Walk the chain of pages; give how many there are, and whether it comes to its end.

    Done before tifffile looks, which follows some chains that bite their tail without end.

    Raises
    ------
    CorruptFrame
        When the chain runs in a circle.
    """
    head = place.read_at(0, 16)
    order: Any = "little" if head[:2] == b"II" else "big"
    is_big = int.from_bytes(head[2:4], order) == 43
    count_bytes, tag_bytes, pointer_bytes = (8, 20, 8) if is_big else (2, 12, 4)
    start = 8 if is_big else 4
    at = int.from_bytes(head[start : start + pointer_bytes], order)
    seen: set[int] = set()
    while at:
        if at in seen:
            raise CorruptFrame("The chain of its pages runs in a circle", where=place.name)
        page = place.read_at(at, _IFD_BYTES)
        tags = int.from_bytes(page[:count_bytes], order)
        end = count_bytes + tags * tag_bytes
        if len(page) < count_bytes or tags > _MOST_TAGS:
            return len(seen), False
        seen.add(at)
        pointer = page[end : end + pointer_bytes]
        if len(pointer) < pointer_bytes:
            pointer = place.read_at(at + end, pointer_bytes)
        if len(pointer) < pointer_bytes:
            return len(seen), False
        at = int.from_bytes(pointer, order)
    return len(seen), True


def form_of(page: Any, name: str) -> PageForm:
    """Tell what the samples of a page are."""
    if page.dtype is None:
        raise CorruptFrame("The TIFF holds values that are not known", where=name)
    photometric = int(page.photometric)
    samples = int(page.samplesperpixel)
    if samples > _MOST_SAMPLES:
        raise CorruptFrame(f"Pixels of {samples} samples are not read", where=name)
    if photometric == _CMYK:
        raise CorruptFrame("Printing colours (CMYK) are not read", where=name)
    if page.imagedepth != 1:
        raise CorruptFrame("Pages with a depth of their own are not read", where=name)
    meaning = ""
    if photometric == _PALETTE and samples == 1 and not _is_grey_ramp(page.colormap):
        meaning = "palette"
    elif photometric == _RGB or (photometric == _YCBCR and int(page.compression) in _JPEGS):
        meaning = "colour" if samples >= 3 else "first"
    elif samples > 1:
        meaning = "first"
        if samples > 2 and photometric != _YCBCR:
            raise CorruptFrame(f"Pixels of {samples} samples are not read", where=name)
    lossy = int(page.compression) in (6, 7, 34892)
    rows, columns = int(page.imagelength), int(page.imagewidth)
    if not (1 <= rows <= MAX_AXIS and 1 <= columns <= MAX_AXIS):
        raise CorruptFrame(f"The size {columns} x {rows} is not usable", where=name)
    dtype = np.dtype(page.dtype).newbyteorder("=")
    return PageForm(rows, columns, dtype, samples, meaning, photometric == _MINISWHITE, lossy)


def _is_grey_ramp(colours: Any) -> bool:
    """Tell whether a palette says no more than that higher is brighter."""
    if colours is None:
        return True
    table = np.asarray(colours).reshape(3, -1) >> 8
    ramp = np.arange(table.shape[1]) * 255 // max(1, table.shape[1] - 1)
    return bool((table == ramp).all())


def check_page(page: Any, form: PageForm, place: Place) -> None:
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


class PagedReader:
    """Decode the pages of one series of a file."""

    in_order = False

    def __init__(
        self,
        place: Place,
        number: int,
        layout: Layout,
        form: PageForm,
        *,
        pages_only: bool = False,
    ) -> None:
        self._place = place
        self._layout = layout
        self._form = form
        self._tif = open_tiff(place, pages_only=pages_only)
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


def read_page(page: Any, place: Place, form: PageForm, out: Plane, lock: Any) -> int:
    """Read one page into a plane; give how many bytes it takes in the file."""
    _refuse_changed(place)
    check_page(page, form, place)
    keyframe = page.keyframe
    count = int(sum(page.databytecounts))
    if not form.meaning and form.stored == out.dtype:
        if page.is_final and keyframe.dtype == out.dtype:
            place.read_into(int(page.dataoffsets[0]), out)
            if is_swapped(keyframe):
                out.byteswap(inplace=True)
            return count
        page.asarray(out=out[...], lock=lock, maxworkers=1)
        return count
    samples = np.asarray(page.asarray(lock=lock, maxworkers=1))
    if form.meaning == "palette":
        table = np.asarray(keyframe.colormap).reshape(3, -1).T >> 8
        out[...] = table.astype(np.uint8)[samples]
        return count
    if (
        samples.ndim == 3
        and samples.shape[0] == form.samples
        and samples.shape[1:] == out.shape[:2]
    ):
        samples = np.moveaxis(samples, 0, -1)  # colours in planes of their own
    if form.meaning == "colour":
        out[...] = samples[..., :3]
    elif form.meaning == "first":
        out[...] = samples[..., 0]
    else:
        out[...] = samples
    return count


def is_swapped(page: Any) -> bool:
    """Tell whether the file's bytes are in the other order than the machine's."""
    return bool(page.parent.byteorder != ("<" if np.little_endian else ">"))
