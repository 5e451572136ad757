"""A volume that nobody holds any more gives its memory back at once."""

from __future__ import annotations

import gc
import weakref

import pytest

import loading
from tests.helpers.array_source import ArraySource, make_spec


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_a_closed_volume_is_in_no_circle():
    """Waiting for the garbage collector would keep gigabytes while the next volume is opened."""
    spec = make_spec((20, 8, 8))
    volume = loading.open_entry(loading.VolumeEntry(spec, lambda: ArraySource(spec)))
    volume.wait(10)
    record = weakref.ref(volume._volume)
    volume.close()
    del volume
    assert record() is None
