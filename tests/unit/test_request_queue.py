"""What comes next, whatever the eye is on."""

from __future__ import annotations

from loading.plan import COARSE_FIRST, Order, plan_requests
from loading.request_queue import Demand, RequestQueue
from loading.sources.base import Request
from loading.spec import ChunkKey
from tests.helpers.array_source import COARSE, FULL


def queue_of(count, t=(0,), needed=lambda _: True):
    queue = RequestQueue(
        needed, [s.order is Order.DISTANCE for s in COARSE_FIRST.stages], (count - 1) // 2
    )
    for point in t:
        requests = plan_requests(COARSE_FIRST, range(count), lambda _: (COARSE, FULL), point)
        queue.add([r for r in requests if r.stage < 2])
    return queue


def drain(queue, count=10**9):
    taken: list[tuple[int, str]] = []
    while len(taken) < count and (request := queue.take()) is not None:
        taken.append((request.chunk.index, request.rendition.name))
        queue.done(request.chunk)
    return taken


def test_displayed_first_then_stage_then_distance():
    """Y1: displayed now, then the stage's rank, then the distance to what is displayed."""
    queue = queue_of(100)
    queue.prefer(Demand(visible=(70,)))
    taken = drain(queue)
    assert taken[:2] == [(70, "coarse"), (70, "full")]
    coarse, full = taken[2:101], taken[101:]
    assert {name for _, name in coarse} == {"coarse"}
    distances = [abs(k - 70) for k, _ in full]
    assert distances == sorted(distances)


def test_what_has_arrived_is_sorted_as_what_waits():
    """Y1, Y4: displayed first; coverage before quality, in the plan's order; then by distance."""
    queue = queue_of(100)
    queue.prefer(Demand(visible=(70,)))

    def came(k, stage):
        return Request(ChunkKey(0, 0, k), FULL if stage else COARSE, stage)

    came_in_turn = [came(69, 1), came(3, 0), came(50, 1), came(71, 0), came(70, 1), came(90, 1)]
    decoded = sorted(came_in_turn, key=queue.urgency)
    assert [r.chunk.index for r in decoded] == [70, 3, 71, 69, 50, 90]


def test_slices_ahead_come_before_slices_behind():
    """Y1: distance counts in the direction of travel."""
    queue = queue_of(100)
    queue.prefer(Demand(visible=(50,), direction=+1))
    full = [k for k, name in drain(queue) if name == "full"][1:]
    assert full.index(58) < full.index(45)


def test_a_new_demand_comes_next():
    queue = queue_of(1000)
    drain(queue, 100)
    queue.prefer(Demand(visible=(3, 700)))
    taken = drain(queue, 4)
    assert [k for k, _ in taken][:1] == [3]
    assert {k for k, _ in taken} == {3, 700}


def test_the_time_point_on_screen_comes_first():
    queue = queue_of(10, t=(0, 1, 2))
    queue.prefer(Demand(t=2))
    order = []
    while (request := queue.take()) is not None:
        order.append(request.chunk.t)
        queue.done(request.chunk)
    assert order == [2] * 20 + [1] * 20 + [0] * 20


def test_one_chunk_is_read_by_one_worker_at_a_time():
    queue = RequestQueue(lambda _: True, [False, False])
    chunk = ChunkKey(0, 0, 5)
    queue.add([Request(chunk, COARSE, 0), Request(chunk, FULL, 1)])
    first = queue.take()
    assert first is not None
    assert first.rendition is COARSE
    assert queue.take() is None
    queue.done(chunk)
    second = queue.take()
    assert second is not None
    assert second.rendition is FULL


def test_what_is_no_longer_needed_is_skipped_and_counted():
    """P5: a request whose chunk is good enough by now is dropped when its turn comes."""
    queue = queue_of(10, needed=lambda r: r.chunk.index % 2 == 0)
    assert {k for k, _ in drain(queue)} == {0, 2, 4, 6, 8}
    assert queue.skipped == 10


def test_clear_leaves_nothing():
    queue = queue_of(10)
    queue.clear()
    assert queue.take() is None
    assert len(queue) == 0
