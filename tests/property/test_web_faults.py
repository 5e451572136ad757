"""Whatever a server does wrong, a load ends with right slices, or with failed ones listed."""

import random
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import loading
from loading.web import trouble
from loading.web.wado import forget_habits
from tests.helpers.dicomweb_store import HTJ2K, JPEG_LS, RAW, Store, phantom
from tests.helpers.web_server import Reply, WebServer, gzipped

SLICES = 7
VOLUME = phantom(SLICES, 128)
STORES = {syntax: Store(VOLUME, syntax) for syntax in (HTJ2K, JPEG_LS, RAW)}
PAGE = Reply(200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html>Sign in</html>")


def wrong_range(reply, chance):
    if reply.status != 206:
        return replace(reply, status=206)
    start = chance.choice((0, 1, 17))
    total = len(reply.body) + start
    return replace(
        reply, headers=reply.headers | {"Content-Range": f"bytes {start}-{total}/{total + 9}"}
    )


FAULTS = {
    "none": lambda reply, chance: reply,
    "slow": lambda reply, chance: replace(reply, delay_s=chance.uniform(0, 0.02)),
    "dropped": lambda reply, chance: replace(
        reply, drop_after=chance.randrange(len(reply.body) + 1)
    ),
    "short": lambda reply, chance: replace(reply, body=reply.body[: len(reply.body) // 2]),
    "no length": lambda reply, chance: replace(
        reply, says_length=False, body=reply.body[: chance.randrange(1, len(reply.body) + 1)]
    ),
    "wrong range": wrong_range,
    "unavailable": lambda reply, chance: Reply(503, {"Retry-After": "0"}, b"busy"),
    "error": lambda reply, chance: Reply(500, {"Content-Type": "text/plain"}, b"failed"),
    "gone": lambda reply, chance: Reply(404, {}, b"gone"),
    "page": lambda reply, chance: PAGE,
    "empty": lambda reply, chance: Reply(200, reply.headers, b""),
    "compressed": lambda reply, chance: gzipped(reply),
    "text": lambda reply, chance: Reply(200, {"Content-Type": "application/json"}, b'{"a": 1}'),
}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.005)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32),
    syntax=st.sampled_from(sorted(STORES)),
    kinds=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=3),
    share=st.sampled_from((0.1, 0.3, 0.7)),
    has_ranges=st.booleans(),
)
def test_a_volume_is_exact_or_says_where_not(seed, syntax, kinds, share, has_ranges):
    """E1, E3: drops, truncation, wrong ranges, 5xx, pages, texts: exact or listed, never wrong."""
    store, chance = replace(STORES[syntax], ranges=has_ranges), random.Random(seed)

    def handler(asked):
        reply = store(asked)
        if store.slice_of(asked) is None or chance.random() >= share:
            return reply
        return FAULTS[chance.choice(kinds)](reply, chance)

    forget_habits()
    with WebServer(handler) as server:
        entry = loading.first_choice(loading.describe(server.url + store.path))
        assert entry is not None
        with loading.open_entry(entry) as volume:
            state = volume.wait(60)
            status, failed = volume.qualities().status, volume.qualities().failed
            assert state.is_over
            assert (state is loading.LoadState.COMPLETE) == (not failed)
            for k in range(SLICES):
                if status[k] >= loading.Status.LOSSY:
                    assert np.array_equal(volume.array[k], VOLUME[k])
                else:
                    assert failed[k]


@pytest.mark.parametrize("syntax", sorted(STORES))
def test_a_server_that_is_busy_now_and_then_costs_nothing(syntax):
    """P6: every first answer to a request is 503; the volume is whole and exact."""
    store, seen, guard = STORES[syntax], set[tuple[str, str]](), threading.Lock()

    def handler(asked):
        reply, key = store(asked), (asked.path, asked.headers.get("range", ""))
        with guard:
            is_first = key not in seen
            seen.add(key)
        is_frame = store.slice_of(asked) is not None
        return FAULTS["unavailable"](reply, None) if is_frame and is_first else reply

    forget_habits()
    with WebServer(handler) as server, loading.open_volume(server.url + store.path) as volume:
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, VOLUME)
