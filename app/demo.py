"""The built-in head, as a server on a slow line would give it: published, served, opened.

A child process publishes it once for each user, as it is, and serves it on the loopback interface
behind a simulated line; this process opens the address like any other. Where any of that fails,
the folder is opened instead, with a notice that says why.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.resources import resource_path

if TYPE_CHECKING:
    from loading import CancelToken, Catalogue
    from loading.catalogue import Progress

_log = logging.getLogger(__name__)

SCHEME = "demo"
URI = "demo://colin27"
MBIT, RTT_MS = 30, 40
START_TIMEOUT_S = 15.0


class DemoServer:
    """The child that serves the head; one for as long as this process runs."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None
        self._root = ""

    def begin(self) -> None:
        """Start it, without waiting; an error is told by `root`."""
        with self._guard:
            if self._process is not None and self._process.poll() is None:
                return
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
            self._root = ""
            self._lines = queue.SimpleQueue()
            try:
                self._process = _start()
            except OSError as error:
                self._process = None
                self._lines.put(f"! {error}")
                return
            # it waits for a line, which nobody else does
            self._reader = threading.Thread(
                target=_read_line, args=(self._process, self._lines), daemon=True
            )
            self._reader.start()

    def root(self, cancel: CancelToken) -> str:
        """Give the address of the service.

        Raises
        ------
        LoadError
            When it did not start; Cancelled when told to stop.
        """
        from loading.errors import LoadError
        from loading.web import frame_cache

        self.begin()
        end = time.monotonic() + START_TIMEOUT_S
        while not self._root:
            cancel.check()
            try:
                line = self._lines.get(timeout=0.1)
            except queue.Empty:
                if time.monotonic() < end:
                    continue
                line = f"it did not start within {START_TIMEOUT_S:g} s"
            if not line.startswith("http://127.0.0.1:"):
                self.end()
                raise LoadError(f"The server of the demo failed ({line})")
            frame_cache.leave_out(line)  # next time it is another port
            self._root = line
        return self._root

    def end(self) -> None:
        """Stop the child."""
        with self._guard:
            process, self._process, self._root = self._process, None, ""
            reader, self._reader = self._reader, None
        if process is not None and reader is not None:
            process.kill()
            process.wait()
            reader.join()
            if process.stdin is not None:
                process.stdin.close()


server = DemoServer()


def register() -> None:
    """Let addresses of the demo be opened."""
    from loading import registry

    registry.register(SCHEME, describe, replace=True)


def describe(
    uris: Sequence[str],
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Catalogue:
    """Describe the head: from its server, or else from its folder with a notice."""
    import loading

    cancel = cancel or loading.CancelToken()
    try:
        address = _address(server.root(cancel))
        return loading.registry.describe(address, progress, cancel)
    except loading.Cancelled:
        raise
    except loading.LoadError as error:
        _log.warning("the demo is opened from its folder: %s", error)
        catalogue = loading.registry.describe(str(_folder()), progress, cancel)
        told = loading.notice("demo_from_folder", reason=error.what)
        return replace(catalogue, warnings=(*catalogue.warnings, told))


def _folder() -> Path:
    return resource_path("demo", "colin27")


def _address(root: str) -> str:
    from loading.dicom.reader import HeaderReader
    from loading.publish.finding import uids_of

    first = min(_folder().glob("*.dcm"))
    study, series, _ = uids_of(HeaderReader().read_file(str(first)))
    return f"{root}/studies/{study}/series/{series}"


def _tree() -> Path:
    """Give the folder of the published head: another one for another head."""
    from app.settings import cache_folder

    listing = [f"{path.name} {path.stat().st_size}" for path in sorted(_folder().iterdir())]
    name = hashlib.sha256("\n".join(listing).encode()).hexdigest()[:12]
    return cache_folder() / "demo" / name


def _start() -> subprocess.Popen[str]:
    here = Path(__file__).resolve().parents[1]
    program = [sys.executable, "-m", "app.cli"]
    if getattr(sys, "frozen", False):
        program = [sys.executable]
    words = ["serve", _tree(), "--publish", _folder(), "--port", 0, "--mbit", MBIT]
    words += ["--rtt-ms", RTT_MS, "--until-input-ends"]
    return subprocess.Popen(
        [*program, *map(str, words)],
        cwd=None if getattr(sys, "frozen", False) else here,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _read_line(process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    """Wait for what the child says first: its address, or why it has none."""
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(line.strip())
    lines.put(f"it ended with status {process.wait()}")
