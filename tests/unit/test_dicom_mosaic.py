"""Siemens mosaics: tiles become slices, where the CSA header says that they lie."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import generate_uid

import loading
from loading.dicom import csa
from loading.dicom.mosaic import Recent, is_mosaic
from loading.dicom.reader import HeaderReader
from loading.files import describe
from tests.helpers.dicom_encodings import encode_file
from tests.helpers.dicom_series import phantom, write_series

SHAPE = (5, 12, 10)
NORMAL = (0.0, 0.0, 1.0)
FIELDS = ("NumberOfImagesInMosaic", "SliceNormalVector")


def csa_header(fields: dict[str, list[str]], new: bool = True) -> bytes:
    """Make a CSA header of either form with these fields between others."""
    fields = {"EchoLinePosition": [], "Before": ["1", "22"], **fields, "Behind": ["x"]}
    raw = b"SV10\x04\x03\x02\x01" if new else b""
    raw += struct.pack("<2L", len(fields), 77)
    first = len(next(iter(fields.values())))
    for name, texts in fields.items():
        raw += struct.pack("<64sL4s3L", name.encode(), 1, b"IS\0\0", 6, len(texts), 77)
        for text in texts:
            data = text.encode() + b"\0"
            length = len(data)
            words = (length, length, 77, length) if new else (length + first, length, 77, length)
            raw += struct.pack("<4L", *words) + data + b"\0" * (-length % 4)
    return raw


def write_mosaic(folder: Path, stored: np.ndarray, normal=NORMAL, count=None, **changes) -> Path:
    """Write slices [k,j,i] as one mosaic, 0.75 x 0.5 mm, 3 mm apart, the first at (-10, 5, 7)."""
    planes, rows, columns = stored.shape
    side = int(np.ceil(np.sqrt(planes)))
    tiles = np.zeros((side * side, rows, columns), stored.dtype)
    tiles[:planes] = stored
    grid = tiles.reshape(side, side, rows, columns).transpose(0, 2, 1, 3)
    picture = grid.reshape(1, side * rows, side * columns)
    corner = [-10 - 0.5 * (side - 1) * columns / 2, 5 - 0.75 * (side - 1) * rows / 2, 7]
    header = csa_header(
        {
            FIELDS[0]: [str(planes if count is None else count)],
            FIELDS[1]: [f"{x:.8f}" for x in normal],
        }
    )
    (path,) = write_series(
        folder,
        np.ascontiguousarray(picture),
        Modality="MR",
        ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
        ImagePositionPatient=corner,
        SpacingBetweenSlices="3",
        RescaleIntercept="0",
        **changes,
    )
    dataset = pydicom.dcmread(path)
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", header + b"\0" * (len(header) % 2))
    block.add_new(0x20, "OB", bytes(300))
    dataset.save_as(path)
    return path


@pytest.fixture
def stored():
    return phantom(SHAPE)


def only(path):
    found = describe([str(path)])
    assert not found.images
    (entry,) = found.volumes
    return entry


def loaded(entry, t=0):
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        return np.array(volume.stored(t))


def test_tiles_become_slices(tmp_path, stored):
    entry = only(write_mosaic(tmp_path, stored))
    spec = entry.spec
    assert (spec.shape_kji, spec.files, spec.time_points) == (SHAPE, 1, 1)
    expected = np.array([[0.5, 0, 0, -10], [0, 0.75, 0, 5], [0, 0, 3, 7], [0, 0, 0, 1]])
    assert np.allclose(spec.affine_lps, expected)
    assert spec.warnings == ()
    assert np.array_equal(loaded(entry), stored)


def test_tiles_that_run_against_the_normal(tmp_path, stored):
    """The first tile is the highest slice: k still increases along row x column."""
    entry = only(write_mosaic(tmp_path, stored, normal=(0, 0, -1)))
    assert np.array_equal(loaded(entry), stored[::-1])
    assert np.allclose(entry.spec.affine_lps[:3, 3], [-10, 5, 7 - 3 * 4])
    assert entry.spec.affine_lps[2, 2] == pytest.approx(3)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.5"])
def test_other_encodings(tmp_path, stored, syntax):
    path = write_mosaic(tmp_path, stored)
    encode_file(path, syntax)
    assert np.array_equal(loaded(only(path)), stored)


def test_mosaics_of_several_times(tmp_path, stored):
    uids = {name: generate_uid() for name in ("SeriesInstanceUID", "StudyInstanceUID")}
    for t in range(12):
        write_mosaic(
            tmp_path / str(t),
            stored + t,
            AcquisitionNumber=t + 1,
            InstanceNumber=t + 1,
            FrameOfReferenceUID="1.2.3.5",
            **uids,
        )
    entry = only(tmp_path)
    assert (entry.spec.time_points, entry.spec.shape_kji, entry.spec.files) == (12, SHAPE, 12)
    assert [loaded(entry, t)[0, 0, 0] - stored[0, 0, 0] for t in (0, 1, 2, 11)] == [0, 1, 2, 11]


def test_a_mosaic_is_read_once_for_all_its_tiles(tmp_path, stored):
    entry = only(write_mosaic(tmp_path, stored))
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert volume.bytes_read == 9 * stored[0].nbytes


@pytest.mark.parametrize("count", [0, -3, 5000, "many"])
def test_a_count_that_cannot_be_leaves_a_picture(tmp_path, stored, count):
    found = describe([str(write_mosaic(tmp_path, stored, count=count))])
    assert not found.volumes
    assert [image.frames for image in found.images] == [1]


@pytest.mark.parametrize("normal", [(), (0, 1, 0), (0, 0)])
def test_a_normal_that_cannot_be_leaves_a_picture(tmp_path, stored, normal):
    found = describe([str(write_mosaic(tmp_path, stored, normal=normal))])
    assert not found.volumes
    assert len(found.images) == 1


def test_a_truncated_mosaic_is_told(tmp_path, stored):
    path = write_mosaic(tmp_path, stored)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(loading.LoadError, match="ends early"):
        describe([str(path)])


def test_only_the_latest_mosaics_are_kept(tmp_path, stored):
    from loading.dicom.forms import form_of
    from loading.dicom.pixels import FramePixels, coding_of

    instance = HeaderReader().read_file(str(write_mosaic(tmp_path, stored)))
    assert is_mosaic(instance.shared)
    coding = coding_of(instance.shared, form_of(instance.shared, instance.pixel_tag))
    readers = [FramePixels(instance, coding, 0, None, None) for _ in range(6)]
    recent, token = Recent(), loading.CancelToken()
    counts = [
        recent.plane(reader, reader, token)[2] for reader in [*readers, readers[5], readers[0]]
    ]
    assert [bool(count) for count in counts] == [True] * 6 + [False, True]


@pytest.mark.parametrize("new", [False, True])
def test_fields_of_both_forms(new):
    raw = csa_header({FIELDS[0]: ["36"], FIELDS[1]: ["0.0", "0.5", "-1"]}, new)
    assert csa.read_fields(raw, FIELDS) == {
        FIELDS[0]: ("36",),
        FIELDS[1]: ("0.0", "0.5", "-1"),
    }


@given(st.data())
def test_damaged_headers_end_quietly(data):
    """Whatever the bytes: an answer of texts, and no error."""
    raw = bytearray(csa_header({FIELDS[0]: ["36"], FIELDS[1]: ["0", "0", "1"]}))
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    found = csa.read_fields(bytes(raw[:cut]), FIELDS)
    assert set(found) <= set(FIELDS)
    assert all(isinstance(text, str) for texts in found.values() for text in texts)


@pytest.mark.data
def test_the_same_fields_as_nibabel(data_folder):
    """Another reader of the CSA header gives the same number and normal for each mosaic."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nibabel.nicom import csareader
    paths = sorted((data_folder / "05_siemens_mosaic").rglob("*.dcm"))
    assert len(paths) > 4
    for path in paths:
        raw = pydicom.dcmread(path, stop_before_pixels=True)[0x0029, 0x1010].value
        theirs = csareader.read(raw)["tags"]
        ours = csa.read_fields(raw, FIELDS)
        assert int(ours[FIELDS[0]][0]) == theirs[FIELDS[0]]["items"][0]
        assert [float(x) for x in ours[FIELDS[1]]] == theirs[FIELDS[1]]["items"]
