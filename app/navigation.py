"""Moving through slices, views and parts of the window by keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QWidget

from viewer.state import VIEWS, Camera3D

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Navigation:
    """What the keys of the "Go to" menu do for one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def next_view(self, steps: int) -> None:
        """Make the next view the active one."""
        place = VIEWS.index(self._window.views.state.active_view) + steps
        if not 0 <= place < len(VIEWS):
            self.other_column()
        views, view = self._window.views, VIEWS[place % len(VIEWS)]
        if views.state.layout in VIEWS:
            views.change(active_view=view, layout=view)
        else:
            views.change(active_view=view)

    def other_column(self) -> None:
        """Give the keys to the other one of two columns."""
        session = self._window.session
        place = session.columns.index(session.active) + 1
        session.activate(session.columns[place % len(session.columns)])
        self._window.give_focus_to_views()

    def next_region(self, steps: int) -> None:
        """Give the keyboard to the next part of the window."""
        deck = self._window.deck
        sheet = self._window.sheets.sheet  # what it lies over is reached beside it, not below it
        middle: list[QWidget] = [deck.centre] if sheet is None or sheet.in_corner else []
        middle += [sheet] if sheet is not None else []
        regions: list[QWidget] = [deck.toolbar, deck.series, *middle, deck.display, deck.status]
        shown = [region for region in regions if region.isVisible()]
        focus = self._window.focusWidget()
        now = next((n for n, r in enumerate(shown) if is_in(focus, r)), -1)
        for distance in range(1, len(shown) + 1):
            region = shown[(now + steps * distance) % len(shown)]
            if region is deck.centre and not deck.is_empty:
                self._window.give_focus_to_views()
                return
            target = first_stop(region)
            if target is not None:
                target.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return

    def go_to_end(self, *, last: bool) -> None:
        """Go to the first or last slice of the active view."""
        count = self.slice_count()
        if count:
            self._window.views.go_to_slice(count - 1 if last else 0)

    def slice_count(self) -> int:
        """Give the number of slices of the active view, of the axial one for 3D."""
        views = self._window.workspace
        if views is None:
            return 0
        active = views.state.active_view
        return views.slice_position("axial" if active == "volume" else active)[1]

    def reset_camera(self) -> None:
        """Look at the volume as in the beginning."""
        self._window.views.change(camera=replace(Camera3D()))


def is_in(focus: QWidget | None, region: QWidget) -> bool:
    """Tell whether a region, or a widget of it, has the keyboard."""
    return focus is not None and (focus is region or region.isAncestorOf(focus))


def first_stop(region: QWidget) -> QWidget | None:
    """Give the first widget of a region that takes the keyboard."""
    if region.focusPolicy() & Qt.FocusPolicy.TabFocus and region.isEnabled():
        return region
    stops = [
        child
        for child in region.findChildren(QWidget)
        if child.isVisible()
        and child.isEnabled()
        and child.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not (isinstance(child, QAbstractButton) and child.isHidden())
    ]
    return stops[0] if stops else None
