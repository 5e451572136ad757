"""The volume in memory: one buffer, a status for each chunk, and a log of what changed.

The truth on what is shown and how good it is. Knows neither files nor views. One lock, held for
microseconds; pixels are read and copied outside it, and each plane has one writer at a time.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loading.colour import put_luminance
from loading.plan import Lend
from loading.sources.base import Delivered
from loading.spec import ChunkKey, VolumeSpec
from loading.status import Status

_log = logging.getLogger(__name__)

NOTHING = -1
# Plain integers: these are compared some ten thousand times a load, and an enum's members are slow
# to look up.
_OWN = int(Status.SUBRESOLUTION)
_NEAR, _FAR = int(Status.NEAR_REPLICATE), int(Status.FAR_REPLICATE)


class Change(NamedTuple):
    """One line of the change log; `time_s` is `time.perf_counter()`."""

    time_s: float
    chunk: ChunkKey
    status: int
    level: int


@dataclass(frozen=True, slots=True)
class ChunkFailed:
    """Say why a chunk could not be read; it may still show a coarse or a borrowed picture."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Qualities:
    """How good each slice of one time point is, at one moment.

    Attributes
    ----------
    status, level : array of uint8, length k
        `Status`; reduction of resolution of own data (0 is full size).
    source : array of int32, length k
        Slice whose data it shows or is to show: its own index, a neighbour's, -1 for none.
    content : array of int32, length k
        Slice whose pixels lie in this plane now; -1: none, the plane must be drawn blank.
    failed : dict
        Reason for each slice that could not be read.
    absent : frozenset of int
        Planes for which the series has no slice.
    """

    status: npt.NDArray[np.uint8]
    source: npt.NDArray[np.int32]
    content: npt.NDArray[np.int32]
    level: npt.NDArray[np.uint8]
    failed: dict[int, str] = field(default_factory=dict)
    absent: frozenset[int] = frozenset()


class _TimePoint:
    """The records of one time point; plain byte and integer arrays, written under the lock."""

    __slots__ = ("content", "copying", "level", "source", "status", "to_copy", "writing")

    def __init__(self, count: int) -> None:
        self.status = bytearray(count)
        self.level = bytearray(count)
        self.writing = bytearray(count)
        self.copying = bytearray(count)
        self.source = array("i", [NOTHING]) * count
        self.content = array("i", [NOTHING]) * count
        self.to_copy: set[int] = set()


class Volume:
    """Own the buffer of a volume and the record of each of its slices.

    The buffer is allocated once, untouched (its pages come as workers write them), and its address
    never changes. A plane holds what `Qualities.content` says; -1 means garbage or zeros.

    Parameters
    ----------
    spec : VolumeSpec
        What the volume is; its chunks are whole slices here.
    replicate : bool
        Whether slices that have nothing yet may show a neighbour's.
    """

    def __init__(self, spec: VolumeSpec, *, replicate: bool = True) -> None:
        self.spec = spec
        self._replicate = replicate
        count = spec.shape_kji[0]
        self.buffer: npt.NDArray[np.generic] = np.empty(
            (spec.time_points, *spec.shape_kji), spec.dtype
        )
        self.colour: npt.NDArray[np.generic] | None = None
        if spec.is_colour:
            self.colour = np.empty((*self.buffer.shape, spec.samples), spec.dtype)
        self._points = [_TimePoint(count) for _ in range(spec.time_points)]
        self._bounds = _runs_without(spec.absent, count)
        self._lock = threading.Lock()
        self._copied = threading.Condition(self._lock)
        self._log: list[Change] = []
        self._is_read = True
        self._copies_wanted = False
        self._wake: Callable[[], None] | None = None
        self._generation = 0
        self.failures: dict[ChunkKey, ChunkFailed] = {}

    # -- what readers ask ---------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Count the changes so far."""
        return len(self._log)

    def status(self, chunk: ChunkKey) -> Status:
        """Tell how good a chunk is."""
        return Status(self._points[chunk.t].status[chunk.index])

    def level(self, chunk: ChunkKey) -> int:
        """Tell at which reduction of resolution a chunk's own data are."""
        return self._points[chunk.t].level[chunk.index]

    def rank(self, chunk: ChunkKey) -> tuple[int, int]:
        """Give what a delivery must beat to be worth having: status, and level with a minus."""
        t, _, k = chunk
        point = self._points[t]
        return point.status[k], -point.level[k]

    def qualities(self, t: int = 0) -> Qualities:
        """Copy the records of one time point, consistently; costs microseconds."""
        point = self._points[t]
        with self._lock:
            return Qualities(
                np.frombuffer(point.status, np.uint8).copy(),
                np.frombuffer(point.source, np.int32).copy(),
                np.frombuffer(point.content, np.int32).copy(),
                np.frombuffer(point.level, np.uint8).copy(),
                {c.index: f.reason for c, f in self.failures.items() if c.t == t},
                self.spec.absent,
            )

    def changes_since(self, revision: int) -> tuple[int, list[Change]]:
        """Give what changed after a revision, and the revision to ask with next time.

        Asking also says that somebody looks: planes that borrow are then filled by a worker.
        """
        with self._lock:
            self._is_read = True
            self._copies_wanted = True
            return len(self._log), self._log[revision:]

    def listen(self, wake: Callable[[], None] | None) -> None:
        """Set who is woken, once each time the log turns from read to unread."""
        with self._lock:
            self._wake = wake
            unread = bool(self._log)
            self._is_read = not unread
        if unread:
            _call(wake)

    # -- what writers do ----------------------------------------------------------------------

    @property
    def generation(self) -> int:
        """Number the load that may write now; what an older one delivers is dropped."""
        return self._generation

    def new_generation(self) -> int:
        """Shut out every writer so far; no commit of theirs happens after this returns."""
        with self._lock:
            self._generation += 1
            while any(any(point.copying) for point in self._points):
                self._copied.wait()  # a copy that has begun takes a fraction of a millisecond
            return self._generation

    def begin(self, chunk: ChunkKey) -> npt.NDArray[np.generic]:
        """Give the array to read a chunk into, shape (1, rows, columns), samples last in colour.

        It is the plane itself, or scratch memory when the plane shows data of its own that must
        outlive a failure.
        """
        t, _, k = chunk
        point = self._points[t]
        with self._lock:
            while point.copying[k]:
                self._copied.wait()
            point.writing[k] = 1
            is_own = point.status[k] >= _OWN
        plane = self._read_into[t, k : k + 1]
        return np.empty_like(plane) if is_own else plane

    @property
    def _read_into(self) -> npt.NDArray[np.generic]:
        """Give the buffer that sources fill: that of the colours where there are any."""
        return self.buffer if self.colour is None else self.colour

    def commit(
        self,
        chunk: ChunkKey,
        filled: npt.NDArray[np.generic],
        delivered: Delivered,
        generation: int,
        lend: tuple[Lend, ...] = (),
        *,
        lend_nearest: bool = False,
    ) -> bool:
        """Make what was read visible if it is better than what is there; tell whether it was.

        Pixels come first, then the status, then what is lent to neighbours.
        """
        t, _, k = chunk
        status, level = int(delivered.status), delivered.level
        # nobody else writes this plane, so what it has of its own is the same as in begin()
        old = self.rank(chunk)
        wanted = (status, -level) > old
        if wanted and generation == self._generation:
            if old[0] >= _OWN:
                np.copyto(self._read_into[t, k : k + 1], filled)
            if self.colour is not None:
                put_luminance(self.colour[t, k], self.buffer[t, k])
        with self._lock:
            rises = wanted and generation == self._generation
            wake = self._rise(chunk, status, level, lend, lend_nearest) if rises else None
        if rises:
            _call(wake)
        else:
            self.abandon(chunk)
        return rises

    def fail(self, chunk: ChunkKey, reason: str, generation: int) -> None:
        """Mark a chunk as failed; what it shows from elsewhere stays."""
        with self._lock:
            self._abandon(chunk, self._points[chunk.t])
            if generation != self._generation:
                return
            self.failures[chunk] = ChunkFailed(reason)
            self._log.append(Change(time.perf_counter(), chunk, self.status(chunk), 0))
            wake = self._turn_unread()
        _call(wake)

    def abandon(self, chunk: ChunkKey) -> None:
        """Give up a read without a mark: it was told to stop, or will be tried another way."""
        with self._lock:
            was_shown = self._abandon(chunk, self._points[chunk.t])
        # after a cancel no worker comes by that would copy a borrowed picture back
        if was_shown and self._fill_one(chunk.t, chunk.index):
            with self._lock:
                wake = self._turn_unread()
            _call(wake)

    def fill_borrowed(
        self,
        budget_s: float = math.inf,
        generation: int | None = None,
        *,
        unasked: bool = False,
    ) -> float:
        """Copy lent pixels into the planes that borrow them, if somebody looked since last time.

        Called by workers between reads; while nobody looks, lending stays a record.

        Parameters
        ----------
        budget_s : float
            Begin no further copy after so long; what is left is for the next call.
        generation : int, optional
            Of the load that copies: nothing is copied any more once there is a newer one.
        unasked : bool
            Copy all the same: at the end of a load, for slices that will get nothing better.

        Returns
        -------
        float
            Seconds spent.
        """
        if budget_s <= 0 or not (self._copies_wanted or unasked):
            return 0.0
        started = time.perf_counter()
        copied, spent = False, 0.0
        while spent < budget_s and generation in (None, self._generation):
            target = self._next_to_copy()
            if target is None:
                break
            copied |= self._fill_one(*target, generation)
            spent = time.perf_counter() - started
        if copied:
            with self._lock:
                wake = self._turn_unread()
            _call(wake)
        return spent

    # -- inside the lock ----------------------------------------------------------------------

    def _turn_unread(self) -> Callable[[], None] | None:
        was_read, self._is_read = self._is_read, False
        return self._wake if was_read else None

    def _rise(
        self, chunk: ChunkKey, status: int, level: int, lend: tuple[Lend, ...], to_nearest: bool
    ) -> Callable[[], None] | None:
        """Record better data of a chunk and what they lend; give who is to be woken."""
        t, _, k = chunk
        point = self._points[t]
        was_own = point.status[k] >= _OWN
        point.writing[k] = 0
        point.status[k], point.level[k] = status, level
        point.source[k] = point.content[k] = k
        point.to_copy.discard(k)
        if self.failures:
            self.failures.pop(chunk, None)
        now = time.perf_counter()
        self._log.append(Change(now, chunk, status, level))
        if self._replicate:
            if lend:
                self._lend(point, t, k, lend, now)
            if to_nearest:
                self._lend_to_nearest(point, t, k, now)
            if was_own:
                self._refresh_borrowers(point, k)
        return self._turn_unread()

    def _abandon(self, chunk: ChunkKey, point: _TimePoint) -> bool:
        """End a read that brought nothing; tell whether it disturbed a borrowed picture."""
        k = chunk.index
        point.writing[k] = 0
        if point.status[k] >= _OWN:
            return False
        # the plane itself was being written: what it holds now is nobody's picture
        was_shown = point.content[k] != NOTHING
        point.content[k] = NOTHING
        if point.source[k] != NOTHING:
            point.to_copy.add(k)
        return was_shown

    def _lend(self, point: _TimePoint, t: int, k: int, rules: tuple[Lend, ...], now: float) -> None:
        low, high = self._bounds[k]
        for rule in rules:
            j, status = k + rule.offset, int(rule.status)
            if low <= j < high and point.status[j] < status:
                point.source[j] = k
                point.to_copy.add(j)
                point.status[j] = status
                self._log.append(Change(now, ChunkKey(t, 0, j), status, 0))

    def _lend_to_nearest(self, point: _TimePoint, t: int, k: int, now: float) -> None:
        """Let the slices on both sides borrow from k as far as it is nearest; ties: lower index.

        The innermost loop of the engine: a load of n slices passes it about n log n times.
        """
        statuses, sources, to_copy, log = point.status, point.source, point.to_copy, self._log
        low, high = self._bounds[k]
        for step, stop in ((-1, low - 1), (1, high)):
            distance = 0
            for j in range(k + step, stop, step):
                distance += 1
                if statuses[j] >= _OWN:
                    break
                present = sources[j]
                if present != NOTHING:
                    away = abs(j - present)
                    if away < distance or (away == distance and present <= k):
                        if present != k:
                            break
                        continue
                sources[j] = k
                to_copy.add(j)
                status = _NEAR if distance == 1 else _FAR
                if statuses[j] < status:
                    statuses[j] = status
                    log.append(Change(now, ChunkKey(t, 0, j), status, 0))

    def _refresh_borrowers(self, point: _TimePoint, k: int) -> None:
        """Show the better picture wherever the worse one was lent to."""
        low, high = self._bounds[k]
        for step, stop in ((-1, low - 1), (1, high)):
            for j in range(k + step, stop, step):
                if point.source[j] == k:
                    point.to_copy.add(j)
                elif point.status[j] >= _OWN:
                    break

    def _next_to_copy(self) -> tuple[int, int] | None:
        with self._lock:
            for t, point in enumerate(self._points):
                if point.to_copy:
                    return t, point.to_copy.pop()
            self._copies_wanted = False
            return None

    # -- outside the lock ---------------------------------------------------------------------

    def _fill_one(self, t: int, k: int, generation: int | None = None) -> bool:
        point = self._points[t]
        with self._lock:
            source = point.source[k]
            if generation not in (None, self._generation):
                point.to_copy.add(k)
                return False
            if point.status[k] >= _OWN or point.writing[k] or point.copying[k] or source == NOTHING:
                return False
            point.copying[k] = 1
        np.copyto(self.buffer[t, k], self.buffer[t, source])
        if self.colour is not None:
            np.copyto(self.colour[t, k], self.colour[t, source])
        with self._lock:
            point.copying[k] = 0
            point.content[k] = source
            if point.source[k] not in (source, k):  # a nearer slice came meanwhile
                point.to_copy.add(k)
            self._log.append(
                Change(time.perf_counter(), ChunkKey(t, 0, k), point.status[k], point.level[k])
            )
            self._copied.notify_all()
        return True


def _call(wake: Callable[[], None] | None) -> None:
    """Wake a listener; what it raises is its own trouble and must not end a worker."""
    if wake is None:
        return
    try:
        wake()
    except Exception:
        _log.exception("a listener of the volume failed")


def _runs_without(absent: frozenset[int], count: int) -> list[tuple[int, int]]:
    """For each plane give the run [low, high) of present slices around it; copies stay inside."""
    bounds = [(0, count)] * count
    if absent:
        edges = [-1, *sorted(absent), count]
        for before, after in pairwise(edges):
            for k in range(before + 1, after):
                bounds[k] = (before + 1, after)
    return bounds
