"""Doses are volumes in gray; what their vectors of offsets do not say for sure is not believed."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTDoseStorage, generate_uid

import loading
from loading.files import describe

SHAPE = (5, 7, 9)
POSITION = (-20.0, 30.0, -100.0)
OFFSETS = (0.0, 3.0, 6.0, 9.0, 12.0)


@pytest.fixture
def stored():
    return np.random.default_rng(1).integers(0, 2**31, SHAPE, dtype=np.uint32)


def write_dose(path, stored, offsets, **changes):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = RTDoseStorage
    uid = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid
    dataset.Modality, dataset.SeriesDescription = "RTDOSE", "Dose"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2", "1.2.3"
    dataset.FrameOfReferenceUID = "1.2.4"
    dataset.ImagePositionPatient, dataset.PixelSpacing = list(POSITION), [2.5, 2]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated = dataset.BitsStored = 8 * stored.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.FrameIncrementPointer = 0x3004000C
    dataset.GridFrameOffsetVector = list(offsets)
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    dataset.DoseGridScaling = "3.5e-8"
    for name, value in changes.items():
        setattr(dataset, name, value)
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path


def gray(entry):
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        values = entry.spec.value_map
        return np.array(volume.stored(), np.float64) * values.slope + values.intercept


def lps(entry, i, j, k):
    return (entry.spec.affine_lps @ (i, j, k, 1))[:3]


def only(path):
    found = describe([str(path)])
    assert not found.images
    (entry,) = found.volumes
    return entry


@pytest.mark.parametrize("first", [0.0, POSITION[2]], ids=["relative", "absolute"])
def test_both_forms_of_offsets_give_one_volume_in_gray(tmp_path, stored, first):
    path = write_dose(tmp_path / "d.dcm", stored, [first + 3.0 * k for k in range(5)])
    entry = only(path)
    assert entry.spec.unit == "Gy"
    assert entry.spec.label == "Dose, plan"
    assert entry.spec.warnings == ()
    assert np.allclose(gray(entry), stored * 3.5e-8, rtol=1e-12)
    assert lps(entry, 2, 1, 4) == pytest.approx((-16, 32.5, -88))


def test_offsets_against_the_normal(tmp_path, stored):
    entry = only(write_dose(tmp_path / "d.dcm", stored, [-3.0 * k for k in range(5)]))
    assert lps(entry, 0, 0, 0) == pytest.approx((-20, 30, -112))
    assert np.allclose(gray(entry), stored[::-1] * 3.5e-8)


def test_a_turned_grid_follows_its_normal(tmp_path, stored):
    tilt = np.radians(20)
    row, column = np.array([0, 1, 0]), np.array([np.sin(tilt), 0, -np.cos(tilt)])
    path = write_dose(
        tmp_path / "d.dcm", stored, OFFSETS, ImageOrientationPatient=[*row, *column.tolist()]
    )
    expected = np.array(POSITION) + 12.0 * np.cross(row, column)
    assert lps(only(path), 0, 0, 4) == pytest.approx(expected, abs=1e-6)


def test_signed_differences_of_doses(tmp_path):
    stored = np.random.default_rng(2).integers(-3000, 3000, SHAPE, dtype=np.int16)
    entry = only(write_dose(tmp_path / "d.dcm", stored, OFFSETS, DoseType="ERROR"))
    assert np.allclose(gray(entry), stored * 3.5e-8)


def test_uneven_planes_are_told(tmp_path, stored):
    entry = only(write_dose(tmp_path / "d.dcm", stored, (0.0, 3.0, 6.0, 10.1, 12.0)))
    assert [told.code for told in entry.spec.warnings] == ["uneven_spacing"]


def test_a_relative_dose_is_not_called_gray(tmp_path, stored):
    entry = only(write_dose(tmp_path / "d.dcm", stored, OFFSETS, DoseUnits="RELATIVE"))
    assert entry.spec.unit == ""
    assert [told.code for told in entry.spec.warnings] == ["relative_dose"]
    assert np.array_equal(gray(entry), stored)
    (other,) = entry.spec.other_units
    assert other.value_map.slope == pytest.approx(3.5e-8)


@pytest.mark.parametrize("scaling", [None, "0", "-1"])
def test_a_dose_without_a_scale_has_no_unit(tmp_path, stored, scaling):
    entry = only(write_dose(tmp_path / "d.dcm", stored, OFFSETS, DoseGridScaling=scaling))
    assert entry.spec.unit == ""
    assert [told.code for told in entry.spec.warnings] == ["value_ignored"]


@pytest.mark.parametrize(
    "offsets",
    [(5.0, 8.0, 11.0, 14.0, 17.0), (0.0, 3.0, 6.0), (0.0, 3.0, 3.0, 6.0, 9.0)],
    ids=["neither form", "too few", "two at one place"],
)
def test_unsure_places_make_pictures_not_a_volume(tmp_path, stored, offsets):
    found = describe([str(write_dose(tmp_path / "d.dcm", stored, offsets))])
    assert not found.volumes
    (image,) = found.images
    assert (image.kind, image.frames) == ("radiotherapy dose", 5)
    assert image.spec is not None
    assert image.spec.unit == "Gy"


def test_absolute_offsets_count_in_axial_grids_only(tmp_path, stored):
    offsets = [POSITION[2] + 3.0 * k for k in range(5)]
    turned = [1, 0, 0, 0, 0, -1]
    path = write_dose(tmp_path / "d.dcm", stored, offsets, ImageOrientationPatient=turned)
    assert not describe([str(path)]).volumes


def test_each_dose_of_a_series_is_a_volume(tmp_path, stored):
    write_dose(tmp_path / "plan.dcm", stored, OFFSETS)
    write_dose(tmp_path / "beam.dcm", stored // 2, OFFSETS, DoseSummationType="BEAM")
    found = describe([str(tmp_path)]).volumes
    assert sorted(entry.spec.label for entry in found) == ["Dose, beam", "Dose, plan"]
    assert [entry.spec.time_points for entry in found] == [1, 1]


def test_a_short_file_shows_the_planes_it_has(tmp_path, stored):
    path = write_dose(tmp_path / "d.dcm", stored, OFFSETS)
    path.write_bytes(path.read_bytes()[: -stored[0].nbytes - 1])
    entry = only(path)
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert sorted(chunk.index for chunk in volume.failures) == [3, 4]
        assert np.array_equal(volume.stored()[:3], stored[:3])


def test_the_real_dose_stands_where_its_planes_say(data_folder):
    path = data_folder / "12_non_volumes" / "rtdose.dcm"
    entry = only(path)
    dataset = pydicom.dcmread(path)
    x, y, z = (float(part) for part in dataset.ImagePositionPatient)
    offsets = [float(part) for part in dataset.GridFrameOffsetVector]
    assert lps(entry, 0, 0, 14) == pytest.approx((x, y, z + offsets[14]))
    assert np.array_equal(gray(entry), dataset.pixel_array)
