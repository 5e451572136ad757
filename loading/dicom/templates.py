"""Recognise the header of the next file of a series without walking it again.

Slices of one series differ in few bytes and in the lengths of few elements. So the first file is
walked element by element; the next one is compared with it at all element headers and shared
values at once, and when these are equal its own values lie at the same places: the walk would have
taken the same steps. Elements that were seen with several lengths (numbers, UIDs, private blocks)
are joints: their length is read from the file, and all that follows shifts by it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from struct import Struct, error
from typing import Any, NamedTuple

import numpy as np

from loading.dicom import tags
from loading.dicom.header import Attributes
from loading.dicom.scan import Layout, Step, own_slices
from loading.dicom.syntaxes import IMPLICIT_LITTLE

_short = Struct("<H").unpack_from
_long = Struct("<L").unpack_from
_BEHIND = 4
"""Bytes that the walk wants to see behind the header of the pixels."""


class _Joint(NamedTuple):
    """An element of any length: where its length stands, where its value lies, and whose it is."""

    field: int
    unpack: Callable[..., tuple[Any, ...]]
    start: int
    length: int
    own_at: int


class Template:
    """The layout of a file that was walked, ready to be recognised in the next one.

    Parameters
    ----------
    head : bytes
        The file's beginning, at least up to its pixels.
    shared : Attributes
        What files that match have in common.
    joints : frozenset of int
        Tags of elements that may have another length in the next file.
    """

    __slots__ = ("_expected", "_joints", "_mask", "_take_own", "joints", "layout", "shared")

    def __init__(
        self, head: bytes, layout: Layout, shared: Attributes, joints: frozenset[int] = frozenset()
    ) -> None:
        self.layout, self.shared, self.joints = layout, shared, joints
        self._joints = [_joint_of(step, layout) for step in layout.steps if step[0] in joints]
        mask = bytearray(layout.offset)
        for start, length in layout.marks:
            mask[start : start + length] = b"\xff" * length
        for joint in self._joints:
            mask[joint.field : joint.start] = bytes(joint.start - joint.field)
        self._mask = np.frombuffer(self._without_joints(mask), np.uint8)
        self._expected = self._masked(self._without_joints(head))
        self._take_own = itemgetter(*(self._moved(part) for part in own_slices(layout)))

    def match(self, head: bytes) -> tuple[tuple[bytes, ...], int] | None:
        """Give own values and offset of the pixels of a file that is laid out alike, else None."""
        parts, at, shift = [], 0, 0
        jointed = []
        try:
            for field, unpack, start, length, own_at in self._joints:
                found = unpack(head, field + shift)[0]
                begin = start + shift
                parts.append(head[at:begin])
                at = begin + found
                shift += found - length
                if own_at >= 0:
                    jointed.append((own_at, head[begin:at]))
        except error:  # the head ends before that length
            return None
        offset = self.layout.offset + shift
        if offset + _BEHIND > len(head):
            return None
        parts.append(head[at:offset])
        straight = b"".join(parts)
        if len(straight) != len(self._mask) or self._masked(straight) != self._expected:
            return None
        own: tuple[bytes, ...] = self._take_own(straight)
        if jointed:
            values = list(own)
            for own_at, value in jointed:
                values[own_at] = value
            own = tuple(values)
        return own, offset

    def joints_to(self, other: Layout) -> frozenset[int] | None:
        """Give the tags that differ in length only; None when the elements are not the same."""
        mine, others = self.layout.steps, other.steps
        if len(mine) != len(others):
            return None
        found = set()
        for (tag, _, width, length), (tag2, _, width2, length2) in zip(mine, others, strict=True):
            if tag != tag2 or width != width2:
                return None
            if length != length2:
                found.add(tag)
        return frozenset(found)

    def _masked(self, straight: bytes) -> bytes:
        return (np.frombuffer(straight, np.uint8) & self._mask).tobytes()

    def _without_joints(self, whole: bytes | bytearray) -> bytes:
        """Cut the values of the joints out of the header of the file that was walked."""
        parts, at = [], 0
        for joint in self._joints:
            parts.append(whole[at : joint.start])
            at = joint.start + joint.length
        parts.append(whole[at : self.layout.offset])
        return b"".join(parts)

    def _moved(self, part: slice) -> slice:
        """Give where an own value lies once the joints are cut out; nowhere if it is one itself."""
        if any(part.start == joint.start for joint in self._joints):
            return slice(0, 0)
        cut = sum(joint.length for joint in self._joints if joint.start < part.start)
        return slice(part.start - cut, part.stop - cut)


def _joint_of(step: Step, layout: Layout) -> _Joint:
    tag, at, width, length = step
    own_at = tags.OWN_AT.get(tag, -1)
    start = at + width
    if width == 12:
        return _Joint(at + 8, _long, start, length, own_at)
    if layout.syntax == IMPLICIT_LITTLE and tag >> 16 != 2:
        return _Joint(at + 4, _long, start, length, own_at)
    return _Joint(at + 6, _short, start, length, own_at)
