"""How frames are asked for: the ladder of forms that servers understand, and what comes back.

Servers differ in which Accept they take, and answer the others with 400, 406, 415 or 500. The
first rung that works is remembered for the server. No rung names alternatives: Orthanc refuses
lists (`docs/dicomweb.md`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from loading.dicom import syntaxes
from loading.errors import BadResponse
from loading.web.messages import HttpResponse, origin_of
from loading.web.multipart import Part, parts_of, syntax_in

if TYPE_CHECKING:
    from loading.web.retrieve_options import RetrieveOptions

AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
PART_10 = 'multipart/related; type="application/dicom"; transfer-syntax=*'

_MEDIA = {
    syntaxes.JPEG_BASELINE: "image/jpeg",
    syntaxes.JPEG_EXTENDED: "image/jpeg",
    syntaxes.JPEG_LOSSLESS: "image/jpeg",
    syntaxes.JPEG_LOSSLESS_SV1: "image/jpeg",
    syntaxes.JPEG_LS: "image/jls",
    syntaxes.JPEG_LS_NEAR: "image/jls",
    syntaxes.JPEG_2000_LOSSLESS: "image/jp2",
    syntaxes.JPEG_2000: "image/jp2",
    syntaxes.HTJ2K_LOSSLESS: "image/jphc",
    syntaxes.HTJ2K_RPCL: "image/jphc",
    syntaxes.HTJ2K: "image/jphc",
    syntaxes.RLE: "image/dicom-rle",
    syntaxes.JPEG_XL_LOSSLESS: "image/jxl",
    syntaxes.JPEG_XL_JPEG: "image/jxl",
    syntaxes.JPEG_XL: "image/jxl",
    syntaxes.JPEG_2000_PART_2_LOSSLESS: "image/jpx",
    syntaxes.JPEG_2000_PART_2: "image/jpx",
}
"""Media types of PS3.18 table 8.7.3-5."""


class FrameAddress(NamedTuple):
    """Which frame: address of the instance, number from 1, what the metadata say of its pixels."""

    instance_url: str
    number: int
    syntax: str
    pixels_uri: str = ""


class Rung(NamedTuple):
    """One form of asking.

    Attributes
    ----------
    in_parts : bool
        What comes has a part for each frame that is asked for.
    of_instance : bool
        All frames of the instance come at once.
    is_file : bool
        What comes is a Part 10 file.
    """

    name: str
    in_parts: bool = False
    of_instance: bool = False
    is_file: bool = False


LADDER = (
    Rung("as stored", in_parts=True),
    Rung("media type", in_parts=True),
    Rung("no accept", in_parts=True),
    Rung("single part"),
    Rung("bulk data", of_instance=True),
    Rung("instance", of_instance=True, is_file=True),
    Rung("wado-uri", of_instance=True, is_file=True),
)
RUNG_NAMES = tuple(rung.name for rung in LADDER)
REFUSALS = frozenset({400, 404, 406, 415, 500, 501})
"""Answers after which the next rung is tried; 404 only where the form has an address of its own."""


@dataclass(slots=True)
class Habits:
    """What was found out about a server; kept for the life of the process.

    Attributes
    ----------
    rung : int or None
        The form that works.
    ranges : bool or None
        Parts of a body are given.
    lists : bool or None
        Several frames are given in one answer.
    missing : set of (str, str)
        Series and alternate that were asked for and are not there.
    """

    rung: int | None = None
    ranges: bool | None = None
    lists: bool | None = None
    missing: set[tuple[str, str]] = field(default_factory=set)


_habits: dict[str, Habits] = {}


def habits_of(root: str) -> Habits:
    """Give what is known of a server; what is learned is to be put there."""
    return _habits.setdefault(root, Habits())


def forget_habits() -> None:
    """Forget all servers: for tests, and after settings have changed."""
    _habits.clear()


def frame_url(instance_url: str, number: int | str, path: str, options: RetrieveOptions) -> str:
    """Give the address of a frame, counted from 1, or of a list, under `frames` or its like."""
    url = f"{instance_url}/{path}/{number}"
    return f"{url}?{options.url_arguments}" if options.url_arguments else url


def url_and_accept(
    rung: Rung, address: FrameAddress, options: RetrieveOptions
) -> tuple[str, str] | None:
    """Give address and Accept of a form; None where the form is not for this frame."""
    media = _MEDIA.get(address.syntax)
    url = frame_url(address.instance_url, address.number, options.frames_path, options)
    if rung.name == "as stored":
        return url, AS_STORED
    if rung.name == "media type":
        return None if media is None else (url, f'multipart/related; type="{media}"')
    if rung.name == "no accept":
        return url, ""
    if rung.name == "single part":
        single = media or "application/octet-stream"
        return url, f"{single}; transfer-syntax={address.syntax}"
    if rung.name == "bulk data":
        url = bulk_url(address.pixels_uri, address.instance_url)
        return None if not url or url.rstrip("/").endswith("/frames") else (url, "")
    if rung.name == "instance":
        return address.instance_url, PART_10
    if not options.wado_uri:
        return None
    return wado_uri_of(options.wado_uri, address.instance_url), ""


def wado_uri_of(root: str, instance_url: str) -> str:
    """Give the WADO-URI address of an instance (PS3.18 9.4); Orthanc wants the slash as it is."""
    parts = instance_url.rsplit("/", 6)
    study, series, instance = parts[2], parts[4], parts[6]
    return (
        f"{root}?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}"
        "&contentType=application/dicom&transferSyntax=*"
    )


def bulk_url(uri: str, instance_url: str) -> str:
    """Resolve a BulkDataURI; empty where there is none that may be asked.

    Relative ones of Static DICOMweb count from the series when they begin with `instances/`, from
    the study when with `bulkdata/`, else from the instance. An absolute one that names another
    host, as servers behind a proxy do, is asked of the host that gave the metadata.
    """
    if not uri:
        return ""
    series_url = instance_url.rsplit("/instances/", 1)[0]
    if uri.startswith("instances/"):
        return f"{series_url}/{uri}"
    if uri.startswith(("bulkdata/", "./bulkdata/")):
        return urljoin(series_url.rsplit("/series/", 1)[0] + "/", uri)
    url = urljoin(instance_url + "/", uri)
    origin = origin_of(instance_url)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return ""
    if origin_of(url) != origin:
        query = f"?{parts.query}" if parts.query else ""
        path = parts.path
        root = urlsplit(instance_url).path.partition("/studies/")[0]
        if "/studies/" in path:  # behind a proxy the path before it may differ as well
            path = f"{root}/studies/{path.partition('/studies/')[2]}"
        return f"{origin}{path}{query}"
    return url


def frame_part(content_type: str, body: bytes | bytearray, *, is_whole: bool) -> Part | None:
    """Find the frame in a body; None while its beginning is not there.

    Raises
    ------
    BadResponse
        When it cannot be there.
    """
    parts = parts_of(content_type, body, is_whole=is_whole)
    if not parts:
        return None
    return parts[0]


def part_syntax(part: Part, content_type: str) -> str:
    """Give the transfer syntax: the part says it, or the whole answer does."""
    return part.syntax or syntax_in(content_type)


def refuse_text(response: HttpResponse, head: bytes) -> None:
    """Raise when what came as a frame is a text: a message that a server sent as a success."""
    start = head[:64].lstrip().lower()
    is_text = start.startswith((b"<!doctype", b"<html", b"<?xml", b'{"', b"[{"))
    if is_text or response.content_type in ("text/html", "text/plain", "application/json"):
        raise BadResponse(
            "The server answered with a text where a picture should be",
            where=response.url,
            cure="Sign in to this server, or check the address",
        )
