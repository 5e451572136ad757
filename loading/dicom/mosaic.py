"""Unpack Siemens mosaics: one picture that holds the slices of a volume as tiles.

Image Position is that of a picture as large as the mosaic around the middle of the first slice.
How many tiles count and in which direction the slices follow each other stands in the CSA header.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from loading.dicom import csa, geometry, grouping, tags
from loading.dicom.elements import Damaged, DataSet, Values
from loading.dicom.forms import PixelForm
from loading.dicom.header import Attributes, Instance, Part
from loading.dicom.pixels import Coding, FramePixels
from loading.dicom.values import Mapping
from loading.sources.base import CancelToken

_CREATOR = b"SIEMENS CSA HEADER"
_COUNT, _NORMAL = "NumberOfImagesInMosaic", "SliceNormalVector"
_BLOCKS = range(0x10, 0x20)
_HEAD = 1 << 16
"""The CSA header of the image usually ends before this."""
MAX_TILES = 4096
_RECENT = 4
"""Decoded mosaics that are kept for the next tiles."""


def is_mosaic(shared: Attributes) -> bool:
    """Tell whether the image type says that the picture is a mosaic."""
    return "MOSAIC" in shared.words(tags.IMAGE_TYPE)


def tiles_of(instance: Instance, form: PixelForm) -> tuple[list[Instance], PixelForm]:
    """Give a slice for each tile that counts, and the form of a tile.

    The list is empty where the header does not say how the tiles lie: then nobody knows.
    """
    fields = _fields(instance)
    count = _count(fields)
    side = math.ceil(math.sqrt(count))
    frame = grouping.frame_of(instance.shared)
    spacing = grouping.spacing_of(instance.shared)
    normal = _normal(fields, frame)
    if not count or form.rows % side or form.columns % side:
        return [], form
    if frame is None or spacing is None or normal is None or not grouping.usable_position(instance):
        return [], form
    tile = replace(form, rows=form.rows // side, columns=form.columns // side)
    down = (form.rows - tile.rows) / 2 * spacing[0]
    across = (form.columns - tile.columns) / 2 * spacing[1]
    first = np.array(instance.position) + down * frame.column + across * frame.row
    step = normal * _step(instance.shared)
    at = tags.OWN_AT[tags.POSITION]
    parts = []
    for number in range(count):
        own = list(instance.own)
        own[at] = "\\".join(f"{x:.12g}" for x in first + number * step).encode()
        part = Part(instance, 0, number)
        parts.append(instance._replace(own=tuple(own), part=part))
    return parts, tile


def _fields(instance: Instance) -> dict[str, tuple[str, ...]]:
    """Read the CSA header of the image, which lies near the beginning."""
    for end in (min(_HEAD, instance.offset), instance.offset):
        data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
        try:
            values = _private(data)
        except Damaged:
            continue
        for block in _BLOCKS:
            if values.get(0x00290000 | block, b"").strip(b" \0") == _CREATOR:
                found = csa.read_fields(values.get(0x00290010 | block << 8, b""), (_COUNT, _NORMAL))
                if found:
                    return found
    return {}


def _private(data: DataSet) -> Values:
    """Give the elements that may be the CSA header of the image, with their creators."""
    wanted = [0x00290000 | block for block in _BLOCKS]
    creators = {tag: data.value(at) for tag, at in data.top(wanted).items()}
    blocks = [tag & 0xFF for tag, raw in creators.items() if raw.strip(b" \0") == _CREATOR]
    headers = data.top([0x00290010 | block << 8 for block in blocks[:1]])
    return creators | {tag: data.value(at) for tag, at in headers.items()}


def _count(fields: dict[str, tuple[str, ...]]) -> int:
    try:
        count = int(fields.get(_COUNT, ("0",))[0])
    except ValueError:
        return 0
    return count if 0 < count <= MAX_TILES else 0


def _normal(
    fields: dict[str, tuple[str, ...]], frame: geometry.Frame | None
) -> npt.NDArray[np.float64] | None:
    """Give the direction from slice to slice: the normal of the slices, on the side that is said.

    The header rounds to eight digits, the orientation does not.
    """
    try:
        said = np.array([float(part) for part in fields.get(_NORMAL, ())])
    except ValueError:
        return None
    if frame is None or said.shape != (3,):
        return None
    cosine = float(said @ frame.normal)
    return math.copysign(1.0, cosine) * frame.normal if abs(cosine) > 0.99 else None


def _step(shared: Attributes) -> float:
    for tag in (tags.SPACING_BETWEEN_SLICES, tags.SLICE_THICKNESS):
        values = shared.numbers(tag)
        if values and 1e-6 <= abs(values[0]) <= 1e4:
            return abs(values[0])
    return 1.0


class Recent:
    """Keep the mosaics that were decoded last; safe for many threads."""

    def __init__(self) -> None:
        self._planes: OrderedDict[int, tuple[npt.NDArray[np.generic], bool]] = OrderedDict()
        self._locks: dict[int, threading.Lock] = {}
        self._lock = threading.Lock()

    def plane(
        self, whole: FramePixels, reader: FramePixels, cancel: CancelToken
    ) -> tuple[npt.NDArray[np.generic], bool, int]:
        """Give the stored values of a mosaic, whether they are lossy, and the bytes read now.

        `reader` reads it when it is not known: `whole` itself, or what has its bytes.
        """
        key = id(whole)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # who wants another tile of it waits for this one to be decoded
            with self._lock:
                known = self._planes.get(key)
                if known is not None:
                    self._planes.move_to_end(key)
                    return *known, 0
            plane = np.empty(whole.coding.form.frame_shape, whole.coding.form.dtype)
            count, lossy = reader.read(plane, cancel)
            with self._lock:
                self._planes[key] = plane, lossy
                while len(self._planes) > _RECENT:
                    self._planes.popitem(last=False)
            return plane, lossy, count


class TilePixels(FramePixels):
    """Read one tile of a mosaic.

    Parameters
    ----------
    instance, coding, value_map
        As of any frame; the form is that of a tile.
    whole : FramePixels
        The reader of the mosaic, shared by its tiles.
    recent : Recent
        Shared by the tiles of a volume.
    """

    __slots__ = ("_recent", "_tile", "_whole")

    def __init__(
        self,
        instance: Instance,
        coding: Coding,
        whole: FramePixels,
        recent: Recent,
        value_map: Mapping | None,
    ) -> None:
        super().__init__(instance, coding, 0, None, value_map)
        self._whole = whole
        self._recent = recent
        self._tile = instance.part.tile if instance.part else 0

    @property
    def is_plain(self) -> bool:
        """Tell that a tile never lies in the file in one piece."""
        return False

    @property
    def carrier(self) -> FramePixels:
        """Give the mosaic."""
        return self._whole

    def has_level(self, level: int) -> bool:
        """Tell that a tile has no coarse form of its own."""
        return False

    def read(self, out: npt.NDArray[np.generic], cancel: CancelToken) -> tuple[int, bool]:
        """Write the tile into `out` (rows, columns); give bytes read and whether it is lossy."""
        return self.read_from(self._whole, out, cancel)

    def read_from(
        self, reader: FramePixels, out: npt.NDArray[np.generic], cancel: CancelToken
    ) -> tuple[int, bool]:
        """Write the tile into `out`; `reader` reads the mosaic, unless that was read lately."""
        plane, lossy, count = self._recent.plane(self._whole, reader, cancel)
        rows, columns = self.coding.form.rows, self.coding.form.columns
        row, column = divmod(self._tile, plane.shape[1] // columns)
        tile = plane[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]
        self.deliver(tile, out)
        return count, lossy
