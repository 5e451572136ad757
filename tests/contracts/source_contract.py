"""What every source must do; a new format subclasses `SourceContract` and gives three things."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import loading
from loading import CancelToken, ChunkKey, Request


class SourceContract:
    """Inherit, and say how to make a volume, what it must hold, and how its files can be cut.

    `entry` gives a VolumeEntry; `expected` its array values [k,j,i] from an independent reading
    ([k,j,i,3] where it has colours);
    `truncated(size_share)` an entry (or None when it is refused, or a LoadError) over the same
    input cut to that share of its bytes.
    """

    @pytest.fixture
    def entry(self):
        raise AssertionError("give the volume under test")

    @pytest.fixture
    def expected(self):
        raise AssertionError("give its array values")

    @pytest.fixture
    def truncated(self):
        pytest.skip("this source has no files that could be cut")

    @pytest.fixture
    def source(self, entry):
        opened = entry.open()
        yield opened
        opened.close()

    def test_each_chunk_is_filled_and_nothing_else(self, source, expected):
        shape = source.spec.read_shape()
        for k in _chunks(source):
            surround = np.full((3, *shape[1:]), 77).astype(source.spec.dtype)
            delivered = _read(source, k, surround[1:2])
            assert np.array_equal(surround[1], expected[k], equal_nan=_is_float(surround))
            assert (surround[0] == 77).all()
            assert (surround[2] == 77).all()
            assert delivered.status.is_final
            assert delivered.bytes_read > 0

    def test_spec_fits_the_data(self, source, expected):
        spec = source.spec
        assert spec.shape_kji == expected.shape[:3]
        assert spec.is_colour == (expected.ndim == 4)
        assert spec.dtype == expected.dtype
        assert np.isfinite(spec.affine_lps).all()
        axes = spec.affine_lps[:3, :3]
        assert abs(np.linalg.det(axes / np.linalg.norm(axes, axis=0))) > 1e-6

    def test_renditions_end_with_the_best(self, source):
        for k in _chunks(source):
            offered = source.renditions(ChunkKey(0, 0, k))
            assert offered
            assert offered[-1].level == 0
            assert [r.cost for r in offered] == sorted(r.cost for r in offered)

    def test_the_same_bytes_twice(self, source):
        shape = source.spec.read_shape()
        k = _chunks(source)[0]
        first, second = (np.empty(shape, source.spec.dtype) for _ in range(2))
        _read(source, k, first)
        _read(source, k, second)
        assert first.tobytes() == second.tobytes()

    def test_several_threads_at_once(self, source, expected):
        shape = source.spec.read_shape()
        array = np.zeros((source.spec.shape_kji[0], *shape[1:]), source.spec.dtype)
        with ThreadPoolExecutor(8) as pool:
            jobs = [k for k in _chunks(source) for _ in range(3)]
            scratch = [np.empty(shape, array.dtype) for _ in jobs]
            list(pool.map(lambda job: _read(source, *job), zip(jobs, scratch, strict=True)))
            for k, plane in zip(jobs, scratch, strict=True):
                array[k] = plane[0]
        for k in _chunks(source):
            assert np.array_equal(array[k], expected[k], equal_nan=_is_float(array))

    def test_cancel_is_honoured(self, source):
        token = CancelToken()
        token.cancel()
        k = _chunks(source)[0]
        out = np.empty(source.spec.read_shape(), source.spec.dtype)
        chunk = ChunkKey(0, 0, k)
        with pytest.raises(loading.Cancelled):
            source.read(Request(chunk, source.renditions(chunk)[-1]), out, token)

    def test_a_closed_source_says_so(self, entry):
        source = entry.open()
        source.close()
        source.close()
        out = np.empty(source.spec.read_shape(), source.spec.dtype)
        with pytest.raises(loading.LoadError):
            _read(source, _chunks(source)[0], out)

    @pytest.mark.parametrize("tenth", range(10))
    def test_truncated_input_is_refused_or_marked(self, truncated, expected, tenth):
        """E3: cut at every tenth of its bytes: a LoadError, or right values, never wrong ones."""
        try:
            entry = truncated(tenth / 10)
        except loading.LoadError:
            return
        if entry is None:
            return
        source = entry.open()
        try:
            for k in _chunks(source):
                out = np.empty(source.spec.read_shape(), source.spec.dtype)
                try:
                    _read(source, k, out)
                except loading.LoadError:
                    continue
                assert any(np.array_equal(out[0], plane) for plane in expected)
        finally:
            source.close()


def _chunks(source):
    return [chunk.index for chunk in source.spec.chunks()]


def _read(source, k, out):
    chunk = ChunkKey(0, 0, k)
    return source.read(Request(chunk, source.renditions(chunk)[-1]), out, CancelToken())


def _is_float(array):
    return array.dtype.kind == "f"
