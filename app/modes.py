"""Panels, only pictures, full screen, theme: how much of the window is shown, and in what dress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from app.theme import apply_theme
from app.widgets import refresh_icons

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Modes:
    """What the Panels and Theme menus do for one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._had_text = True
        self._was_compact = False

    def toggle_panel(self, panel: str) -> None:
        """Fold or unfold a panel and remember it."""
        deck = self._window.deck
        deck.toggle(panel)
        if not deck.is_compact:
            self._window.settings.change(
                series_panel=deck.wants_series, display_panel=deck.wants_display
            )

    def toggle_toolbar(self) -> None:
        """Fold or unfold the toolbar."""
        deck = self._window.deck
        deck.wants_toolbar = not deck.wants_toolbar
        deck.arrange()
        self._window.settings.change(toolbar=deck.wants_toolbar)

    def toggle_only_pictures(self) -> None:
        """Fold everything but the pictures, their text included; again: bring it back."""
        deck, views = self._window.deck, self._window.views
        deck.pictures_only = not deck.pictures_only
        if deck.pictures_only:
            self._had_text = views.state.text_visible
            views.follow(text_visible=False)
        else:
            views.follow(text_visible=self._had_text)
        deck.arrange()

    def fit_layout(self) -> None:
        """Show one large view in a narrow window; four again when it is wide again."""
        views, deck = self._window.workspace, self._window.deck
        if views is None or views.volume is None:
            return
        is_compact = deck.is_compact and not deck.is_bare
        before, after = (
            ("four_up", "one_plus_three") if is_compact else ("one_plus_three", "four_up")
        )
        if is_compact != self._was_compact and views.state.layout == before:
            views.follow(layout=after)
        self._was_compact = is_compact

    def toggle_full_screen(self) -> None:
        """Fill the screen; again: be a window."""
        window = self._window
        window.deck.is_full_screen = not window.deck.is_full_screen
        window.setWindowState(window.windowState() ^ window.full_screen_state)
        window.deck.arrange()

    def leave(self) -> None:
        """Bring the whole window back."""
        if self._window.deck.pictures_only:
            self.toggle_only_pictures()
        if self._window.deck.is_full_screen:
            self.toggle_full_screen()

    def dress(self, choice: str) -> None:
        """Put on a theme."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, choice)
        refresh_icons(self._window)
        self._window.notices.tell()
