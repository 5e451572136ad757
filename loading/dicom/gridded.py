"""Objects of many frames that say in vectors where their frames lie: doses (PS3.3 C.8.8.3).

Each frame becomes a slice with a position of its own, so that the same code sorts and groups it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from loading.dicom import grouping, tags
from loading.dicom.forms import PixelForm
from loading.dicom.geometry import Frame
from loading.dicom.header import Instance, Part
from loading.dicom.kinds import is_dose

_SAME_MM = 1e-3
_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def planes_of(instance: Instance, form: PixelForm) -> list[Instance]:
    """Give a slice for each frame of a dose; nothing where it is none or its places are unsure."""
    shared = instance.shared
    frame = grouping.frame_of(shared)
    if not is_dose(shared) or frame is None or not grouping.usable_position(instance):
        return []
    offsets = _relative_offsets(instance, frame)
    if len(offsets) != form.frames or len(set(offsets)) != len(offsets):
        return []
    return _placed(instance, frame, offsets)


def _relative_offsets(instance: Instance, frame: Frame) -> Sequence[float]:
    """Read the Grid Frame Offset Vector as distances from the first frame, along the normal.

    It begins with zero, or, in axial grids only, with the z of the position: then it holds those
    of all frames (C.8.8.3.2). Anything else may be meant either way and is not believed.
    """
    offsets = instance.shared.numbers(tags.FRAME_OFFSETS)
    if not offsets or not all(map(math.isfinite, offsets)):
        return ()
    if abs(offsets[0]) <= _SAME_MM:
        return offsets
    z = (instance.position or (0.0, 0.0, 0.0))[2]
    cosines = (*frame.row.tolist(), *frame.column.tolist())
    is_axial = all(abs(a - b) <= 1e-4 for a, b in zip(cosines, _AXIAL, strict=True))
    if is_axial and abs(offsets[0] - z) <= _SAME_MM:
        return [offset - z for offset in offsets]
    return ()


def _placed(instance: Instance, frame: Frame, offsets: Sequence[float]) -> list[Instance]:
    first = np.array(instance.position)
    found = []
    for number, offset in enumerate(offsets):
        own = list(instance.own)
        place = first + offset * frame.normal
        own[_POSITION_AT] = "\\".join(repr(float(part)) for part in place).encode()
        found.append(instance._replace(own=tuple(own), part=Part(instance, number)))
    return found


_POSITION_AT = tags.OWN_AT[tags.POSITION]
