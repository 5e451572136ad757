"""The picture area of the window: the views, the quality strip and the one state behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from viewer.history import History
from viewer.state import PLANES, Camera3D, PlaneView, ViewState

if TYPE_CHECKING:
    from loading import OpenVolume


class Workspace(QWidget):
    """Show one volume in linked views.

    `change` is the one way to change what is shown; panels read `state` after `state_changed`.
    """

    state_changed = Signal()
    pointer_text = Signal(str)
    progress_changed = Signal()
    context_menu_requested = Signal(QPoint, str)
    notice = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Views"))
        self._history = History(ViewState())
        self._volume: OpenVolume | None = None

    @property
    def state(self) -> ViewState:
        """Give what is shown now."""
        return self._history.now

    @property
    def volume(self) -> OpenVolume | None:
        """Give the volume on the screen."""
        return self._volume

    def show_volume(self, volume: OpenVolume | None) -> None:
        """Show another volume, or none; the old one stays open, it is its owner's to close."""
        self._volume = volume
        self._history.clear(ViewState())
        self.state_changed.emit()

    def change(self, *, gesture: object = None, **fields: object) -> None:
        """Change fields of the state, as one step that can be undone.

        Parameters
        ----------
        gesture : object, optional
            Changes that carry the same object (one drag of a slider) are one step.
        """
        if self._history.push(self.state.with_fields(**fields), gesture):
            self.state_changed.emit()

    @property
    def can_undo(self) -> bool:
        """Tell whether `undo` would do something."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Tell whether `redo` would do something."""
        return self._history.can_redo

    def undo(self) -> None:
        """Take the last change back."""
        if self._history.undo():
            self.state_changed.emit()

    def redo(self) -> None:
        """Do again what was taken back."""
        if self._history.redo():
            self.state_changed.emit()

    def slice_position(self, view: str) -> tuple[int, int]:
        """Give the slice a view shows, counted from 0, and how many it has; (0, 0) for none."""
        return 0, 0

    def step_slice(self, n: int) -> None:
        """Go n slices on in the active view."""

    def go_to_slice(self, k: int) -> None:
        """Go to slice k, counted from 0, in the active view."""

    def reset_view(self, everything: bool = False) -> None:
        """Put zoom and pan of the active view, or of all, back."""
        views: dict[str, object] = {name: PlaneView() for name in PLANES}
        views["camera"] = Camera3D()
        wanted = "camera" if self.state.active_view == "volume" else self.state.active_view
        self.change(**(views if everything else {wanted: views[wanted]}))

    def fit(self) -> None:
        """Show the whole plane or volume in the active view."""
        self.reset_view()

    def actual_size(self) -> None:
        """Show one voxel as one pixel in the active view."""

    def zoom_by(self, factor: float) -> None:
        """Zoom the active view about its centre."""
        view = self.state.active_view
        if view == "volume":
            camera = self.state.camera
            self.change(camera=replace(camera, zoom=camera.zoom * factor))
        else:
            plane = self.state.plane(view)
            self.change(**{view: replace(plane, zoom=plane.zoom * factor)})

    def orient_volume(self, side: str) -> None:
        """Look at the volume from a side: anterior, posterior, left, right, superior, inferior."""

    def window_from_data(self) -> None:
        """Set the window from the values of the data."""

    def window_from_file(self) -> None:
        """Set the window that the file gives; again: its next one."""

    def grab_picture(self, view: str | None = None) -> QImage:
        """Give one view, or the whole picture area, with what is drawn over it."""
        return self.grab().toImage()
