"""The value at a point: only where there is a voxel, and only at times that there are."""

from __future__ import annotations

import numpy as np
import pytest

import loading
from loading.probing import nearest_voxel
from tests.helpers.array_source import ArraySource, make_spec


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_a_point_that_is_none_lies_in_no_volume(bad):
    for origins in (None, np.zeros((10, 3)) + np.arange(10)[:, None] * [0, 0, 2.0]):
        spec = make_spec(slice_origins_lps=origins)
        assert nearest_voxel(spec, (1.0, 1.0, 2.0)) == (1, 1, 1)
        assert nearest_voxel(spec, (bad, 0.0, 0.0)) is None
        assert nearest_voxel(spec, (0.0, 0.0, bad)) is None


def test_a_time_point_is_asked_only_of_volumes_that_have_it():
    """The one value of a volume without times is not its value at time 3."""
    still, moving = ArraySource(make_spec()), ArraySource(make_spec(time_points=5))
    entries = [(0, still.entry()), (1, moving.entry())]
    found = loading.probe(entries, [(2.0, 3.0, 8.0)], 3)
    assert [(one.volume, one.time_point, one.value) for one in found] == [
        (1, 3, float(moving.voxels[3, 4, 3, 2]))
    ]
    assert len(loading.probe(entries, [(2.0, 3.0, 8.0)])) == 6
