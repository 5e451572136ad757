"""What a client would take (PS3.18 8.3.3, 8.7): media ranges with parameters, in its order."""

from __future__ import annotations

import re
from typing import NamedTuple

_PART = re.compile(r"""\s*([^;,="\s]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s]*)))?\s*([;,]|$)""")
_MAX = 32


class Wish(NamedTuple):
    """One media range.

    Attributes
    ----------
    type : str
        Without parameters, in lower case.
    of : str
        Parameter `type` of multipart/related, lower case: what the parts are to be.
    syntax : str
        Transfer syntax UID, `*`, or nothing.
    """

    type: str
    of: str = ""
    syntax: str = ""
    weight: float = 1.0

    @property
    def is_multipart(self) -> bool:
        """Tell whether parts are wanted."""
        return self.type in ("multipart/related", "multipart/*")

    @property
    def wants_any(self) -> bool:
        """Tell whether everything is welcome."""
        return self.type == "*/*" or (self.is_multipart and self.of in ("", "*/*"))


def wishes(text: str) -> list[Wish]:
    """Read an Accept header; what cannot be read is left out, nothing said means anything."""
    if not text.strip():
        return [Wish("*/*")]
    found: list[Wish] = []
    at, words = 0, list[tuple[str, str]]()
    while at < len(text) and len(found) < _MAX:
        match = _PART.match(text, at)
        if match is None:
            break
        name, quoted, plain, end = match.groups()
        words.append((name.lower(), quoted if quoted is not None else plain or ""))
        at = match.end()
        if end != ";":
            found.append(_wish(words))
            words = []
            if not end:
                break
    return sorted((one for one in found if one.weight > 0), key=lambda one: -one.weight)


def _wish(words: list[tuple[str, str]]) -> Wish:
    kind, parameters = words[0][0], dict(words[1:])
    of = parameters.get("type", "").lower()
    syntax = parameters.get("transfer-syntax", "")
    if ";" in of:  # Orthanc and some clients put the syntax inside the quoted type
        of, _, rest = of.partition(";")
        syntax = syntax or rest.partition("transfer-syntax=")[2].strip()
    try:
        weight = float(parameters.get("q", "1") or 1)
    except ValueError:
        weight = 1.0
    return Wish(kind, of.strip(), syntax.strip(), weight)
