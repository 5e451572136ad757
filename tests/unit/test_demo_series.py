"""The head that Voxtide carries: the voxels and places of the volume it was made from."""

import hashlib
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.encaps import generate_frames

ROOT = Path(__file__).resolve().parents[2]
SERIES = ROOT / "resources" / "demo" / "colin27"


def read_series(folder):
    return [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]


def codestream(instance):
    return next(generate_frames(instance.PixelData, number_of_frames=1))


@pytest.fixture(scope="module")
def series():
    return read_series(SERIES)


@pytest.fixture(scope="module")
def nifti(data_folder):
    path = data_folder.parent / "demo" / "colin27_t1_1mm.nii.gz"
    if not path.is_file():
        pytest.skip(f"the volume that the demo was made from is not there: {path}")
    return path


def test_every_voxel_is_where_the_nifti_has_it(series, nifti):
    volume = sitk.ReadImage(str(nifti))  # SimpleITK turns RAS into LPS itself
    expected = sitk.GetArrayFromImage(volume)
    # pydicom's decoder is OpenJPEG; the files were written with OpenJPH.
    found = np.stack([instance.pixel_array for instance in series])
    k, j, i = np.meshgrid(*(np.arange(n) for n in found.shape), indexing="ij")
    positions = np.array([instance.ImagePositionPatient for instance in series], float)
    directions = np.array(series[0].ImageOrientationPatient, float).reshape(2, 3)
    row_mm, column_mm = series[0].PixelSpacing
    # PS3.3 C.7.6.2.1.1: column index along the first direction, row index along the second.
    points = (
        positions[k]
        + i[..., None] * column_mm * directions[0]
        + j[..., None] * row_mm * directions[1]
    )
    to_index = np.linalg.inv(
        np.array(volume.GetDirection()).reshape(3, 3) @ np.diag(volume.GetSpacing())
    )
    index = (points - volume.GetOrigin()) @ to_index.T
    assert np.abs(index - np.rint(index)).max() < 1e-6
    x, y, z = np.moveaxis(np.rint(index).astype(int), -1, 0)
    assert {x.min(), y.min(), z.min()} == {0}
    np.testing.assert_array_equal(found, expected[z, y, x])


def test_made_again_it_is_the_same(nifti, tmp_path):
    script = ROOT / "packaging" / "make_demo.py"
    subprocess.run([sys.executable, script, nifti, tmp_path], check=True, capture_output=True)
    series, again = read_series(SERIES), read_series(tmp_path)
    assert [Path(one.filename).name for one in again] == [Path(one.filename).name for one in series]
    for old, new in zip(series, again, strict=True):
        # The codestream names the version of its encoder; the pixels must not differ.
        before, after = (imagecodecs.htj2k_decode(codestream(one)) for one in (old, new))
        np.testing.assert_array_equal(before, after)
        assert old.file_meta == new.file_meta
        del old.PixelData, new.PixelData
        assert old == new


def test_a_prefix_of_each_file_is_a_smaller_picture():
    for instance in read_series(SERIES)[::30]:
        assert instance.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.202"
        stream = codestream(instance)
        header = stream[: stream.index(b"\xff\x90")]
        assert b"\xff\x55" in header  # TLM: where each tile-part begins
        coding = header[header.index(b"\xff\x52") :]
        assert coding[5] == 2  # RPCL
        assert stream.count(b"\xff\x90\x00\x0a") == coding[9] + 1  # a tile-part each resolution


def test_it_is_small_and_carries_its_notice():
    files = list(SERIES.iterdir())
    assert sum(path.stat().st_size for path in files) < 3.2e6
    notice = " ".join((SERIES.parent / "NOTICE").read_text().split())
    begin = notice.index("Copyright (C) 1993-2009 Louis Collins")
    # The licence wants its text unchanged.
    assert (
        hashlib.sha256(notice[begin:].encode()).hexdigest()
        == "15951653b069bafac5db3f83780297bd2085909df158167d2c4a0b2f3ac44572"
    )


def test_it_names_no_person(series):
    for instance in series[:: len(series) - 1]:
        assert str(instance.PatientName) == "Colin 27"
        assert instance.PatientIdentityRemoved == "YES"
        assert not instance.PatientBirthDate
        assert not instance.StudyDate
