"""Planes, polygons, letters and lengths of the views."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from viewer.geometry import (
    Viewport,
    apply,
    fit_scale,
    index_matrix,
    length_text,
    letters,
    plane_frames,
    position_text,
    scale_bar_mm,
    slab_polygon,
)

SHAPE = (10, 20, 30)  # k, j, i


def affine_of(columns, origin=(0.0, 0.0, 0.0)) -> np.ndarray:
    result = np.eye(4)
    result[:3, :3] = np.array(columns, float).T
    result[:3, 3] = origin
    return result


AXIAL = affine_of([(0.5, 0, 0), (0, 0.5, 0), (0, 0, 2.0)], (-7, -5, 3))
SAGITTAL = affine_of([(0, 0.5, 0), (0, 0, -0.5), (2.0, 0, 0)])
CORONAL = affine_of([(0.5, 0, 0), (0, 0, -0.5), (0, 2.0, 0)])
TILTED = affine_of([(0.5, 0, 0), (0, 0.48, -0.14), (0, 0, 2.0)])


@pytest.mark.parametrize(
    ("affine", "acquired"), [(AXIAL, "axial"), (SAGITTAL, "sagittal"), (CORONAL, "coronal")]
)
def test_the_stored_slices_stand_in_the_view_of_their_direction(affine, acquired) -> None:
    frames = plane_frames(affine, SHAPE)
    assert [name for name, frame in frames.items() if frame.is_acquired] == [acquired]
    assert frames[acquired].count == SHAPE[0]
    assert sorted(frame.count for frame in frames.values()) == sorted(SHAPE)


@pytest.mark.parametrize("affine", [AXIAL, SAGITTAL, CORONAL])
def test_screens_are_radiological(affine) -> None:
    frames = plane_frames(affine, SHAPE)
    edges = {name: (letters(-f.right), letters(-f.down)) for name, f in frames.items()}
    assert edges == {"axial": ("R", "A"), "coronal": ("R", "S"), "sagittal": ("A", "S")}


@pytest.mark.parametrize("flips", list(itertools.product((1, -1), repeat=3)))
def test_flipped_axes_show_the_same_sides(flips) -> None:
    columns = [np.array(AXIAL[:3, n]) * flip for n, flip in enumerate(flips)]
    frames = plane_frames(affine_of(columns), SHAPE)
    edges = {name: (letters(-f.right), letters(-f.down)) for name, f in frames.items()}
    assert edges == {"axial": ("R", "A"), "coronal": ("R", "S"), "sagittal": ("A", "S")}


@pytest.mark.parametrize("affine", [AXIAL, SAGITTAL, CORONAL, TILTED])
def test_each_stored_slice_has_its_own_place_in_the_acquired_view(affine) -> None:
    frame = next(f for f in plane_frames(affine, SHAPE).values() if f.is_acquired)
    for k in range(SHAPE[0]):
        first_voxel = apply(affine, (0.0, 0.0, float(k)))
        assert frame.slice_at(first_voxel) == k
        assert (frame.origin_of(k) - first_voxel) @ frame.normal == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("affine", [AXIAL, SAGITTAL, CORONAL, TILTED])
def test_a_plane_samples_the_voxel_that_lies_there(affine) -> None:
    to_index = np.linalg.inv(affine)
    rng = np.random.default_rng(3)
    for frame in plane_frames(affine, SHAPE).values():
        for _ in range(20):
            index = int(rng.integers(frame.count))
            right, down = rng.uniform(-1, 1, 2) * frame.half_mm
            point = frame.to_lps(index, right, down)
            voxel = index_matrix(frame, index, to_index) @ (right, down, 1.0)
            assert np.allclose(voxel, apply(to_index, point), atol=1e-6)
            assert frame.to_plane(point) == pytest.approx((right, down))


def test_a_tilted_gantry_is_cut_upright_and_its_outline_shears() -> None:
    frames = plane_frames(TILTED, SHAPE)
    axial, sagittal = frames["axial"], frames["sagittal"]
    assert abs(axial.normal @ TILTED[:3, 1]) < 1e-9
    matrix = index_matrix(sagittal, 15, np.linalg.inv(TILTED))
    outline = np.array(
        slab_polygon(matrix, (-0.5, -0.5, -0.5), (29.5, 19.5, 9.5), sagittal.half_mm)
    )
    assert len(outline) == 4
    slopes = [abs(b - a) for a, b in itertools.pairwise([*outline, outline[0]])]
    assert any(dx > 0.5 and dy > 0.5 for dx, dy in slopes), "no edge of the outline is slanted"


def test_a_band_of_planes_takes_its_share_of_the_outline() -> None:
    frame = plane_frames(AXIAL, SHAPE)["coronal"]
    matrix = index_matrix(frame, 5, np.linalg.inv(AXIAL))
    band = np.array(slab_polygon(matrix, (-0.5, -0.5, 2.5), (29.5, 19.5, 4.5), frame.half_mm))
    size = band.max(axis=0) - band.min(axis=0)
    assert size == pytest.approx((30 * 0.5, 2 * 2.0))
    # k = 3, 4 of 0..9, head up: the band's middle lies 1 slice below the middle of the view
    assert band.mean(axis=0)[1] == pytest.approx(2.0)


def test_outside_the_box_there_is_no_polygon() -> None:
    frame = plane_frames(AXIAL, SHAPE)["axial"]
    matrix = index_matrix(frame, 2, np.linalg.inv(AXIAL))
    assert slab_polygon(matrix, (-0.5, -0.5, 5.5), (29.5, 19.5, 9.5), frame.half_mm) == []


def test_fit_shows_the_whole_plane_and_the_viewport_goes_both_ways() -> None:
    frame = plane_frames(AXIAL, SHAPE)["axial"]
    viewport = Viewport(300, 200, fit_scale(frame, 300, 200), (1.5, -2.0))
    assert viewport.scale * 2 * frame.half_mm[0] <= 300
    assert viewport.scale * 2 * frame.half_mm[1] <= 200
    assert viewport.to_plane(*viewport.to_screen(3.0, -4.0)) == pytest.approx((3.0, -4.0))


@pytest.mark.parametrize(
    ("direction", "text"),
    [
        ((1, 0, 0), "L"),
        ((0, -1, 0), "A"),
        ((0, 0, -1), "I"),
        ((0, 0.996, 0.087), "P"),  # five degrees are not worth a letter
        ((0.6, -0.7, 0.3), "ALS"),
    ],
)
def test_letters_name_the_strongest_directions(direction, text) -> None:
    assert letters(direction) == text


@pytest.mark.parametrize(
    ("view_mm", "bar"), [(300, 100.0), (149, 20.0), (160, 50.0), (29, 5.0), (0.4, 0.1), (3, 1.0)]
)
def test_the_scale_bar_is_the_longest_of_1_2_5_within_a_third(view_mm, bar) -> None:
    assert scale_bar_mm(view_mm) == pytest.approx(bar)
    assert bar <= view_mm / 3 * (1 + 1e-9) < bar * 2.5 * (1 + 1e-6)


def test_lengths_and_places_in_words() -> None:
    assert [length_text(n) for n in (0.5, 5, 10, 200)] == ["0.5 mm", "5 mm", "1 cm", "20 cm"]
    assert position_text((12.34, -40.06, 118.0)) == "x 12.3 L  y 40.1 A  z 118.0 S mm"
    assert position_text((0.01234, 0, 0.1), 0.002) == "x 0.0123 L  y 0.0000 A  z 0.1000 S mm"
