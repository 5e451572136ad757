"""The first opaque point under the pointer in 3D: one ray through the copy that is drawn."""

from __future__ import annotations

from math import radians, tan

import numpy as np

from loading.values import array_value
from viewer.geometry import FloatArray, apply
from viewer.presets import Transfer
from viewer.scene import Scene
from viewer.state import Camera3D
from viewer.volume_axes import VIEW_ANGLE, camera_axes
from viewer.volume_look import VolumeImage, opacity_unit_mm, radius_of

SAMPLES = 1500
OPAQUE = 0.35


def first_opaque(
    image: VolumeImage,
    transfer: Transfer,
    camera: Camera3D,
    scene: Scene,
    at: tuple[float, float],
    size: tuple[float, float],
) -> FloatArray | None:
    """Give the point, LPS, where a ray through a pixel has met enough; None when it never does.

    For maximum intensity it is the point of the largest value.

    Parameters
    ----------
    at, size : pair of float
        The pixel, and the view's width and height.
    """
    origin, direction, reach = _ray(camera, scene, at, size)
    distance = np.linspace(reach * 0.2, reach * 2.2, SAMPLES)
    points = origin + distance[:, np.newaxis] * direction
    to_index = np.linalg.inv(image.affine_lps).astype(np.float64)
    index = np.rint(apply(to_index, points)).astype(int)[:, ::-1]
    inside = ((index >= 0) & (index < image.array.shape)).all(axis=1)
    if not inside.any():
        return None
    points, index = points[inside], index[inside]
    values = image.array[tuple(index.T)].astype(np.float64)
    if transfer.is_maximum:
        return np.asarray(points[int(values.argmax())])
    stored = [(array_value(v, image.value_map), a) for v, a in transfer.opacity]
    stored.sort()
    alpha = np.interp(values, [v for v, _ in stored], [a for _, a in stored])
    step = (distance[1] - distance[0]) / opacity_unit_mm(image.spacing_ijk)
    seen = 1.0 - np.cumprod((1.0 - np.clip(alpha, 0.0, 0.999)) ** step)
    hits = np.flatnonzero(seen >= OPAQUE)
    return np.asarray(points[int(hits[0])]) if hits.size else None


def _ray(
    camera: Camera3D, scene: Scene, at: tuple[float, float], size: tuple[float, float]
) -> tuple[FloatArray, FloatArray, float]:
    """Give eye, direction and the eye's distance from the volume's centre."""
    eye, up, right = camera_axes(camera)
    reach = radius_of(scene)
    half_angle = tan(radians(VIEW_ANGLE / 2))
    distance = reach / half_angle
    zoom = camera.zoom * min(1.0, size[0] / max(1.0, size[1]))
    focal = (
        scene.frames["axial"].centre - right * camera.pan[0] * reach + up * camera.pan[1] * reach
    )
    origin = focal + eye * distance
    half = size[1] / 2
    x, y = (at[0] - size[0] / 2) / half, (size[1] / 2 - at[1]) / half
    direction = -eye + (right * x + up * y) * half_angle / zoom
    unit: FloatArray = direction / np.linalg.norm(direction)
    return origin, unit, distance
