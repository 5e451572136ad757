"""The picture area of the window: the views, the quality strip and the one state behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, QTimer, Signal
from PySide6.QtGui import QHideEvent, QImage, QPainter, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QWidget

from viewer.cine import Cine
from viewer.geometry import fit_scale
from viewer.interaction import HandSettings
from viewer.model import ViewModel
from viewer.quality_strip import QualityStrip
from viewer.slice_view import SliceView
from viewer.state import PLANES, PlaneView, Point, ViewState
from viewer.view_grid import ViewGrid
from viewer.volume_look import own_values, transfer_for
from viewer.volume_view import VolumeView

if TYPE_CHECKING:
    from loading import OpenVolume
    from viewer.presets import OpacityPoints, Transfer


class Workspace(QWidget):
    """Show one volume in linked views.

    `change` is the one way to change what is shown; panels read `state` after `state_changed`.
    VTK is imported by `warm_up`, or when the first slice of a volume has been painted without it.

    Parameters
    ----------
    gl_widget : bool, optional
        Draw 3D inside a `QOpenGLWidget` or beside it in a thread; by default what OpenGL reports
        decides: a graphics card draws in the window.

    Attributes
    ----------
    cine : Cine
        Plays the frames of a loop, or the points of a fourth axis.

    Signals
    -------
    state_changed
        `state` is another one.
    used
        Somebody put a hand on a view or on the strip: this is the workspace that keys mean.
    pointer_text(str)
        Place and value under the pointer, "" when it is outside.
    progress_changed
        The load went on; at most thirty times a second.
    context_menu_requested(QPoint, str)
        Global position and the view, or "strip".
    notice(str, str)
        Code and message of something that people have to know.
    """

    state_changed = Signal()
    used = Signal()
    pointer_text = Signal(str)
    progress_changed = Signal()
    context_menu_requested = Signal(QPoint, str)
    notice = Signal(str, str)

    def __init__(self, parent: QWidget | None = None, *, gl_widget: bool | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("workspace")
        self.setAccessibleName(self.tr("Views"))
        self._model = ViewModel(self)
        self._volume_view = VolumeView(self._model, gl_widget=gl_widget)
        self._views: dict[str, SliceView | VolumeView] = {
            name: SliceView(self._model, name) for name in PLANES
        }
        self._views["volume"] = self._volume_view
        self.cine = Cine(self._model, self)
        self._grid = ViewGrid(dict(self._views), self)
        self._strip = QualityStrip(self._model, self)
        self._strip.height_changed.connect(self._place)
        self._strip.menu_asked.connect(self.context_menu_requested)
        self._layout_before = "four_up"
        self._is_closed = False
        self._connect()

    def _connect(self) -> None:
        self._model.state_changed.connect(self._take_state)
        self._model.used.connect(self.used)
        self._model.pointed.connect(self.pointer_text)
        self._model.data_changed.connect(lambda _: self.progress_changed.emit())
        for view in self._views.values():
            view.maximise_asked.connect(self.toggle_alone)
            view.menu_asked.connect(self.context_menu_requested)
            view.name_clicked.connect(self._swap_large)
        for view in self._views.values():
            if isinstance(view, SliceView):
                view.shown.connect(self._volume_view.warm_up)
        self._volume_view.unusable.connect(self._tell_no_opengl)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.shut_down)

    # -- the volume ---------------------------------------------------------------------------

    @property
    def volume(self) -> OpenVolume | None:
        """Give the volume on the screen."""
        return self._model.scene.volume if self._model.scene is not None else None

    def show_volume(self, volume: OpenVolume | None, *, is_flat: bool = False) -> None:
        """Show another volume, or none; the old one stays open, it is its owner's to close.

        `is_flat` says that its slices are pictures without a place in space: they are shown in
        one view, and layouts and 3D stay away until a volume comes again.
        """
        if volume is not self.volume:
            if self.volume is not None:
                self.volume.weigh(0)
            self._model.show(volume, is_flat=is_flat)
            self._weigh(volume, is_seen=self.isVisible())

    @property
    def is_flat(self) -> bool:
        """Tell whether what is shown is pictures, not a volume."""
        return self._model.scene is not None and self._model.scene.is_flat

    def warm_up(self, *, is_awaited: bool = False) -> None:
        """Get ready for the first volume; call it once the window has been painted.

        VTK is imported, in a thread, and OpenGL looked for; where a volume is already awaited that
        comes after its first slice.
        """
        QTimer.singleShot(0, self._model.warm_up)
        if not is_awaited:
            QTimer.singleShot(0, self._volume_view.warm_up)

    @property
    def is_at_rest(self) -> bool:
        """Tell whether the load is over and 3D has drawn its final picture of what is shown now."""
        return self._model.is_settled and self._volume_view.is_at_rest

    def shut_down(self) -> None:
        """End every thread and let go of OpenGL; the workspace shows nothing after this."""
        if not self._is_closed:
            self._is_closed = True
            self.cine.stop()
            self._model.close()
            self._volume_view.close_renderer()

    # -- the state ----------------------------------------------------------------------------

    @property
    def state(self) -> ViewState:
        """Give what is shown now."""
        return self._model.state

    def change(self, *, gesture: object = None, **fields: object) -> None:
        """Change fields of the state, as one step that can be undone.

        Parameters
        ----------
        gesture : object, optional
            Changes that carry the same object (one drag of a slider) are one step.

        Raises
        ------
        TypeError, ValueError
            There is no such field, or it cannot have this value.
        """
        self._model.change(gesture, **fields)

    def follow(self, **fields: object) -> None:
        """Change fields because something else did; nothing that could be undone here.

        Raises
        ------
        TypeError, ValueError
            There is no such field, or it cannot have this value.
        """
        self._model.adjust(**fields)

    def follow_point(self, point: Point) -> None:
        """Put the crosshair where somebody put it elsewhere, or say that it lies outside."""
        self._model.follow_point(point)

    def follow_steps(self, view: str, steps: int) -> None:
        """Move one plane by as many slices as somebody moved it elsewhere."""
        self._model.step_along(view, steps)

    @property
    def can_undo(self) -> bool:
        """Tell whether `undo` would do something."""
        return self._model.history.can_undo

    @property
    def can_redo(self) -> bool:
        """Tell whether `redo` would do something."""
        return self._model.history.can_redo

    def undo(self) -> None:
        """Take the last change back."""
        self._model.undo()

    def redo(self) -> None:
        """Do again what was taken back."""
        self._model.redo()

    @property
    def transfer(self) -> Transfer | None:
        """Give opacity and colour by value of the 3D view; None while the range is not known."""
        scene = self._model.scene
        return None if scene is None else transfer_for(self.state, scene, lit=False)

    def change_opacity(self, points: OpacityPoints, gesture: object = None) -> None:
        """Draw 3D by these points, ascending meant values, until another preset is chosen."""
        if self._model.scene is not None:
            own = own_values(points, self.state, self._model.scene)
            self.change(gesture=gesture, opacity=own)

    def set_hands(self, right_button: str = "zoom", drag_up: str = "brighter") -> None:
        """Set what dragging with the right button does, and what dragging up does.

        Parameters
        ----------
        right_button : str
            "zoom" or "window".
        drag_up : str
            "brighter" or "darker".
        """
        for view in self._views.values():
            view.hand.settings = HandSettings(right_button, drag_up)

    def _take_state(self) -> None:
        self._grid.follow(self.state)
        self.state_changed.emit()

    # -- slices -------------------------------------------------------------------------------

    def slice_position(self, view: str) -> tuple[int, int]:
        """Give the slice a view shows, counted from 0, and how many it has; (0, 0) for none."""
        return self._model.slice_position(view)

    def steps_between(self, before: ViewState, after: ViewState) -> dict[str, int]:
        """Tell by how many slices each plane moved from one state to another, those that did."""
        scene, start, end = self._model.scene, before.crosshair_lps, after.crosshair_lps
        if scene is None or start is None or end is None:
            return {}
        frames = scene.frames.items()
        moved = {name: frame.slice_at(end) - frame.slice_at(start) for name, frame in frames}
        return {name: steps for name, steps in moved.items() if steps}

    def step_time_point(self, n: int) -> None:
        """Show the time point n further on."""
        self._model.go_to_time_point(self.state.time_point + n)

    def step_slice(self, n: int) -> None:
        """Go n slices on in the active view; in 3D, along the slices as stored."""
        k, _ = self._model.slice_position(self._slice_view())
        self._model.go_to_slice(self._slice_view(), k + n, (self._slice_view(), "step"))

    def go_to_slice(self, k: int) -> None:
        """Go to slice k, counted from 0, in the active view."""
        self._model.go_to_slice(self._slice_view(), k)

    @property
    def acquired_view(self) -> str:
        """Give the plane whose slices are those of the files."""
        return self._model.scene.acquired if self._model.scene is not None else "axial"

    def _slice_view(self) -> str:
        if self.state.active_view in PLANES:
            return self.state.active_view
        return self.acquired_view

    # -- zoom and sides -----------------------------------------------------------------------

    def reset_view(self, everything: bool = False) -> None:
        """Put zoom and pan of the active view, or of all, back."""
        views = (*PLANES, "volume") if everything else (self.state.active_view,)
        fields: dict[str, object] = {}
        for view in views:
            fields |= self._model.reset(view)
        if everything and self._model.scene is not None:
            fields["crosshair_lps"] = self._model.scene.centre
        self.change(**fields)

    def toggle_crop(self) -> None:
        """Show the crop box, around the whole volume, or take it away."""
        self._model.toggle_crop()

    def crop_whole(self) -> None:
        """Put the crop box around the whole volume."""
        self._model.crop_whole()

    def fit(self) -> None:
        """Show the whole plane or volume in the active view; 3D keeps its side."""
        self._model.fit(self.state.active_view)

    def actual_size(self) -> None:
        """Show one voxel as one pixel of the screen in the active view."""
        view, scene = self.state.active_view, self._model.scene
        if view == "volume" or scene is None:
            return
        frame, widget = scene.frames[view], self._views[view]
        wanted = 1.0 / (frame.voxel_mm * widget.devicePixelRatioF())
        zoom = wanted / fit_scale(frame, *widget.extent)
        self.change(**{view: PlaneView(zoom, self.state.plane(view).pan_mm)})

    def zoom_by(self, factor: float) -> None:
        """Zoom the active view about its centre."""
        self._model.zoom(self.state.active_view, factor)

    def orient_volume(self, side: str) -> None:
        """Look at the volume from a side: anterior, posterior, left, right, superior, inferior.

        Raises
        ------
        KeyError
            There is no such side.
        """
        self._model.orient(side)

    def toggle_alone(self, view: str) -> None:
        """Show one view alone; if it is alone already, the layout before."""
        if self.state.layout == view:
            self.change(layout=self._layout_before)
        else:
            if self.state.layout not in self._views:
                self._layout_before = self.state.layout
            self.change(layout=view, active_view=view)

    def _swap_large(self, view: str) -> None:
        if self.state.layout == "one_plus_three" and view != self.state.large_view:
            self.change(large_view=view)

    # -- window -------------------------------------------------------------------------------

    def window_from_data(self) -> None:
        """Set the window from the values of the data."""
        self._model.window_from_data()

    def window_from_file(self) -> None:
        """Set the window that the file gives; again: its next one."""
        self._model.window_from_file()

    # -- pictures -----------------------------------------------------------------------------

    def grab_picture(self, view: str | None = None) -> QImage:
        """Give one view, or the whole picture area, with what is drawn over it.

        Raises
        ------
        KeyError
            There is no such view.
        """
        ratio = self.devicePixelRatioF()
        whole = self._views[view].size() if view is not None else self._grid.size()
        image = QImage(whole * ratio, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(self.palette().window().color())
        painter = QPainter(image)
        shown = [self._views[view]] if view is not None else list(self._views.values())
        for widget in shown:
            if view is None and not widget.isVisible():
                continue
            painter.save()
            if view is None:
                painter.translate(widget.pos())
            widget.paint_picture(painter)
            painter.restore()
        painter.end()
        return image

    def minimumSizeHint(self) -> QSize:
        """Give the least size at which the views are of use."""
        return QSize(320, 240)

    # -- places -------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place views and strip."""
        self._place()
        self._weigh(self.volume, is_seen=self.isVisible())

    def showEvent(self, event: QShowEvent) -> None:
        """Have the volume loaded with those that are seen."""
        self._weigh(self.volume, is_seen=True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Have the volume loaded behind those that are seen; also when the window is minimised."""
        self._weigh(self.volume, is_seen=False)

    def _weigh(self, volume: OpenVolume | None, *, is_seen: bool) -> None:
        if volume is not None:
            volume.weigh(self.width() * self.height() if is_seen else 0)

    def _place(self) -> None:
        # The strip lies over the lowest pixels of the views: when it goes, no picture moves.
        self._grid.setGeometry(self.rect())
        drawn = self._strip.drawn_height
        self._strip.setGeometry(0, self.height() - drawn, self.width(), drawn)
        self._strip.raise_()

    def _tell_no_opengl(self, found: str) -> None:
        from loading import notice

        told = notice("no_opengl", found=found)
        self.notice.emit(told.code, told.message)
