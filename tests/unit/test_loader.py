"""One load from beginning to end: order, failures, cancel, load again, close."""

from __future__ import annotations

import gc
import os
import threading
import time

import numpy as np
import psutil
import pytest

import loading
from loading import ChunkKey, Demand, LoadState, Status
from loading.loader import OpenVolume
from tests.helpers.array_source import ArraySource, coarse_plane, make_spec


def open_source(source, **options) -> OpenVolume:
    return loading.open_entry(source.entry(), **options)


@pytest.mark.parametrize("plan", loading.PLANS.values(), ids=lambda plan: plan.name)
def test_a_complete_load_equals_the_source(plan):
    source = ArraySource(make_spec((23, 9, 7)))
    with open_source(source, plan=plan) as volume:
        assert volume.wait(20) is LoadState.COMPLETE
        assert np.array_equal(volume.array, source.voxels[0])
        assert volume.progress.full == volume.progress.total == 23
        assert volume.digest().sha256_stored


def test_everything_is_known_before_the_first_read():
    """M1: shape, type, geometry and buffer are there before the first pixel request."""
    source = ArraySource(make_spec((5, 4, 3)))
    with open_source(source, start=False) as volume:
        assert volume.array.shape == (5, 4, 3)
        assert volume.array.dtype == np.int16
        assert volume.spec.spacing_ijk_mm == (1.0, 1.0, 2.0)
        assert volume.state is LoadState.CREATED
        assert not source.requests


def test_each_rise_shows_what_it_says():
    """A status rises only after its pixels are in the array."""
    source, wrong, seen = ArraySource(make_spec((30, 16, 16)), delay_s=0.001), [], []
    with open_source(source, plan=loading.INTERLEAVED, start=False) as volume:
        revision = 0
        lock = threading.Lock()

        def look():
            nonlocal revision
            with lock:
                revision, chunks = volume.changes_since(revision)
                for chunk in chunks:
                    status = volume.status(chunk.index)
                    plane = volume.array[chunk.index].copy()
                    if volume.status(chunk.index) is not status:
                        continue
                    seen.append(status)
                    full = source.voxels[0, chunk.index]
                    if status is Status.FULL and not np.array_equal(plane, full):
                        wrong.append(chunk)
                    if status is Status.SUBRESOLUTION and not np.array_equal(
                        plane, coarse_plane(full)
                    ):
                        wrong.append(chunk)

        volume.listen(look)
        volume.load()
        assert volume.wait(20) is LoadState.COMPLETE
    assert not wrong
    assert {Status.FULL, Status.SUBRESOLUTION} <= set(seen)


def test_decoders_write_into_the_buffer():
    """F1: no picture object per slice; the source is given the plane itself."""
    places = []

    class Watching(ArraySource):
        def read(self, request, out, cancel):
            places.append((request.chunk.index, out.ctypes.data))
            return super().read(request, out, cancel)

    source = Watching(make_spec((6, 5, 4)), has_coarse=False)
    with open_source(source) as volume:
        volume.wait(20)
        start = volume.array.ctypes.data
        assert sorted(places) == [(k, start + k * 5 * 4 * 2) for k in range(6)]


def test_what_is_displayed_is_read_next():
    """Y1, Y2: the slice on the screen comes next, after a jump in the middle of a load too."""
    gate, source = threading.Semaphore(0), None

    def wait_turn(_request):
        assert gate.acquire(timeout=20)

    source = ArraySource(make_spec((1000, 2, 2)), before=wait_turn)
    with open_source(source, worker_count=1, start=False) as volume:
        volume.prefer(Demand(visible=(123,)))
        volume.load()
        for _ in range(5):
            gate.release()
        _until(lambda: len(source.requests) == 6)
        assert [r.chunk.index for r in source.requests[:2]] == [123, 123]
        volume.prefer(Demand(visible=(877,)))
        gate.release()
        gate.release()
        _until(lambda: len(source.requests) == 8)
        # one was in flight at the jump; the next free slot takes the slice on the screen
        assert source.requests[6].chunk.index == 877
        volume.cancel()
        for _ in range(5000):
            gate.release()


def test_failed_slices_are_listed_and_the_rest_is_there():
    """E1: exactly the failed slices are listed, neighbours are shown as borrowed, retry works."""
    broken = {3: 10**6, 11: 10**6, 12: 10**6}
    source = ArraySource(make_spec((20, 4, 4)), failures=broken)
    with open_source(source) as volume:
        assert volume.wait(20) is LoadState.COMPLETE_WITH_FAILURES
        assert {chunk.index for chunk in volume.failures} == set(broken)
        assert "Planted fault" in volume.failures[ChunkKey(0, 0, 3)].reason
        record = volume.qualities()
        assert record.status[3] == Status.NEAR_REPLICATE
        assert record.content[3] in (2, 4)
        assert np.array_equal(volume.array[3], source.voxels[0, record.content[3]])
        assert volume.progress.full == 17
        source.failures.clear()
        source.requests.clear()
        volume.retry_failed()
        assert volume.wait(20) is LoadState.COMPLETE
        assert not volume.failures
        assert {r.chunk.index for r in source.requests} == set(broken)
        assert np.array_equal(volume.array, source.voxels[0])


def test_a_slice_that_fails_once_is_tried_again():
    source = ArraySource(make_spec((10, 4, 4)), failures={4: 1}, has_coarse=False)
    with open_source(source) as volume:
        assert volume.wait(20) is LoadState.COMPLETE


def test_a_fault_nobody_foresaw_marks_its_slice_only():
    class Buggy(ArraySource):
        def read(self, request, out, cancel):
            if request.chunk.index == 2:
                raise ZeroDivisionError("planted")
            return super().read(request, out, cancel)

    with open_source(Buggy(make_spec((5, 4, 4)))) as volume:
        assert volume.wait(20) is LoadState.COMPLETE_WITH_FAILURES
        assert [chunk.index for chunk in volume.failures] == [2]


def test_nothing_is_committed_after_cancel():
    """X1: after cancel() no request starts and no data arrive."""
    gate = threading.Event()

    def hold(request):
        if len(source.requests) > 20:
            gate.wait(20)

    source = ArraySource(make_spec((200, 4, 4)), before=hold)
    with open_source(source, worker_count=3) as volume:
        # all three are inside of a read, with its pixels still to come
        _until(lambda: len(source.requests) == 23)
        volume.cancel()
        revision, status = volume.revision, volume.qualities().status
        gate.set()
        assert volume._executor.join(20)
        assert len(source.requests) == 23
        assert volume.revision == revision
        assert np.array_equal(volume.qualities().status, status)
        assert volume.wait(0) is LoadState.CANCELLED


def test_load_after_cancel_reads_only_what_is_missing():
    """X3: what is there is used again; what was half way is finished."""
    source = ArraySource(make_spec((60, 4, 4)), delay_s=0.002, has_coarse=False)
    with open_source(source) as volume:
        _until(lambda: volume.progress.full > 20)
        volume.cancel()
        held = {k for k in range(60) if volume.status(k) is Status.FULL}
        source.requests.clear()
        volume.load()
        assert volume.wait(20) is LoadState.COMPLETE
        assert held.isdisjoint(r.chunk.index for r in source.requests)
        assert np.array_equal(volume.array, source.voxels[0])


@pytest.mark.parametrize("after", [0, 1, 5, 30, 31, 59])
def test_cancel_at_any_moment_leaks_nothing(after):
    """X2: no thread, no file stays; a later load ends bit for bit right."""

    def stop_at(_request):
        if len(source.requests) == after + 1:
            threading.Thread(target=volume.cancel).start()

    source = ArraySource(make_spec((30, 4, 4)), before=stop_at)
    volume = open_source(source, start=False)
    volume.load()
    assert volume.wait(20) is not LoadState.LOADING
    source.before = None
    for _ in range(3):
        volume.load()
        volume.wait(20)
    assert volume.state is LoadState.COMPLETE
    assert np.array_equal(volume.array, source.voxels[0])
    assert volume.close(20)
    assert source.closed == 1
    assert not [t for t in threading.enumerate() if t.name.startswith("voxtide-")]


def test_load_right_after_cancel_waits_for_no_one_and_loses_nothing():
    """X5: a worker of the cancelled load is still inside a read when the next load begins."""
    inside, gate = threading.Event(), threading.Event()

    def hold(request):
        if request.chunk.index == 4 and not gate.is_set():
            inside.set()
            gate.wait(20)

    source = ArraySource(make_spec((9, 4, 4)), before=hold, has_coarse=False)
    with open_source(source, worker_count=1) as volume:
        assert inside.wait(20)
        volume.cancel()
        volume.load()
        _until(lambda: volume.progress.full == 8)
        assert volume.state is LoadState.LOADING
        gate.set()
        assert volume.wait(20) is LoadState.COMPLETE
        assert np.array_equal(volume.array, source.voxels[0])


def test_a_chunk_given_back_while_the_last_worker_leaves_is_still_read(monkeypatch):
    """X5: the worker of the cancelled load lets go between the new one's last look and its end."""
    inside, gate = threading.Event(), threading.Event()
    late: list[threading.Thread] = []

    def hold(request):
        if request.chunk.index == 4 and not gate.is_set():
            late.append(threading.current_thread())
            inside.set()
            gate.wait(20)

    source = ArraySource(make_spec((9, 4, 4)), before=hold, has_coarse=False)
    with open_source(source, worker_count=1) as volume:
        assert inside.wait(20)
        volume.cancel()
        take = volume._queue.take

        def take_and_dawdle():
            request = take()
            if request is None and not gate.is_set():
                gate.set()
                late[0].join(20)
            return request

        monkeypatch.setattr(volume._queue, "take", take_and_dawdle)
        volume.load()
        assert volume.wait(20) is LoadState.COMPLETE
        assert np.array_equal(volume.array, source.voxels[0])


def test_closing_while_loading_ends_every_thread():
    """X4: closing during a load that would go on for minutes leaves no thread."""
    volume = open_source(ArraySource(make_spec((2000, 4, 4)), delay_s=0.2))
    _until(lambda: volume.progress.own > 0)
    assert volume.close(20)
    assert volume.progress.own < 1000
    assert volume.state is LoadState.CLOSED
    assert not [t for t in threading.enumerate() if t.name.startswith("voxtide-")]


def test_completion_is_told_once():
    """Q2: the load is over when every slice is at its best or failed, once."""
    states, source = [], ArraySource(make_spec((40, 4, 4)), failures={7: 10**6})
    with open_source(source, start=False) as volume:
        finish = volume._finish

        def remember(state):
            states.append(state)
            finish(state)

        volume._finish = remember
        volume.load()
        volume.wait(20)
        time.sleep(0.05)
        assert states == [LoadState.COMPLETE_WITH_FAILURES]
        progress = volume.progress
        assert progress.full + progress.failed == progress.total


def test_lossy_data_are_complete_but_never_full():
    """Q3: lossiness comes from what the source found in the data."""

    class Lossy(ArraySource):
        def read(self, request, out, cancel):
            delivered = super().read(request, out, cancel)
            is_full = delivered.status is Status.FULL
            return delivered._replace(status=Status.LOSSY) if is_full else delivered

    with open_source(Lossy(make_spec((6, 4, 4)))) as volume:
        assert volume.wait(20) is LoadState.COMPLETE
        assert set(volume.qualities().status) == {Status.LOSSY}


def test_time_points_fill_one_buffer():
    source = ArraySource(make_spec((5, 4, 3), time_points=3))
    with open_source(source) as volume:
        assert volume.wait(20) is LoadState.COMPLETE
        assert volume.array.shape == (3, 5, 4, 3)
        assert np.array_equal(volume.array, source.voxels)


def test_absent_slices_stay_absent():
    spec = make_spec((6, 4, 4), absent=frozenset({2}))
    source = ArraySource(spec)
    with open_source(source) as volume:
        assert volume.wait(20) is LoadState.COMPLETE
        record = volume.qualities()
        assert record.status[2] == Status.EMPTY
        assert record.content[2] == -1
        assert volume.progress.total == 5
        meant = source.voxels[0].astype("<f4")
        meant[2] = np.nan
        import hashlib

        assert volume.digest().sha256 == hashlib.sha256(meant.tobytes()).hexdigest()


def test_what_does_not_fit_is_refused_with_both_numbers():
    source = ArraySource(make_spec((4, 4, 4)))
    huge = make_spec((1 << 20, 1 << 12, 1 << 12))
    with pytest.raises(loading.TooLarge, match=r"35\.\d TB needed, .* free"):
        loading.open_entry(loading.VolumeEntry(huge, lambda: source))
    assert source.opened == 0
    with pytest.raises(loading.TooLarge, match="the limit is 100 bytes"):
        open_source(source, memory_limit_bytes=100)


def test_memory_stays_near_the_volume():
    """B1: peak while loading stays below the volume, what is in flight, and a constant."""
    process = psutil.Process(os.getpid())
    spec = make_spec((64, 512, 512))
    source = ArraySource(spec, has_coarse=False)
    gc.collect()
    before, peak = process.memory_info().rss, [0]
    source.before = lambda _: peak.append(process.memory_info().rss)
    with open_source(source) as volume:
        volume.wait(60)
        peak.append(process.memory_info().rss)
    assert max(peak) - before < spec.size_bytes * 1.1 + (20 << 20)


def test_closing_gives_memory_back():
    """B2: twenty open and close cycles leave nothing behind."""
    process = psutil.Process(os.getpid())
    # larger than what the C library keeps for the next allocation (32 MB)
    source = ArraySource(make_spec((80, 512, 512)), has_coarse=False)

    def cycle():
        with open_source(source) as volume:
            assert volume.wait(60) is LoadState.COMPLETE

    cycle()
    gc.collect()
    before = process.memory_info().rss
    for _ in range(20):
        cycle()
    gc.collect()
    assert process.memory_info().rss < before * 1.1 + (8 << 20)


def _until(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)
