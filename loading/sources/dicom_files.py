"""Read slices of DICOM files into the array: straight from the file where nothing is to be done.

Uncompressed frames go from the file into their plane by one system call. Everything else passes
through `loading.dicom.pixels`, which decodes, clears spare bits and maps values.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loading.dicom.pixels import Coding, FramePixels
from loading.errors import SourceError
from loading.sources.base import FULL_RENDITION, CancelToken, Delivered, Rendition, Request, TagRow
from loading.sources.places import (
    HAS_PREADV,
    LocalFile,
    fill_from,
    open_readonly,
    refuse_changed,
    source_error,
)
from loading.spec import ChunkKey, VolumeSpec
from loading.status import Status

LOSSY_RENDITION = Rendition("full", Status.LOSSY)
COARSE_LEVEL = 3
COARSE_RENDITION = Rendition("coarse", Status.SUBRESOLUTION, COARSE_LEVEL, 0.3)
_FULL_ONLY = (FULL_RENDITION,)
_LOSSY_ONLY = (LOSSY_RENDITION,)


class _Plain(NamedTuple):
    """A frame that lies in a file exactly as it goes into the array."""

    path: str
    size: int
    stamp: int
    offset: int
    delivered: Delivered


class DicomSource:
    """Read the slices of one volume, or the frames of one file.

    Parameters
    ----------
    spec : VolumeSpec
    frames : sequence of FramePixels or None
        One for each plane of each time point; None where the series has no slice.
    """

    def __init__(self, spec: VolumeSpec, frames: Sequence[FramePixels | None]) -> None:
        self.spec = spec
        self._frames = frames
        self._plain: dict[int, _Plain | None] = {}
        self._straight: dict[int, Delivered | None] = {}
        self._has_coarse: dict[int, bool] = {}
        self._planes = spec.shape_kji[0]
        self._is_closed = False

    def renditions(self, chunk: ChunkKey) -> Sequence[Rendition]:
        """Give what is offered for a slice; a coarse picture only where its bytes are known.

        One frame is looked at for all of its series: where another one turns out to be different,
        the coarse request is answered with the full picture.
        """
        frame = self._frames[self._number(chunk)]
        if frame is None:
            return ()
        full = _LOSSY_ONLY if frame.coding.is_lossy else _FULL_ONLY
        if not frame.coding.is_encapsulated:
            return full
        shared = id(frame.instance.shared)
        if shared not in self._has_coarse:
            self._has_coarse[shared] = frame.has_level(COARSE_LEVEL)
        return (COARSE_RENDITION, *full) if self._has_coarse[shared] else full

    def read(
        self, request: Request, out: npt.NDArray[np.generic], cancel: CancelToken
    ) -> Delivered:
        """Fill `out`, shape (1, rows, columns), with a slice (see `Source.read`)."""
        if self._is_closed:
            raise SourceError("The volume was closed", where=self.spec.path)
        cancel.check()
        index = self._number(request.chunk)
        plain = self._plain[index] if index in self._plain else self._look(index)
        if plain is not None:
            return _read_plain(plain, out)
        frame = self._frames[index]
        if frame is None:
            raise SourceError("There is no such slice", where=self.spec.path)
        if request.rendition.level:
            read = frame.read_level(request.rendition.level, out[0], cancel)
            if read is not None:
                return Delivered(Status.SUBRESOLUTION, read, request.rendition.level)
        count, lossy = frame.read(out[0], cancel)
        return Delivered(Status.LOSSY if lossy else Status.FULL, count)

    def _look(self, index: int) -> _Plain | None:
        """Find out, once, whether a frame lies in its file as it goes into the array."""
        plain, frame = None, self._frames[index]
        if frame is not None and isinstance(frame.instance.place, LocalFile):
            coding = frame.coding
            if id(coding) not in self._straight:
                self._straight[id(coding)] = _straight(coding, self.spec)
            delivered = self._straight[id(coding)]
            if delivered is not None and frame.is_plain:
                place, offset = frame.instance.place, frame.native_span[0]
                plain = _Plain(place.name, place.size, place.stamp, offset, delivered)
        self._plain[index] = plain
        return plain

    def _number(self, chunk: ChunkKey) -> int:
        return chunk.t * self._planes + chunk.index

    def tags(self, k: int, t: int = 0) -> list[TagRow]:
        """Give the header of the file that holds slice k, as text; empty where there is none."""
        from loading.dicom.tag_table import tag_rows

        frame = self._frames[self._number(ChunkKey(t, 0, k))]
        return [] if frame is None else tag_rows(frame.instance.place)

    def close(self) -> None:
        """Let go; reads after it raise."""
        self._is_closed = True


def _straight(coding: Coding, spec: VolumeSpec) -> Delivered | None:
    """Give what reading a frame delivers where its bytes are those of the array, else None."""
    if not coding.is_plain or coding.form.dtype != spec.dtype:
        return None
    status = Status.LOSSY if coding.is_lossy else Status.FULL
    return Delivered(status, coding.form.frame_bits // 8)


def _read_plain(plain: _Plain, out: npt.NDArray[np.generic]) -> Delivered:
    """Let the system copy a frame from its file into its plane."""
    path, size, stamp, offset, delivered = plain
    try:
        descriptor = open_readonly(path)
        try:
            refuse_changed(descriptor, size, stamp, path)
            if not HAS_PREADV or (
                os.preadv(descriptor, [out], offset) != delivered.bytes_read  # type: ignore[list-item]
            ):
                fill_from(descriptor, offset, out, path)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise source_error(error, path) from error
    return delivered
