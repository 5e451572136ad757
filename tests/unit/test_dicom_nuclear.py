"""T43: nuclear medicine is split by its vectors: slices, times of the heart, energy windows."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, generate_uid

import loading
from loading.files import describe
from tests.helpers.enhanced_objects import one
from tests.helpers.pictures import colours_of, entry_of

ENERGY, DETECTOR, INTERVAL, SLOT, SLICE, ANGLE = (
    0x00540010,
    0x00540020,
    0x00540060,
    0x00540070,
    0x00540080,
    0x00540090,
)
SIDE = (10, 12)
LOOP = "1.2.840.10008.5.1.4.1.1.3.1"


def pixels(count, seed=3):
    return np.random.default_rng(seed).integers(0, 4096, (count, *SIDE), dtype=np.uint16)


def write_nm(path, stored, vectors, kind="RECON TOMO", syntax=ExplicitVRLittleEndian, **changes):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.20"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.ImageType = ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
    dataset.Modality, dataset.SeriesDescription = "NM", "Heart"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2", "1.2.3"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelSpacing, dataset.SpacingBetweenSlices = [4, 4], "6.5"
    dataset.FrameIncrementPointer = [Tag(tag) for tag in vectors]
    for tag, vector in vectors.items():
        dataset.add_new(tag, "US", list(vector))
    dataset.DetectorInformationSequence = one(
        ImagePositionPatient=[-20, -30, 400], ImageOrientationPatient=[1, 0, 0, 0, 1, 0]
    )
    for name, value in changes.items():
        setattr(dataset, name, value)
    big = syntax == ExplicitVRBigEndian
    dataset.PixelData = (stored.byteswap() if big else stored).tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path


def values(entry, t=0):
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        return np.array(volume.stored(t))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("spacing", [6.5, -6.5])
def test_a_reconstruction_is_stacked_along_its_normal(tmp_path, spacing, syntax):
    stored = pixels(5)
    write_nm(
        tmp_path / "n.dcm",
        stored,
        {SLICE: range(1, 6)},
        syntax=syntax,
        SpacingBetweenSlices=str(spacing),
    )
    (entry,) = describe([str(tmp_path)]).volumes
    lowest = min(400, 400 + 4 * spacing)
    assert entry.spec.affine_lps[:3, 3] == pytest.approx((-20, -30, lowest))
    assert entry.spec.spacing_ijk_mm == pytest.approx((4, 4, 6.5))
    assert np.array_equal(values(entry), stored if spacing > 0 else stored[::-1])


def test_a_gated_reconstruction_has_times(tmp_path):
    """N2: intervals and slots number the times, slices lie where their vector says."""
    stored = pixels(24)
    slots = [1 + n // 4 % 3 for n in range(24)]
    vectors = {
        INTERVAL: [1 + n // 12 for n in range(24)],
        SLOT: slots,
        SLICE: [4 - n % 4 for n in range(24)],
    }
    write_nm(tmp_path / "n.dcm", stored, vectors, kind="RECON GATED TOMO")
    (entry,) = describe([str(tmp_path)]).volumes
    assert entry.spec.time_points == 6
    assert entry.spec.time_axis == "time"
    for t in range(6):
        assert np.array_equal(values(entry, t), stored[4 * t : 4 * t + 4][::-1])


def test_energy_windows_are_volumes_of_their_own(tmp_path):
    stored = pixels(8)
    vectors = {
        ENERGY: [1, 1, 1, 1, 2, 2, 2, 2],
        DETECTOR: [1] * 8,
        SLICE: [1, 2, 3, 4] * 2,
    }
    write_nm(tmp_path / "n.dcm", stored, vectors)
    found = describe([str(tmp_path)]).volumes
    assert [entry.spec.label for entry in found] == [
        "Heart, energy window 1",
        "Heart, energy window 2",
    ]
    assert np.array_equal(np.concatenate([values(entry) for entry in found]), stored)


@pytest.mark.parametrize(
    ("vectors", "changes"),
    [
        ({ENERGY: [1] * 6, DETECTOR: [1] * 6, ANGLE: range(1, 7)}, {}),
        ({SLICE: range(1, 6)}, {}),
        ({SLICE: range(1, 7)}, {"SpacingBetweenSlices": ""}),
        ({SLICE: range(1, 7)}, {"DetectorInformationSequence": None}),
        ({SLICE: range(1, 7), SLOT: [1, 1]}, {}),
    ],
    ids=["angles", "too few", "no distance", "no place", "vectors that differ"],
)
def test_what_has_no_place_is_shown_frame_by_frame(tmp_path, vectors, changes):
    write_nm(tmp_path / "n.dcm", pixels(6), vectors, **changes)
    found = describe([str(tmp_path)])
    assert not found.volumes
    assert [(image.kind, image.frames) for image in found.images] == [("nuclear medicine image", 6)]


def test_views_of_detectors_and_windows_are_told_apart(tmp_path):
    stored = pixels(12)
    vectors = {
        ENERGY: [1] * 6 + [2] * 6,
        DETECTOR: [1, 1, 1, 2, 2, 2] * 2,
        ANGLE: [1, 2, 3] * 4,
    }
    write_nm(tmp_path / "n.dcm", stored, vectors, kind="TOMO")
    (image,) = describe([str(tmp_path)]).images
    assert (image.frames, image.spec.time_points, image.spec.shape_kji[0]) == (12, 4, 3)
    assert image.spec.time_labels == (
        "energy window 1, detector 1",
        "energy window 1, detector 2",
        "energy window 2, detector 1",
        "energy window 2, detector 2",
    )
    entry = entry_of(image)
    for t in range(4):
        assert np.array_equal(values(entry, t), stored[3 * t : 3 * t + 3])


def test_views_in_another_order_stay_in_that_of_the_file(tmp_path):
    stored = pixels(6)
    write_nm(tmp_path / "n.dcm", stored, {DETECTOR: [1, 2] * 3, ANGLE: [1, 1, 2, 2, 3, 3]})
    (image,) = describe([str(tmp_path)]).images
    assert (image.spec.time_points, image.spec.shape_kji[0]) == (1, 6)


@pytest.mark.parametrize("samples", [1, 3])
def test_a_loop_that_ends_early_shows_its_whole_frames(tmp_path, samples):
    stored = pixels(6)
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    changes = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, **colour} if samples == 3 else {}
    path = write_nm(tmp_path / "n.dcm", stored, {}, **changes, SOPClassUID=LOOP)
    dataset = pydicom.dcmread(path)
    wanted = stored
    if samples == 3:
        wanted = np.random.default_rng(1).integers(0, 255, (6, *SIDE, 3), dtype=np.uint8)
        dataset.PixelData = wanted.tobytes()
        dataset.save_as(path)
    size = wanted[0].nbytes
    path.write_bytes(path.read_bytes()[: -size - 3])
    (image,) = describe([str(tmp_path)]).images
    assert image.frames == 6
    assert "truncated" in [told.code for told in image.spec.warnings]
    entry = entry_of(image)
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert sorted(chunk.index for chunk in volume.failures) == [4, 5]
        shown = colours_of(volume) if samples == 3 else volume.stored()
        assert np.array_equal(shown[:4], wanted[:4])


def test_a_loop_that_claims_without_bounds_is_refused(tmp_path):
    write_nm(tmp_path / "n.dcm", pixels(6), {}, SOPClassUID=LOOP, NumberOfFrames="2000000000")
    with pytest.raises(loading.NothingFound, match="ends early"):
        describe([str(tmp_path)])
