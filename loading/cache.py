"""Volumes that are open, kept up to a byte limit: opening one again costs nothing.

Concurrent opens of one key build one volume; an open that fails leaves nothing behind. Least
recently used volumes are let go of first; whoever still holds one keeps it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future

from loading.loader import LoadState, OpenVolume

DEFAULT_LIMIT_BYTES = 3 << 30


class VolumeCache:
    """Keep opened volumes by key, at most `limit_bytes` of buffers."""

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._volumes: OrderedDict[Hashable, Future[OpenVolume]] = OrderedDict()
        self._lock = threading.Lock()

    def get_or_open(self, key: Hashable, build: Callable[[], OpenVolume]) -> OpenVolume:
        """Give the volume of this key, building it if it is not there or was closed.

        Raises whatever `build` raises, to every caller that waits for it; nothing is kept then.
        """
        with self._lock:
            future = self._volumes.get(key)
            is_mine = future is None or _is_closed(future)
            if is_mine:
                future = self._volumes[key] = Future()
            assert future is not None
            self._volumes.move_to_end(key)
        if is_mine:
            try:
                future.set_result(build())
            except BaseException as error:
                with self._lock:
                    if self._volumes.get(key) is future:
                        del self._volumes[key]
                future.set_exception(error)
            self._let_go()
        return future.result()

    @property
    def size_bytes(self) -> int:
        """Sum the buffers of the volumes that are kept."""
        with self._lock:
            return sum(_size(future) for future in self._volumes.values())

    def __contains__(self, key: Hashable) -> bool:
        """Tell whether a volume of this key is kept."""
        with self._lock:
            return key in self._volumes

    def clear(self, *, close: bool = False) -> None:
        """Let go of every volume; with `close` end their loads and free them now."""
        with self._lock:
            futures = list(self._volumes.values())
            self._volumes.clear()
        if close:
            for future in futures:
                if future.done() and future.exception() is None:
                    future.result().close()

    def _let_go(self) -> None:
        with self._lock:
            for key in [key for key, future in self._volumes.items() if _is_closed(future)]:
                del self._volumes[key]
            total = sum(_size(future) for future in self._volumes.values())
            # the newest stays even when it alone is larger than the limit: somebody looks at it
            for key in list(self._volumes)[:-1]:
                if total <= self.limit_bytes:
                    return
                if self._volumes[key].done():
                    total -= _size(self._volumes.pop(key))


def _is_closed(future: Future[OpenVolume]) -> bool:
    return (
        future.done() and future.exception() is None and future.result().state is LoadState.CLOSED
    )


def _size(future: Future[OpenVolume]) -> int:
    if not future.done() or future.exception() is not None:
        return 0
    return future.result().spec.size_bytes
