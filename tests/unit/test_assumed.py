"""Voxel sizes that the user gives where a file has none."""

from __future__ import annotations

import numpy as np
import pytest

import loading
from loading.assumed import is_assumed, sizes_of, with_voxel_size
from tests.helpers import format_files as make
from tests.unit.test_format_geometry import codes


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("0.5", (0.5, 0.5, 0.5)),
        ("0,5 x 0.25 x 2", (0.5, 0.25, 2)),
        (" 1 1 2 mm ", (1, 1, 2)),
        ("9.5 um", (0.0095,) * 3),
        ("1e-2", (0.01,) * 3),
        ("1 x 2", None),
        ("-1", None),
        ("0", None),
        ("1 parsec", None),
        ("large", None),
        ("1 to 1 to 1", None),
        ("", None),
        ("1e9", None),
    ],
)
def test_sizes_are_understood_or_refused(text, sizes):
    found = sizes_of(text)
    assert found == (None if sizes is None else pytest.approx(sizes))


def test_a_given_size_is_used_and_still_marked(tmp_path):
    """Directions and voxels stay, lengths follow, and the notice says what is assumed now."""
    import imagecodecs

    array = make.voxels((4, 16, 18), "uint8")
    for k in range(4):
        (tmp_path / f"s_{k}.png").write_bytes(imagecodecs.png_encode(array[k]))
    (entry,) = loading.describe(str(tmp_path)).volumes
    assert is_assumed(entry.spec)
    other = with_voxel_size(with_voxel_size(entry, (9, 9, 9)), (0.5, 0.25, 2))
    assert np.allclose(other.spec.spacing_ijk_mm, (0.5, 0.25, 2))
    assert codes(other.spec) == codes(entry.spec)
    assert "0.5 x 0.25 x 2 mm" in other.spec.warnings[0].message
    assert other.spec.key != entry.spec.key
    with loading.open_entry(other) as volume:
        assert volume.wait(30) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, array)
        assert volume.spec is other.spec
