"""Pictures in files each by itself: slices of stacks, and planes of images in several files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from loading.errors import CorruptFrame
from loading.formats.planes import Plane
from loading.formats.tiff_pages import (
    UNKNOWN,
    PageForm,
    Spacing,
    form_of,
    open_tiff,
    read_page,
)
from loading.sources.base import CancelToken
from loading.sources.places import Place

_TEMPLATE_BYTES = 4096
_PLACE_TAGS = (273, 279, 324, 325)


@dataclass(frozen=True, slots=True)
class SinglePage:
    """A file with one picture in it, that may be a slice of a stack.

    `offset` is where its samples lie in one piece, as they go into the array (-1: they do not);
    `swapped` tells that their bytes are in the other order; `index` is its number in the file.
    """

    place: Place
    form: PageForm
    spacing: Spacing = UNKNOWN
    offset: int = -1
    swapped: bool = False
    index: int = 0


class StackReader:
    """Read planes that lie in files each by itself; one that is not there is told as such.

    Parameters
    ----------
    planes : mapping of (time point, slice) to SinglePage
    read : callable
        Fills an array with one, and gives how many bytes it read.
    """

    in_order = False

    def __init__(
        self,
        planes: Mapping[tuple[int, int], SinglePage],
        read: Callable[[SinglePage, Plane], int],
    ) -> None:
        self._planes = planes
        self._read = read

    def fill(self, t: int, k: int, out: Plane, cancel: CancelToken) -> int:
        """Fill a plane (see `PlaneReader.fill`)."""
        page = self._planes.get((t, k))
        if page is None:
            raise CorruptFrame("The file that holds this slice is not there")
        return self._read(page, out)

    def close(self) -> None:
        """Do nothing: files are opened for each slice."""


def read_single(page: SinglePage, out: Plane) -> int:
    """Read a page that may lie in any file; give how many bytes it takes there."""
    # samples that the array does not hold as they are (double, 64 bits) go through tifffile
    if page.offset >= 0 and page.form.stored == out.dtype:
        page.place.read_into(page.offset, out)
        if page.swapped:
            out.byteswap(inplace=True)
        return out.nbytes
    with open_tiff(page.place) as tif:
        found = tif.pages[page.index]
        form = form_of(found, page.place.name)
        if form._replace(is_lossy=False) != page.form._replace(is_lossy=False):
            raise CorruptFrame("The slice is of another size or type", where=page.place.name)
        return read_page(found, page.place, form, out, threading.RLock())


class IfdTemplate:
    """Recognise a file whose one page has the same header, byte for byte, as one parsed before."""

    def __init__(self) -> None:
        self._known: dict[bytes, SinglePage] = {}

    def find(self, place: Place, key: bytes) -> SinglePage | None:
        """Give the page of a file with this key (see `key_of`), or None."""
        page = self._known.get(key)
        return None if page is None else replace(page, place=place)

    def learn(self, key: bytes, page: SinglePage) -> None:
        """Remember a page."""
        if key and len(self._known) < 256:
            self._known[key] = page

    @staticmethod
    def key_of(place: Place) -> bytes:
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
