"""What is written: every meant value, in the smallest type that holds it."""

from __future__ import annotations

import os
import stat

import nibabel
import numpy as np
import pytest

import loading
from tests.helpers.array_source import ArraySource, make_spec


def exported(tmp_path, dtype, slope, intercept, ends: tuple[int, int] = (0, 200)):
    spec = make_spec((3, 4, 5), dtype, value_map=loading.ValueMap(slope, intercept))
    voxels = np.random.default_rng(1).integers(ends[0], ends[1], (1, 3, 4, 5)).astype(dtype)
    with loading.open_entry(ArraySource(spec, voxels).entry()) as volume:
        volume.wait(10)
        path = loading.export(volume, tmp_path / "out.nii")
    found = np.asanyarray(nibabel.Nifti1Image.from_filename(path).dataobj).transpose(2, 1, 0)
    assert np.array_equal(found, loading.meant(voxels[0], spec.value_map))
    return path, found.dtype


@pytest.mark.parametrize(
    ("dtype", "slope", "intercept", "ends", "kind"),
    [
        ("uint8", 1.0, 0.0, (0, 200), np.uint8),
        ("int16", 1.0, -1024.0, (0, 4000), np.int16),
        ("uint16", 1.0, 0.0, (0, 65000), np.uint16),
        ("int16", -3.0, 7.0, (-30000, 30000), np.int32),
        ("uint32", 1.0, 0.0, (1 << 31, 1 << 31 | 1), np.uint32),
        ("int16", 0.5, 0.0, (0, 99), np.float32),
        ("int16", 1e20, 0.0, (0, 99), np.float32),
    ],
)
def test_values_keep_what_they_mean(tmp_path, dtype, slope, intercept, ends, kind):
    assert exported(tmp_path, dtype, slope, intercept, ends)[1] == kind


@pytest.mark.skipif(os.name != "posix", reason="rights are others on Windows")
def test_the_file_gets_the_rights_of_new_files(tmp_path):
    path, _ = exported(tmp_path, "uint8", 1.0, 0.0)
    usual = tmp_path / "usual"
    usual.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.nii", "usual"]
