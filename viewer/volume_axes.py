"""Directions of the 3D camera, LPS; pure, so that overlays need no VTK."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np

from viewer.geometry import FloatArray
from viewer.state import Camera3D

VIEW_ANGLE = 24.0  # degrees; a mild perspective, as with a portrait lens
FIT_MARGIN = 1.12  # tall volumes: head and feet stay inside
FIT_RADIUS = 0.72  # of the half diagonal: corners are nearly always air


def camera_axes(camera: Camera3D) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give unit vectors, LPS: from the centre to the eye, up on the screen, right on the screen."""
    a, e, r = radians(camera.azimuth), radians(camera.elevation), radians(camera.roll)
    eye = np.array([sin(a) * cos(e), -cos(a) * cos(e), sin(e)])
    up = np.array([-sin(a) * sin(e), cos(a) * sin(e), cos(e)])
    right = np.cross(up, eye)
    return eye, cos(r) * up + sin(r) * right, cos(r) * right - sin(r) * up
