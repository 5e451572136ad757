"""About: what runs here, under which licences, and what the OpenGL side is, ready to be copied."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import QSize, Qt, QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication, QOffscreenSurface, QOpenGLContext
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from app.code_type import details_box
from app.icons import program_icon
from app.language import tr
from app.licences import Part, parts, text_folder
from app.sheets import Sheet
from app.widgets import Elided, button, label

_MAIN = ("PySide6-Essentials", "vtk", "numpy", "pydicom", "imagecodecs", "pylibjpeg-openjpeg")
_GL_RENDERER, _GL_VERSION = 0x1F01, 0x1F02


def program_version() -> str:
    """Give the version that is installed."""
    return _version("voxtide") or "0 (source tree)"


def diagnostics() -> str:
    """Say everything that helps to find a fault; no names, no paths of the user."""
    lines = [
        f"Voxtide {program_version()}",
        f"Python {platform.python_version()} on {platform.platform()}",
        f"Qt {qVersion()}, {QGuiApplication.platformName()}, "
        f"scale {QGuiApplication.primaryScreen().devicePixelRatio():g}",
        f"OpenGL {opengl_words()}",
    ]
    lines += [f"{name} {_version(name) or tr('not installed')}" for name in _MAIN]
    lines += decoder_lines()
    return "\n".join(lines)


def opengl_words() -> str:
    """Name renderer and version of OpenGL as a context reports them."""
    context = QOpenGLContext()
    surface = QOffscreenSurface()
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        return tr("none")
    try:
        functions = context.functions()
        renderer = functions.glGetString(_GL_RENDERER)
        version = functions.glGetString(_GL_VERSION)
        return f"{version}, {renderer}"
    finally:
        context.doneCurrent()


def decoder_lines() -> list[str]:
    """Name the decoders that were found."""
    from importlib.util import find_spec

    return [
        f"decoder {name}: {tr('found') if find_spec(name) else tr('not installed')}"
        for name in ("imagecodecs", "openjpeg")
    ]


class AboutSheet(Sheet):
    """Name, version, purpose, parts with their licences, diagnostics."""

    def __init__(self) -> None:
        super().__init__(tr("About Voxtide"), QSize(560, 560))
        text = diagnostics()
        picture = QLabel()
        picture.setPixmap(program_icon().pixmap(64, 64))
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(label(f"Voxtide {program_version()}", "section"))
        words.addWidget(
            label(
                tr("Drop a folder of slices, see the volume: three planes and 3D."),
                "second",
                wrap=True,
            )
        )
        words.addWidget(label(tr("Not a medical device."), "second"))
        words.addWidget(label(tr("MIT licence. Nothing is sent anywhere."), "second"))
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self.body.addLayout(head)
        self.body.addSpacing(8)
        self.body.addWidget(label(tr("This computer"), "heading"))
        shown = details_box(text)
        shown.setMinimumHeight(128)
        shown.setAccessibleName(tr("Diagnostics"))
        self.body.addWidget(shown)
        copy = button(tr("Copy diagnostics"), lambda: QGuiApplication.clipboard().setText(text))
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(copy)
        self.body.addLayout(foot)
        self.body.addWidget(label(tr("Made with"), "heading"))
        for part in parts():
            self.body.addLayout(_part_row(part))
        texts = text_folder()
        if texts is not None:
            show = button(
                tr("Licence texts"),
                lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(texts))),
                "small",
            )
            self.body.addWidget(show, 0, Qt.AlignmentFlag.AlignLeft)


def _part_row(part: Part) -> QHBoxLayout:
    """Name a part and its licence; the long words of some licences are cut at their end."""
    across = QHBoxLayout()
    across.setSpacing(16)
    across.addWidget(label(f"{part.name} {part.version}"))
    licence = Elided(part.licence, "second")
    licence.setToolTip(f"{part.licence}\n{part.source}".strip())
    licence.setAlignment(Qt.AlignmentFlag.AlignRight)
    across.addWidget(licence, 1)
    return across


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
