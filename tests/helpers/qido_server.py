"""A search server on loopback that can be made as odd as servers in the wild are."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.helpers.web_server import tls_context

Reply = tuple[int, dict[str, str], bytes]


def element(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


def study_row(number: int, **more: Any) -> dict[str, Any]:
    row = {
        "0020000D": element("UI", f"1.2.{number}"),
        "00100010": element("PN", {"Alphabetic": f"PATIENT^{number:04d}"}),
        "00100020": element("LO", f"ID{number}"),
        "00080020": element("DA", f"2025{1 + number % 12:02d}{1 + number % 28:02d}"),
        "00081030": element("LO", f"Study {number}"),
        "00080061": element("CS", "CT" if number % 2 else "MR"),
        "00201206": element("IS", 2),
        "00201208": element("IS", 2 * number),
    }
    return {**row, **more}


def series_row(number: int, **more: Any) -> dict[str, Any]:
    row = {
        "0020000E": element("UI", f"1.2.0.{number}"),
        "00200011": element("IS", number),
        "00080060": element("CS", "CT"),
        "0008103E": element("LO", f"Series {number}"),
        "00201209": element("IS", 10 * number),
    }
    return {**row, **more}


@dataclass
class Habits:
    """How the server behaves.

    Attributes
    ----------
    cap : int
        Most rows of a page, whatever is asked for.
    ignores_offset, ignores_limit, overlaps, invents : bool
        Gives the first page for ever; gives everything; repeats the last row of the page before;
        makes up new rows without end.
    refuses : tuple of str
        Parameters that are answered with 400.
    decodes : bool
        Percent-encoding in values is decoded, as it should be.
    override : callable
        Gets path and headers, gives the whole answer or None.
    """

    studies: list[dict[str, Any]] = field(default_factory=list)
    series: list[dict[str, Any]] = field(default_factory=list)
    cap: int = 0
    ignores_offset: bool = False
    ignores_limit: bool = False
    overlaps: bool = False
    invents: bool = False
    refuses: tuple[str, ...] = ()
    decodes: bool = True
    user: str = ""
    password: str = ""
    override: Callable[[str, Any], Reply | None] = lambda path, headers: None
    requests: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    url: str = ""


def _matches(row: dict[str, Any], query: dict[str, list[str]], habits: Habits) -> bool:
    import fnmatch

    tags = {"PatientName": "00100010", "PatientID": "00100020", "StudyDescription": "00081030",
            "ModalitiesInStudy": "00080061", "StudyInstanceUID": "0020000D"}  # fmt: skip
    for key, tag in tags.items():
        for wanted in query.get(key, []):
            value = row[tag]["Value"][0]
            text = value["Alphabetic"] if isinstance(value, dict) else str(value)
            if not fnmatch.fnmatchcase(text.lower(), wanted.lower()):
                return False
    return True


def _search(path: str, habits: Habits) -> Reply:
    parts = urlsplit(path)
    query = parse_qs(parts.query)
    if not habits.decodes:
        pairs = [pair.partition("=")[::2] for pair in parts.query.split("&") if pair]
        query = {}
        for key, value in pairs:
            query.setdefault(key, []).append(value)
    if any(name in query for name in habits.refuses):
        return 400, {}, b"no such parameter"
    rows = habits.series if "/series" in parts.path else habits.studies
    rows = [row for row in rows if _matches(row, query, habits)] if "/series" not in path else rows
    offset = 0 if habits.ignores_offset else int(query.get("offset", ["0"])[0])
    limit = int(query.get("limit", ["1000000"])[0])
    if habits.overlaps and offset:
        offset -= 1
    if habits.invents:
        rows = [study_row(n) for n in range(offset, offset + limit)]
        offset = 0
    if habits.ignores_limit:
        limit = len(rows)
    if habits.cap:
        limit = min(limit, habits.cap)
    page = rows[offset : offset + limit]
    if not page:
        return 204, {}, b""
    return 200, {"Content-Type": "application/dicom+json"}, json.dumps(page).encode()


@contextmanager
def qido_server(habits: Habits, certificate: tuple[Path, Path] | None = None) -> Iterator[Habits]:
    """Run the server until the end of the block; `habits.url` is its root."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            habits.requests.append(self.path)
            given = self.headers.get("Authorization", "")
            habits.authorizations.append(given)
            status, headers, body = self._reply(given)
            if "gzip" in self.headers.get("Accept-Encoding", "") and status == 200:
                headers, body = {**headers, "Content-Encoding": "gzip"}, gzip.compress(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _reply(self, given: str) -> Reply:
            special = habits.override(unquote(self.path), self.headers)
            if special is not None:
                return special
            if habits.user:
                pair = f"{habits.user}:{habits.password}".encode()
                if given != "Basic " + base64.b64encode(pair).decode():
                    return 401, {"WWW-Authenticate": 'Basic realm="Test archive"'}, b""
            return _search(self.path, habits)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass  # a client that hangs up, or refuses the certificate

    server = Server(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificate is not None:
        server.socket = tls_context(*certificate).wrap_socket(server.socket, server_side=True)
        scheme = "https"
    habits.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/rs"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield habits
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
