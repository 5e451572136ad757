"""From the engine's threads to the GUI thread: one queued wake-up, then the changes are pulled.

The engine wakes once when its log turns from read to unread; many slices become one pull, at most
twenty times a second, and less often where a look keeps the GUI thread busy for long: painting
what is there must not take the time of reading the rest. Nobody is called per slice.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

if TYPE_CHECKING:
    from loading import OpenVolume

INTERVAL_MS = 50
LONGEST_INTERVAL_MS = 200
REST_PER_WORK = 5
"""A look waits until the last one, its painting included, took a fifth of the time since.

That holds for looks of less than 40 ms: after `LONGEST_INTERVAL_MS` the next one begins anyway.
"""


class LoaderBridge(QObject):
    """Follow one volume and tell, on the GUI thread, which slices changed.

    Signals
    -------
    changed(tuple of int) : slices of the time point that is followed; empty when only the state
        of the load did.
    """

    changed = Signal(tuple)
    _woken = Signal()

    def __init__(self, volume: OpenVolume, t: int = 0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._volume: OpenVolume | None = volume
        self._t = t
        self._revision = 0
        self._state = volume.state
        self._since_pull = QElapsedTimer()
        self._worked_s = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._pull_if_rested)
        # The end of a load is a change of state, not of a slice: it is looked for.
        self._watch = QTimer(self)
        self._watch.setInterval(100)
        self._watch.timeout.connect(self._look_at_state)
        self._woken.connect(self._schedule, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to follow; what is there already is told at once."""
        if self._volume is not None:
            self._volume.listen(_waker(self))
        self._watch.start()
        self.pull()

    def stop(self) -> None:
        """Follow no longer, and let go of the volume."""
        if self._volume is not None:
            self._volume.listen(None)
            self._volume = None
        self._timer.stop()
        self._watch.stop()

    @property
    def has_seen_all(self) -> bool:
        """Tell whether the load is over and everything that it brought has been told."""
        volume = self._volume
        if volume is None:
            return True
        is_told = self._state is volume.state and self._revision == volume.revision
        return is_told and self._state.is_over

    def pull(self) -> None:
        """Fetch what changed since the last time and tell it."""
        if self._volume is None:
            return
        # the state first: what is over then brings nothing after what is fetched now
        state_before, self._state = self._state, self._volume.state
        self._revision, chunks = self._volume.changes_since(self._revision)
        slices = tuple(sorted({chunk.index for chunk in chunks if chunk.t == self._t}))
        if slices:
            # a look that found nothing does not put off the first picture
            self._since_pull.restart()
            self._worked_s = time.thread_time()
        if slices or state_before is not self._state:
            self.changed.emit(slices)

    def _schedule(self) -> None:
        if self._timer.isActive():
            return
        passed = self._since_pull.elapsed() if self._since_pull.isValid() else INTERVAL_MS
        self._timer.start(max(0, INTERVAL_MS - int(passed)))

    def _pull_if_rested(self) -> None:
        worked_ms = (time.thread_time() - self._worked_s) * 1000
        rest_ms = min(worked_ms * REST_PER_WORK, LONGEST_INTERVAL_MS)
        is_over = self._volume is None or self._volume.state.is_over
        if not is_over and self._since_pull.isValid() and self._since_pull.elapsed() < rest_ms:
            self._timer.start(int(rest_ms) - int(self._since_pull.elapsed()) + 1)
            return
        self.pull()

    def _look_at_state(self) -> None:
        if self._volume is not None and self._volume.state is not self._state:
            self.pull()


def _waker(bridge: LoaderBridge) -> Callable[[], None]:
    """Make the callback for the engine; it does not keep the bridge alive."""
    weak = weakref.ref(bridge)

    def wake() -> None:
        alive = weak()
        if alive is not None:
            try:
                alive._woken.emit()
            except RuntimeError:  # Qt's half is gone already: the window was closed
                return

    return wake
