"""What is written and drawn over the 3D picture, on any painter."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QPainter

from viewer import overlays
from viewer.crop import FACES, Face, edges, handle
from viewer.cube import SIZE, paint_cube
from viewer.geometry import apply
from viewer.projection import Projection
from viewer.scene import Scene
from viewer.slice_picture import volume_words
from viewer.state import Box, ViewState


def paint_volume_overlay(
    painter: QPainter,
    size: tuple[float, float],
    scene: Scene | None,
    state: ViewState,
    *,
    sentence: str,
    is_rough: bool,
    has_picture: bool = True,
    hovered: str = "",
    face: Face | None = None,
) -> None:
    """Paint what stands over the 3D picture: edge, name, words, sentence, cube."""
    width, height = size
    is_active = scene is not None and state.has_keys and state.active_view == "volume"
    overlays.draw_top_edge(painter, width, "volume", active=is_active)
    overlays.draw_view_name(painter, width, height, "volume")
    if scene is None:
        return
    margin, area = overlays.MARGIN, overlays.text_area(width, height)
    if sentence:
        overlays.draw_sentence(painter, QRectF(0, 0, width, height), sentence)
    if not has_picture:
        return
    if state.crop is not None and state.volume_mode != "off":
        _paint_crop(painter, size, scene, state, state.crop, face)
    has_cube = state.text_visible and height >= 140
    if has_cube:
        paint_cube(
            painter, state.camera, QPointF(margin + SIZE / 2, height - margin - SIZE / 2), hovered
        )
    words = volume_words(scene, is_rough=is_rough)
    if words:
        lines = [(word, overlays.ABSENT) for word in words]
        beside = area.adjusted(SIZE + 8, 0, 0, 0)
        if max(overlays.text_width(word) for word in words) > beside.width():
            # What is untrue is never cut short: in a small view it goes above the cube.
            beside = area.adjusted(0, 0, 0, -(SIZE + 4) if has_cube else 0)
        overlays.draw_corner(painter, beside, lines, right=False, bottom=True, share=1.0)


def _paint_crop(
    painter: QPainter,
    size: tuple[float, float],
    scene: Scene,
    state: ViewState,
    box: Box,
    hot: Face | None,
) -> None:
    on_view = Projection(state.camera, scene, size)
    affine = scene.spec.affine_lps
    pairs = [[on_view.pixel(apply(affine, end)) for end in edge] for edge in edges(box)]
    lines = [QLineF(*a, *b) for a, b in pairs if a is not None and b is not None]
    places = [(handle(on_view, scene, box, face), face == hot) for face in FACES]
    handles = [(QPointF(*place), is_hot) for place, is_hot in places if place is not None]
    overlays.draw_wire_box(painter, lines, handles)
