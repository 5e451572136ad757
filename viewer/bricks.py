"""Which bricks of a volume can be seen under an opacity function; numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BRICK = 16
"""Edge of a brick in voxels."""

Array = npt.NDArray[np.generic]
Ranges = tuple[Array, Array]


def brick_ranges(array: Array) -> Ranges:
    """Give the lowest and highest value that a sample inside each brick can have.

    Parameters
    ----------
    array : array [k,j,i]

    Returns
    -------
    low, high : arrays, one value a brick
        Neighbouring voxels count too, since samples are interpolated. NaN where there is one.
    """
    return _reduced(array, np.minimum), _reduced(array, np.maximum)


def _reduced(array: Array, pick: np.ufunc) -> Array:
    for axis in range(3):
        starts = np.arange(0, array.shape[axis], BRICK)
        result = pick.reduceat(array, starts, axis=axis)
        inner = starts[1:]
        if inner.size:
            lower, upper = _along(axis, slice(None, -1)), _along(axis, slice(1, None))
            result[lower] = pick(result[lower], array.take(inner, axis))
            result[upper] = pick(result[upper], array.take(inner - 1, axis))
        array = result
    return array


def _along(axis: int, part: slice) -> tuple[slice, ...]:
    return tuple(part if n == axis else slice(None) for n in range(3))


def can_be_seen(
    low: Array, high: Array, opacity: Sequence[tuple[float, float]], step: float
) -> npt.NDArray[np.bool_]:
    """Tell for each brick whether a value of its range has an opacity.

    Parameters
    ----------
    opacity : pairs (array value, opacity)
        Corners of the opacity function, which goes on level beyond the first and the last.
    step : float
        Distance of two entries of VTK's table: by that much an opacity may spill over.
    """
    values, alphas = (np.array(part, float) for part in zip(*sorted(opacity), strict=True))
    first, last = low.astype(float) - step, high.astype(float) + step
    at_ends = (np.interp(first, values, alphas) > 0) | (np.interp(last, values, alphas) > 0)
    seen = np.concatenate([[0], np.cumsum(alphas > 0)])
    between = seen[np.searchsorted(values, last)] > seen[np.searchsorted(values, first)]
    unknown = np.isnan(first) | np.isnan(last)
    result: npt.NDArray[np.bool_] = at_ends | between | unknown
    return result


def spans(visible: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Give each brick 0 where it is visible, else the edge of the empty group it is in, in bricks.

    Groups are aligned cubes of 2, 4 and 8 bricks: one jump crosses all of it.
    """
    result = (~visible).astype(np.uint8)
    for edge in (2, 4, 8):
        if min(visible.shape) < edge:
            break
        whole = [size // edge for size in visible.shape]
        inner = visible[tuple(slice(n * edge) for n in whole)]
        groups = inner.reshape(whole[0], edge, whole[1], edge, whole[2], edge)
        is_empty: npt.NDArray[np.bool_] = np.logical_not(groups.max(axis=(1, 3, 5)))
        marked = result[tuple(slice(n * edge) for n in whole)].reshape(groups.shape)
        marked[...] = np.where(is_empty[:, None, :, None, :, None], edge, marked)
    return result
