"""What the fuzzer found, each as small as it gets and made by code, so that it stays mended."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pydicom
import pytest

import loading
from tests.helpers import format_files as make
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.pictures import entry_of


def test_a_member_without_a_name_is_passed_over(tmp_path):
    """Found in "zip": an entry of the directory whose name is empty ended the opening."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"x" * 200)
    raw = path.read_bytes()
    at = raw.rfind(b"PK\1\2")
    size = int.from_bytes(raw[-10:-6], "little") - 1
    nameless = raw[at : at + 28] + b"\0\0" + raw[at + 30 : at + 46]
    end = raw[raw.rfind(b"PK\5\6") :]
    path.write_bytes(raw[:at] + nameless + end[:12] + size.to_bytes(4, "little") + end[16:])
    with pytest.raises(loading.NothingFound) as caught:
        loading.describe(str(path))
    assert [skipped.reason for skipped in caught.value.catalogue.skipped] == ["it has no name"]


def test_pixels_of_many_samples_are_refused(tmp_path):
    """Found in "tif": a page of 65535 samples was unpacked whole to get at its colours, 400 MB."""
    import tifffile

    path = tmp_path / "a.tif"
    colours = make.voxels((40, 40, 3), "uint8")
    tifffile.imwrite(path, colours, photometric="rgb", tile=(16, 16), compression="zlib")
    raw = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[0].tags["SamplesPerPixel"].valueoffset
    raw[at : at + 2] = b"\xff\xff"
    path.write_bytes(raw)
    with pytest.raises(loading.LoadError, match="65535 samples"):
        loading.describe(str(path))


def test_a_scale_next_to_nothing_is_not_believed(tmp_path):
    """Found in "zarr": with a scale of 1e-320 the volume had no extent along an axis."""
    store = make.write_zarr(tmp_path / "a.zarr", make.voxels(), scale=[3.0, 1e-320, 2.0])
    assert "e-320" in json.dumps(json.loads((store / "zarr.json").read_text()))
    (entry,) = loading.describe(str(store)).volumes
    assert np.linalg.det(entry.spec.affine_lps[:3, :3]) != 0
    assert "spacing_assumed" in {told.code for told in entry.spec.warnings}


def cut(path, kept):
    """Let a file end after so many bytes of its pixels."""
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.rfind(b"\xe0\x7f\x10\0") + 12 + kept])


def test_slices_none_of_which_is_whole_are_listed(tmp_path):
    """Found in "headers": two files of 1.5 kB claimed 65535 rows each, and were a volume."""
    for path in write_series(tmp_path, phantom((2, 12, 16)), Rows=65535):
        assert path.stat().st_size < 2000
    with pytest.raises(loading.NothingFound) as caught:
        loading.describe(str(tmp_path))
    reasons = {skipped.reason for skipped in caught.value.catalogue.skipped}
    assert reasons == {"it ends early: 2096736 of 2097120 bytes of pixels are missing"}
    assert len(caught.value.catalogue.skipped) == 2


def test_a_whole_slice_keeps_the_places_of_those_that_are_cut(tmp_path):
    stored = phantom((4, 12, 16))
    for number, path in enumerate(write_series(tmp_path, stored)):
        if number != 2:
            cut(path, 40)
    (entry,) = loading.describe(str(tmp_path)).volumes
    assert [told.code for told in entry.spec.warnings] == ["truncated"]
    with loading.open_entry(entry) as volume:
        volume.wait(20)
        assert sorted(chunk.index for chunk in volume.failures) == [0, 1, 3]
        assert np.array_equal(volume.stored()[2], stored[2])


@pytest.mark.parametrize(("claimed", "shown"), [(48, True), (49, False), (65535, False)])
def test_frames_that_are_claimed_are_held_against_those_that_are_there(tmp_path, claimed, shown):
    """Found in "headers": 2.8 kB claimed 65535 frames. Three are there; sixteen times that may be.

    A copy that was cut shows what it has, and where it fails; a claim beyond is nonsense.
    """
    stored = phantom((3, 12, 16))
    (path,) = write_series(
        tmp_path, stored.reshape(1, 36, 16), Rows=12, NumberOfFrames=str(claimed)
    )
    if not shown:
        with pytest.raises(loading.NothingFound) as caught:
            loading.describe(str(path))
        assert "it ends early" in caught.value.catalogue.skipped[0].reason
        return
    (image,) = loading.describe(str(path)).images
    with loading.open_entry(entry_of(image)) as volume:
        volume.wait(20)
        assert len(volume.failures) == claimed - 3
        assert np.array_equal(volume.stored()[:3], stored)


def test_a_mosaic_in_colour_is_the_picture_that_it_is(tmp_path):
    """Found in "groups": its tiles were read as grey ones into a volume of colours."""
    from tests.unit.test_dicom_mosaic import write_mosaic

    write_mosaic(tmp_path, phantom((5, 12, 10)))
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PhotometricInterpretation = "PALETTE COLOR"
        for element in (1, 2, 3):
            dataset.add_new((0x0028, 0x1100 + element), "US", [256, 0, 8])
            dataset.add_new((0x0028, 0x1200 + element), "OW", bytes(range(256)))
        dataset.save_as(path)
    found = loading.describe(str(tmp_path))
    assert not found.volumes
    (image,) = found.images
    with loading.open_entry(entry_of(image)) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE
        assert volume.colour() is not None
