"""What the fuzzer found, each as small as it gets and made by code, so that it stays mended."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

import loading
from tests.helpers import format_files as make


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
