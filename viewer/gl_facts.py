"""What OpenGL there is: asked once, decides who draws the 3D view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from PySide6.QtGui import QOffscreenSurface, QOpenGLContext

NEEDED = (3, 2)
_SOFTWARE = (
    "llvmpipe",
    "softpipe",
    "swrast",
    "software",
    "swiftshader",
    "gdi generic",
    "basic render",
)
_GL_VENDOR, _GL_RENDERER = 0x1F00, 0x1F01


@dataclass(frozen=True, slots=True)
class GlFacts:
    """What the window system's OpenGL reports; version (0, 0) and no names where there is none."""

    vendor: str = ""
    renderer: str = ""
    version: tuple[int, int] = (0, 0)

    @property
    def is_usable(self) -> bool:
        """Tell whether VTK can draw volumes with it."""
        return self.version >= NEEDED

    @property
    def is_software(self) -> bool:
        """Tell whether the processor draws."""
        return any(word in self.renderer.lower() for word in _SOFTWARE)

    @property
    def version_text(self) -> str:
        """Write the version as people say it."""
        return f"{self.version[0]}.{self.version[1]}" if self.version != (0, 0) else "none"


@cache
def gl_facts() -> GlFacts:
    """Ask OpenGL who it is, in a context made for the question; needs a QGuiApplication."""
    surface = QOffscreenSurface()
    surface.create()
    context = QOpenGLContext()
    if not surface.isValid() or not context.create() or not context.makeCurrent(surface):
        return GlFacts()
    try:
        functions = context.functions()
        vendor = functions.glGetString(_GL_VENDOR) or ""
        renderer = functions.glGetString(_GL_RENDERER) or ""
        version = context.format().version()
        return GlFacts(str(vendor), str(renderer), (int(version[0]), int(version[1])))
    finally:
        context.doneCurrent()
