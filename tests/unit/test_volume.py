"""The buffer and its records: who may write, who may borrow, what a listener is told."""

from __future__ import annotations

import numpy as np
import pytest

from loading.sources.base import Delivered
from loading.spec import ChunkKey
from loading.status import Status
from loading.volume import NOTHING, Volume
from tests.helpers.array_source import make_spec


def deliver(volume, k, value, status=Status.FULL, level=0, nearest=True, t=0, generation=None):
    chunk = ChunkKey(t, 0, k)
    out = volume.begin(chunk)
    out[:] = value
    return volume.commit(
        chunk,
        out,
        Delivered(status, 1, level),
        volume.generation if generation is None else generation,
        lend_nearest=nearest,
    )


def test_nearest_delivered_slice_wins():
    """C2: nearest wins, ties go to the lower index, never across a gap or a time point."""
    volume = Volume(make_spec((9, 2, 2), absent=frozenset({6}), time_points=2))
    deliver(volume, 0, 1)
    assert volume.qualities().source[:6].tolist() == [0] * 6
    deliver(volume, 4, 2)
    record = volume.qualities()
    assert record.source.tolist() == [0, 0, 0, 4, 4, 4, NOTHING, NOTHING, NOTHING]
    assert record.status[[1, 2, 3, 5]].tolist() == [3, 1, 3, 3]
    deliver(volume, 8, 3)
    assert volume.qualities().source.tolist() == [0, 0, 0, 4, 4, 4, NOTHING, 8, 8]
    assert volume.qualities(1).source.tolist() == [NOTHING] * 9


def test_tie_goes_to_the_lower_index_whoever_came_first():
    """C2: slices 0 and 4 are equally near to slice 2."""
    for order in ((0, 4), (4, 0)):
        volume = Volume(make_spec((5, 2, 2)))
        for k in order:
            deliver(volume, k, k)
        assert volume.qualities().source[2] == 0


def test_borrowers_follow_a_lender_that_improves():
    """C3: the copy is made anew when its source gets better."""
    volume = Volume(make_spec((4, 2, 2)))
    deliver(volume, 1, 10, Status.SUBRESOLUTION, level=3)
    volume.changes_since(0)
    volume.fill_borrowed()
    assert volume.buffer[0, 3, 0, 0] == 10
    deliver(volume, 1, 99)
    volume.changes_since(0)
    volume.fill_borrowed()
    assert volume.buffer[0, :, 0, 0].tolist() == [99, 99, 99, 99]
    assert volume.qualities().content.tolist() == [1, 1, 1, 1]


def test_a_copy_never_overwrites_own_data():
    """C4: own data, however coarse, stay."""
    volume = Volume(make_spec((3, 2, 2)))
    deliver(volume, 0, 5, Status.SUBRESOLUTION, level=3)
    deliver(volume, 1, 7)
    volume.changes_since(0)
    volume.fill_borrowed()
    assert volume.buffer[0, :, 0, 0].tolist() == [5, 7, 7]
    assert volume.qualities().status.tolist() == [6, 8, 3]


def test_replication_can_be_switched_off():
    """C5: without replication a slice that has nothing shows nothing."""
    volume = Volume(make_spec((3, 2, 2)), replicate=False)
    deliver(volume, 1, 7)
    volume.changes_since(0)
    volume.fill_borrowed()
    record = volume.qualities()
    assert record.status.tolist() == [0, 8, 0]
    assert record.content.tolist() == [NOTHING, 1, NOTHING]


def test_nothing_is_copied_while_nobody_looks():
    volume = Volume(make_spec((3, 2, 2)))
    deliver(volume, 1, 7)
    volume.fill_borrowed()
    record = volume.qualities()
    assert record.source.tolist() == [1, 1, 1]
    assert record.content.tolist() == [NOTHING, 1, NOTHING]


def test_a_listener_is_woken_once_until_it_pulls():
    volume, woken = Volume(make_spec((6, 2, 2))), []
    volume.listen(lambda: woken.append(volume.revision))
    assert not woken
    for k in (0, 1, 2):
        deliver(volume, k, k)
    assert len(woken) == 1
    revision, changes = volume.changes_since(0)
    assert {change.chunk.index for change in changes if change.status == Status.FULL} == {0, 1, 2}
    deliver(volume, 3, 3)
    assert len(woken) == 2
    _, changes = volume.changes_since(revision)
    assert 3 in {change.chunk.index for change in changes}


def test_a_late_listener_hears_at_once():
    volume, woken = Volume(make_spec((2, 2, 2))), []
    deliver(volume, 0, 1)
    volume.listen(lambda: woken.append(1))
    assert woken == [1]


def test_a_failed_read_leaves_the_coarse_picture():
    volume = Volume(make_spec((2, 2, 2)))
    deliver(volume, 0, 5, Status.SUBRESOLUTION, level=3)
    chunk = ChunkKey(0, 0, 0)
    volume.begin(chunk)[:] = 666
    volume.fail(chunk, "broken", 0)
    assert volume.buffer[0, 0, 0, 0] == 5
    assert volume.qualities().failed == {0: "broken"}
    assert volume.status(chunk) is Status.SUBRESOLUTION
    deliver(volume, 0, 8)
    assert not volume.failures


def test_a_failed_read_into_an_empty_plane_shows_nothing():
    volume = Volume(make_spec((2, 2, 2)))
    chunk = ChunkKey(0, 0, 0)
    volume.begin(chunk)[:] = 666
    volume.fail(chunk, "broken", 0)
    assert volume.qualities().content.tolist() == [NOTHING, NOTHING]


def test_late_results_of_an_old_generation_are_dropped():
    """X5: what a cancelled load still delivers is not committed."""
    volume = Volume(make_spec((2, 2, 2)))
    volume.new_generation()
    assert not deliver(volume, 0, 5, generation=0)
    assert volume.status(ChunkKey(0, 0, 0)) is Status.EMPTY
    assert volume.qualities().content[0] == NOTHING


@pytest.mark.parametrize("late", [Status.SUBRESOLUTION, Status.LOSSY, Status.FULL])
def test_a_late_coarser_result_changes_nothing(late):
    volume = Volume(make_spec((1, 2, 2)))
    deliver(volume, 0, 1)
    assert not deliver(volume, 0, 2, late, level=2)
    assert volume.buffer[0, 0, 0, 0] == 1


def test_the_address_of_the_buffer_never_changes():
    volume = Volume(make_spec((4, 8, 8)))
    address = volume.buffer.ctypes.data
    for k in range(4):
        deliver(volume, k, k)
    assert volume.buffer.ctypes.data == address
    assert np.array_equal(volume.buffer[0, :, 0, 0], [0, 1, 2, 3])
