"""Cut planes along the voxel axes with numpy alone: what is looked at before VTK has been imported.

VTK takes longer to import than a first slice takes to read. Nearly every plane that the program
shows runs along two axes of the array, and there trilinear interpolation is a weighted sum of four
columns. The sums are VTK's, in its order and its number formats, so that nothing on the screen
changes when `viewer.slice_cutter` takes over; a test holds both against each other, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from viewer.geometry import FloatArray

_BINS = 1 << 16
"""VTK rounds places to that many parts of a voxel (vtkInterpolationMath::Floor)."""


@dataclass(frozen=True, slots=True)
class CutArea:
    """The pixels to be cut: place of the first one on the plane and the step to the next.

    Attributes
    ----------
    right_mm, down_mm : float
        Centre of the top left pixel, from the plane's middle.
    step_mm : float
        Size of a pixel.
    width, height : int
        Pixels.
    """

    right_mm: float
    down_mm: float
    step_mm: float
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """Places along one axis of the array: two neighbours and the share of the second one."""

    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]
    share: FloatArray
    is_inside: npt.NDArray[np.bool_]


def is_straight(matrix: FloatArray) -> bool:
    """Tell whether a plane runs along two axes of the array and through voxel centres.

    Parameters
    ----------
    matrix : array, shape (3, 3)
        From `geometry.index_matrix`.
    """
    ways = matrix[:, :2] != 0
    if (ways.sum(axis=0) != 1).any() or (ways.sum(axis=1) > 1).any():
        return False
    level = float(matrix[~ways.any(axis=1)][0, 2])
    return abs(level - round(level)) < 0.5 / _BINS


class StraightCutter:
    """Cut straight planes from one array, [k,j,i] or [k,j,i,3], that others go on writing to."""

    def __init__(self, array: npt.NDArray[np.generic], empty_value: float) -> None:
        self._array = array
        self._empty_value = empty_value

    def cut(
        self, matrix: FloatArray, area: CutArea, *, linear: bool
    ) -> npt.NDArray[np.generic] | None:
        """Give array values, shape (height, width) or (height, width, 3), top row first.

        None where voxels of the plane are no finite numbers: what becomes of those around them,
        only VTK knows.

        Parameters
        ----------
        matrix : array, shape (3, 3)
            From `geometry.index_matrix`; `is_straight` must hold.
        linear : bool
            Between voxel centres; else the nearest voxel.
        """
        across, down = (int(np.flatnonzero(matrix[:, n])[0]) for n in range(2))
        fixed = 3 - across - down
        first = matrix @ (area.right_mm, area.down_mm, 1.0)
        places = [
            first[axis] + np.arange(count) * (matrix[axis, n] * area.step_mm)
            for n, (axis, count) in enumerate(((across, area.width), (down, area.height)))
        ]
        # array axes run k, j, i; index axes run i, j, k
        plane = np.take(self._array, round(float(first[fixed])), axis=2 - fixed)
        if linear and plane.dtype.kind == "f" and not np.isfinite(plane).all():
            return None
        if across > down:
            plane = plane.swapaxes(0, 1)
        rows, columns = (_line(places[n], plane.shape[1 - n], linear) for n in (1, 0))
        result = _mixed(plane, rows, columns) if linear else plane[np.ix_(rows.low, columns.low)]
        result = np.ascontiguousarray(result)
        result[~rows.is_inside] = self._empty_value
        result[:, ~columns.is_inside] = self._empty_value
        return result


def _line(places: FloatArray, size: int, linear: bool) -> _Line:
    """Find the voxels on both sides of each place, as VTK does for a whole row at once."""
    reach = 0.5 if size > 1 else 0.5 + 0.5 / _BINS
    is_inside = (places >= -reach) & (places <= size - 1 + reach)
    binned = np.floor(places * _BINS + 0.5) / _BINS
    if not linear:
        nearest = np.clip(np.floor(binned + 0.5), 0, size - 1).astype(np.intp)
        return _Line(nearest, nearest, np.zeros(len(places)), is_inside)
    low = np.floor(binned)
    share = binned - low
    high = low + (share != 0)
    first, second = (np.clip(n, 0, size - 1).astype(np.intp) for n in (low, high))
    return _Line(first, second, share, is_inside)


def _mixed(plane: npt.NDArray[Any], rows: _Line, columns: _Line) -> npt.NDArray[np.generic]:
    """Interpolate: first between the rows, then between what that gave for each column."""
    across = (-1,) + (1,) * (plane.ndim - 1)
    share = rows.share.reshape(across)
    between: FloatArray = (1.0 - share) * plane[rows.low] + share * plane[rows.high]
    share = columns.share.reshape(across[:-1])
    mixed: FloatArray = (1.0 - share) * between[:, columns.low] + share * between[:, columns.high]
    if plane.dtype.kind in "iu":
        # as vtkInterpolationMath::Round does
        np.floor(mixed + (0.5 + 0.5 / _BINS), out=mixed)
    result: npt.NDArray[np.generic] = mixed.astype(plane.dtype)
    return result
