"""The waiting requests: gives the best one now, however often what is best changes.

Knows nothing of threads or bytes. Priority is evaluated when a worker asks, not when a request is
made: re-ranking sorts small integer arrays, it touches no worker (measured in docs/performance.md).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from loading.sources.base import Request
from loading.spec import ChunkKey

_log = logging.getLogger(__name__)


class Demand(NamedTuple):
    """What the eye is on.

    Attributes
    ----------
    t : int
        Time point on the screen.
    visible : tuple of int
        Slices on the screen, the one that matters most first.
    direction : int
        +1 or -1 while scrolling up or down the slices: those ahead come before those behind.
    """

    t: int = 0
    visible: tuple[int, ...] = ()
    direction: int = 0


class RequestQueue:
    """Hold requests and give the best one.

    Order: what is displayed, centre first; then by time point's distance from the displayed one;
    then by stage; inside a stage by the plan's order, or by distance from what is displayed.

    Parameters
    ----------
    is_needed : callable
        Asked when a request is about to be given; False drops it (its chunk is better already).
    by_distance : sequence of bool
        For each stage number whether its requests go by distance.
    best_first : bool
        Ask for what is displayed at its best at once, not stage by stage: over a line the first
        wait is the long one. Until somebody says what is displayed that is the centre.
    """

    def __init__(
        self,
        is_needed: Callable[[Request], bool],
        by_distance: Sequence[bool],
        centre: int = 0,
        *,
        best_first: bool = False,
    ) -> None:
        self._is_needed = is_needed
        self._best_first = best_first
        self._by_distance = np.array(by_distance, bool)
        self._centre = centre
        self._demand = Demand()
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._waiting = bytearray()
        self._order: list[int] = []
        self._in_flight: set[ChunkKey] = set()
        self._parked: dict[ChunkKey, list[int]] = {}
        self._columns: np.ndarray | None = None
        self.skipped = 0

    def __len__(self) -> int:
        """Count what waits; requests whose chunk has become good enough are still counted."""
        with self._lock:
            return sum(self._waiting)

    @property
    def has_takeable(self) -> bool:
        """Tell whether something waits that has not stepped aside for its own chunk."""
        with self._lock:
            return bool(self._order)

    def add(self, requests: Sequence[Request]) -> None:
        """Append requests; they are ranked with all that wait."""
        with self._lock:
            self._requests.extend(requests)
            self._waiting.extend(b"\1" * len(requests))
            self._columns = None
            self._rank()

    def prefer(self, demand: Demand) -> None:
        """Rank anew for what the eye is on now."""
        with self._lock:
            if demand != self._demand:
                self._demand = demand
                self._rank()

    def clear(self) -> None:
        """Drop everything that waits; what is in flight stays until it is done."""
        with self._lock:
            self._requests, self._waiting, self._order = [], bytearray(), []
            self._parked.clear()
            self._columns = None

    def is_visible(self, chunk: ChunkKey) -> bool:
        """Tell whether a chunk is displayed, as far as that was said."""
        return chunk.t == self._demand.t and chunk.index in self._displayed()

    def wanted_visible(self) -> list[ChunkKey]:
        """Give the chunks that are displayed and for which something waits."""
        with self._lock:
            waiting = [r for r, w in zip(self._requests, self._waiting, strict=True) if w]
        shown = [r for r in waiting if self.is_visible(r.chunk) and self._is_needed(r)]
        return list(dict.fromkeys(request.chunk for request in shown))

    def urgency(self, request: Request) -> tuple[bool, int, int, int]:
        """Give a key that sorts what has arrived as requests are sorted that wait.

        Of equal ones the first to arrive goes first, which keeps a plan's own order.
        """
        chunk, displayed = request.chunk, self._displayed()
        centre = displayed[0] if displayed else self._centre
        away = abs(chunk.index - centre) if self._by_distance[request.stage] else 0
        return not self.is_visible(chunk), abs(chunk.t - self._demand.t), request.stage, away

    def _displayed(self) -> tuple[int, ...]:
        return self._demand.visible or ((self._centre,) if self._best_first else ())

    def give_back(self, request: Request) -> None:
        """Put a taken request back: it was taken off the line for a better one."""
        with self._lock:
            self._in_flight.discard(request.chunk)
            self._requests.append(request)
            self._waiting.append(1)
            self._columns = None
            self._rank()

    def take(self, *, visible_only: bool = False) -> Request | None:
        """Give the best request whose chunk nobody is reading, or None when there is none.

        With `visible_only` nothing is given but what is displayed.

        The taker calls `done` when it has finished, and then asks again: a request that had to
        step aside for its own chunk is given back to the queue by that call.
        """
        with self._lock:
            while self._order:
                number = self._order[-1]
                request = self._requests[number]
                if visible_only and self._waiting[number] and not self.is_visible(request.chunk):
                    return None
                self._order.pop()
                if not self._waiting[number]:
                    continue
                if request.chunk in self._in_flight:
                    self._parked.setdefault(request.chunk, []).append(number)
                    continue
                self._waiting[number] = 0
                if not self._is_needed(request):
                    self.skipped += 1
                    _log.debug("stage %d skips slice %d", request.stage, request.chunk.index)
                    continue
                self._in_flight.add(request.chunk)
                return request
            return None

    def done(self, chunk: ChunkKey) -> None:
        """Tell that a taken chunk is no longer being read."""
        with self._lock:
            self._in_flight.discard(chunk)
            if chunk in self._parked:
                self._order.extend(reversed(self._parked.pop(chunk)))

    def _rank(self) -> None:
        """Sort all that waits; 10 000 requests take a few milliseconds."""
        if self._columns is None:
            self._columns = np.array(
                [(r.chunk.t, r.chunk.index, r.stage) for r in self._requests], np.int32
            ).reshape(-1, 3)
        waiting = np.flatnonzero(np.frombuffer(self._waiting, np.uint8))
        t, k, stage = self._columns[waiting].T
        centre = self._demand.visible[0] if self._demand.visible else self._centre
        ahead = (k - centre) * self._demand.direction
        distance = np.abs(k - centre) * np.where(ahead < 0, 2, 1)
        within = np.where(self._by_distance[stage], distance, 0)
        unseen = np.full(len(waiting), len(self._demand.visible), np.int32)
        for place, index in reversed(list(enumerate(self._demand.visible))):
            unseen[(k == index) & (t == self._demand.t)] = place
        if self._best_first:
            displayed = np.isin(k, self._displayed()) & (t == self._demand.t)
            unseen[displayed] = np.minimum(unseen[displayed], len(self._demand.visible) - 1)
            stage = np.where(displayed, -stage, stage)
        order = np.lexsort((waiting, within, stage, np.abs(t - self._demand.t), unseen))
        self._order = waiting[order[::-1]].tolist()
        self._parked.clear()
