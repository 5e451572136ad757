"""Opened volumes are kept, once each, up to a limit."""

from __future__ import annotations

import threading

import pytest

import loading
from loading.cache import VolumeCache
from tests.helpers.array_source import ArraySource, make_spec


def build(source=None):
    return loading.open_entry((source or ArraySource(make_spec((4, 8, 8)))).entry())


def test_concurrent_opens_build_one_volume():
    """R4: two concurrent opens of one key build one volume."""
    cache, built, gate = VolumeCache(), [], threading.Event()

    def slow():
        built.append(1)
        gate.wait(10)
        return build()

    results = []
    threads = [
        threading.Thread(target=lambda: results.append(cache.get_or_open("key", slow)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(10)
    assert built == [1]
    assert len({id(volume) for volume in results}) == 1
    cache.clear(close=True)


def test_a_failed_open_leaves_nothing():
    """R5: no entry, no thread, no open source; the next try starts afresh."""
    cache, tries = VolumeCache(), []

    def broken():
        tries.append(1)
        raise loading.NotFound("Not there", where="x")

    for _ in range(2):
        with pytest.raises(loading.NotFound):
            cache.get_or_open("key", broken)
    assert tries == [1, 1]
    assert "key" not in cache
    assert not [t for t in threading.enumerate() if t.name.startswith("voxtide-")]


def test_a_source_that_cannot_open_leaves_nothing():
    """R5: the failure comes from inside the opening."""

    def refuse():
        raise loading.SourceError("Cannot open", where="x")

    with pytest.raises(loading.SourceError):
        loading.open_entry(loading.VolumeEntry(make_spec(), refuse))
    assert not [t for t in threading.enumerate() if t.name.startswith("voxtide-")]


def test_least_recently_used_go_first():
    one = make_spec((4, 8, 8)).size_bytes
    cache = VolumeCache(limit_bytes=2 * one)
    kept = {name: cache.get_or_open(name, build) for name in "ab"}
    cache.get_or_open("a", build)
    cache.get_or_open("c", build)
    assert "b" not in cache
    assert "a" in cache
    assert cache.size_bytes == 2 * one
    assert kept["b"].wait(10) is loading.LoadState.COMPLETE, "whoever holds it keeps it"
    kept["b"].close()
    cache.clear(close=True)


def test_a_closed_volume_is_opened_anew():
    cache = VolumeCache()
    first = cache.get_or_open("a", build)
    first.close()
    second = cache.get_or_open("a", build)
    assert second is not first
    second.close()


def test_the_source_is_closed_when_nobody_holds_the_volume():
    source = ArraySource(make_spec((2, 4, 4)))
    volume = build(source)
    volume.wait(10)
    volume._executor.join(10)
    del volume
    import gc

    gc.collect()
    assert source.closed == 1
