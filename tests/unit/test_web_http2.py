"""HTTP/2 against a real server of it: one connection, many requests, and TLS that is verified."""

import json
import threading

import numpy as np
import pytest

import loading
from loading.web import http, surroundings, trouble
from loading.web.http import HttpClient, HttpRequest
from loading.web.trouble import BadCertificate
from loading.web.wado import forget_habits
from tests.helpers.http2_server import Http2Server
from tests.helpers.web_loads import LONG_S
from tests.helpers.web_server import certificate

AT_ONCE = 30


@pytest.fixture
def signed(tmp_path):
    """A certificate that signs itself, and its key."""
    return certificate(tmp_path)


@pytest.fixture
def knowing(signed):
    """A client that trusts that certificate, and no other."""
    client = HttpClient(trust=str(signed[0]))
    yield client
    client.close()


def counts(client, server):
    return json.loads(bytes(client.get(HttpRequest(server.url + "/counts")).body))


def test_many_requests_share_one_connection(signed, knowing):
    """H6, Y7: thirty requests that are only answered together, over one connection."""
    got, all_there = [], threading.Event()

    def done(answer):
        got.append(answer)
        if len(got) == AT_ONCE:
            all_there.set()

    with Http2Server(*signed, together=AT_ONCE) as server:
        # the first one tells which version the server speaks
        assert counts(knowing, server) == {"versions": {"2": 1}, "connections": 1}
        for _ in range(AT_ONCE):
            knowing.send(HttpRequest(server.url + "/together"), done)
        assert all_there.wait(LONG_S)
        assert {answer.version for answer in got} == {"2"}
        assert {bytes(answer.body) for answer in got} == {b"now"}
        assert counts(knowing, server) == {"versions": {"2": AT_ONCE + 2}, "connections": 1}
        assert knowing.room(server.url) == http.STREAMS


def test_a_volume_comes_over_one_connection(signed, knowing, monkeypatch):
    """J5, H1: ranges over HTTP/2, bit for bit, the server trusted as the system would have it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(signed[0]))
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.005)
    surroundings.trust_file.cache_clear()
    forget_habits()
    try:
        with Http2Server(*signed, slices=20, size=128) as server:
            with loading.open_volume(server.url + server.store.path) as volume:
                assert volume.wait(LONG_S) is loading.LoadState.COMPLETE, volume.failures
                assert np.array_equal(volume.array, server.store.volume)
                asked = volume.requests
            assert counts(knowing, server) == {"versions": {"2": asked + 1}, "connections": 2}
    finally:
        surroundings.trust_file.cache_clear()


def test_whom_nobody_vouches_for_is_not_asked(signed, knowing):
    """H6: HTTP/2 or not, a certificate that is not trusted ends it before a request is sent."""
    stranger = HttpClient()
    with Http2Server(*signed) as server:
        with pytest.raises(BadCertificate):
            stranger.get(HttpRequest(server.url + "/anything"))
        assert counts(knowing, server) == {"versions": {"2": 1}, "connections": 1}
    stranger.close()
