"""Formats of the extra `voxtide[itk]`: read apart by SimpleITK, its absence a sentence."""

from __future__ import annotations

import importlib.util
import tempfile
import zipfile

import numpy as np
import pytest

import loading
from loading.formats import itk_files
from tests.helpers import format_files as make
from tests.unit.test_format_geometry import codes


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("a.mnc", "int16"), ("b.gipl", "int16"), ("c.vtk", "uint8"), ("d.vtk", "float32"),
     ("e.mrc", "float32")],
)  # fmt: skip
def test_what_itk_writes_is_read(tmp_path, name, dtype):
    """Voxels, size and place are those that were written; that directions are ITK's is told."""
    array = make.voxels((5, 6, 7), dtype)
    affine = np.diag([0.5, 0.75, 2.0, 1.0])
    path = make.write_itk(tmp_path / name, array, affine)
    (entry,) = loading.describe(str(path)).volumes
    with loading.open_entry(entry) as volume:
        assert volume.wait(60) is loading.LoadState.COMPLETE, volume.failures
        assert np.allclose(volume.array, array)
    assert np.allclose(entry.spec.spacing_ijk_mm, (0.5, 0.75, 2.0))
    told = {"no_orientation", "spacing_assumed"} if name == "e.mrc" else {"no_orientation"}
    assert codes(entry.spec) == told


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_inside_an_archive_it_is_read_too(tmp_path, monkeypatch, method):
    """Its reader wants a file: a private one that is gone when the volume is there."""
    apart = tmp_path / "apart"
    apart.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(apart))
    array = make.voxels((5, 6, 7))
    path = make.write_itk(tmp_path / "a.gipl", array)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.write(path, "inner/a.gipl")
    (entry,) = loading.describe(str(tmp_path / "a.zip")).volumes
    with loading.open_entry(entry) as volume:
        assert volume.wait(60) is loading.LoadState.COMPLETE, volume.failures
        assert np.array_equal(volume.array, array)
    assert list(apart.iterdir()) == []


def test_a_damaged_file_is_a_sentence(tmp_path):
    path = make.cut_file(make.write_itk(tmp_path / "a.mnc", make.voxels()), 0.4)
    with pytest.raises(loading.LoadError, match="ITK cannot read"):
        loading.describe(str(path))


def test_voxels_that_are_not_there_fail_slices(tmp_path):
    """What the header promises and the file lacks is marked, and nothing is made up for it."""
    path = make.write_itk(tmp_path / "a.gipl", make.voxels((40, 50, 60)))
    (entry,) = loading.describe(str(path)).volumes
    make.cut_file(path, 0.5)
    with pytest.raises(loading.LoadError, match="claims 240256 bytes"):
        loading.describe(str(path))
    with loading.open_entry(entry) as volume:
        assert volume.wait(60) is loading.LoadState.COMPLETE_WITH_FAILURES
        assert volume.progress.own == 0


def test_without_the_extra_it_is_named(tmp_path, monkeypatch):
    path = make.write_itk(tmp_path / "a.gipl", make.voxels())
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(loading.LoadError, match=r"pip install \"voxtide\[itk\]\""):
        loading.describe(str(path))


def test_a_crash_of_its_reader_is_that_file_alone(tmp_path, monkeypatch):
    """A child that dies says that ITK cannot read the file; the program goes on."""
    path = make.write_itk(tmp_path / "a.gipl", make.voxels())
    monkeypatch.setattr(itk_files, "_CHILD", "import os; os.abort()")
    with pytest.raises(loading.LoadError, match="ITK cannot read"):
        loading.describe(str(path))


def test_surfaces_of_vtk_are_not_taken(tmp_path):
    path = tmp_path / "a.vtk"
    path.write_text("# vtk DataFile Version 3.0\nx\nASCII\nDATASET POLYDATA\nPOINTS 0 float\n")
    with pytest.raises(loading.LoadError, match="not a DICOM object"):
        loading.describe(str(path))
