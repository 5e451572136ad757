"""The value at a point in space: nearest voxel, meant value, true slice positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loading.catalogue import VolumeEntry
from loading.colour import luminance
from loading.errors import LoadError
from loading.sources.base import CancelToken, Request, Source
from loading.spec import ChunkKey, VolumeSpec
from loading.status import Status
from loading.values import meant_value

FARTHEST_MM = 1e9
"""A point farther away lies in no volume, and its index would be beyond all integers."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What lies at one point of one volume at one time point.

    Attributes
    ----------
    ijk : tuple of int
        Column, row, plane of the nearest voxel.
    value : float or None
        Meant value, the luminance of a colour; None where the slice is missing or could not be
        read.
    colour : tuple of float
        Red, green and blue; nothing where there is no colour.
    status : str
        "full", "lossy", "missing" or "failed".
    readings : tuple of (float, str)
        The value in further units, as far as the file says what it is in them.
    """

    lps: tuple[float, float, float]
    volume: int
    time_point: int
    ijk: tuple[int, int, int]
    value: float | None
    unit: str
    status: str
    colour: tuple[float, ...] = ()
    readings: tuple[tuple[float, str], ...] = ()


def nearest_voxel(spec: VolumeSpec, lps: npt.ArrayLike) -> tuple[int, int, int] | None:
    """Give (i, j, k) of the voxel whose cell contains a point, or None outside the volume.

    Where slices lie off the regular grid their true positions decide: the point belongs to the
    delivered slice nearest to it along the normal, and i, j are measured from that slice's origin.
    """
    point = np.asarray(lps, np.float64)
    if not (np.abs(point) <= FARTHEST_MM).all():  # nor is anything at a place that is no number
        return None
    affine = spec.affine_lps
    planes, rows, columns = spec.shape_kji
    i, j, k = np.linalg.solve(affine[:3, :3], point - affine[:3, 3])
    if spec.slice_origins_lps is not None:
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        normal /= np.linalg.norm(normal)
        along = (spec.slice_origins_lps - point) @ normal
        nearest = int(np.nanargmin(np.abs(along)))
        in_grid = -0.5 <= k < planes - 0.5
        # a point between planes belongs to the plane that is drawn there, delivered or not
        drawn = int(np.clip(np.floor(k + 0.5), 0, planes - 1))
        half_step = 0.5 * abs(float(affine[:3, 2] @ normal))
        if abs(along[nearest]) > half_step and in_grid and drawn != nearest:
            nearest = drawn
        elif abs(along[nearest]) > half_step * 1.001:
            return None
        if nearest not in spec.absent:
            in_plane = np.linalg.lstsq(
                affine[:3, :2], point - spec.slice_origins_lps[nearest], rcond=None
            )[0]
            i, j = in_plane
        k = float(nearest)
    i, j, k = (int(np.floor(x + 0.5 + 1e-9)) for x in (i, j, k))
    inside = 0 <= i < columns and 0 <= j < rows and 0 <= k < planes
    return (i, j, k) if inside else None


def probe(
    entries: list[tuple[int, VolumeEntry]],
    points: list[tuple[float, float, float]],
    time_point: int | None = None,
) -> list[Probe]:
    """Read the value at each point in each volume and time point that contains it.

    Only the slices that are needed are read, each once.

    Parameters
    ----------
    entries : list of (number, VolumeEntry)
        The volumes, with the number each has in its catalogue.
    points : list of (x, y, z)
        LPS millimetres.
    time_point : int, optional
        Only this one, in the volumes that have it; by default all.
    """
    results: list[tuple[int, Probe]] = []
    for number, entry in entries:
        hits = [(n, nearest_voxel(entry.spec, point)) for n, point in enumerate(points)]
        inside = [(n, ijk) for n, ijk in hits if ijk is not None]
        if not inside:
            continue
        source = entry.open()
        try:
            for t in range(entry.spec.time_points):
                if time_point not in (None, t):
                    continue
                planes: dict[int, tuple[npt.NDArray[np.generic] | None, str]] = {}
                for n, (i, j, k) in inside:
                    if k not in planes:
                        planes[k] = _read_plane(source, t, k)
                    plane, status = planes[k]
                    value, colour = _value_at(plane, j, i, entry.spec)
                    unit, readings = entry.spec.unit, _readings(value, entry.spec)
                    found = Probe(
                        points[n], number, t, (i, j, k), value, unit, status, colour, readings
                    )
                    results.append((n, found))
        finally:
            source.close()
    return [found for _, found in sorted(results, key=lambda pair: (pair[0], pair[1].volume))]


def _readings(value: float | None, spec: VolumeSpec) -> tuple[tuple[float, str], ...]:
    if value is None:
        return ()
    read = ((other.reading(value), other.unit) for other in spec.other_units)
    return tuple((float(np.float32(one)), unit) for one, unit in read if one is not None)


def _value_at(
    plane: npt.NDArray[np.generic] | None, j: int, i: int, spec: VolumeSpec
) -> tuple[float | None, tuple[float, ...]]:
    """Give the meant value of a pixel, and its colour where it has one."""
    if plane is None:
        return None, ()
    if not spec.is_colour:
        return meant_value(float(plane[0, j, i]), spec.value_map), ()
    colour = plane[0, j, i]
    return float(luminance(colour, spec.dtype)), tuple(float(part) for part in colour)


def _read_plane(source: Source, t: int, k: int) -> tuple[npt.NDArray[np.generic] | None, str]:
    spec = source.spec
    if k in spec.absent:
        return None, "missing"
    chunk = ChunkKey(t, 0, k)
    out = np.empty(spec.read_shape(k), spec.dtype)
    try:
        best = source.renditions(chunk)[-1]
        delivered = source.read(Request(chunk, best), out, CancelToken())
    except LoadError:
        return None, "failed"
    return out, Status(delivered.status).name.lower()
