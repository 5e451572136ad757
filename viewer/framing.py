"""How large the 3D view shows a volume: pure functions of what there is to be seen."""

from __future__ import annotations

from itertools import product
from math import radians, tan

import numpy as np

from loading.values import array_value
from viewer.geometry import FloatArray, apply
from viewer.presets import Transfer
from viewer.scene import Scene
from viewer.state import Camera3D
from viewer.volume_axes import VIEW_ANGLE, camera_axes
from viewer.volume_look import VolumeImage, radius_of

_AIR = 0.98
_NEARLY = 0.92
"""A head whose neck just touches the edge is better seen large."""
_SAMPLES = 48
"""Along each axis: enough to see where a volume has something, and counted in milliseconds."""
_FAINT = 0.02


def whole_zoom(scene: Scene, camera: Camera3D) -> float:
    """Give the zoom at which every corner of the volume is inside the view."""
    size = np.array(scene.spec.shape_kji[::-1])
    corners = np.array(list(product(*((-0.5, n - 0.5) for n in size))))
    return _zoom_for(apply(scene.spec.affine_lps, corners), scene, camera)


def start_zoom(scene: Scene, camera: Camera3D, image: VolumeImage, transfer: Transfer) -> float:
    """Give the zoom at which nothing that is seen of a volume is cut off; 1 where that will do.

    A head has air in its corners; a block that was cut out of a body has not.
    """
    steps = [max(1, -(-size // _SAMPLES)) for size in image.array.shape]
    sampled = image.array[tuple(slice(step // 2, None, step) for step in steps)]
    opacity = [(array_value(value, image.value_map), alpha) for value, alpha in transfer.opacity]
    values, alphas = zip(*sorted(opacity), strict=True)
    seen = np.argwhere(np.interp(sampled.astype(np.float64), values, alphas) > _FAINT)
    if not len(seen):
        return 1.0
    points = (seen * steps + np.array(steps) // 2)[:, ::-1]
    zoom = _zoom_for(apply(image.affine_lps, points.astype(np.float64)), scene, camera)
    return 1.0 if zoom >= _NEARLY else zoom


def _zoom_for(points: FloatArray, scene: Scene, camera: Camera3D) -> float:
    """Give the zoom at which all points, LPS, are inside the view."""
    half_angle = tan(radians(VIEW_ANGLE / 2))
    distance = radius_of(scene) / half_angle
    away = points - scene.frames["axial"].centre
    eye, up, right = camera_axes(camera)
    reach = np.maximum(np.maximum(abs(away @ right), abs(away @ up)), 1e-9)
    room = np.maximum(distance - away @ eye, 0.01 * distance) * half_angle
    return float((room / reach).min()) * _AIR
