"""`voxtide serve` as a process of its own, and the folder of a page, for tests."""

from __future__ import annotations

import contextlib
import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def served(tree: Path, *options: object) -> Iterator[str]:
    """Serve a tree; gives the root of the service."""
    command = [sys.executable, "-m", "app.cli", "serve", tree, "--port", 0, *options]
    with subprocess.Popen(
        [*map(str, command), "--until-input-ends"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline().strip()
            assert line.startswith("http://127.0.0.1:"), line
            yield line
        finally:
            process.stdin.close()
            process.wait(60)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012 -- as in the class above
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *words: object) -> None:
        pass


@contextlib.contextmanager
def page_server(folder: Path) -> Iterator[str]:
    """Serve the files of a page; gives its root."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
