"""The first opaque point under the pointer in 3D: one ray through the copy that is drawn."""

from __future__ import annotations

import numpy as np

from loading.values import array_value
from viewer.crop import contains
from viewer.geometry import FloatArray, apply
from viewer.presets import Transfer
from viewer.projection import Projection
from viewer.scene import Scene
from viewer.state import Box, Camera3D
from viewer.volume_look import VolumeImage, opacity_unit_mm

SAMPLES = 1500
OPAQUE = 0.35


def first_opaque(
    image: VolumeImage,
    transfer: Transfer,
    camera: Camera3D,
    scene: Scene,
    at: tuple[float, float],
    size: tuple[float, float],
    crop: Box | None = None,
) -> FloatArray | None:
    """Give the point, LPS, where a ray through a pixel has met enough; None when it never does.

    For maximum intensity it is the point of the largest value.

    Parameters
    ----------
    at, size : pair of float
        The pixel, and the view's width and height.
    """
    projection = Projection(camera, scene, size)
    distance = np.linspace(projection.distance * 0.2, projection.distance * 2.2, SAMPLES)
    points = projection.origin + distance[:, np.newaxis] * projection.direction(at)
    to_index = np.linalg.inv(image.affine_lps).astype(np.float64)
    index = np.rint(apply(to_index, points)).astype(int)[:, ::-1]
    inside = ((index >= 0) & (index < image.array.shape)).all(axis=1)
    if crop is not None:
        inside &= contains(crop, apply(to_index, points))
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
