"""From array values to meant values: the one place that multiplies by a slope.

Meant = stored * slope + intercept in float64, rounded once to float32. Checksums and ranges are
made slice by slice, so that they need no second volume.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from loading.spec import ValueMap, VolumeSpec

Float32Array = npt.NDArray[np.float32]


def meant(stored: npt.NDArray[np.generic], value_map: ValueMap) -> Float32Array:
    """Convert array values to meant values (PS3.3 C.11.1.1.2), float32 of the same shape."""
    if value_map.is_identity:
        return stored.astype(np.float32)
    return (stored.astype(np.float64) * value_map.slope + value_map.intercept).astype(np.float32)


def meant_value(stored: float, value_map: ValueMap) -> float:
    """Convert one array value to its meant value, rounded as `meant` rounds."""
    return float(np.float32(float(stored) * value_map.slope + value_map.intercept))


def array_value(meant_number: float, value_map: ValueMap) -> float:
    """Convert a meant value to the array's scale, unrounded; for windows and thresholds."""
    return (meant_number - value_map.intercept) / value_map.slope


class ValueDigest:
    """Take slices in order; give hash, range and sums of a volume.

    Of a volume in colour it is red, green and blue of each voxel that are hashed, [k,j,i,3].

    Attributes
    ----------
    low, high : float or None
        Smallest and largest meant value so far.
    sums : list of int
        For each slice the sum of every 7th stored value (only of integer arrays).
    """

    def __init__(self, spec: VolumeSpec) -> None:
        self._spec = spec
        self._meant = hashlib.sha256()
        self._stored = hashlib.sha256()
        self.low: float | None = None
        self.high: float | None = None
        self.sums: list[float] = []

    def add(self, plane: npt.NDArray[np.generic]) -> None:
        """Take the next slice, shape (rows, columns), array values; samples last in colour."""
        values = meant(plane, self._spec.value_map)
        self._meant.update(np.ascontiguousarray(values, "<f4").data)
        self._stored.update(np.ascontiguousarray(plane).data)
        wide = np.float64 if plane.dtype.kind == "f" else np.int64
        self.sums.append(plane.reshape(-1)[::7].astype(wide).sum().item())
        if values.size and not np.isnan(values).all():
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)

    def add_missing(self) -> None:
        """Take a slice that is not there: its meant values are NaN."""
        _, rows, columns = self._spec.shape_kji
        count = rows * columns * self._spec.samples
        self._meant.update(np.full(count, np.nan, "<f4").data)
        empty = np.full(count, self._spec.empty_value).astype(self._spec.dtype)
        self._stored.update(empty.data)
        self.sums.append(0)

    @property
    def sha256(self) -> str:
        """Give the hash of the float32 little-endian meant values, C order [k,j,i]."""
        return self._meant.hexdigest()

    @property
    def sha256_stored(self) -> str:
        """Give the hash of the array values as they lie in memory."""
        return self._stored.hexdigest()

    @property
    def value_range(self) -> list[float] | None:
        """Give smallest and largest meant value, or None when there is none."""
        return None if self.low is None or self.high is None else [self.low, self.high]


def digest(spec: VolumeSpec, planes: Iterable[npt.NDArray[np.generic] | None]) -> ValueDigest:
    """Digest the slices of one time point in order; None stands for a missing one."""
    result = ValueDigest(spec)
    for plane in planes:
        if plane is None:
            result.add_missing()
        else:
            result.add(plane)
    return result
