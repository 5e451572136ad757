"""Sources over the line keep the contract of all sources."""

import pytest

import loading
from loading.web import trouble
from loading.web.wado import forget_habits
from tests.contracts.source_contract import SourceContract
from tests.helpers.dicomweb_store import HTJ2K, JPEG_LS, RAW, Store, phantom
from tests.helpers.web_server import WebServer

VOLUME = phantom(6, 64)


@pytest.fixture(params=[HTJ2K, JPEG_LS, RAW])
def store(request, monkeypatch):
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.005)
    forget_habits()
    return Store(VOLUME, request.param)


class TestWebSource(SourceContract):
    @pytest.fixture
    def entry(self, store):
        with WebServer(store) as server:
            yield loading.choose(loading.describe(server.url + store.path))

    @pytest.fixture
    def expected(self):
        return VOLUME

    @pytest.fixture
    def truncated(self, store):
        """Frames are cut on the server, which says their shorter length as if it were right."""
        servers = []

        def cut(share):
            store.frames = [frame[: int(len(frame) * share)] for frame in store.frames_of()]
            server = WebServer(store)
            server.__enter__()
            servers.append(server)
            return loading.choose(loading.describe(server.url + store.path))

        yield cut
        for server in servers:
            server.__exit__()
