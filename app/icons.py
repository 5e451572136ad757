"""Line icons, tinted with the theme's text colour when they are asked for."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.resources import read_text, resource_path
from app.theme import current_theme

SIZE = 20


def icon(name: str, colour: str | None = None) -> QIcon:
    """Give an icon of `resources/icons` for the present theme.

    Ask again after the theme has changed: icons are pictures, not styles.
    """
    theme = current_theme()
    made = QIcon()
    for scale in _scales():
        made.addPixmap(_draw(name, colour or theme.text, SIZE, scale), QIcon.Mode.Normal)
        made.addPixmap(_draw(name, theme.disabled, SIZE, scale), QIcon.Mode.Disabled)
    return made


def pixmap(name: str, colour: str, size: int = SIZE, scale: float = 1.0) -> QPixmap:
    """Give one picture of an icon, `size` in device-independent pixels."""
    return _draw(name, colour, size, scale)


def program_icon() -> QIcon:
    """Give the icon of the program."""
    return QIcon(str(resource_path("icons", "voxtide.svg")))


def _scales() -> set[float]:
    """Give the pixel ratios of the screens there are."""
    return {screen.devicePixelRatio() for screen in QGuiApplication.screens()} | {1.0}


@lru_cache(maxsize=512)
def _draw(name: str, colour: str, size: int, scale: float) -> QPixmap:
    svg = read_text("icons", f"{name}.svg").replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    picture = QPixmap(round(size * scale), round(size * scale))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, picture.width(), picture.height()))
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture
