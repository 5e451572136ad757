"""Keep what was inflated, where reading piece by piece would inflate it again and again.

A deflated stretch has no way in but its beginning: the frames of one object of a thousand would
cost a thousand times the object. What has been inflated twice in sum is inflated once more and
kept, up to a bound over all objects; what is larger is read piece by piece.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable

LIMIT_BYTES = 256 << 20
"""Of all that is kept, the least recently used of which goes first."""
SMALL_BYTES = 1 << 15
"""So little is inflated faster than looked up; headers are about that long."""

_kept: OrderedDict[int, bytes] = OrderedDict()
_kept_lock = threading.Lock()


class Inflation:
    """Decide for one object whether its inflated bytes are worth keeping, and keep them."""

    __slots__ = ("__weakref__", "_is_refused", "_lock", "_spent")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent = 0
        self._is_refused = False
        weakref.finalize(self, _forget, id(self)).atexit = False

    def whole(self, cost: int, size: int, inflate: Callable[[int], bytes]) -> bytes | None:
        """Give all bytes of the object where they are kept, None where it is to be read in part.

        Parameters
        ----------
        cost : int
            Bytes that would have to be inflated for the piece that is wanted.
        size : int
            Bytes of the whole, 0 where nobody knows.
        inflate : callable
            Gives the whole, or one byte more than the bound it is given.
        """
        if cost < SMALL_BYTES or self._is_refused or max(size, cost) > LIMIT_BYTES:
            return None
        with self._lock:  # who else wants a piece waits for it to be inflated
            with _kept_lock:
                held = _kept.get(id(self))
                if held is not None:
                    _kept.move_to_end(id(self))
                    return held
            self._spent += cost
            if self._spent <= 2 * max(size, cost):
                return None
            data = inflate(LIMIT_BYTES)
            if len(data) > LIMIT_BYTES:
                self._is_refused = True
                return None
            _keep(id(self), data)
            return data


def kept_bytes() -> int:
    """Sum what is kept."""
    with _kept_lock:
        return sum(map(len, _kept.values()))


def _keep(key: int, data: bytes) -> None:
    with _kept_lock:
        _kept[key] = data
        total = sum(map(len, _kept.values()))
        while total > LIMIT_BYTES:
            total -= len(_kept.popitem(last=False)[1])


def _forget(key: int) -> None:
    with _kept_lock:
        _kept.pop(key, None)
