"""One source for every format: a reader fills planes, the source keeps the engine's promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from loading.errors import CorruptFrame, LoadError, SourceError
from loading.formats.blocks import Blocks
from loading.sources.base import CancelToken, Delivered, Rendition, Request
from loading.spec import ChunkKey, ValueMap, VolumeSpec
from loading.status import Status

Plane = npt.NDArray[np.generic]


class PlaneReader(Protocol):
    """Fill one plane of one time point.

    `in_order` says that planes are had cheaply only one after the other, first to last.
    """

    in_order: bool

    def fill(self, t: int, k: int, out: Plane, cancel: CancelToken) -> int:
        """Fill `out`, (rows, columns) or (rows, columns, 3); give how many bytes were read."""
        ...

    def close(self) -> None:
        """Let go of files and memory."""
        ...


class CoarseForm(NamedTuple):
    """What can be shown of a volume before its planes are read: how, and by which reader."""

    rendition: Rendition
    open_reader: Callable[[], PlaneReader]


class FormatSource:
    """Read the planes of one volume through a reader.

    Parameters
    ----------
    spec : VolumeSpec
    open_reader : callable
        Called at the first read, so that nothing is opened before somebody looks.
    lossy : bool
        Whether the encoding loses information.
    in_order : bool
        Whether planes should be asked for one after the other.
    coarse : CoarseForm, optional
        A form that takes less time.
    """

    def __init__(
        self,
        spec: VolumeSpec,
        open_reader: Callable[[], PlaneReader],
        *,
        lossy: bool = False,
        in_order: bool = False,
        coarse: CoarseForm | None = None,
    ) -> None:
        self.spec = spec
        self.in_order = in_order
        best = Rendition("full", Status.LOSSY if lossy else Status.FULL)
        self._renditions = (coarse.rendition, best) if coarse else (best,)
        self._openers = {0: open_reader}
        if coarse:
            self._openers[coarse.rendition.level] = coarse.open_reader
        self._readers: dict[int, PlaneReader] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def renditions(self, chunk: ChunkKey) -> Sequence[Rendition]:
        """Give the forms there are, which are those of every plane."""
        return self._renditions

    def read(
        self, request: Request, out: npt.NDArray[np.generic], cancel: CancelToken
    ) -> Delivered:
        """Fill `out`, shape (1, rows, columns), with a plane (see `Source.read`)."""
        cancel.check()
        chunk, level = request.chunk, request.rendition.level
        try:
            count = self._opened(level).fill(chunk.t, chunk.index, out[0], cancel)
        except LoadError:
            raise
        except Exception as error:  # libraries raise what they meet
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise CorruptFrame(
                f"The slice could not be decoded ({reason})", where=self.spec.path
            ) from error
        return Delivered(request.rendition.gives, max(1, count), level)

    def _opened(self, level: int = 0) -> PlaneReader:
        with self._lock:
            if self._is_closed:
                raise SourceError("The volume was closed", where=self.spec.path)
            if level not in self._readers:
                self._readers[level] = self._openers[level]()
            return self._readers[level]

    def close(self) -> None:
        """Let go; reads after it raise."""
        with self._lock:
            self._is_closed = True
            readers, self._readers = self._readers, {}
        for reader in readers.values():
            reader.close()


class Layout(NamedTuple):
    """How the samples of a volume follow each other.

    Attributes
    ----------
    stored : numpy dtype
        Of a sample, with its byte order.
    k_step, t_step, first : int
        Plane k of time point t is block `first + t * t_step + k * k_step`.
    samples : int
        Samples of a voxel that lie side by side; 1 for grey.
    samples_are_times : bool
        Whether these samples are the time points; otherwise they are a colour.
    """

    stored: np.dtype[np.generic]
    k_step: int = 1
    t_step: int = 0
    first: int = 0
    samples: int = 1
    samples_are_times: bool = False

    def block_of(self, t: int, k: int) -> int:
        """Give the ordinal of the block that holds a plane."""
        return self.first + t * self.t_step + k * self.k_step


class BlockReader:
    """Make planes of blocks of bytes: straight into the array where the samples are the array's.

    Parameters
    ----------
    blocks : Blocks
        One block for each plane (all samples of it).
    value_map : ValueMap
        From stored to meant values; applied here only where the array holds meant values.
    """

    def __init__(
        self, spec: VolumeSpec, layout: Layout, blocks: Blocks, value_map: ValueMap
    ) -> None:
        self._layout = layout
        self._blocks = blocks
        self._map = value_map if spec.value_map != value_map else ValueMap()
        self.in_order = blocks.in_order
        native = layout.stored.newbyteorder("=")
        is_whole = layout.samples == spec.samples
        self._is_direct = is_whole and native == spec.dtype and self._map.is_identity
        self._swap = self._is_direct and native != layout.stored

    def fill(self, t: int, k: int, out: Plane, cancel: CancelToken) -> int:
        """Fill a plane (see `PlaneReader.fill`)."""
        block = self._layout.block_of(t, k)
        if self._is_direct:
            self._blocks.fill(block, out, cancel)
            if self._swap:
                out.byteswap(inplace=True)
            return out.nbytes
        layout = self._layout
        raw = np.empty((*out.shape[:2], layout.samples), layout.stored)
        self._blocks.fill(block, raw, cancel)
        if layout.samples_are_times:
            put(raw[..., t], self._map, out)
        elif out.ndim == 3:
            out[...] = raw[..., : out.shape[2]]
        else:
            put(raw[..., 0], self._map, out)
        return raw.nbytes

    def close(self) -> None:
        """Let go of the bytes."""
        self._blocks.close()


def put(samples: Plane, value_map: ValueMap, out: Plane) -> None:
    """Write samples into the array, as meant values where a map is given."""
    if value_map.is_identity:
        out[...] = samples
    else:
        out[...] = samples.astype(np.float64) * value_map.slope + value_map.intercept
