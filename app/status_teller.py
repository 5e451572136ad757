"""Choose what the status line says: loading, done, or the value under the pointer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.language import tr
from app.source_watch import SourceWatch
from app.status_words import done_words, loading_words, paused_words

if TYPE_CHECKING:
    from app.session import Session
    from app.status_line import StatusLine
    from loading import OpenVolume

_TICK_MS = 100
_TOLD_S = 3.0
_DONE_S = 3.0


class StatusTeller(QObject):
    """Look ten times a second while something moves, never otherwise.

    `pointer` is what is under the pointer, empty beside the pictures; `last_pointer` what was there
    last, for a menu or the palette takes the pointer off the picture. `moved` says that a load has
    gone on, so that lists may follow.
    """

    moved = Signal()

    def __init__(
        self,
        session: Session,
        line: StatusLine,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(line)
        self._session, self._line, self._clock = session, line, clock
        self._told = ""
        self._told_until = 0.0
        self._done_until = 0.0
        self._was_loading = False
        self.pointer = ""
        self.last_pointer = ""
        self.names_hidden = False
        self.watch = SourceWatch(session, self)
        self.watch.changed.connect(self._wake)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.tick)
        session.volume_changed.connect(self._forget_pointer)
        for signal in (
            session.opening_changed,
            session.volume_changed,
            session.volume_moved,
            session.active_changed,
        ):
            signal.connect(self._wake)

    def _forget_pointer(self) -> None:
        self.pointer = self.last_pointer = ""

    @property
    def is_following(self) -> bool:
        """Tell whether a load is under way, or its end has not been told yet."""
        return self._was_loading

    def tell(self, text: str) -> None:
        """Say something for three seconds."""
        self._told, self._told_until = text, self._clock() + _TOLD_S
        self._wake()

    def show_pointer(self, text: str) -> None:
        """Take the value under the pointer; it is shown when nothing else is to be said."""
        self.pointer = text
        self.last_pointer = text or self.last_pointer
        if not self._timer.isActive():
            self._line.show_text(*self._words())

    def tick(self) -> None:
        """Bring the line up to date; sleep when nothing moves."""
        now = self._clock()
        is_loading = any(not volume.state.is_over for volume in self._session.volumes)
        if self._was_loading and not is_loading:
            self._done_until = now + _DONE_S
        if is_loading or self._was_loading or self._session.is_opening:
            self.watch.follow_load()
            self.moved.emit()
        self._was_loading = is_loading
        self._line.show_text(*self._words())
        is_quiet = now > max(self._done_until, self._told_until)
        if not is_loading and not self._session.is_opening and is_quiet:
            self._timer.stop()

    def _wake(self) -> None:
        self._was_loading = True
        self.tick()
        self._timer.start()

    @property
    def _spoken_of(self) -> OpenVolume | None:
        """Give the volume to speak of: the active one, unless only the other still loads."""
        active = self._session.volume
        others = [volume for volume in self._session.volumes if volume is not active]
        if active is None or not active.state.is_over:
            return active
        return next((volume for volume in others if not volume.state.is_over), active)

    def _words(self) -> tuple[str, str]:
        """Give the text and the words of the button beside it."""
        now, volume = self._clock(), self._spoken_of
        if now < self._told_until:
            return self._told, ""
        if self._session.opening_words:
            words = self._session.opening_words
            named = f"{self._session.opening_title}: {words}"
            return words if self.names_hidden else named, tr("Stop")
        if volume is None:
            return "", ""
        if volume.state.is_over and self.watch.is_gone(volume):
            return tr("Source not reachable"), tr("Try again")
        if not volume.state.is_over:
            is_line = "://" in volume.spec.path
            return loading_words(volume.progress, is_line=is_line), tr("Pause")
        if volume.state.name == "CANCELLED":
            return paused_words(volume.progress), tr("Continue")
        if now < self._done_until or not self.pointer:
            return done_words(
                volume.spec, volume.progress.failed, is_flat=self._session.is_flat
            ), ""
        return self.pointer, ""
