"""What the views are drawn from and what actions change: one state, one volume, no widgets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from loading import Demand, robust_range
from loading.probing import nearest_voxel
from viewer.crop import whole
from viewer.first_look import auto_window, first_state, spread, with_file_window, with_range
from viewer.framing import whole_zoom
from viewer.geometry import FloatArray
from viewer.history import History
from viewer.loader_bridge import LoaderBridge
from viewer.scene import Scene
from viewer.state import PLANES, Camera3D, PlaneView, Point, ViewState
from viewer.worker import Worker

if TYPE_CHECKING:
    from loading import OpenVolume

_SIDES = {
    "anterior": (0.0, 0.0),
    "posterior": (180.0, 0.0),
    "left": (90.0, 0.0),
    "right": (-90.0, 0.0),
    "superior": (0.0, 90.0),
    "inferior": (0.0, -90.0),
}


class ViewModel(QObject):
    """Hold state and scene; every change goes through `change` or `adjust`.

    Signals
    -------
    state_changed
        `state` is another one.
    scene_changed
        Another volume, or none, is shown.
    used
        Somebody put a hand on one of the views.
    data_changed(tuple of int)
        These slices are better than before; empty when only the state of the load changed.
    pointed(str)
        What is under the pointer, in words.
    """

    state_changed = Signal()
    scene_changed = Signal()
    used = Signal()
    data_changed = Signal(tuple)
    pointed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = History(ViewState())
        self.scene: Scene | None = None
        self._bridge: LoaderBridge | None = None
        self._worker = Worker("voxtide-ranges", self)
        self._window_is_users = False
        self._window_number = -1
        self._own_at_measure = 0
        self._is_measuring = False
        self._state_for_volumes = ViewState()

    # -- state --------------------------------------------------------------------------------

    @property
    def state(self) -> ViewState:
        """Give what is shown."""
        return self._history.now

    @property
    def history(self) -> History[ViewState]:
        """Give what can be undone."""
        return self._history

    def change(self, gesture: object = None, **fields: object) -> None:
        """Change fields of the state; changes of one gesture are one step to undo."""
        self._keep_flat(fields)
        if "names_hidden" in fields:  # a setting, not a step to go back over
            self.adjust(names_hidden=fields.pop("names_hidden"))
        if not {"window", "level"}.isdisjoint(fields):
            self._window_is_users = True
            fields.setdefault("window_name", "")
        if "preset" in fields:
            fields.setdefault("opacity", ())
        before = self.state
        if self._history.push(before.with_fields(**fields), gesture):
            self._after_change(before)

    def adjust(self, **fields: object) -> None:
        """Change what the program itself decides; there is nothing to undo."""
        self._keep_flat(fields)
        before = self.state
        if self._history.put(before.with_fields(**fields)):
            self._after_change(before)

    def _keep_flat(self, fields: dict[str, object]) -> None:
        """Leave pictures that are no volume in their one view."""
        if self.scene is not None and self.scene.is_flat:
            for name in ("layout", "volume_mode"):
                fields.pop(name, None)

    def activate(self, view: str) -> None:
        """Make a view the one that keys act on; not a step to undo."""
        self.adjust(active_view=view)
        self.used.emit()

    def undo(self) -> None:
        """Take the last change back."""
        before = self.state
        if self._history.undo():
            self._after_change(before)

    def redo(self) -> None:
        """Do again what was taken back."""
        before = self.state
        if self._history.redo():
            self._after_change(before)

    def _after_change(self, before: ViewState) -> None:
        if before.time_point != self.state.time_point:
            self._show_time_point()
        if before.crosshair_lps != self.state.crosshair_lps:
            self._ask_for_visible(before)
        self.state_changed.emit()

    # -- volume -------------------------------------------------------------------------------

    def show(self, volume: OpenVolume | None, *, is_flat: bool = False) -> None:
        """Show another volume, or none; pictures that are no volume are shown flat, in one view."""
        if self.scene is None or not self.scene.is_flat:
            self._state_for_volumes = self.state
        if self._bridge is not None:
            self._bridge.stop()
            self._bridge.deleteLater()
            self._bridge = None
        self._worker.drop("range")
        self._window_is_users, self._own_at_measure = False, 0
        self._is_measuring = False
        self._window_number = 0 if volume is not None and volume.spec.windows else -1
        self.scene = Scene(volume, is_flat=is_flat) if volume is not None else None
        self._history.clear(first_state(self.scene, self._state_for_volumes))
        if volume is not None:
            self._ask_for_visible(self.state)
            self._bridge = LoaderBridge(volume, parent=self)
            self._bridge.changed.connect(self._take_changes)
        self.scene_changed.emit()
        self.state_changed.emit()
        if self._bridge is not None:
            self._bridge.start()

    def go_to_time_point(self, t: int, gesture: object = None) -> None:
        """Show another time point of the same volume; window and place stay."""
        if self.scene is not None:
            last = self.scene.spec.time_points - 1
            self.change(gesture, time_point=min(last, max(0, t)))

    def _show_time_point(self) -> None:
        """Let every view draw from another time point; the engine reads that one first."""
        old = self.scene
        if old is None or self._bridge is None:
            return
        self.scene = Scene(old.volume, self.state.time_point, is_flat=old.is_flat)
        self.scene.percentiles, self.scene.wide_range = old.percentiles, old.wide_range
        self.scene.start_zoom = old.start_zoom
        self._bridge.stop()
        self._bridge.deleteLater()
        if self._is_measuring:  # what is found out of the point before is not taken any more
            self._is_measuring, self._own_at_measure = False, 0
        self._bridge = LoaderBridge(old.volume, self.state.time_point, parent=self)
        self._bridge.changed.connect(self._take_changes)
        self._ask_for_visible(self.state)
        self.data_changed.emit(tuple(range(old.spec.shape_kji[0])))
        self._bridge.start()

    @property
    def is_settled(self) -> bool:
        """Tell whether the load is over, all of it was told and the range of its values is known.

        True while there is no volume.
        """
        has_seen_all = self._bridge is None or self._bridge.has_seen_all
        return has_seen_all and not self._is_measuring

    def warm_up(self) -> None:
        """Start the thread that measures ranges."""
        self._worker.start()

    def close(self) -> None:
        """Stop following and end the thread."""
        if self._bridge is not None:
            self._bridge.stop()
            self._bridge = None
        self._worker.stop()

    def _take_changes(self, slices: tuple[int, ...]) -> None:
        if self.scene is None:
            return
        self.scene.refresh()
        self._measure_range()
        self.data_changed.emit(slices)

    def _measure_range(self) -> None:
        """Ask for the range of the data when there is four times as much of it as the last time."""
        scene = self.scene
        if scene is None:
            return
        own = int((scene.qualities.content == np.arange(len(scene.qualities.content))).sum())
        is_over = scene.volume.state.is_over
        if own == self._own_at_measure or (own < 4 * self._own_at_measure and not is_over):
            return
        self._own_at_measure = own
        self._is_measuring = True
        self._worker.run(
            "range",
            lambda: (
                scene,
                robust_range(scene.volume, scene.t, 0.01, 0.99),
                robust_range(scene.volume, scene.t),
            ),
            self._take_range,
            lambda: self._take_no_range(scene),
        )

    def _take_no_range(self, scene: Scene) -> None:
        """Wait no longer for a range that could not be found out."""
        if scene is self.scene:
            self._is_measuring = False

    def _take_range(
        self, measured: tuple[Scene, tuple[float, float] | None, tuple[float, float] | None]
    ) -> None:
        scene, percentiles, wide = measured
        if scene is not self.scene:
            return
        self._is_measuring = False
        if percentiles is None or wide is None:
            return
        scene.percentiles = spread(percentiles, scene.spec)
        scene.wide_range = wide
        if not self._window_is_users:
            fitted = auto_window(self.state, scene)
            self.adjust(
                window=fitted.window, level=fitted.level, window_function=fitted.window_function
            )
        self.data_changed.emit(())

    # -- slices -------------------------------------------------------------------------------

    def slice_position(self, view: str) -> tuple[int, int]:
        """Give the slice that a view shows, counted from 0, and how many there are."""
        crosshair = self.state.crosshair_lps
        if self.scene is None or crosshair is None or view not in PLANES:
            return 0, 0
        frame = self.scene.frames[view]
        return frame.slice_at(crosshair), frame.count

    def go_to_slice(self, view: str, k: int, gesture: object = None) -> None:
        """Move a view's plane to slice k; the crosshair goes along."""
        crosshair = self.state.crosshair_lps
        if self.scene is None or crosshair is None or view not in PLANES:
            return
        self.move_crosshair(self._point_on(view, k, crosshair), gesture)

    def show_slice(self, view: str, k: int) -> None:
        """Move a view's plane to slice k because a loop is played; nothing to undo here."""
        crosshair = self.state.crosshair_lps
        if self.scene is not None and crosshair is not None:
            point = self._reachable(self._point_on(view, k, crosshair))
            self.adjust(crosshair_lps=point, beyond_at=None)

    def _point_on(self, view: str, k: int, point: Point) -> FloatArray:
        """Give the point of a view's plane k that lies before or behind another point."""
        assert self.scene is not None
        frame = self.scene.frames[view]
        along = frame.first_mm + min(frame.count - 1, max(0, k)) * frame.step_mm
        moved: FloatArray = np.asarray(point) + frame.normal * (along - np.dot(point, frame.normal))
        return moved

    def move_crosshair(self, point: Point | FloatArray, gesture: object = None) -> None:
        """Put the crosshair at a point, kept inside the volume."""
        if self.scene is None:
            return
        self.change(gesture, crosshair_lps=self._reachable(point), beyond_at=None)

    def follow_point(self, point: Point) -> None:
        """Go to a point that somebody moved to elsewhere; there is nothing to undo here.

        Where it lies outside this volume the nearest planes are shown, and that is said.
        """
        if self.scene is None:
            return
        if nearest_voxel(self.scene.spec, point) is not None:
            self.adjust(crosshair_lps=point, beyond_at=None)
        else:
            nearest = self._reachable(point)
            self.adjust(crosshair_lps=nearest, beyond_at=nearest)

    def step_along(self, view: str, steps: int) -> None:
        """Move a view's plane because somebody moved one elsewhere; nothing to undo here."""
        crosshair = self.state.crosshair_lps
        if self.scene is None or crosshair is None:
            return
        frame = self.scene.frames[view]
        moved = np.asarray(crosshair) + frame.normal * frame.step_mm * steps
        self.adjust(crosshair_lps=self._reachable(moved), beyond_at=None)

    def _reachable(self, point: Point | FloatArray) -> Point:
        """Bring a point to where planes can be put."""
        assert self.scene is not None
        x, y, z = (float(n) for n in self.scene.clamped(np.asarray(point, float)))
        return x, y, z

    def _ask_for_visible(self, before: ViewState) -> None:
        """Tell the engine which stored slice the eye is on, and which way it goes."""
        scene, now = self.scene, self.state.crosshair_lps
        if scene is None or now is None:
            return
        frame = scene.frames[scene.acquired]
        k = frame.slice_at(now)
        old = k if before.crosshair_lps is None else frame.slice_at(before.crosshair_lps)
        scene.volume.prefer(Demand(t=scene.t, visible=(k,), direction=(k > old) - (k < old)))

    # -- window -------------------------------------------------------------------------------

    def window_from_data(self) -> None:
        """Set the window to the range of the data, without the outermost tenths of a percent."""
        if self.scene is not None and self.scene.wide_range is not None:
            fitted = with_range(self.state, *self.scene.wide_range)
            self.change(window=fitted.window, level=fitted.level, window_function="LINEAR_EXACT")

    def window_from_file(self) -> None:
        """Set the file's window; called again, its next one."""
        if self.scene is None or not self.scene.spec.windows:
            return
        shown = self._shown_file_window()
        self._window_number = (0 if shown is None else shown + 1) % len(self.scene.spec.windows)
        wanted = with_file_window(self.state, self.scene, self._window_number)
        self.change(
            window=wanted.window,
            level=wanted.level,
            window_function=wanted.window_function,
            window_name=wanted.window_name,
        )

    def _shown_file_window(self) -> int | None:
        """Tell which of the file's windows is on the screen now."""
        if self.scene is None or self._window_number < 0:
            return None
        window = self.scene.spec.windows[self._window_number]
        same = (window.width, window.center) == (self.state.window, self.state.level)
        return self._window_number if same else None

    # -- crop box -----------------------------------------------------------------------------

    def crop_whole(self) -> None:
        """Put the crop box around the whole volume."""
        if self.scene is not None:
            self.change(crop=whole(self.scene.spec.shape_kji))

    def toggle_crop(self) -> None:
        """Show the crop box, around the whole volume, or take it away."""
        if self.state.crop is None:
            self.crop_whole()
        else:
            self.change(crop=None)

    # -- cameras ------------------------------------------------------------------------------

    def reset(self, view: str) -> dict[str, object]:
        """Give the fields that put one view back."""
        if view == "volume":
            return {"camera": Camera3D(zoom=self.scene.start_zoom or 1.0 if self.scene else 1.0)}
        return {view: PlaneView()}

    def begin_in_3d(self, zoom: float) -> None:
        """Begin with this zoom, unless somebody has put a hand on the view."""
        if self.scene is not None:
            self.scene.start_zoom = zoom
            if self.state.camera == Camera3D():
                self.adjust(camera=Camera3D(zoom=zoom))

    def fit(self, view: str) -> None:
        """Show the whole plane or volume; 3D keeps its side."""
        if view == "volume":
            camera = replace(self.state.camera, zoom=1.0, pan=(0.0, 0.0))
            if self.scene is not None:
                camera = replace(camera, zoom=whole_zoom(self.scene, camera))
            self.change(camera=camera)
        else:
            self.change(**{view: PlaneView()})

    def zoom(self, view: str, factor: float, gesture: object = None) -> None:
        """Zoom a view about its middle."""
        if view == "volume":
            camera = self.state.camera
            self.change(gesture, camera=replace(camera, zoom=camera.zoom * factor))
        else:
            plane = self.state.plane(view)
            self.change(gesture, **{view: replace(plane, zoom=plane.zoom * factor)})

    def orient(self, side: str, gesture: object = None) -> None:
        """Look at the volume from a side; raise KeyError for one that does not exist."""
        azimuth, elevation = _SIDES[side]
        camera = replace(self.state.camera, azimuth=azimuth, elevation=elevation, roll=0.0)
        self.change(gesture, camera=camera)
