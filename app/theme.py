"""Colours, type and grid of the window, in two themes, and the style sheet made from them.

The numbers are those of the design; a test computes the contrasts that are promised beside them.
Pictures are on black in both themes, so nothing here speaks of what lies inside a view.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette

from app.resources import read_text

if TYPE_CHECKING:
    from PySide6.QtGui import QFont
    from PySide6.QtWidgets import QApplication

THEMES = ("system", "dark", "light")

CAPTION_PX, BODY_PX, SECTION_PX, TITLE_PX = 11, 13, 15, 22

SERIES_WIDTH = 232
DISPLAY_WIDTH = 272
COMPACT_BELOW = 1000
HIT, TOUCH_HIT = 28, 40
"""Least width and height of a control, for a pointer and for fingers."""


@dataclass(frozen=True, slots=True)
class Theme:
    """One column of the colour table."""

    name: str
    window: str
    panel: str
    raised: str
    border: str
    text: str
    text_second: str
    disabled: str
    accent: str
    on_accent: str
    good: str
    warn: str
    error: str


DARK = Theme(
    name="dark",
    window="#14171B",
    panel="#1B1F25",
    raised="#242A32",
    border="#323A44",
    text="#E6EAEF",
    text_second="#A3ADB8",
    disabled="#67727E",
    accent="#5AA7FF",
    on_accent="#0B1116",
    good="#63C08A",
    warn="#E0B04A",
    error="#FF7A6B",
)
LIGHT = Theme(
    name="light",
    window="#F3F4F6",
    panel="#FFFFFF",
    raised="#E9ECF0",
    border="#CBD2D9",
    text="#1A1F25",
    text_second="#55606B",
    disabled="#8B949E",
    accent="#0B62C9",
    on_accent="#FFFFFF",
    good="#1E7A46",
    warn="#8A5A00",
    error="#C0322B",
)

_current = DARK
_hit = HIT


def hit() -> int:
    """Give the least width and height of a control: more where there is a touch screen."""
    return _hit


def toolbar_height() -> int:
    """Give the height of the toolbar."""
    return 40 if _hit == HIT else _hit + 8


def status_height() -> int:
    """Give the height of the status line; its links are controls."""
    return _hit


def has_touch() -> bool:
    """Tell whether there is a screen that fingers can use."""
    from PySide6.QtGui import QInputDevice

    kind = QInputDevice.DeviceType.TouchScreen
    return any(device.type() == kind for device in QInputDevice.devices())


def current_theme() -> Theme:
    """Give the theme that the window wears now."""
    return _current


def resolve_theme(choice: str) -> Theme:
    """Turn a setting ("system", "dark", "light") into a theme; dark where the system is silent."""
    if choice == "system":
        scheme = QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme == Qt.ColorScheme.Light else DARK
    return LIGHT if choice == "light" else DARK


def apply_theme(application: QApplication, choice: str) -> Theme:
    """Dress the application: style, palette, font, style sheet; for fingers where they are used."""
    global _hit
    _hit = TOUCH_HIT if has_touch() else HIT
    colour(application, choice)
    if application.style().name() != "fusion":
        application.setStyle("Fusion")
    application.setPalette(_palette(_current))
    application.setFont(body_font())
    application.setStyleSheet(style_sheet(_current))
    return _current


def colour(application: QApplication, choice: str) -> None:
    """Give the application the colour alone that an empty window is painted with."""
    global _current
    _current = resolve_theme(choice)
    # the rest is computed from it; naming each colour costs ten times as much
    application.setPalette(QPalette(QColor(_current.window)))


def body_font(pixels: int = BODY_PX, *, strong: bool = False) -> QFont:
    """Give the system's font with digits of one width."""
    from PySide6.QtGui import QFont, QFontDatabase

    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
    tag = QFont.Tag.fromString("tnum")
    if isinstance(tag, QFont.Tag):
        font.setFeature(tag, 1)
    return font


def code_font() -> QFont:
    """Give the system's font of one width for all letters, for names of files and for details."""
    from PySide6.QtGui import QFontDatabase

    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(BODY_PX)
    return font


def style_sheet(theme: Theme) -> str:
    """Fill the style sheet of `resources/style.qss` with the colours of a theme."""
    import string

    words = {field.name: getattr(theme, field.name) for field in fields(theme)}
    # of a control, within its padding, and within the ring of its focus
    sizes = {"hit": _hit, "inner": _hit - 8, "ringed": _hit - 4, "menu": (_hit - 16) // 2}
    return string.Template(read_text("style.qss")).substitute(words, **sizes)


def contrast(first: str, second: str) -> float:
    """Compute the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    shade = QColor(colour)
    red, green, blue = (linear(c) for c in (shade.redF(), shade.greenF(), shade.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for target, colour in (
        (role.Window, theme.window),
        (role.Base, theme.panel),
        (role.AlternateBase, theme.raised),
        (role.Button, theme.panel),
        (role.WindowText, theme.text),
        (role.Text, theme.text),
        (role.ButtonText, theme.text),
        (role.PlaceholderText, theme.text_second),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Accent, theme.accent),
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.Link, theme.accent),
        (role.Mid, theme.border),
        (role.Dark, theme.border),
    ):
        palette.setColor(target, QColor(colour))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, QColor(theme.disabled))
    return palette
