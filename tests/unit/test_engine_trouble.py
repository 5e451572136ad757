"""What is outside the engine may fail in ways of its own; the load goes on, and ends."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

import loading
from loading import LoadState, Rendition, Status, memory
from loading.sources.base import FULL_RENDITION
from loading.values import digest
from tests.helpers.array_source import ArraySource, make_spec


def opened(source: ArraySource, **options) -> loading.OpenVolume:
    return loading.open_entry(source.entry(), worker_count=2, **options)


def test_a_listener_that_raises_ends_no_worker(caplog):
    def break_down():
        raise ZeroDivisionError

    source = ArraySource(make_spec())
    with opened(source, start=False) as volume:
        volume.listen(break_down)
        volume.load()
        assert volume.wait(10) is LoadState.COMPLETE
        assert np.array_equal(volume.array, source.voxels[0])
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("answer", [None, "full", ("much", 1, 0)])
def test_a_source_that_answers_nonsense_fails_its_slices(answer):
    class Mistaken(ArraySource):
        def read(self, request, out, cancel):
            super().read(request, out, cancel)
            return answer

    with opened(Mistaken(make_spec())) as volume:
        assert volume.wait(10) is LoadState.COMPLETE_WITH_FAILURES
        assert len(volume.failures) == 10
        assert volume.progress.own == 0


def test_a_source_that_offers_nonsense_fails_its_slices():
    class Mistaken(ArraySource):
        def renditions(self, chunk):
            return ("full",) if chunk.t == 0 else (FULL_RENDITION,)

    with opened(Mistaken(make_spec(time_points=2))) as volume:
        assert volume.wait(10) is LoadState.COMPLETE_WITH_FAILURES
        assert {chunk.t for chunk in volume.failures} == {0}
        assert (volume.qualities(1).status == Status.FULL).all()


class NoThreads:
    """An executor on a machine that gives no thread, or only the first."""

    def __init__(self, given: int) -> None:
        self.given = given
        self.inner = loading.ThreadExecutor()

    def start(self, worker_count, drain, *, yields=True) -> None:
        if worker_count > self.given:
            raise RuntimeError("can't start new thread")
        self.given -= worker_count
        self.inner.start(worker_count, drain, yields=yields)

    def join(self, timeout_s: float) -> bool:
        return self.inner.join(timeout_s)


def test_without_any_thread_nothing_waits_for_ever():
    volume = opened(ArraySource(make_spec()), start=False, executor=NoThreads(0))
    with pytest.raises(loading.LoadError, match="thread"):
        volume.load()
    assert volume.wait(10).is_over
    volume.close()


def test_one_thread_does_where_more_are_not_given():
    with opened(ArraySource(make_spec()), executor=NoThreads(1)) as volume:
        assert volume.wait(10) is LoadState.COMPLETE


def test_a_source_that_cannot_open_raises_an_error_of_ours():
    def broken():
        raise ValueError("third party")

    entry = loading.VolumeEntry(make_spec(path="there"), broken)
    with pytest.raises(loading.LoadError, match="third party"):
        loading.open_entry(entry)


def test_memory_that_is_refused_is_an_error_of_ours(monkeypatch):
    """R2: free memory may be gone between the look and the allocation."""
    monkeypatch.setattr(memory, "free_bytes", lambda: 1 << 62)
    source = ArraySource(make_spec(), np.zeros((1, 1, 1, 1)))
    spec = make_spec((1 << 19, 1 << 19, 1 << 19))
    entry = dataclasses.replace(source.entry(), spec=spec)
    with pytest.raises(loading.TooLarge):
        loading.open_entry(entry)
    assert source.closed == 1


def test_a_cancelled_read_leaves_the_picture_that_was_borrowed():
    """X1: what is there stays, also where a worker was writing into a plane that borrowed."""
    is_inside, go_on = threading.Event(), threading.Event()
    middle = 2

    class Slow(ArraySource):
        def renditions(self, chunk):
            return (Rendition("full", Status.FULL),)

        def read(self, request, out, cancel):
            if request.chunk.index != middle:
                out[:] = 77
                is_inside.set()
                go_on.wait(10)
                cancel.check()
            return super().read(request, out, cancel)

    source = Slow(make_spec((5, 8, 8)))
    volume = loading.open_entry(source.entry(), worker_count=1, start=False)
    volume.changes_since(0)  # somebody looks, so lent slices are copied
    volume.load()
    assert is_inside.wait(10)
    disturbed = int(np.flatnonzero((volume.array == 77).all((1, 2)))[0])
    assert volume.qualities().content[disturbed] == middle
    volume.cancel()
    go_on.set()
    assert volume.close(10)
    assert volume.qualities().content[disturbed] == middle
    assert np.array_equal(volume.array[disturbed], source.voxels[0, middle])


def test_nothing_starts_between_the_two_halves_of_closing():
    """A load that begins while the volume is being closed must not go on after it."""
    volume = opened(ArraySource(make_spec((40, 8, 8)), delay_s=0.02))

    def load_often():
        for _ in range(2000):
            volume.load()

    restarted = threading.Thread(target=load_often)
    restarted.start()
    assert volume.close(20)
    restarted.join(10)
    assert volume.state is LoadState.CLOSED
    assert not [t for t in threading.enumerate() if t.name.startswith("voxtide-")]


def test_a_coarse_picture_is_never_hashed_as_the_slice():
    """E1: the full picture failed, the coarse one is on the screen; the values are missing."""

    class OnlyCoarse(ArraySource):
        def read(self, request, out, cancel):
            if request.chunk.index == 3 and not request.rendition.level:
                raise loading.CorruptFrame("Planted fault")
            return super().read(request, out, cancel)

    source = OnlyCoarse(make_spec())
    with opened(source) as volume:
        assert volume.wait(10) is LoadState.COMPLETE_WITH_FAILURES
        assert volume.status(3) is Status.SUBRESOLUTION
        wanted = [None if k == 3 else plane for k, plane in enumerate(source.voxels[0])]
        assert volume.digest().sha256 == digest(volume.spec, wanted).sha256
