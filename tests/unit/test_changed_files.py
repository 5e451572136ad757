"""Files that change on the disk: never another file's pixels under this one's header."""

from __future__ import annotations

import os
import zipfile

import numpy as np
import pytest

import loading
from loading.files import describe
from tests.helpers.dicom_series import phantom, write_series

SHAPE = (6, 16, 12)


@pytest.fixture
def stored():
    return phantom(SHAPE)


@pytest.fixture
def empty_cache():
    loading.volume_cache.clear(close=True)
    yield
    loading.volume_cache.clear(close=True)


def rewrite(path, data=None):
    """Write a file anew, with a time of change that no clock's grain can hide."""
    data = path.read_bytes() if data is None else data
    stamp = path.stat().st_mtime_ns + 1_000_000
    path.write_bytes(data)
    os.utime(path, ns=(stamp, stamp))


def inverted(path, count):
    data = path.read_bytes()
    return data[:-count] + bytes(255 - byte for byte in data[-count:])


def test_a_volume_is_opened_once_until_its_files_change(tmp_path, stored, empty_cache):
    paths = write_series(tmp_path / "s", stored)
    first = loading.open_volume(str(tmp_path / "s"))
    assert loading.open_volume(str(tmp_path / "s")) is first
    assert loading.open_volume([str(tmp_path / "s")]) is first
    rewrite(paths[2], inverted(paths[2], stored[0].nbytes))
    second = loading.open_volume(str(tmp_path / "s"))
    assert second is not first
    second.wait(60)
    assert np.array_equal(second.stored()[2], 4095 - stored[2])
    paths[-1].unlink()
    third = loading.open_volume(str(tmp_path / "s"))
    assert third.spec.shape_kji[0] == SHAPE[0] - 1


@pytest.mark.parametrize("change", ["pixels", "time", "length"])
def test_a_slice_whose_file_changed_meanwhile_fails(tmp_path, stored, change):
    paths = write_series(tmp_path / "s", stored)
    (entry,) = describe([str(tmp_path / "s")]).volumes
    data = paths[2].read_bytes()
    rewrite(
        paths[2], {"pixels": inverted(paths[2], 20), "time": data, "length": data + b"\0\0"}[change]
    )
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert [chunk.index for chunk in volume.failures] == [2]
        (failure,) = volume.failures.values()
        assert "changed since" in failure.reason
        assert str(paths[2]) in failure.reason
        assert volume.qualities().content[2] != 2
        kept = [k for k in range(SHAPE[0]) if k != 2]
        assert np.array_equal(volume.stored()[kept], stored[kept])


def test_frames_that_go_straight_into_the_array_fail_too(tmp_path, stored):
    """No spare bits that have to be cleared: one system call reads such a slice."""
    paths = write_series(tmp_path / "s", stored, BitsStored=16, HighBit=15, PixelRepresentation=1)
    (entry,) = describe([str(tmp_path / "s")]).volumes
    volume = loading.open_entry(entry, start=False)
    rewrite(paths[0])
    volume.load()
    volume.wait(60)
    assert [chunk.index for chunk in volume.failures] == [0]
    volume.close()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_that_changed_fails(tmp_path, stored, method):
    paths = write_series(tmp_path / "s", stored)
    archive = tmp_path / "s.zip"
    with zipfile.ZipFile(archive, "w", method) as opened:
        for path in paths:
            opened.write(path, path.name)
    (entry,) = describe([str(archive)]).volumes
    rewrite(archive)
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert len(volume.failures) == SHAPE[0]
