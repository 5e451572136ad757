"""The HTTP client: many requests in flight on one thread.

    client = shared_client()
    response = client.get(HttpRequest(url))                 # waits; raises a LoadError
    exchange = client.send(HttpRequest(url), done)          # does not wait
    exchange.cancel()

One pool of connections for each origin, used again, HTTP/2 where it is offered. Each request is
tried again as `loading.web.trouble` says. Redirects are followed by hand: Authorization and every
other header of the caller's stay with the origin that they were meant for.
"""

from __future__ import annotations

import atexit
import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache, partial
from typing import Protocol
from urllib.parse import urljoin

from loading.errors import BadResponse, Cancelled, LoadError, unexpected
from loading.sources.base import CancelToken
from loading.web.credentials import credentials
from loading.web.curl_loop import CurlLoop
from loading.web.line import Line
from loading.web.messages import (
    HttpRequest,
    HttpResponse,
    Origin,
    Span,
    origin_of,
    without_secrets,
)
from loading.web.shares import Shares
from loading.web.surroundings import proxy_for, trust_file
from loading.web.transfer import Transfer
from loading.web.trouble import BUSY, error_of, pause_s, retry_after_s

__all__ = [
    "Exchange",
    "HttpClient",
    "HttpRequest",
    "HttpResponse",
    "SignIn",
    "Span",
    "shared_client",
]

_log = logging.getLogger(__name__)

CONNECTIONS = 48
"""Connections to one HTTP/1.1 server; each carries one request at a time."""
STREAMS = 100
"""Requests at once over one HTTP/2 connection; servers allow a hundred (RFC 9113 6.5.2)."""
MAX_REDIRECTS = 8
_LEAST_SLOTS = 2
_FOLLOWED = frozenset({301, 302, 303, 307, 308})


class SignIn(Protocol):
    """Say who asks. `app` implements it with dialogs and the keyring."""

    def authorization(self, origin: Origin) -> str:
        """Give the Authorization header for an origin, or nothing.

        Called on the network thread for each request: it must not wait.
        """
        ...

    def refused(self, origin: Origin, challenge: str, sent: str) -> str:
        """Give another Authorization header after a 401, or nothing to give up.

        Called on a thread of its own, once at a time for an origin: it may ask a person.
        `challenge` is the WWW-Authenticate header, `sent` the Authorization that was refused.
        """
        ...


class Exchange:
    """A request that was sent, until its answer is there."""

    def __init__(
        self,
        client: HttpClient,
        request: HttpRequest,
        done: Callable[[HttpResponse | LoadError], None],
        grew: Callable[[HttpResponse], None] | None,
    ) -> None:
        self.request = request
        self.done = done
        self.grew = grew
        self.url = request.url
        self.origin = origin_of(request.url)
        self.attempt = 0
        self.redirects = 0
        self.sent_authorization = ""
        self.transfer: Transfer | None = None
        self.is_over = False
        self._client = client

    def cancel(self) -> None:
        """Stop it: `done` is not called any more, unless it is being called at this moment."""
        self.is_over = True
        self._client.call_soon(lambda: self._client.drop(self))


class _Host:
    """What is known of one origin, and what waits for it."""

    def __init__(self) -> None:
        self.line = Line()
        self.shares = Shares()
        self.slots = CONNECTIONS
        self.most = CONNECTIONS
        self.in_flight: set[Exchange] = set()
        self.waiting: deque[Exchange] = deque()
        self.paused_until_s = 0.0
        self.asks = False
        self.good = 0

    def be_gentle(self) -> None:
        """Ask for less at once: the server said that it is too much."""
        self.slots = max(_LEAST_SLOTS, self.slots // 2)
        self.good = 0

    def went_well(self, version: str) -> None:
        """Ask for more again, little by little; for much more at once over HTTP/2."""
        if version == "2" and self.most != STREAMS:
            self.most = self.slots = STREAMS
        self.good += 1
        if self.good >= self.slots and self.slots < self.most:
            self.slots += 1
            self.good = 0


class HttpClient:
    """Send requests and hand out answers.

    Parameters
    ----------
    sign_in : SignIn, optional
        Who knows the Authorization of an origin.
    trust : str, optional
        File of certificates to trust instead of the system's.
    """

    def __init__(self, sign_in: SignIn | None = None, trust: str | None = None) -> None:
        self.sign_in = sign_in
        self._trust = trust
        self._loop = CurlLoop(self._ended)
        self._hosts: dict[Origin, _Host] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._posted: deque[Callable[[], None]] = deque()
        self._count = itertools.count()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    # -- for everybody, from any thread -------------------------------------------------------

    def get(self, request: HttpRequest, cancel: CancelToken | None = None) -> HttpResponse:
        """Send a request, wait, and give the answer of a success.

        Raises
        ------
        LoadError
            Of what went wrong, the status included; Cancelled when `cancel` is set.
        """
        arrived = threading.Event()
        answers: list[HttpResponse | LoadError] = []

        def done(answer: HttpResponse | LoadError) -> None:
            answers.append(answer)
            arrived.set()

        exchange = self.send(request, done)
        while not arrived.wait(0.05):
            if cancel is not None and cancel.is_cancelled:
                exchange.cancel()
                raise Cancelled("Stopped")
        answer = answers[0]
        failed = answer if isinstance(answer, LoadError) else error_of(answer)
        if failed is not None:
            raise failed
        assert isinstance(answer, HttpResponse)
        return answer

    def send(
        self,
        request: HttpRequest,
        done: Callable[[HttpResponse | LoadError], None],
        grew: Callable[[HttpResponse], None] | None = None,
    ) -> Exchange:
        """Send a request and return at once.

        Parameters
        ----------
        done : callable
            Gets the answer, whatever its status, or the LoadError why there is none; called once,
            on the network thread: it must not wait.
        grew : callable, optional
            Gets the answer so far each time bytes of the body have come, on the network thread.

        Raises
        ------
        BadResponse
            When the address is none.
        """
        exchange = Exchange(self, request, done, grew)
        if threading.current_thread() is self._thread:
            self._enqueue(exchange)
        else:
            self.call_soon(lambda: self._enqueue(exchange))
        return exchange

    def call_soon(self, call: Callable[[], None], delay_s: float = 0.0) -> None:
        """Have something called on the network thread, at once or later."""
        if delay_s > 0:
            when = time.perf_counter() + delay_s
            entry = (when, next(self._count), call)
            self._post(lambda: heapq.heappush(self._timers, entry))
        else:
            self._post(call)

    def line(self, url: str) -> Line:
        """Give what is known of the line to a server."""
        return self._host(origin_of(url)).line

    def shares(self, url: str) -> Shares:
        """Give how the line to a server is divided."""
        return self._host(origin_of(url)).shares

    def slots(self, url: str) -> int:
        """Tell how many requests a server may be sent at once."""
        return self._host(origin_of(url)).slots

    def room(self, url: str) -> int:
        """Tell how many more requests a server may be sent now; none while it wants a pause."""
        host = self._host(origin_of(url))
        if host.asks or host.paused_until_s > time.perf_counter():
            return 0
        return max(0, host.slots - len(host.in_flight) - len(host.waiting))

    def in_flight(self, url: str) -> int:
        """Count the requests to a server that are under way or wait for a place."""
        host = self._host(origin_of(url))
        return len(host.in_flight) + len(host.waiting)

    def close(self) -> None:
        """Drop everything and end the thread."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            thread = self._thread
        if thread is not None:
            self._loop.wake()
            thread.join(1.0)
        elif not was_closed:
            self._loop.close()

    # -- the network thread -------------------------------------------------------------------

    def _post(self, call: Callable[[], None]) -> None:
        with self._lock:
            self._posted.append(call)
            if self._thread is None and not self._is_closed:
                # daemon: it holds nothing that an ending process would lose
                self._thread = threading.Thread(target=self._run, name="network", daemon=True)
                self._thread.start()
                return
            if self._is_closed:
                return
        self._loop.wake()

    def _run(self) -> None:
        while not self._is_closed:
            while self._posted:
                _call(self._posted.popleft())
            now = time.perf_counter()
            while self._timers and self._timers[0][0] <= now:
                _call(heapq.heappop(self._timers)[2])
            if self._posted:
                continue
            wait_s = self._timers[0][0] - now if self._timers else IDLE_S
            had_events = self._loop.turn(max(0.0, wait_s))
            if not had_events and self._is_idle_for_good():
                return
        self._loop.close()

    def _is_idle_for_good(self) -> bool:
        """End the thread when there has been nothing to do; the next request makes another."""
        with self._lock:
            if self._posted or self._timers or self._loop.is_busy:
                return False
            self._thread = None
            return True

    def _host(self, origin: Origin) -> _Host:
        host = self._hosts.get(origin)
        return host if host is not None else self._hosts.setdefault(origin, _Host())

    def _enqueue(self, exchange: Exchange) -> None:
        if not exchange.is_over:
            host = self._host(exchange.origin)
            host.waiting.append(exchange)
            self._start_some(host)

    def _start_some(self, host: _Host) -> None:
        if host.asks:
            return
        late_s = host.paused_until_s - time.perf_counter()
        if late_s > 0:
            if host.waiting:
                self.call_soon(lambda: self._start_some(host), late_s)
            return
        while host.waiting and len(host.in_flight) < host.slots:
            exchange = host.waiting.popleft()
            if exchange.is_over:
                continue
            try:
                self._start(host, exchange)
            except Exception as error:
                _log.exception("a request could not be sent")
                host.in_flight.discard(exchange)
                failure = unexpected(error, without_secrets(exchange.url))
                self.call_soon(partial(self._finish, exchange, failure))

    def _start(self, host: _Host, exchange: Exchange) -> None:
        request = exchange.request
        lines: list[str] = []
        exchange.sent_authorization = ""
        if exchange.origin == origin_of(request.url):  # not after a redirect to elsewhere
            lines = [f"{name}: {value}" for name, value in request.headers]
            if request.sign_in and self.sign_in is not None:
                exchange.sent_authorization = self.sign_in.authorization(exchange.origin)
            if exchange.sent_authorization:
                lines.append(f"Authorization: {exchange.sent_authorization}")
        exchange.attempt += 1
        exchange.transfer = Transfer(
            request,
            exchange.url,
            lines,
            trust=trust_file() if self._trust is None else self._trust,
            proxy=proxy_for(exchange.origin),
            grew=self._grew,
        )
        exchange.transfer.tag = exchange
        exchange.transfer.response.sent_s = time.perf_counter()
        host.in_flight.add(exchange)
        self._loop.add(exchange.transfer)

    def _grew(self, transfer: Transfer, count: int) -> None:
        exchange = transfer.tag
        assert isinstance(exchange, Exchange)
        now = time.perf_counter()
        self._host(exchange.origin).line.note_bytes(count, now)
        if exchange.grew is not None and not exchange.is_over:
            grew = exchange.grew
            _call(lambda: grew(transfer.response))

    def _ended(self, transfer: Transfer, code: int, text: str) -> None:
        exchange = transfer.tag
        assert isinstance(exchange, Exchange)
        host = self._host(exchange.origin)
        host.in_flight.discard(exchange)
        error = transfer.end(code, text)
        response = transfer.response
        exchange.transfer = None
        if response.first_byte_s and response.fresh:
            trips = 3 if exchange.origin.scheme == "https" else 2
            host.line.note_first_wait(response.first_byte_s - response.sent_s, trips)
        elif response.first_byte_s:
            host.line.note_wait(response.first_byte_s - response.sent_s)
        host.line.note_body(response.received, response.ended_s - response.sent_s)
        if not exchange.is_over:
            self._judge(host, exchange, response, error)
        self._start_some(host)

    def _judge(
        self, host: _Host, exchange: Exchange, response: HttpResponse, error: LoadError | None
    ) -> None:
        """Hand out an answer, follow it, ask who asks, or try again."""
        if error is None and response.status in BUSY:
            host.be_gentle()
            wait = retry_after_s(response)
            if wait:
                host.paused_until_s = time.perf_counter() + min(wait, 20.0)
        if error is None and response.status in _FOLLOWED and response.header("location"):
            error = self._follow(exchange, response)
            if error is None:
                return
        if error is None and response.status == 401 and self._asks_who(host, exchange, response):
            return
        if error is None and response.status < 400:
            host.went_well(response.version)
        again_s = pause_s(exchange.attempt, response if error is None else None, error)
        if again_s is not None and exchange.attempt < exchange.request.attempts:
            _log.debug("again in %.2f s: %s", again_s, without_secrets(exchange.url))
            self.call_soon(lambda: self._enqueue(exchange), again_s or 1e-3)
            return
        self._finish(exchange, response if error is None else error)

    def _follow(self, exchange: Exchange, response: HttpResponse) -> LoadError | None:
        """Send it where a redirect says; give the reason when that must not be."""
        exchange.redirects += 1
        where = without_secrets(exchange.url)
        if exchange.redirects > MAX_REDIRECTS:
            return BadResponse("The server redirects without end", where=where)
        if exchange.request.method not in ("GET", "HEAD"):
            return BadResponse("The server redirects what was sent to it", where=where)
        target = urljoin(exchange.url, response.header("location")).partition("#")[0]
        try:
            origin = origin_of(target)
        except BadResponse as error:
            return error
        if exchange.origin.scheme == "https" and origin.scheme != "https":
            return BadResponse("The server redirects to an address without encryption", where=where)
        exchange.url, exchange.origin = target, origin
        exchange.attempt -= 1
        self._enqueue(exchange)
        return None

    def _asks_who(self, host: _Host, exchange: Exchange, response: HttpResponse) -> bool:
        """Ask once for a sign-in while everything else for this server waits; tell whether."""
        sign_in, origin = self.sign_in, exchange.origin
        may_ask = exchange.request.sign_in and origin == origin_of(exchange.request.url)
        if sign_in is None or not may_ask:
            return False
        if exchange.sent_authorization != sign_in.authorization(origin) or host.asks:
            exchange.attempt -= 1  # somebody has signed in, or is doing it, since this was sent
            host.waiting.append(exchange)
            return True
        host.asks = True
        challenge, sent = response.header("www-authenticate"), exchange.sent_authorization

        def answered(given: str) -> None:
            host.asks = False
            if given:
                exchange.attempt -= 1
                host.waiting.appendleft(exchange)
            else:
                self._refuse_all(host, exchange, response)
            self._start_some(host)

        def ask() -> None:
            given = ""
            try:
                given = sign_in.refused(origin, challenge, sent)
            except Exception:
                _log.exception("asking for a sign-in failed")
            self.call_soon(lambda: answered(given))

        threading.Thread(target=ask, name="sign-in", daemon=True).start()
        return True

    def _refuse_all(self, host: _Host, exchange: Exchange, response: HttpResponse) -> None:
        """Give all that waited for a sign-in the answer that there is none."""
        refused = [exchange, *(other for other in host.waiting if other.attempt)]
        for other in refused:
            if other in host.waiting:
                host.waiting.remove(other)
            self._finish(other, response)

    def _finish(self, exchange: Exchange, answer: HttpResponse | LoadError) -> None:
        if not exchange.is_over:
            exchange.is_over = True
            _call(lambda: exchange.done(answer))

    def drop(self, exchange: Exchange) -> None:
        """Take a cancelled exchange off the line; called on the network thread."""
        host = self._host(exchange.origin)
        if exchange.transfer is not None:
            self._loop.remove(exchange.transfer)
            exchange.transfer.close()
            exchange.transfer = None
            host.in_flight.discard(exchange)
            self._start_some(host)
        elif exchange in host.waiting:
            host.waiting.remove(exchange)


IDLE_S = 5.0


def _call(call: Callable[[], None]) -> None:
    """Call what others gave; what it raises must not end the thread."""
    try:
        call()
    except Exception:
        _log.exception("a call on the network thread failed")


@cache
def shared_client() -> HttpClient:
    """Give the client that the process shares: one thread, one pool for each server."""
    client = HttpClient(credentials)
    atexit.register(client.close)
    return client
