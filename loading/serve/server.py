"""The HTTP server: aiohttp does the protocol, threads do the work, nobody holds up the others.

It listens on the loopback interface only and answers only to its own names, so that no page on
the net can make a browser read what is served here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from loading.errors import LoadError, NotFound
from loading.serve.link import Link, in_pieces
from loading.serve.messages import Ask, Piece, Refusal, Reply, apply_conditions
from loading.serve.resources import answer
from loading.serve.store import Store

_log = logging.getLogger(__name__)
_access = logging.getLogger(f"{__name__}.access")

PREFIX = "/dicomweb"
_MAX_CONNECTIONS = 400
_STALL_S = 30.0
"""A client that takes nothing for so long is let go."""
_BLOCK = 1 << 18
_AT_ONCE = 1 << 20
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_EXPOSED = (
    "Accept-Ranges, Content-Length, Content-Range, Content-Type, ETag, Last-Modified, Warning"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve.

    Attributes
    ----------
    port : int
        0 takes any that is free.
    mbit, rtt_ms : float
        Of a simulated line; 0: none.
    origins : tuple of str
        Web pages that may read, beside those of this machine (CORS).
    """

    port: int = 0
    mbit: float = 0.0
    rtt_ms: float = 0.0
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    port: int

    @property
    def url(self) -> str:
        """Give the root of the service."""
        return f"http://127.0.0.1:{self.port}{PREFIX}"


def serve(
    root: str | Path,
    settings: Settings | None = None,
    *,
    started: Callable[[Address], None] | None = None,
    until_input_ends: bool = False,
) -> None:
    """Serve a tree until the process is interrupted.

    Parameters
    ----------
    root : path
        Folder that `publish` wrote.
    started : callable, optional
        Called once the server listens.
    until_input_ends : bool
        Stop when standard input is closed, as it is when the process that started this one ends.

    Raises
    ------
    LoadError
        When there is no tree, or the port is taken.
    """
    settings = settings or Settings()
    if not (Path(root) / "studies").is_dir():
        raise NotFound(
            "There is no DICOMweb tree", where=str(root), cure="Make one with voxtide publish"
        )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Store(Path(root)), settings, started, until_input_ends))


async def _serve(
    store: Store,
    settings: Settings,
    started: Callable[[Address], None] | None,
    until_input_ends: bool,
) -> None:
    service = _Service(store, settings)
    listener = _listen(settings.port)
    port = listener.getsockname()[1]
    server = await asyncio.get_running_loop().create_server(service.protocol, sock=listener)
    try:
        if started is not None:
            started(Address(port))
        if until_input_ends:
            await asyncio.to_thread(sys.stdin.buffer.read)
        else:
            await asyncio.Event().wait()
    finally:
        server.close()
        await service.close()


def _listen(port: int) -> socket.socket:
    """Listen on the loopback interface, and nowhere else."""
    _raise_file_limit()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise LoadError(
            f"Port {port} cannot be used ({error.strerror})", cure="Choose another with --port"
        ) from error
    listener.listen(1024)
    return listener


def _raise_file_limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 4096:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))


class _Connection(web.RequestHandler):
    """One connection; the service knows which of them are at work."""

    service: _Service
    since = 0.0
    is_working = False
    is_new = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place; who idles longest gives way where all are taken."""
        super().connection_made(transport)
        self.since = time.monotonic()
        self.service.connections[self] = None
        self.service.make_room()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        self.service.connections.pop(self, None)
        super().connection_lost(exc)


class _Service:
    """What all connections share."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._origins = frozenset(settings.origins)
        self._link = Link(settings.mbit, settings.rtt_ms)
        self.connections: dict[_Connection, None] = {}
        # Frames and lists are read by threads of their own: who asks for pictures or searches
        # at length waits with others of the kind.
        self._readers = ThreadPoolExecutor(4, "serve-read")
        self._makers = ThreadPoolExecutor(2, "serve-make")
        self._server = web.Server(self._handle)

    def protocol(self) -> asyncio.Protocol:
        """Make the protocol of a new connection."""
        loop = asyncio.get_running_loop()
        connection = _Connection(
            self._server, loop=loop, access_log=_access, keepalive_timeout=75.0, lingering_time=2.0
        )
        connection.service = self
        return connection

    async def close(self) -> None:
        """End all connections and threads."""
        await self._server.shutdown(0.1)
        for pool in (self._readers, self._makers):
            pool.shutdown(wait=False, cancel_futures=True)

    def make_room(self) -> None:
        """Let the longest idle go, else the longest at work, when there are too many."""
        if len(self.connections) > _MAX_CONNECTIONS:
            oldest = min(self.connections, key=lambda one: (one.is_working, one.since))
            if oldest.transport is not None:
                oldest.transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)
        connection.since, connection.is_working = time.monotonic(), True
        try:
            await self._link.travel(is_new=connection.is_new)
            connection.is_new = False
            return await self._answer(request, connection)
        finally:
            connection.since, connection.is_working = time.monotonic(), False

    async def _answer(
        self, request: web.BaseRequest, connection: _Connection
    ) -> web.StreamResponse:
        reply = await self._reply(request)
        headers = {**reply.headers, **self._cross_origin(request)}
        if reply.type:
            headers["Content-Type"] = reply.type
        headers.setdefault("Cache-Control", "no-cache")
        response = web.StreamResponse(status=reply.status, headers=headers)
        if reply.length is not None and reply.status != 304:
            response.content_length = reply.length
        await response.prepare(request)
        await self._link.pass_on(sum(len(k) + len(v) + 4 for k, v in headers.items()) + 20)
        if request.method != "HEAD" and reply.status != 304:
            await self._send(response, reply, connection)
        return response

    async def _send(
        self, response: web.StreamResponse, reply: Reply, connection: _Connection
    ) -> None:
        """Send a body as fast as line and client take it; one that stalls is let go."""
        loop = asyncio.get_running_loop()
        blocks = _blocks(reply)
        ready = _is_ready(reply)
        try:
            while True:
                block = (
                    next(blocks, None)
                    if ready
                    else await loop.run_in_executor(self._readers, next, blocks, None)
                )
                if block is None:
                    break
                for piece in in_pieces(block) if self._link.is_shaped else (block,):
                    await self._link.pass_on(len(piece))
                    async with asyncio.timeout(_STALL_S):
                        await response.write(piece)
                    connection.since = time.monotonic()
            async with asyncio.timeout(_STALL_S):
                await response.write_eof()
        except (ConnectionError, TimeoutError, LoadError, OSError, Refusal):
            # What has been sent cannot be taken back: the client sees that the body is not whole.
            _log.debug("an answer was broken off", exc_info=True)
            if connection.transport is not None:
                connection.transport.abort()

    async def _reply(self, request: web.BaseRequest) -> Reply:
        if request.method == "OPTIONS":
            return Reply(204)
        try:
            ask = _ask(request)
            pool = self._readers if _is_light(ask) else self._makers
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(pool, _answer, self._store, ask)
        except Refusal as refusal:
            return refusal.reply()
        except (LoadError, OSError, ValueError) as error:
            _log.exception("a request could not be answered")
            return Refusal(500, f"{type(error).__name__}").reply()

    def _cross_origin(self, request: web.BaseRequest) -> dict[str, str]:
        """Let pages of this machine and those that were named read (CORS)."""
        origin = request.headers.get("Origin", "")
        host = origin.partition("://")[2]
        is_local = host in _LOCAL or host.rpartition(":")[0] in _LOCAL
        if not origin or not (is_local or origin in self._origins or "*" in self._origins):
            return {"Vary": "Origin"} if self._origins else {}
        told = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _EXPOSED,
            "Vary": "Origin",
        }
        if request.method == "OPTIONS":
            told["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
            told["Access-Control-Allow-Headers"] = request.headers.get(
                "Access-Control-Request-Headers", "*"
            )
            told["Access-Control-Max-Age"] = "7200"
        return told


def _ask(request: web.BaseRequest) -> Ask:
    """Read a request.

    Raises
    ------
    Refusal
        When it is for somebody else.
    """
    if request.host.rpartition(":")[0] not in _LOCAL and request.host not in _LOCAL:
        raise Refusal(421, "This server answers to 127.0.0.1 and localhost only")
    path = request.raw_path.partition("?")[0]
    if not path.startswith(f"{PREFIX}/"):
        raise Refusal(404, f"DICOMweb begins at {PREFIX}")
    return Ask(
        request.method,
        tuple(unquote(one) for one in path[len(PREFIX) + 1 :].rstrip("/").split("/")),
        tuple(request.query.items()),
        {name.lower(): value for name, value in request.headers.items()},
        f"http://{request.host}{PREFIX}",
    )


def _is_light(ask: Ask) -> bool:
    """Tell whether an answer is a file or part of one."""
    return ask.segments[-1] in ("metadata", "renditions", "thumbnail") or (
        len(ask.segments) == 8 and ask.segments[-1].isdecimal()
    )


def _answer(store: Store, ask: Ask) -> Reply:
    """Answer in a thread; what is short is read at once."""
    reply = apply_conditions(ask, answer(store, ask))
    if isinstance(reply.pieces, list) and (reply.length or 0) <= _AT_ONCE and ask.method != "HEAD":
        reply.pieces = [b"".join(_blocks(reply))]
    return reply


def _is_ready(reply: Reply) -> bool:
    """Tell whether no file has to be read any more."""
    return isinstance(reply.pieces, list) and all(isinstance(p, bytes) for p in reply.pieces)


def _blocks(reply: Reply) -> Iterator[bytes]:
    """Give a body in blocks; files are read as they are sent."""
    for piece in reply.pieces:
        yield from _blocks_of(piece)


def _blocks_of(piece: Piece) -> Iterator[bytes]:
    if isinstance(piece, bytes):
        for at in range(0, len(piece), _BLOCK):
            yield piece[at : at + _BLOCK]
        return
    with open(piece.path, "rb", buffering=0) as file:  # noqa: PTH123 -- the fast road
        file.seek(piece.offset)
        left = piece.length
        while left:
            block = file.read(min(left, _BLOCK))
            if not block:
                raise OSError("a file became shorter while it was sent")
            left -= len(block)
            yield block
