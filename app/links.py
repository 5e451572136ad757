"""Links of the form voxtide://open?url=...: what a web page may ask this program to do.

A page can follow such a link without the person's doing, so it means one thing only: open the
images at an address of the web, after the person was asked. Never a file, never with credentials.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from app.language import tr

SCHEME = "voxtide"
LONGEST = 4096


_ADDRESSES = (
    "http", "https", "dicomweb+http", "dicomweb+https", "wadouri+http", "wadouri+https",
    "weasis", SCHEME,
)  # fmt: skip


def is_address(text: str) -> bool:
    """Tell whether a text is no path, but leads to a server; what it means the engine says."""
    scheme, colon, _ = text.strip().partition(":")
    return bool(colon) and scheme.lower() in _ADDRESSES


class LinkRefused(ValueError):
    """The link asks for something that a link must not do; says what, for people."""


def is_link(uri: str) -> bool:
    """Tell whether a URI is a link to this program."""
    return uri[: len(SCHEME) + 1].lower() == f"{SCHEME}:"


def address_of(link: str) -> str:
    """Give the address that a link wants to open.

    Raises
    ------
    LinkRefused
        Anything but one http or https address without name and password.
    """
    if len(link) > LONGEST or any(ord(sign) < 0x21 for sign in link):
        raise LinkRefused(tr("The link is not well formed."))
    try:
        parts = urlsplit(link)
        asked = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise LinkRefused(tr("The link is not well formed.")) from error
    target = (parts.netloc or parts.path.strip("/")).lower()
    if target != "open" or set(asked) != {"url"} or len(asked["url"]) != 1:
        raise LinkRefused(tr("The link asks for something that Voxtide does not do."))
    address = asked["url"][0]
    if any(ord(sign) < 0x21 or sign == "\\" for sign in address):
        raise LinkRefused(tr("The link is not well formed."))
    try:
        host, scheme = urlsplit(address).hostname or "", urlsplit(address).scheme.lower()
        has_names = "@" in urlsplit(address).netloc
        host_of(address)
    except ValueError as error:
        raise LinkRefused(tr("The link is not well formed.")) from error
    if has_names:
        raise LinkRefused(tr("The link carries a name or a password."))
    if not host or scheme not in ("http", "https"):
        raise LinkRefused(tr("The link does not lead to an address of the web (http, https)."))
    return address


def host_of(address: str) -> str:
    """Name the computer that an address leads to, with its port where it is not the usual one.

    Letters that only look like Latin ones are shown in their coded form.
    """
    parts = urlsplit(address)
    name = (parts.hostname or "").encode("idna").decode("ascii", "replace")
    return f"{name}:{parts.port}" if parts.port else name
