"""Ranges and histograms of what has arrived: only slices with data of their own count.

Empty, borrowed and absent slices and padding never enter. Large volumes are sampled: every n-th
slice, row and column, so that the cost stays a few milliseconds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loading.loader import OpenVolume
from loading.spec import FloatArray
from loading.status import Status
from loading.values import meant

SAMPLE_LIMIT = 1_000_000


def sample(volume: OpenVolume, t: int = 0, limit: int = SAMPLE_LIMIT) -> npt.NDArray[np.float32]:
    """Take at most about `limit` meant values, evenly, from slices that show their own data."""
    spec = volume.spec
    own = np.flatnonzero(volume.qualities(t).status >= Status.SUBRESOLUTION)
    own = own[~np.isin(own, sorted(spec.absent))]
    _, rows, columns = spec.shape_kji
    step = max(1, int(np.ceil((len(own) * rows * columns / limit) ** (1 / 3))))
    stored = volume.stored(t)
    planes = [stored[k, ::step, ::step].reshape(-1) for k in own[::step]]
    values = np.concatenate(planes) if planes else np.empty(0, spec.dtype)
    if spec.padding is not None:
        low, high = spec.padding
        values = values[(values < low) | (values > high)]
    result = meant(values, spec.value_map)
    return result[np.isfinite(result)]


def robust_range(
    volume: OpenVolume, t: int = 0, low: float = 0.001, high: float = 0.999
) -> tuple[float, float] | None:
    """Give two quantiles of the meant values that have arrived, or None while there are none."""
    values = sample(volume, t)
    if not values.size:
        return None
    bottom, top = np.quantile(values, (low, high))
    return float(bottom), float(top)


def histogram(
    volume: OpenVolume, bins: int = 256, t: int = 0
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Count meant values that have arrived.

    Returns
    -------
    counts : array of int, shape (bins,)
    edges : array of float, shape (bins + 1,)
    """
    values = sample(volume, t)
    if not values.size:
        return np.zeros(bins, np.int64), np.linspace(0.0, 1.0, bins + 1)
    # in float64: in float32 the edges of bins between two large values would be the same
    counts, edges = np.histogram(values.astype(np.float64), bins)
    return counts.astype(np.int64), edges.astype(np.float64)
