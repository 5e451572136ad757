"""Settings of one window: changed, kept, and put into effect at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.settings_sheet import SettingsSheet


class Preferences:
    """Change settings and make the window follow them."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def change(self, name: str, value: Any) -> None:
        """Change one setting."""
        window = self._window
        window.settings.change(**{name: value})
        if window.settings.trouble:
            window.notices.add("settings_trouble", window.settings.trouble)
        if name == "theme":
            window.modes.dress(value)
        elif name == "keys":
            window.commands.set_keys(value)
        elif name == "keep_recent":
            if not value:
                window.recent.clear()
            window.start.refresh(value)
        elif name in ("drag_up", "right_button"):
            self.apply_hands()
        elif name == "memory_limit_mb":
            self.apply_memory_limit()
        elif name == "frame_cache_mb":
            window.door.access.apply_frame_cache()
        window.commands.refresh()

    def toggle_names(self) -> None:
        """Hide or show names of patients everywhere."""
        window = self._window
        hidden = not window.settings.value.names_hidden
        self.change("names_hidden", hidden)
        self.apply_names()
        window.door.follow_names()

    def apply_names(self) -> None:
        """Tell everything that shows names whether it may."""
        window = self._window
        hidden = window.settings.value.names_hidden
        window.series.hide_names(hidden)
        window.start.hide_names(hidden)
        window.teller.names_hidden = hidden
        if window.columns is not None:
            for views in window.columns.workspaces:
                views.follow(names_hidden=hidden)
            window.columns.show_names(names_hidden=hidden)
        window.show_title()

    def apply_hands(self) -> None:
        """Tell the views what dragging does."""
        columns, value = self._window.columns, self._window.settings.value
        for views in columns.workspaces if columns is not None else ():
            views.set_hands(drag_up=value.drag_up, right_button=value.right_button)

    def apply_memory_limit(self) -> None:
        """Tell the session how large a volume may be."""
        limit = self._window.settings.value.memory_limit_mb
        self._window.session.memory_limit_bytes = limit * 1_000_000 if limit else None

    def show(self) -> None:
        """Open or close the settings."""
        self._window.show_sheet("settings", self._make_sheet)

    def _make_sheet(self) -> SettingsSheet:
        from app.settings_sheet import SettingsSheet

        sheet = SettingsSheet(self._window.settings.value, self._window.commands)
        sheet.changed.connect(self.change)
        sheet.frames_cleared.connect(self._window.door.access.clear_frames)
        return sheet
