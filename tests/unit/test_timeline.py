"""Milestones are read from the change log."""

from __future__ import annotations

from loading.spec import ChunkKey
from loading.status import Status
from loading.timeline import timeline
from loading.volume import Change
from tests.helpers.array_source import make_spec


def change(ms, k, status=Status.FULL, level=0):
    return Change(10 + ms / 1000, ChunkKey(0, 0, k), int(status), level)


def test_milestones():
    """Copies and coarse data count for what they are."""
    log = [
        change(1, 0, Status.SUBRESOLUTION, 4),
        change(2, 1, Status.FAR_REPLICATE),
        change(3, 3, Status.SUBRESOLUTION, 3),
        change(5, 0, Status.SUBRESOLUTION, 3),
        change(6, 1, Status.SUBRESOLUTION, 2),
        change(7, 2),
        change(8, 5, Status.LOSSY),
        change(9, 3),
        change(10, 0),
        change(11, 1),
    ]
    spec = make_spec((6, 2, 2), absent=frozenset({4}))
    marks = timeline(spec, log, start_s=10)
    times = (marks.first_ms, marks.coverage_ms, marks.own_ms, marks.quarter_ms, marks.full_ms)
    assert [round(ms) for ms in times if ms is not None] == [7, 3, 8, 10, 11]


def test_what_was_never_reached_is_none():
    marks = timeline(make_spec((3, 2, 2)), [change(1, 0)], start_s=10)
    assert marks.coverage_ms is not None
    assert marks.own_ms is None
    assert marks.full_ms is None
