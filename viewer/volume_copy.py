"""Smaller copies of a volume for the 3D view: numpy only, made in a worker thread.

While slices still arrive the copy takes every n-th voxel of what is there; a complete volume is
averaged. Planes that show nothing, and padding, become `empty_value`: they are never data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loading import Qualities
from loading.spec import VolumeSpec

Steps3 = tuple[int, int, int]
FOLLOWING_EDGE = 128


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """A smaller copy and where it stands.

    Attributes
    ----------
    array : array [k,j,i], dtype of the volume
    affine_lps : array, shape (4, 4)
    bounds : pair of float
        Range of its array values.
    revisions : array of int, one a plane, or None
        Of a copy that goes on being written to: another number, another plane.
    """

    array: npt.NDArray[np.generic]
    affine_lps: npt.NDArray[np.float64]
    bounds: tuple[float, float]
    revisions: npt.NDArray[np.int64] | None = None


def steps_for_edge(shape_kji: Steps3, edge: int = FOLLOWING_EDGE) -> Steps3:
    """Give the strides that bring each axis down to at most `edge` voxels."""
    k, j, i = (max(1, -(-size // edge)) for size in shape_kji)
    return k, j, i


def steps_for_budget(
    shape_kji: Steps3, spacing_ijk: tuple[float, float, float], voxels: int
) -> Steps3:
    """Give the strides that bring a volume within a number of voxels, finest axes first."""
    steps = [1, 1, 1]
    spacing = spacing_ijk[::-1]

    def count() -> int:
        return int(np.prod([-(-n // s) for n, s in zip(shape_kji, steps, strict=True)]))

    while count() > voxels:
        axis = min(range(3), key=lambda n: (steps[n] + 1) * spacing[n] if shape_kji[n] > 1 else 1e9)
        steps[axis] += 1
    return steps[0], steps[1], steps[2]


def placement(
    affine: npt.NDArray[np.float64], steps: Steps3, *, averaged: bool
) -> npt.NDArray[np.float64]:
    """Give the affine of a copy: strided voxels stay where they were, means stand in the middle."""
    result = affine.copy()
    ijk = steps[::-1]
    for axis in range(3):
        result[:3, axis] *= ijk[axis]
        if averaged:
            result[:3, 3] += affine[:3, axis] * (ijk[axis] - 1) / 2
    return result


def right_handed(
    array: npt.NDArray[np.generic], affine: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.float64]]:
    """Put the slices of a left-handed volume in the other order; each voxel stays where it was."""
    if np.linalg.det(affine[:3, :3]) >= 0:
        return array, affine
    turned = affine.copy()
    turned[:3, 3] += affine[:3, 2] * (len(array) - 1)
    turned[:3, 2] *= -1
    return array[::-1], turned


class FollowingCopy:
    """Every n-th voxel of a volume that still loads; only planes that changed are read again.

    Parameters
    ----------
    edge : int
        No axis of the copy is longer.
    is_shared : bool
        Give the one array that is written to, with revisions, instead of a copy each time: for who
        takes single planes from it. A plane that is written while it is taken shows torn until
        the next update, which has another revision of it.
    """

    def __init__(
        self, spec: VolumeSpec, edge: int = FOLLOWING_EDGE, *, is_shared: bool = False
    ) -> None:
        self.spec = spec
        self._is_shared = is_shared
        self._steps = steps_for_edge(spec.shape_kji, edge)
        shape = [-(-n // s) for n, s in zip(spec.shape_kji, self._steps, strict=True)]
        self._array = np.full(shape, spec.empty_value).astype(spec.dtype)
        self._revisions = np.zeros(shape[0], np.int64)
        affine = placement(spec.affine_lps, self._steps, averaged=False)
        # where plane n of the volume's own order stands
        self._planes, self._affine = right_handed(self._array, affine)
        self._revisions_of, _ = right_handed(self._revisions, affine)
        self._taken = np.full((shape[0], 4), -2, np.int64)
        self._bounds: tuple[float, float] | None = None

    def update(self, stored: npt.NDArray[np.generic], qualities: Qualities) -> Copy | None:
        """Read what changed; None while no plane shows anything."""
        step_k, step_j, step_i = self._steps
        for plane, taken in enumerate(self._taken):
            k = _best_in_block(qualities, plane * step_k, step_k)
            now = (k, qualities.content[k], qualities.status[k], qualities.level[k])
            if (taken == now).all():
                continue
            taken[:] = now
            self._revisions_of[plane] += 1
            if qualities.content[k] < 0:
                self._planes[plane] = self.spec.empty_value
                continue
            values = _without_padding(stored[k, ::step_j, ::step_i], self.spec)
            self._planes[plane] = values
            self._widen(values)
        if self._bounds is None:
            return None
        if self._is_shared:
            return Copy(self._array, self._affine, self._bounds, self._revisions.copy())
        return Copy(self._array.copy(), self._affine, self._bounds)

    def _widen(self, values: npt.NDArray[np.generic]) -> None:
        low, high = float(values.min()), float(values.max())
        before = self._bounds or (self.spec.empty_value, self.spec.empty_value)
        if low < before[0] or high > before[1]:
            # other bounds are another texture: shared copies leave room for what is to come
            room = (max(high, before[1]) - min(low, before[0])) / 4 if self._is_shared else 0.0
            low, high = (low - room, high + room)
        self._bounds = min(low, before[0]), max(high, before[1])


def _best_in_block(qualities: Qualities, first: int, count: int) -> int:
    """Choose the plane that stands for a block: the first one that shows anything."""
    block = qualities.content[first : first + count]
    there = np.flatnonzero(block >= 0)
    return first + int(there[0]) if there.size else first


def averaged_copy(
    spec: VolumeSpec,
    stored: npt.NDArray[np.generic],
    qualities: Qualities,
    voxels: int,
    go_on: Callable[[], None] = lambda: None,
) -> Copy:
    """Copy a whole volume within a budget, each voxel the mean of a block.

    `go_on` is called before each plane, and ends the work by raising.

    A block at the far edge that is not full is the mean of what it has. A volume that fits as it
    is, and of which every plane shows something, is not copied: its own memory is given.
    """
    steps = steps_for_budget(spec.shape_kji, spec.spacing_ijk_mm, voxels)
    if steps == (1, 1, 1) and _is_clean(spec, qualities):
        lows: list[float] = []
        highs: list[float] = []
        for whole in stored:
            go_on()
            lows.append(float(whole.min()))
            highs.append(float(whole.max()))
        low, high = min(lows), max(highs)
        return Copy(stored, spec.affine_lps, (low, max(high, low + 1.0)))
    shape = [-(-n // s) for n, s in zip(spec.shape_kji, steps, strict=True)]
    result = np.empty(shape, spec.dtype)
    for plane in range(shape[0]):
        go_on()
        first = plane * steps[0]
        last = min(first + steps[0], spec.shape_kji[0])
        ks = [k for k in range(first, last) if qualities.content[k] >= 0]
        result[plane] = (
            _block_mean([stored[k] for k in ks], steps, (shape[1], shape[2]), spec)
            if ks
            else spec.empty_value
        )
    low, high = float(np.nanmin(result)), float(np.nanmax(result))
    affine = placement(spec.affine_lps, steps, averaged=True)
    return Copy(result, affine, (low, max(high, low + 1.0)))


def _is_clean(spec: VolumeSpec, qualities: Qualities) -> bool:
    """Tell whether every value of the array is data."""
    is_whole = bool((qualities.content >= 0).all())
    return is_whole and spec.padding is None and spec.dtype.kind in "iu"


def _block_mean(
    planes: list[npt.NDArray[np.generic]],
    steps: Steps3,
    shape: tuple[int, int],
    spec: VolumeSpec,
) -> npt.NDArray[np.generic]:
    """Average planes and blocks of pixels; strided additions are the fastest way in numpy."""
    _, step_j, step_i = steps
    if len(planes) == step_j == step_i == 1:
        return _without_padding(planes[0], spec)
    total = np.zeros(shape, np.float32)
    for plane in planes:
        clean = _without_padding(plane, spec)
        for j in range(step_j):
            for i in range(step_i):
                part = clean[j::step_j, i::step_i]
                sums = total[: part.shape[0], : part.shape[1]]
                np.add(sums, part, out=sums, casting="unsafe")
    _, rows, columns = spec.shape_kji
    total /= len(planes) * np.outer(_filled(rows, step_j), _filled(columns, step_i))
    if spec.dtype.kind in "iu":
        np.rint(total, out=total)
    return total.astype(spec.dtype)


def _filled(size: int, step: int) -> npt.NDArray[np.float32]:
    """Count the voxels in each block along an axis; the last one may have fewer."""
    counts = np.full(-(-size // step), step, np.float32)
    counts[-1] = size - step * (len(counts) - 1)
    return counts


def _without_padding(values: npt.NDArray[np.generic], spec: VolumeSpec) -> npt.NDArray[np.generic]:
    """Replace padding and NaN by the value that stands for nothing."""
    nothing: npt.NDArray[np.bool_] | None = None
    if spec.padding is not None:
        low, high = spec.padding
        nothing = np.greater_equal(values, low) & np.less_equal(values, high)
    if values.dtype.kind == "f":
        not_a_number = np.isnan(values)
        nothing = not_a_number if nothing is None else nothing | not_a_number
    if nothing is None or not nothing.any():
        return values
    return np.where(nothing, spec.empty_value, values).astype(spec.dtype)
