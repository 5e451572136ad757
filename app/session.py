"""What is open: catalogues, the series on the screen, and the threads that open and close them.

Describing and opening run in a thread of their own; the window is told by one queued signal. The
engine is imported in that thread too, so that the first window is painted without it.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from app.language import tr
from app.status_words import headers_words, middle_words

if TYPE_CHECKING:
    from loading import Catalogue, NothingFound, OpenVolume, VolumeEntry
    from loading.sources.base import CancelToken

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
_TITLE_LENGTH = 60


@dataclass(frozen=True, eq=False)
class Opened:
    """One thing that was opened: what was asked for and what was found."""

    uris: tuple[str, ...]
    title: str
    catalogue: Catalogue

    @property
    def entries(self) -> list[VolumeEntry]:
        """Give the volumes in the order in which the window would choose them."""
        from loading import choice

        return sorted(self.catalogue.volumes, key=choice.rank)

    @cached_property
    def pictures(self) -> dict[str, VolumeEntry]:
        """Give what is no volume but can be looked at, by its path: slices without a space."""
        from loading import VolumeEntry

        return {
            image.path: VolumeEntry(image.spec, image.open)
            for image in self.catalogue.images
            if image.spec is not None and image.open is not None
        }


@dataclass(slots=True, eq=False)
class _Job:
    """One opening under way; its thread writes, the window reads.

    `after` is a thread that must have ended before memory is taken.
    """

    uris: tuple[str, ...]
    title: str
    entry: VolumeEntry | None = None
    done: int = 0
    total: int = 0
    token: CancelToken | None = None
    is_cancelled: bool = False
    opened: Opened | None = None
    found: VolumeEntry | None = None
    volume: OpenVolume | None = None
    error: Exception | None = None
    after: threading.Thread | None = None

    def progress(self, done: int, total: int) -> None:
        """Take a count from the engine."""
        self.done, self.total = done, total

    def cancel(self) -> None:
        """Say stop; the thread ends at its next look."""
        self.is_cancelled = True
        if self.token is not None:
            self.token.cancel()


class Session(QObject):
    """Hold what is open and open more."""

    opening_changed = Signal()
    opened_changed = Signal()
    volume_changed = Signal()
    volume_moved = Signal()
    failed = Signal(str, str)
    _finished = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.opened: list[Opened] = []
        self.entry: VolumeEntry | None = None
        self.volume: OpenVolume | None = None
        self.memory_limit_bytes: int | None = None
        self._job: _Job | None = None
        self._threads: list[threading.Thread] = []
        self._finished.connect(self._take, Qt.ConnectionType.QueuedConnection)

    # -- what is asked for -------------------------------------------------------------------------

    def open(self, uris: Sequence[str]) -> None:
        """Look for volumes and open the one that comes first."""
        if uris:
            self._start(_Job(tuple(uris), title_of(uris)))

    @property
    def is_flat(self) -> bool:
        """Tell whether pictures are on the screen that are no volume."""
        return self.entry is not None and self.entry not in self.entries

    def select(self, entry: VolumeEntry) -> None:
        """Open another of the series found."""
        if entry is not self.entry:
            self._start(_Job((), entry.spec.label, entry))

    def step(self, steps: int) -> None:
        """Open the series before or after the present one."""
        entries = self.entries
        if self.entry in entries:
            place = entries.index(self.entry) + steps
            if 0 <= place < len(entries):
                self.select(entries[place])

    def stop_opening(self) -> None:
        """Stop looking for images; what was open stays."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self.opening_changed.emit()

    def close_entry(self, entry: VolumeEntry) -> None:
        """Take one series off the list."""
        for place, one in enumerate(self.opened):
            if entry in one.catalogue.volumes:
                left = tuple(v for v in one.catalogue.volumes if v is not entry)
                self.opened[place] = _with_volumes(one, left)
                if not left and not one.catalogue.images:
                    del self.opened[place]
                break
        if entry is self.entry:
            self._set_volume(None, None)
        self.opened_changed.emit()

    def pause(self) -> None:
        """Stop loading; what is there stays."""
        if self.volume is not None:
            self._run(self.volume.cancel, "pause")

    def go_on(self) -> None:
        """Take loading up where it was."""
        if self.volume is not None:
            self.volume.load()
            self.volume_moved.emit()

    def retry(self) -> None:
        """Try again what could not be read."""
        if self.volume is not None:
            self.volume.retry_failed()
            self.volume_moved.emit()

    def close(self) -> None:
        """Close everything; at once, without a question."""
        self.stop_opening()
        self.opened.clear()
        self._set_volume(None, None)
        self.opened_changed.emit()

    def join(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Wait for the threads that open and close volumes; tell whether all have ended."""
        ends_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, ends_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # -- what is there -----------------------------------------------------------------------------

    @property
    def entries(self) -> list[VolumeEntry]:
        """Give every volume of the list, in its order."""
        return [entry for opened in self.opened for entry in opened.entries]

    @property
    def current(self) -> Opened | None:
        """Give the opening that the series on the screen belongs to, else the last one."""
        for opened in self.opened:
            if self.entry in (*opened.catalogue.volumes, *opened.pictures.values()):
                return opened
        return self.opened[0] if self.opened else None

    @property
    def is_opening(self) -> bool:
        """Tell whether something is being looked for or opened."""
        return self._job is not None

    @property
    def opening_title(self) -> str:
        """Name what is being opened."""
        return self._job.title if self._job else ""

    @property
    def opening_words(self) -> str:
        """Say how far the opening is; empty when nothing is being opened."""
        if self._job is None or self._job.entry is not None:
            return ""
        return headers_words(self._job.done, self._job.total)

    @property
    def title(self) -> str:
        """Name what is on the screen, or what is about to be."""
        if self._job is not None and self._job.entry is None:
            return self._job.title
        return self.current.title if self.current is not None else ""

    # -- the work ----------------------------------------------------------------------------------

    def _start(self, job: _Job) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = job
        self._run(lambda: self._work(job), "open")
        self.opening_changed.emit()

    def _work(self, job: _Job) -> None:
        """Run one job, in its own thread."""
        try:
            import loading
            from loading.qtpool import QtExecutor

            job.token = loading.CancelToken()
            if job.is_cancelled:
                job.token.cancel()
            entry = job.entry
            if entry is None:
                catalogue = loading.describe(job.uris, progress=job.progress, cancel=job.token)
                job.opened = Opened(job.uris, job.title, catalogue)
                entry = loading.first_choice(catalogue)
                if entry is None:
                    entry = next(iter(job.opened.pictures.values()), None)
            job.found = entry
            if job.after is not None:
                job.after.join()
            if entry is not None and not job.is_cancelled:
                job.volume = loading.open_entry(
                    entry, executor=QtExecutor(), memory_limit_bytes=self.memory_limit_bytes
                )
        except Exception as error:
            job.error = error
        try:
            self._finished.emit(job)
        except RuntimeError:
            # the window is gone
            if job.volume is not None:
                job.volume.close()

    def _take(self, job: _Job) -> None:
        """Take what a job found, on the GUI thread."""
        if job is not self._job:
            if job.volume is not None:
                self._close_later(job.volume)
            return
        self._job = None
        if job.opened is not None:
            self.opened = [one for one in self.opened if one.uris != job.opened.uris]
            self.opened.insert(0, job.opened)
        if job.volume is not None:
            self._set_volume(job.found, job.volume)
        if job.opened is not None:
            self.opened_changed.emit()
        self.opening_changed.emit()
        if self._can_make_room(job):
            self._set_volume(None, None)
            again = _Job(job.uris, job.title, job.found, after=self._threads[-1])
            self._start(again)
        elif job.error is not None:
            self._tell(job)
        elif job.volume is None:
            self.failed.emit(*_without_volume(job))

    def _set_volume(self, entry: VolumeEntry | None, volume: OpenVolume | None) -> None:
        before = self.volume
        if before is None and volume is None:
            self.entry = None
            return
        self.entry, self.volume = entry, volume
        self.volume_changed.emit()
        if before is not None:
            self._close_later(before)

    def _can_make_room(self, job: _Job) -> bool:
        """Tell whether a volume that was too large fits once the present one is closed."""
        from loading import TooLarge, memory

        if not isinstance(job.error, TooLarge) or self.volume is None or job.found is None:
            return False
        needed = job.found.spec.size_bytes
        room = memory.free_bytes() + self.volume.spec.size_bytes - memory.RESERVE_BYTES
        limit = self.memory_limit_bytes
        return needed <= room and (limit is None or needed <= limit)

    def _close_later(self, volume: OpenVolume) -> None:
        """Close a volume without waiting for its threads."""
        self._run(lambda: _close(volume), "close")

    def _run(self, work: Callable[[], None], name: str) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, name=name)
        thread.start()
        self._threads.append(thread)

    def _tell(self, job: _Job) -> None:
        from loading import LoadError, NothingFound

        error = job.error
        if isinstance(error, NothingFound) and len(error.catalogue.skipped) > 1:
            self.failed.emit(*_nothing_words(job.title, error))
            return
        if isinstance(error, LoadError):
            where = middle_words(error.where, 60)
            parts = [part.rstrip(".") + "." for part in (error.what, where, error.cure) if part]
            if len(error.what) > _TITLE_LENGTH:
                parts.insert(0, tr("\u201c{name}\u201d was not opened").format(name=job.title))
            self.failed.emit(parts[0], " ".join(parts[1:]))
            return
        _log.error("opening failed", exc_info=error)
        self.failed.emit(
            tr("{name} could not be opened.").format(name=job.title),
            tr("Something unexpected happened; the log file has the details."),
        )


def _close(volume: OpenVolume) -> None:
    if not volume.close():
        _log.warning("a load did not end in time")


def title_of(uris: Sequence[str]) -> str:
    """Name what is opened: the folder's or file's name, "and 2 more" for several."""
    first = uris[0].rstrip("/\\")
    name = Path(first).name or first
    if len(uris) == 1:
        return name
    return tr("{name} and {count} more").format(name=name, count=len(uris) - 1)


def _without_volume(job: _Job) -> tuple[str, str]:
    """Say that something was found, but nothing that has three dimensions."""
    count = len(job.opened.catalogue.images) if job.opened is not None else 0
    one = tr("What it holds is listed with the reason.")
    many = tr("{count} things that are no volume are listed with the reason.").format(count=count)
    return tr("\u201c{name}\u201d holds no volume.").format(name=job.title), (
        one if count == 1 else many
    )


def _nothing_words(name: str, error: NothingFound) -> tuple[str, str]:
    """Say that there is no image among many files, and what they are instead."""
    reasons = Counter(skipped.reason.rstrip(".") for skipped in error.catalogue.skipped)
    said = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(2))
    more = tr("; {count} other reasons").format(count=len(reasons) - 2) if len(reasons) > 2 else ""
    count = len(error.catalogue.skipped)
    text = tr("{count} files read: {reasons}.").format(count=count, reasons=said + more)
    return tr("No images found in \u201c{name}\u201d").format(name=name), " ".join(
        part for part in (text, f"{error.cure}." if error.cure else "") if part
    )


def _with_volumes(opened: Opened, volumes: tuple[VolumeEntry, ...]) -> Opened:
    catalogue = dataclasses.replace(opened.catalogue, volumes=volumes)
    return Opened(opened.uris, opened.title, catalogue)
