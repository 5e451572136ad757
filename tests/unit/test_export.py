"""What is written: every meant value, in the smallest type that holds it."""

from __future__ import annotations

import os
import stat

import imagecodecs
import nibabel
import numpy as np
import pytest

import loading
from tests.helpers.array_source import ArraySource, make_spec
from tests.helpers.colours import load_colours


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


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_colours_are_written_as_colours(tmp_path, suffix):
    colours = np.random.default_rng(3).integers(0, 256, (4, 5, 6, 3), np.uint8)
    kind = np.dtype([(name, "u1") for name in "RGB"])
    packed = np.ascontiguousarray(colours).view(kind)[..., 0]
    nibabel.save(nibabel.Nifti1Image(packed.T, np.diag([2.0, 3.0, 4.0, 1.0])), tmp_path / "a.nii")
    (entry,) = loading.describe(str(tmp_path / "a.nii")).volumes
    with loading.open_entry(entry) as volume:
        volume.wait(10)
        written = loading.export(volume, tmp_path / f"out{suffix}")
    (again,) = loading.describe(str(written)).volumes
    assert np.array_equal(load_colours(again), colours)
    assert np.allclose(again.spec.affine_lps, entry.spec.affine_lps)


def test_colours_that_nifti_does_not_have_are_refused(tmp_path):
    for k in range(3):
        plane = np.full((8, 9, 3), 1000 * k, np.uint16)
        (tmp_path / f"s{k}.png").write_bytes(imagecodecs.png_encode(plane))
    (entry,) = loading.describe(str(tmp_path)).volumes
    with loading.open_entry(entry) as volume:
        volume.wait(10)
        with pytest.raises(loading.LoadError, match="16 bits"):
            loading.export(volume, tmp_path / "out.nii")
