"""From files to volumes, images and reasons: grouping, order, duplicates, values."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.pixels.processing import apply_rescale
from pydicom.uid import generate_uid

import loading
from loading.dicom.describe import sort_out
from loading.dicom.reader import HeaderReader
from loading.errors import LoadError
from loading.files import describe
from tests.helpers.dicom_series import INTERCEPT, phantom, write_series

SHAPE = (6, 24, 20)


@pytest.fixture
def stored():
    return phantom(SHAPE)


def codes(entry):
    return {told.code for told in entry.spec.warnings}


def only(folder):
    (entry,) = describe([str(folder)]).volumes
    return entry


def loaded(entry, t=0):
    """Load a volume in this process and give its array values at a time point."""
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        return np.array(volume.stored(t))


def test_a_plain_series(tmp_path, stored):
    """M1: shape, type, affine are known before a pixel is read."""
    write_series(tmp_path, stored)
    entry = only(tmp_path)
    spec = entry.spec
    assert spec.shape_kji == SHAPE
    assert spec.dtype == np.uint16
    assert (spec.value_map.slope, spec.value_map.intercept) == (1.0, INTERCEPT)
    assert (spec.label, spec.modality, spec.unit, spec.files) == ("Phantom", "CT", "HU", 6)
    assert np.allclose(
        spec.affine_lps, [[0.5, 0, 0, -10.0], [0, 0.75, 0, 5.0], [0, 0, 2.0, 0], [0, 0, 0, 1.0]]
    )
    assert spec.path == str(tmp_path)
    assert spec.empty_value == 24.0
    assert spec.stored_range == (0.0, 4095.0)
    assert spec.warnings == ()
    assert np.array_equal(loaded(entry), stored)


def test_the_order_of_files_makes_no_difference(tmp_path, stored):
    """M5: shuffled records give an identical volume."""
    paths = write_series(tmp_path, stored)
    reader = HeaderReader()
    records = [reader.read_file(str(path)) for path in paths]
    first = sort_out(records).volumes[0]
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(records))
        other = sort_out([records[at] for at in order]).volumes[0]
        assert other.spec.key == first.spec.key
        assert np.array_equal(other.spec.affine_lps, first.spec.affine_lps)
        assert np.array_equal(loaded(other), stored)


def test_slices_are_sorted_by_position_alone(tmp_path, stored):
    write_series(tmp_path, stored, InstanceNumber=lambda k: 100 - k, SliceLocation=lambda k: -k)
    assert np.array_equal(loaded(only(tmp_path)), stored)


def test_descending_positions_are_turned_round(tmp_path, stored):
    write_series(tmp_path, stored, ImagePositionPatient=lambda k: [-10, 5, -2.0 * k])
    entry = only(tmp_path)
    assert np.array_equal(loaded(entry), stored[::-1])
    assert entry.spec.affine_lps[2, 2] == 2.0


def test_a_missing_slice_is_an_absent_plane(tmp_path, stored):
    paths = write_series(tmp_path, stored)
    paths[2].unlink()
    entry = only(tmp_path)
    assert entry.spec.shape_kji == SHAPE
    assert entry.spec.absent == {2}
    assert codes(entry) == {"missing_slices"}
    assert entry.spec.chunk_count == 5


def test_two_orientations_are_two_volumes(tmp_path, stored):
    series = generate_uid()
    write_series(tmp_path / "a", stored, SeriesInstanceUID=series)
    write_series(
        tmp_path / "b",
        stored,
        SeriesInstanceUID=series,
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
        ImagePositionPatient=lambda k: [2.0 * k, 0, 0],
    )
    found = describe([str(tmp_path)])
    # One study and frame of reference for all, as in a real series.
    assert len(found.volumes) == 2


def test_acquisition_numbers_alone_split_nothing(tmp_path, stored):
    write_series(tmp_path, stored, AcquisitionNumber=lambda k: 1 + k // 3)
    assert only(tmp_path).spec.shape_kji == SHAPE


def test_echoes_at_the_same_places_are_points_of_one_volume(tmp_path, stored):
    series, study, frame = (generate_uid() for _ in range(3))
    for echo in (1, 2):
        write_series(
            tmp_path / str(echo),
            stored + echo,
            SeriesInstanceUID=series,
            StudyInstanceUID=study,
            FrameOfReferenceUID=frame,
            EchoNumbers=echo,
        )
    entry = only(tmp_path)
    assert (entry.spec.shape_kji, entry.spec.time_points) == (SHAPE, 2)
    assert np.array_equal(loaded(entry), stored + 1)
    assert np.array_equal(loaded(entry, 1), stored + 2)


def test_places_that_all_repeat_are_told_apart_by_number(tmp_path, stored):
    """Nothing else differs: the lower instance numbers are one point, the higher ones another."""
    series, study, frame = (generate_uid() for _ in range(3))
    for time in (0, 1, 2):
        write_series(
            tmp_path / str(time),
            stored + time,
            SeriesInstanceUID=series,
            StudyInstanceUID=study,
            FrameOfReferenceUID=frame,
            InstanceNumber=lambda k, time=time: 100 * time + k,
        )
    found = describe([str(tmp_path)])
    assert not found.skipped
    (entry,) = found.volumes
    assert entry.spec.time_points == 3
    assert all(np.array_equal(loaded(entry, time), stored + time) for time in range(3))


def test_trigger_times_of_each_slice_split_nothing(tmp_path, stored):
    """Gated slices: the times differ by slice as well; no volume is made of half the places."""
    series, study, frame = (generate_uid() for _ in range(3))
    for phase in (0, 1):
        write_series(
            tmp_path / str(phase),
            stored + phase,
            SeriesInstanceUID=series,
            StudyInstanceUID=study,
            FrameOfReferenceUID=frame,
            InstanceNumber=lambda k, phase=phase: 100 * phase + k,
            TriggerTime=lambda k, phase=phase: str(300 * phase + k // 2),
        )
    spec = only(tmp_path).spec
    assert (spec.shape_kji, spec.time_points) == (SHAPE, 2)


def test_bytes_in_big_endian_words_are_put_right(tmp_path):
    """PS3.5 A.3: with VR OW, 8-bit samples lie in pairs, the second one first."""
    bytes_stored = (phantom(SHAPE) >> 4).astype(np.uint8)
    paths = write_series(
        tmp_path, bytes_stored, BitsAllocated=8, BitsStored=8, HighBit=7, PixelPaddingValue=0
    )
    for path in paths:
        dataset = pydicom.dcmread(path)
        words = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
        plain = pydicom.Dataset()
        plain.update(dataset)
        plain.PixelData = words
        plain["PixelData"].VR = "OW"
        plain.file_meta = dataset.file_meta
        plain.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
        pydicom.dcmwrite(
            path, plain, implicit_vr=False, little_endian=False, enforce_file_format=True
        )
        assert b"OW" in path.read_bytes()
    assert np.array_equal(loaded(only(tmp_path)), bytes_stored)


def test_of_two_slices_at_one_place_the_lower_number_is_shown(tmp_path, stored):
    paths = write_series(tmp_path, stored)
    dataset = pydicom.dcmread(paths[3])
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.InstanceNumber = 40
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(tmp_path / "AAA.dcm")
    found = describe([str(tmp_path)])
    (entry,) = found.volumes
    assert codes(entry) == {"duplicate_slices"}
    assert [item.path for item in found.skipped] == [str(tmp_path / "AAA.dcm")]
    assert np.array_equal(loaded(entry), stored)


def test_copies_of_a_file_are_told_as_skipped_only(tmp_path, stored):
    paths = write_series(tmp_path, stored)
    (tmp_path / "copy.dcm").write_bytes(paths[0].read_bytes())
    found = describe([str(tmp_path)])
    (entry,) = found.volumes
    assert codes(entry) == set()
    assert "the same slice" in found.skipped[0].reason
    assert np.array_equal(loaded(entry), stored)


def test_a_whole_copy_is_taken_before_a_truncated_one(tmp_path, stored):
    paths = write_series(tmp_path, stored)
    data = paths[0].read_bytes()
    (tmp_path / "zzz.dcm").write_bytes(data)
    paths[0].write_bytes(data[:-100])
    assert np.array_equal(loaded(only(tmp_path)), stored)


def test_a_truncated_slice_keeps_its_plane_and_fails(tmp_path, stored):
    """E3: the file is named, the rest opens."""
    paths = write_series(tmp_path, stored)
    paths[4].write_bytes(paths[4].read_bytes()[:-50])
    entry = only(tmp_path)
    assert codes(entry) == {"truncated"}
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert [chunk.index for chunk in volume.failures] == [4]
        assert paths[4].name in next(iter(volume.failures.values())).reason


def test_a_gantry_tilt_is_told_and_sheared(tmp_path, stored):
    write_series(tmp_path, stored, ImagePositionPatient=lambda k: [-10, 5 + 0.7 * k, 2.0 * k])
    entry = only(tmp_path)
    assert codes(entry) == {"gantry_tilt"}
    assert np.allclose(entry.spec.affine_lps[:3, 2], [0, 0.7, 2])


def test_uneven_slices_keep_their_true_positions(tmp_path, stored):
    z = [0, 2, 4.3, 6, 9.1, 12]
    write_series(tmp_path, stored, ImagePositionPatient=lambda k: [-10, 5, z[k]])
    entry = only(tmp_path)
    assert codes(entry) == {"uneven_spacing"}
    origins = entry.spec.slice_origins_lps
    assert origins is not None
    assert sorted(origins[~np.isnan(origins[:, 2]), 2]) == z
    assert np.isnan(origins).any(axis=1).sum() == len(entry.spec.absent)


def test_localizers_and_single_slices_are_images(tmp_path, stored):
    write_series(tmp_path / "a", stored[:1])
    write_series(tmp_path / "b", stored, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    found = describe([str(tmp_path)])
    assert not found.volumes
    assert sorted(image.kind for image in found.images) == ["CT slice"] + ["localizer"] * 6
    image = next(image for image in found.images if image.kind == "CT slice")
    assert image.spec is not None
    assert image.open is not None
    assert np.array_equal(loaded(loading.VolumeEntry(image.spec, image.open)), stored[:1])


def test_a_slope_that_differs_makes_the_volume_float(tmp_path, stored):
    """M2: slice 4 has an intercept of -30000, slice 2 a slope of 0.01."""
    write_series(
        tmp_path,
        stored,
        RescaleIntercept=lambda k: "-30000" if k == 4 else "0",
        RescaleSlope=lambda k: "0.01" if k == 2 else "1",
    )
    entry = only(tmp_path)
    assert entry.spec.dtype == np.float32
    assert entry.spec.value_map.is_identity
    meant = stored.astype(np.float64)
    meant[4] -= 30000
    meant[2] *= 0.01
    assert np.array_equal(loaded(entry), meant.astype(np.float32))


def test_values_are_those_of_pydicom(tmp_path, stored):
    """F3: values in modality units equal pydicom's."""
    paths = write_series(tmp_path, stored, RescaleSlope="0.25", RescaleIntercept="-3.5")
    entry = only(tmp_path)
    array = loaded(entry)
    one = entry.spec.value_map
    for k, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        expected = apply_rescale(dataset.pixel_array, dataset)
        assert np.array_equal(array[k] * one.slope + one.intercept, expected)


def test_windows_padding_and_inversion(tmp_path, stored):
    write_series(
        tmp_path,
        stored,
        WindowCenter=["40", "-600"],
        WindowWidth=["400", "1500"],
        WindowCenterWidthExplanation=["SOFT", "LUNG"],
        PixelPaddingValue=0,
        PixelPaddingRangeLimit=7,
        PhotometricInterpretation="MONOCHROME1",
        VOILUTFunction="LINEAR_EXACT",
    )
    spec = only(tmp_path).spec
    assert [(w.center, w.width, w.name, w.function) for w in spec.windows] == [
        (40, 400, "SOFT", "LINEAR_EXACT"),
        (-600, 1500, "LUNG", "LINEAR_EXACT"),
    ]
    assert spec.padding == (0.0, 7.0)
    assert spec.empty_value == 0.0
    assert spec.inverted


def test_texts_come_in_the_character_set_of_the_file(tmp_path, stored):
    write_series(
        tmp_path,
        stored,
        SpecificCharacterSet="ISO_IR 192",
        PatientName="Müller^Jörg",
        SeriesDescription="Schädel <b>nativ</b>\n2 mm",
    )
    spec = only(tmp_path).spec
    assert spec.header["patient_name"] == "Müller^Jörg"
    assert spec.label == "Schädel <b>nativ</b> 2 mm"


def test_slices_without_position_are_stacked_by_number(tmp_path, stored):
    for path in write_series(tmp_path, stored, InstanceNumber=lambda k: k + 1):
        dataset = pydicom.dcmread(path)
        del dataset.ImagePositionPatient
        dataset.save_as(path)
    entry = only(tmp_path)
    assert codes(entry) == {"no_position"}
    assert np.array_equal(loaded(entry), stored)


def test_two_sizes_are_two_volumes(tmp_path, stored):
    series = generate_uid()
    write_series(tmp_path / "a", stored, SeriesInstanceUID=series, StudyInstanceUID="1.2.3")
    write_series(tmp_path / "b", stored[:, :12], SeriesInstanceUID=series, StudyInstanceUID="1.2.3")
    shapes = [entry.spec.shape_kji for entry in describe([str(tmp_path)]).volumes]
    assert sorted(shapes) == [(6, 12, 20), (6, 24, 20)]


def test_what_is_no_dicom_is_listed_with_its_reason(tmp_path, stored):
    write_series(tmp_path, stored)
    (tmp_path / "notes.txt").write_text("to whom it may concern\n" * 20)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "page.pdf").write_bytes(b"%PDF-1.7" + bytes(300))
    found = describe([str(tmp_path)])
    assert len(found.volumes) == 1
    reasons = {item.path.rpartition("/")[2]: item.reason for item in found.skipped}
    assert reasons == {
        "notes.txt": "This is not a DICOM object",
        "empty": "The file is empty",
        "page.pdf": "This is a PDF, not a DICOM object",
    }


def test_nothing_to_open_is_one_error(tmp_path):
    with pytest.raises(LoadError, match="no files"):
        describe([str(tmp_path)])
    with pytest.raises(LoadError, match="no such file"):
        describe([str(tmp_path / "nowhere")])
    (tmp_path / "a.txt").write_text("x" * 300)
    with pytest.raises(LoadError, match="not a DICOM object"):
        describe([str(tmp_path / "a.txt")])


def test_paths_urls_and_several_at_once(tmp_path, stored):
    write_series(tmp_path / "with space", stored)
    write_series(tmp_path / "other", stored)
    url = (tmp_path / "with space").as_uri()
    assert len(describe([url]).volumes) == 1
    assert len(describe([url, str(tmp_path / "other")]).volumes) == 2


def test_links_to_folders_are_not_followed(tmp_path, stored):
    write_series(tmp_path / "real", stored)
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")
    assert only(tmp_path / "real").spec.shape_kji == SHAPE


def test_progress_and_cancel(tmp_path):
    write_series(tmp_path, phantom((130, 4, 4)))
    seen = []
    describe([str(tmp_path)], lambda done, total: seen.append((done, total)))
    assert seen[-1] == (130, 130)
    assert len(seen) > 2
    token = loading.CancelToken()
    token.cancel()
    with pytest.raises(loading.Cancelled):
        describe([str(tmp_path)], cancel=token)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (
            {"FrameOfReferenceUID": lambda k: "1.2.4" if k < 4 else "1.2.3"},
            {"Phantom, frame of reference 1", "Phantom, frame of reference 2"},
        ),
        (
            {"PhotometricInterpretation": lambda k: f"MONOCHROME{1 + k // 4}"},
            {"Phantom, monochrome1", "Phantom, monochrome2"},
        ),
    ],
    ids=["frames of reference", "photometric interpretation"],
)
def test_names_say_what_sets_volumes_of_one_series_apart(tmp_path, changes, names):
    write_series(tmp_path, phantom((8, 12, 10)), **changes)
    found = loading.describe(str(tmp_path)).volumes
    assert {entry.spec.label for entry in found} == names
    assert [entry.spec.shape_kji[0] for entry in found] == [4, 4]


def test_slices_far_from_the_others_are_parts_with_a_number(tmp_path):
    places = [0.0, 2.0, 4.0, 90_000.0, 90_002.0, 90_004.0]
    write_series(tmp_path, phantom((6, 12, 10)), ImagePositionPatient=lambda k: [0, 0, places[k]])
    found = loading.describe(str(tmp_path)).volumes
    assert [entry.spec.label for entry in found] == ["Phantom, part 1", "Phantom, part 2"]


def test_stacks_without_places_say_what_sets_them_apart(tmp_path):
    write_series(
        tmp_path,
        phantom((6, 12, 10)),
        ImageOrientationPatient=None,
        PixelSpacing=lambda k: [0.5, 0.5] if k < 3 else [0.8, 0.8],
    )
    found = loading.describe(str(tmp_path)).volumes
    assert {entry.spec.label for entry in found} == {
        "Phantom, 0.5 x 0.5 mm",
        "Phantom, 0.8 x 0.8 mm",
    }
