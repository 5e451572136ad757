"""A sign-in that expires while a volume loads."""

import threading

import numpy as np
import pytest

import loading
from loading.web.credentials import Identity, credentials
from loading.web.messages import origin_of
from tests.helpers.dicomweb_store import Store, phantom
from tests.helpers.web_loads import with_options
from tests.helpers.web_server import Reply, WebServer

VOLUME = phantom(40, 64)


class Gate:
    """A store that takes one token, and from some frame on only another one."""

    def __init__(self, store, expires_after):
        self.store, self.expires_after = store, expires_after
        self.frames = self.refused = 0
        self.guard = threading.Lock()

    def __call__(self, asked):
        given = asked.headers.get("authorization", "")
        with self.guard:
            wanted = "second" if self.frames >= self.expires_after else "first"
            if given != f"Bearer {wanted}":
                self.refused += 1
                return Reply(401, headers={"WWW-Authenticate": 'Bearer realm="Ward"'})
            self.frames += self.store.slice_of(asked) is not None
        return self.store(asked)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Answer for the user: the second token, once it is asked for."""
    # the server sees the requests in order: what is displayed comes before the sign-in ends
    with_options(monkeypatch, tmp_path, "concurrency = 2")
    challenges = []

    def ask(challenge):
        challenges.append(challenge)
        return Identity("bearer", secret="first" if len(challenges) == 1 else "second")

    before, credentials.ask = credentials.ask, ask
    yield challenges
    credentials.ask = before


def test_a_load_goes_on_after_one_question(asked):
    """E4: auth expiry pauses the queue once, asks once, resumes."""
    gate = Gate(Store(VOLUME), expires_after=15)
    with WebServer(gate) as server:
        volume = loading.open_volume(f"{server.url}{gate.store.path}")
        try:
            assert volume.wait(60) is loading.LoadState.COMPLETE, volume.failures
            assert np.array_equal(volume.stored(), VOLUME)
        finally:
            volume.close()
            credentials.set(origin_of(server.url), None)
    assert [one.was_signed_in for one in asked] == [False, True]
    assert gate.refused >= 2


def test_a_load_that_is_not_let_on_says_so_for_each_slice(asked):
    gate = Gate(Store(VOLUME), expires_after=15)
    with WebServer(gate) as server:
        first = credentials.ask
        assert first is not None

        def ask_once(challenge):
            if not asked:
                return first(challenge)
            asked.append(challenge)
            return None

        credentials.ask = ask_once
        volume = loading.open_volume(f"{server.url}{gate.store.path}")
        try:
            assert volume.wait(60) is loading.LoadState.COMPLETE_WITH_FAILURES
            assert 0 < len(volume.failures) < len(VOLUME)
            assert all("sign" in one.reason.lower() or "who asks" in one.reason
                       for one in volume.failures.values())  # fmt: skip
            assert len(asked) == 2
            # whoever tries again by hand is asked again
            credentials.ask = first
            credentials.allow_asking(origin_of(server.url))
            volume.retry_failed()
            assert volume.wait(60) is loading.LoadState.COMPLETE, volume.failures
            assert np.array_equal(volume.stored(), VOLUME)
        finally:
            volume.close()
            credentials.set(origin_of(server.url), None)
