"""Where slices lie: orientation, order, steps, gaps, shear. Pure functions on numbers.

World is LPS millimetres. Rules and tolerances are constants with their reason. Nothing here
reads a file or knows an attribute's number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

EVEN_RELATIVE = 0.01
"""Gaps that differ by less than this part of the step count as equal ..."""
EVEN_MM = 0.01
"""... and so do gaps that differ by less than this."""
MULTIPLE = 0.02
"""A gap counts as so many steps when it is so near to a whole number of them."""
FINE = 0.1
"""Uneven slices may be moved by this part of a plane's distance."""
PLANES_PER_SLICE = 4
"""A grid for uneven slices has at most so many planes for each."""
MOST_SPARSE_PLANES = 8192
"""A grid that is empty for the most part has fewer planes than this."""
BESIDE_MM = 0.1
"""A slice farther than this from the line of the others, in its plane, stands beside it."""
MAX_POSITION_MM = 1e6
"""Positions farther away than a kilometre are no positions."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The directions of a slice.

    Attributes
    ----------
    row, column : array, shape (3,)
        Unit vectors along increasing column index and along increasing row index.
    normal : array, shape (3,)
        row x column.
    length : float
        Length that the vectors had in the file when it was not one, else 1.
    """

    row: FloatArray
    column: FloatArray
    normal: FloatArray
    length: float = 1.0


def frame_of(cosines: tuple[float, ...]) -> Frame | None:
    """Make directions of six cosines; None when they span no plane (zero, parallel, not numbers).

    Lengths off by more than 1e-3 are brought to one and told; a column that is not at right
    angles to the row within 0.01 is refused.
    """
    if len(cosines) != 6 or not np.isfinite(cosines).all():
        return None
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if min(lengths) < 1e-3 or max(lengths) > 1e3:
        return None
    row, column = row / lengths[0], column / lengths[1]
    if abs(float(row @ column)) > 0.01:
        return None
    worst = max(lengths, key=lambda value: abs(value - 1.0))
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return Frame(row, column, normal, worst if abs(worst - 1.0) > 1e-3 else 1.0)


def plane_name(frame: Frame) -> str:
    """Name the plane of the body that slices are nearest to."""
    return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(frame.normal)))]


STANDARD_FRAME = Frame(
    np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
)
"""Directions of a slice that does not say its own."""


def same_direction(a: Frame, b: Frame, degrees: float = 0.1) -> bool:
    """Tell whether rows and columns of two frames differ by less than an angle."""
    limit = 2.0 * np.sin(np.radians(degrees) / 2.0)
    apart = max(np.linalg.norm(a.row - b.row), np.linalg.norm(a.column - b.column))
    return bool(apart < limit)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The planes of a volume and the slices on them.

    Attributes
    ----------
    planes : int
        Number of planes.
    plane_of : array of int, shape (n,)
        Plane of each slice, in the order of the sorted slices.
    first : array, shape (3,), millimetres
        Centre of the first voxel of plane 0.
    step : array, shape (3,), millimetres
        From one plane to the next; it need not be along the normal.
    moved_mm : float
        How far the farthest slice is from its plane.
    kind : str
        "even", "gaps" (whole multiples of one step), or "uneven".
    gaps : tuple of float
        Smallest and largest distance of neighbours along the normal, mm.
    beside_mm : array, shape (n,)
        How far each slice is from its place, measured in its own plane.
    stretched : bool
        The distance changed for several slices in a row, which no missing slice explains.
    """

    planes: int
    plane_of: IntArray
    first: FloatArray
    step: FloatArray
    moved_mm: float
    kind: str
    gaps: tuple[float, float]
    beside_mm: FloatArray
    stretched: bool = False

    @property
    def absent(self) -> frozenset[int]:
        """Name the planes without a slice."""
        return frozenset(range(self.planes)) - frozenset(self.plane_of.tolist())


def along(positions: FloatArray, normal: FloatArray) -> FloatArray:
    """Project positions (n, 3) on the normal; mm."""
    return positions @ normal


def median(values: FloatArray) -> float:
    """Give the median of numbers; `numpy.median` would import 8 ms of masked arrays for it."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def same_place_mm(distances: FloatArray) -> float:
    """Say within which distance two of many slices count as one place.

    A hundredth of the usual step, for the finest series; never more than rounding explains.
    """
    gaps = np.diff(np.sort(distances))
    gaps = gaps[gaps > 1e-4]
    return min(median(gaps) * EVEN_RELATIVE, EVEN_MM) if len(gaps) else 1e-4


def lay_out(positions: FloatArray, normal: FloatArray) -> Grid:
    """Lay slices out on the planes of a regular grid.

    Parameters
    ----------
    positions : array, shape (n, 3), n >= 2, millimetres
        Centres of the first voxels, sorted along the normal, no two at one place.
    normal : array, shape (3,)

    Notes
    -----
    Even (within 1 % of the step or 0.01 mm): one plane a slice. Gaps that are whole multiples of
    the usual one: planes stay empty. Otherwise the coarsest grid on which all slices lie within
    a tenth of a step, if it has at most four planes a slice; else the smallest gap is the step
    and each slice goes to the nearest plane.
    """
    distances = along(positions, normal)
    gaps = np.diff(distances)
    usual = median(gaps)
    span = float(distances[-1] - distances[0])
    count = len(distances)
    spread = float(gaps.min()), float(gaps.max())
    planes = np.arange(count)
    if _is_even(distances, gaps, usual):
        return _grid(positions, normal, planes, "even", spread)
    most = PLANES_PER_SLICE * count
    steps = _whole_steps(gaps, float(gaps.min())) or _whole_steps(gaps, usual)
    if len(set(steps)) > 1 and sum(steps) < most + 16:
        planes = np.concatenate([[0], np.cumsum(steps)])
        off = distances - distances[0] - planes * (span / planes[-1])
        if np.abs(off).max() <= max(FINE * span / planes[-1], EVEN_MM):
            return _grid(positions, normal, planes, "gaps", spread, _is_stretched(steps))
    for number in range(count - 1, most):
        step = span / number
        at = (distances - distances[0]) / step
        nearest = np.rint(at)
        if np.abs(at - nearest).max() <= FINE and (np.diff(nearest) > 0).all():
            return _grid(positions, normal, nearest.astype(np.intp), "uneven", spread)
    return _grid(positions, normal, _nearest_planes(distances, gaps, most), "uneven", spread)


def lay_out_sparse(positions: FloatArray, normal: FloatArray) -> Grid:
    """Lay out slices of which those without content were left out, however many.

    Parameters as of `lay_out`, whose grid it is where gaps are no whole multiples of the smallest.
    """
    distances = along(positions, normal)
    gaps = np.diff(distances)
    steps = _whole_steps(gaps, float(gaps.min()))
    if steps and sum(steps) < MOST_SPARSE_PLANES:
        planes = np.concatenate([[0], np.cumsum(steps)])
        step = float(distances[-1] - distances[0]) / planes[-1]
        if np.abs(distances - distances[0] - planes * step).max() <= max(FINE * step, EVEN_MM):
            kind = "even" if len(set(steps)) == 1 else "gaps"
            return _grid(positions, normal, planes, kind, (float(gaps.min()), float(gaps.max())))
    return lay_out(positions, normal)


def _is_even(distances: FloatArray, gaps: FloatArray, usual: float) -> bool:
    limit = max(EVEN_RELATIVE * usual, EVEN_MM)
    if np.abs(gaps - usual).max() > limit:
        return False
    # Small differences must not add up: each slice is near its place on the line as well.
    line = np.linspace(distances[0], distances[-1], len(distances))
    return bool(np.abs(distances - line).max() <= max(0.1 * usual, EVEN_MM))


def _whole_steps(gaps: FloatArray, step: float) -> list[int]:
    """Count each gap in steps; empty when one is no whole number of them."""
    if step <= 0:
        return []
    counts = np.rint(gaps / step)
    off = np.abs(gaps - counts * step)
    limit = np.maximum(MULTIPLE * step, EVEN_MM)
    if counts.min() < 1 or (off > limit).any():
        return []
    return [int(value) for value in counts]


def _is_stretched(steps: list[int]) -> bool:
    """Tell whether three gaps in a row are one and the same multiple: spacing, not loss."""
    return any(
        steps[at] > 1 and steps[at] == steps[at + 1] == steps[at + 2]
        for at in range(len(steps) - 2)
    )


def _nearest_planes(distances: FloatArray, gaps: FloatArray, most: int) -> IntArray:
    """Put each slice on the nearest plane of a grid with the smallest gap as its step."""
    span = distances[-1] - distances[0]
    number = min(max(int(np.rint(span / gaps.min())), len(gaps)), most)
    planes: IntArray = np.rint((distances - distances[0]) * (number / span)).astype(np.intp)
    for at in range(1, len(planes)):  # never two slices on one plane
        planes[at] = max(planes[at], planes[at - 1] + 1)
    return planes


def _grid(
    positions: FloatArray,
    normal: FloatArray,
    planes: IntArray,
    kind: str,
    gaps: tuple[float, float],
    stretched: bool = False,
) -> Grid:
    distances = along(positions, normal)
    steps = (distances - distances[0]) * (planes[-1] / (distances[-1] - distances[0]))
    flat = positions - np.outer(distances, normal)
    begin, across = _line(flat, steps)
    first = begin + distances[0] * normal
    step = across + (distances[-1] - distances[0]) / planes[-1] * normal
    moved = positions - (first + planes[:, None] * step)
    farthest = float(np.linalg.norm(moved, axis=1).max())
    beside = _off(flat, steps, begin, across)
    return Grid(int(planes[-1]) + 1, planes, first, step, farthest, kind, gaps, beside, stretched)


def _line(flat: FloatArray, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give beginning and step of the line on which the slices lie, seen along their normal.

    It leads from the first to the last, which is exact where all are on it. Where one of the two
    stands beside the others it would bend all of them: then it is the line on which most lie.

    Parameters
    ----------
    flat : array, shape (n, 3), millimetres
        Positions without their part along the normal.
    steps : array, shape (n,)
        How many steps each slice is from the first, as it truly lies.
    """
    begin, across = _through(flat, steps, 0, len(steps) - 1)
    off = _off(flat, steps, begin, across)
    if off.max() <= BESIDE_MM:
        return begin, across
    half = len(steps) // 2
    run = (steps[half:] - steps[: len(steps) - half])[:, None]
    slope = np.median((flat[half:] - flat[: len(steps) - half]) / run, axis=0)
    usual = np.median(flat - steps[:, None] * slope, axis=0)
    near = np.flatnonzero(_off(flat, steps, usual, slope) <= BESIDE_MM)
    if len(near) <= (off <= BESIDE_MM).sum():
        return begin, across
    return _through(flat, steps, near[0], near[-1])


def _off(flat: FloatArray, steps: FloatArray, begin: FloatArray, across: FloatArray) -> FloatArray:
    """Give how far each slice is from a line."""
    distances: FloatArray = np.linalg.norm(flat - begin - steps[:, None] * across, axis=1)
    return distances


def _through(
    flat: FloatArray, steps: FloatArray, low: int, high: int
) -> tuple[FloatArray, FloatArray]:
    """Give beginning and step of the line through two slices."""
    across = (flat[high] - flat[low]) / (steps[high] - steps[low])
    return flat[low] - steps[low] * across, across


def affine_of(
    frame: Frame, spacing: tuple[float, float], first: FloatArray, step: FloatArray
) -> FloatArray:
    """Make the matrix from (i, j, k, 1) to LPS mm (PS3.3 C.7.6.2.1.1).

    `spacing` is as in the file: between rows (j) first, between columns (i) second.
    """
    affine = np.eye(4)
    affine[:3, 0] = frame.row * spacing[1]
    affine[:3, 1] = frame.column * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = first
    return affine


def tilt_degrees(step: FloatArray, normal: FloatArray) -> float:
    """Give the angle between the step from slice to slice and the normal of the slices."""
    across = float(np.linalg.norm(step - (step @ normal) * normal))
    return float(np.degrees(np.arctan2(across, abs(float(step @ normal)))))


def split_far_apart(distances: FloatArray) -> list[slice]:
    """Cut sorted slices where a gap is so wide that a grid across it would be mostly empty.

    A gap counts when it is more than fifty usual ones and needs more planes than slices allow.
    """
    gaps = np.diff(distances)
    if len(gaps) < 2:
        return [slice(0, len(distances))]
    usual = median(gaps)
    if usual <= 0 or (distances[-1] - distances[0]) / usual < PLANES_PER_SLICE * len(distances):
        return [slice(0, len(distances))]
    cuts = [0, *(np.flatnonzero(gaps > 50 * usual) + 1).tolist(), len(distances)]
    return [slice(lo, hi) for lo, hi in pairwise(cuts)]
