"""A volume as 2D images, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import loading
from loading.spec import Level
from tests.helpers.array_source import ArraySource, make_spec


@pytest.fixture
def volume():
    with loading.open_entry(ArraySource(make_spec((6, 5, 4))).entry()) as opened:
        opened.wait(10)
        yield opened


def test_round_trip(volume):
    """V1: volume to images and back, bit for bit and in its place, from any order."""
    images = [volume.slice_image(k) for k in range(6)]
    for order in (images, images[::-1]):
        spec, array = loading.volume_from_images(order)
        assert np.array_equal(array, volume.array)
        assert np.allclose(spec.affine_lps, volume.spec.affine_lps)
        assert spec.shape_kji == volume.spec.shape_kji


def test_round_trip_copies_nothing(volume):
    """V2: slice k and the volume made of the slices are views of the one buffer."""
    images = [volume.slice_image(k) for k in range(6)]
    assert all(np.shares_memory(image.pixels, volume.array) for image in images)
    assert np.shares_memory(loading.volume_from_images(images)[1], volume.array)


def test_a_sheared_stack_keeps_its_shear():
    """V1: gantry tilt: the step is not along the normal."""
    affine = np.array([[1.0, 0, 0, -3], [0, 0.9, 0, 4], [0, -0.3, 5, 7], [0, 0, 0, 1]])
    spec = make_spec((4, 3, 3), levels=(Level((4, 3, 3), affine, (1, 3, 3)),))
    with loading.open_entry(ArraySource(spec).entry()) as opened:
        opened.wait(10)
        rebuilt, _ = loading.volume_from_images([opened.slice_image(k) for k in range(4)])
    assert np.allclose(rebuilt.affine_lps, affine)


def _moved(image, **changes):
    affine = image.affine_lps.copy()
    for (row, column), value in changes.pop("affine", {}).items():
        affine[row, column] = value
    spec = replace(image.spec, **changes)
    return replace(image, affine_lps=affine, spec=spec)


@pytest.mark.parametrize(
    ("condition", "change"),
    [
        ("series", {"series_uid": "other"}),
        ("modality", {"modality": "MR"}),
        ("frame of reference", {"frame_of_reference_uid": "other"}),
        ("value type or scale", {"value_map": loading.ValueMap(2.0, 0.0)}),
        ("orientation", {"affine": {(1, 0): 0.5}}),
        ("pixel spacing", {"affine": {(0, 0): 1.01}}),
        ("two lie at one position", {"affine": {(2, 3): 4.0}}),
        ("steps along the normal differ", {"affine": {(2, 3): 6.7}}),
        ("shifted in their plane", {"affine": {(0, 3): 3.0}}),
    ],
)
def test_a_set_that_is_no_volume_is_refused(volume, condition, change):
    """V3: the condition that is not met is named."""
    images = [volume.slice_image(k) for k in range(6)]
    images[3] = _moved(images[3], **change)
    with pytest.raises(loading.GeometryError, match=condition):
        loading.volume_from_images(images)


def test_another_matrix_size_is_refused(volume):
    """V3: rows and columns are exact."""
    images = [volume.slice_image(k) for k in range(6)]
    images[2] = replace(images[2], pixels=images[2].pixels[:-1])
    with pytest.raises(loading.GeometryError, match="matrix size"):
        loading.volume_from_images(images)


def test_nothing_is_no_volume():
    with pytest.raises(loading.GeometryError):
        loading.volume_from_images([])


def test_slices_that_are_not_there_make_no_volume():
    """V3: what is missing, failed or coarse would become values that nobody measured."""
    source = ArraySource(make_spec((6, 5, 4), absent=frozenset({2})), failures={4: -1})
    with loading.open_entry(source.entry()) as opened:
        opened.wait(10)
        for bad, word in ((2, "empty"), (4, "replicate")):
            images = [opened.slice_image(k) for k in (bad - 1, bad, bad + 1)]
            with pytest.raises(loading.GeometryError, match=f"slice {bad} .*{word}"):
                loading.volume_from_images(images)


def test_slices_of_one_time_point_are_a_volume_of_one():
    """V1: the spec that comes back is that of the array beside it."""
    with loading.open_entry(ArraySource(make_spec((3, 5, 4), time_points=4)).entry()) as opened:
        opened.wait(10)
        spec, array = loading.volume_from_images([opened.slice_image(k, t=2) for k in range(3)])
        assert np.array_equal(array, opened.stored(2))
    assert spec.time_points == 1
    assert spec.size_bytes == array.nbytes
