"""Y7: what is measured of a line, and how much may be under way on it."""

import pytest

from loading.web.line import UNKNOWN_RATE, UNKNOWN_RTT_S, Line


def fed(line, rate, seconds, start_s=10.0, step_s=0.01):
    """Have bytes come at a rate, in steps."""
    now_s = start_s
    while now_s < start_s + seconds:
        line.note_bytes(round(rate * step_s), now_s)
        now_s += step_s
    return now_s


def test_the_rate_is_that_of_a_busy_line():
    """Y7: a stretch without a pause tells it; a machine that was away for a while does not."""
    line = Line()
    assert line.rate is None
    ended_s = fed(line, 3.75e6, 1.0)
    assert line.rate == pytest.approx(3.75e6, rel=0.05)
    fed(line, 3.75e6, 0.5, ended_s + 5.0)
    assert line.rate == pytest.approx(3.75e6, rel=0.05)


def test_the_round_trip_is_the_shortest_wait():
    """Y7: a first byte that waited for those of others tells nothing."""
    line = Line()
    for seconds in (0.3, 0.04, 0.2):
        line.note_wait(seconds)
    assert line.rtt_s == 0.04


def test_so_much_is_under_way_that_the_line_stays_busy():
    """Y7: more on a quick line and on a long one; before anything is known as for a usual one."""
    assert Line().in_flight_bytes > UNKNOWN_RATE * UNKNOWN_RTT_S
    sizes = []
    for rate, rtt_s in ((1e6, 0.01), (1e6, 0.1), (1e7, 0.1)):
        line = Line()
        fed(line, rate, 1.0)
        line.note_wait(rtt_s)
        assert line.in_flight_bytes > rate * rtt_s
        sizes.append(line.in_flight_bytes)
    assert sizes == sorted(sizes)


def test_a_new_connection_costs_a_round_trip_more():
    """Y8: before a warm connection was seen, the first answer tells what is to be expected."""
    line = Line()
    line.note_first_wait(0.06, 3)  # TCP, TLS, and the request itself
    assert line.likely_wait_s == pytest.approx(0.04)
    assert line.likely_s(0) == pytest.approx(0.02)
    assert line.likely_s(4e6, is_coming=True) == pytest.approx(4e6 / UNKNOWN_RATE)
    line.note_wait(0.015)
    assert line.likely_wait_s == line.rtt_s == 0.015
