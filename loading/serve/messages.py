"""What is asked and what is answered, apart from any HTTP library.

Conditions and ranges (RFC 9110 13, 14) are worked out here, once for everything that is served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

JSON = "application/dicom+json"
_MAX_RANGES = 16
_SPAN = re.compile(r"(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    Attributes
    ----------
    segments : tuple of str
        Parts of the path below the root of the service, decoded.
    query : tuple of (str, str)
        Decoded.
    headers : mapping
        Names in lower case.
    base : str
        Address of the service as the client knows it.
    """

    method: str
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    base: str

    def header(self, name: str) -> str:
        """Give a header, empty where it is not there."""
        return self.headers.get(name, "")

    def parameter(self, name: str) -> str:
        """Give the first value of a query parameter, empty where it is not there."""
        return next((value for key, value in self.query if key.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of a file."""

    path: Path
    offset: int
    length: int


Piece = bytes | Slice


@dataclass(slots=True)
class Reply:
    """An answer.

    Attributes
    ----------
    pieces : list or iterator
        Its body in order; of an iterator the length is not known beforehand.
    tag : str
        Strong validator of the whole body, without quotes.
    changed : float
        When the body last changed, seconds; 0 when that is not known.
    """

    status: int = 200
    type: str = ""
    pieces: list[Piece] | Iterator[Piece] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    tag: str = ""
    changed: float = 0.0

    @property
    def length(self) -> int | None:
        """Count the bytes of the body, where that is known."""
        if not isinstance(self.pieces, list):
            return None
        return sum(len(p) if isinstance(p, bytes) else p.length for p in self.pieces)


class Refusal(Exception):
    """Raise to answer with a status and a sentence."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def reply(self) -> Reply:
        """Give the answer."""
        body = json.dumps({"message": str(self)}).encode()
        return Reply(self.status, "application/json", [body], dict(self.headers))


def json_reply(value: object, **headers: str) -> Reply:
    """Answer with DICOM JSON."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    told = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(200, JSON, [body], told)


def file_reply(path: Path, kind: str) -> Reply:
    """Answer with a file as it lies there; raise Refusal when it is not there."""
    try:
        status = path.stat()
    except OSError as error:
        raise Refusal(404, "There is no such resource") from error
    tag = f"{status.st_mtime_ns:x}-{status.st_size:x}"
    return Reply(200, kind, [Slice(path, 0, status.st_size)], {}, tag=tag, changed=status.st_mtime)


def apply_conditions(ask: Ask, reply: Reply) -> Reply:
    """Answer 304, 206 or 416 where the request's conditions and ranges ask for that."""
    if reply.status != 200 or not reply.tag or not isinstance(reply.pieces, list):
        return reply
    reply.headers["ETag"] = f'"{reply.tag}"'
    reply.headers["Accept-Ranges"] = "bytes"
    if reply.changed:
        reply.headers["Last-Modified"] = formatdate(reply.changed, usegmt=True)
    if _is_unchanged(ask, reply):
        return Reply(304, "", [], reply.headers)
    wanted = ask.header("range")
    if not wanted or ask.method != "GET" or not _may_range(ask, reply):
        return reply
    total = reply.length or 0
    spans = _spans(wanted, total)
    if spans is None:
        return reply
    if not spans:
        told = {**reply.headers, "Content-Range": f"bytes */{total}"}
        return Reply(416, "", [], told)
    return _partial(reply, spans, total)


def _is_unchanged(ask: Ask, reply: Reply) -> bool:
    told = ask.header("if-none-match")
    if told:
        names = {one.strip().removeprefix("W/").strip('"') for one in told.split(",")}
        return "*" in names or reply.tag in names
    since = _seconds(ask.header("if-modified-since"))
    return bool(since and reply.changed and int(reply.changed) <= since)


def _may_range(ask: Ask, reply: Reply) -> bool:
    """Tell whether what the client has is of this body (If-Range, RFC 9110 13.1.5)."""
    told = ask.header("if-range").strip()
    if not told:
        return True
    if told.startswith('"'):
        return told == f'"{reply.tag}"'
    since = _seconds(told)
    return bool(since and reply.changed and int(reply.changed) == since)


def _seconds(text: str) -> int:
    try:
        return int(parsedate_to_datetime(text).timestamp()) if text else 0
    except (ValueError, OverflowError, TypeError):
        return 0


def _spans(text: str, total: int) -> list[tuple[int, int]] | None:
    """Read a Range header: [begin, end) pairs, none that can be met, or None to ignore it."""
    unit, _, rest = text.partition("=")
    parts = rest.split(",")
    if unit.strip().lower() != "bytes" or len(parts) > _MAX_RANGES:
        return None
    spans = []
    for part in parts:
        match = _SPAN.fullmatch(part.strip())
        if match is None or not any(match.groups()):
            return None
        first, last = match.groups()
        if not first:
            begin, end = max(0, total - int(last)), total
        else:
            begin, end = int(first), min(int(last) + 1, total) if last else total
            if last and int(last) < begin:
                return None
        if begin < end:
            spans.append((begin, end))
    return spans


def _partial(reply: Reply, spans: list[tuple[int, int]], total: int) -> Reply:
    assert isinstance(reply.pieces, list)
    if len(spans) == 1:
        begin, end = spans[0]
        told = {**reply.headers, "Content-Range": f"bytes {begin}-{end - 1}/{total}"}
        return Reply(206, reply.type, cut(reply.pieces, begin, end), told)
    boundary = f"RANGES_{reply.tag}"
    pieces: list[Piece] = []
    for begin, end in spans:
        head = (
            f"\r\n--{boundary}\r\nContent-Type: {reply.type}\r\n"
            f"Content-Range: bytes {begin}-{end - 1}/{total}\r\n\r\n"
        )
        pieces += [head.encode(), *cut(reply.pieces, begin, end)]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return Reply(206, f"multipart/byteranges; boundary={boundary}", pieces, reply.headers)


def cut(pieces: list[Piece], begin: int, end: int) -> list[Piece]:
    """Give the bytes [begin, end) of a body."""
    found: list[Piece] = []
    at = 0
    for piece in pieces:
        length = len(piece) if isinstance(piece, bytes) else piece.length
        low, high = max(begin - at, 0), min(end - at, length)
        if low < high:
            if isinstance(piece, bytes):
                found.append(piece[low:high])
            else:
                found.append(Slice(piece.path, piece.offset + low, high - low))
        at += length
    return found
