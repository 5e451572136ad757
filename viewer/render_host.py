"""Who draws the 3D picture: the graphics card in the window, or the processor beside it.

With a graphics card, VTK draws inside a `QOpenGLWidget`. On software OpenGL a shaded picture takes
a second, so a thread with an off-screen window of its own draws, newest wish first, and the widget
blits its image; the window never waits. Where neither is possible a sentence says so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from viewer.gl_facts import gl_facts
from viewer.worker import GivenUp, Worker

if TYPE_CHECKING:
    from viewer.volume_look import Picture
    from viewer.volume_scene import VolumeScene

BAND_SECONDS = 0.12
SOFTWARE_PIXELS = 600_000


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A picture that was drawn, and how long it took."""

    picture: Picture
    seconds: float
    image: QImage | None = None


class OffscreenRenderer:
    """A VTK window without a screen; belongs to the thread that makes it.

    Parameters
    ----------
    display_is_usable : bool
        Whether the display's own OpenGL is known to be good enough. VTK ends the process when it
        meets an older one there, so it is not even tried.
    go_on : callable
        Called between the steps of getting ready; ends it by raising.
    """

    def __init__(
        self, *, display_is_usable: bool = False, go_on: Callable[[], None] = lambda: None
    ) -> None:
        from viewer.start_check import rays_may_jump
        from viewer.volume_scene import VolumeScene

        go_on()
        self._window = _offscreen_window(display_is_usable)
        self._scene: VolumeScene | None = None
        self._rate = 0.0  # seconds per ray sample row, measured
        if self._window is not None:
            try:
                go_on()
                skips = rays_may_jump(self._window)
                go_on()
            except GivenUp:
                self.close()
                raise
            self._scene = VolumeScene(self._window, skips=skips)
            self._window.AddRenderer(self._scene.renderer)

    @property
    def is_usable(self) -> bool:
        """Tell whether there is an OpenGL that can draw volumes."""
        return self._window is not None

    def draw(self, picture: Picture, give_up: Callable[[], bool] | None = None) -> Drawn | None:
        """Draw a picture, in bands where it can be given up; None when it was."""
        if self._window is None or self._scene is None:
            return None
        started = time.perf_counter()
        if tuple(self._window.GetSize()) != (picture.width, picture.height):
            self._window.SetSize(picture.width, picture.height)
        self._scene.follow(picture)
        cost = picture.width * picture.height / picture.steps.pixel**2 / picture.steps.ray
        fine = picture.steps.pixel == 1.0
        bands = self._bands(cost) if fine and give_up is not None else 1
        for band in range(bands):
            if band and give_up is not None and give_up():
                self._scene.show_band(0, 1)
                return None
            self._scene.show_band(band, bands)
            self._window.Render()
        self._scene.show_band(0, 1)
        image = self._read(picture.width, picture.height)
        seconds = time.perf_counter() - started
        if fine:
            self._rate = seconds / cost
        return Drawn(picture, seconds, image)

    def _bands(self, cost: float) -> int:
        """Give the number of bands that take a moment each; the first picture may be a long one."""
        return max(1, min(32, round(self._rate * cost / BAND_SECONDS))) if self._rate else 8

    def forget(self) -> None:
        """Let go of the image that was drawn last, and of its texture."""
        if self._scene is not None and self._window is not None:
            self._scene.clear()
            self._window.Render()

    def close(self) -> None:
        """Let go of OpenGL; in the thread that made it."""
        if self._window is not None:
            if self._scene is not None:
                self._scene.clear()
                self._window.RemoveRenderer(self._scene.renderer)
            self._window.Finalize()
        self._window = self._scene = None

    def _read(self, width: int, height: int) -> QImage:
        from viewer.vtk_setup import vtk_to_numpy, vtkUnsignedCharArray

        pixels = vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels)
        rows = vtk_to_numpy(pixels)  # type: ignore[no-untyped-call]
        rgba = np.ascontiguousarray(rows.reshape(height, width, 4)[::-1])
        image = QImage(rgba.data, width, height, QImage.Format.Format_RGBX8888)
        return image.convertToFormat(QImage.Format.Format_RGB32)


def _offscreen_window(display_is_usable: bool) -> Any:
    """Make the first off-screen window that has an OpenGL which draws volumes, or None."""
    from vtkmodules import vtkRenderingOpenGL2 as opengl

    from viewer.vtk_setup import vtkLogger, vtkRenderWindow

    kinds: list[Any] = [vtkRenderWindow] if display_is_usable else []
    if sys.platform == "linux":
        kinds = [opengl.vtkEGLRenderWindow]
        kinds += [opengl.vtkXOpenGLRenderWindow] if display_is_usable else []
    loudness = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)  # each failed try would shout
    try:
        for kind in kinds:
            window = kind()
            window.SetOffScreenRendering(1)
            window.SetMultiSamples(0)
            window.SetSize(64, 64)
            if window.SupportsOpenGL():
                return window
            window.Finalize()
    finally:
        vtkLogger.SetStderrVerbosity(loudness)
    return None


def picture_place(image: QImage, width: float, height: float) -> QRectF:
    """Give where a picture stands in a view, whatever size it was drawn for.

    The camera fits the shorter side (`VolumeScene`). While a view has just changed its shape the
    picture before is shown: at the scale that the next one will have, never stretched.
    """
    scale = min(width, height) / max(1, min(image.width(), image.height()))
    across, down = image.width() * scale, image.height() * scale
    if abs(across - width) <= scale and abs(down - height) <= scale:
        across, down = width, height  # rounded to whole pixels when it was drawn
    return QRectF((width - across) / 2, (height - down) / 2, across, down)


class ThreadHost(QWidget):
    """Show pictures that a thread draws off screen."""

    drawn = Signal(object)
    unusable = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._worker = Worker("voxtide-3d", self)
        self._renderer: OffscreenRenderer | None = None
        self._image: QImage | None = None
        self._wanted_serial = -1

    @property
    def is_software(self) -> bool:
        """Tell whether pictures are dear."""
        return True

    @property
    def image(self) -> QImage | None:
        """Give the last picture."""
        return self._image

    def render_size(self, width: int, height: int) -> tuple[int, int]:
        """Give the size to draw at for a view of so many device pixels."""
        shrink = min(1.0, (SOFTWARE_PIXELS / max(1, width * height)) ** 0.5)
        return max(8, round(width * shrink)), max(8, round(height * shrink))

    def warm_up(self) -> None:
        """Import VTK and find OpenGL before the first picture is asked for."""
        self._worker.run("warm up", self._prepare, self._prepared)

    def request(self, picture: Picture) -> None:
        """Ask for a picture; one that still waits is forgotten."""
        self._wanted_serial = picture.image.serial
        self._worker.run("draw", lambda: self._draw(picture), self._show)

    def show_nothing(self) -> None:
        """Clear to black."""
        self._wanted_serial = -1
        self._image = None
        self._worker.run("draw", self._forget, lambda _: None)
        self.update()

    def close_renderer(self) -> None:
        """End the thread and let go of OpenGL."""
        self._worker.stop(lambda: self._renderer.close() if self._renderer else None)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Blit the last picture."""
        with QPainter(self) as painter:
            painter.fillRect(event.rect(), Qt.GlobalColor.black)
            if self._image is not None:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                place = picture_place(self._image, self.width(), self.height())
                painter.drawImage(place, self._image)

    def _forget(self) -> None:
        if self._renderer is not None:
            self._renderer.forget()

    def _prepare(self) -> bool:
        if self._renderer is None:
            self._renderer = OffscreenRenderer(
                display_is_usable=gl_facts().is_usable, go_on=lambda: self._worker.go_on_with("")
            )
        return self._renderer.is_usable

    def _prepared(self, usable: bool) -> None:
        if not usable:
            self.unusable.emit()

    def _draw(self, picture: Picture) -> Drawn | bool | None:
        if not self._prepare() or self._renderer is None:
            return False
        return self._renderer.draw(picture, lambda: self._worker.is_waiting("draw"))

    def _show(self, drawn: Drawn | bool | None) -> None:
        if drawn is False:
            self.unusable.emit()
        elif isinstance(drawn, Drawn) and drawn.picture.image.serial == self._wanted_serial:
            # A picture that was under way when another volume came is never shown.
            self._image = drawn.image
            self.update()
            self.drawn.emit(drawn)


def make_host(parent: QWidget, gl_widget: bool) -> Any:
    """Make the host that fits: the OpenGL widget for graphics cards, else the thread."""
    if gl_widget:
        from viewer.gl_host import GlHost

        return GlHost(parent)
    return ThreadHost(parent)
