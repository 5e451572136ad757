"""N1: per-frame functional groups give order, geometry and values of enhanced objects."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, generate_uid

import loading
from loading.dicom import multiframe
from loading.dicom.reader import HeaderReader
from loading.files import describe
from tests.helpers.dicom_series import phantom
from tests.helpers.enhanced_objects import (
    ORIENTATION,
    frame_groups,
    one,
    shared_groups,
    write_enhanced,
)

SHAPE = (6, 24, 20)
STACK_ID, IN_STACK, INDEX = 0x00209056, 0x00209057, 0x00209128


@pytest.fixture
def stored():
    return phantom(SHAPE)


def places(count=SHAPE[0]):
    return [(-10.0, 5.0, 2.0 * k) for k in range(count)]


def found_in(path):
    return describe([str(path)])


def only(path):
    found = found_in(path)
    assert not found.images
    (entry,) = found.volumes
    return entry


def meant(entry, t=0):
    """Load a volume and give its meant values at a time point."""
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        values = entry.spec.value_map
        return np.array(volume.stored(t), np.float64) * values.slope + values.intercept


def write_classic_twin(folder, stored):
    """Write the same slices as files of one frame each."""
    from tests.helpers.dicom_series import write_series

    return write_series(
        folder,
        stored,
        Modality="MR",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.4",
        RescaleSlope="2",
        RescaleIntercept="-7",
        ImagePositionPatient=lambda k: list(places()[k]),
        WindowCenter=None,
        WindowWidth=None,
    )


def test_an_enhanced_object_equals_its_classic_twin(tmp_path, stored):
    """N1: same grid, same values, same type as the slices one by one."""
    frames = [frame_groups(place) for place in places()]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups((2, -7)))
    write_classic_twin(tmp_path / "classic", stored)
    enhanced, classic = only(path).spec, only(tmp_path / "classic").spec
    assert enhanced.shape_kji == classic.shape_kji == SHAPE
    assert np.array_equal(enhanced.affine_lps, classic.affine_lps)
    assert enhanced.dtype == classic.dtype
    assert enhanced.value_map == classic.value_map
    assert (enhanced.files, classic.files) == (1, 6)
    assert enhanced.path == str(path)
    assert enhanced.warnings == ()
    assert np.array_equal(meant(only(path)), meant(only(tmp_path / "classic")))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, "1.2.840.10008.1.2.1"])
@pytest.mark.parametrize("undefined_length", [False, True])
def test_frames_in_any_order(tmp_path, stored, syntax, undefined_length):
    """N1: frames stored in arbitrary order, in every form of sequence."""
    order = np.random.default_rng(3).permutation(SHAPE[0])
    path = write_enhanced(
        tmp_path / "e.dcm",
        stored[order],
        [frame_groups(places()[k]) for k in order],
        shared=shared_groups(),
        syntax=syntax,
        undefined_length=undefined_length,
    )
    assert np.array_equal(meant(only(path)), stored)


def test_big_endian(tmp_path, stored):
    path = write_enhanced(
        tmp_path / "e.dcm",
        stored.byteswap(),
        [frame_groups(place, b_value=0.0, TemporalPositionIndex=1) for place in places()],
        shared=shared_groups(),
        syntax=ExplicitVRBigEndian,
    )
    assert np.array_equal(meant(only(path)), stored)


def test_deflated(tmp_path, stored):
    path = write_enhanced(
        tmp_path / "e.dcm",
        stored,
        [frame_groups(place) for place in places()],
        shared=shared_groups(),
        syntax="1.2.840.10008.1.2.1.99",
    )
    assert np.array_equal(meant(only(path)), stored)


def test_without_shared_groups_the_frames_say_all(tmp_path, stored):
    frames = [
        frame_groups(place, orientation=ORIENTATION, spacing=(0.75, 0.5), rescale=(1, 10 * k))
        for k, place in enumerate(places())
    ]
    entry = only(write_enhanced(tmp_path / "e.dcm", stored, frames))
    assert entry.spec.spacing_ijk_mm == pytest.approx((0.5, 0.75, 2.0))
    assert entry.spec.dtype == np.float32
    assert np.array_equal(meant(entry), stored + 10 * np.arange(SHAPE[0])[:, None, None])


def test_what_a_frame_says_beats_the_shared_groups(tmp_path, stored):
    frames = [frame_groups(place, rescale=(3, 1)) for place in places()]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups((2, -7)))
    assert np.array_equal(meant(only(path)), stored * 3.0 + 1)


def test_two_kinds_of_frames_are_two_volumes(tmp_path, stored):
    """Magnitude and phase of one object at the same places never end in one volume."""
    kinds = (("ORIGINAL", "PRIMARY", "M", "NONE"), ("ORIGINAL", "PRIMARY", "PHASE_MAP", "NONE"))
    both = np.stack([stored, stored + 100], axis=1).reshape(-1, *SHAPE[1:])
    frames = [frame_groups(place, kind=kind) for place in places() for kind in kinds]
    path = write_enhanced(tmp_path / "e.dcm", both, frames, shared=shared_groups())
    volumes = found_in(path).volumes
    assert [entry.spec.shape_kji for entry in volumes] == [SHAPE, SHAPE]
    assert np.array_equal(meant(volumes[0]), stored)
    assert np.array_equal(meant(volumes[1]), stored + 100)
    assert volumes[0].spec.key != volumes[1].spec.key


def test_stacks_are_volumes_of_their_own(tmp_path, stored):
    """Two stacks side by side, parallel and evenly spaced, are still two."""
    frames = [
        frame_groups(place, StackID="1" if k < 3 else "2", InStackPositionNumber=1 + k % 3)
        for k, place in enumerate(places())
    ]
    path = write_enhanced(
        tmp_path / "e.dcm", stored, frames, shared=shared_groups(), dimensions=(STACK_ID, IN_STACK)
    )
    volumes = found_in(path).volumes
    assert [entry.spec.shape_kji for entry in volumes] == [(3, *SHAPE[1:])] * 2
    assert np.array_equal(meant(volumes[0]), stored[:3])
    assert np.array_equal(meant(volumes[1]), stored[3:])


def test_a_stack_for_each_slice_says_nothing(tmp_path, stored):
    frames = [frame_groups(place, StackID=str(k)) for k, place in enumerate(places())]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups())
    assert np.array_equal(meant(only(path)), stored)


def test_two_orientations_in_one_object(tmp_path, stored):
    frames = [
        frame_groups(place, orientation=ORIENTATION)
        if k < 3
        else frame_groups((2.0 * k, 0, 0), orientation=(0, 1, 0, 0, 0, -1))
        for k, place in enumerate(places())
    ]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups())
    volumes = found_in(path).volumes
    assert [entry.spec.shape_kji[0] for entry in volumes] == [3, 3]
    codes = {told.code for entry in volumes for told in entry.spec.warnings}
    assert codes == {"mixed_orientations"}


def test_a_concatenation_is_joined(tmp_path, stored):
    """Files that carry on from each other are one volume (PS3.3 C.7.6.16.2.2.4)."""
    for number, part in enumerate((slice(0, 4), slice(4, 6))):
        write_enhanced(
            tmp_path / f"{number}.dcm",
            stored[part],
            [frame_groups(place) for place in places()[part]],
            shared=shared_groups(),
            ConcatenationUID="1.2.3.9",
            InConcatenationNumber=number + 1,
            ConcatenationFrameOffsetNumber=part.start,
        )
    entry = only(tmp_path)
    assert np.array_equal(meant(entry), stored)
    assert entry.spec.files == 2


def test_legacy_converted_frames(tmp_path, stored):
    """What has no group of its own stands in the unassigned converted attributes."""
    frames = []
    for place in places():
        groups = frame_groups(place)
        groups.UnassignedPerFrameConvertedAttributesSequence = one(EchoTime="12.5")
        frames.append(groups)
    path = write_enhanced(
        tmp_path / "e.dcm",
        stored,
        frames,
        shared=shared_groups(),
        SOPClassUID="1.2.840.10008.5.1.4.1.1.4.4",
    )
    assert np.array_equal(meant(only(path)), stored)
    instance = HeaderReader().read_file(str(path))
    slices = multiframe.slices_of(instance, _form(instance))
    assert {part.own_text(0x00180081) for part in slices} == {"12.5"}


def _form(instance):
    from loading.dicom.forms import form_of

    return form_of(instance.shared, instance.pixel_tag)


def test_frames_without_a_group_are_told(tmp_path, stored):
    frames = [frame_groups(place) for place in places(4)]
    found = found_in(write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups()))
    (entry,) = found.volumes
    assert np.array_equal(meant(entry), stored[:4])
    assert [told.reason for told in found.skipped] == [
        "2 of its 6 frames say nothing of their place"
    ]


def test_more_groups_than_frames_are_left_alone(tmp_path, stored):
    frames = [frame_groups(place) for place in places(9)]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups())
    assert np.array_equal(meant(only(path)), stored)


def test_frames_without_places_stay_an_image(tmp_path, stored):
    path = write_enhanced(tmp_path / "e.dcm", stored, [Dataset() for _ in stored])
    found = found_in(path)
    assert not found.volumes
    (image,) = found.images
    assert (image.kind, image.frames) == ("enhanced MR", 6)


def test_one_odd_frame_lists_the_object_once(tmp_path, stored):
    """Every frame appears somewhere: those in no volume as the object itself."""
    frames = [frame_groups(place) for place in places(5)]
    frames.append(frame_groups((0, 0, 0), orientation=(0, 1, 0, 0, 0, -1)))
    found = found_in(write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups()))
    assert [entry.spec.shape_kji[0] for entry in found.volumes] == [5]
    assert [image.frames for image in found.images] == [6]


def test_a_copy_of_an_object_is_told_once(tmp_path, stored):
    frames = [frame_groups(place) for place in places()]
    path = write_enhanced(tmp_path / "a.dcm", stored, frames, shared=shared_groups())
    (tmp_path / "b.dcm").write_bytes(path.read_bytes())
    found = found_in(tmp_path)
    assert len(found.volumes) == 1
    assert [told.reason for told in found.skipped] == [f"the same slice as {path}"]


@pytest.mark.parametrize("extended", [False, True])
def test_only_the_bytes_of_a_frame_are_read(tmp_path, stored, extended):
    """N1: compressed frames are found by their fragments; a slice costs its own bytes."""
    from loading.dicom.syntaxes import RLE

    path = write_enhanced(
        tmp_path / "e.dcm",
        stored,
        [frame_groups(place) for place in places()],
        shared=shared_groups(),
        syntax=RLE,
        encode=_rle,
        extended_offsets=extended,
    )
    entry = only(path)
    assert np.array_equal(meant(entry), stored)
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert volume.bytes_read == sum(len(_rle(plane)) for plane in stored)


def _rle(plane):
    from pydicom.pixels.encoders.base import RLELosslessEncoder

    coded = RLELosslessEncoder.encode(
        plane.tobytes(),
        rows=plane.shape[0],
        columns=plane.shape[1],
        samples_per_pixel=1,
        bits_allocated=16,
        bits_stored=12,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2",
        number_of_frames=1,
        encoding_plugin="pydicom",
        byteorder="<",
    )
    return coded + b"\0" * (len(coded) % 2)


def test_frames_are_counted_by_what_is_there(tmp_path, stored, monkeypatch):
    """Claims cost nothing: an object with more groups than are taken gives so many slices."""
    monkeypatch.setattr(multiframe, "MAX_FRAMES", 4)
    frames = [frame_groups(place) for place in places()]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups())
    assert found_in(path).volumes[0].spec.shape_kji[0] == 4


def test_damaged_groups_leave_an_image(tmp_path, stored):
    """An item longer than its sequence: nobody knows where the frames lie, so none is placed."""
    frames = [frame_groups(place) for place in places()]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups())
    content = bytearray(path.read_bytes())
    at = content.index(b"\x00\x52\x30\x92SQ") + 12
    content[at + 4 : at + 8] = (1 << 20).to_bytes(4, "little")
    path.write_bytes(content)
    found = found_in(path)
    assert not found.volumes
    assert [image.frames for image in found.images] == [6]


def test_a_missing_frame_is_an_absent_plane(tmp_path, stored):
    keep = [0, 1, 3, 4, 5]
    frames = [frame_groups(places()[k]) for k in keep]
    path = write_enhanced(tmp_path / "e.dcm", stored[keep], frames, shared=shared_groups())
    assert only(path).spec.absent == {2}


def test_pydicom_reads_the_same_frames(tmp_path, stored):
    """Another reader of the same groups agrees frame by frame."""
    frames = [frame_groups(place, rescale=(1, k)) for k, place in enumerate(places())]
    path = write_enhanced(
        tmp_path / "e.dcm", stored, frames, shared=shared_groups(), SeriesInstanceUID=generate_uid()
    )
    instance = HeaderReader().read_file(str(path))
    dataset = pydicom.dcmread(path)
    groups: Items = dataset.PerFrameFunctionalGroupsSequence
    for part, group in zip(multiframe.slices_of(instance, _form(instance)), groups, strict=True):
        position = group.PlanePositionSequence[0].ImagePositionPatient
        assert part.position == tuple(float(x) for x in position)
        assert part.own_numbers(0x00281052) == (
            float(group.PixelValueTransformationSequence[0].RescaleIntercept),
        )
        assert part.frame == part.within[0]


def test_frames_before_the_end_of_a_short_file_are_shown(tmp_path, stored):
    """E3: what the file has lost fails by itself; the frames before it are shown."""
    frames = [frame_groups(place) for place in places()]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups())
    path.write_bytes(path.read_bytes()[: -stored[0].nbytes - 10])
    entry = only(path)
    assert {told.code for told in entry.spec.warnings} == {"truncated"}
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert sorted(chunk.index for chunk in volume.failures) == [4, 5]
        assert np.array_equal(volume.stored()[:4], stored[:4])


def test_nothing_but_a_header_is_told(tmp_path, stored):
    frames = [frame_groups(place) for place in places()]
    path = write_enhanced(tmp_path / "e.dcm", stored, frames, shared=shared_groups())
    path.write_bytes(path.read_bytes()[: -stored.nbytes + 10])
    with pytest.raises(loading.LoadError, match="ends early"):
        found_in(path)


@pytest.mark.parametrize("table", ["none", "basic", "extended"])
def test_a_short_compressed_file_shows_the_frames_it_has(tmp_path, stored, table):
    """N1: what is not there is listed by frame, what is there is right."""
    from loading.dicom.syntaxes import RLE

    path = write_enhanced(
        tmp_path / "e.dcm",
        stored,
        [frame_groups(place) for place in places()],
        shared=shared_groups(),
        syntax=RLE,
        encode=_rle,
        extended_offsets=table == "extended",
    )
    if table == "none":
        dataset = pydicom.dcmread(path)
        dataset.PixelData = encapsulate([_rle(plane) for plane in stored], has_bot=False)
        dataset.save_as(path)
    path.write_bytes(path.read_bytes()[: -len(_rle(stored[5])) - 4])
    entry = only(path)
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert [chunk.index for chunk in volume.failures] == [5]
        (failure,) = volume.failures.values()
        assert "frame 6" in failure.reason
        assert np.array_equal(volume.stored()[:5], stored[:5])


def test_a_volume_of_ultrasound_lies_as_the_probe_saw_it(tmp_path, stored):
    """Its frames have places, though not in the body; that is told."""
    common = shared_groups()
    del common.PlaneOrientationSequence
    common.PlaneOrientationVolumeSequence = one(ImageOrientationVolume=[0, 1, 0, 0, 0, 1])
    frames = [frame_groups((0, 0, 0)) for _ in range(SHAPE[0])]
    for k, groups in enumerate(frames):
        del groups.PlanePositionSequence
        groups.PlanePositionVolumeSequence = one(ImagePositionVolume=[0.4 * k, 1.5, 2.5])
    path = write_enhanced(
        tmp_path / "u.dcm",
        stored,
        frames,
        shared=common,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.6.2",
        Modality="US",
    )
    entry = only(path)
    assert [told.code for told in entry.spec.warnings] == ["no_orientation"]
    assert entry.spec.affine_lps[:3, 2] == pytest.approx((0.4, 0, 0))
    assert entry.spec.affine_lps[:3, 3] == pytest.approx((0, 1.5, 2.5))
    assert np.array_equal(meant(entry), stored)


@pytest.mark.parametrize(
    ("tail", "modality", "kind"),
    [("12.1.1", "XA", "enhanced angiogram"), ("13.1.4", "MG", "breast projections")],
)
def test_projections_are_shown_frame_by_frame(tmp_path, stored, tail, modality, kind):
    """Frames without a plane in the body are no slices, whatever else their groups say."""
    frames = [frame_groups((0, 0, 0), FrameAcquisitionNumber=k) for k in range(SHAPE[0])]
    for groups in frames:
        del groups.PlanePositionSequence
    path = write_enhanced(
        tmp_path / "x.dcm",
        stored,
        frames,
        SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{tail}",
        Modality=modality,
    )
    found = found_in(path)
    assert not found.volumes
    assert [(image.kind, image.frames) for image in found.images] == [(kind, SHAPE[0])]


@pytest.mark.parametrize(
    ("tail", "modality"), [("13.1.3", "MG"), ("13.1.1", "XA"), ("77.1.5.4", "OPT")]
)
def test_tomograms_of_other_kinds_are_volumes(tmp_path, stored, tail, modality):
    """Tomosynthesis, rotational angiography, optical coherence: planes with places are slices."""
    frames = [frame_groups(place) for place in places()]
    path = write_enhanced(
        tmp_path / "t.dcm",
        stored,
        frames,
        shared=shared_groups(),
        SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{tail}",
        Modality=modality,
    )
    assert np.array_equal(meant(only(path)), stored)
