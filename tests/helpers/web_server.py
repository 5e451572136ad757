"""A web server that can be told to misbehave; loopback, a free port, ended with the test.

The handler is a function from `Asked` to `Reply`; what a reply may do wrong stands in its fields.
"""

import contextlib
import gzip
import http.server
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    at_s: float
    connection: int

    @property
    def span(self) -> tuple[int, int | None] | None:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        return None if match is None else (int(match[1]), int(match[2]) + 1 if match[2] else None)


@dataclass
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    drop_after: int | None = None
    """Close the connection after so many bytes of the body."""
    drip_s: float = 0.0
    """Send a byte, wait so long, and so on (slow loris)."""
    says_length: bool = True
    length: int | None = None
    """Content-Length to claim instead of the true one."""


Handler = Callable[[Asked], Reply]


class WebServer:
    """Answer on loopback until the `with` block ends."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.asked: list[Asked] = []
        self.open_now = 0
        self.most_at_once = 0
        self.is_ending = threading.Event()
        self._lock = threading.Lock()
        owner = self

        class OneConnection(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                owner._answer(self)

            do_HEAD = do_POST = do_OPTIONS = do_GET

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                pass  # a client that went away

        self._server = Server(("127.0.0.1", 0), OneConnection)
        scheme = "http"
        if tls is not None:
            scheme = "https"
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_port
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> "WebServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def _answer(self, connection: http.server.BaseHTTPRequestHandler) -> None:
        parts = urlsplit(connection.path)
        asked = Asked(
            connection.command,
            parts.path,
            parse_qs(parts.query),
            {name.lower(): value for name, value in connection.headers.items()},
            time.perf_counter(),
            id(connection),
        )
        with self._lock:
            self.asked.append(asked)
            self.open_now += 1
            self.most_at_once = max(self.most_at_once, self.open_now)
        try:
            self._send(connection, self.handler(asked))
        finally:
            with self._lock:
                self.open_now -= 1

    def _send(self, connection: http.server.BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.delay_s:
            self.is_ending.wait(reply.delay_s)
        length = len(reply.body) if reply.length is None else reply.length
        connection.send_response_only(reply.status)
        for name, value in reply.headers.items():
            connection.send_header(name, value)
        if reply.says_length:
            connection.send_header("Content-Length", str(length))
        else:
            connection.send_header("Connection", "close")
        connection.end_headers()
        body = b"" if connection.command == "HEAD" else reply.body
        if reply.drop_after is not None:
            connection.wfile.write(body[: reply.drop_after])
            connection.wfile.flush()
            connection.close_connection = True
            with contextlib.suppress(OSError):
                connection.connection.shutdown(socket.SHUT_RDWR)
            return
        if reply.drip_s:
            for at in range(len(body)):
                if self.is_ending.is_set():
                    return
                connection.wfile.write(body[at : at + 1])
                connection.wfile.flush()
                self.is_ending.wait(reply.drip_s)
            return
        connection.wfile.write(body)
        if not reply.says_length:
            connection.close_connection = True


def with_ranges(reply: Reply, asked: Asked) -> Reply:
    """Cut a good answer to the part that was asked for, as a server of static files does."""
    span = asked.span
    if reply.status != 200 or span is None:
        return reply
    if_range = asked.headers.get("if-range")
    if if_range is not None and if_range != reply.headers.get("ETag"):
        return reply
    start, total = span[0], len(reply.body)
    stop = min(total, span[1] or total)
    if start >= total:
        return replace(reply, status=416, body=b"", headers={"Content-Range": f"bytes */{total}"})
    headers = reply.headers | {"Content-Range": f"bytes {start}-{stop - 1}/{total}"}
    return replace(reply, status=206, headers=headers, body=reply.body[start:stop])


def gzipped(reply: Reply) -> Reply:
    headers = reply.headers | {"Content-Encoding": "gzip"}
    return replace(reply, body=gzip.compress(reply.body, 1), headers=headers)


def certificate(folder: Path, name: str = "IP:127.0.0.1", days: int = 2) -> tuple[Path, Path]:
    """Make a certificate that signs itself, and its key, with the openssl program."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program is not installed")
    chain, key = folder / "chain.pem", folder / "key.pem"
    key_kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=voxtide test", "-addext", f"subjectAltName={name}"]
    files = ["-keyout", str(key), "-out", str(chain), "-days", str(days)]
    subprocess.run(
        ["openssl", "req", "-x509", *key_kind, *names, *files], check=True, capture_output=True
    )
    return chain, key


def tls_context(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context
