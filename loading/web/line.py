"""How a line to a server behaves: its round trip and its rate, as measured in passing."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 0.06
_TELLING_BYTES = 24 << 10
_REMEMBERED = 24
_REMEMBERED_WAITS = 400
"""Many: a busy line makes first bytes wait for those of others, which is no round trip."""
UNKNOWN_RTT_S = 0.04
UNKNOWN_RATE = 4e6
_NO_TIME_S, _LITTLE_S = 0.3, 1.0


class Line:
    """Measure a line from the answers that come over it; used on the network thread.

    The round trip is the shortest wait of late for the first byte on a connection that was there.
    The rate is the best of late over a stretch in which bytes came without a pause: what the line
    gave while it was busy, which is what it can give.
    """

    def __init__(self) -> None:
        self._waits: deque[float] = deque(maxlen=_REMEMBERED_WAITS)
        self._first_s = UNKNOWN_RTT_S
        self._rates: deque[float] = deque(maxlen=_REMEMBERED)
        self._begin_s = 0.0
        self._last_s = 0.0
        self._bytes = 0
        self._body_rate: float | None = None
        self.received = 0

    @property
    def rtt_s(self) -> float | None:
        """Give the round trip, servers' thinking included; None: not measured yet."""
        return min(self._waits) if self._waits else None

    @property
    def rate(self) -> float | None:
        """Give bytes a second; None: not measured yet."""
        if len(self._rates) < 2:
            return self._body_rate
        ordered = sorted(self._rates)
        return ordered[len(ordered) * 3 // 4]

    @property
    def in_flight_bytes(self) -> float:
        """Give how many bytes on their way keep the line busy: rate times round trip, and room."""
        rtt, rate = self.rtt_s or UNKNOWN_RTT_S, self.rate or UNKNOWN_RATE
        return 1.5 * rtt * rate + 64e3

    def likely_s(self, count: float, *, is_coming: bool = False) -> float:
        """Guess how long so many bytes take, alone: from their request on, or from their first."""
        waits_s = 0.0 if is_coming else self.rtt_s or self._first_s
        return waits_s + count / (self.rate or UNKNOWN_RATE)

    @property
    def likely_wait_s(self) -> float:
        """Guess how long a first byte takes: on a new connection as long as there are only such."""
        return self.rtt_s or 2 * self._first_s

    def note_wait(self, seconds: float) -> None:
        """Take in how long a first byte was waited for on a warm connection."""
        self._waits.append(seconds)

    def note_first_wait(self, seconds: float, trips: int) -> None:
        """Take in how long a first byte took on a new connection: of round trips so many."""
        self._first_s = min(self._first_s, seconds / trips)

    def note_body(self, count: int, seconds: float) -> None:
        """Take in how long an answer took from its request on: a hint until more is known.

        Not from its first bytes on: a machine that is busy reads in a moment what came in many.
        """
        if count >= _TELLING_BYTES and self._waits:
            on_the_line_s = max(seconds - min(self._waits), 1e-3)
            self._body_rate = max(count / on_the_line_s, self._body_rate or 0.0)

    def note_bytes(self, count: int, now_s: float) -> None:
        """Take in bytes that have just arrived."""
        self.received += count
        if now_s - self._last_s > _WINDOW_S / 2:
            self._begin_s, self._bytes = now_s, 0  # it was idle: begin anew, without these bytes
        else:
            self._bytes += count
            lasted = now_s - self._begin_s
            if lasted >= _WINDOW_S:
                self._rates.append(self._bytes / lasted)
                self._begin_s, self._bytes = now_s, 0
        self._last_s = now_s


def beginnings_pay(
    rtt_s: float | None, rate: float | None, frame_bytes: float | None, left: int
) -> bool:
    """Tell whether a frame's beginning is there sooner than the whole by what asking again costs.

    It is not where all that is left takes no time worth speaking of; nor where it takes little,
    and a whole frame less than a round trip. While something is not known it is tried.

    Parameters
    ----------
    rate : float or None
        Bytes a second.
    left : int
        Frames that are still to come.
    """
    if rtt_s is None or rate is None or frame_bytes is None:
        return True
    frame_s = frame_bytes / rate
    return left * frame_s > (_LITTLE_S if frame_s < rtt_s else _NO_TIME_S)
