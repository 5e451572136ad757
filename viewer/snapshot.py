"""The picture of a volume without a window and without a display: what `voxtide snapshot` writes.

The same painting code as in the window, on a `QImage`; 3D comes from VTK's own off-screen OpenGL.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication, QImage, QPainter

from loading import robust_range
from viewer.state import LAYOUTS as _LAYOUTS
from viewer.state import PLANES, Camera3D, ViewState
from viewer.view_grid import rectangles

if TYPE_CHECKING:
    from loading import OpenVolume
    from viewer.scene import Scene

LAYOUTS = _LAYOUTS
GAP_COLOUR = 0xFF14171B
VOXELS = 16_000_000
TALLEST = 16_384


def render_snapshot(
    volume: OpenVolume, size: tuple[int, int], layout: str = "four_up", t: int = 0
) -> QImage:
    """Render what there is of a volume now.

    Parameters
    ----------
    size : tuple of int
        Width and height in pixels.
    layout : str
        One of `LAYOUTS`.

    Raises
    ------
    ValueError
        The layout is unknown, or the size is not between 16 and 16384.
    """
    width, height = size
    if layout not in LAYOUTS:
        raise ValueError(f"layout is one of {', '.join(LAYOUTS)}, got {layout!r}")
    if not (16 <= width <= TALLEST and 16 <= height <= TALLEST):
        raise ValueError(f"a picture has 16 to {TALLEST} pixels each way, got {width} x {height}")
    application = _application()
    scene, state = _first_look(volume, layout, t)
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(GAP_COLOUR)
    painter = QPainter(image)
    for view, place in rectangles(layout, "axial", width, height, (0.5, 0.5)).items():
        painter.save()
        painter.translate(place.topLeft())
        if view in PLANES:
            _paint_plane(painter, view, place, scene, state)
        else:
            _paint_volume(painter, place, scene, state)
        painter.restore()
    painter.end()
    del application
    return image


def _application() -> QGuiApplication:
    """Give the application object; where there is none, one that needs no display."""
    present = QGuiApplication.instance()
    if isinstance(present, QGuiApplication):
        return present
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return QGuiApplication(["voxtide"])


def _first_look(volume: OpenVolume, layout: str, t: int) -> tuple[Scene, ViewState]:
    """Give the scene and the state that the window would open it with."""
    from viewer.first_look import auto_window, first_state, spread
    from viewer.scene import Scene

    scene = Scene(volume, t)
    percentiles = robust_range(volume, t, 0.01, 0.99)
    scene.percentiles = spread(percentiles, scene.spec) if percentiles is not None else None
    scene.wide_range = robust_range(volume, t)
    state = first_state(scene, ViewState()).with_fields(layout=layout)
    return scene, auto_window(state, scene)


def _paint_plane(
    painter: QPainter, view: str, place: QRect, scene: Scene, state: ViewState
) -> None:
    from viewer.slice_picture import SlicePicture

    size = (float(place.width()), float(place.height()))
    SlicePicture(view).paint(painter, size, 1.0, scene, state)


def _paint_volume(painter: QPainter, place: QRect, scene: Scene, state: ViewState) -> None:
    """Render in 3D and paint the overlay; without OpenGL a sentence stands there."""
    from viewer.crop import image_crop
    from viewer.framing import start_zoom
    from viewer.gl_facts import gl_facts
    from viewer.render_host import OffscreenRenderer
    from viewer.volume_copy import averaged_copy
    from viewer.volume_look import Picture, Steps, VolumeImage, radius_of, transfer_for
    from viewer.volume_overlay import paint_volume_overlay

    painter.fillRect(0, 0, place.width(), place.height(), 0xFF000000)
    transfer = transfer_for(state, scene, lit=True)
    sentence = ""
    if transfer is not None and (scene.qualities.content >= 0).any():
        stored = scene.volume.stored(scene.t)
        copy = averaged_copy(scene.spec, stored, scene.qualities, VOXELS)
        image = VolumeImage.from_copy(copy, scene.spec.value_map)
        state = state.with_fields(
            camera=Camera3D(zoom=start_zoom(scene, state.camera, image, transfer))
        )
        picture = Picture(
            image,
            transfer,
            state.camera,
            scene.frames["axial"].centre,
            radius_of(scene),
            place.width(),
            place.height(),
            Steps(1.0, 0.5),
            image_crop(state, scene, image),
        )
        renderer = OffscreenRenderer(display_is_usable=gl_facts().is_usable)
        try:
            drawn = renderer.draw(picture)
        finally:
            renderer.close()
        if drawn is None or drawn.image is None:
            sentence = "3D needs OpenGL 3.2; none found"
        else:
            painter.drawImage(0, 0, drawn.image)
    size = (float(place.width()), float(place.height()))
    paint_volume_overlay(
        painter,
        size,
        scene,
        state,
        sentence=sentence,
        is_rough=False,
        has_picture=not sentence,
    )
