"""Ranges and histograms count data only."""

from __future__ import annotations

import numpy as np
import pytest

import loading
from tests.helpers.array_source import ArraySource, make_spec


def opened(spec, voxels, **faults):
    volume = loading.open_entry(ArraySource(spec, voxels, failures=faults.get("failures")).entry())
    volume.wait(10)
    return volume


def test_empty_failed_absent_and_padding_never_count():
    """F5: only slices with data of their own enter window and histogram, padding left out."""
    spec = make_spec(
        (5, 4, 4), absent=frozenset({1}), padding=(-2000, -1900), value_map=loading.ValueMap(2, 10)
    )
    voxels = np.full((1, 5, 4, 4), 50, np.int16)
    voxels[0, 0, 0, 0] = -2000
    voxels[0, 1], voxels[0, 3] = 9999, 8888
    voxels[0, 4] = 100
    with opened(spec, voxels, failures={3: 10**6}) as volume:
        assert loading.robust_range(volume, low=0, high=1) == (110.0, 210.0)
        counts, edges = loading.histogram(volume, bins=10)
        assert counts.sum() == 3 * 16 - 1
        assert (edges[0], edges[-1]) == (110.0, 210.0)


def test_without_data_there_is_no_range():
    """F5: nothing has arrived: no window is made up."""
    with loading.open_entry(ArraySource(make_spec()).entry(), start=False) as volume:
        assert loading.robust_range(volume) is None
        assert loading.histogram(volume, bins=4)[0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("ends", [(1e7, 1e7 + 1), (-3e38, 3e38), (1e-45, 3e-45), (5.0, 5.0)])
def test_any_two_values_have_a_histogram(ends):
    """F5: edges between them need more digits than the values have."""
    voxels = np.full((1, 3, 4, 4), ends[0], np.float32)
    voxels[0, 1] = ends[1]
    with loading.open_entry(ArraySource(make_spec((3, 4, 4), "float32"), voxels).entry()) as volume:
        volume.wait(10)
        counts, edges = loading.histogram(volume, 256)
    assert counts.sum() == voxels.size
    assert (np.diff(edges) > 0).all()
