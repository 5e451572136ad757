"""Segmentations open as masks of their segments; highdicom writes them and says what is in them."""

from __future__ import annotations

import hashlib
import json

import highdicom as hd
import numpy as np
import pydicom
import pytest
from highdicom.color import CIELabColor
from highdicom.sr.coding import Code

import loading
from loading.dicom.segments import rgb_of_lab
from loading.files import describe
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import one
from tests.helpers.pictures import entry_of

SHAPE = (8, 24, 20)
BONE = Code("272673000", "SCT", "Bone")


def description(number, label, colour=None):
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=Code("91723000", "SCT", "Anatomical Structure"),
        segmented_property_type=BONE,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        display_color=None if colour is None else CIELabColor.from_rgb(*colour),
    )


def write_segmentation(path, sources, mask, segments, kind, *, omit=True, **more):
    """Write a segmentation of these files with highdicom; frames without content left out."""
    made = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=mask,
        segmentation_type=kind,
        segment_descriptions=segments,
        series_instance_uid=hd.UID(),
        series_number=9,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="M",
        manufacturer_model_name="M",
        software_versions="1",
        device_serial_number="1",
        series_description="Masks",
        omit_empty_frames=omit,
        **more,
    )
    made.save_as(path)
    return path


@pytest.fixture
def sources(tmp_path):
    paths = write_series(
        tmp_path / "ct",
        phantom(SHAPE),
        # What highdicom copies from its source.
        **dict.fromkeys(("PatientID", "PatientName", "PatientBirthDate", "PatientSex"), ""),
        **dict.fromkeys(("AccessionNumber", "StudyID", "StudyDate", "StudyTime"), ""),
        ReferringPhysicianName="",
        SliceThickness="2",
    )
    return [pydicom.dcmread(path) for path in paths]


@pytest.fixture
def masks():
    """Two masks that overlap; the second one has planes without anything between others."""
    mask = np.zeros((*SHAPE, 2), np.uint8)
    mask[1:7, 4:20, 3:15, 0] = 1
    mask[2, 5:9, 5:9, 1] = mask[6, 6:18, 2:9, 1] = 1
    return mask


def voxels(entry, t=0):
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        return np.array(volume.stored(t))


def on_grid_of(spec, path, stored):
    """Lay a volume into the grid of the series that it was made of."""
    (ct,) = describe([str(path)]).volumes
    to_ct = np.linalg.inv(ct.spec.affine_lps) @ spec.affine_lps
    k = np.arange(len(stored))
    whole = np.zeros(ct.spec.shape_kji, stored.dtype)
    at = np.rint(to_ct[:3, :3] @ [[0], [0], [1]] * k + to_ct[:3, 3:]).astype(int)
    assert np.allclose(to_ct[:3, :2], np.eye(4)[:3, :2])
    whole[at[2]] = stored
    return whole


def test_each_segment_of_a_binary_object_is_a_volume(tmp_path, sources, masks):
    names = [description(1, "ribs", (200, 30, 90)), description(2, "spine")]
    path = write_segmentation(tmp_path / "s.dcm", sources, masks, names, "BINARY")
    found = describe([str(path)])
    assert not found.images
    assert not found.skipped
    first, second = found.volumes
    assert first.spec.label == "ribs, Masks"
    assert [one.spec.segments[0].number for one in found.volumes] == [1, 2]
    assert first.spec.segments[0].meaning == "Bone"
    assert first.spec.segments[0].colour == pytest.approx((200, 30, 90), abs=1)
    assert first.spec.refers_to == (sources[0].SeriesInstanceUID,)
    assert first.spec.warnings == ()
    assert np.array_equal(first.spec.affine_lps, second.spec.affine_lps)
    for entry, number in zip(found.volumes, (0, 1), strict=True):
        assert not entry.spec.absent
        laid = on_grid_of(entry.spec, tmp_path / "ct", voxels(entry))
        assert np.array_equal(laid, masks[..., number])


def test_planes_that_nobody_drew_on_are_empty_not_missing(tmp_path, sources, masks):
    masks[..., 0] = 0
    masks[1, 0, 0, 1] = 1
    names = [description(1, "nothing"), description(2, "here and there")]
    path = write_segmentation(tmp_path / "s.dcm", sources, masks, names, "BINARY")
    found = describe([str(path)])
    (entry,) = found.volumes
    assert entry.spec.shape_kji[0] == 6
    assert entry.spec.warnings == ()
    assert [one.reason for one in found.skipped] == ["segment 1 (nothing) has no frames"]
    laid = on_grid_of(entry.spec, tmp_path / "ct", voxels(entry))
    assert np.array_equal(laid, masks[..., 1])


def test_fractions_are_parts_of_one(tmp_path, sources):
    fractions = np.zeros((*SHAPE, 1), np.float32)
    fractions[2:5, 3:9, 4:8, 0] = np.linspace(0.2, 1, 24).reshape(6, 4)
    path = write_segmentation(
        tmp_path / "s.dcm",
        sources,
        fractions,
        [description(1, "maybe")],
        "FRACTIONAL",
        fractional_type="PROBABILITY",
        max_fractional_value=200,
    )
    (entry,) = describe([str(path)]).volumes
    assert entry.spec.unit == "probability"
    meant = voxels(entry) * entry.spec.value_map.slope
    laid = on_grid_of(entry.spec, tmp_path / "ct", meant)
    assert np.abs(laid - fractions[..., 0]).max() <= 0.5 / 200 + 1e-6


def test_an_object_of_labels_is_one_volume(tmp_path, sources, masks):
    labels = np.where(masks[..., 1], 2, masks[..., 0]).astype(np.uint8)
    names = [description(1, "ribs"), description(2, "spine")]
    path = write_segmentation(tmp_path / "s.dcm", sources, labels, names, "LABELMAP")
    (entry,) = describe([str(path)]).volumes
    assert {1: "ribs", 2: "spine"}.items() <= {
        one.number: one.label for one in entry.spec.segments
    }.items()
    assert np.array_equal(on_grid_of(entry.spec, tmp_path / "ct", voxels(entry)), labels)


def test_directions_of_one_object_are_volumes_of_their_own(tmp_path, sources, masks):
    names = [description(1, "ribs")]
    path = write_segmentation(tmp_path / "s.dcm", sources, masks[..., :1], names, "BINARY")
    dataset = pydicom.dcmread(path)
    orientation = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    del dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    for number, groups in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        turned = pydicom.Dataset()
        turned.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        groups.PlaneOrientationSequence = orientation if number < 3 else [turned]
        place = [3.0 * number, 0, 0] if number >= 3 else [0, 0, 3.0 * number]
        groups.PlanePositionSequence[0].ImagePositionPatient = place
    dataset.save_as(path)
    found = describe([str(path)])
    assert {entry.spec.label for entry in found.volumes} == {
        "ribs, Masks, axial",
        "ribs, Masks, sagittal",
    }
    stored = [voxels(entry) for entry in found.volumes]
    assert [one.shape[0] for one in stored] == [3, 3]
    assert sum(int(one.sum()) for one in stored) == int(masks[..., 0].sum())


def test_frames_on_a_slide_are_shown_one_by_one(tmp_path, sources, masks):
    names = [description(1, "ribs")]
    path = write_segmentation(tmp_path / "s.dcm", sources, masks[..., :1], names, "BINARY")
    dataset = pydicom.dcmread(path)
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        del groups.PlanePositionSequence
    dataset.save_as(path)
    found = describe([str(path)])
    assert not found.volumes
    (image,) = found.images
    assert (image.title, image.frames) == ("ribs", 6)


def test_a_copy_of_a_segmentation_is_told(tmp_path, sources, masks):
    names = [description(1, "ribs")]
    path = write_segmentation(tmp_path / "s.dcm", sources, masks[..., :1], names, "BINARY")
    (tmp_path / "t.dcm").write_bytes(path.read_bytes())
    found = describe([str(path), str(tmp_path / "t.dcm")])
    assert len(found.volumes) == 1
    assert [one.reason for one in found.skipped] == [f"the same object as {path}"]


def test_two_frames_of_a_segment_at_one_place_are_told(tmp_path, sources, masks):
    names = [description(1, "ribs")]
    path = write_segmentation(tmp_path / "s.dcm", sources, masks[..., :1], names, "BINARY")
    dataset = pydicom.dcmread(path)
    frames = dataset.PerFrameFunctionalGroupsSequence
    frames[5].PlanePositionSequence = frames[4].PlanePositionSequence
    dataset.save_as(path)
    found = describe([str(path)])
    (entry,) = found.volumes
    assert entry.spec.shape_kji[0] == 5
    assert "two frames of segment 1 are at one place" in found.skipped[0].reason


def test_a_damaged_list_of_segments_keeps_the_masks(tmp_path, sources, masks):
    names = [description(1, "ribs"), description(2, "spine")]
    path = write_segmentation(tmp_path / "s.dcm", sources, masks, names, "BINARY")
    dataset = pydicom.dcmread(path)
    del dataset.SegmentSequence
    dataset.save_as(path)
    found = describe([str(path)])
    assert [entry.spec.label for entry in found.volumes] == ["segment 1, Masks", "segment 2, Masks"]


@pytest.mark.parametrize("rgb", [(0, 0, 0), (255, 255, 255), (12, 200, 90), (255, 0, 0)])
def test_colours_are_those_that_were_meant(rgb):
    encoded = np.array(CIELabColor.from_rgb(*rgb).value, np.uint16)
    assert rgb_of_lab(encoded) == pytest.approx(rgb, abs=1)


def test_masks_of_a_real_scan_equal_the_oracle(data_folder):
    folder = data_folder / "06_pet_suv_and_ct_pair"
    oracle = json.loads((folder / "oracle.json").read_text())
    expected = next(case for case in oracle["cases"] if case["input"] == "ct_pet_rtstruct")
    found = describe([str(folder / "ct_pet_rtstruct")])
    masks = {entry.spec.segments[0].label: entry for entry in found.volumes if entry.spec.segments}
    ct = next(entry.spec for entry in found.volumes if entry.spec.modality == "CT")
    (overlay,) = expected["overlays"]
    assert len(masks) == len(overlay["segments"])
    for segment in overlay["segments"]:
        entry = masks[segment["label"]]
        stored = voxels(entry)
        assert int(stored.sum()) == segment["voxels"]
        assert hashlib.sha256(stored.tobytes()).hexdigest() == segment["sha256_uint8_kji"]
        assert np.allclose(entry.spec.affine_lps, ct.affine_lps, atol=1e-3)
        assert entry.spec.refers_to == (ct.series_uid,)


def write_slide(path):
    """Write a slide of 5 x 4 tiles, 8 x 8 pixels each."""
    tiles = np.random.default_rng(6).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    path_of_light = one(OpticalPathIdentifier="1", IlluminationTypeCodeSequence=one())
    measures = one(PixelSpacing=[0.001, 0.001], SliceThickness="0.01")
    (written,) = write_series(
        path,
        tiles.reshape(1, 160, 24),
        **dict.fromkeys(("PatientID", "PatientName", "PatientBirthDate", "PatientSex"), ""),
        **dict.fromkeys(("AccessionNumber", "StudyID", "StudyDate", "StudyTime"), ""),
        **dict.fromkeys(("ReferringPhysicianName", "SpecimenIdentifier"), ""),
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PlanarConfiguration=0,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6",
        Modality="SM",
        ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        Rows=8,
        Columns=8,
        NumberOfFrames="20",
        DimensionOrganizationType="TILED_FULL",
        DimensionOrganizationSequence=one(DimensionOrganizationUID="1.2.3.4"),
        TotalPixelMatrixRows=40,
        TotalPixelMatrixColumns=32,
        TotalPixelMatrixFocalPlanes=1,
        NumberOfOpticalPaths=1,
        TotalPixelMatrixOriginSequence=one(
            XOffsetInSlideCoordinateSystem="20", YOffsetInSlideCoordinateSystem="20"
        ),
        ImageOrientationSlide=[0, -1, 0, -1, 0, 0],
        ImagedVolumeWidth=0.032,
        ImagedVolumeHeight=0.04,
        ImagedVolumeDepth=0.01,
        OpticalPathSequence=path_of_light,
        ContainerIdentifier="1",
        SpecimenDescriptionSequence=one(SpecimenIdentifier="1", SpecimenUID="1.2.3.5"),
        SharedFunctionalGroupsSequence=one(PixelMeasuresSequence=measures),
    )
    return pydicom.dcmread(written)


@pytest.mark.parametrize("organisation", ["TILED_SPARSE", "TILED_FULL"])
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_each_tile_of_a_slide_names_its_segment(tmp_path, organisation, kind):
    """Tiles without content are left out, or all are there, segment after segment."""
    slide = write_slide(tmp_path / "slide")
    mask = np.zeros((1, 40, 32, 2), np.uint8)
    mask[0, 9:31, 2:23, 0] = 1
    mask[0, 33:39, 20:30, 1] = 1
    path = write_segmentation(
        tmp_path / "s.dcm",
        [slide],
        mask if kind == "BINARY" else np.where(mask[..., 1], 2, mask[..., 0]).astype(np.uint8),
        [description(1, "tumour"), description(2, "stroma")],
        kind,
        tile_pixel_array=True,
        dimension_organization_type=organisation,
        omit=organisation == "TILED_SPARSE",
    )
    found = describe([str(path)])
    assert not found.volumes
    (image,) = found.images
    assert image.spec is not None
    assert {"tumour", "stroma"} <= {segment.label for segment in image.spec.segments}
    stored = voxels(entry_of(image))
    assert np.array_equal(stored, pydicom.dcmread(path).pixel_array)
    labels = image.spec.slice_labels
    if kind == "LABELMAP":
        assert labels == ()
        return
    assert len(labels) == image.frames
    for number, name in enumerate(("tumour", "stroma")):
        mine = stored[[label == name for label in labels]]
        assert mine.sum() == mask[..., number].sum()
