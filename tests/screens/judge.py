"""What is wrong with a picture of the window, in words."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFontMetrics, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QWidget,
)

from app.preset_pictures import PresetButton, words_in_lines
from app.theme import CAPTION_PX, body_font
from app.widgets import Elided

LEAST = 28
"""Width and height that a control must have (design of the window, section 2)."""


def troubles(window: QWidget, picture: QImage) -> Iterator[str]:
    """Say what a person would object to; nothing where all is well."""
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.visibleRegion().isEmpty():
            continue
        if (cut := _cut_off(widget)) is not None:
            yield f"text is cut off: {cut!r} in {_name(widget)}"
        if isinstance(widget, QHeaderView) and widget.orientation() == Qt.Orientation.Horizontal:
            yield from _short_headings(widget)
        if isinstance(widget, QScrollArea) and (lost := _lost_width(widget)) > 2:
            yield f"{lost} px of what scrolls in {_name(widget.parentWidget())} are out of reach"
        if _is_control(widget) and (widget.width() < LEAST or widget.height() < LEAST):
            yield f"{_name(widget)} is {widget.width()} x {widget.height()}"
    yield from _flat_views(window, picture)


def _cut_off(widget: QWidget) -> str | None:
    if isinstance(widget, QLineEdit | QComboBox):
        return _cut_off_field(widget)
    if isinstance(widget, PresetButton):
        lines = words_in_lines(widget.text(), QFontMetrics(body_font(CAPTION_PX)))
        return widget.text() if "\u2026" in "".join(lines) else None
    if isinstance(widget, Elided) or not isinstance(widget, QLabel | QAbstractButton):
        return None
    text = widget.text()
    if not text or (isinstance(widget, QLabel) and widget.textFormat().name == "RichText"):
        return None
    room = widget.contentsRect()
    if isinstance(widget, QLabel) and widget.wordWrap():
        return text if widget.heightForWidth(widget.width()) > widget.height() else None
    lines = text.replace("&&", "\0").replace("&", "").split("\n")
    if getattr(widget, "toolButtonStyle", None) is not None:
        style = widget.toolButtonStyle()
        if style.name == "ToolButtonIconOnly":
            return None
    widest = max(widget.fontMetrics().horizontalAdvance(line) for line in lines)
    is_high = widget.fontMetrics().height() * len(lines) > room.height() + 2
    return text if widest > room.width() or is_high else None


def _cut_off_field(widget: QLineEdit | QComboBox) -> str | None:
    """Give what a field says of itself, or what is chosen, where it does not fit."""
    if isinstance(widget, QLineEdit):
        text, edge = widget.placeholderText() if not widget.text() else "", 18
    else:
        text, edge = widget.currentText(), 34
    return text if widget.fontMetrics().horizontalAdvance(text) > widget.width() - edge else None


def _short_headings(head: QHeaderView) -> Iterator[str]:
    for column in range(head.count()):
        words = head.model().headerData(column, Qt.Orientation.Horizontal)
        if words and head.fontMetrics().horizontalAdvance(words) + 16 > head.sectionSize(column):
            yield f"heading {words!r} has {head.sectionSize(column)} px"


def _lost_width(area: QScrollArea) -> int:
    """Give by how much the content is wider than the place in which it cannot scroll sideways."""
    never = area.horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAlwaysOff
    return area.widget().minimumSizeHint().width() - area.viewport().width() if never else 0


def _is_control(widget: QWidget) -> bool:
    if isinstance(widget, QScrollBar) or isinstance(widget.parent(), QComboBox | QLineEdit):
        return False
    return isinstance(widget, QAbstractButton | QAbstractSlider | QComboBox | QLineEdit)


def _name(widget: QWidget | None) -> str:
    if widget is None:
        return ""
    words = widget.accessibleName() or widget.objectName() or widget.toolTip()
    return f"{type(widget).__name__} {words!r}"


def _flat_views(window: QWidget, picture: QImage) -> Iterator[str]:
    """Find views that show nothing at all: no picture, no sentence."""
    scale = picture.devicePixelRatio()
    for view in window.findChildren(QWidget):
        if not view.isVisible() or type(view).__name__ not in ("SliceView", "VolumeView"):
            continue
        corner = view.mapTo(window, QPoint(0, 0))
        inner = QRect(corner, view.size()).adjusted(4, 4, -4, -4)
        part = picture.copy(
            round(inner.x() * scale),
            round(inner.y() * scale),
            round(inner.width() * scale),
            round(inner.height() * scale),
        )
        if len(_colours(part)) < 2:
            yield f"{_name(view)} is of one colour"


def _colours(picture: QImage) -> set[int]:
    step = max(1, picture.width() // 64)
    return {
        picture.pixel(x, y)
        for y in range(0, picture.height(), step)
        for x in range(0, picture.width(), step)
    }
