"""One load: conducts source, plan, queue, volume and threads, and is the handle people hold.

`OpenVolume` is what `open_volume` returns: the spec at once, the array filling in the background,
progress and status without Qt. Each `load` is a generation of its own; `cancel` ends it, another
`load` takes up what is missing.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

import numpy as np
import numpy.typing as npt

from loading import memory
from loading.catalogue import VolumeEntry
from loading.errors import Cancelled, LoadError, SourceError, unexpected
from loading.executor import Executor, ThreadExecutor
from loading.inflow import Inflow
from loading.plan import COARSE_FIRST, IN_ORDER, PROGRESSIVE, Order, Plan, plan_requests
from loading.request_queue import Demand, RequestQueue
from loading.slice_images import SliceImage, slice_image
from loading.sources.base import (
    FULL_RENDITION,
    Arrival,
    CancelToken,
    RemoteSource,
    Rendition,
    Request,
    Source,
    TagRow,
)
from loading.spec import ChunkKey, VolumeSpec
from loading.status import Status
from loading.values import ValueDigest, digest
from loading.volume import Change, ChunkFailed, Qualities, Volume

_log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
_COPY_SHARE, _COPY_CREDIT_S = 1 / 8, 0.02
"""A worker copies lent slices for at most this part of the time that it reads, and never for longer
than this at a stretch: a copy costs as much as reading an uncompressed slice, and would double the
time of a load whose own slices are there a moment later."""
_IDLE_COPY_S = 0.006
"""What a worker that waits for the line copies at a time: what arrives must not wait for it."""
_FINAL = int(Status.LOSSY)
"""From here on a chunk is as good as its data allow; see `Status.is_final`."""


class LoadState(Enum):
    """Say where a load stands."""

    CREATED = "created"
    LOADING = "loading"
    COMPLETE = "complete"
    COMPLETE_WITH_FAILURES = "complete with failures"
    CANCELLED = "cancelled"
    CLOSED = "closed"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will arrive unless somebody asks again."""
        return self not in (LoadState.CREATED, LoadState.LOADING)


@dataclass(frozen=True, slots=True)
class Progress:
    """Count how far a load is; counts are chunks of all time points, absent ones left out."""

    total: int
    full: int
    own: int
    shown: int
    failed: int
    bytes_read: int
    elapsed_s: float
    remaining_s: float | None


class OpenVolume:
    """Hold an opened volume: spec, buffer, statuses, and the load that fills it.

    Parameters
    ----------
    entry : VolumeEntry
        What to open; its source is opened here and closed with the volume.
    plan : Plan
        In which order to read.
    executor : Executor, optional
        Who supplies threads; plain ones by default.
    worker_count : int, optional
        Threads that read and decode; by default one a core.
    replicate : bool
        Whether slices that have nothing yet may show a neighbour's.
    memory_limit_bytes : int, optional
        The user's own limit on one volume.

    Raises
    ------
    TooLarge
        When the buffer does not fit into free memory; both numbers are in the message.
    """

    def __init__(
        self,
        entry: VolumeEntry,
        *,
        plan: Plan = COARSE_FIRST,
        executor: Executor | None = None,
        worker_count: int | None = None,
        replicate: bool = True,
        memory_limit_bytes: int | None = None,
    ) -> None:
        self.spec: VolumeSpec = entry.spec
        name = self.spec.label or self.spec.path
        memory.check(self.spec.size_bytes, name, memory_limit_bytes)
        self._source: Source = _opened(entry)
        self._remote = _remote(self._source)
        if self._remote is not None and plan is COARSE_FIRST:
            plan = PROGRESSIVE
        # any other order would read a stream from its beginning again for every slice
        self.plan = plan = IN_ORDER if getattr(self._source, "in_order", False) else plan
        # whoever drops the volume without closing it must not leave files open
        self._finalizer = weakref.finalize(self, self._source.close)
        try:
            self._volume = Volume(self.spec, replicate=replicate)
        except MemoryError as error:
            raise memory.refused(self.spec.size_bytes, name) from error
        self._executor = executor or ThreadExecutor()
        self._worker_count = worker_count or os.cpu_count() or 1
        self._queue = RequestQueue(
            _needed_by(self._volume),
            [stage.order is Order.DISTANCE for stage in plan.stages],
            centre=_middle(self.spec, is_remote=self._remote is not None),
            best_first=self._remote is not None,
        )
        self._inflow: Inflow | None = None
        self._state = LoadState.CREATED
        self._over = threading.Condition(threading.RLock())
        self._token = CancelToken()
        self._active_workers = 0
        self._bytes_read = 0
        self._requests = 0
        self.started_s = time.perf_counter()
        self._ended_s: float | None = None

    # -- what people read ---------------------------------------------------------------------

    @property
    def array(self) -> npt.NDArray[np.generic]:
        """Give the buffer itself: [k,j,i], or [t,k,j,i] when there are several time points."""
        buffer = self._volume.buffer
        return self.stored(0) if self.spec.time_points == 1 else buffer

    def stored(self, t: int = 0) -> npt.NDArray[np.generic]:
        """Give the array values of one time point, shape [k,j,i]: a view of the buffer."""
        plane: npt.NDArray[np.generic] = self._volume.buffer[t]
        return plane

    def colour(self, t: int = 0) -> npt.NDArray[np.generic] | None:
        """Give red, green and blue of one time point, [k,j,i,3]; None where there is no colour."""
        return None if self._volume.colour is None else self._volume.colour[t]

    def status(self, k: int, t: int = 0) -> Status:
        """Tell how good slice k is."""
        return self._volume.status(ChunkKey(t, 0, k))

    def qualities(self, t: int = 0) -> Qualities:
        """Copy the record of every slice of a time point."""
        return self._volume.qualities(t)

    def tags(self, k: int) -> list[TagRow]:
        """Give the header of slice k's file as text, for people; empty where the source has none.

        Raises
        ------
        LoadError
            When the file cannot be read any more.
        """
        read = getattr(self._source, "tags", None)
        return [] if read is None else list(read(k))

    @property
    def failures(self) -> dict[ChunkKey, ChunkFailed]:
        """Give the chunks that could not be read, with the reason of each."""
        return dict(self._volume.failures)

    @property
    def state(self) -> LoadState:
        """Tell where the load stands."""
        return self._state

    @property
    def revision(self) -> int:
        """Count the changes so far; see `changes_since`."""
        return self._volume.revision

    def changes_since(self, revision: int) -> tuple[int, list[ChunkKey]]:
        """Give the revision now and the chunks that changed since the one given, each once."""
        now, changes = self._volume.changes_since(revision)
        return now, list(dict.fromkeys(change.chunk for change in changes))

    def history(self) -> list[Change]:
        """Give every change so far, with its time; the timeline of a load is made from it."""
        return self._volume.changes_since(0)[1]

    def listen(self, wake: Callable[[], None] | None) -> None:
        """Set who is woken (from a worker) once each time there is something new to pull."""
        self._volume.listen(wake)

    @property
    def progress(self) -> Progress:
        """Count how far the load is."""
        full = own = shown = 0
        for t in range(self.spec.time_points):
            status = self._volume.qualities(t).status
            full += int((status >= Status.LOSSY).sum())
            own += int((status >= Status.SUBRESOLUTION).sum())
            shown += int((status > Status.EMPTY).sum())
        total = self.spec.chunk_count
        elapsed = (self._ended_s or time.perf_counter()) - self.started_s
        left = total - full - len(self._volume.failures)
        known = self._state is LoadState.LOADING and full > 0 and elapsed > 0.5
        remaining = elapsed * left / full if known else None
        failed = len(self._volume.failures)
        return Progress(total, full, own, shown, failed, self.bytes_read, elapsed, remaining)

    @property
    def bytes_read(self) -> int:
        """Count the bytes read so far, as they lie in the source; over a line all that came."""
        return self._bytes_read if self._remote is None else self._remote.received[0]

    @property
    def metadata_s(self) -> tuple[float, float] | None:
        """Give when the metadata were asked for and when they were there, of what is on a line."""
        return None if self._remote is None else self._remote.metadata_s

    @property
    def requests(self) -> int:
        """Count the reads made so far; over a line the requests that were sent."""
        return self._requests if self._remote is None else self._remote.received[1]

    def slice_image(self, k: int, t: int = 0) -> SliceImage:
        """Give slice k as a 2D image with its geometry; shares memory, reads nothing again."""
        return slice_image(self.spec, self._volume.buffer[t, k], k, self.status(k, t))

    def digest(self, t: int = 0) -> ValueDigest:
        """Hash one time point, slice by slice: its values, or its red, green and blue.

        A slice that is not complete counts as missing.
        """
        return digest(self.spec, self._present_planes(t))

    # -- what people do -----------------------------------------------------------------------

    def load(self) -> None:
        """Start, or go on where an earlier load was cancelled; does nothing while loading.

        Raises
        ------
        LoadError
            When the system gives no thread.
        """
        with self._over:
            if self._state in (LoadState.LOADING, LoadState.CLOSED):
                return
            self._state = LoadState.LOADING
            self.started_s, self._ended_s = time.perf_counter(), None
            token = self._token = CancelToken()
            generation = self._volume.new_generation()
            self._queue.clear()
            self._active_workers = 0
            if self._remote is not None:
                self._inflow = Inflow(self._remote, self._queue, token)
            self._start_workers(1, lambda: self._plan_and_drain(token, generation))
            if self._state is not LoadState.LOADING:
                raise SourceError(
                    "No thread can be started", where=self.spec.path, cure="Close other programs"
                )

    def prefer(self, demand: Demand) -> None:
        """Say what the eye is on: those slices come first from now on."""
        self._queue.prefer(demand)
        if self._inflow is not None:
            self._inflow.turn()

    def weigh(self, area: float) -> None:
        """Say how much of the screen shows the volume; 0: nothing.

        Volumes that load over one line share it by that. What nobody sees comes when the others
        have what they need.
        """
        if self._remote is not None:
            self._remote.weigh(area)

    def wait(self, timeout_s: float | None = None) -> LoadState:
        """Wait until the load is over, or the time is; give the state then."""
        with self._over:
            self._over.wait_for(lambda: self._state.is_over, timeout_s)
            return self._state

    def cancel(self) -> None:
        """Stop: nothing is committed after this returns; what is there stays."""
        with self._over:
            if self._state is not LoadState.LOADING:
                return
            self._token.cancel()
            if self._inflow is not None:
                self._inflow.stop()
            self._volume.new_generation()
            self._queue.clear()
            self._finish(LoadState.CANCELLED)

    def retry_failed(self) -> None:
        """Ask again for the chunks that failed."""
        self.load()

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """End the load and every thread of it, and let go of the source.

        Returns
        -------
        bool
            False when a thread was still inside a decoder after `timeout_s`; it ends with its read.
        """
        with self._over:
            self.cancel()
            self._finish(LoadState.CLOSED)
        ended = self._executor.join(timeout_s)
        self._volume.listen(None)
        self._finalizer()
        return ended

    def __enter__(self) -> OpenVolume:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- workers ------------------------------------------------------------------------------

    def _plan_and_drain(self, token: CancelToken, generation: int) -> None:
        """Ask for everything, then become one of the workers.

        Not done by whoever calls `load`: what a source offers may have to be read from a file.
        """
        slices = [k for k in range(self.spec.shape_kji[0]) if k not in self.spec.absent]
        for t in range(self.spec.time_points):
            requests = self._requests_of(slices, t, generation)
            with self._over:
                if token is not self._token or token.is_cancelled:
                    return
                self._queue.add(requests)
                if t == 0:
                    self._start_workers(
                        self._worker_count - 1, lambda: self._drain(token, generation)
                    )
            if self._inflow is not None:
                self._inflow.look()
        if self._inflow is not None:
            self._inflow.planned()
        self._drain(token, generation)

    def _requests_of(self, slices: Sequence[int], t: int, generation: int) -> list[Request]:
        try:
            first = None if self._remote is None else _middle(self.spec, is_remote=True)
            return list(
                plan_requests(self.plan, slices, self._offers, t, self._volume.status, first)
            )
        except Exception as error:  # offers that are none: whatever they make the plan do
            _log.exception("time point %d cannot be planned", t)
            lacking = [c for c in self.spec.chunks(t) if self._volume.status(c) < _FINAL]
            for chunk in lacking:
                self._volume.fail(chunk, str(unexpected(error)), generation)
            return []

    def _offers(self, chunk: ChunkKey) -> Sequence[Rendition]:
        """Give what the source offers; a source that cannot tell will fail when it is read."""
        try:
            return self._source.renditions(chunk) or (FULL_RENDITION,)
        except Exception:
            _log.exception("what slice %d offers is not known", chunk.index)
            return (FULL_RENDITION,)

    def _start_workers(self, count: int, run: Callable[[], None]) -> None:
        """Start workers for the present load, as many as there are threads; the lock is held."""
        try:
            for _ in range(count):
                self._executor.start(1, run, yields=self._remote is None)
                self._active_workers += 1
        except RuntimeError:
            _log.warning("only %d of %d threads are given", self._active_workers, count)
            if not self._active_workers:
                self.cancel()

    def _drain(self, token: CancelToken, generation: int) -> None:
        """Read until there is nothing left, or somebody says stop. Runs in each worker."""
        if self._inflow is not None:
            self._drain_inflow(self._inflow, token, generation)
            return
        credit_s = _COPY_CREDIT_S
        while not token.is_cancelled and (request := self._queue.take()) is not None:
            started_s = time.perf_counter()
            try:
                self._serve(request, token, generation)
            finally:
                self._queue.done(request.chunk)
            credit_s += (time.perf_counter() - started_s) * _COPY_SHARE
            credit_s = min(credit_s, _COPY_CREDIT_S)
            credit_s -= self._volume.fill_borrowed(credit_s, generation)
        self._leave(token)

    def _drain_inflow(self, inflow: Inflow, token: CancelToken, generation: int) -> None:
        """Decode what arrives until nothing more will, or somebody says stop."""
        credit_s = _COPY_CREDIT_S

        def copy() -> None:
            self._volume.fill_borrowed(_IDLE_COPY_S, generation)

        while (arrival := inflow.next(copy)) is not None:
            started_s = time.perf_counter()
            again = False
            try:
                again = self._serve_arrival(arrival, token, generation)
            finally:
                inflow.placed(arrival, again=again)
            credit_s += (time.perf_counter() - started_s) * _COPY_SHARE
            credit_s = min(credit_s, _COPY_CREDIT_S)
            credit_s -= self._volume.fill_borrowed(credit_s, generation)
        self._leave(token)

    def _leave(self, token: CancelToken) -> None:
        """End a worker's part; the last one of a load sees to what is left, and ends the load."""
        with self._over:
            if token is self._token:
                self._active_workers -= 1
            if self._state is not LoadState.LOADING or self._active_workers:
                return
            if len(self._queue):
                # they waited for a chunk that a worker of a cancelled load was still reading. That
                # worker comes by here too; whoever comes last finds them given back and has them
                # taken, the other finds that there is somebody left to do it
                if self._queue.has_takeable:
                    token, generation = self._token, self._volume.generation
                    self._start_workers(self._worker_count, lambda: self._drain(token, generation))
                return
        # whatever failed shows its neighbour; nobody else will copy that any more
        self._volume.fill_borrowed(unasked=True, generation=self._volume.generation)
        with self._over:
            if self._state is LoadState.LOADING and not self._active_workers:
                failed = bool(self._volume.failures)
                self._finish(LoadState.COMPLETE_WITH_FAILURES if failed else LoadState.COMPLETE)

    def _serve(self, request: Request, token: CancelToken, generation: int) -> None:
        chunk = request.chunk
        stage = self.plan.stages[request.stage]
        try:
            out = self._volume.begin(chunk)
            delivered = self._source.read(request, out, token)
            self._bytes_read += delivered.bytes_read
            self._requests += 1
            self._volume.commit(
                chunk, out, delivered, generation, stage.lend, lend_nearest=stage.lend_nearest
            )
        except Cancelled:
            self._volume.abandon(chunk)
        except LoadError as error:
            self._volume.fail(chunk, str(error), generation)
        except Exception as error:
            _log.exception("slice %d could not be read", chunk.index)
            self._volume.fail(chunk, str(unexpected(error)), generation)

    def _serve_arrival(self, arrival: Arrival, token: CancelToken, generation: int) -> bool:
        """Decode what arrived and commit it; tell whether it has to be asked for once more."""
        request, chunk = arrival.request, arrival.request.chunk
        stage = self.plan.stages[request.stage]
        remote = self._remote
        assert remote is not None
        if arrival.error is not None:
            self._volume.fail(chunk, str(arrival.error), generation)
            return False
        try:
            out = self._volume.begin(chunk)
            delivered = remote.place(arrival, out, token)
            self._volume.commit(
                chunk, out, delivered, generation, stage.lend, lend_nearest=stage.lend_nearest
            )
        except Cancelled:
            self._volume.abandon(chunk)
        except Exception as error:
            if not isinstance(error, LoadError):
                _log.exception("slice %d could not be decoded", chunk.index)
                error = unexpected(error)
            again = remote.can_retry(chunk) and not token.is_cancelled
            if again or not arrival.is_last:
                self._volume.abandon(chunk)
                return again and arrival.is_last
            self._volume.fail(chunk, str(error), generation)
        return False

    def _finish(self, state: LoadState) -> None:
        """Change the state for good; called with the lock held."""
        self._state = state
        self._ended_s = self._ended_s or time.perf_counter()
        self._over.notify_all()

    def _present_planes(self, t: int) -> Iterator[npt.NDArray[np.generic] | None]:
        status = self.qualities(t).status
        colour = self.colour(t)
        shown = self.stored(t) if colour is None else colour
        for k in range(self.spec.shape_kji[0]):
            is_final = status[k] >= Status.LOSSY and k not in self.spec.absent
            yield shown[k] if is_final else None


def _middle(spec: VolumeSpec, *, is_remote: bool) -> int:
    """Give the slice that is in the middle: over a line the one that a viewer will show first."""
    count = spec.shape_kji[0]
    middle = (count - 1) // 2
    if is_remote:
        present = [k for k in range(count) if k not in spec.absent]
        middle = min(present, key=lambda k: (abs(k - count // 2), k), default=middle)
    return middle


def _remote(source: Source) -> RemoteSource | None:
    """Give the source as one that comes over a line, if it is one."""
    return cast("RemoteSource", source) if getattr(source, "is_remote", False) else None


def _opened(entry: VolumeEntry) -> Source:
    try:
        return entry.open()
    except LoadError:
        raise
    except Exception as error:  # a third party's source
        raise unexpected(error, entry.spec.path) from error


def _needed_by(volume: Volume) -> Callable[[Request], bool]:
    """Give the queue its question: would this request still gain anything.

    A function of the record alone: a method of `OpenVolume` would tie it into a circle with its
    queue, and a volume that is let go of must give its memory back at once.
    """

    def is_needed(request: Request) -> bool:
        have = volume.rank(request.chunk)
        # a failed chunk waits for the stage that retries, or for the next load
        return have[0] < _FINAL and have < (request.rendition.gives, -request.rendition.level)

    return is_needed
