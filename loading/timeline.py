"""When a load reached what: derived from the volume's change log, never kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loading.spec import VolumeSpec
from loading.status import Status
from loading.volume import Change

COVERAGE_REACH = 2
"""A slice counts as covered when it shows its own data or those of one at most this far away."""
OWN_LEVEL = 3
QUARTER_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Timeline:
    """Milestones in milliseconds after `start_s`; None: never reached.

    Attributes
    ----------
    first_ms : float or None
        The middle slice shows data of its own.
    coverage_ms : float or None
        Every slice shows its own data or those of one at most 2 away.
    own_ms, quarter_ms : float or None
        Every slice shows its own data at an eighth, a quarter of the matrix or better.
    full_ms : float or None
        Every slice is as good as its data allow.
    """

    first_ms: float | None
    coverage_ms: float | None
    own_ms: float | None
    quarter_ms: float | None
    full_ms: float | None


def timeline(spec: VolumeSpec, changes: Sequence[Change], start_s: float, t: int = 0) -> Timeline:
    """Read the milestones of one time point from a change log."""
    wanted = {chunk.index for chunk in spec.chunks(t)}
    ordered = sorted(wanted)
    # of an even number either of the two in the middle
    middle = {ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]} if ordered else set()
    uncovered, no_eighth, no_quarter, not_final = (set(wanted) for _ in range(4))
    marks: dict[str, float] = {}
    for change in changes:
        if change.chunk.t != t or change.status < Status.SUBRESOLUTION:
            continue
        k = change.chunk.index
        uncovered.difference_update(range(k - COVERAGE_REACH, k + COVERAGE_REACH + 1))
        if change.level <= OWN_LEVEL:
            no_eighth.discard(k)
        if change.level <= QUARTER_LEVEL:
            no_quarter.discard(k)
        if change.status >= Status.LOSSY:
            not_final.discard(k)
        reached = {
            "first": k in middle,
            "coverage": not uncovered,
            "own": not no_eighth,
            "quarter": not no_quarter,
            "full": not not_final,
        }
        for name, holds in reached.items():
            if holds:
                marks.setdefault(name, (change.time_s - start_s) * 1000)
    return Timeline(*(marks.get(n) for n in ("first", "coverage", "own", "quarter", "full")))
