"""Where the planes of a volume lie and how they meet the screen: pure functions, LPS millimetres.

Planes follow the volume's own axes, named after the nearest anatomical direction, in an
orthonormal frame: a tilted gantry shows as a sheared outline, never as sheared pixels on the
acquired slices. Screens are radiological: the patient's right is on the left, anterior is up in
axial views, the head is up in the others, sagittal planes are seen from the patient's left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from math import floor, log10

import numpy as np
import numpy.typing as npt

from viewer.state import PLANES, Point

FloatArray = npt.NDArray[np.float64]

# The anatomical axis (x to the left, y to the back, z to the head) that a plane is at right
# angles to, and the two that it shows: (right, sign), (down, sign).
_NORMAL_OF = {"sagittal": 0, "coronal": 1, "axial": 2}
_SCREEN_OF = {
    "axial": ((0, 1.0), (1, 1.0)),
    "coronal": ((0, 1.0), (2, -1.0)),
    "sagittal": ((1, 1.0), (2, -1.0)),
}
_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))


@dataclass(frozen=True, slots=True, eq=False)
class PlaneFrame:
    """One stack of parallel planes through a volume.

    Attributes
    ----------
    axis : int
        Index axis (0 = i, 1 = j, 2 = k) that the stack steps along; 2 shows stored slices.
    right, down, normal : array, shape (3,)
        Unit vectors, LPS; `normal` points to higher slice numbers.
    centre : array, shape (3,), millimetres
        Centre of the volume; the plane's middle is its projection.
    first_mm, step_mm : float
        Position of plane 0 along `normal`, and the distance to the next.
    count : int
        How many planes.
    half_mm : tuple of float
        Half the width and height of what the planes show, voxel edges included.
    voxel_mm : float
        The finer of the two voxel sizes in the plane.
    """

    name: str
    axis: int
    right: FloatArray
    down: FloatArray
    normal: FloatArray
    centre: FloatArray
    first_mm: float
    step_mm: float
    count: int
    half_mm: tuple[float, float]
    voxel_mm: float

    @property
    def is_acquired(self) -> bool:
        """Tell whether these planes are the slices as stored."""
        return self.axis == 2

    def slice_at(self, point: Point | FloatArray) -> int:
        """Give the plane nearest to a point, kept within the stack."""
        along = float(np.dot(np.asarray(point), self.normal))
        return min(self.count - 1, max(0, round((along - self.first_mm) / self.step_mm)))

    def origin_of(self, index: int) -> FloatArray:
        """Give the middle of plane `index`, LPS."""
        along = self.first_mm + index * self.step_mm
        result: FloatArray = self.centre + self.normal * (along - self.centre @ self.normal)
        return result

    def to_plane(self, point: Point | FloatArray) -> tuple[float, float]:
        """Give right and down millimetres of a point from the plane's middle."""
        away = np.asarray(point) - self.centre
        return float(away @ self.right), float(away @ self.down)

    def to_lps(self, index: int, right_mm: float, down_mm: float) -> FloatArray:
        """Give the point of plane `index` that lies this far right and down of its middle."""
        result: FloatArray = self.origin_of(index) + right_mm * self.right + down_mm * self.down
        return result


def plane_frames(affine: FloatArray, shape_kji: tuple[int, int, int]) -> dict[str, PlaneFrame]:
    """Give the axial, coronal and sagittal stacks of a volume.

    Parameters
    ----------
    affine : array, shape (4, 4)
        Maps (i, j, k, 1) of a voxel's centre to LPS millimetres; may shear and flip.
    """
    axes = _orthonormal_axes(affine)
    anatomical = _nearest_anatomical(axes)  # index axis for each of x, y, z
    towards = [axes[a] * (1.0 if axes[a][x] >= 0 else -1.0) for x, a in enumerate(anatomical)]
    return {
        name: _frame(name, axes, anatomical[_NORMAL_OF[name]], towards, affine, shape_kji)
        for name in PLANES
    }


def _orthonormal_axes(affine: FloatArray) -> list[FloatArray]:
    """Make three unit axes that run along rows, down columns and through the slices."""
    along_i, along_j, along_k = (affine[:3, n] for n in range(3))
    first = along_i / np.linalg.norm(along_i)
    normal = np.cross(along_i, along_j)
    normal /= np.linalg.norm(normal)
    second = np.cross(normal, first)
    if normal @ along_k < 0:
        normal = -normal
    return [first, second, normal]


def _nearest_anatomical(axes: list[FloatArray]) -> tuple[int, ...]:
    """Say which axis runs nearest to x, which to y, which to z; each is used once."""
    return max(
        permutations(range(3)),
        key=lambda order: sum(abs(float(axes[a][x])) for x, a in enumerate(order)),
    )


def _frame(
    name: str,
    axes: list[FloatArray],
    axis: int,
    towards: list[FloatArray],
    affine: FloatArray,
    shape_kji: tuple[int, int, int],
) -> PlaneFrame:
    """Lay out the stack that steps along one axis."""
    (right_axis, right_sign), (down_axis, down_sign) = _SCREEN_OF[name]
    right, down = towards[right_axis] * right_sign, towards[down_axis] * down_sign
    normal = axes[axis]
    size_ijk = np.array(shape_kji[::-1], float)
    centre = apply(affine, (size_ijk - 1) / 2)
    centres = _corners(affine, np.zeros(3), size_ijk - 1) @ normal
    edges = _corners(affine, np.full(3, -0.5), size_ijk - 0.5) - centre
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    step = abs(float(affine[:3, axis] @ normal))
    first, last = float(centres.min()), float(centres.max())
    return PlaneFrame(
        name=name,
        axis=axis,
        right=right,
        down=down,
        normal=normal,
        centre=centre,
        first_mm=first,
        step_mm=step,
        count=round((last - first) / step) + 1,
        half_mm=(float(abs(edges @ right).max()), float(abs(edges @ down).max())),
        voxel_mm=float(min(np.delete(spacing, axis))),
    )


def _corners(affine: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Give the eight corners of an index box in LPS, shape (8, 3)."""
    index = np.array(
        [[(low, high)[b][n] for n, b in enumerate(bits)] for bits in product((0, 1), repeat=3)]
    )
    return apply(affine, index)


def apply(affine: FloatArray, points: npt.ArrayLike) -> FloatArray:
    """Map points, shape (..., 3), by a 4x4 affine."""
    result: FloatArray = np.asarray(points) @ affine[:3, :3].T + affine[:3, 3]
    return result


@dataclass(frozen=True, slots=True)
class Viewport:
    """How a plane stands on a view of some size.

    Attributes
    ----------
    width, height : float
        Of the view, in the unit that the answers shall have (device-independent pixels).
    scale : float
        Pixels per millimetre.
    pan_mm : tuple of float
        The plane's middle is shown this far right and down of the view's middle.
    """

    width: float
    height: float
    scale: float
    pan_mm: tuple[float, float]

    def to_screen(self, right_mm: float, down_mm: float) -> tuple[float, float]:
        """Give the pixel position of a place on the plane."""
        x = self.width / 2 + (right_mm + self.pan_mm[0]) * self.scale
        y = self.height / 2 + (down_mm + self.pan_mm[1]) * self.scale
        return x, y

    def to_plane(self, x: float, y: float) -> tuple[float, float]:
        """Give the place on the plane under a pixel position."""
        right = (x - self.width / 2) / self.scale - self.pan_mm[0]
        down = (y - self.height / 2) / self.scale - self.pan_mm[1]
        return right, down


FIT_MARGIN = 0.96


def fit_scale(frame: PlaneFrame, width: float, height: float) -> float:
    """Give the pixels per millimetre at which the whole plane just fits a view."""
    half_w, half_h = frame.half_mm
    return max(1e-6, FIT_MARGIN * min(width / (2 * half_w), height / (2 * half_h)))


def index_matrix(frame: PlaneFrame, index: int, to_index: FloatArray) -> FloatArray:
    """Give the affine (3 x 3) from (right mm, down mm, 1) on plane `index` to voxel (i, j, k).

    Parameters
    ----------
    to_index : array, shape (4, 4)
        Inverse of the volume's affine.
    """
    matrix = np.column_stack(
        [
            to_index[:3, :3] @ frame.right,
            to_index[:3, :3] @ frame.down,
            apply(to_index, frame.origin_of(index)),
        ]
    )
    # Exact zeros let the reslicer take its fast way; 1e-9 voxel per millimetre moves nothing.
    steps = matrix[:, :2]
    steps[np.abs(steps) < 1e-9 * np.abs(steps).max()] = 0.0
    if frame.is_acquired:
        matrix[2] = (0.0, 0.0, round(matrix[2, 2]))
    return matrix


def slab_polygon(
    matrix: FloatArray,
    low_ijk: npt.ArrayLike,
    high_ijk: npt.ArrayLike,
    half_mm: tuple[float, float],
) -> list[tuple[float, float]]:
    """Give the part of a plane that lies in an index box, as a polygon in plane millimetres.

    Parameters
    ----------
    matrix : array, shape (3, 3)
        From `index_matrix`.
    low_ijk, high_ijk : array, shape (3,)
        The box's edges, in voxels (a whole volume runs from -0.5 to n - 0.5).
    half_mm : tuple of float
        The plane is looked at within this distance of its middle.

    Returns
    -------
    list of (right, down), millimetres; empty when they do not meet.
    """
    width, height = half_mm[0] * 1.01, half_mm[1] * 1.01
    polygon = [(-width, -height), (width, -height), (width, height), (-width, height)]
    low, high = np.asarray(low_ijk, float), np.asarray(high_ijk, float)
    for axis in range(3):
        a, b, c = (float(n) for n in matrix[axis])
        polygon = _clip(polygon, a, b, c - float(low[axis]))
        polygon = _clip(polygon, -a, -b, float(high[axis]) - c)
    return polygon


def _clip(
    polygon: list[tuple[float, float]], a: float, b: float, c: float
) -> list[tuple[float, float]]:
    """Keep the part of a convex polygon where a x + b y + c >= 0 (Sutherland and Hodgman)."""
    kept: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in zip(polygon[-1:] + polygon[:-1], polygon, strict=True):
        before, after = a * x0 + b * y0 + c, a * x1 + b * y1 + c
        if (before >= 0) != (after >= 0):
            s = before / (before - after)
            kept.append((x0 + s * (x1 - x0), y0 + s * (y1 - y0)))
        if after >= 0:
            kept.append((x1, y1))
    return kept


def letters(direction: npt.ArrayLike) -> str:
    """Name a direction: R or L, A or P, I or S, the strongest first.

    Components below a tenth are left out, so that a head tilted by 5 degrees still reads "A".
    """
    vector = np.asarray(direction, float)
    order = sorted(range(3), key=lambda n: -abs(vector[n]))
    return "".join(_LETTERS[n][int(vector[n] > 0)] for n in order if abs(vector[n]) >= 0.1)


def scale_bar_mm(view_mm: float) -> float:
    """Give the longest 1-2-5 length that takes at most a third of a view this wide."""
    wanted = max(1e-9, view_mm / 3)
    power = 10.0 ** floor(log10(wanted))
    return next(m * power for m in (5.0, 2.0, 1.0, 0.5) if m * power <= wanted * (1 + 1e-9))


def length_text(length_mm: float) -> str:
    """Write a length: millimetres below ten, else centimetres."""
    return f"{length_mm:g} mm" if length_mm < 10 else f"{length_mm / 10:g} cm"


def position_text(point: Point | FloatArray, finest_mm: float = 1.0) -> str:
    """Write a place in the patient: "x 12.3 L  y 40.1 P  z 118.0 S mm".

    Voxels smaller than a tenth of a millimetre get the decimals that tell them apart.
    """
    decimals = max(1, 1 - floor(log10(finest_mm))) if 0 < finest_mm < 0.1 else 1
    parts = (
        f"{name} {abs(float(value)):.{decimals}f} {_LETTERS[n][int(value > 0)]}"
        for n, (name, value) in enumerate(zip("xyz", point, strict=True))
    )
    return "  ".join(parts) + " mm"
