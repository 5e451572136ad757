"""A real server of HTTP/2 over TLS in a process of its own: hypercorn, with a small series.

usage: python -m tests.helpers.http2_server CHAIN KEY SLICES SIZE TOGETHER

It prints its port. `/together` is answered only once so many such requests are there, `/counts`
says in JSON what was seen.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.helpers.dicomweb_store import Store, phantom
from tests.helpers.web_server import Asked, Reply

ROOT = Path(__file__).resolve().parents[2]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Http2Server:
    """Run the server until the `with` block ends."""

    def __init__(
        self, chain: Path, key: Path, *, slices: int = 3, size: int = 64, together: int = 1
    ) -> None:
        self.store = Store(phantom(slices, size))
        words = [str(chain), str(key), str(slices), str(size), str(together)]
        self._command = [sys.executable, "-m", "tests.helpers.http2_server", *words]

    def __enter__(self) -> Http2Server:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the server did not start"
        self.url = f"https://127.0.0.1:{line.strip()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


class _Application:
    def __init__(self, store: Store, together: int) -> None:
        self._store = store
        self._together = together
        self._waiting = 0
        self._all_there = asyncio.Event()
        self._versions: Counter[str] = Counter()
        self._connections: set[tuple[object, ...]] = set()

    async def __call__(self, scope: dict[str, Any], receive: object, send: Send) -> None:
        if scope["type"] != "http":
            return
        self._versions[scope["http_version"]] += 1
        self._connections.add(tuple(scope["client"]))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        reply = await self._answer(
            Asked(scope["method"], scope["path"], {}, headers, 0.0, scope["client"][1])
        )
        head = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
        head.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        await send({"type": "http.response.body", "body": reply.body})

    async def _answer(self, asked: Asked) -> Reply:
        if asked.path == "/together":
            self._waiting += 1
            if self._waiting >= self._together:
                self._all_there.set()
            await self._all_there.wait()
            return Reply(body=b"now")
        if asked.path == "/counts":
            seen = {"versions": self._versions, "connections": len(self._connections)}
            return Reply(body=json.dumps(seen).encode())
        return self._store(asked)


def main() -> None:
    chain, key = sys.argv[1:3]
    slices, size, together = map(int, sys.argv[3:])
    config = Config()
    config.certfile, config.keyfile = chain, key
    config.alpn_protocols = ["h2", "http/1.1"]
    listening = socket.create_server(("127.0.0.1", 0))
    config.bind = [f"fd://{listening.fileno()}"]

    async def run() -> None:
        application: Any = _Application(Store(phantom(slices, size)), together)
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        await serve(application, config, mode="asgi")

    asyncio.run(run())


if __name__ == "__main__":
    main()
