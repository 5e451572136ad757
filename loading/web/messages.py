"""What is asked of a server and what it answers: values, and the readings of headers.

Nothing here touches a socket; see `loading.web.http` for who sends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from loading.errors import BadResponse

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454): what credentials belong to."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = DEFAULT_PORTS.get(self.scheme) == self.port
        return f"{self.scheme}://{host}" + ("" if usual else f":{self.port}")


def origin_of(url: str) -> Origin:
    """Give the origin of an address.

    Raises
    ------
    BadResponse
        When it is no http or https address.
    """
    end = url.find("/", url.find("//") + 2)
    found = _origin_of(url if end < 0 else url[:end])
    if found is None:
        raise BadResponse("This is no http or https address", where=without_secrets(url))
    return found


@lru_cache(maxsize=256)
def _origin_of(url: str) -> Origin | None:
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
        port = parts.port or DEFAULT_PORTS.get(scheme, 0)
    except ValueError:
        scheme, host, port = "", "", 0
    return Origin(scheme, host, port) if scheme in DEFAULT_PORTS and host else None


def without_secrets(url: str) -> str:
    """Give an address as it may be shown and logged: no user, no password, no query values."""
    head, mark, query = url.partition("?")
    scheme, slashes, rest = head.partition("://")
    authority, slash, path = rest.partition("/")
    shown = scheme + slashes + authority.rpartition("@")[2] + slash + path
    return shown + (mark + re.sub(r"=[^&]*", "=...", query) if mark else "")


class Span(NamedTuple):
    """Bytes from `start` up to, not including, `stop`; None: to the end."""

    start: int
    stop: int | None = None

    @property
    def header(self) -> str:
        """Give the value of a Range header."""
        return f"bytes={self.start}-{'' if self.stop is None else self.stop - 1}"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One thing to ask a server for.

    Attributes
    ----------
    accept : str
        Accept header; empty: none is sent.
    span : Span or None
        Ask for a part of the body.
    if_range : str
        ETag or date that the part must belong to; a server with another body sends it whole.
    compressed : bool
        The body may be compressed on the way (text); pixels are asked for as they are.
    max_bytes : int
        A longer body, after decompression, is refused.
    attempts : int
        How often it is tried when the line or the server fails.
    stall_s : float
        Give up after so long without a byte worth counting.
    sign_in : bool
        Send the origin's Authorization, and ask for one when it is refused.
    """

    url: str
    accept: str = "*/*"
    span: Span | None = None
    if_range: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    compressed: bool = False
    max_bytes: int = 256 << 20
    attempts: int = 4
    stall_s: float = 20.0
    method: str = "GET"
    body: bytes = b""
    sign_in: bool = True


class ContentRange(NamedTuple):
    """A Content-Range header: which bytes these are, and of how many (None: not told)."""

    start: int
    stop: int
    total: int | None


_RANGE = re.compile(r"bytes\s+(?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)\s*", re.IGNORECASE)


@dataclass(slots=True)
class HttpResponse:
    """What a server answered.

    Attributes
    ----------
    url : str
        Where the answer came from, after redirects.
    headers : dict
        Names in lower case; several of one name are joined by commas.
    body : bytearray
        Decompressed.
    received : int
        Bytes of the body as they came down the line.
    sent_s, first_byte_s, ended_s : float
        `time.perf_counter()` when it was handed to the line, when the first and the last byte came.
    fresh : bool
        A connection had to be made for it.
    """

    url: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    received: int = 0
    sent_s: float = 0.0
    first_byte_s: float = 0.0
    ended_s: float = 0.0
    fresh: bool = False
    version: str = ""

    def header(self, name: str, default: str = "") -> str:
        """Give a header; names know no case."""
        return self.headers.get(name.lower(), default)

    @property
    def content_type(self) -> str:
        """Give the media type in lower case, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def content_range(self) -> ContentRange | None:
        """Give what a 206 says of itself, or a 416 of the whole (an empty range then)."""
        match = _RANGE.fullmatch(self.header("content-range").strip())
        if match is None:
            return None
        total = None if match[3] == "*" else int(match[3])
        if match[1] is None:
            return ContentRange(0, 0, total)
        return ContentRange(int(match[1]), int(match[2]) + 1, total)

    @property
    def validator(self) -> str:
        """Give what If-Range may name: a strong ETag, else the date of change."""
        tag = self.header("etag").strip()
        if tag and not tag.startswith("W/"):
            return tag
        return self.header("last-modified").strip()


def parameters(value: str) -> dict[str, str]:
    """Read the parameters of a header value; quoted ones may hold semicolons (RFC 9110 5.6.6)."""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(value):
        text = match[2]
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        found.setdefault(match[1].lower(), text.strip())
    return found


_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)')


def join_headers(lines: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Put header lines into one mapping; the values of one name are joined (RFC 9110 5.3)."""
    headers: dict[str, str] = {}
    for name, value in lines:
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return headers
