"""In which order a volume is read: tables of stages, and a pure function from them to requests.

No input, no threads, no format: a stage speaks of renditions by what they give ("coarse", "full").
Decimation and positions count the slices that are there; neighbours count planes of the grid.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from loading.sources.base import Rendition, Request
from loading.spec import ChunkKey
from loading.status import Status


class Order(Enum):
    """Say in which order the slices of one stage are asked for."""

    INDEX = "index"
    GAPS = "gaps"
    """Middle, first, last, then always the centre of the largest gap."""
    CENTRE_OUT = "centre_out"
    DISTANCE = "distance"
    """Nearest to what is displayed first; re-sorted whenever that changes."""


@dataclass(frozen=True, slots=True)
class Position:
    """Name one slice independently of how many there are.

    Exactly one of the three is set: `index` counts from the first slice, `from_end` from the last
    (0 is the last), `fraction` of the way from first to last, rounded down.
    """

    index: int | None = None
    from_end: int | None = None
    fraction: float | None = None

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.index, self.from_end, self.fraction)) != 1:
            raise ValueError("a position is either an index, a place from the end or a fraction")
        if self.fraction is not None and not 0.0 <= self.fraction <= 1.0:
            raise ValueError(f"a fraction lies between 0 and 1, got {self.fraction}")
        if (self.index or 0) < 0 or (self.from_end or 0) < 0:
            raise ValueError("index and place from the end count upwards from 0")

    def among(self, count: int) -> int:
        """Give the ordinal among `count` slices, clipped to those that exist."""
        if self.index is not None:
            return min(self.index, count - 1)
        if self.from_end is not None:
            return max(0, count - 1 - self.from_end)
        assert self.fraction is not None
        return int((count - 1) * self.fraction)


@dataclass(frozen=True, slots=True)
class Lend:
    """Copy a delivered slice to the plane `offset` away, which then counts as `status`."""

    offset: int
    status: Status


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass over some of the slices.

    Attributes
    ----------
    coarse : bool
        Ask for the cheapest rendition instead of the best one.
    step : int
        Of several coarse ones the one so many steps after the cheapest; where there are not so
        many the stage asks for nothing.
    max_cost : float
        A coarse rendition that costs more than this share of the full one does not pay: the full
        one is read instead.
    decimate, offset : int
        Slices with ordinal ≡ offset (mod decimate).
    positions : tuple of Position
        Named slices instead.
    lend : tuple of Lend
        To which neighbours a delivery is copied; with `lend_nearest` to every slice that has
        nothing nearer.
    """

    name: str
    coarse: bool = False
    step: int = 0
    max_cost: float = 1.0
    decimate: int = 1
    offset: int = 0
    positions: tuple[Position, ...] = ()
    order: Order = Order.INDEX
    lend: tuple[Lend, ...] = ()
    lend_nearest: bool = False
    retries: bool = False
    """Ask again for whatever is still below its best; other stages ask once per quality gained."""

    def __post_init__(self) -> None:
        if self.decimate < 1 or not 0 <= self.offset < self.decimate:
            raise ValueError(f"stage {self.name}: offset {self.offset} of {self.decimate}")
        if self.lend and self.lend_nearest:
            raise ValueError(
                f"stage {self.name}: lend to named neighbours or to the nearest, not both"
            )
        if any(rule.offset == 0 or rule.status.is_own for rule in self.lend):
            raise ValueError(f"stage {self.name}: a copy lies elsewhere and is never own data")

    def ordinals(self, count: int, middle: int | None = None) -> list[int]:
        """Give the ordinals of this stage among `count` slices, each once, in order.

        `middle`: where gaps are counted from, when that is not the middle.
        """
        if self.positions:
            return list(dict.fromkeys(position.among(count) for position in self.positions))
        chosen = range(self.offset, count, self.decimate)
        if self.order is Order.GAPS:
            order = farthest_point_order(count, middle)
            return [n for n in order if n % self.decimate == self.offset]
        if self.order is Order.CENTRE_OUT:
            middle = (count - 1) // 2
            return sorted(chosen, key=lambda n: (abs(n - middle), n))
        return list(chosen)


@dataclass(frozen=True, slots=True)
class Plan:
    """A named table of stages."""

    name: str
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"plan {self.name}: stages need names of their own, got {names}")


_ADJACENT = (
    Lend(-1, Status.NEAR_REPLICATE),
    Lend(+1, Status.NEAR_REPLICATE),
    Lend(+2, Status.FAR_REPLICATE),
)

INTERLEAVED = Plan(
    "interleaved",
    (
        # Cornerstone3D, core/loaders/configuration/interleavedRetrieve.ts
        Stage(
            "initialImages",
            positions=(Position(fraction=0.5), Position(index=0), Position(from_end=0)),
            lend=_ADJACENT,
        ),
        Stage("quarterThumb", coarse=True, decimate=4, offset=3, lend=_ADJACENT),
        Stage("halfThumb", coarse=True, decimate=4, offset=1, lend=_ADJACENT),
        Stage("quarterFull", decimate=4, offset=2),
        Stage("halfFull", decimate=4, offset=0),
        Stage("threeQuarterFull", decimate=4, offset=1),
        Stage("finalFull", decimate=4, offset=3),
        Stage("errorRetrieve", retries=True),
    ),
)

COARSE_FIRST = Plan(
    "coarse_first",
    (
        Stage("gaps", coarse=True, max_cost=0.25, order=Order.GAPS, lend_nearest=True),
        Stage("full", order=Order.DISTANCE, lend_nearest=True),
        Stage("retry", order=Order.DISTANCE, lend_nearest=True, retries=True),
    ),
)

PROGRESSIVE = Plan(
    # over a line: what COARSE_FIRST is, and one step between, which pays when bytes are dear
    "progressive",
    (
        Stage("gaps", coarse=True, max_cost=0.25, order=Order.GAPS, lend_nearest=True),
        Stage("finer", coarse=True, step=1, max_cost=0.25, order=Order.GAPS, lend_nearest=True),
        Stage("full", order=Order.DISTANCE, lend_nearest=True),
        Stage("retry", order=Order.DISTANCE, lend_nearest=True, retries=True),
    ),
)

SEQUENTIAL = Plan("sequential", (Stage("all"), Stage("retry", retries=True)))

CENTRE_OUT = Plan(
    "centre_out",
    (
        Stage("all", order=Order.CENTRE_OUT, lend_nearest=True),
        Stage("retry", lend_nearest=True, retries=True),
    ),
)

IN_ORDER = Plan(
    # for streams, which can only be read from their beginning
    "in_order",
    (
        Stage("coarse", coarse=True, max_cost=0.25, lend_nearest=True),
        Stage("all", lend_nearest=True),
        Stage("retry", lend_nearest=True, retries=True),
    ),
)

SINGLE = Plan("single", (Stage("initialImages"),))

PLANS: dict[str, Plan] = {
    plan.name: plan for plan in (COARSE_FIRST, INTERLEAVED, SEQUENTIAL, CENTRE_OUT, SINGLE)
}


_FINAL = int(Status.LOSSY)
_NO_LEVEL = -99
"""Coarser than any level: what has been reached is told as a status alone."""


def plan_requests(
    plan: Plan,
    slices: Sequence[int],
    renditions: Callable[[ChunkKey], Sequence[Rendition]],
    t: int = 0,
    reached: Callable[[ChunkKey], Status] = lambda _: Status.EMPTY,
    middle: int | None = None,
) -> Iterator[Request]:
    """Turn a plan into requests for one time point, in the plan's own order.

    Parameters
    ----------
    slices : sequence of int
        Planes that have a slice, ascending.
    renditions : callable
        What the source offers for a chunk, cheapest first.
    reached : callable
        What a chunk has already; it is not asked for again unless that gains quality.
    middle : int, optional
        Plane that is asked for first whatever the plan says: gaps are counted from it.

    Yields
    ------
    Request
        Each chunk once per quality it gains, and once more in each stage that retries.
    """
    chunks = [ChunkKey(t, 0, k) for k in slices]
    first = slices.index(middle) if middle in slices else None
    have = [int(reached(chunk)) for chunk in chunks]
    best = [(status, _NO_LEVEL) for status in have]
    offers: list[Sequence[Rendition]] = [()] * len(chunks)
    for number, stage in enumerate(plan.stages):
        last: Sequence[Rendition] = ()
        for n in stage.ordinals(len(chunks), first) if chunks else ():
            # asked once, and only for slices that are wanted: an answer may lie in a file
            offered = offers[n] = offers[n] or renditions(chunks[n])
            if offered is not last:  # nearly all slices are offered the same
                last, chosen = offered, _chosen(stage, offered)
                gains = (int(chosen.gives), -chosen.level) if chosen else (0, 0)
            if chosen is None:
                continue
            is_new = best[n] < gains and (have[n] < gains[0] or stage.step > 0)
            if is_new or (stage.retries and have[n] < _FINAL):
                best[n] = max(best[n], gains)
                yield Request(chunks[n], chosen, number)


def _chosen(stage: Stage, offered: Sequence[Rendition]) -> Rendition | None:
    """Give which of the offered renditions a stage asks for, if any."""
    if stage.coarse and stage.step:
        pays = len(offered) > stage.step + 1 and offered[stage.step].cost <= stage.max_cost
        return offered[stage.step] if pays else None
    if stage.coarse and offered[0].cost <= stage.max_cost:
        return offered[0]
    return offered[-1]


def farthest_point_order(count: int, middle: int | None = None) -> list[int]:
    """Order 0..count-1 so that each next one is farthest from all before it.

    Middle, or what is given for it, first, last, then the centre of the largest gap; ties go to the
    lower index. After m steps no index is farther than about count / (m - 1) / 2 from a chosen one.
    """
    if count < 1:
        return []
    middle = (count - 1) // 2 if middle is None else middle
    order = list(dict.fromkeys((middle, 0, count - 1)))
    gaps: list[tuple[int, int, int]] = []

    def add_gap(low: int, high: int) -> None:
        if high - low > 1:
            heapq.heappush(gaps, (low - high, low, high))

    add_gap(0, middle)
    add_gap(middle, count - 1)
    while gaps:
        _, low, high = heapq.heappop(gaps)
        centre = (low + high) // 2
        order.append(centre)
        add_gap(low, centre)
        add_gap(centre, high)
    return order
