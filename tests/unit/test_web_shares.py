"""Two volumes that load from one server at once."""

import numpy as np
import pytest

import loading
from loading.web import http
from loading.web.shares import Share, Shares
from loading.web.wado import forget_habits
from tests.helpers.dicomweb_store import JPEG_LS, Store, phantom
from tests.helpers.web_loads import Gate, after_all_calls, measured_as, until, with_options
from tests.helpers.web_server import WebServer

COUNT = 60


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """Whole frames on a line of known rate: what is asked for does not depend on the clock."""
    forget_habits()
    with_options(monkeypatch, tmp_path, "partial = false")
    measured_as(monkeypatch, rtt_s=0.04, rate=4e7)


def test_the_line_is_divided_by_what_is_seen():
    """Y5, Y6: by area among those that want something; nothing for what nobody sees."""
    shares, looked = Shares(), list[str]()
    large, small = Share(lambda: looked.append("large")), Share(lambda: looked.append("small"))
    hidden = Share(lambda: looked.append("hidden"))
    large.weight, small.weight, hidden.weight = 3.0, 1.0, 0.0
    for share in (large, small, hidden):
        shares.join(share)
    assert shares.part_of(large) == 1.0  # nobody else wants anything
    large.under_way, small.is_waiting, hidden.is_waiting = 5, True, True
    small.wants = hidden.wants = lambda: True
    assert (shares.part_of(large), shares.part_of(small), shares.part_of(hidden)) == (0.75, 0.25, 0)
    shares.freed(large)
    assert looked == ["small", "hidden"]
    shares.leave(large)
    shares.leave(small)
    assert shares.part_of(hidden) == 1.0
    other = Share(lambda: None)
    other.weight, other.under_way = 0.0, 1
    shares.join(other)
    assert shares.part_of(hidden) == 0.5  # both are hidden


class Both:
    """Two loads of the same frames; `asked` says who asked, and how much it had and might have."""

    def __init__(self, url, weights):
        self.asked = list[tuple[int, int, float]]()
        self.volumes = []
        for number, weight in enumerate(weights):
            entry = loading.choose(loading.describe(url))
            volume = loading.open_entry(entry, start=False)
            volume.weigh(weight)
            self._watch(volume, number)
            self.volumes.append(volume)

    def _watch(self, volume, number):
        source = volume._source
        ask = source.ask

        def watched(request, arrived, *, is_urgent):
            part = source._shares.part_of(source._share)
            ask(request, arrived, is_urgent=is_urgent)
            self.asked.append((number, source._share.under_way, part))

        source.ask = watched

    def close(self):
        for volume in self.volumes:
            assert volume.close(60)


@pytest.mark.parametrize("weights", [(1, 1), (3, 1)])
def test_who_comes_second_gets_its_share(weights):
    """Y5: while both want something, neither has more under way than its part of the line."""
    store = Store(phantom(COUNT, 96), JPEG_LS)
    gate = Gate(store, lambda asked: store.slice_of(asked) is not None)
    with WebServer(gate) as server:
        both = Both(server.url + store.path, weights)
        first, second = both.volumes
        first.load()
        until(lambda: server.open_now > 4, "the first load's requests")
        after_all_calls(first)
        second.load()
        until(lambda: any(number == 1 for number, *_ in both.asked), "the second's first request")
        gate.open()
        for volume in both.volumes:
            assert volume.wait(60) is loading.LoadState.COMPLETE
            assert np.array_equal(volume.array, store.volume)
        both.close()
    shared = [one for one in both.asked if one[2] < 1]
    assert {number for number, *_ in shared} == {0, 1}
    for number, under_way, part in shared:
        assert part == weights[number] / sum(weights)
        assert under_way <= part * http.CONNECTIONS


def test_what_nobody_sees_comes_last():
    """Y6: a hidden volume asks for nothing while another has something to ask for."""
    store = Store(phantom(COUNT, 96), JPEG_LS)
    with WebServer(store) as server:
        both = Both(server.url + store.path, (0, 1))
        hidden, seen = both.volumes
        seen.load()
        until(lambda: bool(both.asked), "the first request")
        hidden.load()
        for volume in both.volumes:
            assert volume.wait(60) is loading.LoadState.COMPLETE
            assert np.array_equal(volume.array, store.volume)
        both.close()
    assert [number for number, *_ in both.asked] == [1] * COUNT + [0] * COUNT
