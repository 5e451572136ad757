"""Which files are the slices of one stack, by their names: runs of digits in natural order."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

_RUNS = re.compile(r"(\d+)")
SMALLEST_STACK = 3
"""Fewer pictures are pictures, not a volume."""
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Stack:
    """Files that follow each other.

    Attributes
    ----------
    paths : tuple of str
        In natural order.
    planes : tuple of int
        Plane of each; numbers that are left out leave planes empty.
    count : int
        Planes, empty ones included.
    prefix : str
        What their names begin with, up to the number.
    """

    paths: tuple[str, ...]
    planes: tuple[int, ...]
    count: int
    prefix: str


def natural_key(name: str) -> list[tuple[int, str | int]]:
    """Give a key that sorts s_2 before s_10."""
    return [(1, int(p)) if p.isdecimal() else (0, p.lower()) for p in _RUNS.split(name) if p]


def stacks(paths: Sequence[str]) -> tuple[list[Stack], list[str]]:
    """Sort files of one folder into stacks; give them, and the files that are in none."""
    families: dict[tuple[str, ...], list[tuple[tuple[int, ...], str]]] = {}
    for path in paths:
        stem = os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122
        pieces = _RUNS.split(stem)
        if any(len(run) > _MOST_DIGITS for run in pieces[1::2]):
            pieces = [stem]
        numbers = tuple(int(run) for run in pieces[1::2])
        families.setdefault(tuple(pieces[0::2]), []).append((numbers, path))
    found: list[Stack] = []
    alone: list[str] = []
    for texts, family in families.items():
        for group, axis in _split(family):
            if len(group) < SMALLEST_STACK:
                alone += [path for _, path in group]
            else:
                found.append(_stack(group, axis, texts))
    return found, alone


_Group = list[tuple[tuple[int, ...], str]]


def _split(family: _Group) -> list[tuple[_Group, int | None]]:
    """Split files of one pattern so that one number varies in each group.

    It is the one that leaves fewest groups, of several the last; where every group would be a
    single file (a number and a time of day in each name) all are one group.
    """
    runs = len(family[0][0])
    varying = [n for n in range(runs) if len({numbers[n] for numbers, _ in family}) > 1]
    if not varying:
        return [(family, None)]
    best: list[_Group] = []
    axis = varying[-1]
    for candidate in reversed(varying):
        groups: dict[tuple[int, ...], _Group] = {}
        for numbers, path in family:
            key = (*numbers[:candidate], *numbers[candidate + 1 :])
            groups.setdefault(key, []).append((numbers, path))
        if not best or len(groups) < len(best):
            best, axis = list(groups.values()), candidate
    if len(best) == len(family) and len(varying) > 1:
        return [(family, None)]
    return [(group, axis) for group in best]


def _stack(group: _Group, axis: int | None, texts: tuple[str, ...]) -> Stack:
    ordered = sorted(group, key=lambda item: (item[0], item[1]))
    paths = tuple(path for _, path in ordered)
    prefix = texts[0]
    planes, count = tuple(range(len(paths))), len(paths)
    if axis is not None:
        numbers = [item[0][axis] for item in ordered]
        step = math.gcd(*(b - numbers[0] for b in numbers[1:])) or 1
        wanted = (numbers[-1] - numbers[0]) // step + 1
        if len(set(numbers)) == len(numbers) and wanted <= 2 * len(numbers):
            planes = tuple((number - numbers[0]) // step for number in numbers)
            count = wanted
    return Stack(paths, planes, count, prefix)
