"""Where a sample lies in its cell, and its sign: stored values as the standard means them."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pydicom
import pytest

import loading
from tests.helpers.dicom_encodings import J2K, set_codestreams
from tests.helpers.dicom_series import write_series

SHAPE = (16, 16)


def loaded(folder, bits: tuple[int, int, int, bool], change) -> np.ndarray:
    """Write two equal slices with bits (allocated, stored, high, signed); give the first loaded."""
    paths = write_series(folder, np.zeros((2, *SHAPE), np.uint16))
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, signed = bits
        dataset.PixelRepresentation = int(signed)
        dataset.save_as(path)
        change(path)
    with loading.open_entry(loading.describe(str(folder)).volumes[0]) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE
        return volume.array[0].copy()


@pytest.mark.parametrize("high", [11, 12, 13, 14, 15])
@pytest.mark.parametrize("signed", [False, True])
def test_high_bit_says_where_a_native_sample_lies(tmp_path, high, signed):
    """PS3.5 8.1.1: twelve bits up to High Bit; the others may hold anything."""
    cells = np.random.default_rng(high).integers(0, 1 << 16, SHAPE).astype(np.uint16)

    def write(path):
        dataset = pydicom.dcmread(path)
        dataset.PixelData = cells.tobytes()
        dataset.save_as(path)

    wanted = (cells.astype(np.int64) >> (high - 11)) & 0xFFF
    if signed:
        wanted -= (wanted & 0x800) << 1
    found = loaded(tmp_path / "series", (16, 12, high, signed), write)
    assert found.dtype == (np.int16 if signed else np.uint16)
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("high", [11, 13, 15])
def test_a_codestream_gives_samples_not_cells(tmp_path, high):
    """What High Bit says of cells is over once a sample is coded as a number of 12 bits."""
    samples = np.random.default_rng(1).integers(0, 1 << 12, SHAPE).astype(np.uint16)
    stream = imagecodecs.jpeg2k_encode(
        samples, level=0, reversible=True, codecformat="j2k", bitspersample=12
    )

    def write(path):
        set_codestreams(path, J2K + "90", [bytes(stream)])

    assert np.array_equal(loaded(tmp_path / "series", (16, 12, high, False), write), samples)


@pytest.mark.parametrize("stored", [12, 16])
@pytest.mark.parametrize("has_sign", [False, True])
def test_a_codestream_without_a_sign_gets_the_one_of_the_header(tmp_path, stored, has_sign):
    """Pixel Representation decides; twelve bits of two's complement are twelve bits wherever."""
    samples = np.random.default_rng(2).integers(-2048, 2048, SHAPE).astype(np.int16)
    coded = samples if has_sign else (samples & 0xFFF).astype(np.uint16)
    stream = imagecodecs.jpeg2k_encode(
        coded, level=0, reversible=True, codecformat="j2k", bitspersample=12
    )

    def write(path):
        set_codestreams(path, J2K + "90", [bytes(stream)])
        assert np.array_equal(pydicom.dcmread(path).pixel_array, samples)

    found = loaded(tmp_path / "series", (16, stored, stored - 1, True), write)
    assert np.array_equal(found, samples)
