"""What has to be said about a picture that is not yet, or never will be, the whole truth.

Pure functions on the engine's `Qualities`; texts are made by the views, which can translate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from loading import Qualities, Status


class Mark(Enum):
    """One untruth of a picture."""

    NOT_LOADED = "not loaded yet"
    REDUCED = "reduced resolution"
    LOSSY = "compressed with loss"
    COPIED = "copied from slice {n}"
    SOME_COPIED = "some slices copied"
    ABSENT = "slice missing: shown empty"
    SOME_ABSENT = "slices missing: shown empty"
    FAILED = "could not be read"
    SOME_FAILED = "some slices could not be read"


@dataclass(frozen=True, slots=True)
class Said:
    """A mark with the slice number, counted from 1, that it speaks of (0: none)."""

    mark: Mark
    number: int = 0


def of_slice(k: int, qualities: Qualities) -> tuple[Said, ...]:
    """Say what is untrue about one stored slice; nothing when it is complete."""
    if k in qualities.absent:
        return (Said(Mark.ABSENT),)
    said = [Said(Mark.FAILED)] if k in qualities.failed else []
    content = int(qualities.content[k])
    if content < 0:
        said += [] if said else [Said(Mark.NOT_LOADED)]
    elif content != k:
        said.append(Said(Mark.COPIED, content + 1))
    elif qualities.level[k] > 0:
        said.append(Said(Mark.REDUCED))
    elif qualities.status[k] == Status.LOSSY:
        said.append(Said(Mark.LOSSY))
    return tuple(said)


def of_volume(qualities: Qualities) -> tuple[Said, ...]:
    """Say what is untrue about a picture that crosses all slices."""
    said: list[Said] = []
    if qualities.failed:
        said.append(Said(Mark.SOME_FAILED))
    if qualities.absent:
        said.append(Said(Mark.SOME_ABSENT))
    there = delivered(qualities)
    own = there & (qualities.content == np.arange(len(there)))
    if not (qualities.content[there] >= 0).all():
        said.append(Said(Mark.NOT_LOADED))
    if (there & (qualities.content >= 0) & ~own).any():
        said.append(Said(Mark.SOME_COPIED))
    if (qualities.level[own] > 0).any():
        said.append(Said(Mark.REDUCED))
    elif (qualities.status[own] == Status.LOSSY).any():
        said.append(Said(Mark.LOSSY))
    return tuple(said)


def delivered(qualities: Qualities) -> npt.NDArray[np.bool_]:
    """Tell for each plane whether it is a slice that shows or may yet show something.

    Absent planes and failed ones without content are out: they are told on their own.
    """
    result = np.ones(len(qualities.status), bool)
    out = [k for k in qualities.failed if qualities.content[k] < 0]
    result[[*qualities.absent, *out]] = False
    return result


def runs(indices: npt.ArrayLike) -> list[tuple[int, int]]:
    """Join ascending indices to runs (first, last), both included."""
    every = np.asarray(indices, int)
    if every.size == 0:
        return []
    breaks = np.flatnonzero(np.diff(every) > 1)
    firsts = every[np.concatenate(([0], breaks + 1))]
    lasts = every[np.concatenate((breaks, [every.size - 1]))]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))
