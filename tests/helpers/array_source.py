"""A source over an array in memory: the engine's tests need no files, and can make it fail or wait.

It offers a coarse rendition (every 8th sample, brought to full size by the sampling rule of a
sub-sampled level) and a full one, and counts what it is asked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

import loading
from loading import CancelToken, ChunkKey, Delivered, Rendition, Request, Status, VolumeSpec
from loading.spec import Level

COARSE = Rendition("coarse", Status.SUBRESOLUTION, level=3, cost=0.05)
FULL = Rendition("full", Status.FULL)


def make_spec(shape_kji=(10, 8, 8), dtype="int16", **changes) -> VolumeSpec:
    """Describe an axial volume of 1 x 1 x 2 mm; `changes` replace fields."""
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    level = Level(tuple(shape_kji), affine, (1, *shape_kji[1:]))
    fields = {"key": "test", "label": "test", "modality": "CT", "unit": "HU", "levels": (level,)}
    return VolumeSpec(**{**fields, "dtype": np.dtype(dtype), **changes})


def make_voxels(spec: VolumeSpec, seed: int = 1) -> np.ndarray:
    """Fill [t,k,j,i] with values that differ from slice to slice."""
    rng = np.random.default_rng(seed)
    shape = (spec.time_points, *spec.shape_kji)
    return rng.integers(-1000, 1000, shape).astype(spec.dtype)


def coarse_plane(plane: np.ndarray, step: int = 8) -> np.ndarray:
    """Bring every `step`-th sample to full size: source index round(x / step), clipped."""
    picks = []
    for size in plane.shape:
        last = (size - 1) // step
        picks.append(np.minimum((np.arange(size) + step // 2) // step, last) * step)
    return plane[np.ix_(*picks)]


class ArraySource:
    """Read from an array; `before` is called with each request before anything is written.

    Parameters
    ----------
    failures : dict of int to int
        How often reading slice k fails before it succeeds; -1 for always.
    """

    def __init__(
        self,
        spec: VolumeSpec,
        voxels: np.ndarray | None = None,
        *,
        has_coarse: bool = True,
        failures: dict[int, int] | None = None,
        before: Callable[[Request], None] | None = None,
        delay_s: float = 0.0,
    ) -> None:
        self.spec = spec
        self.voxels = make_voxels(spec) if voxels is None else voxels
        self.has_coarse = has_coarse
        self.failures = dict(failures or {})
        self.before = before
        self.delay_s = delay_s
        self.requests: list[Request] = []
        self.opened = self.closed = 0
        self._lock = threading.Lock()

    def renditions(self, chunk: ChunkKey) -> tuple[Rendition, ...]:
        return (COARSE, FULL) if self.has_coarse else (FULL,)

    def read(self, request: Request, out: np.ndarray, cancel: CancelToken) -> Delivered:
        t, _, k = request.chunk
        with self._lock:
            self.requests.append(request)
            left = self.failures.get(k, 0)
            if left > 0:
                self.failures[k] = left - 1
        if self.before:
            self.before(request)
        deadline = time.monotonic() + self.delay_s
        while time.monotonic() < deadline:
            cancel.check()
            time.sleep(0.0005)
        cancel.check()
        if left:
            out[:] = 12345  # whoever shows a failed read sees this
            raise loading.CorruptFrame("Planted fault", where=f"slice {k}")
        plane = self.voxels[t, k]
        out[0] = coarse_plane(plane) if request.rendition.name == "coarse" else plane
        size = plane.nbytes // 64 if request.rendition.name == "coarse" else plane.nbytes
        return Delivered(request.rendition.gives, size, request.rendition.level)

    def close(self) -> None:
        self.closed += 1

    def entry(self) -> loading.VolumeEntry:
        """List this source in a catalogue."""

        def open_source() -> ArraySource:
            self.opened += 1
            return self

        return loading.VolumeEntry(self.spec, open_source)
