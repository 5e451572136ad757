"""The resolutions of an OME-Zarr image: the one that was chosen, and a coarse one before it.

A coarser level covers a few fine planes with each of its own. Spread over them it is the whole
volume at a fraction of the bytes, until the fine chunks are there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from loading.errors import LoadError
from loading.formats.planes import CoarseForm, Plane, put
from loading.formats.zarr_axes import Axes, affine_of
from loading.sources.base import CancelToken, Rendition
from loading.spec import FloatArray, ValueMap
from loading.status import Status

_MOST_SHARE, _GOOD_SHARE = 0.25, 0.03

Indices = tuple[npt.NDArray[np.intp], ...]


class Opened(NamedTuple):
    """A level: its metadata, its array, and where its voxels lie."""

    dataset: Mapping[str, Any]
    array: Any
    shape: tuple[int, ...]


class ZarrReader:
    """Read planes of one channel; tensorstore keeps the chunks that the next planes need.

    Parameters
    ----------
    indices : tuple of int arrays, optional
        Of a coarse level: which of its planes, rows and columns each fine one is shown with.
    """

    in_order = True

    def __init__(
        self, array: Any, axes: Axes, channel: int, indices: Indices | None = None
    ) -> None:
        self._array: Any = array
        self._axes = axes
        self._channel = channel
        self._indices = indices

    def fill(self, t: int, k: int, out: Plane, cancel: CancelToken) -> int:
        """Fill a plane (see `PlaneReader.fill`)."""
        axes, spread = self._axes, self._indices
        where: list[Any] = [slice(None)] * len(axes.names)
        if axes.time is not None:
            where[axes.time] = t
        if axes.channel is not None:
            where[axes.channel] = self._channel
        if len(axes.space) == 3:
            where[axes.space[0]] = k if spread is None else int(spread[0][k])
        found = np.asarray(self._array[tuple(where)].read().result())
        cancel.check()
        count = found.nbytes
        if spread is not None:
            found = found[np.ix_(spread[-2], spread[-1])]
        put(found, ValueMap(), out)
        return count

    def close(self) -> None:
        """Let go of the array."""
        self._array = None


def coarse_form(
    fine: Opened,
    open_others: Sequence[Callable[[], Opened]],
    multiscale: Mapping[str, Any],
    axes: Axes,
    channel: int,
) -> CoarseForm | None:
    """Give the coarse form of an image; None where no level fits, or none is worth it.

    Parameters
    ----------
    open_others : sequence of callable
        Open the levels that are coarser than the one that was chosen, finest first.
    """
    best: CoarseForm | None = None
    for open_other in open_others:
        try:
            other = open_other()
            indices = _indices(fine, other, multiscale, axes)
        except (LoadError, ArithmeticError, TypeError, ValueError):
            break  # what is shown first is no reason to fail
        if indices is None or other.array.dtype != fine.array.dtype:
            continue
        share = math.prod(other.shape) / math.prod(fine.shape)
        factor = fine.shape[axes.space[-1]] / other.shape[axes.space[-1]]
        level = max(1, round(math.log2(max(factor, 1.0))))
        if share <= _MOST_SHARE:
            rendition = Rendition("coarse", Status.SUBRESOLUTION, level, share)
            best = CoarseForm(rendition, _reader_of(other.array, axes, channel, indices))
        if share <= _GOOD_SHARE:
            break
    return best


def _reader_of(array: Any, axes: Axes, channel: int, indices: Indices) -> Callable[[], ZarrReader]:
    return lambda: ZarrReader(array, axes, channel, indices)


def _indices(
    fine: Opened, other: Opened, multiscale: Mapping[str, Any], axes: Axes
) -> Indices | None:
    """Find the nearest coarse voxel for each fine one, along each axis of space.

    None where the levels do not cover the same region, as far as their metadata say.
    """
    places = [affine_of(multiscale, level.dataset, axes, []) for level in (fine, other)]
    map_ijk: FloatArray = np.linalg.inv(places[1]) @ places[0]
    found = []
    count = len(axes.space)
    for n, axis in enumerate(axes.space):
        at = count - 1 - n
        here, there = fine.shape[axis], other.shape[axis]
        step, shift = float(map_ijk[at, at]), float(map_ijk[at, 3])
        ends = shift - step / 2, shift + step * (here - 0.5)
        if abs(ends[0] + 0.5) > 1.0 or abs(ends[1] - there + 0.5) > 1.0:
            return None
        nearest = np.ceil(step * np.arange(here) + shift - 0.5 - 1e-6)
        found.append(np.clip(nearest, 0, there - 1).astype(np.intp))
    others = [n for n in range(len(axes.names)) if n not in axes.space]
    if any(fine.shape[n] != other.shape[n] for n in others):
        return None
    return tuple(found)
