"""The orientation cube of the 3D view: which way the patient lies, and six faces to click."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF, QTransform

from viewer.geometry import FloatArray
from viewer.overlays import PLANE_COLOURS, text_font
from viewer.state import Camera3D
from viewer.volume_axes import camera_axes

SIZE: Final = 56.0

# Outward normal, the letter's right and its up, seen from outside; LPS.
_FACES: Final = {
    "right": ("R", (-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "left": ("L", (1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "anterior": ("A", (0, -1, 0), (1, 0, 0), (0, 0, 1)),
    "posterior": ("P", (0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    "inferior": ("I", (0, 0, -1), (1, 0, 0), (0, -1, 0)),
    "superior": ("S", (0, 0, 1), (1, 0, 0), (0, 1, 0)),
}
_TINT: Final = {
    "right": "sagittal",
    "left": "sagittal",
    "anterior": "coronal",
    "posterior": "coronal",
    "inferior": "axial",
    "superior": "axial",
}


def _project(points: FloatArray, camera: Camera3D, centre: QPointF) -> list[QPointF]:
    _, up, right = camera_axes(camera)
    half = SIZE / 2 / np.sqrt(3.0) * 1.02
    return [
        QPointF(centre.x() + float(p @ right) * half, centre.y() - float(p @ up) * half)
        for p in points
    ]


def _visible_faces(camera: Camera3D, centre: QPointF) -> list[tuple[str, float, QPolygonF]]:
    """Give the faces towards the viewer: side, how squarely it faces us, outline."""
    eye, _, _ = camera_axes(camera)
    found = []
    for side, (_, normal, right, up) in _FACES.items():
        facing = float(np.dot(normal, eye))
        if facing > 0.02:
            n, r, u = (np.array(v, float) for v in (normal, right, up))
            corners = np.array([n - r - u, n + r - u, n + r + u, n - r + u])
            found.append((side, facing, QPolygonF(_project(corners, camera, centre))))
    return found


def paint_cube(painter: QPainter, camera: Camera3D, centre: QPointF, hovered: str = "") -> None:
    """Paint the cube around a point, 56 px at most in any direction."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    font = QFont(text_font(bold=True))
    font.setPixelSize(16)
    for side, facing, outline in _visible_faces(camera, centre):
        colour = QColor(PLANE_COLOURS[_TINT[side]])
        shade = 0.16 + 0.26 * facing + (0.25 if side == hovered else 0.0)
        fill = QColor.fromRgbF(
            colour.redF() * shade, colour.greenF() * shade, colour.blueF() * shade, 0.92
        )
        painter.setBrush(fill)
        painter.setPen(QPen(colour, 1.2))
        painter.drawPolygon(outline)
        if facing > 0.22:
            _paint_letter(painter, font, _FACES[side][0], outline, colour.lighter(135))
    painter.restore()


def _paint_letter(
    painter: QPainter, font: QFont, letter: str, outline: QPolygonF, colour: QColor
) -> None:
    """Write a letter so that it lies on its face."""
    square = QPolygonF([QPointF(0, 24), QPointF(24, 24), QPointF(24, 0), QPointF(0, 0)])
    transform = QTransform()
    made = QTransform.quadToQuad(square, outline)
    transform = made if isinstance(made, QTransform) else transform
    painter.save()
    painter.setTransform(transform, True)
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(0, 0, 24, 24, int(Qt.AlignmentFlag.AlignCenter), letter)
    painter.restore()


def side_at(camera: Camera3D, centre: QPointF, point: QPointF) -> str:
    """Name the side whose face is under a point; "" for none."""
    for side, _, outline in _visible_faces(camera, centre):
        if outline.containsPoint(point, Qt.FillRule.WindingFill):
            return side
    return ""
