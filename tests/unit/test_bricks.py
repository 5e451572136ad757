"""Which bricks of a volume can be seen: against looking at every voxel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.bricks import BRICK, brick_ranges, can_be_seen, spans


@pytest.mark.parametrize("shape", [(1, 1, 1), (16, 17, 15), (33, 48, 20), (40, 7, 65)])
def test_a_range_holds_every_voxel_that_a_sample_in_the_brick_touches(shape):
    array = np.random.default_rng(3).integers(-2000, 2000, shape).astype(np.int16)
    low, high = brick_ranges(array)
    assert low.shape == high.shape == tuple(-(-n // BRICK) for n in shape)
    for brick in np.ndindex(*low.shape):
        part = tuple(slice(max(0, n * BRICK - 1), (n + 1) * BRICK + 1) for n in brick)
        assert (low[brick], high[brick]) == (array[part].min(), array[part].max())


corners = st.lists(
    st.tuples(st.integers(-1000, 1000), st.sampled_from([0.0, 0.0, 0.3, 1.0])),
    min_size=2,
    max_size=6,
    unique_by=lambda pair: pair[0],
)


@settings(max_examples=200)
@given(corners, st.integers(-1200, 1200), st.integers(0, 600))
def test_a_brick_is_empty_only_where_no_value_of_it_has_an_opacity(opacity, low, width):
    values, alphas = zip(*sorted(opacity), strict=True)
    inside = np.linspace(low, low + width, 4001)
    truly = bool((np.interp(inside, values, alphas) > 0).any())
    at_corners = any(low <= value <= low + width and alpha > 0 for value, alpha in opacity)
    seen = bool(can_be_seen(np.array(low), np.array(low + width), opacity, 0.0))
    assert seen == (truly or at_corners)


def test_what_spills_over_and_what_is_not_a_number_can_be_seen():
    opacity = ((100.0, 0.0), (200.0, 1.0))
    low = np.array([0.0, 0.0, np.nan])
    high = np.array([95.0, 99.0, np.nan])
    assert can_be_seen(low, high, opacity, 2.0).tolist() == [False, True, True]


def test_a_ray_crosses_the_largest_empty_group_at_once():
    visible = np.zeros((8, 8, 9), bool)
    assert (spans(visible)[:, :, :8] == 8).all()
    assert (spans(visible)[:, :, 8] == 1).all()
    visible[0, 0, 0] = True
    edges = spans(visible)
    assert edges[0, 0, 0] == 0
    assert edges[1, 1, 1] == 1
    assert edges[2, 0, 0] == 2
    assert edges[4, 4, 4] == 4
    assert edges.dtype == np.uint8
