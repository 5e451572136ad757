"""What an address points to: a server, a study, a series, an instance, a frame, or a viewer's page.

Everything here is pure: no host is contacted. Whatever looks like a sign-in (a password before the
host, a token among the arguments) is left out of what is given back, and never comes into an error
either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from loading.errors import LoadError
from loading.web.messages import Origin, origin_of

WEB_SCHEMES = ("http", "https")
PREFIXES = {"dicomweb+": False, "wadouri+": True}
"""Schemes before http(s), and whether they mean WADO-URI."""

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SECRET = re.compile(
    r"token|secret|passw|pwd|api_?key|auth|jwt|signature|^sig$|^se$|^sv$|^key$|^code$|"
    r"session|ticket|credential|^x-amz-|^x-goog-|samlresponse",
    re.IGNORECASE,
)
_LEVELS = ("studies", "series", "instances", "frames")
# What may stand behind a study, series, instance or frame without changing what is meant.
_TAILS = ("metadata", "rendered", "thumbnail", "bulkdata", "pixeldata")


@dataclass(frozen=True, slots=True)
class Link:
    """What an address means.

    Attributes
    ----------
    root : str
        Address of the service without a slash at its end: of the WADO-RS root, or of the WADO-URI
        service. Empty where a viewer's page does not tell it.
    study, series, instance : str
        UIDs, empty below the level that is meant.
    frames : tuple of int
        Frame numbers from 1.
    search : tuple of (str, str)
        Keys of a search: attribute keyword and value.
    is_wado_uri : bool
        The service is WADO-URI.
    is_certain : bool
        The address names a DICOMweb resource; otherwise it may as well be a file.
    site : str
        Where the page of a viewer lies (its folder), when `root` is empty.
    left_out : tuple of str
        Names of what was left out because it looks like a sign-in.
    """

    root: str
    study: str = ""
    series: str = ""
    instance: str = ""
    frames: tuple[int, ...] = ()
    search: tuple[tuple[str, str], ...] = ()
    is_wado_uri: bool = False
    is_certain: bool = True
    site: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """Give "server", "study", "series", "instance" or "frame"."""
        if self.frames:
            return "frame"
        names = (("instance", self.instance), ("series", self.series), ("study", self.study))
        return next((name for name, uid in names if uid), "server")

    @property
    def origin(self) -> Origin:
        """Give scheme, host and port of the server, or of the page when that is all there is."""
        return origin_of(self.root or self.site)

    @property
    def host(self) -> str:
        """Give host and port as people read them."""
        return str(self.origin).partition("://")[2]

    @property
    def url(self) -> str:
        """Give the address in its plainest form, without anything secret."""
        if self.is_wado_uri:
            return wado_uri(self.root, self.study, self.series, self.instance)
        parts = [self.root]
        for name, value in zip(_LEVELS, (self.study, self.series, self.instance), strict=False):
            if value:
                parts += [name, value]
        if self.frames:
            parts += ["frames", ",".join(str(number) for number in self.frames)]
        return "/".join(parts)

    @property
    def uri(self) -> str:
        """Give what opens this again: `url` under the scheme that says how it is to be read."""
        if self.is_wado_uri:
            return f"wadouri+{self.url}"
        return f"dicomweb+{self.url}" if self.level == "server" and self.is_certain else self.url


def parse(text: str) -> Link:
    """Understand an address.

    Parameters
    ----------
    text : str
        http(s) address of a server, study, series, instance or frame; of an OHIF or Stone page; a
        Weasis link; WADO-URI; an address of the service after `dicomweb+` or `wadouri+`.

    Raises
    ------
    LoadError
        When it is none of these; the message carries no secret.
    """
    text = text.strip()
    scheme = text.partition(":")[0].lower()
    if scheme == "weasis":
        from loading.web.viewer_links import parse_weasis

        return parse_weasis(text)
    return _parse_web(text)


def web_parts(text: str) -> tuple[str, list[tuple[str, str]], tuple[str, ...]]:
    """Take an http(s) address apart: address without arguments, arguments, names left out.

    Raises
    ------
    LoadError
        When it is no http(s) address with a host.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = None, None, None
    # what cannot be seen, or is taken for a slash by some, may hide which host is meant
    front = text.partition("://")[2].partition("/")[0]
    is_odd = not text.isprintable() or any(sign in " \\" for sign in front)
    if parts is None or is_odd or parts.scheme.lower() not in WEB_SCHEMES or not host:
        raise LoadError(
            "This is no address of a server",
            where=clean(text),
            cure="An address begins with https:// or http:// and names a host",
        )
    left_out = ["user name and password"] if "@" in parts.netloc else []
    name = f"[{host}]" if ":" in host else host
    scheme = parts.scheme.lower()
    has_port = port is not None and port != {"http": 80, "https": 443}[scheme]
    netloc = f"{name}:{port}" if has_port else name
    # OHIF's older pages carry their arguments behind a #
    arguments = parse_qsl(parts.query) + parse_qsl(parts.fragment.partition("?")[2])
    kept = []
    for key, value in arguments:
        if _SECRET.search(key):
            left_out.append(key)
        else:
            kept.append((key, value))
    base = urlunsplit((scheme, netloc, re.sub(r"/{2,}", "/", parts.path), "", ""))
    return base.rstrip("/"), kept, tuple(left_out)


def clean(text: str) -> str:
    """Give an address without what looks like a sign-in; for messages, logs and lists."""
    prefix = next((p for p in PREFIXES if text.lower().startswith(p)), "")
    try:
        parts = urlsplit(text[len(prefix) :])
        netloc = parts.netloc.rpartition("@")[2]
        kept = [f"{k}={quote(v)}" for k, v in parse_qsl(parts.query) if not _SECRET.search(k)]
    except ValueError:
        return text.partition(":")[0] + ":"
    if parts.scheme.lower() not in WEB_SCHEMES:
        # what others mean by their arguments is not known here
        return f"{parts.scheme}:"
    return prefix + urlunsplit((parts.scheme, netloc, parts.path, "&".join(kept), ""))


def wado_uri(root: str, study: str, series: str, instance: str) -> str:
    """Give the address of an instance of a WADO-URI service."""
    arguments = {
        "requestType": "WADO",
        "studyUID": study,
        "seriesUID": series,
        "objectUID": instance,
        "contentType": "application/dicom",
    }
    # Orthanc 1.10 does not decode %2F
    return root + "?" + "&".join(f"{k}={v}" for k, v in arguments.items() if v)


def three(uids: list[str]) -> tuple[str, str, str]:
    """Fill up with empty UIDs."""
    study, series, instance = (*uids, "", "", "")[:3]
    return study, series, instance


def checked_uid(text: str, where: str) -> str:
    """Give a UID that can stand in a path; raise LoadError for anything else."""
    if not _UID.fullmatch(text):
        raise LoadError(f"“{text[:40]}” is no UID", where=where, cure="Look at the address again")
    return text


def _parse_web(text: str) -> Link:
    wants_wado_uri: bool | None = None
    for prefix, is_wado_uri in PREFIXES.items():
        if text.lower().startswith(prefix):
            text, wants_wado_uri = text[len(prefix) :], is_wado_uri
    base, arguments, left_out = web_parts(text)
    lower = {key.lower(): value for key, value in arguments}
    if wants_wado_uri or lower.get("requesttype", "").upper() == "WADO":
        made = _wado_uri_link(base, lower)
    else:
        from loading.web.viewer_links import parse_page

        page = parse_page(base, arguments) if wants_wado_uri is None else None
        made = page or _resource(base, arguments, is_dicomweb=wants_wado_uri is not None)
    return replace(made, left_out=left_out)


def _wado_uri_link(base: str, arguments: dict[str, str]) -> Link:
    uids = [
        checked_uid(arguments[key], base) if arguments.get(key) else ""
        for key in ("studyuid", "seriesuid", "objectuid")
    ]
    number = arguments.get("framenumber", "")
    frames = (int(number),) if number.isdigit() and int(number) > 0 else ()
    return Link(base, *three(uids), frames, is_wado_uri=True)


def _resource(base: str, arguments: list[tuple[str, str]], *, is_dicomweb: bool) -> Link:
    """Understand the path of a DICOMweb resource, from its last `studies` on."""
    parts = urlsplit(base)
    segments = parts.path.split("/")
    found = [n for n, one in enumerate(segments) if one == "studies"]
    if not found:
        return Link(base, is_certain=is_dicomweb)
    uids, frames, rest = _levels([unquote(one) for one in segments[found[-1] :]], base)
    root = urlunsplit((parts.scheme, parts.netloc, "/".join(segments[: found[-1]]), "", ""))
    # a level's list with keys is a search: .../studies?PatientID=7
    search = tuple(pair for pair in arguments if pair[0][:1].isupper()) if not rest else ()
    return Link(root.rstrip("/"), *three(uids), frames, search)


def _levels(segments: list[str], base: str) -> tuple[list[str], tuple[int, ...], list[str]]:
    """Read `studies/1.2/series/3.4/...`: three UIDs, frame numbers, and what is behind them."""
    uids, place = ["", "", ""], 0
    frames: tuple[int, ...] = ()
    for level, name in enumerate(_LEVELS):
        if place >= len(segments) or segments[place] != name:
            break
        place += 1
        value = segments[place] if place < len(segments) else ""
        if not value or value in _TAILS:
            break
        place += 1
        if name == "frames":
            frames = _frame_numbers(value, base)
        else:
            uids[level] = checked_uid(value, base)
    return uids, frames, segments[place:]


def _frame_numbers(text: str, where: str) -> tuple[int, ...]:
    numbers = [int(one) for one in re.split(r"[,;]", text) if one.isdigit()]
    if not numbers or min(numbers) < 1:
        raise LoadError(f"“{text[:40]}” names no frames", where=where, cure="Frames count from 1")
    return tuple(numbers)
