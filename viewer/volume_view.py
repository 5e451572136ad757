"""The widget of the 3D view: decides what is drawn and how finely; a host draws it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from viewer import overlays
from viewer.crop import Face, image_crop
from viewer.cube import SIZE, side_at
from viewer.framing import start_zoom
from viewer.gl_facts import gl_facts
from viewer.interaction import VolumeHand
from viewer.model import ViewModel
from viewer.ray_pick import first_opaque
from viewer.render_host import Drawn, make_host, picture_place
from viewer.scene import Scene, import_vtk
from viewer.slice_view import PictureView
from viewer.state import Camera3D
from viewer.volume_copy import Copy, FollowingCopy, averaged_copy
from viewer.volume_look import (
    Look3D,
    Picture,
    Steps,
    VolumeImage,
    radius_of,
    shows_anything,
    transfer_for,
)
from viewer.volume_overlay import paint_volume_overlay
from viewer.worker import Worker

SOFTWARE_VOXELS = 8_000_000
GPU_BYTES = 512 << 20
GPU_EDGE = 256
"""Of the copy that follows a load on a graphics card."""
SHARP_AFTER_MS = 150
MOVING_SECONDS = 0.05
FOLLOW_FACTOR = 12.0
FOLLOW_SHORTEST_MS = 150
# (every n-th pixel, voxels between samples), finest first
_LADDER = ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (3.0, 2.0), (4.0, 2.5), (5.0, 3.0))
_FOLLOWING = (2.0, 1.5)
_SHARP = (1.0, 0.5)
_Made = tuple[Scene, bool, VolumeImage | None]


class _Following:
    """Hold the copy that follows the load of one scene; filled and emptied by the worker alone."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.copy: FollowingCopy | None = None


class _Overlay(QWidget):
    """A transparent sheet over the host."""

    def __init__(self, parent: QWidget, paint: Callable[[QPainter], None]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._paint = paint

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._paint(painter)


class VolumeView(PictureView):
    """Show the volume in 3D.

    While slices arrive a coarse copy follows them, unshaded, at a bounded rate. When the load is
    over, the volume itself (or an averaged copy within a budget) takes its place. While something
    moves the picture is drawn more coarsely, and sharp 150 ms after the last change.
    """

    hand: VolumeHand
    unusable = Signal(str)

    def __init__(
        self, model: ViewModel, parent: QWidget | None = None, *, gl_widget: bool | None = None
    ) -> None:
        super().__init__(model, "volume", VolumeHand(model, "volume"), parent)
        self.setAccessibleName(self.tr("3D view"))
        facts = gl_facts()
        if gl_widget is None:
            gl_widget = facts.is_usable and not facts.is_software
        self._host: Any = make_host(self, gl_widget)
        self._overlay = _Overlay(self, self.paint_overlay)
        self._worker = Worker("voxtide-copies", self)
        self._look = Look3D()
        self._following: _Following | None = None
        self._is_copying = self._is_final = False
        self._is_stale = True
        self._sentence = ""
        self._is_black = False  # under the present look every value is transparent
        self._awaited: Picture | None = None
        self._rate = 2e-7  # seconds per ray at one sample a voxel; measured with each picture
        self._busy_until = 0.0
        self._hovered_side = ""
        self._hovered_face: Face | None = None
        self._sharp = QTimer(self)
        self._sharp.setSingleShot(True)
        self._sharp.timeout.connect(self._draw_sharp)
        self._follow = QTimer(self)
        self._follow.setSingleShot(True)
        self._follow.timeout.connect(self._copy)
        self._host.drawn.connect(self._take_drawn)
        # Queued: a notice moves widgets, and a host may tell in the middle of its paint.
        self._host.unusable.connect(self._take_unusable, Qt.ConnectionType.QueuedConnection)
        model.scene_changed.connect(self._take_scene)
        model.data_changed.connect(self._take_data)
        model.state_changed.connect(self._take_state)

    # -- what happens -------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Get ready before the first picture is asked for: import VTK, find OpenGL."""
        self._worker.run("import", import_vtk, lambda _: self._host.warm_up())

    def close_renderer(self) -> None:
        """End threads and let go of OpenGL."""
        self._sharp.stop()
        self._follow.stop()
        self._worker.stop()
        self._host.close_renderer()

    @property
    def is_at_rest(self) -> bool:
        """Tell whether the picture is the final one for what is shown now."""
        if self._sentence or self.model.scene is None or not self.isVisible():
            return True
        timers = self._sharp.isActive() or self._follow.isActive()
        return not (timers or self._is_copying or self._is_stale or self._awaited is not None)

    def _take_scene(self) -> None:
        self._awaited = None
        self._worker.drop("copy")
        self._follow.stop()
        self._sharp.stop()
        self._look = Look3D()
        self._following = None
        self._is_copying = self._is_final = self._is_black = False
        self._is_stale = True
        self._host.show_nothing()
        self._overlay.update()

    def _take_data(self, slices: tuple[int, ...]) -> None:
        """Follow what arrived, not sooner than twelve times the last picture's time after it."""
        scene = self.model.scene
        if scene is None or (self._is_final and not slices):
            if scene is not None:
                self._take_state()
            return
        if slices:
            self._is_stale, self._is_final = True, False
        self._overlay.update()
        if not self.isVisible() or self._is_copying or self._follow.isActive():
            return
        wait = self._busy_until - time.perf_counter()
        self._follow.start(
            0 if scene.volume.state.is_over else max(FOLLOW_SHORTEST_MS, int(1e3 * wait))
        )

    def _take_state(self) -> None:
        """Draw again if what 3D depends on changed; coarsely at first."""
        self._overlay.update()
        state, scene = self.model.state, self.model.scene
        if scene is None:
            return
        look = self._look.of(state, scene, lit=self._is_final)
        if look == self._look:
            return
        self._look = look
        if state.volume_mode == "off":
            self._awaited = None
            self._sharp.stop()
            self._host.show_nothing()
            return
        self._draw(self._moving_steps() if self._is_final else _FOLLOWING)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while the view was hidden."""
        super().showEvent(event)
        if self._is_stale:
            self._take_data((0,))
        elif self._look.image is not None:
            self._draw(self._moving_steps())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep host and overlay over the whole view."""
        self._host.setGeometry(self.rect())
        self._overlay.setGeometry(self.rect())
        self._overlay.raise_()
        if self._look.image is not None:
            self._draw(self._moving_steps())

    # -- copies -------------------------------------------------------------------------------

    def _copy(self) -> None:
        """Take a copy in the worker: of what is there, or of the whole when the load is over."""
        scene = self.model.scene
        if scene is None or self._is_copying:
            return
        self._is_copying, self._is_stale = True, False
        final = scene.volume.state.is_over
        qualities = scene.qualities
        budget = self._voxel_budget(scene)
        if self._following is None or self._following.scene is not scene:
            self._following = _Following(scene)
        following = self._following

        def job() -> _Made:
            import_vtk()  # the picture that follows needs it, and here nobody waits
            stored = scene.volume.stored(scene.t)
            is_whole = final and bool((qualities.content >= 0).any())
            if is_whole:
                following.copy = None
                copy: Copy | None = averaged_copy(
                    scene.spec, stored, qualities, budget, lambda: self._worker.go_on_with("copy")
                )
            else:
                following.copy = following.copy or self._new_copy(scene)
                copy = following.copy.update(stored, qualities)
            image = VolumeImage.from_copy(copy, scene.spec.value_map) if copy else None
            return scene, is_whole, image

        self._worker.run("copy", job, self._take_copy, lambda: self._take_no_copy(scene))

    def _new_copy(self, scene: Scene) -> FollowingCopy:
        """On a card each slice that arrives goes into the texture: a finer one is not dearer."""
        if self._host.is_software:
            return FollowingCopy(scene.spec)
        return FollowingCopy(scene.spec, GPU_EDGE, is_shared=True)

    def _voxel_budget(self, scene: Scene) -> int:
        return SOFTWARE_VOXELS if self._host.is_software else GPU_BYTES // scene.spec.dtype.itemsize

    def _take_no_copy(self, scene: Scene) -> None:
        """Go on with what came after a copy that could not be made."""
        if scene is self.model.scene:
            self._is_copying = False
            if self._is_stale:
                self._take_data(())

    def _take_copy(self, made: _Made) -> None:
        scene, final, image = made
        self._is_copying = False
        if scene is not self.model.scene:
            return
        if self._is_stale:
            self._take_data(())
        if image is None:
            return
        self._is_final = final and not self._is_stale
        self._look = self._look.with_image(image).of(self.model.state, scene, lit=self._is_final)
        self._overlay.update()
        self._draw(self._moving_steps() if self._is_final else _FOLLOWING)

    # -- drawing ------------------------------------------------------------------------------

    def _moving_steps(self) -> tuple[float, float]:
        """Choose the finest steps whose picture is expected within 50 ms."""
        width, height = self._render_size()
        for pixel, ray in _LADDER:
            if self._rate * width * height / pixel**2 / ray <= MOVING_SECONDS:
                return pixel, ray
        return _LADDER[-1]

    def _render_size(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        size: tuple[int, int] = self._host.render_size(
            round(self.width() * ratio), round(self.height() * ratio)
        )
        return size

    def _draw(self, steps: tuple[float, float]) -> None:
        scene, state = self.model.scene, self.model.state
        if scene is None or self._look.image is None or not self.isVisible():
            return
        if state.volume_mode == "off" or self._sentence:
            return
        transfer = transfer_for(state, scene, lit=self._look.lit)
        if transfer is None:
            return
        self._is_black = self._is_final and not shows_anything(self._look.image, transfer)
        if self._is_final and scene.start_zoom is None:
            self.model.begin_in_3d(start_zoom(scene, Camera3D(), self._look.image, transfer))
            state = self.model.state
        width, height = self._render_size()
        self._awaited = Picture(
            image=self._look.image,
            transfer=transfer,
            camera=state.camera,
            centre=scene.frames["axial"].centre,
            radius_mm=radius_of(scene),
            width=width,
            height=height,
            steps=Steps(*steps),
            crop=image_crop(state, scene, self._look.image),
        )
        self._host.request(self._awaited)
        if self._is_final and steps != _SHARP:
            self._sharp.start(SHARP_AFTER_MS)

    def _draw_sharp(self) -> None:
        if not self.hand.is_dragging:
            self._draw(_SHARP)
        else:
            self._sharp.start(SHARP_AFTER_MS)

    def _take_drawn(self, drawn: Drawn) -> None:
        picture = drawn.picture
        if picture is self._awaited:
            self._awaited = None
        rays = picture.width * picture.height / picture.steps.pixel**2 / picture.steps.ray
        if picture.steps.pixel > 1.0:
            # The first picture compiles shaders: the rate follows, it does not jump.
            self._rate = 0.5 * self._rate + 0.5 * min(drawn.seconds / rays, 20 * self._rate)
        self._busy_until = time.perf_counter() + FOLLOW_FACTOR * drawn.seconds
        self._overlay.update()

    def _take_unusable(self) -> None:
        if not self._sentence:
            found = gl_facts().version_text
            self._sentence = self.tr("3D needs OpenGL 3.2; found {found}").format(found=found)
            self.unusable.emit(found)
            self._overlay.update()

    # -- overlay ------------------------------------------------------------------------------

    @property
    def _cube_centre(self) -> QPointF:
        edge = overlays.MARGIN + SIZE / 2
        return QPointF(edge, self.height() - edge)

    def paint_overlay(self, painter: QPainter) -> None:
        """Paint name, words, sentence and cube."""
        paint_volume_overlay(
            painter,
            self.extent,
            self.model.scene,
            self.model.state,
            sentence=self._sentence_now(),
            has_picture=not self._sentence and self.model.state.volume_mode != "off",
            is_rough=self._look.image is not None and not self._is_final,
            hovered=self._hovered_side,
            face=self._hovered_face,
        )

    def _sentence_now(self) -> str:
        if self._sentence or self.model.scene is None:
            return self._sentence
        if self.model.state.volume_mode == "off":
            return self.tr("3D is off")
        if not self._is_black:
            return ""
        return self.tr("This preset shows nothing here.\nChoose another, or move Shift.")

    def paint_picture(self, painter: QPainter) -> None:
        """Paint what the view shows, on any painter."""
        painter.fillRect(QRectF(0, 0, *self.extent), Qt.GlobalColor.black)
        image: QImage | None = self._host.image
        if image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(picture_place(image, *self.extent), image)
        self.paint_overlay(painter)

    # -- mouse --------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Orbit; with Shift the crosshair goes to the first opaque point under the pointer."""
        super().mouseMoveEvent(event)
        if event.buttons():
            return
        side = side_at(self.model.state.camera, self._cube_centre, event.position())
        face = None if side else self.hand.face_at(event.position(), self.extent)
        if (side, face) != (self._hovered_side, self._hovered_face):
            self._hovered_side, self._hovered_face = side, face
            self.setCursor(
                Qt.CursorShape.PointingHandCursor if side or face else Qt.CursorShape.ArrowCursor
            )
            self._overlay.update()
        point = None if side else self._picked(event.position())
        scene = self.model.scene
        if point is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.model.move_crosshair(point, "follow 3d")
        self.model.pointed.emit(scene.pointer_text(point) if scene and point is not None else "")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Turn to the side whose face of the cube was clicked."""
        dragged = self.hand.is_dragging
        super().mouseReleaseEvent(event)
        side = side_at(self.model.state.camera, self._cube_centre, event.position())
        if side and not dragged and event.button() == Qt.MouseButton.LeftButton:
            self.model.orient(side)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Pick the point there and show this view alone, unless it was on the cube."""
        if side_at(self.model.state.camera, self._cube_centre, event.position()):
            return
        point = self._picked(event.position())
        if point is not None:
            self.model.move_crosshair(point)
        super().mouseDoubleClickEvent(event)

    def zoom_at(self, at: QPointF, factor: float, gesture: object) -> None:
        """Zoom about the middle of the view."""
        self.model.zoom("volume", factor, ("3d", gesture))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self.model.activate(self.view)
        self.hand.wheel(event, self.extent)
        event.accept()

    def _picked(self, at: QPointF) -> np.ndarray[Any, np.dtype[np.float64]] | None:
        scene, image = self.model.scene, self._look.image
        transfer = transfer_for(self.model.state, scene, lit=False) if scene else None
        if scene is None or image is None or transfer is None:
            return None
        return first_opaque(
            image,
            transfer,
            self.model.state.camera,
            scene,
            (at.x(), at.y()),
            self.extent,
            image_crop(self.model.state, scene, image),
        )
