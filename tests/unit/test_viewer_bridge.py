"""The one place that hands memory to VTK: no copy, no scan, no surprise."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.image_bridge import shared_image

TYPES = ("uint8", "int8", "int16", "uint16", "int32", "float32", "float64")
UNREADABLE = (
    np.zeros((4, 4)),
    np.zeros((4, 4, 4))[:, ::2],
    np.zeros((2, 2, 2), np.float16),
    np.zeros((2, 2, 2), bool),
)


@pytest.mark.parametrize("dtype", TYPES)
def test_vtk_reads_the_array_where_it_lies(dtype) -> None:
    """M1: the views and the engine share one buffer."""
    array = np.zeros((3, 4, 5), dtype)
    image = shared_image(array)
    array[2, 1, 3] = 77  # written after VTK was given the array
    assert image.GetScalarComponentAsDouble(3, 1, 2, 0) == 77
    assert image.GetDimensions() == (5, 4, 3)


def test_the_range_is_told_and_nothing_is_written_or_scanned() -> None:
    """Facts 0.5: the range that VTK bakes into its texture is the one that is told."""
    array = np.full((3, 4, 5), 9, np.int16)
    scalars = shared_image(array, (-1024, 3071)).GetPointData().GetScalars()
    assert scalars.GetRange(0) == (-1024, 3071)
    assert scalars.GetFiniteRange(0) == (-1024, 3071)
    assert (array == 9).all()


@pytest.mark.parametrize(
    ("dtype", "told", "kept"),
    [
        ("uint8", (255, 255), (254, 255)),
        ("uint8", (0, 0), (0, 1)),
        ("int8", (-200, 300), (-128, 127)),
    ],
)
def test_a_range_is_never_empty_nor_beyond_the_type(dtype, told, kept) -> None:
    scalars = shared_image(np.zeros((2, 2, 2), dtype), told).GetPointData().GetScalars()
    assert scalars.GetRange(0) == kept


@pytest.mark.parametrize("array", UNREADABLE)
def test_what_vtk_cannot_read_is_refused(array) -> None:
    with pytest.raises(ValueError, match=r"contiguous|cannot read"):
        shared_image(array)
