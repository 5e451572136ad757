"""What is open: catalogues, the series in each column, and the threads that open and close them.

Describing and opening run in a thread of their own; the window is told by one queued signal. The
engine is imported in that thread too, so that the first window is painted without it.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.allocator import give_back
from app.opening_words import failure_of, title_of, without_volume
from app.status_words import headers_words

if TYPE_CHECKING:
    from loading import Catalogue, OpenVolume, VolumeEntry
    from loading.sources.base import CancelToken

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
_FIRST_SEEN_MS = 100
"""What the views take to paint the first slice of a series, with some room."""
_FIRST_WAIT_S = 0.4
LEFT, RIGHT = 0, 1


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
class Column:
    """What one column of the window shows; nothing until something has been opened.

    `is_flat` says that it is pictures, not a volume.
    """

    entry: VolumeEntry | None = None
    volume: OpenVolume | None = None
    is_flat: bool = False


@dataclass(slots=True, eq=False)
class _Job:
    """One opening under way; its thread writes, the window reads.

    `column` is where the volume goes, None for a new column; `beside_bytes` what the other column
    takes; `after` a thread that must have ended before memory is taken.
    """

    uris: tuple[str, ...]
    title: str
    entry: VolumeEntry | None = None
    column: Column | None = None
    limit_bytes: int | None = None
    beside_bytes: int = 0
    done: int = 0
    total: int = 0
    token: CancelToken | None = None
    is_cancelled: bool = False
    opened: Opened | None = None
    found: VolumeEntry | None = None
    volume: OpenVolume | None = None
    error: Exception | None = None
    after: threading.Thread | None = None
    first: VolumeEntry | None = None
    seen: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int) -> None:
        """Take a count from the engine."""
        self.done, self.total = done, total

    def cancel(self) -> None:
        """Say stop; the thread ends at its next look."""
        self.is_cancelled = True
        if self.token is not None:
            self.token.cancel()


class Session(QObject):
    """Hold what is open and open more.

    Attributes
    ----------
    columns : list of Column
        One, or two side by side.
    active : Column
        The one that commands are about; `entry` and `volume` are its own.
    adjust : callable
        Gives a catalogue with what the user has said before; called on the thread that opens.

    Signals
    -------
    volume_changed
        A column shows something else, or there are more or fewer of them.
    active_changed
        Commands are about the other column.
    failed(Failure)
        Something could not be opened.
    """

    opening_changed = Signal()
    opened_changed = Signal()
    volume_changed = Signal()
    volume_moved = Signal()
    active_changed = Signal()
    failed = Signal(object)
    _finished = Signal(object)
    _first_found = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.opened: list[Opened] = []
        self.active = Column()
        self.columns = [self.active]
        self.memory_limit_bytes: int | None = None
        self.adjust: Callable[[Catalogue], Catalogue] = lambda catalogue: catalogue
        self._job: _Job | None = None
        self._threads: list[threading.Thread] = []
        self._first_found.connect(self._take_first, Qt.ConnectionType.QueuedConnection)
        self._finished.connect(self._take, Qt.ConnectionType.QueuedConnection)

    # -- what is asked for -------------------------------------------------------------------------

    def open(self, uris: Sequence[str], place: int | None = None) -> None:
        """Look for volumes and open the one that comes first.

        Parameters
        ----------
        place : int, optional
            LEFT or RIGHT, which is made where there is one column; else the active column.
        """
        if uris:
            self._start(_Job(tuple(uris), title_of(uris), column=self._column_at(place)))

    def select(self, entry: VolumeEntry, place: int | None = None) -> None:
        """Open one of the series found; one that is on the screen already is made the active."""
        column = self._column_at(place)
        if column is not None and entry is column.entry:
            self.activate(column)
            return
        shown = next((one for one in self.columns if one.entry is entry), None)
        if place is None and shown is not None:
            self.activate(shown)
        else:
            self._start(_Job((), entry.spec.label, entry, column=column))

    def exchange(self, entry: VolumeEntry, other: VolumeEntry) -> None:
        """Put another entry in the place of one in the list, and open it where that one was."""
        for place, one in enumerate(self.opened):
            if entry in one.catalogue.volumes:
                volumes = tuple(other if v is entry else v for v in one.catalogue.volumes)
                self.opened[place] = _with_volumes(one, volumes)
                self.opened_changed.emit()
        self._start(_Job((), other.spec.label, other, column=self.active))

    def activate(self, column: Column) -> None:
        """Make a column the one that commands are about."""
        if column is not self.active and column in self.columns:
            self.active = column
            self.active_changed.emit()

    def step(self, steps: int) -> None:
        """Open the series before or after the present one."""
        entries = self.entries
        if self.entry in entries:
            place = entries.index(self.entry) + steps
            if 0 <= place < len(entries):
                # in this column, even if the other one shows it too
                entry = entries[place]
                self._start(_Job((), entry.spec.label, entry, column=self.active))

    def stop_opening(self) -> None:
        """Stop looking for images; what was open stays."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self._drop_empty()
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
        for column in [one for one in self.columns if one.entry is entry]:
            self.close_column(column)
        self.opened_changed.emit()

    def close_column(self, column: Column) -> None:
        """Close what a column shows; the other one has the room for itself then."""
        if len(self.columns) > 1:
            self.columns.remove(column)
            self.active = self.columns[0]
        self._set_volume(column, None, None)

    def pause(self) -> None:
        """Stop loading; what is there stays."""
        for volume in self.volumes:
            if not volume.state.is_over:
                self._run(volume.cancel, "pause")

    def go_on(self) -> None:
        """Take loading up where it was."""
        for volume in self.volumes:
            if volume.state.name == "CANCELLED":
                volume.load()
        self.volume_moved.emit()

    def retry(self) -> None:
        """Try again what could not be read."""
        for volume in self.volumes:
            if volume.failures:
                volume.retry_failed()
        self.volume_moved.emit()

    def close(self) -> None:
        """Close everything; at once, without a question."""
        self.stop_opening()
        self.opened.clear()
        for column in list(self.columns):
            self.close_column(column)
        self.opened_changed.emit()

    def join(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Wait for the threads that open and close volumes; tell whether all have ended."""
        ends_s = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, ends_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # -- what is there -----------------------------------------------------------------------------

    @property
    def entry(self) -> VolumeEntry | None:
        """Give the series in the active column."""
        return self.active.entry

    @property
    def volume(self) -> OpenVolume | None:
        """Give the volume in the active column."""
        return self.active.volume

    @property
    def volumes(self) -> list[OpenVolume]:
        """Give the volumes on the screen, from left to right."""
        return [one.volume for one in self.columns if one.volume is not None]

    @property
    def is_flat(self) -> bool:
        """Tell whether the active column shows pictures that are no volume."""
        return self.active.is_flat

    @property
    def entries(self) -> list[VolumeEntry]:
        """Give every volume of the list, in its order."""
        return [entry for opened in self.opened for entry in opened.entries]

    @property
    def current(self) -> Opened | None:
        """Give the opening that the series in the active column belongs to, else the last one."""
        return self._opened_of(self.active) or (self.opened[0] if self.opened else None)

    @property
    def shown(self) -> list[Opened]:
        """Give the openings that something on the screen belongs to."""
        found = [self._opened_of(column) for column in self.columns]
        known = [one for one in dict.fromkeys(found) if one is not None]
        return known or self.opened[:1]

    def kind_of(self, column: Column) -> str:
        """Say what kind of pictures a column shows that are no volume."""
        for opened in self.opened:
            for image in opened.catalogue.images:
                if opened.pictures.get(image.path) is column.entry is not None:
                    return image.kind
        return ""

    def _opened_of(self, column: Column) -> Opened | None:
        for opened in self.opened:
            if column.entry in (*opened.catalogue.volumes, *opened.pictures.values()):
                return opened
        return None

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
        return " | ".join(opened.title for opened in self.shown)

    # -- the work ----------------------------------------------------------------------------------

    def _column_at(self, place: int | None) -> Column | None:
        """Give a column by its place; None for one that has to be made."""
        if place is None or self.columns[0].volume is None:
            return self.active
        return self.columns[place] if place < len(self.columns) else None

    def _start(self, job: _Job) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = job
        others = [one.volume for one in self.columns if one is not job.column]
        job.beside_bytes = sum(one.spec.size_bytes for one in others if one is not None)
        if self.memory_limit_bytes is not None:
            job.limit_bytes = max(0, self.memory_limit_bytes - job.beside_bytes)
        self._run(lambda: self._work(job), "open")
        self.opening_changed.emit()

    def _work(self, job: _Job) -> None:
        """Run one job, in its own thread."""
        try:
            import loading
            from app import demo
            from loading.qtpool import QtExecutor

            demo.register()
            job.token = loading.CancelToken()
            if job.is_cancelled:
                job.token.cancel()
            entry = job.entry
            if entry is None:
                catalogue = loading.describe(
                    job.uris,
                    progress=job.progress,
                    cancel=job.token,
                    first=lambda best: self._open_first(job, best),
                )
                catalogue = self.adjust(catalogue)
                job.opened = Opened(job.uris, job.title, catalogue)
                entry = again_in(catalogue, job.first) or loading.first_choice(catalogue)
                if entry is None:
                    entry = next(iter(job.opened.pictures.values()), None)
            job.found = entry
            if job.after is not None:
                job.after.join()
            shown = "" if job.first is None else job.first.spec.key
            if entry is not None and entry.spec.key != shown and not job.is_cancelled:
                job.volume = loading.open_entry(
                    entry, executor=QtExecutor(), memory_limit_bytes=job.limit_bytes
                )
        except Exception as error:
            job.error = error
        try:
            self._finished.emit(job)
        except RuntimeError:
            # the window is gone
            if job.volume is not None:
                job.volume.close()

    def _open_first(self, job: _Job, best: VolumeEntry) -> None:
        """Open the best series so far, in the thread that goes on to look at files.

        It waits a moment, so that the first slice is painted while nobody else wants the
        interpreter.
        """
        import loading
        from loading.qtpool import QtExecutor

        try:
            volume = loading.open_entry(
                best, executor=QtExecutor(), memory_limit_bytes=job.limit_bytes
            )
        except loading.LoadError:
            return  # it will be told when the list is there
        try:
            job.first = best
            self._first_found.emit(job, volume)
        except RuntimeError:
            volume.close()
            return
        job.seen.wait(_FIRST_WAIT_S)

    def _take_first(self, job: _Job, volume: OpenVolume) -> None:
        """Show the best series so far; the list has it alone until all files were looked at."""
        if job is not self._job or job.first is None:
            self._close_later(volume)
            return
        from loading import Catalogue, notice

        told = (notice("still_reading"),)
        self._list(Opened(job.uris, job.title, Catalogue("", volumes=(job.first,), warnings=told)))
        job.column = self._column_for(job)
        self._set_volume(job.column, job.first, volume)
        self.opened_changed.emit()
        QTimer.singleShot(_FIRST_SEEN_MS, job.seen.set)

    def _take(self, job: _Job) -> None:
        """Take what a job found, on the GUI thread."""
        if job is not self._job:
            if job.volume is not None:
                self._close_later(job.volume)
            return
        self._job = None
        if job.opened is not None:
            self._list(job.opened)
        if job.volume is not None:
            self._set_volume(self._column_for(job), job.found, job.volume)
        if job.opened is not None:
            self.opened_changed.emit()
        self.opening_changed.emit()
        if self._can_make_room(job) and job.column is not None:
            self._set_volume(job.column, None, None)
            again = _Job(job.uris, job.title, job.found, job.column, after=self._threads[-1])
            self._start(again)
            return
        self._drop_empty()
        if job.error is not None:
            self._tell(job)
        elif job.volume is None and job.first is None:
            count = len(job.opened.catalogue.images) if job.opened is not None else 0
            self.failed.emit(without_volume(job.title, count))

    def _list(self, opened: Opened) -> None:
        """Put what was opened first; it takes the place of the same thing opened before."""
        self.opened = [one for one in self.opened if one.uris != opened.uris]
        self.opened.insert(0, opened)
        for column in self.columns:
            if column.entry is not None and self._opened_of(column) is None:
                again = (*opened.entries, *opened.pictures.values())
                same = [one for one in again if one.spec.key == column.entry.spec.key]
                column.entry = same[0] if same else column.entry

    def _drop_empty(self) -> None:
        """Take away a column whose volume made room for one that did not come."""
        for column in [one for one in self.columns if one.volume is None]:
            if len(self.columns) > 1:
                self.close_column(column)

    def _column_for(self, job: _Job) -> Column:
        """Give the column that a job's volume goes to, making it where that was asked for."""
        if job.column is None and len(self.columns) == 1:
            self.columns.append(Column())
        if job.column is None:
            return self.columns[-1]
        return job.column if job.column in self.columns else self.active

    def _set_volume(
        self, column: Column, entry: VolumeEntry | None, volume: OpenVolume | None
    ) -> None:
        before = column.volume
        column.entry, column.volume = entry, volume
        column.is_flat = entry is not None and entry not in self.entries
        if volume is not None:
            self.active = column
        if before is None and volume is None and column in self.columns:
            return
        self.volume_changed.emit()
        if before is not None:
            self._close_later(before)

    def _can_make_room(self, job: _Job) -> bool:
        """Tell whether a volume that was too large fits once the one in its column is closed."""
        from loading import TooLarge, memory

        before = job.column.volume if job.column is not None else None
        if not isinstance(job.error, TooLarge) or before is None or job.found is None:
            return False
        needed = job.found.spec.size_bytes
        room = memory.free_bytes() + before.spec.size_bytes - memory.RESERVE_BYTES
        return needed <= room and (job.limit_bytes is None or needed <= job.limit_bytes)

    def _close_later(self, volume: OpenVolume) -> None:
        """Close a volume without waiting for its threads."""
        self._run(lambda: _close(volume), "close")

    def _run(self, work: Callable[[], None], name: str) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, name=name)
        thread.start()
        self._threads.append(thread)

    def _tell(self, job: _Job) -> None:
        from loading import LoadError

        assert job.error is not None
        if not isinstance(job.error, LoadError):
            _log.error("opening failed", exc_info=job.error)
        self.failed.emit(failure_of(job.title, job.uris, job.error, job.beside_bytes))


def again_in(catalogue: Catalogue, first: VolumeEntry | None) -> VolumeEntry | None:
    """Find the series that was shown first in the whole list, so that the choice does not jump."""
    if first is None:
        return None
    same = [one for one in catalogue.volumes if one.spec.key == first.spec.key]
    uid = first.spec.series_uid
    same = same or [one for one in catalogue.volumes if uid and one.spec.series_uid == uid]
    return max(same, key=lambda one: one.spec.chunk_count, default=None)


def _close(volume: OpenVolume) -> None:
    if not volume.close():
        _log.warning("a load did not end in time")
    give_back()


def _with_volumes(opened: Opened, volumes: tuple[VolumeEntry, ...]) -> Opened:
    catalogue = dataclasses.replace(opened.catalogue, volumes=volumes)
    return Opened(opened.uris, opened.title, catalogue)
