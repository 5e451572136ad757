"""What is written and drawn over the views, in device-independent pixels.

Functions on a `QPainter`: they serve the widgets and the off-screen snapshot alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from math import ceil
from typing import Final

from PySide6.QtCore import QCoreApplication, QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
)

PLANE_COLOURS: Final = {
    "axial": QColor("#F4705C"),
    "coronal": QColor("#78C267"),
    "sagittal": QColor("#E8CC55"),
    "volume": QColor("#8C9BF5"),
}
TEXT: Final = QColor("#E6EAEF")
TEXT_SECOND: Final = QColor("#A3ADB8")
ABSENT: Final = QColor("#E0B04A")
FAILED: Final = QColor("#FF7A6B")
ACCENT: Final = QColor("#5AA7FF")
OUTLINE: Final = QColor(0, 0, 0, 204)
TEXT_PX: Final = 12
MARGIN: Final = 8
NARROW: Final = 460
LETTER_ROOM: Final = 26.0
HATCH_STEP: Final = 6.0
HANDLE_PX: Final = 5.0
HATCH_STRENGTH: Final = 0.35
_SEE_THROUGH = QImage.Format.Format_ARGB32_Premultiplied
_AROUND = ((-1, 0), (1, 0), (0, -1), (0, 1), (-0.7, -0.7), (0.7, -0.7), (-0.7, 0.7), (0.7, 0.7))


@cache
def text_font(bold: bool = False) -> QFont:
    """Give the font for text on the picture: the system's, 12 px, digits of one width."""
    font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
    font.setPixelSize(TEXT_PX)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    if hasattr(font, "setFeature") and hasattr(QFont, "Tag"):
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def line_height(font: QFont) -> float:
    """Give the distance of two lines of text."""
    return round(QFontMetricsF(font).height() * 1.12)


def draw_text(
    painter: QPainter,
    x: float,
    baseline: float,
    text: str,
    *,
    colour: QColor = TEXT,
    bold: bool = False,
) -> None:
    """Write one line with a dark outline of one pixel, so that it reads on any picture."""
    device = painter.device()
    ratio = device.devicePixelRatio() if device is not None else 1.0
    image, left, top = _written(text, colour.rgba(), bold, ratio)
    # on whole pixels of the device, else the letters would be blurred
    x, baseline = round(x * ratio) / ratio, round(baseline * ratio) / ratio
    painter.drawImage(QPointF(x + left, baseline + top), image)


@lru_cache(maxsize=512)
def _written(text: str, rgba: int, bold: bool, ratio: float) -> tuple[QImage, int, int]:
    """Write a line once: nine strokes a line, at every look at a load, were half of a paint.

    On an image of its own letters have no fringes of colour, whatever the system asks for.

    Returns
    -------
    image, left, top
        Where its corner lies, seen from the begin of the baseline.
    """
    font = text_font(bold)
    room = QFontMetricsF(font).boundingRect(text).adjusted(-3, -3, 3, 3).toAlignedRect()
    size = QSizeF(room.size()) * ratio
    image = QImage(ceil(size.width()), ceil(size.height()), _SEE_THROUGH)
    image.setDevicePixelRatio(ratio)
    image.fill(0)
    painter = QPainter(image)
    painter.setFont(font)
    painter.setPen(OUTLINE)
    for dx, dy in _AROUND:
        painter.drawText(QPointF(dx - room.left(), dy - room.top()), text)
    painter.setPen(QColor.fromRgba(rgba))
    painter.drawText(QPointF(-room.left(), -room.top()), text)
    painter.end()
    return image, room.left(), room.top()


def elided(text: str, width: float, bold: bool = False) -> str:
    """Shorten a line in the middle so that it fits a width."""
    metrics = QFontMetricsF(text_font(bold))
    return metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(0.0, width))


def text_width(text: str, bold: bool = False) -> float:
    """Give the width of a line of text."""
    return QFontMetricsF(text_font(bold)).horizontalAdvance(text)


Line = tuple[str, QColor]


def draw_corner(
    painter: QPainter,
    area: QRectF,
    lines: Sequence[Line],
    *,
    right: bool,
    bottom: bool,
    share: float = 0.0,
) -> None:
    """Write lines into a corner.

    Parameters
    ----------
    share : float
        Part of the width that a line may take; by default 45 percent, 60 in narrow views.
    """
    share = share or (0.45 if area.width() > 260 else 0.6)
    font = text_font()
    metrics = QFontMetricsF(font)
    step = line_height(font)
    y = area.top() + metrics.ascent()
    if bottom:
        y = area.bottom() - metrics.descent() - step * (len(lines) - 1)
    for text, colour in lines:
        short = elided(text, area.width() * share)
        x = area.right() - metrics.horizontalAdvance(short) if right else area.left()
        draw_text(painter, round(x), round(y), short, colour=colour)
        y += step


def draw_orientation(
    painter: QPainter, width: float, height: float, letters: dict[str, str]
) -> None:
    """Write the directions at the middle of the four edges; keys left, right, top, bottom."""
    metrics = QFontMetricsF(text_font(True))
    middle = round(height / 2 + metrics.ascent() / 2 - 1)
    for edge, text in letters.items():
        advance = metrics.horizontalAdvance(text)
        x, y = {
            "left": (float(MARGIN), middle),
            "right": (width - MARGIN - advance, middle),
            "top": (width / 2 - advance / 2, MARGIN + 2 + metrics.ascent()),
            "bottom": (width / 2 - advance / 2, height - MARGIN - metrics.descent()),
        }[edge]
        draw_text(painter, round(x), round(y), text, bold=True)


def draw_scale_bar(
    painter: QPainter, right: float, baseline: float, length: float, text: str
) -> None:
    """Draw a bar of a known length with its end ticks, its text to the left."""
    metrics = QFontMetricsF(text_font())
    y = baseline - 4
    bar = QPainterPath()
    bar.moveTo(right - length, y - 4)
    bar.lineTo(right - length, y)
    bar.lineTo(right, y)
    bar.lineTo(right, y - 4)
    for colour, width in ((OUTLINE, 3.5), (TEXT, 1.5)):
        painter.setPen(QPen(colour, width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(bar)
    x = right - length - 8 - metrics.horizontalAdvance(text)
    draw_text(painter, round(x), round(baseline - 2), text)


def draw_top_edge(painter: QPainter, width: float, view: str, *, active: bool) -> None:
    """Draw the 2 px edge in the colour of the plane; fainter in views that keys do not act on."""
    colour = QColor(PLANE_COLOURS[view])
    colour.setAlphaF(1.0 if active else 0.55)
    painter.fillRect(QRectF(0, 0, width, 2), colour)


def view_name(view: str) -> str:
    """Give the name that is written into a view's corner."""
    if view == "volume":
        return "3D"
    return QCoreApplication.translate("SlicePicture", view.capitalize())


def text_area(width: float, height: float) -> QRectF:
    """Give the part of a view in which text may stand."""
    return QRectF(MARGIN, MARGIN + 2, width - 2 * MARGIN, height - 2 * MARGIN - 2)


def draw_view_name(painter: QPainter, width: float, height: float, view: str) -> None:
    """Write a view's name in the colour of its plane."""
    line = (view_name(view), PLANE_COLOURS[view])
    draw_corner(painter, text_area(width, height), [line], right=False, bottom=False)


def draw_cross_line(painter: QPainter, line: QLineF, gap: tuple[QPointF, float], view: str) -> None:
    """Draw the line where another plane cuts this one, with a gap around the crossing."""
    length = line.length()
    if length < 1:
        return
    centre, clear = gap
    unit = (line.p2() - line.p1()) / length
    along = QPointF.dotProduct(centre - line.p1(), unit)
    pieces = [(0.0, min(length, along - clear)), (max(0.0, along + clear), length)]
    for colour, width in ((QColor(0, 0, 0, 120), 3.0), (PLANE_COLOURS[view], 1.0)):
        for start, end in pieces:
            if end > start:
                piece = QLineF(line.p1() + unit * start, line.p1() + unit * end)
                _stroke(painter, piece, colour, width)


def _stroke(painter: QPainter, line: QLineF, colour: QColor, width: float) -> None:
    """Draw a line; level and upright ones as rectangles, which cost a tenth."""
    half = width / 2
    if line.dx() == 0 or line.dy() == 0:
        box = QRectF(line.p1(), line.p2()).normalized()
        grow_x, grow_y = (half, 0.0) if line.dx() == 0 else (0.0, half)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.fillRect(box.adjusted(-grow_x, -grow_y, grow_x, grow_y), colour)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        return
    painter.setPen(QPen(colour, width))
    painter.drawLine(line)


def draw_box(painter: QPainter, edges: Sequence[QLineF]) -> None:
    """Draw the outline of the crop box on a plane, on a dark line that keeps it seen on light."""
    for colour, width in ((QColor(0, 0, 0, 120), 3.0), (ACCENT, 1.0)):
        for edge in edges:
            _stroke(painter, edge, colour, width)


def draw_wire_box(
    painter: QPainter, edges: Sequence[QLineF], handles: Sequence[tuple[QPointF, bool]]
) -> None:
    """Draw the crop box in 3D: edges, and on each face a handle, filled under the pointer."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((QColor(0, 0, 0, 120), 3.0), (ACCENT, 1.0)):
        painter.setPen(QPen(colour, width))
        painter.drawLines(list(edges))
    for place, is_hot in handles:
        painter.setPen(QPen(QColor(0, 0, 0, 160), 1.0))
        painter.setBrush(ACCENT if is_hot else QColor("#FFFFFF"))
        painter.drawEllipse(place, HANDLE_PX, HANDLE_PX)


def hatch(painter: QPainter, polygon: QPolygonF, colour: QColor) -> None:
    """Hatch a region at 45 degrees, 6 px apart, on its place on the screen, not of the picture."""
    if polygon.size() < 3:
        return
    painter.save()
    path = QPainterPath()
    path.addPolygon(polygon)
    path.closeSubpath()
    painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
    box = polygon.boundingRect().intersected(painter.clipBoundingRect()).adjusted(-1, -1, 1, 1)
    strong = QColor(colour)
    strong.setAlphaF(HATCH_STRENGTH)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(strong, 2.0))
    first = int((box.left() + box.top()) // HATCH_STEP) - 1
    last = int((box.right() + box.bottom()) // HATCH_STEP) + 1
    lines = [
        QLineF(n * HATCH_STEP - box.bottom(), box.bottom(), n * HATCH_STEP - box.top(), box.top())
        for n in range(first, last + 1)
    ]
    painter.drawLines(lines)
    painter.restore()


def fill_black(painter: QPainter, polygon: QPolygonF) -> None:
    """Blank a region: nothing is known there."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(Qt.GlobalColor.black))
    painter.drawPolygon(polygon)


def draw_sentence(painter: QPainter, area: QRectF, text: str) -> None:
    """Write a sentence into the middle of a view that has no picture.

    Of two lines the first alone, where both have no room.
    """
    painter.setFont(text_font())
    painter.setPen(TEXT_SECOND)
    flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
    margin = 24 if area.width() >= 240 else MARGIN
    room = area.adjusted(margin, 24, -margin, -margin)
    said, _, _ = text.partition("\n")
    for words in (text, said):
        if painter.boundingRect(room, flags, words).height() <= room.height():
            said = words
            break
    painter.drawText(room, flags, said)
