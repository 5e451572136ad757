"""A simulated line: one bottleneck for all answers, and the time that a round trip takes.

Not modelled: slow start, loss, headers of TCP/IP, the way up. Every answer waits a whole round trip
before its first byte; then all of them share the rate in small pieces, in the order in which they
come. That equals half a trip before and half behind each piece, with the clock put forward.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

PIECE = 8192
_SLACK_S = 0.02
"""Sleep is not exact: a sender that wakes late may make up for that much."""


class Link:
    """The line; rates of 0 are unlimited.

    Parameters
    ----------
    mbit : float
        Megabits (10^6) a second, of bodies and their headers.
    rtt_ms : float
        Round trip, milliseconds.
    """

    def __init__(self, mbit: float, rtt_ms: float) -> None:
        self._rate = mbit * 1e6 / 8
        self._rtt_s = rtt_ms / 1e3
        self._free = 0.0

    @property
    def is_shaped(self) -> bool:
        """Tell whether anything is held back."""
        return self._rate > 0 or self._rtt_s > 0

    async def travel(self, *, is_new: bool) -> None:
        """Let a request and the first byte of its answer pass; a new connection takes one more."""
        if self._rtt_s:
            await asyncio.sleep(self._rtt_s * (2 if is_new else 1))

    async def pass_on(self, count: int) -> None:
        """Wait until that many bytes have left the bottleneck."""
        if not self._rate:
            return
        now = time.perf_counter()
        self._free = max(self._free, now - _SLACK_S) + count / self._rate
        delay = self._free - now
        if delay > 0:
            await asyncio.sleep(delay)


def in_pieces(data: bytes) -> Iterator[bytes]:
    """Cut a body into what shares the line."""
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]
