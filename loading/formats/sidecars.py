"""Voxel sizes that scanners write into text files beside their slices."""

from __future__ import annotations

import math
import os
import re
from typing import NamedTuple

from loading.errors import LoadError
from loading.formats.shelf import names_in, place_of

_MAX_BYTES = 1 << 18
_MAX_FILES = 64


class _Rule(NamedTuple):
    """Keys of x, y and z in a text file with "key = value" lines, and their unit."""

    ending: str
    keys: tuple[str, str, str]
    millimetres: float


# The reconstruction's own size comes before that of the projections.
_RULES = (
    _Rule(".log", ("Pixel Size (um)",) * 3, 1e-3),
    _Rule(".log", ("Image Pixel Size (um)",) * 3, 1e-3),
    _Rule(".xtekct", ("VoxelSizeX", "VoxelSizeY", "VoxelSizeZ"), 1.0),
)


def voxel_size(folder: str, prefix: str) -> tuple[tuple[float, float, float], str] | None:
    """Give the voxel size (x, y, z) in millimetres that a file beside the slices tells, and which.

    Of several such files the one counts whose name begins as the slices' do.

    Parameters
    ----------
    prefix : str
        What the slices' names begin with.
    """
    texts = [name for name in names_in(folder) if name.lower().endswith((".log", ".xtekct"))]
    bare = prefix.rstrip("_- .").lower()
    own = [name for name in texts if bare and name.lower().startswith(bare)]
    for name in sorted(own or (texts if len(texts) == 1 else []))[:_MAX_FILES]:
        size = _read(os.path.join(folder, name))  # noqa: PTH118
        if size is not None:
            return size, name
    return None


def _read(path: str) -> tuple[float, float, float] | None:
    try:
        text = place_of(path).read_at(0, _MAX_BYTES).decode("latin-1")
    except LoadError:
        return None
    for rule in _RULES:
        if not path.lower().endswith(rule.ending):
            continue
        sizes = [_value(text, key) for key in rule.keys]
        if all(size is not None for size in sizes):
            x, y, z = (float(size or 0.0) * rule.millimetres for size in sizes)
            return x, y, z
    return None


def _value(text: str, key: str) -> float | None:
    found = re.search(rf"^\s*{re.escape(key)}\s*[=:]\s*([-+.\deE]+)", text, re.MULTILINE)
    try:
        value = float(found.group(1)) if found else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None
