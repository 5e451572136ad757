"""Two workspaces side by side: one layout, and planes that go together where that is true.

In one frame of reference the crosshair of one is put at the same point of the other. Where there
is none in common nothing is known about what corresponds: then only stepping is shared, so many
slices here, so many there, and the crosshair of the other never goes to a point of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from viewer.names import person_text
from viewer.state import ViewState
from viewer.workspace import Workspace

if TYPE_CHECKING:
    from loading import OpenVolume, VolumeSpec

SHARED: Final = ("layout", "large_view", "text_visible", "crosshair_visible")

POSITION, SLICE = "position", "slice"


def are_different_patients(first: VolumeSpec, second: VolumeSpec) -> bool:
    """Tell whether two volumes are known to be of two patients: by number, else by name."""
    for name in ("patient_id", "patient_name"):
        one, other = (spec.header.get(name, "").strip() for spec in (first, second))
        if name == "patient_name":
            one, other = (person_text(text).casefold() for text in (one, other))
        if one and other:
            return one != other
    return False


def kind_of(first: VolumeSpec, second: VolumeSpec) -> str:
    """Tell how two volumes can be linked: POSITION in one frame of reference, else SLICE."""
    frame = first.frame_of_reference_uid
    is_same = bool(frame) and frame == second.frame_of_reference_uid
    return POSITION if is_same and not are_different_patients(first, second) else SLICE


class Link(QObject):
    """Let two workspaces follow each other; `changed` when it was switched or is another kind."""

    changed = Signal()

    def __init__(self, first: Workspace, second: Workspace) -> None:
        super().__init__(second)
        self._pair = (first, second)
        self._is_on = True
        self._is_busy = False
        self._seen: dict[Workspace, tuple[OpenVolume | None, ViewState]] = {}
        for workspace in self._pair:
            self._seen[workspace] = workspace.volume, workspace.state
            workspace.state_changed.connect(self._follow_first)
            workspace.state_changed.connect(self._follow_second)

    @property
    def is_on(self) -> bool:
        """Tell whether planes go together."""
        return self._is_on

    def switch(self, on: bool) -> None:
        """Link or let go; linked by position, the one without the keys goes to the other."""
        self._is_on = on
        if on:
            self._is_busy = True
            self._meet(self._pair[1] if self._pair[0].state.has_keys else self._pair[0])
            self._is_busy = False
        self.changed.emit()

    @property
    def kind(self) -> str:
        """Give POSITION or SLICE; empty where at least one has no planes to link."""
        first, second = (workspace.volume for workspace in self._pair)
        if first is None or second is None or any(one.is_flat for one in self._pair):
            return ""
        return kind_of(first.spec, second.spec)

    def _follow_first(self) -> None:
        self._follow(*self._pair)

    def _follow_second(self) -> None:
        self._follow(self._pair[1], self._pair[0])

    def _follow(self, moved: Workspace, other: Workspace) -> None:
        """Bring one to where the other went."""
        volume, before = self._seen[moved]
        self._seen[moved] = moved.volume, moved.state
        if self._is_busy or other.volume is None:
            return
        self._is_busy = True
        try:
            if volume is not moved.volume:
                self._meet(moved)
                self.changed.emit()
            elif before is not moved.state:
                self._share(before, moved, other)
        finally:
            self._is_busy = False

    def _meet(self, newcomer: Workspace) -> None:
        """Give a workspace with another volume the layout, and the place, of the one beside it."""
        other = self._pair[0] if newcomer is self._pair[1] else self._pair[1]
        if newcomer.volume is None or other.volume is None:
            return
        newcomer.follow(**{name: getattr(other.state, name) for name in _shared(newcomer, other)})
        point = other.state.crosshair_lps
        if self._is_on and self.kind == POSITION and point is not None:
            newcomer.follow_point(point)

    def _share(self, before: ViewState, moved: Workspace, other: Workspace) -> None:
        now = moved.state
        changed = {
            name: getattr(now, name)
            for name in _shared(moved, other)
            if getattr(now, name) != getattr(before, name)
        }
        if changed:
            other.follow(**changed)
        point = now.crosshair_lps
        if not self._is_on or point is None or point == before.crosshair_lps:
            return
        if self.kind == POSITION:
            other.follow_point(point)
        elif self.kind == SLICE:
            steps = moved.steps_between(before, now)
            if len(steps) == 1:
                other.follow_steps(*steps.popitem())


def _shared(first: Workspace, second: Workspace) -> tuple[str, ...]:
    """Name what two workspaces have in common; pictures that are no volume have one view."""
    flat = first.is_flat or second.is_flat
    return tuple(name for name in SHARED if not (flat and name in ("layout", "large_view")))
