"""How the picture looks, on the right: window, planes, 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QGridLayout,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.cine_row import CineRow
from app.histogram_view import HistogramView
from app.language import tr
from app.opacity_editor import OpacityEditor
from app.preset_pictures import PresetPictures
from app.presets import WINDOW_PRESETS
from app.theme import DISPLAY_WIDTH, HIT, hit
from app.widgets import (
    Choice,
    NumberField,
    PanelScroll,
    Section,
    Segments,
    Switch,
    button,
    label,
    row,
)
from viewer.names import point_text
from viewer.worker import Worker

if TYPE_CHECKING:
    from loading import OpenVolume, VolumeSpec
    from viewer.workspace import Workspace

_HISTOGRAM_EVERY_MS = 1000
_BINS = 116
SIDES = (
    ("anterior", "A"),
    ("posterior", "P"),
    ("left", "L"),
    ("right", "R"),
    ("superior", "S"),
    ("inferior", "I"),
)


class WindowSection(Section):
    """Histogram, numbers, presets, invert, colour map."""

    def __init__(self) -> None:
        super().__init__(tr("Window"))
        self.histogram = HistogramView()
        self.width_ = NumberField(tr("Window"))
        self.level = NumberField(tr("Level"))
        self.preset = Choice(tr("Window preset"))
        self.preset.setPlaceholderText(tr("Preset"))
        self.inverted = Switch(tr("Invert"))
        self.colour_map = Choice(tr("Colour map"))
        self.body.addWidget(self.histogram)
        numbers = QGridLayout()
        numbers.setHorizontalSpacing(8)
        numbers.setVerticalSpacing(4)
        for column, (words, field) in enumerate(
            ((tr("Window"), self.width_), (tr("Level"), self.level))
        ):
            numbers.addWidget(label(words, "caption"), 0, column)
            numbers.addWidget(field, 1, column)
        self.body.addLayout(numbers)
        self.body.addWidget(self.preset)
        self.body.addLayout(row(self.colour_map, self.inverted))
        self.about = label("", "caption", wrap=True)
        self.body.addWidget(self.about)

    def show_about(self, spec: VolumeSpec) -> None:
        """Say what a person should know of the values."""
        words = about_values(spec)
        self.about.setText(words)
        self.about.setVisible(bool(words))
        # maps are for values; what has colours keeps them
        self.colour_map.setEnabled(not spec.is_colour)


class PlanesSection(Section):
    """How slices are drawn."""

    def __init__(self) -> None:
        super().__init__(tr("Planes"))
        self.interpolation = Segments(
            tr("Interpolation"), (("nearest", tr("Nearest")), ("linear", tr("Linear")))
        )
        self.crosshair = Switch(tr("Crosshair"))
        self.time_title = label("", "caption")
        self.time_point = QSlider(Qt.Orientation.Horizontal)
        self.time_point.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.time_point.setAccessibleName(tr("Time point"))
        self.body.addWidget(label(tr("Interpolation"), "caption"))
        self.body.addWidget(self.interpolation)
        self.body.addWidget(self.crosshair)
        self.cine = CineRow()
        self.body.addWidget(self.time_title)
        self.body.addWidget(self.time_point)
        self.body.addWidget(self.cine)
        self.offer_times(1)

    def offer_times(self, count: int) -> None:
        """Show the slider of the fourth axis where there is one."""
        self.time_point.setRange(0, count - 1)
        for part in (self.time_title, self.time_point):
            part.setVisible(count > 1)

    def show_time(self, t: int, words: str) -> None:
        """Show which point of the fourth axis is on the screen."""
        self.time_title.setText(words[:1].upper() + words[1:])
        self.time_point.blockSignals(True)
        self.time_point.setValue(t)
        self.time_point.blockSignals(False)


class VolumeSection(Section):
    """What the 3D view draws."""

    def __init__(self) -> None:
        super().__init__(tr("3D"))
        self.mode = Segments(
            tr("3D"), (("volume", tr("Volume")), ("mip", "MIP"), ("off", tr("Off")))
        )
        self.pictures = PresetPictures()
        self.preset = Choice(tr("3D preset"))
        self.preset.setPlaceholderText(tr("Preset"))
        self.shift = QSlider(Qt.Orientation.Horizontal)
        self.shift.setRange(-100, 100)
        self.shift.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.shift.setAccessibleName(tr("Shift along the values"))
        self.lighting = Switch(tr("Light"))
        self.sides = QWidget()
        self.body.addWidget(self.mode)
        self.body.addWidget(self.pictures)
        self.body.addWidget(self.preset)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(12)
        form.addRow(label(tr("Shift"), "second"), self.shift)
        self.body.addLayout(form)
        self.body.addWidget(self.lighting)
        self.crop = Switch(tr("Crop"))
        self.crop.setToolTip(tr("Drag the faces in 3D or the edges in the planes"))
        self.crop_whole = button(tr("Everything"), lambda: None, "small")
        self.crop_whole.setAccessibleName(tr("Crop box around everything"))
        self.body.addLayout(row(self.crop, None, self.crop_whole))
        self.points = OpacityEditor()
        self.reset_points = button(tr("Points of the preset"), lambda: None, "small")
        self.points_fold = Section(tr("Opacity points"), open_=False)
        self.points_fold.body.setContentsMargins(0, 4, 0, 8)
        self.points_fold.body.addWidget(self.points)
        self.points_fold.body.addLayout(row(None, self.reset_points))
        self.body.addWidget(self.points_fold)
        self.body.addWidget(label(tr("Look from"), "caption"))
        self.body.addWidget(self.sides)


class DisplayPanel(PanelScroll):
    """Three folding sections that follow the state of the views and change it."""

    command = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("displayPanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Display"))
        self.setFixedWidth(DISPLAY_WIDTH)
        self.window_section = WindowSection()
        self.planes_section = PlanesSection()
        self.volume_section = VolumeSection()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 4, 0, 8)
        column.setSpacing(0)
        for section in (self.window_section, self.planes_section, self.volume_section):
            column.addWidget(section)
        column.addStretch(1)
        self.setWidget(page)
        self._workspace: Workspace | None = None
        self._volume: OpenVolume | None = None
        self._shift_gesture = object()
        self._counter = HistogramCounter(self)
        self._counter.counted.connect(self._show_counts)
        self._make_sides()
        self.setEnabled(False)

    def _make_sides(self) -> None:
        sides = row(spacing=4 if hit() == HIT else 0)
        for side, letter in SIDES:
            made = button(letter, lambda s=side: self.command.emit(f"volume.look.{s}"), "small")  # type: ignore[misc]
            made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            made.setToolTip(tr(side))
            made.setAccessibleName(tr("Look from {side}").format(side=tr(side)))
            sides.addWidget(made, 1)
        self.volume_section.sides.setLayout(sides)

    def attach(self, workspace: Workspace) -> None:
        """Follow these views from now on."""
        if workspace is self._workspace:
            return
        if self._workspace is not None:
            self._workspace.state_changed.disconnect(self.refresh)
        else:
            self._prepare()
        self._workspace = workspace
        workspace.state_changed.connect(self.refresh)
        self.planes_section.cine.follow(workspace.cine)
        self.refresh()

    def _prepare(self) -> None:
        """Get ready for the first views."""
        from viewer import colour_maps

        self._counter.warm_up()
        self.window_section.colour_map.set_choices(
            [(name, tr(colour_maps.TITLES[name])) for name in colour_maps.NAMES]
        )
        self._connect()

    def _change(self, **fields: object) -> None:
        if self._workspace is not None:
            self._workspace.change(**fields)

    def _connect(self) -> None:
        window, planes, volume = self.window_section, self.planes_section, self.volume_section
        change = self._change
        window.histogram.dragged.connect(
            lambda w, lv: change(
                window=w, level=lv, window_name="", gesture=window.histogram.gesture
            )
        )
        window.width_.taken.connect(lambda v: change(window=v, window_name=""))
        window.level.taken.connect(lambda v: change(level=v, window_name=""))
        window.preset.chosen.connect(self._take_window_preset)
        window.inverted.switched.connect(lambda on: change(inverted=on))
        window.colour_map.chosen.connect(lambda name: change(colour_map=name))
        planes.interpolation.chosen.connect(lambda name: change(interpolation=name))
        planes.crosshair.switched.connect(lambda on: change(crosshair_visible=on))
        planes.time_point.valueChanged.connect(
            lambda t: change(time_point=t, gesture=planes.time_point)
        )
        volume.mode.chosen.connect(lambda mode: change(volume_mode=mode))
        volume.preset.chosen.connect(lambda name: change(preset=name, shift=0.0))
        volume.pictures.chosen.connect(lambda name: change(preset=name, shift=0.0))
        volume.shift.valueChanged.connect(self._take_shift)
        volume.shift.sliderPressed.connect(self._start_shift)
        volume.points.edited.connect(self._take_points)
        volume.reset_points.clicked.connect(lambda: change(opacity=()))
        volume.lighting.switched.connect(lambda on: change(lighting=on))
        volume.crop.switched.connect(lambda _: self.command.emit("volume.crop"))
        volume.crop_whole.clicked.connect(lambda: self.command.emit("volume.crop_whole"))

    def show_volume(self, volume: OpenVolume | None) -> None:
        """Offer what fits a volume: its own windows, its modality's presets."""
        if volume is self._volume:
            self.refresh()
            return
        self._volume = volume
        self._counter.follow(volume)
        self.setEnabled(volume is not None)
        if volume is None:
            self.volume_section.pictures.follow(None)
            return
        from viewer import presets

        spec = volume.spec
        self.window_section.preset.set_choices(window_choices(volume))
        self.window_section.show_about(spec)
        self.planes_section.offer_times(spec.time_points)
        names = presets.names_for(spec.modality)
        titles = [(name, tr(presets.PRESETS[name].title)) for name in names]
        self.volume_section.preset.set_choices(titles)
        self.volume_section.pictures.offer(titles)
        self.volume_section.pictures.follow(volume)
        is_whole = spec.dtype.kind in "iu" and float(spec.value_map.slope).is_integer()
        decimals = 0 if is_whole else 2
        for field in (self.window_section.width_, self.window_section.level):
            field.decimals = decimals
        self.refresh()

    def stop(self) -> None:
        """Let go of the volume and end what draws it."""
        self._volume = None
        self._counter.stop()
        self.volume_section.pictures.stop()

    def refresh(self) -> None:
        """Show the state of the views."""
        if self._workspace is None:
            return
        state = self._workspace.state
        window, planes, volume = self.window_section, self.planes_section, self.volume_section
        window.histogram.show_window(state.window, state.level, inverted=state.inverted)
        for field, value in ((window.width_, state.window), (window.level, state.level)):
            field.set_value(value)
        window.preset.set_value(_preset_of(state.window, state.level, window.preset))
        window.inverted.setChecked(state.inverted)
        window.colour_map.set_value(state.colour_map)
        planes.interpolation.set_value(state.interpolation)
        planes.crosshair.setChecked(state.crosshair_visible)
        if self._volume is not None:
            planes.show_time(state.time_point, point_text(self._volume.spec, state.time_point))
        planes.cine.refresh()
        volume.mode.set_value(state.volume_mode)
        volume.preset.set_value(state.preset)
        volume.pictures.set_value(state.preset)
        volume.lighting.setChecked(state.lighting)
        volume.crop.setChecked(state.crop is not None)
        volume.crop_whole.setVisible(state.crop is not None)
        volume.shift.blockSignals(True)
        volume.shift.setValue(round(100 * state.shift))
        volume.shift.blockSignals(False)
        self._show_curve()
        # maximum intensity has a curve of its own
        volume.points.setEnabled(state.volume_mode == "volume")
        volume.reset_points.setEnabled(bool(state.opacity))
        volume.setEnabled(not self._workspace.is_flat)
        is_drawn = state.volume_mode != "off"
        for part in (
            volume.preset, volume.pictures, volume.shift, volume.lighting, volume.crop
        ):  # fmt: skip
            part.setEnabled(is_drawn)

    def _show_curve(self) -> None:
        transfer = self._workspace.transfer if self._workspace is not None else None
        if transfer is not None:
            self.volume_section.points.show_curve(transfer.opacity, transfer.colour)

    def _take_window_preset(self, value: str) -> None:
        if self._workspace is not None:
            window, level = (float(number) for number in value.split("/"))
            name = self.window_section.preset.currentText()
            self._workspace.change(window=window, level=level, window_name=name)

    def _take_points(self, points: tuple[tuple[float, float], ...]) -> None:
        if self._workspace is not None:
            self._workspace.change_opacity(points, self.volume_section.points.gesture)

    def _start_shift(self) -> None:
        self._shift_gesture = object()

    def _take_shift(self, value: int) -> None:
        if self._workspace is not None:
            self._workspace.change(shift=value / 100, gesture=self._shift_gesture)

    def _show_counts(self, counts: list[int], low: float, high: float) -> None:
        self.window_section.histogram.show_counts(counts, low, high)
        self.volume_section.points.show_range(low, high)
        self._show_curve()


_Counts = tuple[int, list[int], float, float]


class HistogramCounter(QObject):
    """Count values anew now and then while a volume loads, and once when it is complete.

    A million values take some tens of milliseconds, so a thread counts them. It is there from the
    beginning: to start one while all cores decode can take longer than the counting.
    """

    counted = Signal(list, float, float)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._volume: OpenVolume | None = None
        self._counted_at = -1
        self._known: WeakKeyDictionary[OpenVolume, _Counts] = WeakKeyDictionary()
        self._worker = Worker("histogram", self)
        self._timer = QTimer(self)
        self._timer.setInterval(_HISTOGRAM_EVERY_MS)
        self._timer.timeout.connect(self._count)

    def follow(self, volume: OpenVolume | None) -> None:
        """Count this volume from now on; what was counted of it before is shown at once."""
        self._volume = volume
        known = self._known.get(volume) if volume is not None else None
        self._counted_at, *counts = known or (-1, [], 0.0, 1.0)
        self.counted.emit(*counts)
        if volume is None:
            self._timer.stop()
        else:
            self._timer.start()

    def warm_up(self) -> None:
        """Start the thread."""
        self._worker.run("warm up", lambda: None, lambda _: None)

    def stop(self) -> None:
        """End the thread; called when the window closes."""
        self.follow(None)
        self._worker.stop()

    def _count(self) -> None:
        volume = self._volume
        if volume is None:
            return
        is_over = volume.state.is_over
        if volume.revision != self._counted_at:
            self._counted_at = revision = volume.revision
            self._worker.run("count", lambda: (revision, *_counts_of(volume)), self._take)
        elif is_over:
            self._timer.stop()

    def _take(self, found: tuple[int, OpenVolume, list[int], float, float]) -> None:
        revision, volume, counts, low, high = found
        if any(counts):
            self._known[volume] = (revision, counts, low, high)
            if volume is self._volume:
                self.counted.emit(counts, low, high)


def _counts_of(volume: OpenVolume) -> tuple[OpenVolume, list[int], float, float]:
    import loading

    counts, edges = loading.histogram(volume, _BINS)
    return volume, counts.tolist(), float(edges[0]), float(edges[-1])


def window_choices(volume: OpenVolume) -> list[tuple[str, str]]:
    """Give the windows offered for a volume: the file's own, then the usual ones for CT."""
    made = []
    for number, window in enumerate(volume.spec.windows, 1):
        name = window.name or tr("From the file {number}").format(number=number)
        made.append((f"{window.width:g}/{window.center:g}", name))
    if volume.spec.unit == "HU" or volume.spec.modality == "CT":
        made += [(f"{p.window:g}/{p.level:g}", tr(p.title)) for p in WINDOW_PRESETS]
    return made


def about_values(spec: VolumeSpec) -> str:
    """Say why a PET has no SUV, and what is done with colours; empty where all is plain."""
    if spec.is_colour:
        return tr("In colour. 3D and the histogram show how bright it is.")
    suv = spec.header.get("suv", "")
    if not suv or spec.other_units:
        return ""
    return tr("SUV: {words}").format(words=suv)


def _preset_of(window: float, level: float, choice: Choice) -> str:
    """Give the preset that has these numbers, or none."""
    value = f"{window:g}/{level:g}"
    return value if choice.findData(value) >= 0 else ""
