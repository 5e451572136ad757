"""The strip under the views: one cell per slice, so that everybody sees what is there."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QContextMenuEvent,
    QHelpEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from loading import Status
from viewer import overlays, strip_model
from viewer.interaction import WheelCounter
from viewer.model import ViewModel
from viewer.names import failure_parts, without_places

HEIGHT = 6
HOVER_HEIGHT = 14
DONE_HEIGHT = 2
HIDE_AFTER_MS = 1500
TELL_EVERY_MS = 2000


class QualityStrip(QWidget):
    """Show how good each slice is; hides when all are complete."""

    accessible_role = QAccessible.Role.Graphic

    height_changed = Signal()
    menu_asked = Signal(QPoint, str)

    def __init__(self, model: ViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("quality-strip")
        self.setAccessibleName(self.tr("Slices loaded"))
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._model = model
        self._is_hovered = self._is_done = self._is_pressed = False
        self._gesture: object = None
        self._wheel = WheelCounter()
        self._hide = QTimer(self)
        self._hide.setSingleShot(True)
        self._hide.timeout.connect(self._hide_now)
        self._tell = QTimer(self)
        self._tell.setInterval(TELL_EVERY_MS)
        self._tell.timeout.connect(self._tell_readers)
        model.scene_changed.connect(self._take_scene)
        model.data_changed.connect(self._take_data)
        model.state_changed.connect(self.update)
        self.hide()

    @property
    def drawn_height(self) -> int:
        """Give the height that it is drawn with; under the pointer it grows."""
        if self._is_hovered:
            return HOVER_HEIGHT
        return DONE_HEIGHT if self._is_done else HEIGHT

    def sizeHint(self) -> QSize:
        """Give the strip's own size."""
        return QSize(200, HEIGHT)

    # -- following the load -------------------------------------------------------------------

    def _take_scene(self) -> None:
        self._hide.stop()
        self._is_done = False
        self.setVisible(self._model.scene is not None)
        if self._model.scene is not None:
            self._tell.start()
            self._tell_readers()
            self._take_data(())
        else:
            self._tell.stop()
        self.height_changed.emit()

    def _take_data(self, slices: tuple[int, ...]) -> None:
        scene = self._model.scene
        if scene is None:
            return
        perfect = strip_model.cells(scene.qualities, len(scene.qualities.status)).is_perfect
        if perfect and not self._is_done:
            self._hide.start(HIDE_AFTER_MS)
        elif not perfect:
            self._hide.stop()
            self.show()
        if perfect != self._is_done:
            self._is_done = perfect
            self.height_changed.emit()
        self.update()

    def _hide_now(self) -> None:
        self._tell_readers()
        self._tell.stop()
        self.hide()
        self.height_changed.emit()

    def words(self) -> str:
        """Say how far the load is: "149 of 480 slices complete, 1 failed"."""
        scene = self._model.scene
        if scene is None:
            return ""
        progress = scene.volume.progress
        text = self.tr("{full} of {total} slices complete").format(
            full=progress.full, total=progress.total
        )
        if progress.failed:
            text += self.tr(", {failed} failed").format(failed=progress.failed)
        return text

    def _tell_readers(self) -> None:
        text = self.words()
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)

    # -- painting -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a column for each pixel and the tick of the slice on the screen."""
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        scene = self._model.scene
        if scene is None or self.width() < 1:
            return
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), max(1, round(self.height() * ratio))
        pixels = np.ascontiguousarray(
            strip_model.pixels(strip_model.cells(scene.qualities, width), height)
        )
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32)
        painter.drawImage(QRectF(self.rect()), image)
        k, count = self._model.slice_position(scene.acquired)
        x = strip_model.middle_of(k, self.width(), count)
        x = min(self.width() - 1.0, max(0.0, round(x) - 0.5))
        painter.fillRect(QRectF(x - 1, 0, 3, self.height()), Qt.GlobalColor.black)
        painter.fillRect(QRectF(x, 0, 1, self.height()), overlays.PLANE_COLOURS[scene.acquired])

    # -- mouse --------------------------------------------------------------------------------

    def enterEvent(self, event: QEvent) -> None:
        """Grow under the pointer."""
        self._is_hovered = True
        self.height_changed.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Shrink again."""
        self._is_hovered = False
        self.height_changed.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the slice under the pointer, which is then loaded next."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._is_pressed, self._gesture = True, object()
            self._model.used.emit()
            self._go(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub through the slices."""
        if self._is_pressed:
            self._go(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of the scrub."""
        self._is_pressed = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step one slice, ten with Shift."""
        scene, steps = self._model.scene, self._wheel.steps(event)
        if scene is not None and steps:
            k, _ = self._model.slice_position(scene.acquired)
            stride = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self._model.go_to_slice(scene.acquired, k - steps * stride, "strip wheel")
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the load."""
        self.menu_asked.emit(event.globalPos(), "strip")

    def _go(self, at: QPointF) -> None:
        scene = self._model.scene
        if scene is not None:
            k = strip_model.slice_at(at.x(), self.width(), len(scene.qualities.status))
            self._model.go_to_slice(scene.acquired, k, self._gesture)

    def event(self, event: QEvent) -> bool:
        """Tell in a tooltip what a cell stands for."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tooltip_at(float(event.pos().x())), self)
            return True
        return super().event(event)

    def tooltip_at(self, x: float) -> str:
        """Say what the slice under x is: "Slice 212 of 480: copied from slice 213"."""
        scene = self._model.scene
        if scene is None:
            return ""
        count = len(scene.qualities.status)
        k = strip_model.slice_at(x, self.width(), count)
        return self.tr("Slice {k} of {n}: {words}").format(
            k=k + 1, n=count, words=self._words_of(k)
        )

    def _words_of(self, k: int) -> str:
        scene = self._model.scene
        assert scene is not None
        qualities = scene.qualities
        if k in qualities.absent:
            return self.tr("missing in the series")
        if k in qualities.failed:
            reason, name = failure_parts(qualities.failed[k], scene.spec.path)
            if self._model.state.names_hidden:
                reason = without_places(reason, (scene.spec.path,))
            elif name:
                reason = f"{reason} ({name})"
            return self.tr("could not be read: {reason}").format(reason=reason)
        content = int(qualities.content[k])
        if content < 0:
            return self.tr("nothing yet")
        if content != k:
            return self.tr("copied from slice {n}").format(n=content + 1)
        if qualities.status[k] == Status.FULL:
            return self.tr("complete")
        if qualities.status[k] == Status.LOSSY:
            return self.tr("full size, lossy")
        return self.tr("reduced resolution")
