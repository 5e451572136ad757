"""The HTTP client against a server that does what servers do."""

import gzip
import ssl
import threading
import time

import pytest

import loading
from loading.sources.base import CancelToken
from loading.web import http, surroundings, trouble
from loading.web.http import HttpClient, HttpRequest, Span
from loading.web.messages import Origin, without_secrets
from loading.web.trouble import BadCertificate, pause_s
from tests.helpers.web_loads import until
from tests.helpers.web_server import Reply, WebServer, certificate, tls_context, with_ranges

TEXT = b"0123456789" * 50


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.005)
    client = HttpClient()
    yield client
    client.close()


def answers(*replies):
    """Give a handler that answers with these in turn, the last one for ever."""
    left = list(replies)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


def test_a_connection_is_used_again(client):
    """H6: keep-alive; the second request makes no connection."""
    with WebServer(answers(Reply(body=TEXT))) as server:
        first = client.get(HttpRequest(server.url + "/a"))
        second = client.get(HttpRequest(server.url + "/b"))
    assert first.body == second.body == TEXT
    assert first.fresh
    assert not second.fresh
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says(client, status):
    """P6: Retry-After is kept, and less is asked for at once."""
    busy = Reply(status, {"Retry-After": "1"}, b"busy")
    with WebServer(answers(busy, Reply(body=TEXT))) as server:
        assert client.get(HttpRequest(server.url)).body == TEXT
        assert client.room(server.url) <= http.CONNECTIONS // 2
    first, second = server.asked
    assert second.at_s - first.at_s >= 0.95


def test_failures_that_pass_are_tried_again_and_others_not(client):
    """P6: 5xx and broken lines are tried again, 404, 403 and 400 are not."""
    bad = Reply(502, {}, b"")
    cut = Reply(200, {}, TEXT, drop_after=20)
    with WebServer(answers(bad, cut, Reply(body=TEXT))) as server:
        assert client.get(HttpRequest(server.url)).body == TEXT
        assert len(server.asked) == 3
    for status, kind in ((404, loading.NotFound), (403, loading.Unauthorised)):
        with WebServer(answers(Reply(status))) as server:
            with pytest.raises(kind):
                client.get(HttpRequest(server.url))
            assert len(server.asked) == 1


def test_attempts_are_bounded_and_pauses_grow():
    """P6: exponential with jitter, up to a ceiling; a date is understood too."""
    failed = http.HttpResponse("http://h/", 500)
    pauses = [pause_s(n, failed, None) for n in range(1, 12)]
    assert all(p is not None and p <= trouble.LONGEST_PAUSE_S for p in pauses)
    assert (pauses[5] or 0) > (pauses[0] or 0)
    assert pause_s(1, http.HttpResponse("http://h/", 404), None) is None
    dated = http.HttpResponse("http://h/", 503, {"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"})
    assert pause_s(1, dated, None) == trouble.LONGEST_PAUSE_S
    assert pause_s(1, None, trouble.LineBroken("x")) is not None
    assert pause_s(1, None, loading.BadResponse("x")) is None


def test_a_stall_ends_in_a_timeout(client):
    """P6: nothing for so long; a byte now and then is nothing, too."""
    loris = Reply(200, {}, TEXT, drip_s=0.2)
    for reply in (Reply(200, {}, TEXT, delay_s=8), loris):
        with WebServer(answers(reply)) as server, pytest.raises(loading.Timeout):
            client.get(HttpRequest(server.url, stall_s=1, attempts=1))


def test_a_bomb_is_refused_while_it_comes(client):
    """H5: what grows beyond the limit when decompressed is not held."""
    bomb = gzip.compress(bytes(30 << 20))
    reply = Reply(200, {"Content-Encoding": "gzip"}, bomb)
    with WebServer(answers(reply)) as server:
        with pytest.raises(loading.BadResponse, match="longer"):
            client.get(HttpRequest(server.url, compressed=True, max_bytes=1 << 20))
        whole = client.get(HttpRequest(server.url, compressed=True, max_bytes=31 << 20))
    assert len(whole.body) == 30 << 20
    assert whole.received == len(bomb)


def test_a_compressed_part_and_a_cut_stream_are_refused(client):
    """H5: a range of a gzip stream is no range of what it holds; a cut one is not whole."""
    packed = gzip.compress(TEXT)
    part = Reply(206, {"Content-Encoding": "gzip", "Content-Range": "bytes 0-9/99"}, packed)
    with WebServer(answers(part)) as server, pytest.raises(loading.BadResponse, match="part"):
        client.get(HttpRequest(server.url, span=Span(0, 10)))
    cut = Reply(200, {"Content-Encoding": "gzip"}, packed[:-6])
    with WebServer(answers(cut)) as server, pytest.raises(loading.ServerError, match="early"):
        client.get(HttpRequest(server.url, compressed=True, attempts=1))


def test_a_range_is_asked_for_as_such(client):
    """H1, H7: the headers of a range, and what comes back."""
    reply = Reply(200, {"ETag": '"v1"'}, TEXT)
    with WebServer(lambda asked: with_ranges(reply, asked)) as server:
        response = client.get(HttpRequest(server.url, span=Span(3, 9), if_range='"v1"'))
        assert response.body == TEXT[3:9]
        assert response.content_range == (3, 9, len(TEXT))
        other = client.get(HttpRequest(server.url, span=Span(3, 9), if_range='"v0"'))
        assert other.status == 200
        assert other.body == TEXT


class Keys:
    """A sign-in that knows one password, and counts how often it is asked."""

    def __init__(self, given="Basic right"):
        self.known, self.given, self.times = {}, given, 0

    def authorization(self, origin):
        return self.known.get(origin, "")

    def refused(self, origin, challenge, sent):
        self.times += 1
        time.sleep(0.05)
        self.known[origin] = self.given
        return self.given


def guarded(asked):
    if asked.headers.get("authorization") == "Basic right":
        return Reply(body=TEXT)
    return Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")


def test_a_refusal_asks_once_and_everything_goes_on(client):
    """E4: many requests, one question, all answered."""
    client.sign_in = keys = Keys()
    got, all_there = [], threading.Event()

    def done(answer):
        got.append(answer)
        if len(got) == 40:
            all_there.set()

    with WebServer(guarded) as server:
        for _ in range(40):
            client.send(HttpRequest(server.url), done)
        assert all_there.wait(60)
    assert keys.times == 1
    assert all(answer.status == 200 for answer in got)


def test_who_gives_no_sign_in_is_told_so(client):
    """E4: given up, it is an error that says what to do, not a loop."""
    client.sign_in = Keys(given="")
    with WebServer(guarded) as server, pytest.raises(loading.Unauthorised, match="Sign in"):
        client.get(HttpRequest(server.url))
    assert client.sign_in.times == 1


def test_authorization_stays_with_its_origin(client):
    """A redirect to another origin takes no header of the caller's along; one at home does."""
    with (
        WebServer(answers(Reply(body=TEXT))) as elsewhere,
        WebServer(
            lambda asked: (
                Reply(302, {"Location": f"{elsewhere.url}/x"})
                if asked.path == "/away"
                else Reply(307, {"Location": "/there"})
                if asked.path == "/home"
                else Reply(body=TEXT)
            )
        ) as server,
    ):
        client.sign_in = keys = Keys()
        keys.known[Origin("http", "127.0.0.1", server.port)] = "Bearer secret"
        key = (("X-Api-Key", "secret"),)
        assert client.get(HttpRequest(server.url + "/away", headers=key)).body == TEXT
        assert client.get(HttpRequest(server.url + "/home", headers=key)).body == TEXT
    assert "authorization" not in elsewhere.asked[0].headers
    assert "x-api-key" not in elsewhere.asked[0].headers
    assert server.asked[-1].path == "/there"
    assert server.asked[-1].headers["authorization"] == "Bearer secret"


def test_redirects_end(client):
    with WebServer(answers(Reply(302, {"Location": "/again"}))) as server:
        with pytest.raises(loading.BadResponse, match="without end"):
            client.get(HttpRequest(server.url))
        assert len(server.asked) == http.MAX_REDIRECTS + 1
    away = answers(Reply(302, {"Location": "file:///etc/passwd"}))
    with WebServer(away) as server, pytest.raises(loading.BadResponse):
        client.get(HttpRequest(server.url))


def test_a_cancelled_request_leaves_the_line_at_once(client):
    """X1: the socket closes within 200 ms, and nothing is handed over."""
    got: list[object] = []
    with WebServer(answers(Reply(200, {}, TEXT, drip_s=0.02))) as server:
        grew = threading.Event()
        exchange = client.send(HttpRequest(server.url), got.append, lambda _: grew.set())
        assert grew.wait(60)
        exchange.cancel()
        token = CancelToken()
        token.cancel()
        with pytest.raises(loading.Cancelled):
            client.get(HttpRequest(server.url), token)
        until(lambda: not server.open_now, "the end of the connection")
    assert got == []


def test_a_bad_certificate_is_an_error_with_its_reason(client, tmp_path):
    """H6: nothing is sent to who cannot prove who it is."""
    chain, key = certificate(tmp_path)
    with WebServer(answers(Reply(body=TEXT)), tls_context(chain, key)) as server:
        with pytest.raises(BadCertificate, match="certificate"):
            client.get(HttpRequest(server.url))
        assert server.asked == []
        knowing = HttpClient(trust=str(chain))
        assert knowing.get(HttpRequest(server.url)).body == TEXT
        knowing.close()


def test_a_certificate_of_another_host_is_refused(client, tmp_path):
    """H6: the name has to agree, too."""
    chain, key = certificate(tmp_path, "DNS:elsewhere.example")
    knowing = HttpClient(trust=str(chain))
    served = WebServer(answers(Reply(body=TEXT)), tls_context(chain, key))
    with served as server, pytest.raises(BadCertificate):
        knowing.get(HttpRequest(server.url))
    knowing.close()


def test_encryption_is_not_left_by_a_redirect(tmp_path):
    chain, key = certificate(tmp_path)
    knowing = HttpClient(trust=str(chain))
    reply = Reply(302, {"Location": "http://127.0.0.1:1/x"})
    served = WebServer(answers(reply), tls_context(chain, key))
    with served as server, pytest.raises(loading.BadResponse, match="without encryption"):
        knowing.get(HttpRequest(server.url))
    knowing.close()


def test_proxies_are_those_of_the_system(monkeypatch):
    """H6: the environment's proxy, its exceptions, and never for this machine itself."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert surroundings.proxy_for(Origin("https", "h.example", 443)) == "http://proxy.example:3128"
    assert surroundings.proxy_for(Origin("https", "inside.example", 443)) == ""
    assert surroundings.proxy_for(Origin("https", "127.0.0.1", 443)) == ""
    assert surroundings.proxy_for(Origin("http", "h.example", 80)) == ""


def test_connections_are_no_more_than_are_allowed(client):
    """Y7: so many at once to one server, however many requests there are."""
    got, all_there = [], threading.Event()

    def done(answer):
        got.append(answer)
        if len(got) == 120:
            all_there.set()

    with WebServer(answers(Reply(200, {}, b"x", delay_s=0.02))) as server:
        for _ in range(120):
            client.send(HttpRequest(server.url), done)
        assert all_there.wait(60)
        assert server.most_at_once <= http.CONNECTIONS
        assert len({one.connection for one in server.asked}) <= http.CONNECTIONS


def test_nothing_secret_is_shown_of_an_address():
    shown = without_secrets("https://me:word@h.example/a?token=abc&x=1")
    assert shown == "https://h.example/a?token=...&x=..."


def test_tls_is_verified_with_the_systems_certificates():
    path = surroundings.trust_file()
    assert path == "" or ssl.create_default_context(cafile=path).get_ca_certs()
