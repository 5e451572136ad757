"""Planes cut with numpy are those that VTK cuts, bit for bit."""

from __future__ import annotations

from math import cos, sin

import numpy as np
import pytest

from viewer import scene as scenes
from viewer.geometry import index_matrix, plane_frames
from viewer.slice_cutter import SliceCutter
from viewer.straight_cutter import CutArea, StraightCutter, is_straight

TYPES = (np.int16, np.uint8, np.uint16, np.float32, np.int32)


def some_affine(random: np.random.Generator, turn: float) -> np.ndarray:
    """Give voxels of any size, axes in any order and direction, turned about the patient's axis."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    for column, axis in enumerate(random.permutation(3)):
        affine[axis, column] = random.choice([-1, 1]) * random.uniform(0.3, 3.0)
    rotation = np.array([[cos(turn), -sin(turn), 0], [sin(turn), cos(turn), 0], [0, 0, 1]])
    affine[:3, :3] = rotation @ affine[:3, :3]
    affine[:3, 3] = random.normal(0, 100, 3)
    return affine


def some_array(random: np.random.Generator, number: int) -> np.ndarray:
    """Give an array of any type, of one plane at times, in colour at times."""
    dtype = TYPES[number % len(TYPES)]
    shape = tuple(random.integers(1, 40, 3))
    if dtype in (np.uint8, np.uint16) and number % 3 == 0:
        shape = (*shape, 3)
    return (random.normal(0, 1, shape) * (1 if dtype == np.float32 else 1000)).astype(dtype)


@pytest.mark.parametrize("number", range(20))
def test_planes_along_the_axes_are_those_that_vtk_cuts(number: int) -> None:
    random = np.random.default_rng(number)
    array = some_array(random, number)
    affine = some_affine(random, random.uniform(-0.5, 0.5) if number % 4 else 0.0)
    to_index = np.linalg.inv(affine)
    theirs, ours = SliceCutter(array, 3.0), StraightCutter(array, 3.0)
    cuts = 0
    for frame in plane_frames(affine, array.shape[:3]).values():
        for index in (0, frame.count - 1):
            matrix = index_matrix(frame, index, to_index)
            assert is_straight(matrix)
            # at one pixel a voxel, and somewhere beside the edges too
            step = frame.voxel_mm if number % 3 == 0 else random.uniform(0.05, 2.0)
            width, height = (int(n) for n in random.integers(2, 90, 2))
            shift = random.uniform(-1.0, 1.0) if number % 3 else 0.0
            area = CutArea(shift - width * step / 2, -height * step / 2, step, width, height)
            for linear in (True, False):
                wanted = theirs.cut(matrix, frame.axis, area, linear=linear).copy()
                found = ours.cut(matrix, area, linear=linear)
                assert found is not None
                assert found.dtype == wanted.dtype
                assert np.array_equal(found, wanted)
                cuts += 1
    assert cuts == 12


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_planes_with_voxels_that_are_no_numbers_are_left_to_vtk(odd: float) -> None:
    array = np.zeros((3, 8, 8), np.float32)
    array[1, 4, 4] = odd
    frame = plane_frames(np.eye(4), array.shape)["axial"]
    area = CutArea(-4.0, -4.0, 0.5, 16, 16)
    cutter = StraightCutter(array, 0.0)
    for index, is_left in ((0, False), (1, True)):
        matrix = index_matrix(frame, index, np.eye(4))
        assert (cutter.cut(matrix, area, linear=True) is None) is is_left
        nearest = cutter.cut(matrix, area, linear=False)
        assert nearest is not None
        assert bool(np.isfinite(nearest).all()) is not is_left


def test_planes_across_the_axes_are_left_to_vtk() -> None:
    """A tilted gantry: only the slices as stored run along the axes."""
    affine = np.diag([0.7, 0.7, 1.5, 1.0])
    affine[1, 2] = 0.4
    frames = plane_frames(affine, (20, 30, 40))
    to_index = np.linalg.inv(affine)
    straight = {n: is_straight(index_matrix(f, 3, to_index)) for n, f in frames.items()}
    assert straight == {"axial": True, "coronal": False, "sagittal": False}


def test_a_scene_cuts_the_same_before_and_after_vtk_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever looks at a slice while VTK is imported sees no change."""
    import loading
    from tests.helpers.array_source import ArraySource
    from tests.helpers.views import volume_spec

    voxels = np.random.default_rng(1).integers(0, 255, (12, 30, 40), dtype=np.uint8)
    spec = volume_spec(voxels)
    source = ArraySource(spec, voxels[np.newaxis], has_coarse=False)
    with loading.open_entry(source.entry()) as volume:
        assert volume.wait().is_over
        scene = scenes.Scene(volume)
        frame = scene.frames["axial"]
        area = CutArea(-19.0, -14.0, 0.31, 120, 90)
        cuts = []
        for is_here in (False, True):
            monkeypatch.setattr(scenes, "vtk_is_here", lambda is_here=is_here: is_here)
            matrix = index_matrix(frame, 5, scene.to_index)
            cuts.append(scene.cut(matrix, frame.axis, area, linear=True))
            assert (scene._cutter is not None) is is_here
    assert np.ptp(cuts[0]) > 100
    assert np.array_equal(cuts[0], cuts[1])
