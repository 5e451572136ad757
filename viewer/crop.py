"""The crop box: a part of the volume, in voxel indices, that 3D shows alone.

A box is two corners; its faces lie between voxels, so that of the whole volume runs from -0.5 to
n - 0.5 on each axis. Planes show its outline, 3D its edges and a handle on each face.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from viewer.geometry import FloatArray, apply
from viewer.projection import Pixel, Projection
from viewer.scene import Scene
from viewer.state import Box, ViewState
from viewer.volume_look import VolumeImage

LEAST_VOXELS = 1.0


@dataclass(frozen=True, slots=True)
class Face:
    """One of the six faces: which index axis (0 is i) and which end of it (0 or 1)."""

    axis: int
    end: int


FACES = tuple(Face(axis, end) for axis in range(3) for end in (0, 1))


def whole(shape_kji: tuple[int, int, int]) -> Box:
    """Give the box of a whole volume."""
    k, j, i = shape_kji
    return (-0.5, -0.5, -0.5), (i - 0.5, j - 0.5, k - 0.5)


def with_face(box: Box, face: Face, at: float, shape_kji: tuple[int, int, int]) -> Box:
    """Move a face to an index; it stays inside the volume and a voxel from the other one."""
    low, high = (list(corner) for corner in box)
    limits = whole(shape_kji)
    if face.end == 0:
        most = high[face.axis] - LEAST_VOXELS
        low[face.axis] = min(most, max(limits[0][face.axis], at))
    else:
        least = low[face.axis] + LEAST_VOXELS
        high[face.axis] = max(least, min(limits[1][face.axis], at))
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def in_other(box: Box, affine_lps: FloatArray, other_lps: FloatArray) -> Box:
    """Give the same box in the indices of a copy whose axes run alike or against."""
    corners = apply(np.linalg.inv(other_lps) @ affine_lps, np.array(box))
    low, high = corners.min(axis=0), corners.max(axis=0)
    return (
        (float(low[0]), float(low[1]), float(low[2])),
        (float(high[0]), float(high[1]), float(high[2])),
    )


def contains(box: Box, indices: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell which of some indices, shape (n, 3), lie inside."""
    inside = (indices >= np.array(box[0])) & (indices <= np.array(box[1]))
    return np.asarray(inside.all(axis=1))


def face_centre(box: Box, face: Face) -> FloatArray:
    """Give the middle of a face, as an index."""
    centre: FloatArray = (np.array(box[0]) + np.array(box[1])) / 2
    centre[face.axis] = box[face.end][face.axis]
    return centre


def edges(box: Box) -> list[tuple[FloatArray, FloatArray]]:
    """Give the twelve edges as pairs of indices."""
    corners = [np.array([box[c[n]][n] for n in range(3)]) for c in product((0, 1), repeat=3)]
    return [
        (corners[a], corners[b])
        for a in range(8)
        for b in range(a + 1, 8)
        if (a ^ b).bit_count() == 1
    ]


def handle(projection: Projection, scene: Scene, box: Box, face: Face) -> Pixel | None:
    """Give the place of a face's handle on the 3D view; None behind the eye."""
    return projection.pixel(apply(scene.spec.affine_lps, face_centre(box, face)))


def handle_step(projection: Projection, scene: Scene, box: Box, face: Face) -> FloatArray | None:
    """Give the way, in pixels, that a face's handle goes for one voxel along its axis."""
    centre = face_centre(box, face)
    further = centre.copy()
    further[face.axis] += 1.0
    places = [projection.pixel(apply(scene.spec.affine_lps, at)) for at in (centre, further)]
    here, there = places
    return None if here is None or there is None else np.subtract(there, here)


def image_crop(state: ViewState, scene: Scene, image: VolumeImage) -> Box | None:
    """Give the state's box in the indices of the image that 3D draws."""
    if state.crop is None:
        return None
    return in_other(state.crop, scene.spec.affine_lps, image.affine_lps)
