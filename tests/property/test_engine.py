"""What must hold whatever the order, the timing and the faults."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import loading
from loading import ChunkKey, Delivered, Demand, LoadState, Status
from loading.plan import farthest_point_order
from loading.volume import NOTHING, Volume
from tests.helpers.array_source import ArraySource, make_spec

COUNT = 6
deliveries = st.lists(
    st.tuples(
        st.integers(0, COUNT - 1),
        st.sampled_from([Status.SUBRESOLUTION, Status.LOSSY, Status.FULL, None]),
        st.integers(0, 4),
        st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=10_000, deadline=None)
@given(deliveries)
def test_quality_never_falls(steps):
    """Q1: under any interleaving a status only rises, and finer pixels are never replaced.

    Each delivery is (slice, status or None for a failure, level, whether somebody looks after it).
    """
    volume = Volume(make_spec((COUNT, 1, 1), dtype="int32"))
    best = [(0, 0)] * COUNT
    shown: list[int | None] = [None] * COUNT
    for number, (k, status, level, looks) in enumerate(steps, 1):
        before = volume.qualities()
        chunk = ChunkKey(0, 0, k)
        out = volume.begin(chunk)
        out[:] = number
        if status is None:
            volume.fail(chunk, "planted", 0)
        else:
            level = level if status is Status.SUBRESOLUTION else 0
            given_up = Delivered(status, 1, level)
            wins = volume.commit(chunk, out, given_up, 0, lend_nearest=True)
            assert wins == ((status, -level) > best[k])
            if wins:
                best[k], shown[k] = (status, -level), number
        if looks:
            volume.changes_since(0)
            volume.fill_borrowed()
        after = volume.qualities()
        assert (after.status >= before.status).all()
        for j in range(COUNT):
            pixel = volume.buffer[0, j, 0, 0]
            if shown[j] is not None:
                assert (after.status[j], after.content[j], pixel) == (best[j][0], j, shown[j])
            elif after.content[j] != NOTHING:
                # a copy of what the lender showed then or shows now, never of a failed read
                assert shown[after.content[j]] is not None
                assert not looks or pixel == shown[after.content[j]]


@settings(max_examples=60, deadline=None)
@given(
    plan=st.sampled_from(list(loading.PLANS.values())),
    count=st.integers(1, 40),
    workers=st.integers(1, 5),
    has_coarse=st.booleans(),
    faults=st.dictionaries(st.integers(0, 39), st.sampled_from([1, 10**6]), max_size=6),
    scrolls=st.lists(st.integers(0, 39), max_size=8),
    cancel_after=st.integers(0, 3),
)
def test_a_load_ends_bit_for_bit_right(
    plan, count, workers, has_coarse, faults, scrolls, cancel_after
):
    """Invariants 2, 3, 4: content, completeness and address under any schedule."""
    source = ArraySource(make_spec((count, 3, 2)), has_coarse=has_coarse, failures=dict(faults))
    with loading.open_entry(source.entry(), plan=plan, worker_count=workers) as volume:
        address = volume.array.ctypes.data
        for n, k in enumerate(scrolls):
            volume.prefer(Demand(visible=(min(k, count - 1),), direction=(-1) ** n))
            if n < cancel_after:
                volume.cancel()
                volume.load()
        assert volume.wait(30) in (LoadState.COMPLETE, LoadState.COMPLETE_WITH_FAILURES)
        status = volume.qualities().status
        failed = {chunk.index for chunk in volume.failures}
        assert failed >= {k for k, times in faults.items() if times > 1 and k < count}
        assert failed <= set(faults)
        for k in range(count):
            assert k in failed or status[k] == Status.FULL
            assert k in failed or np.array_equal(volume.array[k], source.voxels[0, k])
        progress = volume.progress
        assert progress.full + progress.failed == progress.total == count
        assert volume.array.ctypes.data == address


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 60), workers=st.integers(1, 4), has_coarse=st.booleans())
def test_nothing_is_read_twice(count, workers, has_coarse):
    """Invariant 6: without faults each rendition of each slice is read once at most."""
    source = ArraySource(make_spec((count, 3, 2)), has_coarse=has_coarse)
    with loading.open_entry(source.entry(), worker_count=workers) as volume:
        assert volume.wait(30) is LoadState.COMPLETE
    asked = [(r.chunk, r.rendition.name) for r in source.requests]
    assert len(asked) == len(set(asked))


@given(st.integers(1, 3000))
def test_farthest_points_are_a_permutation(count):
    """P4: every slice once, whatever the number."""
    assert sorted(farthest_point_order(count)) == list(range(count))


@settings(max_examples=200, deadline=None)
@given(st.permutations(range(9)), st.sets(st.integers(0, 8), max_size=3))
def test_borrowing_is_from_the_nearest_whatever_the_order(order, absent):
    """C2: the final lenders depend on what is there, not on when it came."""
    volume = Volume(make_spec((9, 1, 1), absent=frozenset(absent)))
    own = [k for k in order if k not in absent][:4]
    for k in own:
        chunk = ChunkKey(0, 0, k)
        volume.commit(chunk, volume.begin(chunk), Delivered(Status.FULL, 1), 0, lend_nearest=True)
    source = volume.qualities().source
    for k in range(9):
        reachable = [
            lender
            for lender in own
            if not any(min(k, lender) <= gap <= max(k, lender) for gap in absent)
        ]
        expected = min(reachable, key=lambda n: (abs(n - k), n), default=NOTHING)
        assert source[k] == (k if k in own else expected)
