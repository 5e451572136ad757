"""What the mouse does in the views: small pieces of state, no drawing.

A drag is a drag after 4 px; a press that ends before is a click. Each drag is one step to undo.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPointingDevice, QWheelEvent

from viewer.crop import FACES, Face, handle, handle_step, with_face
from viewer.geometry import FloatArray, Viewport, apply, fit_scale
from viewer.model import ViewModel
from viewer.projection import Projection
from viewer.slice_picture import viewport_for
from viewer.state import PLANES, PlaneView

DRAG_PX: Final = 4.0
LINE_PX: Final = 6.0
HANDLE_REACH_PX: Final = 12.0
FINGER_PX: Final = 20.0
NOTCH: Final = 120
TRACKPAD_PX: Final = 24
ZOOM_PER_NOTCH: Final = 1.15
ZOOM_PER_PX: Final = 1.008
ORBIT_DEGREES_PER_PX: Final = 0.45
REGION_SAMPLES: Final = 48

Move = Callable[[QPointF, Qt.KeyboardModifier], None]
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CTRL = Qt.KeyboardModifier.ControlModifier
_LEFT, _MIDDLE, _RIGHT = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.RightButton,
)


@dataclass(slots=True)
class HandSettings:
    """What people may set: whose hands the mouse follows.

    Attributes
    ----------
    right_button : str
        "zoom" or "window": what dragging with it does; the left button does the other.
    drag_up : str
        "brighter" or "darker".
    """

    right_button: str = "zoom"
    drag_up: str = "brighter"


class WheelCounter:
    """Turn wheel notches and trackpad pixels into whole steps, keeping what is left over."""

    def __init__(self) -> None:
        self._left = 0.0

    def steps(self, event: QWheelEvent) -> int:
        """Give whole steps; positive is away from the person (up)."""
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if not pixels.isNull() and event.phase() != Qt.ScrollPhase.NoScrollPhase:
            self._left += (pixels.y() or pixels.x()) / TRACKPAD_PX
        else:
            self._left += (angle.y() or angle.x()) / NOTCH
        whole = int(self._left)
        self._left -= whole
        return whole


class Hand(ABC):
    """Tell clicks from drags and keep the drag that is under way.

    Attributes
    ----------
    space_held : bool
        Space turns the left button into the one that pans.
    """

    def __init__(self, model: ViewModel, view: str) -> None:
        self.model = model
        self.view = view
        self.space_held = False
        self._is_finger = False
        self.settings = HandSettings()
        self._pressed: tuple[QPointF, Qt.MouseButton, Qt.KeyboardModifier] | None = None
        self._drag: Move | None = None
        self._gesture: object = None
        self._wheel = WheelCounter()

    @property
    def is_dragging(self) -> bool:
        """Tell whether a drag is under way."""
        return self._drag is not None

    def press(self, event: QMouseEvent) -> None:
        """Remember where a button went down."""
        if self._pressed is None:
            self._is_finger = event.pointerType() == QPointingDevice.PointerType.Finger
            self._pressed = event.position(), event.button(), event.modifiers()

    def move(self, event: QMouseEvent, size: tuple[float, float]) -> None:
        """Begin or go on with a drag; without a button the pointer just looks."""
        if self._pressed is None:
            self.hover(event.position(), event.modifiers(), size)
            return
        start, button, modifiers = self._pressed
        if self._drag is None:
            away = event.position() - start
            if abs(away.x()) + abs(away.y()) < DRAG_PX:
                return
            self._gesture = object()
            self._drag = self.begin(start, button, modifiers, size)
        self._drag(event.position(), event.modifiers())

    def release(self, event: QMouseEvent, size: tuple[float, float]) -> str:
        """End a drag or make a click; say "menu" when the menu is asked for."""
        pressed, dragged = self._pressed, self._drag is not None
        if pressed is None or event.button() != pressed[1]:
            return ""
        self._pressed = self._drag = None
        if dragged:
            self.end(event.position(), size)
            return ""
        if pressed[1] == _RIGHT:
            return "menu"
        if pressed[1] == _LEFT:
            self.click(event.position(), size)
        return ""

    def forget(self) -> None:
        """Make nothing of a button that is still down (the second press of a double click)."""
        self._pressed = self._drag = None

    def reach(self, pixels: float) -> float:
        """Give how near something must be to be taken hold of: fingers are less exact."""
        return max(pixels, FINGER_PX) if self._is_finger else pixels

    # -- for each kind of view ----------------------------------------------------------------

    @abstractmethod
    def begin(
        self,
        start: QPointF,
        button: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier,
        size: tuple[float, float],
    ) -> Move:
        """Choose what a drag does."""

    @abstractmethod
    def end(self, at: QPointF, size: tuple[float, float]) -> None:
        """Finish a drag."""

    @abstractmethod
    def click(self, at: QPointF, size: tuple[float, float]) -> None:
        """Do what a click with the left button does."""

    @abstractmethod
    def hover(self, at: QPointF, modifiers: Qt.KeyboardModifier, size: tuple[float, float]) -> None:
        """Look at what lies under the pointer."""


def _nothing(at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
    """Do nothing: the drag of a button that has none."""


class SliceHand(Hand):
    """The mouse in a slice view."""

    def __init__(self, model: ViewModel, view: str) -> None:
        super().__init__(model, view)
        self.region: QRectF | None = None
        self._following: object = None  # one walk of the crosshair with Shift is one step to undo

    def viewport(self, size: tuple[float, float]) -> Viewport | None:
        """Give the place of the plane on the view."""
        scene = self.model.scene
        return (
            None
            if scene is None
            else viewport_for(scene.frames[self.view], self.model.state, *size)
        )

    def point_at(self, at: QPointF, size: tuple[float, float]) -> FloatArray | None:
        """Give the point in the patient under the pointer, on the plane that is drawn."""
        scene, viewport = self.model.scene, self.viewport(size)
        if scene is None or viewport is None or self.model.state.crosshair_lps is None:
            return None
        frame = scene.frames[self.view]
        index = frame.slice_at(self.model.state.crosshair_lps)
        return frame.to_lps(index, *viewport.to_plane(at.x(), at.y()))

    def lines_near(self, at: QPointF, size: tuple[float, float]) -> list[str]:
        """Name the planes whose lines run within reach of the pointer."""
        scene, viewport, point = (
            self.model.scene,
            self.viewport(size),
            self.model.state.crosshair_lps,
        )
        if scene is None or viewport is None or point is None:
            return []
        if scene.is_flat or not self.model.state.crosshair_visible:
            return []
        frame = scene.frames[self.view]
        near = []
        x, y = viewport.to_screen(*frame.to_plane(point))
        for name in PLANES:
            if name == self.view:
                continue
            normal = scene.frames[name].normal
            across = np.array([normal @ frame.right, normal @ frame.down])
            across /= max(1e-9, float(np.linalg.norm(across)))
            if abs(float(across @ (at.x() - x, at.y() - y))) <= self.reach(LINE_PX):
                near.append(name)
        return near

    def begin(
        self,
        start: QPointF,
        button: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier,
        size: tuple[float, float],
    ) -> Move:
        """Choose window/level, zoom, pan, a line of the crosshair, or a region."""
        if self.model.scene is None:
            return _nothing
        if button == _MIDDLE or (button == _LEFT and self.space_held):
            return self._pan(start, size)
        swapped = self.settings.right_button == "window"
        if button == _RIGHT:
            return self._window(start) if swapped else self._zoom(start, size)
        if button != _LEFT:
            return _nothing
        if modifiers & _CTRL:
            # Ctrl alone turns the planes once oblique planes are there.
            return self._region(start) if modifiers & _SHIFT else _nothing
        face = self.face_near(start, size)
        if face is not None:
            return self._drag_face(face, size)
        lines = self.lines_near(start, size)
        if lines:
            return self._drag_lines(lines, size)
        return self._zoom(start, size) if swapped else self._window(start)

    def end(self, at: QPointF, size: tuple[float, float]) -> None:
        """Set the window from a region that was drawn."""
        if self.region is not None:
            region, self.region = self.region.normalized(), None
            self._window_from(region, size)
            self.model.state_changed.emit()

    def click(self, at: QPointF, size: tuple[float, float]) -> None:
        """Put the crosshair there."""
        point = self.point_at(at, size)
        if point is not None:
            self.model.move_crosshair(point)

    def hover(self, at: QPointF, modifiers: Qt.KeyboardModifier, size: tuple[float, float]) -> None:
        """Tell the value; with Shift the crosshair follows."""
        point = self.point_at(at, size)
        if point is None or self.model.scene is None:
            return
        if modifiers & _SHIFT:
            self._following = self._following or object()
            self.model.move_crosshair(point, self._following)
        else:
            self._following = None
        self.model.pointed.emit(self.model.scene.pointer_text(point))

    def wheel(self, event: QWheelEvent, size: tuple[float, float]) -> None:
        """Step slices; with Ctrl zoom at the pointer, with Shift ten slices."""
        steps = self._wheel.steps(event)
        if not steps or self.model.scene is None:
            return
        if event.modifiers() & _CTRL:
            self.zoom_at(event.position(), ZOOM_PER_NOTCH**steps, size, "wheel zoom")
            return
        index, _ = self.model.slice_position(self.view)
        stride = 10 if event.modifiers() & _SHIFT else 1
        self.model.go_to_slice(self.view, index - steps * stride, (self.view, "wheel"))
        self.hover(event.position(), Qt.KeyboardModifier.NoModifier, size)

    def zoom_at(
        self, at: QPointF, factor: float, size: tuple[float, float], gesture: object
    ) -> None:
        """Zoom so that what is under a point stays there."""
        viewport, scene = self.viewport(size), self.model.scene
        if viewport is None or scene is None:
            return
        plane = self.model.state.plane(self.view)
        zoomed = self._zoomed(plane, viewport, at, factor, size)
        self.model.change(gesture, **{self.view: zoomed})

    def _zoomed(
        self,
        plane: PlaneView,
        viewport: Viewport,
        at: QPointF,
        factor: float,
        size: tuple[float, float],
    ) -> PlaneView:
        assert self.model.scene is not None
        right, down = viewport.to_plane(at.x(), at.y())
        wanted = self.model.state.with_fields(
            **{self.view: replace(plane, zoom=plane.zoom * factor)}
        )
        zoom = wanted.plane(self.view).zoom
        scale = fit_scale(self.model.scene.frames[self.view], *size) * zoom
        pan = ((at.x() - size[0] / 2) / scale - right, (at.y() - size[1] / 2) / scale - down)
        return PlaneView(zoom, pan)

    # -- drags --------------------------------------------------------------------------------

    def _pan(self, start: QPointF, size: tuple[float, float]) -> Move:
        viewport, plane = self.viewport(size), self.model.state.plane(self.view)
        assert viewport is not None

        def pan(at: QPointF, _: Qt.KeyboardModifier) -> None:
            x = plane.pan_mm[0] + (at.x() - start.x()) / viewport.scale
            y = plane.pan_mm[1] + (at.y() - start.y()) / viewport.scale
            self.model.change(self._gesture, **{self.view: replace(plane, pan_mm=(x, y))})

        return pan

    def _zoom(self, start: QPointF, size: tuple[float, float]) -> Move:
        viewport, plane = self.viewport(size), self.model.state.plane(self.view)
        assert viewport is not None

        def zoom(at: QPointF, _: Qt.KeyboardModifier) -> None:
            factor = ZOOM_PER_PX ** (start.y() - at.y())
            wanted = self._zoomed(plane, viewport, start, factor, size)
            self.model.change(self._gesture, **{self.view: wanted})

        return zoom

    def _window(self, start: QPointF) -> Move:
        scene = self.model.scene
        assert scene is not None
        low, high = scene.percentiles or (0.0, self.model.state.window)
        per_px = max(high - low, 1e-6) / 512
        only_upper = scene.spec.modality == "PT" and "g/ml" in scene.spec.unit.lower()
        last = start

        def window(at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
            nonlocal last
            away, last = at - last, at
            fine = 0.25 if modifiers & _SHIFT else 1.0
            wider = away.x() * per_px * fine
            darker = away.y() * per_px * fine * (1 if self.settings.drag_up == "brighter" else -1)
            state = self.model.state
            if only_upper:
                bottom = state.level - state.window / 2
                top = max(bottom + per_px, state.level + state.window / 2 + wider + darker)
                self.model.change(self._gesture, window=top - bottom, level=(top + bottom) / 2)
            else:
                width = max(per_px, state.window + wider)
                self.model.change(self._gesture, window=width, level=state.level + darker)

        return window

    def _drag_lines(self, lines: list[str], size: tuple[float, float]) -> Move:
        def drag(at: QPointF, _: Qt.KeyboardModifier) -> None:
            scene, point = self.model.scene, self.point_at(at, size)
            crosshair = self.model.state.crosshair_lps
            if scene is None or point is None or crosshair is None:
                return
            moved = np.asarray(crosshair)
            for name in lines:
                normal = scene.frames[name].normal
                moved = moved + normal * float((point - moved) @ normal)
            self.model.move_crosshair(moved, self._gesture)

        return drag

    def index_at(self, at: QPointF, size: tuple[float, float]) -> FloatArray | None:
        """Give the index (i, j, k), with parts of voxels, under the pointer."""
        point, scene = self.point_at(at, size), self.model.scene
        return None if point is None or scene is None else apply(scene.to_index, point)

    def face_near(self, at: QPointF, size: tuple[float, float]) -> Face | None:
        """Name the face of the crop box whose line on this plane is within reach."""
        box, here = self.model.state.crop, self.index_at(at, size)
        if box is None or here is None:
            return None
        aside = self.index_at(at + QPointF(1, 0), size)
        below = self.index_at(at + QPointF(0, 1), size)
        assert aside is not None
        assert below is not None
        per_px = np.hypot(aside - here, below - here)
        reach = self.reach(LINE_PX) * per_px
        is_beside = (here > np.array(box[0]) - reach) & (here < np.array(box[1]) + reach)
        best: tuple[float, Face] | None = None
        for face in FACES:
            away = abs(float(here[face.axis] - box[face.end][face.axis]))
            others = np.delete(is_beside, face.axis)
            if per_px[face.axis] < 1e-3 * per_px.max() or not others.all():
                continue  # this plane does not cut it, or the pointer is past its end
            pixels = away / float(per_px[face.axis])
            if pixels <= self.reach(LINE_PX) and (best is None or pixels < best[0]):
                best = pixels, face
        return best[1] if best is not None else None

    def _drag_face(self, face: Face, size: tuple[float, float]) -> Move:
        def drag(at: QPointF, _: Qt.KeyboardModifier) -> None:
            scene, box, index = self.model.scene, self.model.state.crop, self.index_at(at, size)
            if scene is not None and box is not None and index is not None:
                moved = with_face(box, face, float(index[face.axis]), scene.spec.shape_kji)
                self.model.change(self._gesture, crop=moved)

        return drag

    def _region(self, start: QPointF) -> Move:
        def stretch(at: QPointF, _: Qt.KeyboardModifier) -> None:
            self.region = QRectF(start, at)
            self.model.state_changed.emit()

        return stretch

    def _window_from(self, region: QRectF, size: tuple[float, float]) -> None:
        """Set the window to mean +- 2 SD of the voxels in a region of the view."""
        scene = self.model.scene
        if scene is None:
            return
        xs = np.linspace(region.left(), region.right(), REGION_SAMPLES)
        ys = np.linspace(region.top(), region.bottom(), REGION_SAMPLES)
        points = [self.point_at(QPointF(x, y), size) for y in ys for x in xs]
        values = scene.values_at([point for point in points if point is not None])
        if values.size >= 2:
            spread = float(values.std())
            self.model.change(window=max(4.0 * spread, 1e-6), level=float(values.mean()))


class VolumeHand(Hand):
    """The mouse in the 3D view."""

    def begin(
        self,
        start: QPointF,
        button: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier,
        size: tuple[float, float],
    ) -> Move:
        """Choose orbit, roll, pan or zoom."""
        if button == _MIDDLE or (button == _LEFT and self.space_held):
            return self._pan(start, size)
        if button == _RIGHT:
            return self._zoom(start)
        if button == _LEFT:
            face = self.face_at(start, size)
            if face is not None:
                return self._drag_face(face, start, size)
            return self._roll(start, size) if modifiers & _CTRL else self._orbit(start)
        return _nothing

    def face_at(self, at: QPointF, size: tuple[float, float]) -> Face | None:
        """Name the face of the crop box whose handle is under the pointer, the nearest of them."""
        scene, state = self.model.scene, self.model.state
        if scene is None or state.crop is None or state.volume_mode == "off":
            return None
        on_view = Projection(state.camera, scene, size)
        found: list[tuple[float, int]] = []
        for number, face in enumerate(FACES):
            place = handle(on_view, scene, state.crop, face)
            if place is not None:
                found.append((float(np.hypot(place[0] - at.x(), place[1] - at.y())), number))
        away, number = min(found, default=(np.inf, 0))
        return FACES[number] if away <= self.reach(HANDLE_REACH_PX) else None

    def end(self, at: QPointF, size: tuple[float, float]) -> None:
        """Leave the camera where the drag left it."""

    def click(self, at: QPointF, size: tuple[float, float]) -> None:
        """Do nothing; the clicks of the cube are the view's."""

    def hover(self, at: QPointF, modifiers: Qt.KeyboardModifier, size: tuple[float, float]) -> None:
        """Leave it to the view, which has the volume to pick in."""

    def wheel(self, event: QWheelEvent, size: tuple[float, float]) -> None:
        """Zoom."""
        steps = self._wheel.steps(event)
        if steps and self.model.scene is not None:
            self.model.zoom("volume", ZOOM_PER_NOTCH**steps, "wheel zoom 3d")

    def _drag_face(self, face: Face, start: QPointF, size: tuple[float, float]) -> Move:
        scene, state = self.model.scene, self.model.state
        box = state.crop
        assert scene is not None
        assert box is not None
        step = handle_step(Projection(state.camera, scene, size), scene, box, face)
        if step is None or float(step @ step) < 1e-6:
            return _nothing  # it goes straight to the eye

        def drag(at: QPointF, _: Qt.KeyboardModifier) -> None:
            voxels = float(step @ (at.x() - start.x(), at.y() - start.y())) / float(step @ step)
            to = box[face.end][face.axis] + voxels
            moved = with_face(box, face, to, scene.spec.shape_kji)
            self.model.change(self._gesture, crop=moved)

        return drag

    def _orbit(self, start: QPointF) -> Move:
        camera = self.model.state.camera

        def orbit(at: QPointF, _: Qt.KeyboardModifier) -> None:
            away = (at - start) * ORBIT_DEGREES_PER_PX
            elevation = min(90.0, max(-90.0, camera.elevation + away.y()))
            turned = replace(camera, azimuth=camera.azimuth - away.x(), elevation=elevation)
            self.model.change(self._gesture, camera=turned)

        return orbit

    def _roll(self, start: QPointF, size: tuple[float, float]) -> Move:
        camera, middle = self.model.state.camera, QPointF(size[0] / 2, size[1] / 2)

        def angle(at: QPointF) -> float:
            return float(np.degrees(np.arctan2(at.y() - middle.y(), at.x() - middle.x())))

        def roll(at: QPointF, _: Qt.KeyboardModifier) -> None:
            turned = replace(camera, roll=camera.roll + angle(start) - angle(at))
            self.model.change(self._gesture, camera=turned)

        return roll

    def _pan(self, start: QPointF, size: tuple[float, float]) -> Move:
        camera = self.model.state.camera

        def pan(at: QPointF, _: Qt.KeyboardModifier) -> None:
            half = min(size) / 2 * camera.zoom
            x = camera.pan[0] + (at.x() - start.x()) / half
            y = camera.pan[1] + (at.y() - start.y()) / half
            self.model.change(self._gesture, camera=replace(camera, pan=(x, y)))

        return pan

    def _zoom(self, start: QPointF) -> Move:
        camera = self.model.state.camera

        def zoom(at: QPointF, _: Qt.KeyboardModifier) -> None:
            factor = ZOOM_PER_PX ** (start.y() - at.y())
            self.model.change(self._gesture, camera=replace(camera, zoom=camera.zoom * factor))

        return zoom
