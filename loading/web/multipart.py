"""Take bodies apart: multipart/related with and without a boundary in the header, single parts.

A delimiter is CRLF, two hyphens and the boundary (RFC 2046 5.1.1); the same bytes inside of a
picture are none, so lengths and the last delimiter decide before a search does. Works on bodies
that are still coming, too: what is not there yet is told apart from what is wrong.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from loading.errors import BadResponse
from loading.web.messages import join_headers, parameters

_MAX_HEAD = 16 << 10
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_BLANK = re.compile(rb"\r?\n")
_HEADED = re.compile(rb"[ \t]*\r?\n[\x21-\x7e]+:")


class Part(NamedTuple):
    """A part of a body.

    Attributes
    ----------
    start, stop : int
        Where its bytes lie in the body; `stop` is -1 while its end is not there.
    headers : dict
        Names in lower case.
    """

    start: int
    stop: int
    headers: dict[str, str]

    @property
    def content_type(self) -> str:
        """Give the media type in lower case."""
        return media_type(self.headers.get("content-type", ""))

    @property
    def syntax(self) -> str:
        """Give the transfer syntax that the part says it is of."""
        return syntax_in(self.headers.get("content-type", ""))


def media_type(value: str) -> str:
    """Give the media type of a Content-Type header, in lower case."""
    return value.partition(";")[0].strip().lower()


def syntax_in(value: str) -> str:
    """Find the transfer syntax in a Content-Type header.

    Orthanc writes it inside of the quoted `type` parameter of a multipart one.
    """
    found = parameters(value)
    syntax = found.get("transfer-syntax", "") or parameters(
        ";" + found.get("type", "").partition(";")[2]
    ).get("transfer-syntax", "")
    syntax = syntax.strip().strip('"')
    return syntax if re.fullmatch(r"[0-9.]{5,64}", syntax) else ""


def is_multipart(content_type: str, body: bytes | bytearray) -> bool:
    """Tell whether a body has parts: by its header, or by its beginning where that says nothing."""
    if media_type(content_type).startswith("multipart/"):
        return True
    return media_type(content_type) in ("", "application/octet-stream") and (
        re.match(rb"(\r?\n)*--[^\r\n]{1,70}\r?\n[\x21-\x7e]+:", bytes(body[:256])) is not None
    )


def parts_of(content_type: str, body: bytes | bytearray, *, is_whole: bool) -> list[Part]:
    """Find the parts of a body.

    Parameters
    ----------
    is_whole : bool
        Nothing more will come: then each part has to end, and so has the body.

    Raises
    ------
    BadResponse
        When the body is none of this kind, or whole and yet not ended.
    """
    if not is_multipart(content_type, body):
        return [Part(0, len(body) if is_whole else -1, {"content-type": content_type})]
    boundary = _boundary(content_type, body)
    if boundary is None:
        if is_whole:
            raise BadResponse("The answer in parts does not begin with a boundary")
        return []
    marker = b"--" + boundary
    at = _first_marker(body, marker)
    parts: list[Part] = []
    while at >= 0:
        behind = at + len(marker)
        if body[behind : behind + 2] == b"--":
            break
        head = _HEAD_END.search(body, behind, behind + _MAX_HEAD)
        if head is None:
            if is_whole or len(body) > behind + _MAX_HEAD:
                raise BadResponse("A part of the answer has no header")
            break
        part, at = _part(body, marker, behind, head, is_whole)
        parts.append(part)
    if is_whole and (not parts or parts[-1].stop < 0):
        raise BadResponse("The answer in parts is not ended")
    return parts


def _part(
    body: bytes | bytearray, marker: bytes, behind: int, head: re.Match[bytes], is_whole: bool
) -> tuple[Part, int]:
    """Read one part and give where the next delimiter is (-1: there is none)."""
    lines = bytes(body[behind : head.start()]).decode("latin-1").splitlines()
    pairs = [line.partition(":") for line in lines if ":" in line]
    headers = join_headers([(name, value) for name, _, value in pairs])
    start = head.end()
    length = headers.get("content-length", "")
    if length.isdecimal():
        stop = start + int(length[:15])
        gap = _BLANK.match(body, stop)
        if gap is not None and body.startswith(marker, gap.end()):
            return Part(start, stop, headers), gap.end()
    if is_whole:
        last = _last_end(body, marker, start)
        if last is None:
            return Part(start, -1, headers), -1
        found = _next_delimiter(body, marker, start, last)
        return Part(start, found[0], headers), found[1]
    return Part(start, -1, headers), -1


def _next_delimiter(
    body: bytes | bytearray, marker: bytes, start: int, last: int
) -> tuple[int, int]:
    """Give where a part ends and the next delimiter begins, which may be the last one."""
    at = body.find(marker, start, last)
    while at >= 0:
        # inside of a picture no line end stands before these bytes, and no header behind them
        if _HEADED.match(body, at + len(marker)) and body[at - 1 : at] == b"\n":
            return at - (2 if body[at - 2 : at] == b"\r\n" else 1), at
        at = body.find(marker, at + 1, last)
    return last, body.index(marker, last)


def _last_end(body: bytes | bytearray, marker: bytes, start: int) -> int | None:
    """Give where the delimiter that ends the body begins; only blanks may follow it."""
    closing = body.rfind(marker + b"--")
    if closing < start or body[closing + len(marker) + 2 :].strip():
        return None
    if body[closing - 2 : closing] == b"\r\n":
        return max(start, closing - 2)
    if body[closing - 1 : closing] == b"\n":
        return max(start, closing - 1)
    return closing if closing == start else None


def _boundary(content_type: str, body: bytes | bytearray) -> bytes | None:
    """Give the boundary: that of the header when the body uses it, else that of its first line."""
    named = parameters(content_type).get("boundary", "").encode("latin-1", "replace")
    if named and _first_marker(body, b"--" + named) >= 0:
        return named
    match = re.match(rb"(?:\r?\n)*--([^\r\n]{1,200}?)[ \t]*\r?\n", bytes(body[:512]))
    return match[1] if match is not None else None


def _first_marker(body: bytes | bytearray, marker: bytes) -> int:
    """Find the first delimiter, which begins a line; a preamble may stand before it."""
    at = body.find(marker, 0, _MAX_HEAD)
    while at > 0 and body[at - 1 : at] != b"\n":
        at = body.find(marker, at + 1, _MAX_HEAD)
    return at
