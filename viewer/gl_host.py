"""VTK inside a `QOpenGLWidget`: the 3D picture on a graphics card, drawn on the GUI thread.

VTK draws into framebuffers of its own; `paintGL` copies the picture into the one that Qt composes
into the window. No native child window, so overlays, Wayland and scaling need nothing special.
"""

from __future__ import annotations

import logging
import time
import weakref
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QOpenGLContext
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget

from viewer.render_host import Drawn

if TYPE_CHECKING:
    from viewer.volume_look import Picture
    from viewer.volume_scene import VolumeScene

_log = logging.getLogger(__name__)

_COLOR_BUFFER_BIT = 0x4000
_DRAW_FRAMEBUFFER = 0x8CA9
_LEQUAL = 0x0203
_NEAREST = 0x2600
_SCISSOR_TEST = 0x0C11


class GlHost(QOpenGLWidget):
    """Draw pictures in the window's own OpenGL."""

    drawn = Signal(object)
    unusable = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._window: Any = None
        self._scene: VolumeScene | None = None
        self._picture: Picture | None = None
        self._surface: Any = None
        self._is_dirty = False
        self._is_painting = False

    @property
    def is_software(self) -> bool:
        """Tell whether pictures are dear."""
        return False

    @property
    def image(self) -> QImage | None:
        """Give the picture in the window."""
        return self.grabFramebuffer() if self._picture is not None else None

    def render_size(self, width: int, height: int) -> tuple[int, int]:
        """Give the size to draw at: that of the view."""
        return max(8, width), max(8, height)

    def warm_up(self) -> None:
        """Import VTK before the first picture is asked for."""
        from viewer import volume_scene  # noqa: F401

    def request(self, picture: Picture) -> None:
        """Ask for a picture at the next paint."""
        self._picture, self._is_dirty = picture, True
        self.update()

    def show_nothing(self) -> None:
        """Clear to black."""
        self._picture, self._is_dirty = None, True
        if self._scene is not None:
            self._scene.clear()
        self.update()

    def close_renderer(self) -> None:
        """Let go of OpenGL."""
        self._let_go()

    def initializeGL(self) -> None:
        """Remember the surface; VTK is set up with the first picture."""
        context = self.context()
        context.aboutToBeDestroyed.connect(self._let_go, Qt.ConnectionType.DirectConnection)
        self._surface = context.surface()
        self._is_dirty = True

    def resizeGL(self, width: int, height: int) -> None:
        """Draw again at the new size."""
        self._is_dirty = True

    def paintGL(self) -> None:
        """Draw if something changed, and copy VTK's picture into the window's."""
        functions = self.context().functions()
        if self._picture is None or self._is_painting or not self._is_set_up():
            functions.glClearColor(0.0, 0.0, 0.0, 1.0)
            functions.glClear(_COLOR_BUFFER_BIT)
            return
        self._is_painting = True
        try:
            started = time.perf_counter()
            was_dirty = self._paint(self._picture)
        finally:
            self._is_painting = False
        if was_dirty:
            self.drawn.emit(Drawn(self._picture, time.perf_counter() - started))

    def _paint(self, picture: Picture) -> bool:
        was_dirty, self._is_dirty = self._is_dirty, False
        state = self._window.GetState()
        state.Reset()
        state.Push()
        state.vtkglDepthFunc(_LEQUAL)
        if was_dirty and self._scene is not None:
            self._window.SetSize(picture.width, picture.height)
            self._scene.follow(picture)
            self._window.Render()
            if self._scene.wants_second_frame:
                self._window.Render()
        self.makeCurrent()
        functions = self.context().extraFunctions()
        functions.glBindFramebuffer(_DRAW_FRAMEBUFFER, self.defaultFramebufferObject())
        state.vtkglDisable(_SCISSOR_TEST)
        functions.glDisable(_SCISSOR_TEST)
        ratio = self.devicePixelRatioF()
        width, height = round(self.width() * ratio), round(self.height() * ratio)
        size = self._window.GetSize()
        self._window.BlitDisplayFramebuffer(
            0, 0, 0, size[0], size[1], 0, 0, width, height, _COLOR_BUFFER_BIT, _NEAREST
        )
        # Alpha must be one, or the desktop shines through where Qt composes the window.
        functions.glColorMask(False, False, False, True)
        functions.glClearColor(0.0, 0.0, 0.0, 1.0)
        functions.glClear(_COLOR_BUFFER_BIT)
        functions.glColorMask(True, True, True, True)
        state.Pop()
        return was_dirty

    def _is_set_up(self) -> bool:
        """Set VTK up once, not counted as what a picture takes; tell and say where that fails."""
        if self._scene is not None:
            return True
        self._is_painting = True
        try:
            self._set_up()
        except Exception:
            _log.exception("VTK cannot be set up in the window's OpenGL")
            self._picture = None
            self._let_go()
            self.makeCurrent()  # the rest of the paint clears to black
            self.unusable.emit()
            return False
        finally:
            self._is_painting = False
        return True

    def _set_up(self) -> None:
        """Make VTK's window in Qt's context, once for each context."""
        from viewer.start_check import planes_may_be_patched, rays_may_jump
        from viewer.volume_scene import VolumeScene
        from viewer.vtk_setup import vtkGenericOpenGLRenderWindow

        window: Any = vtkGenericOpenGLRenderWindow()
        window.SetReadyForRendering(False)
        window.SetFrameBlitModeToNoBlit()
        window.SetMultiSamples(0)
        # Observers must not keep the widget alive: a closed view would hold its context.
        weak = weakref.ref(self)
        window.AddObserver("WindowMakeCurrentEvent", lambda *_: _make_current(weak()))
        window.AddObserver("WindowIsCurrentEvent", lambda *_: _tell_current(weak()))
        self._window = window
        window.SetForceMaximumHardwareLineWidth(1)
        window.SetReadyForRendering(True)
        window.SetOwnContext(0)
        window.OpenGLInitContext()
        window.SetMapped(1)
        resolve = _address_of if planes_may_be_patched(window, _address_of) else None
        self._scene = VolumeScene(window, skips=rays_may_jump(window), resolve=resolve)
        window.AddRenderer(self._scene.renderer)

    def _let_go(self) -> None:
        """Give VTK's OpenGL objects back while their context is current."""
        if self._window is None:
            return
        self.makeCurrent()
        if self._scene is not None:
            self._scene.clear()
        self._window.Finalize()
        self._window.SetReadyForRendering(False)
        self.doneCurrent()
        self._window = self._scene = None
        self._is_dirty = True


def _address_of(name: str) -> int:
    """Give the address of an OpenGL function in the current context, 0 where there is none."""
    context = QOpenGLContext.currentContext()
    return int(context.getProcAddress(name.encode()) or 0) if context is not None else 0


def _make_current(host: GlHost | None) -> None:
    # Not the widget's makeCurrent: that binds Qt's framebuffer too, in the middle of VTK's work.
    if host is not None and host.context() is not None:
        host.context().makeCurrent(host._surface)


def _tell_current(host: GlHost | None) -> None:
    # The event's bool pointer cannot be written from Python; this sets what it points to.
    if host is not None and host._window is not None:
        current = QOpenGLContext.currentContext()
        host._window.SetIsCurrent(current is not None and current == host.context())
