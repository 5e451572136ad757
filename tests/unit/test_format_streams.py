"""Packed volumes are unpacked once, in their order, within bounds, and their check sums count."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
import tifffile

import loading
from loading import CancelToken, ChunkKey, Request
from loading.formats import blocks
from loading.sources.places import LocalFile
from tests.helpers import format_files as make
from tests.unit.test_format_geometry import only_volume, read

SHAPE = (40, 32, 32)


@pytest.fixture
def array():
    return make.voxels(SHAPE)


@pytest.fixture
def path(tmp_path, array):
    return make.write_nifti(tmp_path / "a.nii.gz", array, np.eye(4))


@pytest.fixture
def passes(monkeypatch):
    """Count how often a stream is begun."""
    begun = []
    inflate = blocks.inflate

    def counted(*arguments):
        begun.append(arguments)
        return inflate(*arguments)

    monkeypatch.setattr("loading.formats.detached.inflate", counted)
    return begun


def test_a_load_unpacks_once(path, array, passes):
    _, found = read(path)
    assert np.array_equal(found, array)
    assert len(passes) == 1


def planes(source, order):
    for k in order:
        out = np.empty((1, *SHAPE[1:]), source.spec.dtype)
        chunk = ChunkKey(0, 0, k)
        source.read(Request(chunk, source.renditions(chunk)[-1]), out, CancelToken())
        yield k, out[0]


@pytest.mark.parametrize("ending", [".nii", ".mha", ".tif", ".zip.tif"])
def test_a_file_that_changes_in_place_fails_the_slices_that_follow(tmp_path, array, ending):
    path = tmp_path / f"a{ending}"
    if ending == ".nii":
        make.write_nifti(path, array, np.eye(4))
    elif ending == ".mha":
        make.write_itk(path, array)
    else:
        tifffile.imwrite(path, array, compression="zlib" if "zip" in ending else None)
    source = only_volume(path).open()
    found = planes(source, range(SHAPE[0]))
    assert np.array_equal(next(found)[1], array[0])
    stamp = path.stat().st_mtime_ns + 1_000_000
    with path.open("r+b") as file:
        file.write(path.read_bytes())
    os.utime(path, ns=(stamp, stamp))
    with pytest.raises(loading.LoadError, match="changed"):
        next(found)
    source.close()


def kept_bytes(source) -> int:
    """Count the bytes that wait for somebody to ask for them."""
    return sum(map(len, source._opened()._blocks._kept.values()))


@pytest.mark.parametrize("kept", [0, 3 * 2048, 1 << 20])
def test_any_order_gives_the_right_planes_within_the_bound(monkeypatch, path, array, kept):
    monkeypatch.setattr(blocks, "KEPT_BYTES", kept)
    source = only_volume(path).open()
    order = np.random.default_rng(5).permutation(SHAPE[0]).tolist()
    for k, plane in planes(source, order):
        assert np.array_equal(plane, array[k])
        assert kept_bytes(source) <= max(kept, 2048)
    source.close()


def test_several_gzip_members_behind_each_other(tmp_path, array):
    plain = make.write_nifti(tmp_path / "a.nii", array, np.eye(4)).read_bytes()
    cut = len(plain) // 3
    packed = tmp_path / "b.nii.gz"
    packed.write_bytes(gzip.compress(plain[:cut]) + gzip.compress(plain[cut:]))
    _, found = read(packed)
    assert np.array_equal(found, array)


def test_a_wrong_check_sum_is_not_passed_over(tmp_path):
    array = make.voxels((40, 256, 128))
    plain = make.write_nifti(tmp_path / "a.nii", array, np.eye(4)).read_bytes()
    packed = bytearray(gzip.compress(plain, 0))  # stored: damage is seen by the sum alone
    packed[len(packed) // 2] ^= 1
    (tmp_path / "b.nii.gz").write_bytes(packed)
    with loading.open_entry(only_volume(tmp_path / "b.nii.gz")) as volume:
        assert volume.wait(10) is loading.LoadState.COMPLETE_WITH_FAILURES
        assert any("damaged" in failure.reason for failure in volume.failures.values())


def test_a_small_file_that_unpacks_to_much_is_read_in_small_parts(tmp_path):
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(bytes(64 << 20)))
    place = LocalFile(str(path), path.stat().st_size, 0)
    sizes = [len(part) for part in blocks.inflate(place, 0)]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= blocks.PART_BYTES


def test_cancel_is_heard_between_parts(path):
    source = only_volume(path).open()
    token = CancelToken()
    chunk = ChunkKey(0, 0, 30)
    token.cancel()
    with pytest.raises(loading.Cancelled):
        source.read(
            Request(chunk, source.renditions(chunk)[-1]), np.empty((1, 32, 32), "i2"), token
        )
