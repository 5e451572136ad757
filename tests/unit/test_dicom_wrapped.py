"""Native samples in fragments, as they are or deflated frame by frame; JPEG 2000 Part 2."""

from __future__ import annotations

import zlib

import imagecodecs
import numpy as np
import pytest
from pydicom.pixels import pack_bits

import loading
from tests.helpers.colours import load_colours
from tests.helpers.dicom_encodings import J2K, set_codestreams
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.pictures import entry_of

PLAIN, DEFLATED = "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"
SHAPE = (4, 15, 11)
BYTES = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}


def packed(data: bytes, syntax: str) -> bytes:
    return zlib.compress(data, 9, -zlib.MAX_WBITS) if syntax == DEFLATED else data


def only_image(path):
    (image,) = loading.describe(str(path)).images
    return entry_of(image)


def stored_of(entry):
    with loading.open_entry(entry) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE, volume.failures
        return volume.stored().copy()


@pytest.mark.parametrize("syntax", [PLAIN, DEFLATED])
def test_slices_equal_their_native_twins(tmp_path, syntax):
    """15 x 11 bytes are an odd number: the fragment is filled up by one."""
    stored = (phantom(SHAPE) >> 4).astype(np.uint8)
    for path, plane in zip(write_series(tmp_path / "s", stored, **BYTES), stored, strict=True):
        set_codestreams(path, syntax, [packed(plane.tobytes(), syntax)])
    (entry,) = loading.describe(str(tmp_path / "s")).volumes
    assert np.array_equal(stored_of(entry), stored)


@pytest.mark.parametrize("syntax", [PLAIN, DEFLATED])
def test_each_frame_of_one_bit_begins_at_a_byte(tmp_path, syntax):
    """15 x 11 pixels are no whole bytes: native frames would follow each other bit by bit."""
    masks = np.random.default_rng(2).integers(0, 2, SHAPE, dtype=np.uint8)
    bits = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    (path,) = write_series(tmp_path, masks.reshape(1, -1, 11), Rows=15, NumberOfFrames="4", **bits)
    set_codestreams(path, syntax, [packed(pack_bits(mask, pad=False), syntax) for mask in masks])
    assert np.array_equal(stored_of(only_image(path)), masks)


@pytest.mark.parametrize("planar", [0, 1])
def test_colours_in_planes_or_side_by_side(tmp_path, planar):
    pixels = np.random.default_rng(3).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    laid = np.ascontiguousarray(np.moveaxis(pixels, -1, 0) if planar else pixels)
    (path,) = write_series(
        tmp_path,
        laid.reshape(1, 1, -1),
        Rows=6,
        Columns=9,
        SamplesPerPixel=3,
        PlanarConfiguration=planar,
        PhotometricInterpretation="RGB",
        **BYTES,
    )
    set_codestreams(path, DEFLATED, [packed(laid.tobytes(), DEFLATED)])
    assert np.array_equal(load_colours(only_image(path))[0], pixels)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data[: len(data) // 2], "ends early"),
        (lambda data: zlib.compress(b"\0" * (1 << 24), 9, -15), "more than one frame"),
        (lambda data: b"\xff\xff" + data, "damaged"),
        (lambda data: zlib.compress(b"\0" * 20, 9, -15), "ends early"),
    ],
    ids=["cut", "bomb", "rubbish", "too little"],
)
def test_damage_fails_its_slice(tmp_path, change, why):
    stored = phantom(SHAPE)
    paths = write_series(tmp_path / "s", stored)
    for number, (path, plane) in enumerate(zip(paths, stored, strict=True)):
        data = packed(plane.tobytes(), DEFLATED)
        set_codestreams(path, DEFLATED, [change(data) if number == 2 else data])
    (entry,) = loading.describe(str(tmp_path / "s")).volumes
    with loading.open_entry(entry) as volume:
        volume.wait(20)
        ((chunk, error),) = volume.failures.items()
        assert chunk.index == 2
        assert why in str(error)
        assert np.array_equal(volume.stored()[[0, 1, 3]], stored[[0, 1, 3]])


def test_part_2_without_its_transforms_is_decoded(tmp_path):
    stored = phantom(SHAPE)
    for path, plane in zip(write_series(tmp_path / "s", stored), stored, strict=True):
        stream = imagecodecs.jpeg2k_encode(plane, level=0, reversible=True, codecformat="j2k")
        set_codestreams(path, J2K + "92", [bytes(stream)])
    (entry,) = loading.describe(str(tmp_path / "s")).volumes
    assert np.array_equal(stored_of(entry), stored)


def test_frames_as_components_of_part_2_are_listed_with_the_reason(tmp_path):
    """As the standard means it: three slices are the components of one codestream (A.4.5)."""
    frames = (phantom((3, 16, 16)) >> 4).astype(np.uint8)
    (path,) = write_series(
        tmp_path, frames.reshape(1, -1, 16), Rows=16, NumberOfFrames="3", **BYTES
    )
    stream = imagecodecs.jpeg2k_encode(
        np.moveaxis(frames, 0, -1), level=0, reversible=True, codecformat="j2k"
    )
    set_codestreams(path, J2K + "92", [bytes(stream)])
    with pytest.raises(loading.NothingFound) as caught:
        loading.describe(str(path))
    (skipped,) = caught.value.catalogue.skipped
    assert "do not divide into 3 frames" in skipped.reason


def test_a_transform_across_components_is_refused(tmp_path):
    (path,) = write_series(tmp_path, phantom((1, 16, 16)))
    plane = phantom((1, 16, 16))[0]
    stream = bytes(imagecodecs.jpeg2k_encode(plane, level=0, reversible=True, codecformat="j2k"))
    behind_siz = 4 + int.from_bytes(stream[4:6], "big")
    marked = stream[:behind_siz] + b"\xff\x74\x00\x06\0\0\0\0" + stream[behind_siz:]
    set_codestreams(path, J2K + "92", [marked])
    with pytest.raises(loading.NothingFound) as caught:
        loading.describe(str(path))
    assert "transform" in caught.value.catalogue.skipped[0].reason
