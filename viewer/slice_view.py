"""The widget of one slice view: events in, one picture out."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QGestureEvent, QPinchGesture, QWidget

from viewer import overlays
from viewer.crop import Face
from viewer.interaction import Hand, SliceHand
from viewer.model import ViewModel
from viewer.slice_picture import SlicePicture

# While slices arrive a view spends at most an eighth of the time on following them.
PACE = 8.0
SHORTEST_MS = 33
PATCHY_MS = 250  # while there are slices without content, crossing views are dear and ugly


class PictureView(QWidget):
    """What slice views and the 3D view have in common: focus, mouse, double click, menu."""

    accessible_role = QAccessible.Role.Graphic

    maximise_asked = Signal(str)
    menu_asked = Signal(QPoint, str)
    name_clicked = Signal(str)

    def __init__(
        self, model: ViewModel, view: str, hand: Hand, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.model = model
        self.view = view
        self.hand = hand
        self.setObjectName(f"view-{view}")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(40, 40)
        self.grabGesture(Qt.GestureType.PinchGesture)
        self._pinch: object = None

    @property
    def extent(self) -> tuple[float, float]:
        """Give width and height in device-independent pixels."""
        return float(self.width()), float(self.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Make this the view that keys act on, and begin a click or a drag."""
        self.model.activate(self.view)
        in_name = event.position().x() < 80 and event.position().y() < 24
        if in_name and event.button() == Qt.MouseButton.LeftButton and self._is_small:
            self.name_clicked.emit(self.view)  # and the crosshair stays where it is
            return
        self.hand.press(event)

    @property
    def _is_small(self) -> bool:
        state = self.model.state
        return state.layout == "one_plus_three" and state.large_view != self.view

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or look at what lies under the pointer."""
        self.hand.move(event, self.extent)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or make a click of it."""
        if self.hand.release(event, self.extent) == "menu":
            self.menu_asked.emit(event.globalPosition().toPoint(), self.view)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show this view alone, or all again."""
        self.hand.forget()
        if event.button() == Qt.MouseButton.LeftButton:
            self.maximise_asked.emit(self.view)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Answer the menu key; the mouse asks through a click that is no drag."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.menu_asked.emit(self.mapToGlobal(self.rect().center()), self.view)
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Zoom by pinching: on a trackpad where the system tells of it, or with two fingers."""
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_at(event.position(), 1.0 + event.value(), "pinch")
                return True
        elif isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                self._follow_fingers(pinch)
                return True
        return super().event(event)

    def _follow_fingers(self, pinch: QPinchGesture) -> None:
        """Zoom about the middle of two fingers; what the first one did as a mouse ends here."""
        self.hand.forget()
        if pinch.state() == Qt.GestureState.GestureStarted:
            self._pinch = object()
        is_over = pinch.state() in (
            Qt.GestureState.GestureFinished, Qt.GestureState.GestureCanceled
        )  # fmt: skip
        if is_over or not pinch.changeFlags() & QPinchGesture.ChangeFlag.ScaleFactorChanged:
            return  # the factor is that of the last step still
        middle = QPointF(self.mapFromGlobal(pinch.centerPoint()))
        self.zoom_at(middle, pinch.scaleFactor(), self._pinch)

    def zoom_at(self, at: QPointF, factor: float, gesture: object) -> None:
        """Zoom about a point; zooms of one gesture are one step to undo."""
        raise NotImplementedError

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer any more."""
        self.model.pointed.emit("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space held turns the left button into the one that pans."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.hand.space_held = True
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.hand.space_held = False
        else:
            event.ignore()


class SliceView(PictureView):
    """Show one plane.

    Signals
    -------
    shown
        Values of a volume are on the screen for the first time.
    """

    hand: SliceHand
    shown = Signal()

    def __init__(self, model: ViewModel, view: str, parent: QWidget | None = None) -> None:
        super().__init__(model, view, SliceHand(model, view), parent)
        names = {
            "axial": self.tr("Axial view"),
            "coronal": self.tr("Coronal view"),
            "sagittal": self.tr("Sagittal view"),
        }
        self.setAccessibleName(names[view])
        self._picture = SlicePicture(view)
        self._cost_s = 0.0
        self._painted_at = 0.0
        self._has_shown = False
        self._pace = QTimer(self)
        self._pace.setSingleShot(True)
        self._pace.timeout.connect(self.update)
        model.state_changed.connect(self.update)
        model.scene_changed.connect(self._take_scene)
        model.data_changed.connect(self._take_data)

    def _take_scene(self) -> None:
        self._picture = SlicePicture(self.view)
        self.update()

    def _take_data(self, slices: tuple[int, ...]) -> None:
        """Repaint if something on the screen changed; views that cross all slices at their pace."""
        scene = self.model.scene
        if scene is None:
            return
        self._picture.data_changed()
        if scene.frames[self.view].is_acquired:
            index, _ = self.model.slice_position(self.view)
            if index in slices or not slices:
                self.update()
            return
        passed = time.perf_counter() - self._painted_at
        shortest = SHORTEST_MS if (scene.qualities.content >= 0).all() else PATCHY_MS
        wait_ms = max(shortest, 1e3 * PACE * self._cost_s) - 1e3 * passed
        if not self._pace.isActive():
            self._pace.start(max(0, int(wait_ms)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the plane with everything over it."""
        started = time.perf_counter()
        with QPainter(self) as painter:
            self.paint_picture(painter)
            self._paint_region(painter)
        self._painted_at = time.perf_counter()
        self._cost_s = self._painted_at - started
        if self._picture.has_values and not self._has_shown:
            self._has_shown = True
            self.shown.emit()

    def paint_picture(self, painter: QPainter) -> None:
        """Paint what the view shows."""
        scene = self.model.scene
        if scene is None:
            painter.fillRect(QRectF(0, 0, *self.extent), Qt.GlobalColor.black)
            overlays.draw_top_edge(painter, self.width(), self.view, active=False)
            overlays.draw_view_name(painter, self.width(), self.height(), self.view)
        else:
            ratio = self.devicePixelRatioF()
            self._picture.paint(painter, self.extent, ratio, scene, self.model.state)

    def _paint_region(self, painter: QPainter) -> None:
        if self.hand.region is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((overlays.OUTLINE, 3.0), (overlays.ACCENT, 1.0)):
                painter.setPen(QPen(colour, width))
                painter.drawRect(QRectF(self.hand.region.normalized()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show by the pointer that a line can be dragged."""
        super().mouseMoveEvent(event)
        if not self.hand.is_dragging and not event.buttons():
            face = self.hand.face_near(event.position(), self.extent)
            near = self.hand.lines_near(event.position(), self.extent)
            self.setCursor(self._cursor_for_face(face) if face else self._cursor_for(near))

    def _cursor_for_face(self, face: Face) -> Qt.CursorShape:
        assert self.model.scene is not None
        frame = self.model.scene.frames[self.view]
        way = self.model.scene.spec.affine_lps[:3, face.axis]
        upright = abs(float(way @ frame.right)) > abs(float(way @ frame.down))
        return Qt.CursorShape.SplitHCursor if upright else Qt.CursorShape.SplitVCursor

    def _cursor_for(self, near: list[str]) -> Qt.CursorShape:
        if len(near) != 1 or self.model.scene is None:
            return Qt.CursorShape.SizeAllCursor if near else Qt.CursorShape.ArrowCursor
        normal = self.model.scene.frames[near[0]].normal
        frame = self.model.scene.frames[self.view]
        upright = abs(float(normal @ frame.right)) > abs(float(normal @ frame.down))
        return Qt.CursorShape.SplitHCursor if upright else Qt.CursorShape.SplitVCursor

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step slices or zoom."""
        self.model.activate(self.view)
        self.hand.wheel(event, self.extent)
        event.accept()

    def zoom_at(self, at: QPointF, factor: float, gesture: object) -> None:
        """Zoom about a point of the plane."""
        self.hand.zoom_at(at, factor, self.extent, gesture)
