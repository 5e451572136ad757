"""Plans are data: their traces against a literal evaluation of the published rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from loading.plan import (
    CENTRE_OUT,
    COARSE_FIRST,
    INTERLEAVED,
    PLANS,
    SEQUENTIAL,
    SINGLE,
    Lend,
    Plan,
    Position,
    Stage,
    farthest_point_order,
    plan_requests,
)
from loading.sources.base import Delivered
from loading.spec import ChunkKey
from loading.status import Status
from loading.volume import Volume
from tests.helpers.array_source import COARSE, FULL, make_spec


def offers(has_coarse=True):
    return lambda _: (COARSE, FULL) if has_coarse else (FULL,)


def run_plan(plan, count, has_coarse=True, replicate=True):
    """Deliver a plan's requests one after the other; give the trace and what was lent when."""
    volume = Volume(make_spec((count, 2, 2)), replicate=replicate)
    trace, lent = [], []
    for request in plan_requests(plan, range(count), offers(has_coarse)):
        stage = plan.stages[request.stage]
        if volume.status(request.chunk) >= request.rendition.gives:
            continue
        before = volume.qualities()
        out = volume.begin(request.chunk)
        out[:] = request.chunk.index
        given = Delivered(request.rendition.gives, 1, request.rendition.level)
        volume.commit(request.chunk, out, given, 0, stage.lend, lend_nearest=stage.lend_nearest)
        after = volume.qualities()
        trace.append((stage.name, request.chunk.index, int(request.rendition.gives)))
        lent.append(
            {
                (j, int(after.source[j]), int(after.status[j]))
                for j in range(count)
                if j != request.chunk.index and before.status[j] != after.status[j]
            }
        )
    return trace, lent


def literal_interleaved(count, has_coarse=True):
    """Evaluate the table of Cornerstone3D's interleaved plan by hand, slice after slice."""
    near, far, full, sub = 3, 1, 8, 6
    status, trace, lent = [0] * count, [], []
    thumb = sub if has_coarse else full
    initial = list(dict.fromkeys([int((count - 1) * 0.5), 0, count - 1]))
    stages: list[tuple[str, Sequence[int], int, bool]] = [("initialImages", initial, full, True)]
    stages += [("quarterThumb", range(3, count, 4), thumb, True)]
    stages += [("halfThumb", range(1, count, 4), thumb, True)]
    stages += [("quarterFull", range(2, count, 4), full, False)]
    stages += [("halfFull", range(0, count, 4), full, False)]
    stages += [("threeQuarterFull", range(1, count, 4), full, False)]
    stages += [("finalFull", range(3, count, 4), full, False)]
    stages += [("errorRetrieve", range(count), full, False)]
    for name, slices, gives, lends in stages:
        for k in slices:
            if status[k] == full:
                continue
            status[k] = gives
            trace.append((name, k, gives))
            new = set()
            for j, rank in ((k - 1, near), (k + 1, near), (k + 2, far)) if lends else ():
                if 0 <= j < count and status[j] < rank:
                    status[j] = rank
                    new.add((j, k, rank))
            lent.append(new)
    return trace, lent


@pytest.mark.parametrize("has_coarse", [True, False])
@pytest.mark.parametrize("count", range(1, 41))
def test_interleaved_equals_literal_rules(count, has_coarse):
    """P2: request trace and replica map of `interleaved` for n = 1…40."""
    assert run_plan(INTERLEAVED, count, has_coarse) == literal_interleaved(count, has_coarse)


def test_interleaved_of_ten_slices():
    """P2, C1: the worked example with ten slices, step by step."""
    trace, lent = run_plan(INTERLEAVED, 10)
    assert [k for _, k, _ in trace] == [4, 0, 9, 3, 7, 1, 5, 2, 6, 8, 1, 5, 3, 7]
    near, far = int(Status.NEAR_REPLICATE), int(Status.FAR_REPLICATE)
    assert lent[:7] == [
        {(3, 4, near), (5, 4, near), (6, 4, far)},
        {(1, 0, near), (2, 0, far)},
        {(8, 9, near)},
        {(2, 3, near)},
        {(6, 7, near)},
        set(),
        set(),
    ]
    assert not any(lent[7:])


@pytest.mark.parametrize(("plan", "expected"), [
    (SEQUENTIAL, [0, 1, 2, 3, 4, 5, 6]),
    (SINGLE, [0, 1, 2, 3, 4, 5, 6]),
    (CENTRE_OUT, [3, 2, 4, 1, 5, 0, 6]),
])  # fmt: skip
def test_simple_plans(plan, expected):
    """P3: sequential, single and centre-out by the same engine."""
    trace, _ = run_plan(plan, 7)
    assert [k for _, k, _ in trace] == expected
    assert {quality for _, _, quality in trace} == {int(Status.FULL)}


def test_coarse_first_takes_the_largest_gap():
    """P3: farthest-point order, coarse for all, then full."""
    trace, _ = run_plan(COARSE_FIRST, 9)
    coarse = [k for _, k, quality in trace if quality == Status.SUBRESOLUTION]
    assert coarse == [4, 0, 8, 2, 6, 1, 3, 5, 7]
    assert sorted(k for _, k, quality in trace if quality == Status.FULL) == list(range(9))


@pytest.mark.parametrize("count", [3, 10, 174, 512])
def test_farthest_points_cover_evenly(count):
    """P3: after m steps no slice is farther than its share of the whole."""
    order = farthest_point_order(count)
    assert sorted(order) == list(range(count))
    for done in (3, max(3, count // 8), max(3, count // 4)):
        chosen = np.array(order[:done])
        reach = np.abs(np.arange(count)[:, None] - chosen).min(axis=1).max()
        # gaps are halved, so the largest is at most twice the smallest
        assert reach <= np.ceil(count / max(1, done - 1))


def test_gaps_are_counted_from_what_is_shown_first():
    """P3: 174 slices, the one on the screen asked for first: after 17 none is farther than 5."""
    order = farthest_point_order(174, 87)
    assert order[0] == 87
    assert sorted(order) == list(range(174))
    chosen = np.array(order[:17])
    assert np.abs(np.arange(174)[:, None] - chosen).min(axis=1).max() <= 5
    asked = plan_requests(COARSE_FIRST, range(174), lambda _: (FULL,), middle=87)
    assert [request.chunk.index for request in asked][:17] == order[:17]


@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.name)
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_small_volumes_get_every_slice(plan, count):
    """P4: positions are clipped and asked for once with n = 1, 2, 3."""
    trace, _ = run_plan(plan, count)
    final = [k for _, k, quality in trace if quality == Status.FULL]
    assert sorted(final) == list(range(count))
    assert len(set(trace)) == len(trace)


def test_positions_are_typed():
    """P4: index, place from the end and fraction are different things, and stay in range."""
    assert Position(index=500).among(10) == 9
    assert Position(from_end=0).among(10) == 9
    assert Position(from_end=50).among(10) == 0
    assert Position(fraction=0.5).among(10) == 4
    for wrong in ({}, {"index": 1, "fraction": 0.5}, {"fraction": -0.5}, {"index": -1}):
        with pytest.raises(ValueError, match=r"fraction|position|count"):
            Position(**wrong)


def test_what_is_there_is_not_asked_for_again():
    """P5: stages skip slices that are at their best, and ask for the rest of the others."""
    have = {0: Status.FULL, 1: Status.SUBRESOLUTION}
    requests = list(
        plan_requests(
            COARSE_FIRST, range(3), offers(), reached=lambda c: have.get(c.index, Status.EMPTY)
        )
    )
    asked = [(r.chunk.index, r.rendition.name) for r in requests if r.stage < 2]
    assert sorted(asked) == [(1, "full"), (2, "coarse"), (2, "full")]


def test_absent_slices_are_never_asked_for():
    slices = [0, 1, 4, 5]
    asked = {r.chunk for r in plan_requests(INTERLEAVED, slices, offers(), t=2)}
    assert asked == {ChunkKey(2, 0, k) for k in slices}


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Stage("x", decimate=0),
        lambda: Stage("x", decimate=4, offset=4),
        lambda: Stage("x", lend=(Lend(1, Status.FULL),)),
        lambda: Stage("x", lend=(Lend(0, Status.NEAR_REPLICATE),)),
        lambda: Stage("x", lend=(Lend(1, Status.NEAR_REPLICATE),), lend_nearest=True),
        lambda: Plan("x", ()),
        lambda: Plan("x", (Stage("a"), Stage("a"))),
    ],
)
def test_tables_are_checked_when_built(broken):
    with pytest.raises(ValueError, match=r"stage|plan"):
        broken()
