"""Values that no line gives: modality tables, and palettes shown as their numbers."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.pixels.processing import apply_modality_lut

import loading
from loading.dicom.tables import Table
from loading.files import describe
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import one

SHAPE = (4, 12, 10)


def table(entries, first=0, bits=16, kind="US"):
    return one(
        LUTDescriptor=[len(entries), first, bits],
        ModalityLUTType=kind,
        LUTData=np.array(entries, "<u2").tobytes(),
    )


def only(folder):
    (entry,) = describe([str(folder)]).volumes
    return entry


def loaded(entry):
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        return np.array(volume.stored())


def write(folder, stored, **changes):
    for path in write_series(folder, stored, **changes):
        dataset = pydicom.dcmread(path)
        del dataset.RescaleSlope, dataset.RescaleIntercept
        dataset.save_as(path)


@pytest.fixture
def stored():
    return phantom(SHAPE)


def test_a_table_for_each_slice(tmp_path, stored):
    """Values below the table take its first entry, above its last one; each file has its own."""
    write(
        tmp_path,
        stored,
        Modality="DX",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        ModalityLUTSequence=lambda k: table(np.arange(900) ** 2 % 60000 + k, first=30),
    )
    entry = only(tmp_path)
    assert entry.spec.dtype == np.float32
    assert entry.spec.warnings == ()
    at = np.clip(stored.astype(int) - 30, 0, 899)
    expected = at**2 % 60000 + np.arange(SHAPE[0])[:, None, None]
    assert np.array_equal(loaded(entry), expected)
    low, high = entry.spec.stored_range
    assert low <= expected.min() <= expected.max() <= high


def test_the_same_values_as_pydicom(tmp_path, stored):
    """F3: another reader looks up the same values."""
    write(tmp_path, stored, ModalityLUTSequence=lambda _: table(range(5000, 1000, -1)))
    array = loaded(only(tmp_path))
    for path in tmp_path.iterdir():
        dataset = pydicom.dcmread(path)
        theirs = apply_modality_lut(dataset.pixel_array, dataset)
        assert any(np.array_equal(plane, theirs) for plane in array)


def test_the_unit_of_a_table(tmp_path, stored):
    write(tmp_path, stored, Modality="MR", ModalityLUTSequence=lambda _: table([1, 2], kind="OD"))
    assert only(tmp_path).spec.unit == "OD"


def test_a_table_that_cannot_be_used_is_told(tmp_path, stored):
    broken = one(LUTDescriptor=[4096, 0, 16], ModalityLUTType="US", LUTData=b"\1\0\2\0")
    write(tmp_path, stored, ModalityLUTSequence=lambda _: broken)
    entry = only(tmp_path)
    assert {told.code for told in entry.spec.warnings} == {"value_ignored"}
    assert np.array_equal(loaded(entry), stored)


def test_a_table_that_begins_below_zero():
    words = np.array([7, 8, 9], "<u2").tobytes()
    found = Table(-1, words).meant(np.array([-5, -1, 0, 1, 30], np.int16))
    assert found.tolist() == [7, 7, 8, 9, 9]


def test_numbers_of_a_palette_that_is_not_there_are_shown(tmp_path):
    """And it is told: the numbers of a palette are no brightness."""
    picture = (phantom((1, 12, 10)) >> 4).astype(np.uint8)
    write_series(
        tmp_path,
        picture,
        PhotometricInterpretation="PALETTE COLOR",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        RescaleIntercept="0",
    )
    (image,) = describe([str(tmp_path)]).images
    assert image.spec is not None
    assert image.open is not None
    assert "palette_as_numbers" in {told.code for told in image.spec.warnings}
    assert np.array_equal(loaded(loading.VolumeEntry(image.spec, image.open)), picture)
