"""How long each frame of a loop is to be shown (PS3.3 C.7.6.5, C.7.5.1.1.1)."""

from __future__ import annotations

import math
from statistics import median

from loading.dicom.elements import Damaged, DataSet
from loading.dicom.header import Instance, numbers

_DISPLAY_RATE = 0x00082144
_CINE_RATE = 0x00180040
_FRAME_TIME = 0x00181063
_FRAME_TIME_VECTOR = 0x00181065
_SHORTEST_MS, _LONGEST_MS = 1.0, 60_000.0


def frame_times(instance: Instance, frames: int) -> tuple[float, ...]:
    """Give milliseconds for each frame, or one number for all; nothing where none is given.

    A rate that is recommended for display comes first, then the rate of the cine, the times of
    each frame, and one time for all.
    """
    if frames < 2:
        return ()
    end = instance.offset
    data = DataSet(instance.place.read_at(0, end), instance.shared.syntax, end)
    try:
        wanted = (_DISPLAY_RATE, _CINE_RATE, _FRAME_TIME, _FRAME_TIME_VECTOR)
        found = {tag: numbers(data.value(at)) for tag, at in data.top(wanted).items()}
    except Damaged:
        return ()
    for tag in (_DISPLAY_RATE, _CINE_RATE):
        rate = found.get(tag, ())
        if rate and rate[0] > 0 and _is_usable(1000.0 / rate[0]):
            return (1000.0 / rate[0],)
    vector = found.get(_FRAME_TIME_VECTOR, ())
    # The first is the time before the first frame; how long the last one stays is not said.
    steps = vector[1:]
    if len(vector) == frames and all(map(_is_usable, steps)):
        return (*steps, median(steps))
    time = found.get(_FRAME_TIME, ())
    return (time[0],) if time and _is_usable(time[0]) else ()


def _is_usable(milliseconds: float) -> bool:
    return math.isfinite(milliseconds) and _SHORTEST_MS <= milliseconds <= _LONGEST_MS
