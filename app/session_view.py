"""What the window shows of its session: start page or views, the volume, how far it is."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from app.language import tr
from app.opening_words import remembered_as

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.opening_words import Failure

REMEMBER_AFTER_MS = 3000


class SessionView:
    """Follow the session of one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        # writing to disk waits until the load has had its turn
        self._remember_soon = QTimer(window)
        self._remember_soon.setSingleShot(True)
        self._remember_soon.setInterval(REMEMBER_AFTER_MS)
        self._remember_soon.timeout.connect(self.remember)

    def follow_opening(self) -> None:
        """Show that something is being opened, and what is there when that has ended."""
        window = self._window
        window.show_title()
        session = window.session
        if session.is_opening:
            self.remember_now()
            if window.workspace is not None:
                self.show_start(False)
            elif not session.opened:
                window.start.show_opening(self._opening_title, session.opening_words)
        elif not session.opened:
            window.start.invite()
            self.show_start(True)
        self.follow_load()

    def follow_opened(self) -> None:
        """Show the list of what is open, and remember it."""
        window = self._window
        if window.session.opened:
            window.notices.forget_openings()
            self._remember_soon.start()
        if window.session.entry is not None:
            window.thumbnails.want(window.session.entry)
        self.show_start(not window.session.opened and not window.session.is_opening)
        window.notices.tell()
        window.commands.refresh()
        window.show_title()

    def show_volumes(self) -> None:
        """Show the session's volumes in the views."""
        window = self._window
        session = window.session
        volume = session.volume
        if volume is None and window.columns is None:
            return
        window.prepare_views()
        assert window.columns is not None
        window.columns.follow(session.columns, session.active)
        window.display.attach(window.columns.active)
        window.display.show_volume(volume)
        window.preferences.apply_hands()
        window.preferences.apply_names()
        self.show_start(volume is None and not session.opened)
        if volume is not None:
            window.modes.fit_layout()
            window.give_focus_to_views()
        window.deck.close_overlay()
        window.notices.tell()
        window.commands.refresh()
        window.show_title()

    def follow_active(self) -> None:
        """Let panels and commands be about the active column."""
        window = self._window
        if window.columns is None:
            return
        window.columns.mark(window.session.active)
        window.display.attach(window.columns.active)
        window.display.show_volume(window.session.volume)
        window.series.refresh()
        window.commands.refresh()

    def follow_load(self) -> None:
        """Bring everything that shows progress up to date."""
        window = self._window
        session = window.session
        words = session.opening_words
        window.series.show_opening(words)
        if words and window.deck.is_empty:
            window.start.show_opening(self._opening_title, words)
        window.series.refresh()
        is_over = all(volume.state.is_over for volume in session.volumes)
        if is_over:
            # the series on the screen has the disk for itself until it is there
            pictures = (one.pictures.values() for one in session.opened)
            for entry in (*session.entries, *chain.from_iterable(pictures)):
                window.thumbnails.want(entry)
        if session.volumes and is_over:
            window.notices.tell()
            window.commands.refresh()

    @property
    def _opening_title(self) -> str:
        hidden = self._window.settings.value.names_hidden
        return tr("Opening") if hidden else self._window.session.opening_title

    def tell_failure(self, failure: Failure) -> None:
        """Tell why an opening failed: in the card, or as a notice beside what is open."""
        window = self._window
        title, text = failure.words(names_hidden=window.settings.value.names_hidden)
        if window.session.opened:
            window.notices.add_failure(failure)
            window.tell(title)
        if not window.session.volumes:
            # beside the list of series, if there is one: black views would say nothing
            window.start.show_failure(title, text, failure.names)
            window.deck.centre.setCurrentWidget(window.start)

    def act_on_status(self) -> None:
        """Do what the button in the status line says: stop, pause, or go on."""
        window = self._window
        if window.session.opening_words:
            window.session.stop_opening()
            return
        states = [volume.state.name for volume in window.session.volumes]
        if any(window.teller.watch.is_gone(volume) for volume in window.session.volumes):
            window.teller.watch.forget()
            window.commands.run("load.retry")
        elif states:
            is_paused = "LOADING" not in states
            window.commands.run("load.continue" if is_paused else "load.pause")

    def show_start(self, is_wanted: bool) -> None:
        """Show the start page, or the views where there are some."""
        window = self._window
        views = window.columns
        if is_wanted and not window.deck.is_empty:
            window.start.invite()
            window.start.refresh(window.settings.value.keep_recent)
        window.deck.centre.setCurrentWidget(window.start if is_wanted or views is None else views)
        window.deck.is_empty = is_wanted or views is None
        window.deck.arrange()

    def remember_now(self) -> None:
        """Do at once what would be done soon; called before something is closed."""
        if self._remember_soon.isActive():
            self.remember()

    def remember(self) -> None:
        """Put what was opened last on the list of recent items, with its picture."""
        window = self._window
        self._remember_soon.stop()
        opened, entry = window.session.current, window.session.entry
        if opened is None or not window.settings.value.keep_recent or len(opened.uris) != 1:
            return
        spec = entry.spec if entry in opened.catalogue.volumes else None
        count, modality = (spec.shape_kji[0], spec.modality) if spec is not None else (0, "")
        name = remembered_as(opened.uris, opened.title, spec.label if spec is not None else "")
        window.recent.add(opened.uris[0], name, count, modality)
        picture = window.thumbnails.pictures.get(spec.key) if spec is not None else None
        if picture is not None:
            window.recent.set_picture(opened.uris[0], picture)
