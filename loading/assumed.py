"""Voxel sizes that a file does not tell: what the user says, put in place of what was assumed.

It stays marked as assumed. Directions and the number of voxels are left as they are.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from loading.catalogue import VolumeEntry
from loading.formats.parts import millimetres, spacing_assumed
from loading.sources.base import Source
from loading.spec import FloatArray, Level, VolumeSpec

_CODE = "spacing_assumed"
_SMALLEST_MM, _LARGEST_MM = 1e-7, 1e3
_SIZE = re.compile(r"(\d+(?:[.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")


def is_assumed(spec: VolumeSpec) -> bool:
    """Tell whether the voxel size of a volume, or a part of it, is a guess."""
    return any(told.code == _CODE for told in spec.warnings)


def sizes_of(text: str) -> tuple[float, float, float] | None:
    """Understand "0.5", "0.5 x 0.5 x 2" or "9.5 um" as millimetres along columns, rows, slices.

    Gives None for what is no size of a voxel: one size or three, with one unit behind the last.
    """
    numbers = list(_SIZE.finditer(text))
    if len(numbers) not in (1, 3):
        return None
    unit = text[numbers[-1].end() :].strip()
    scale = millimetres(unit) if unit else 1.0
    between = [text[a.end() : b.start()] for a, b in pairwise(numbers)]
    is_clean = all(word.strip().lower() in ("", "x", "*", ";", "\u00d7") for word in between)
    if scale is None or not is_clean or text[: numbers[0].start()].strip():
        return None
    sizes = [float(number[0].replace(",", ".")) * scale for number in numbers]
    if not all(_SMALLEST_MM <= size <= _LARGEST_MM for size in sizes):
        return None
    x, y, z = sizes * (3 // len(sizes))
    return x, y, z


def with_voxel_size(entry: VolumeEntry, sizes_ijk_mm: Sequence[float]) -> VolumeEntry:
    """Give the same volume with voxels of this size, marked as assumed.

    Parameters
    ----------
    sizes_ijk_mm : sequence of float
        Length of a step along columns, rows and slices of the finest level, millimetres.
    """
    spec = entry.spec
    ratios = np.asarray(sizes_ijk_mm, np.float64) / np.array(spec.spacing_ijk_mm)
    levels = tuple(_scaled(level, ratios) for level in spec.levels)
    told = [one for one in spec.warnings if one.code != _CODE]
    told.insert(0, spacing_assumed(list(sizes_ijk_mm)))
    changed = dataclasses.replace(
        spec,
        key=f"{spec.key.partition('@')[0]}@{'x'.join(f'{size:.9g}' for size in sizes_ijk_mm)}",
        levels=levels,
        warnings=tuple(told),
    )

    def open_source() -> Source:
        source = entry.open()
        source.spec = changed
        return source

    return VolumeEntry(changed, open_source)


def _scaled(level: Level, ratios: FloatArray) -> Level:
    affine = level.affine_lps.copy()
    affine[:3, :3] *= ratios
    return dataclasses.replace(level, affine_lps=affine)
