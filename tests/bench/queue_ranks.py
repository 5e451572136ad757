"""Measured process of ours: how long it takes to rank 10 000 waiting requests anew."""

from __future__ import annotations

import json
import statistics
import sys
import time

from loading.plan import COARSE_FIRST, Order, plan_requests
from loading.request_queue import Demand, RequestQueue
from loading.sources.base import FULL_RENDITION, Rendition, Request
from loading.status import Status

REQUESTS = 10_000
TURNS = 200


def _requests() -> list[Request]:
    """Plan 5 000 slices, each in two qualities."""
    coarse = Rendition("half", Status.SUBRESOLUTION, 1, 0.2)
    slices = range(REQUESTS // 2)
    return list(plan_requests(COARSE_FIRST, slices, lambda _: (coarse, FULL_RENDITION)))


def main() -> None:
    queue = RequestQueue(
        lambda _: True, [stage.order is Order.DISTANCE for stage in COARSE_FIRST.stages]
    )
    queue.add(_requests())
    assert len(queue) >= REQUESTS
    print("ready", flush=True)
    sys.stdin.readline()
    times = []
    for turn in range(TURNS):
        slice_shown = turn * 37 % (REQUESTS // 2)
        start = time.perf_counter()
        queue.prefer(Demand(0, (slice_shown, slice_shown + 1), 1))
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps({"median_ms": statistics.median(times), "longest_ms": max(times)}))


if __name__ == "__main__":
    main()
