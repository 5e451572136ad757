"""One attempt at one request, with libcurl: options in, an answer or an error out.

Bodies are bounded while they come, decompressed here so that a small one cannot become a large
one, and redirects are left to the caller, who knows what must not be sent elsewhere.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import Any

import pycurl

from loading.errors import BadResponse, LoadError, SourceError, Timeout
from loading.web.messages import HttpRequest, HttpResponse, join_headers, without_secrets
from loading.web.trouble import BadCertificate, LineBroken

CONNECT_S = 10
CRAWL = 64
"""Fewer bytes a second than this are a stall."""
ERROR_BODY = 64 << 10
"""So much of an answer that is no success is kept."""

_CERTIFICATE = {pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE}
_REFUSED = {
    pycurl.E_COULDNT_RESOLVE_HOST: ("The name of the server is not known", "Check the address"),
    pycurl.E_COULDNT_RESOLVE_PROXY: ("The name of the proxy is not known", "Check the settings"),
    pycurl.E_URL_MALFORMAT: ("This is no address", "Check it for typing errors"),
    pycurl.E_UNSUPPORTED_PROTOCOL: ("This kind of address is not opened", "Use http or https"),
    pycurl.E_SSL_CACERT_BADFILE: ("The system's certificates cannot be read", ""),
}


@cache
def _agent() -> str:
    try:
        return f"Voxtide/{metadata.version('voxtide')}"
    except metadata.PackageNotFoundError:
        return "Voxtide"


class Transfer:
    """An attempt under way.

    Parameters
    ----------
    url : str
        Where to, which after a redirect is not the request's own.
    lines : sequence of str
        Header lines to send besides those of the request's fields.
    trust, proxy : str
        See `loading.web.surroundings`.
    grew : callable
        Called with the number of bytes that have just come.
    """

    def __init__(
        self,
        request: HttpRequest,
        url: str,
        lines: list[str],
        *,
        trust: str,
        proxy: str,
        grew: Callable[[Transfer, int], None],
    ) -> None:
        self.request = request
        self.response = HttpResponse(url)
        self.curl: Any = pycurl.Curl()
        self.tag: object = None
        self._grew = grew
        self._refusal: LoadError | None = None
        self._lines: list[tuple[str, str]] = []
        self._inflate: Any = None
        self._is_begun = False
        self._set(url, lines, trust, proxy)

    def _set(self, url: str, lines: list[str], trust: str, proxy: str) -> None:
        request, curl = self.request, self.curl
        lines = [*lines, "Accept-Encoding: " + ("gzip" if request.compressed else "identity")]
        lines.append(f"Accept: {request.accept}" if request.accept else "Accept:")
        if request.span is not None:
            lines.append(f"Range: {request.span.header}")
            if request.if_range:
                lines.append(f"If-Range: {request.if_range}")
        options = {
            pycurl.URL: url,
            pycurl.USERAGENT: _agent(),
            pycurl.HTTPHEADER: lines,
            pycurl.WRITEFUNCTION: self._take_body,
            pycurl.HEADERFUNCTION: self._take_header,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_2TLS,
            pycurl.PIPEWAIT: 1,
            pycurl.NOSIGNAL: 1,
            pycurl.FOLLOWLOCATION: 0,
            pycurl.CONNECTTIMEOUT: CONNECT_S,
            pycurl.LOW_SPEED_LIMIT: CRAWL,
            pycurl.LOW_SPEED_TIME: max(1, round(request.stall_s)),
            pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
            pycurl.PROXY: proxy,
            pycurl.NOPROXY: "" if proxy else "*",
        }
        if trust:
            options[pycurl.CAINFO] = trust
        else:
            options[pycurl.SSL_OPTIONS] = pycurl.SSLOPT_NATIVE_CA
        if request.method == "POST":
            options[pycurl.POSTFIELDS] = request.body
        elif request.method == "HEAD":
            options[pycurl.NOBODY] = 1
        for option, value in options.items():
            curl.setopt(option, value)

    def _take_header(self, raw: bytes) -> None:
        line = raw.decode("latin-1").rstrip("\r\n")
        response = self.response
        if line.upper().startswith("HTTP/"):
            # also the second time, after "100 Continue" or a proxy's own answer
            self._lines = []
            words = line.split(None, 2)
            response.status = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
            response.first_byte_s = response.first_byte_s or time.perf_counter()
        elif not line and not self._is_begun:
            response.headers = join_headers(self._lines)
        elif ":" in line:
            name, _, value = line.partition(":")
            self._lines.append((name, value))

    def _take_body(self, raw: bytes) -> int | None:
        response = self.response
        if not self._is_begun:
            self._is_begun = True
            self._refusal = self._begin()
            if self._refusal is not None:
                return 0
        response.received += len(raw)
        limit = self.request.max_bytes if 200 <= response.status < 300 else ERROR_BODY
        room = limit - len(response.body)
        if self._inflate is None:
            data = raw
        else:
            try:
                data = self._inflate.decompress(raw, room + 1)
            except zlib.error:
                return self._refuse("The compressed answer is damaged")
        if len(data) > room:
            if limit == ERROR_BODY:
                response.body += data[:room]
                return None
            return self._refuse(f"The answer is longer than the {limit >> 10} KB that it may be")
        response.body += data
        self._grew(self, len(raw))
        return None

    def _begin(self) -> LoadError | None:
        coding = self.response.header("content-encoding", "identity").strip().lower()
        if coding in ("identity", ""):
            return None
        if self.response.status == 206:
            # a piece of a compressed stream is no piece of what it holds
            return BadResponse(
                "The server compressed a part of a body", where=without_secrets(self.response.url)
            )
        if coding in ("gzip", "x-gzip", "deflate"):
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
            return None
        return BadResponse(
            f"The answer is encoded as {coding}, which was not asked for",
            where=without_secrets(self.response.url),
        )

    def _refuse(self, what: str) -> int:
        self._refusal = BadResponse(what, where=without_secrets(self.response.url))
        return 0

    def end(self, code: int, text: str) -> LoadError | None:
        """Close the attempt and say what was wrong with it; `code` is libcurl's, 0 for success."""
        response, curl = self.response, self.curl
        response.ended_s = time.perf_counter()
        response.fresh = curl.getinfo(pycurl.NUM_CONNECTS) > 0
        is_two = curl.getinfo(pycurl.INFO_HTTP_VERSION) == pycurl.CURL_HTTP_VERSION_2_0
        response.version = "2" if is_two else "1.1"
        self.close()
        if self._refusal is not None:
            return self._refusal
        if code:
            return _error(code, text, without_secrets(response.url), self.request.stall_s)
        if self._inflate is not None and not self._inflate.eof:
            return LineBroken("The answer ended early", where=without_secrets(response.url))
        return None

    def close(self) -> None:
        """Let go of libcurl's part."""
        self.curl.close()


def _error(code: int, text: str, where: str, stall_s: float) -> LoadError:
    """Make an error of ours of one of libcurl's."""
    if code in _REFUSED:
        what, cure = _REFUSED[code]
        return SourceError(what, where=where, cure=cure)
    if code in _CERTIFICATE:
        return BadCertificate(
            f"The server cannot prove who it is ({text})",
            where=where,
            cure="Ask whoever runs it; nothing was sent",
        )
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Timeout(
            f"Nothing came from the server for {stall_s:g} s",
            where=where,
            cure="Check the line, or try again",
        )
    if code == pycurl.E_COULDNT_CONNECT:
        return LineBroken(
            "The server cannot be reached",
            where=where,
            cure="Check the address, and whether the server runs",
        )
    if code == pycurl.E_SSL_CONNECT_ERROR:
        return LineBroken(f"No secure connection could be made ({text})", where=where)
    return LineBroken(f"The line broke ({text or f'libcurl {code}'})", where=where)
