"""What Qt must know about OpenGL before the application object exists.

No VTK here: the views make their contexts later, from the format that is set now.
"""

from __future__ import annotations

import os


def set_up_graphics(*, software_gl: bool) -> None:
    """Choose renderer, surface format and context sharing; call before QApplication is made.

    Parameters
    ----------
    software_gl : bool
        Draw with the processor, whatever the graphics driver offers. Mesa and Qt read the choice
        from the environment when they are loaded, hence before Qt is imported.
    """
    if software_gl:
        os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
        os.environ["QT_OPENGL"] = "software"

    from PySide6.QtCore import QCoreApplication, Qt
    from PySide6.QtGui import QSurfaceFormat

    wanted = QSurfaceFormat()
    wanted.setRenderableType(QSurfaceFormat.RenderableType.OpenGL)
    wanted.setVersion(3, 2)  # the least that VTK draws volumes with
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    wanted.setDepthBufferSize(24)
    wanted.setStencilBufferSize(8)
    wanted.setAlphaBufferSize(8)
    wanted.setSamples(0)  # VTK resolves in framebuffers of its own
    QSurfaceFormat.setDefaultFormat(wanted)
    # Without shared contexts a view that moves to another window loses its textures.
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
