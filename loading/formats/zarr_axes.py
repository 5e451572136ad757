"""Axes, transformations and channels of an OME-Zarr image, as its metadata tell them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from loading.errors import BadResponse
from loading.formats.parts import millimetres, spacing_assumed
from loading.notices import Notice
from loading.spec import FloatArray, Window

_SMALLEST_MM, _LARGEST_MM = 1e-9, 1e6
_LPS = {"x": 0, "y": 1, "z": 2}


class Axes(NamedTuple):
    """Which axis of an array is what: its place among them, or None."""

    space: tuple[int, ...]
    time: int | None
    channel: int | None
    names: tuple[str, ...]
    units: tuple[str, ...]


def axes_of(multiscale: Mapping[str, Any], path: str) -> Axes:
    """Tell the axes of an image apart, by type or name."""
    axes = multiscale.get("axes")
    if not isinstance(axes, list) or not 2 <= len(axes) <= 5:
        raise BadResponse("The OME-Zarr axes are not usable (versions 0.4 and 0.5 are read)")
    named = [axis if isinstance(axis, dict) else {"name": axis} for axis in axes]
    names = tuple(str(axis.get("name", "")).lower() for axis in named)
    kinds = [axis.get("type", _kind_of(name)) for axis, name in zip(named, names, strict=True)]
    space = tuple(n for n, kind in enumerate(kinds) if kind == "space")
    if not 2 <= len(space) <= 3:
        raise BadResponse(f"{len(space)} axes of space are not read", where=path)
    others = [n for n in range(len(kinds)) if n not in space]
    time = next((n for n in others if kinds[n] == "time"), None)
    channel = next((n for n in others if n != time), None)
    if len(others) > 2 or (len(others) == 2 and time is None):
        raise BadResponse("The OME-Zarr axes are not usable", where=path)
    units = tuple(str(axis.get("unit") or "") for axis in named)
    return Axes(space, time, channel, names, units)


def _kind_of(name: str) -> str:
    return {"t": "time", "c": "channel"}.get(name, "space")


def affine_of(
    multiscale: Mapping[str, Any], dataset: Mapping[str, Any], axes: Axes, told: list[Notice]
) -> FloatArray:
    """Make the affine of a level: x, y and z of the file are taken as L, P and S."""
    count = len(axes.names)
    scale, shift = np.ones(count), np.zeros(count)
    found = False
    for holder in (dataset, multiscale):
        for step in holder.get("coordinateTransformations") or ():
            kind = step.get("type") if isinstance(step, dict) else None
            values = np.array(step.get(kind, ()), np.float64) if kind else np.empty(0)
            if kind == "identity":
                continue
            if kind not in ("scale", "translation") or values.shape != (count,):
                raise BadResponse("The OME-Zarr transformation is not usable")
            if not np.isfinite(values).all():
                raise BadResponse("The OME-Zarr transformation is not usable")
            if kind == "scale":
                found = True
                scale, shift = scale * values, shift * values
            else:
                shift = shift + values
    units = [millimetres(axes.units[n]) for n in axes.space]
    sizes = [scale[n] * (unit or 1.0) for n, unit in zip(axes.space, units, strict=True)]
    usable = found and all(_SMALLEST_MM < size < _LARGEST_MM for size in sizes)
    if not usable:
        scale, shift = np.ones(count), np.zeros(count)
        sizes = [unit or 1.0 for unit in units]
    if not usable or None in units:
        told.append(spacing_assumed([float(s) for s in reversed(sizes)]))
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    worlds = _worlds([axes.names[n] for n in axes.space])
    columns = range(len(axes.space) - 1, -1, -1)
    for column, axis, world, size, unit in zip(
        columns, axes.space, worlds, sizes, units, strict=True
    ):
        affine[world, column] = size
        affine[world, 3] = shift[axis] * (unit or 1.0)
    if len(axes.space) == 2:
        affine[3 - sum(worlds), 2] = max(sizes)
    return affine


def _worlds(names: Sequence[str]) -> list[int]:
    """Give the direction of each axis of space: by its name, or z, y, x in this order."""
    worlds = [_LPS.get(name, -1) for name in names]
    if -1 in worlds or len(set(worlds)) < len(worlds):
        return [2, 1, 0][-len(names) :]
    return worlds


def channel_of(
    attributes: Mapping[str, Any], number: int, count: int
) -> tuple[str, tuple[Window, ...]]:
    """Give the name and the window of a channel, where `omero` tells them."""
    fallback = f"channel {number + 1}" if count > 1 else ""
    try:
        told = attributes["omero"]["channels"][number]
        label = str(told.get("label") or "") if count > 1 else ""
        window = told.get("window") or {}
        low, high = float(window["start"]), float(window["end"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return fallback, ()
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return label or fallback, ()
    return label or fallback, (Window((low + high) / 2, high - low, "OME"),)
