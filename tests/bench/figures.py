"""What a figure is, and what the facts say a floor may cost."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench.subjects import Sample, column

Raw = dict[str, list[float]]

FLOOR_TOLERANCE = 1.5
"""A floor that much slower, against SimpleITK in the same run, than when it was first measured
says that something else was measured: the figure is void."""
PREADV_OF_SIMPLEITK = 0.084
"""37 to 41 ms against 92..102 + 328..371 ms on an idle machine: 500 slices, fresh array."""
HTJ2K_OF_SIMPLEITK = 0.24
"""200 slices at 1031 MB/s of pixels on two threads, 102 ms, 5 ms of reading; the same peer."""


@dataclass(slots=True)
class Figure:
    """One line of the table.

    Attributes
    ----------
    holds : bool or None
        None where there is no bar, or the figure is void.
    raw : dict
        Every single measurement, by side and quantity.
    """

    name: str
    value: float
    unit: str
    bar: float | None
    how: str
    raw: Raw = field(default_factory=dict)
    at_least: bool = False
    void: str = ""

    @property
    def holds(self) -> bool | None:
        """Tell whether the bar is met."""
        if self.bar is None or self.void:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    @property
    def told(self) -> str:
        """Say how it was measured, and before all that it is void if it is."""
        return f"VOID: {self.void}. {self.how}" if self.void else self.how


Measure = Callable[[], Figure]


def ratio_of_medians(one: list[float], other: list[float]) -> float:
    """Divide the medians of two sides."""
    return statistics.median(one) / statistics.median(other)


def floor_check(floor: list[float], peer: list[float], known: float) -> str:
    """Give the reason why a floor does not count, empty when it does."""
    found = ratio_of_medians(floor, peer)
    if found <= FLOOR_TOLERANCE * known:
        return ""
    return f"the floor is {found:.3f} of SimpleITK here, {known:.3f} where it was first measured"


def columns(samples: dict[str, list[Sample]], **keys: str) -> Raw:
    """Give one quantity of each side: `columns(samples, voxtide="full_ms", floor="ms")`."""
    return {side: column(samples[side], key) for side, key in keys.items()}
