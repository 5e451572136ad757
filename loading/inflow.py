"""Feed a load from a remote source: one thread asks, workers decode, neither waits for the other.

Two kinds of slots take from the one queue. Requests are asked for as long as the source has room
for them on its line; what arrives waits for a decoder in order of what the eye is on, and holds no
place on the line while it waits.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from loading.errors import LoadError, unexpected
from loading.request_queue import RequestQueue
from loading.sources.base import Arrival, CancelToken, RemoteSource, Request
from loading.spec import ChunkKey

_log = logging.getLogger(__name__)

MAX_WAITING_BYTES = 64 << 20
"""No more is asked for while so much waits for a decoder."""
_LOOK_S = 0.03
"""How long a worker without work sleeps before it looks for borrowed planes to copy."""
_AGAIN_S = 0.05


class Inflow:
    """Ask, and hand out what arrives, for one load.

    Parameters
    ----------
    source : RemoteSource
    queue : RequestQueue
    token : CancelToken
        Of the load.
    """

    def __init__(self, source: RemoteSource, queue: RequestQueue, token: CancelToken) -> None:
        self._source = source
        self._queue = queue
        self._token = token
        self._changed = threading.Condition()
        self._arrivals: dict[ChunkKey, list[Arrival]] = {}
        self._waiting_bytes = 0
        self._placing: set[ChunkKey] = set()
        self._released: set[ChunkKey] = set()
        self._asked: dict[ChunkKey, Request] = {}
        self._is_planned = False
        self._is_posted = False
        self._has_turned = False
        self._has_ended = False
        source.begin(self.look, lambda: queue.has_takeable and not token.is_cancelled)

    # -- for the loader, from any thread ------------------------------------------------------

    def planned(self) -> None:
        """Tell that no further requests will be added to the queue."""
        with self._changed:
            self._is_planned = True
            self._changed.notify_all()
        self.look()

    def look(self) -> None:
        """Have the queue looked at: requests were added, or what is best has changed."""
        with self._changed:
            if self._is_posted:
                return
            self._is_posted = True
        self._source.call_soon(self._pump)

    def turn(self) -> None:
        """Tell that the eye is on something else now."""
        self._has_turned = True
        self.look()

    def stop(self) -> None:
        """Ask for nothing more, wake the workers, and take what is under way off the line."""
        with self._changed:
            dropped = [chunk for chunk in self._arrivals if chunk not in self._asked]
            self._arrivals.clear()
            self._waiting_bytes = 0
            self._changed.notify_all()
        for chunk in dropped:
            self._release(chunk)
        self._source.call_soon(self._abort_all)

    def next(self, idle: Callable[[], object]) -> Arrival | None:
        """Give a worker the best arrival, waiting for one; None when the load is over.

        Parameters
        ----------
        idle : callable
            Called from time to time while there is nothing to decode.
        """
        while True:
            with self._changed:
                if self._token.is_cancelled:
                    return None
                arrival = self._take()
                if arrival is not None:
                    return arrival
                if self._is_over():
                    # a look that is still posted must not take what the next load adds
                    if not self._has_ended:
                        self._has_ended = True
                        self._source.call_soon(self._source.end)
                    self._changed.notify_all()
                    return None
                self._changed.wait(_LOOK_S)
                if self._arrivals:
                    continue
            idle()

    def placed(self, arrival: Arrival, *, again: bool = False) -> None:
        """Tell that a worker has done with an arrival; `again`: it could not be decoded."""
        chunk = arrival.request.chunk
        with self._changed:
            self._placing.discard(chunk)
            is_released = chunk in self._released
            self._changed.notify()
        if is_released:
            self._queue.done(chunk)
        elif again:
            self._source.call_soon(lambda: self._ask(arrival.request, is_urgent=False))
        elif arrival.is_last:
            self._queue.done(chunk)
            self.look()

    def _release(self, chunk: ChunkKey) -> None:
        """Give a chunk back to the queue; one that is being written when that is done."""
        with self._changed:
            self._released.add(chunk)
            if chunk in self._placing:
                return
        self._queue.done(chunk)

    # -- under the condition ------------------------------------------------------------------

    def _take(self) -> Arrival | None:
        free = [chunk for chunk in self._arrivals if chunk not in self._placing]
        if not free:
            return None
        chunk = min(free, key=lambda one: self._queue.urgency(self._arrivals[one][-1].request))
        waiting = self._arrivals.pop(chunk)
        # of several of one chunk only the last, which is the best, is worth decoding
        best = waiting[-1]
        self._waiting_bytes -= sum(len(one.data) for one in waiting)
        self._placing.add(chunk)
        return best

    def _is_over(self) -> bool:
        return (
            self._is_planned
            and not self._arrivals
            and not self._placing
            and not self._asked
            and not len(self._queue)
        )

    # -- the source's thread ------------------------------------------------------------------

    def _pump(self) -> None:
        """Ask for what is best as long as that helps."""
        with self._changed:
            self._is_posted = False
        if self._token.is_cancelled or self._has_ended:
            return
        if self._has_turned:
            self._has_turned = False
            self._give_way()
        while True:
            is_full = self._waiting_bytes > MAX_WAITING_BYTES
            if not is_full and self._source.has_room(is_urgent=False):
                request = self._queue.take()
            elif self._source.has_room(is_urgent=True):
                request = self._queue.take(visible_only=True)
            else:
                request = None
            if request is None:
                break
            if self._has_ended:
                self._queue.give_back(request)
                return
            is_urgent = self._queue.is_visible(request.chunk)
            self._ask(request, is_urgent=is_urgent)
        with self._changed:
            if not self._asked and len(self._queue):
                # the server wants a pause, or decoders are behind: nobody else would look again
                self._source.call_soon(self.look, _AGAIN_S)
            self._changed.notify_all()

    def _ask(self, request: Request, *, is_urgent: bool) -> None:
        with self._changed:
            is_stopped = self._token.is_cancelled
            if not is_stopped:
                self._asked[request.chunk] = request
        if is_stopped:
            self._queue.done(request.chunk)
            return
        try:
            self._source.ask(request, self._arrived, is_urgent=is_urgent)
        except LoadError as error:
            self._arrived(Arrival(request, error=error))
        except Exception as error:
            _log.exception("slice %d cannot be asked for", request.chunk.index)
            self._arrived(Arrival(request, error=unexpected(error)))

    def _arrived(self, arrival: Arrival) -> None:
        with self._changed:
            if self._token.is_cancelled:
                return  # whoever said stop sees to the chunk
            chunk = arrival.request.chunk
            self._arrivals.setdefault(chunk, []).append(arrival)
            self._waiting_bytes += len(arrival.data)
            if arrival.is_last:
                self._asked.pop(chunk, None)
            self._changed.notify()
        self.look()

    def _give_way(self) -> None:
        """Take off the line what keeps the visible waiting; it is asked for again later."""
        wanted = self._queue.wanted_visible()
        for chunk in self._source.hinders(wanted) if wanted else ():
            request = self._asked.get(chunk)
            if request is None:
                continue
            self._source.abort(chunk)
            with self._changed:
                del self._asked[chunk]
            self._queue.give_back(request)

    def _abort_all(self) -> None:
        for chunk in list(self._asked):
            self._source.abort(chunk)
            with self._changed:
                self._asked.pop(chunk, None)
            self._release(chunk)
        self._source.end()
