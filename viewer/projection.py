"""Where points of the patient stand on the 3D view, and the ray behind a pixel; no VTK."""

from __future__ import annotations

from math import radians, tan

import numpy as np

from viewer.geometry import FloatArray
from viewer.scene import Scene
from viewer.state import Camera3D
from viewer.volume_axes import VIEW_ANGLE, camera_axes
from viewer.volume_look import radius_of

Pixel = tuple[float, float]


class Projection:
    """The 3D view's perspective.

    Parameters
    ----------
    size : pair of float
        Width and height of the view.
    """

    def __init__(self, camera: Camera3D, scene: Scene, size: tuple[float, float]) -> None:
        self._eye, self._up, self._right = camera_axes(camera)
        reach, half_angle = radius_of(scene), tan(radians(VIEW_ANGLE / 2))
        right, down = camera.pan
        focal = scene.frames["axial"].centre - self._right * right * reach + self._up * down * reach
        self.distance = reach / half_angle
        self.origin: FloatArray = focal + self._eye * self.distance
        zoom = camera.zoom * min(1.0, size[0] / max(1.0, size[1]))
        self._spread = half_angle / zoom
        self._size = size

    def pixel(self, point: FloatArray) -> Pixel | None:
        """Give the place of a point, LPS, on the view; None behind the eye."""
        away = point - self.origin
        depth = -float(away @ self._eye)
        if depth <= 1e-6:
            return None
        scale = self._size[1] / 2 / (depth * self._spread)
        x = self._size[0] / 2 + float(away @ self._right) * scale
        y = self._size[1] / 2 - float(away @ self._up) * scale
        return x, y

    def direction(self, at: Pixel) -> FloatArray:
        """Give the way, LPS, of the ray from the eye (`origin`) through a pixel, of length 1."""
        half = self._size[1] / 2
        x, y = (at[0] - self._size[0] / 2) / half, (self._size[1] / 2 - at[1]) / half
        along = -self._eye + (self._right * x + self._up * y) * self._spread
        unit: FloatArray = along / np.linalg.norm(along)
        return unit
