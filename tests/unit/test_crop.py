"""The crop box as numbers: faces, copies, and where its handles stand on the 3D view."""

import numpy as np
import pytest

import loading
from tests.helpers.array_source import ArraySource
from tests.helpers.views import volume_spec
from viewer.crop import FACES, Face, contains, edges, face_centre, in_other, whole, with_face
from viewer.projection import Projection
from viewer.scene import Scene
from viewer.state import Camera3D

SHAPE = (10, 20, 30)


def test_a_face_stays_inside_and_off_the_other_one():
    box = whole(SHAPE)
    assert box == ((-0.5, -0.5, -0.5), (29.5, 19.5, 9.5))
    assert with_face(box, Face(0, 0), 12.0, SHAPE) == ((12.0, -0.5, -0.5), (29.5, 19.5, 9.5))
    assert with_face(box, Face(2, 1), 99.0, SHAPE) == box
    assert with_face(box, Face(1, 1), -7.0, SHAPE)[1][1] == 0.5
    assert with_face(box, Face(1, 0), 99.0, SHAPE)[0][1] == 18.5


def test_a_copy_that_runs_the_other_way_has_the_same_box():
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    other = np.diag([2.0, 4.0, -3.0, 1.0])
    other[:3, 3] = (0.5, 1.0, 27.0)
    box = ((0.5, 1.5, 2.5), (10.5, 11.5, 6.5))
    low, high = in_other(box, affine, other)
    there = np.array([[1.0, 2.0, 3.0, 1.0], [10.0, 11.0, 6.0, 1.0], [11.0, 11.0, 6.0, 1.0]])
    indices = (np.linalg.inv(other) @ affine @ there.T).T[:, :3]
    assert contains((low, high), indices).tolist() == [True, True, False]


def test_a_box_has_twelve_edges_along_its_axes():
    found = edges(whole(SHAPE))
    lengths = sorted(float(np.abs(a - b).sum()) for a, b in found)
    assert len(found) == 12
    assert lengths == [10.0] * 4 + [20.0] * 4 + [30.0] * 4
    assert len({tuple(face_centre(whole(SHAPE), face)) for face in FACES}) == 6


@pytest.mark.parametrize("azimuth", [0.0, 40.0, 200.0])
def test_a_point_on_the_view_lies_on_the_ray_through_it(azimuth):
    voxels, affine = np.zeros(SHAPE, np.uint8), np.diag([1.0, 0.5, 3.0, 1.0])
    spec = volume_spec(voxels, affine)
    with loading.open_entry(ArraySource(spec, voxels[np.newaxis]).entry()) as volume:
        volume.wait()
        camera = Camera3D(azimuth=azimuth, elevation=25.0, roll=10.0, zoom=1.3, pan=(0.2, -0.1))
        seen = Projection(camera, Scene(volume), (500.0, 300.0))
        for index in ((0.0, 0.0, 0.0), (29.0, 4.0, 9.0), (12.0, 19.0, 3.0)):
            point = affine[:3, :3] @ np.array(index)
            place = seen.pixel(point)
            assert place is not None
            away = point - seen.origin
            assert np.linalg.norm(np.cross(away, seen.direction(place))) < 1e-6
        behind = seen.origin - 10.0 * seen.direction((250.0, 150.0))
        assert seen.pixel(behind) is None
