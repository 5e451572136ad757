"""Slices beside the line of the others: nothing is bent silently, and nothing is called a tilt."""

from __future__ import annotations

import numpy as np
import pytest

import loading
from loading.probing import nearest_voxel
from tests.helpers.dicom_series import phantom, write_series

COUNT = 8


def spec_of(folder, shifts: dict[int, float]) -> loading.VolumeSpec:
    """Write eight axial slices; those named are moved along x by so many mm."""
    write_series(
        folder,
        phantom((COUNT, 16, 16)),
        ImagePositionPatient=lambda k: [-10.0 + shifts.get(k, 0.0), 5.0, 2.0 * k],
    )
    return loading.describe(str(folder)).volumes[0].spec


@pytest.mark.parametrize("which", [0, 4, 7])
def test_one_slice_beside_the_others_is_told_and_moves_no_other(tmp_path, which):
    spec = spec_of(tmp_path / "series", {which: 6.0})
    assert [told.code for told in spec.warnings] == ["slices_beside"]
    assert "1 slice" in spec.warnings[0].message
    assert "6 mm" in spec.warnings[0].message
    for k in range(COUNT):
        if k != which:
            assert np.allclose(spec.affine_lps @ [0, 0, k, 1], [-10, 5, 2 * k, 1], atol=1e-6)
    assert spec.slice_origins_lps is not None
    assert spec.slice_origins_lps is not None
    assert np.allclose(spec.slice_origins_lps[which], [-4, 5, 2 * which])
    assert nearest_voxel(spec, (-4.0, 5.0, 2.0 * which)) == (0, 0, which)


def test_a_line_of_slices_is_a_tilt_wherever_it_leads(tmp_path):
    spec = spec_of(tmp_path / "series", {k: 0.7 * k for k in range(COUNT)})
    assert [told.code for told in spec.warnings] == ["gantry_tilt"]
    assert spec.slice_origins_lps is None


def test_less_than_half_a_pixel_is_rounding(tmp_path):
    spec = spec_of(tmp_path / "series", {3: 0.2})
    assert not spec.warnings
    assert spec.slice_origins_lps is not None
    assert spec.slice_origins_lps is not None
    assert np.allclose(spec.slice_origins_lps[3], [-9.8, 5, 6])
