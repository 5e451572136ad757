"""Notice that what is being loaded has gone: a disk that was pulled out, a folder that was moved.

Then every read fails, and a list of a thousand failed slices says less than one sentence. So the
load is paused, and the sentence stands in the status line with a button that tries again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from PySide6.QtCore import QElapsedTimer, QObject, Signal

from viewer.worker import Worker

if TYPE_CHECKING:
    from app.session import Session
    from loading import OpenVolume

LOOK_EVERY_MS = 1000


class SourceWatch(QObject):
    """Look, where slices fail, whether the folder is still there; never on the GUI thread.

    A path of a network that does not answer may take minutes to say so.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._gone: WeakSet[OpenVolume] = WeakSet()
        self._since_look = QElapsedTimer()
        self._attempt = 0
        self._worker = Worker("source watch", self)

    def is_gone(self, volume: OpenVolume) -> bool:
        """Tell whether the place that a volume is read from could not be found."""
        return volume in self._gone

    def follow_load(self) -> None:
        """Look where there is reason to; called while something loads, and when it is over."""
        failing = [v for v in self._session.volumes if v.failures and _local_path(v)]
        is_over = all(volume.state.is_over for volume in failing)
        is_early = self._since_look.isValid() and self._since_look.elapsed() < LOOK_EVERY_MS
        if not failing or (is_early and not is_over):
            return
        self._since_look.start()
        attempt = self._attempt
        self._worker.run(
            "look", lambda: (attempt, [(v, _is_there(v)) for v in failing]), self._take
        )

    def forget(self) -> None:
        """Look anew: somebody tries again."""
        self._attempt += 1
        self._gone.clear()

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _take(self, looked: tuple[int, list[tuple[OpenVolume, bool]]]) -> None:
        attempt, seen = looked
        if attempt != self._attempt:
            return  # seen before somebody tried again
        for volume, is_there in seen:
            if is_there:
                self._gone.discard(volume)
            elif volume not in self._gone:
                self._gone.add(volume)
                self._session.pause()
                self.changed.emit()


def _local_path(volume: OpenVolume) -> str:
    """Give where the files of a volume lie; empty for an address."""
    path = volume.spec.path
    return "" if "://" in path else path


def _is_there(volume: OpenVolume) -> bool:
    try:
        return Path(_local_path(volume)).exists()
    except OSError:
        return False
