"""Padding is what all slices call so."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

import loading
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import frame_groups, shared_groups, write_enhanced


@pytest.mark.parametrize(("others", "wanted"), [(24, (24.0, 24.0)), (0, None), (None, None)])
def test_padding_of_one_slice_is_not_that_of_all(tmp_path, others, wanted):
    """24 is the background of the first slice, and a value like any in the others."""
    for path in write_series(tmp_path, phantom((4, 16, 16))):
        dataset = pydicom.dcmread(path)
        value = 24 if dataset.InstanceNumber == 1 else others
        if value is not None:
            dataset.add_new("PixelPaddingValue", "US", value)
            dataset.save_as(path)
    (entry,) = loading.describe(str(tmp_path)).volumes
    assert entry.spec.padding == wanted


@pytest.mark.parametrize("kind", ["Float", "DoubleFloat"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_padding_of_real_numbers(tmp_path, kind, syntax):
    """A range of them, in the attributes that real numbers have (C.7.6.24)."""
    dtype = np.float32 if kind == "Float" else np.float64
    pixels = f"{kind}PixelData"
    stored = np.asarray(phantom((4, 16, 16)) / 7.0, dtype)
    stored[:, :3] = -1000.5
    stored[:, 3] = -999.25
    frames = [frame_groups((0, 0, 2.0 * k)) for k in range(4)]
    path = write_enhanced(
        tmp_path / "m.dcm",
        phantom((4, 16, 16)),
        frames,
        shared=shared_groups(),
        SOPClassUID="1.2.840.10008.5.1.4.1.1.30",
    )
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    setattr(dataset, pixels, stored.tobytes())
    setattr(dataset, f"{kind}PixelPaddingValue", -1000.5)
    setattr(dataset, f"{kind}PixelPaddingRangeLimit", -999.25)
    dataset.BitsAllocated = 8 * stored.itemsize
    for name in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, name)
    if syntax == ExplicitVRBigEndian:
        setattr(dataset, pixels, stored.byteswap().tobytes())
    plain = pydicom.Dataset()
    plain.update(dataset)
    plain.file_meta = dataset.file_meta
    plain.file_meta.TransferSyntaxUID = syntax
    little = syntax == ExplicitVRLittleEndian
    pydicom.dcmwrite(path, plain, implicit_vr=False, little_endian=little)
    (entry,) = loading.describe(str(path)).volumes
    assert entry.spec.padding == (-1000.5, -999.25)
    with loading.open_entry(entry) as volume:
        volume.wait(20)
        shown: np.ndarray = np.asarray(volume.stored(), np.float64)
        assert np.allclose(shown, stored, rtol=1e-6)
        low, high = entry.spec.padding
        assert ((shown >= low) & (shown <= high)).sum() == 4 * 4 * 16
