"""One slice view's picture: the cut, what is blank or hatched in it, and what is written over it.

Paints on any `QPainter` of any size, so that the window and the off-screen snapshot are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPolygonF

from viewer import marks, overlays
from viewer.geometry import (
    FloatArray,
    PlaneFrame,
    Viewport,
    fit_scale,
    index_matrix,
    length_text,
    letters,
    scale_bar_mm,
    slab_polygon,
)
from viewer.names import person_text, point_text
from viewer.scene import Scene
from viewer.state import PLANES, ViewState
from viewer.straight_cutter import CutArea
from viewer.voi import ColourPainter, Look, Painter

MAX_PIXELS = 3_000_000
_NO_GAP = 14.0

Polygon = list[tuple[float, float]]
_Values = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """What a view shows at one moment: plane, place on the screen, maps."""

    frame: PlaneFrame
    index: int
    viewport: Viewport
    ratio: float
    matrix: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """Array values of one cut; `smooth` ones count where `is_smooth`, if there are any."""

    key: object
    whole: _Values
    smooth: _Values | None
    is_smooth: npt.NDArray[np.bool_] | None


def viewport_for(frame: PlaneFrame, state: ViewState, width: float, height: float) -> Viewport:
    """Give the place of a plane on a view of some size."""
    plane = state.plane(frame.name)
    return Viewport(width, height, fit_scale(frame, width, height) * plane.zoom, plane.pan_mm)


class SlicePicture:
    """Paint one plane of a scene; keeps the last cut, so that overlays and colours cost none."""

    def __init__(self, view: str) -> None:
        self.view = view
        self._key: object = None
        self._image: QImage | None = None
        self._cut: _Cut | None = None
        self._pixels: npt.NDArray[np.uint32] | None = None
        self._data_serial = 0

    @property
    def has_values(self) -> bool:
        """Tell whether anything of the volume has been painted."""
        return self._image is not None

    def data_changed(self) -> None:
        """Cut again at the next paint."""
        self._data_serial += 1

    def paint(
        self,
        painter: QPainter,
        size: tuple[float, float],
        ratio: float,
        scene: Scene,
        state: ViewState,
    ) -> None:
        """Paint picture and overlays over (0, 0, width, height), device-independent pixels."""
        painter.fillRect(QRectF(0, 0, *size), Qt.GlobalColor.black)
        if state.crosshair_lps is None:
            return
        shown = self._show(size, ratio, scene, state)
        painter.save()
        painter.setClipRect(QRectF(0, 0, *size), Qt.ClipOperation.IntersectClip)
        self._paint_cut(painter, shown, scene, state)
        self._paint_blanks(painter, shown, scene)
        if state.crop is not None:
            box = _polygon(shown, slab_polygon(shown.matrix, *state.crop, shown.frame.half_mm))
            corners = [box.at(n) for n in range(box.size())]
            sides = zip(corners, [*corners[1:], *corners[:1]], strict=True)
            overlays.draw_box(painter, [_on_pixels(QLineF(*s), ratio) for s in sides])
        if state.crosshair_visible and not (scene.is_flat or state.is_beyond):
            self._paint_crosshair(painter, shown, scene, state)
        painter.restore()
        is_active = state.has_keys and state.active_view == self.view
        overlays.draw_top_edge(painter, size[0], self.view, active=is_active)
        self._paint_text(painter, shown, scene, state)

    def _show(
        self, size: tuple[float, float], ratio: float, scene: Scene, state: ViewState
    ) -> _Shown:
        assert state.crosshair_lps is not None
        frame = scene.frames[self.view]
        index = frame.slice_at(state.crosshair_lps)
        viewport = viewport_for(frame, state, *size)
        return _Shown(frame, index, viewport, ratio, index_matrix(frame, index, scene.to_index))

    # -- the cut ------------------------------------------------------------------------------

    def _paint_cut(self, painter: QPainter, shown: _Shown, scene: Scene, state: ViewState) -> None:
        """Paint the values, clipped to the volume's outline."""
        there = _extent_of_content(shown, scene)
        if there is None:
            return
        outline = _polygon(shown, _box_polygon(shown, scene, *there))
        if outline.size() < 3:
            return
        key, look = self._cut_key(shown, scene, state), self._look(scene, state)
        if (key, look) != self._key or self._image is None:
            area, ratio = _area_of(shown, outline)
            if area.width < 1 or area.height < 1:
                return
            if self._cut is None or key != self._cut.key:
                self._cut = _Cut(key, *self._values(shown, area, scene, state))
            self._image = self._coloured(self._cut, scene.painter_for(look))
            self._image.setDevicePixelRatio(ratio)
            self._place = shown.viewport.to_screen(
                area.right_mm - area.step_mm / 2, area.down_mm - area.step_mm / 2
            )
            self._key = (key, look)
        painter.save()
        painter.setClipPath(_path(outline), Qt.ClipOperation.IntersectClip)
        x, y = (round(n * shown.ratio) / shown.ratio for n in self._place)
        painter.drawImage(QPointF(x, y), self._image)
        painter.restore()

    def _cut_key(self, shown: _Shown, scene: Scene, state: ViewState) -> object:
        return (
            id(scene),
            shown.index,
            shown.viewport,
            shown.ratio,
            self._data_serial,
            _extent_of_content(shown, scene),
            state.interpolation,
        )

    def _look(self, scene: Scene, state: ViewState) -> Look:
        inverted = state.inverted != scene.spec.inverted
        return Look(state.window, state.level, state.window_function, inverted, state.colour_map)

    def _values(
        self, shown: _Shown, area: CutArea, scene: Scene, state: ViewState
    ) -> tuple[_Values, _Values | None, npt.NDArray[np.bool_] | None]:
        """Cut; between voxel centres of two slices only where both show something."""
        loading = not scene.volume.state.is_over
        # between a value and one that stands for a colour there is no third one
        linear = state.interpolation == "linear" and scene.spec.colour_range is None
        spans = None if shown.frame.is_acquired else _joined_spans(scene)
        plane = shown.matrix, shown.frame.axis, area
        whole = scene.cut(*plane, linear=linear and spans is None)
        if not (linear and spans) or loading:
            return whole, None, None
        return whole, scene.cut(*plane, linear=True), _inside(shown.matrix, area, spans)

    def _coloured(self, cut: _Cut, colour: Painter | ColourPainter) -> QImage:
        """Colour what was cut; a drag of the window cuts nothing anew."""
        pixels = colour.paint(cut.whole)
        if cut.smooth is not None and cut.is_smooth is not None:
            pixels = np.where(cut.is_smooth, colour.paint(cut.smooth), pixels)
        self._pixels = np.ascontiguousarray(pixels)
        height, width = self._pixels.shape
        return QImage(self._pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)

    # -- what is not there --------------------------------------------------------------------

    def _paint_blanks(self, painter: QPainter, shown: _Shown, scene: Scene) -> None:
        """Black over planes that show nothing; hatches over missing and unreadable ones."""
        qualities = scene.qualities
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        for first, last in marks.runs(np.flatnonzero(qualities.content < 0)):
            overlays.fill_black(painter, self._band(shown, scene, first, last))
        for slices, colour in (
            (sorted(qualities.absent), overlays.ABSENT),
            (sorted(qualities.failed), overlays.FAILED),
        ):
            for first, last in marks.runs(slices):
                overlays.hatch(painter, self._band(shown, scene, first, last), colour)

    def _band(self, shown: _Shown, scene: Scene, first: int, last: int) -> QPolygonF:
        """Give the part of the view that planes first to last take."""
        return _polygon(shown, _box_polygon(shown, scene, first - 0.5, last + 0.5))

    # -- overlays -----------------------------------------------------------------------------

    def cross_line(
        self, shown: _Shown, other: PlaneFrame, point: tuple[float, float, float]
    ) -> QLineF:
        """Give the line where another plane cuts this view, across the whole view."""
        frame = shown.frame
        x, y = shown.viewport.to_screen(*frame.to_plane(point))
        across = np.cross(frame.normal, other.normal)
        dx, dy = float(across @ frame.right), float(across @ frame.down)
        reach = 2.0 * (shown.viewport.width + shown.viewport.height)
        line = QLineF(x - dx * reach, y - dy * reach, x + dx * reach, y + dy * reach)
        return _clipped(line, QRectF(0, 0, shown.viewport.width, shown.viewport.height))

    def cross_lines(
        self, size: tuple[float, float], scene: Scene, state: ViewState
    ) -> dict[str, QLineF]:
        """Give the lines of the other planes on a view of some size, by their names."""
        point = state.crosshair_lps
        if point is None:
            return {}
        shown = self._show(size, 1.0, scene, state)
        others = (name for name in PLANES if name != self.view)
        return {name: self.cross_line(shown, scene.frames[name], point) for name in others}

    def _paint_crosshair(
        self, painter: QPainter, shown: _Shown, scene: Scene, state: ViewState
    ) -> None:
        point = state.crosshair_lps
        assert point is not None
        centre = QPointF(*shown.viewport.to_screen(*shown.frame.to_plane(point)))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for name in PLANES:
            if name != self.view:
                line = _on_pixels(self.cross_line(shown, scene.frames[name], point), shown.ratio)
                if state.text_visible:
                    edge = overlays.LETTER_ROOM
                    room = QRectF(0, 0, shown.viewport.width, shown.viewport.height)
                    line = _clipped(line, room.adjusted(edge, edge, -edge, -edge))
                overlays.draw_cross_line(painter, line, (centre, _NO_GAP), name)

    def _paint_text(self, painter: QPainter, shown: _Shown, scene: Scene, state: ViewState) -> None:
        width, height = shown.viewport.width, shown.viewport.height
        area = overlays.text_area(width, height)
        name = (
            QCoreApplication.translate("SlicePicture", "Picture")
            if scene.is_flat
            else overlays.view_name(self.view)
        )
        top_left = [(name, overlays.PLANE_COLOURS[self.view])]
        words = [(text, overlays.ABSENT) for text in self.words(shown.index, scene)]
        if state.is_beyond:
            beyond = QCoreApplication.translate("SlicePicture", "the linked point is outside")
            words.append((beyond, overlays.ABSENT))
        if state.text_visible and width >= 180 and height >= 140:
            roomy = width >= 300 and height >= 260
            has_numbers = width >= 220 and height >= 180
            top_left += [(text, overlays.TEXT) for text in _who(scene, state)] if roomy else []
            overlays.draw_corner(
                painter,
                area,
                _top_right(shown, scene, state, has_numbers),
                right=True,
                bottom=False,
            )
            frame = shown.frame
            edges = {
                "left": letters(-frame.right),
                "right": letters(frame.right),
                "top": letters(-frame.down),
                "bottom": letters(frame.down),
            }
            if not (scene.is_flat or _has_no_directions(scene)):
                overlays.draw_orientation(painter, width, height, edges)
            self._paint_scale(painter, shown, scene)
        overlays.draw_corner(painter, area, top_left, right=False, bottom=False)
        if words:
            # What is untrue is never cut short: in narrow views it goes above the scale bar.
            if width < overlays.NARROW:
                area.adjust(0, 0, 0, -overlays.line_height(overlays.text_font()))
            overlays.draw_corner(painter, area, words, right=False, bottom=True, share=1.0)

    def _paint_scale(self, painter: QPainter, shown: _Shown, scene: Scene) -> None:
        width, height = shown.viewport.width, shown.viewport.height
        room = width / 2 - overlays.LETTER_ROOM / 2 - 2 * overlays.MARGIN
        for share in (0.75, 0.45, 0.25):
            length = scale_bar_mm(width / shown.viewport.scale * share)
            text = f"{length:g} px" if _has_no_spacing(scene) else length_text(length)
            if length * shown.viewport.scale + overlays.text_width(text) < room:
                break  # beside the letter in the middle of the edge
        right, bottom = width - overlays.MARGIN, height - overlays.MARGIN
        overlays.draw_scale_bar(painter, right, bottom, length * shown.viewport.scale, text)

    def words(self, index: int, scene: Scene) -> list[str]:
        """Say what is untrue about the plane on the screen."""
        is_acquired = scene.frames[self.view].is_acquired
        said = (
            marks.of_slice(index, scene.qualities)
            if is_acquired
            else marks.of_volume(scene.qualities)
        )
        return [
            QCoreApplication.translate("SlicePicture", one.mark.value).format(n=one.number)
            for one in said
        ]


def volume_words(scene: Scene, *, is_rough: bool) -> list[str]:
    """Say what is untrue about the 3D picture; `is_rough`: it is drawn from the coarse copy."""
    said = [one.mark for one in marks.of_volume(scene.qualities)]
    if is_rough and marks.Mark.REDUCED not in said:
        said.append(marks.Mark.REDUCED)
    return [QCoreApplication.translate("SlicePicture", mark.value) for mark in said]


def _who(scene: Scene, state: ViewState) -> list[str]:
    """Name patient and series, as far as they are known and may be shown."""
    header = scene.spec.header
    lines = []
    if not state.names_hidden:
        lines.append(person_text(header.get("patient_name", "")))
    lines.append(header.get("series_description", "") or scene.spec.label)
    return [line for line in lines if line]


def _top_right(
    shown: _Shown, scene: Scene, state: ViewState, has_numbers: bool
) -> list[overlays.Line]:
    translate = QCoreApplication.translate
    lines = [f"{shown.index + 1} / {shown.frame.count}"]
    if shown.frame.is_acquired and scene.spec.slice_labels:
        lines.append(scene.spec.slice_labels[shown.index])
    if scene.spec.time_points > 1:
        lines.append(point_text(scene.spec, scene.t))
    if has_numbers:
        window, level = scene.number_text(state.window), scene.number_text(state.level)
        lines.append(translate("SlicePicture", "W {w}  L {l}").format(w=window, l=level))
        if state.window_name:
            lines.append(state.window_name)
        percent = shown.viewport.scale * shown.frame.voxel_mm * shown.ratio * 100
        lines.append(f"{percent:.0f} %")
    return [(line, overlays.TEXT) for line in lines]


def _has_no_spacing(scene: Scene) -> bool:
    return any(one.code == "no_spacing" for one in scene.spec.warnings)


def _has_no_directions(scene: Scene) -> bool:
    return any(one.code == "no_position" for one in scene.spec.warnings)


def _extent_of_content(shown: _Shown, scene: Scene) -> tuple[float, float] | None:
    """Give the range of k outside which nothing is there; None when nothing is to be cut.

    Pages that no worker has written yet are not touched: that would cost both sides.
    """
    content = scene.qualities.content
    if shown.frame.is_acquired:
        return (-0.5, len(content) - 0.5) if content[shown.index] >= 0 else None
    there = np.flatnonzero(content >= 0)
    return (float(there[0]) - 0.5, float(there[-1]) + 0.5) if there.size else None


def _joined_spans(scene: Scene) -> list[tuple[float, float]] | None:
    """Give the stretches of k between whose voxel centres both sides show something.

    None when every plane does. A plane without content holds no values: mixing it in would draw
    what is in no file.
    """
    there = np.flatnonzero(scene.qualities.content >= 0)
    count = len(scene.qualities.content)
    if there.size == count:
        return None
    return [
        (first - 0.5 if first == 0 else first, last + 0.5 if last == count - 1 else last)
        for first, last in marks.runs(there)
    ]


def _inside(
    matrix: FloatArray, area: CutArea, spans: list[tuple[float, float]]
) -> npt.NDArray[np.bool_]:
    """Tell for each pixel whether its k lies in one of the spans."""
    right = area.right_mm + np.arange(area.width) * area.step_mm
    down = area.down_mm + np.arange(area.height) * area.step_mm
    k = matrix[2, 0] * right[np.newaxis, :] + matrix[2, 1] * down[:, np.newaxis] + matrix[2, 2]
    result = np.zeros(k.shape, bool)
    for low, high in spans:
        result |= (k >= low) & (k <= high)
    return result


def _box_polygon(shown: _Shown, scene: Scene, low_k: float, high_k: float) -> Polygon:
    _, rows, columns = scene.spec.shape_kji
    return slab_polygon(
        shown.matrix,
        (-0.5, -0.5, low_k),
        (columns - 0.5, rows - 0.5, high_k),
        shown.frame.half_mm,
    )


def _polygon(shown: _Shown, corners: Polygon) -> QPolygonF:
    return QPolygonF([QPointF(*shown.viewport.to_screen(*corner)) for corner in corners])


def _path(polygon: QPolygonF) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(polygon)
    path.closeSubpath()
    return path


def _area_of(shown: _Shown, outline: QPolygonF) -> tuple[CutArea, float]:
    """Give the pixels to cut, on the screen's own pixel grid, and how many there are per unit."""
    view = shown.viewport
    box = outline.boundingRect().intersected(QRectF(0, 0, view.width, view.height))
    ratio = shown.ratio
    too_many = box.width() * box.height() * ratio**2 / MAX_PIXELS
    if too_many > 1:
        ratio = ratio / np.ceil(np.sqrt(too_many))
    left, top = int(np.floor(box.left() * ratio)), int(np.floor(box.top() * ratio))
    width = int(np.ceil(box.right() * ratio)) - left
    height = int(np.ceil(box.bottom() * ratio)) - top
    right_mm, down_mm = view.to_plane((left + 0.5) / ratio, (top + 0.5) / ratio)
    return CutArea(right_mm, down_mm, 1.0 / (view.scale * ratio), width, height), float(ratio)


def _clipped(line: QLineF, rect: QRectF) -> QLineF:
    """Cut a line off at the edges of a rectangle (Liang and Barsky)."""
    low, high = 0.0, 1.0
    dx, dy = line.dx(), line.dy()
    for step, room in (
        (-dx, line.x1() - rect.left()),
        (dx, rect.right() - line.x1()),
        (-dy, line.y1() - rect.top()),
        (dy, rect.bottom() - line.y1()),
    ):
        if step == 0:
            if room < 0:
                return QLineF()
        elif step < 0:
            low = max(low, room / step)
        else:
            high = min(high, room / step)
    return QLineF(line.pointAt(low), line.pointAt(high)) if low < high else QLineF()


def _on_pixels(line: QLineF, ratio: float) -> QLineF:
    """Move upright and level lines to the middle of a pixel, where they are sharp."""

    def middle(value: float) -> float:
        return float((np.floor(value * ratio) + 0.5) / ratio)

    if abs(line.dx()) < 1e-6:
        x = middle(line.x1())
        return QLineF(x, line.y1(), x, line.y2())
    if abs(line.dy()) < 1e-6:
        y = middle(line.y1())
        return QLineF(line.x1(), y, line.x2(), y)
    return line
