"""Padding is what all slices call so."""

from __future__ import annotations

import pydicom
import pytest

import loading
from tests.helpers.dicom_series import phantom, write_series


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
