"""Order, steps, gaps, shear: numbers in, a grid out."""

from __future__ import annotations

import numpy as np
import pytest

from loading.dicom import geometry

NORMAL = np.array([0.0, 0.0, 1.0])


def positions(distances, drift=0.0):
    """Place slices along z, with a drift along y that is proportional to z."""
    z = np.asarray(distances, dtype=float)
    return np.stack([np.full_like(z, -10.0), 5.0 + drift * z, z], axis=1)


def check_places(grid, where):
    """Every slice lies on a plane of its own, and no farther from it than is said."""
    assert len(set(grid.plane_of.tolist())) == len(where)
    planes = grid.first + grid.plane_of[:, None] * grid.step
    assert np.linalg.norm(planes - where, axis=1).max() <= grid.moved_mm + 1e-9


def test_even_slices_lie_on_their_planes():
    """M4: regular."""
    where = positions([0, 2.5, 5, 7.5])
    grid = geometry.lay_out(where, NORMAL)
    assert (grid.kind, grid.planes, grid.absent) == ("even", 4, frozenset())
    assert np.allclose(grid.step, [0, 0, 2.5])
    check_places(grid, where)


def test_small_jitter_counts_as_even():
    """M4: PET of 3.27 mm that jitters by 0.02 mm is regular; one of 2 % is not."""
    jitter = np.array([0.0, 0.02, -0.01, 0.015, 0.0])
    assert geometry.lay_out(positions(np.arange(5) * 3.27 + jitter), NORMAL).kind == "even"
    jitter[2] = 0.08
    assert geometry.lay_out(positions(np.arange(5) * 3.27 + jitter), NORMAL).kind != "even"


def test_differences_that_add_up_are_not_even():
    distances = np.cumsum(np.r_[0, np.full(200, 1.0), np.full(200, 1.0095)])
    grid = geometry.lay_out(positions(distances), NORMAL)
    assert grid.kind == "uneven"
    assert grid.moved_mm < 0.5


@pytest.mark.parametrize(
    ("distances", "planes", "absent"),
    [
        ([0, 5, 10, 20], 5, {3}),
        ([0, 5, 15, 20, 25, 45, 50], 11, {2, 6, 7, 8}),
        ([0, 10, 15, 20], 5, {1}),
    ],
)
def test_gaps_of_whole_steps_leave_planes_empty(distances, planes, absent):
    """M4: gap."""
    where = positions(distances)
    grid = geometry.lay_out(where, NORMAL)
    assert (grid.kind, grid.stretched) == ("gaps", False)
    assert (grid.planes, grid.absent) == (planes, frozenset(absent))
    assert grid.moved_mm == pytest.approx(0, abs=1e-9)
    check_places(grid, where)


def test_spacing_that_changes_is_no_loss():
    grid = geometry.lay_out(positions([0, 1, 2, 3, 5, 7, 9]), NORMAL)
    assert (grid.kind, grid.stretched) == ("gaps", True)


def test_uneven_slices_go_on_a_finer_grid():
    """M4: variable; every slice within a tenth of a plane's distance."""
    where = positions([0, 2, 4, 5, 6, 9, 12])
    grid = geometry.lay_out(where + 0.001, NORMAL)
    assert grid.planes <= geometry.PLANES_PER_SLICE * len(where)
    assert grid.moved_mm <= geometry.FINE * np.linalg.norm(grid.step)
    check_places(grid, where + 0.001)


def test_hopeless_slices_go_to_the_nearest_plane_and_say_by_how_much():
    where = positions([0, 12, 24.01, 36.01, 48.02, 63.1, 84.09, 105.09, 126.09])
    grid = geometry.lay_out(where, NORMAL)
    assert grid.kind == "uneven"
    assert grid.planes <= geometry.PLANES_PER_SLICE * len(where)
    assert 0 < grid.moved_mm < 12
    check_places(grid, where)


@pytest.mark.parametrize("seed", range(30))
def test_any_slices_get_planes_of_their_own(seed):
    rng = np.random.default_rng(seed)
    where = positions(
        np.cumsum(rng.exponential(rng.choice([0.1, 1, 10]), rng.integers(2, 60)) + 1e-3)
    )
    grid = geometry.lay_out(where, NORMAL)
    assert (np.diff(grid.plane_of) > 0).all()
    assert grid.plane_of[0] == 0
    assert grid.plane_of[-1] == grid.planes - 1
    assert grid.planes <= geometry.PLANES_PER_SLICE * len(where) + 17
    check_places(grid, where)


def test_a_tilted_gantry_is_a_step_off_the_normal():
    """M4: tilted."""
    where = positions([0, 5, 10], drift=np.tan(np.radians(15)))
    grid = geometry.lay_out(where, NORMAL)
    assert geometry.tilt_degrees(grid.step, NORMAL) == pytest.approx(15)
    check_places(grid, where)


def test_a_distant_slice_does_not_make_a_thousand_planes():
    cuts = geometry.split_far_apart(np.array([0.0, 1, 2, 3, 4, 5000, 5001]))
    assert [(cut.start, cut.stop) for cut in cuts] == [(0, 5), (5, 7)]
    assert len(geometry.split_far_apart(np.array([0.0, 1, 2, 3, 7]))) == 1


@pytest.mark.parametrize(
    "cosines",
    [
        (0, 0, 0, 0, 0, 0),
        (1, 0, 0, 1, 0, 0),
        (1, 0, 0, 0.2, 1, 0),
        (1, 0, 0, 0, np.nan, 0),
        (1, 0, 0, 0, 1),
    ],
)
def test_cosines_that_span_no_plane_are_refused(cosines):
    assert geometry.frame_of(tuple(map(float, cosines))) is None


def test_long_cosines_are_brought_to_length_one():
    frame = geometry.frame_of((2.0, 0.0, 0.0, 0.0, 2.0, 0.0))
    assert frame is not None
    assert frame.length == 2.0
    assert np.allclose(frame.normal, [0, 0, 1])
    plain = geometry.frame_of((1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    assert plain is not None
    assert plain.length == 1.0


def test_directions_within_a_tenth_of_a_degree_are_one():
    def turned(degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        frame = geometry.frame_of((c, s, 0.0, -s, c, 0.0))
        assert frame is not None
        return frame

    assert geometry.same_direction(turned(0), turned(0.09))
    assert not geometry.same_direction(turned(0), turned(0.11))


def test_the_affine_takes_spacing_between_rows_for_j():
    """PS3.3 C.7.6.2.1.1: the first value of Pixel Spacing is the distance between rows."""
    frame = geometry.STANDARD_FRAME
    affine = geometry.affine_of(frame, (0.75, 0.5), np.array([1.0, 2, 3]), np.array([0.0, 0, 2]))
    assert np.allclose(affine @ [1, 0, 0, 1], [1.5, 2, 3, 1])
    assert np.allclose(affine @ [0, 1, 0, 1], [1, 2.75, 3, 1])
    assert np.allclose(affine @ [0, 0, 1, 1], [1, 2, 5, 1])
