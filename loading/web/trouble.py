"""What an answer that is none means: which error it is, and whether to try again.

A pure table: no socket, no clock, so that every line of it can be tested.
"""

from __future__ import annotations

import email.utils
import random
import time

from loading.errors import (
    BadResponse,
    LoadError,
    NotFound,
    ServerError,
    SourceError,
    Timeout,
    Unauthorised,
)
from loading.web.messages import HttpResponse, without_secrets

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0
BUSY = frozenset({429, 503})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class LineBroken(ServerError):
    """Raise when the line failed before the answer was whole."""


class BadCertificate(SourceError):
    """Raise when a server cannot prove who it is."""


def pause_s(attempt: int, response: HttpResponse | None, error: LoadError | None) -> float | None:
    """Say how long to wait before the next attempt; None: there is no use in one.

    Parameters
    ----------
    attempt : int
        How many there have been.
    """
    if response is not None:
        if response.status not in _PASSING:
            return None
        asked = retry_after_s(response)
        if asked is not None:
            return min(asked, LONGEST_PAUSE_S)
    elif not isinstance(error, LineBroken | Timeout):
        return None
    ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (attempt - 1))
    return ceiling * random.uniform(0.5, 1.0)


def retry_after_s(response: HttpResponse) -> float | None:
    """Read Retry-After: seconds or a date (RFC 9110 10.2.3); None where it says neither."""
    text = response.header("retry-after").strip()
    if not text:
        return None
    if text.isdecimal():
        return float(text[:6])
    try:
        moment = email.utils.parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    return max(0.0, moment - time.time())


def error_of(response: HttpResponse) -> LoadError | None:
    """Make an error of a status that is no success; None for one that is."""
    status = response.status
    if 200 <= status < 300:
        return None
    where = without_secrets(response.url)
    if status in (404, 410):
        return NotFound("The server has nothing there", where=where, cure="Check the address")
    if status in (401, 407):
        return Unauthorised(
            "The server wants to know who asks", where=where, cure="Sign in to this server"
        )
    if status == 403:
        return Unauthorised(
            "The server refuses access", where=where, cure="Ask for access, or sign in differently"
        )
    if status in BUSY:
        return ServerError(
            f"The server is too busy (status {status})", where=where, cure="Try again later"
        )
    if status in (400, 406, 415):
        return BadResponse(
            f"The server does not give it in this form (status {status})", where=where
        )
    if status == 416:
        return BadResponse("The server has no such part of it (status 416)", where=where)
    if status >= 500:
        return ServerError(
            f"The server failed (status {status}{_told(response)})",
            where=where,
            cure="Try again later",
        )
    return BadResponse(f"The server answered with status {status}", where=where)


def _told(response: HttpResponse) -> str:
    """Quote the beginning of a short plain message, which servers put into a failure."""
    if response.content_type not in ("text/plain", "application/json"):
        return ""
    text = bytes(response.body[:200]).decode("utf-8", "replace")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f": {line[:100]}" if line else ""


def refuse_page(response: HttpResponse) -> None:
    """Raise when a success is a page for people: a sign-in form, most likely."""
    head = bytes(response.body[:256]).lstrip().lower()
    is_page = head.startswith((b"<!doctype html", b"<html"))
    if is_page or response.content_type in ("text/html", "application/xhtml+xml"):
        raise BadResponse(
            "The server answered with a web page where data should be",
            where=without_secrets(response.url),
            cure="Sign in to this server, or check the address",
        )
