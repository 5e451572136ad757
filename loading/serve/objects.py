"""Whole objects: files, metadata, long values, pictures for people."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from loading.codecs.encode import encode_jpeg, encode_png
from loading.dicom import syntaxes
from loading.dicom.part10 import part10
from loading.errors import LoadError
from loading.publish.indexes import INSTANCE_UID, number, value_of
from loading.publish.pictures import THUMBNAIL, Picture, fit, render
from loading.publish.samples import ReadBulk, native_frame, shown_frame
from loading.publish.tree import read_or_none
from loading.serve.accept import Wish, wishes
from loading.serve.frames import Uids
from loading.serve.messages import Ask, Piece, Refusal, Reply, Slice, file_reply, json_reply
from loading.serve.store import Object, Store
from loading.spec import Window

_BOUNDARY = "VOXTIDE_2f60c1ad77"
_MAX_SIDE = 8192
_PIXELS = ("7FE00010", "7FE00008", "7FE00009")
Found = tuple[str, str, Object]
"""Study UID, series UID, metadata of an instance."""


def files(store: Store, ask: Ask, found: Sequence[Found]) -> Reply:
    """Answer with instances as Part 10 files, one after the other as the client takes them."""
    if not found:
        raise Refusal(404, "There is no such resource")
    for wish in wishes(ask.header("accept")):
        kind = wish.of if wish.is_multipart else wish.type
        if kind not in ("application/dicom", "*/*", "application/*", ""):
            continue
        if wish.syntax not in ("", "*", syntaxes.EXPLICIT_LITTLE) and not _all_in(wish, found):
            continue
        if wish.type == "application/dicom":
            if len(found) > 1:
                continue
            return Reply(200, "application/dicom", [_file(store, wish, *found[0])])
        kind = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'
        return Reply(200, kind, _file_parts(store, wish, found))
    raise Refusal(406, "Instances come as application/dicom, in parts of multipart/related")


def _all_in(wish: Wish, found: Sequence[Found]) -> bool:
    return all(value_of(one, "00083002") == wish.syntax for _, _, one in found)


def _file_parts(store: Store, wish: Wish, found: Sequence[Found]) -> Iterator[Piece]:
    head = f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    for one in found:
        yield head + _file(store, wish, *one) + b"\r\n"
    yield f"--{_BOUNDARY}--\r\n".encode()


def _file(store: Store, wish: Wish, study: str, series: str, entry: Object) -> bytes:
    """Make a Part 10 file: as stored where the client takes anything, else explicit little endian.

    Frames that cannot be decoded to numbers stay as they are stored.
    """
    uid = str(value_of(entry, INSTANCE_UID))
    count = max(1, int(number(entry, "00280008", 1))) if _has_pixels(entry) else 0
    parts = [store.frame(study, series, uid, "frames", n + 1) for n in range(count)]
    data = [part.data for part in parts]
    syntax = parts[0].syntax if parts else syntaxes.EXPLICIT_LITTLE
    if wish.syntax in ("", syntaxes.EXPLICIT_LITTLE) and syntaxes.is_encapsulated(syntax):
        try:
            natives = [native_frame(entry, part) for part in parts]
        except LoadError:
            pass
        else:
            models = {one.photometric for one in natives}
            if len(models) == 1:
                data = [one.data for one in natives]
                syntax = syntaxes.EXPLICIT_LITTLE
                entry = entry | {"00280004": {"vr": "CS", "Value": [*models]}}
    return part10(entry, syntax, data, _reader_of(store, study))


def _has_pixels(entry: Object) -> bool:
    return any(tag in entry for tag in _PIXELS)


def metadata(ask: Ask, entries: Sequence[Object]) -> Reply:
    """Answer with metadata; raise Refusal where there is nothing."""
    if not entries:
        raise Refusal(404, "There is no such resource")
    return json_reply(list(entries))


def absolute(ask: Ask, study: str, series: str, entry: Object) -> Object:
    """Give an instance's metadata with full addresses of its long values.

    In the tree they are relative, to the series or to the study, as Static DICOMweb has them.
    """
    folder = f"{ask.base}/studies/{study}"

    def told(element: Object) -> Object:
        uri = element.get("BulkDataURI")
        if isinstance(uri, str) and "://" not in uri:
            place = folder if uri.startswith("bulkdata/") else f"{folder}/series/{series}"
            return {**element, "BulkDataURI": f"{place}/{quote(uri)}"}
        return element

    return {tag: told(element) for tag, element in entry.items()}


def packed(ask: Ask, reply: Reply) -> Reply:
    """Answer with a gzipped file: as it is to those who take that, unpacked to others."""
    reply.headers["Vary"] = "Accept-Encoding"
    if "gzip" in ask.header("accept-encoding").lower():
        reply.headers["Content-Encoding"] = "gzip"
        return reply
    assert isinstance(reply.pieces, list)
    assert isinstance(reply.pieces[0], Slice)
    reply.pieces = [gzip.decompress(read_or_none(reply.pieces[0].path) or gzip.compress(b"[]"))]
    reply.tag += "-plain"
    return reply


def bulk(store: Store, ask: Ask, names: Sequence[str]) -> Reply:
    """Answer with a long value, alone or as the one part of a multipart body."""
    path = store.path(*names)
    if not path.is_file():
        raise Refusal(404, "There is no such value")
    alone = file_reply(path, "application/octet-stream")
    for wish in wishes(ask.header("accept")):
        if wish.wants_any and not wish.is_multipart:
            return alone
        if wish.type in ("application/octet-stream", "application/*"):
            return alone
        if wish.is_multipart and wish.of in ("", "*/*", "application/octet-stream"):
            head = f"--{_BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
            assert isinstance(alone.pieces, list)
            pieces: list[Piece] = [head, *alone.pieces, f"\r\n--{_BOUNDARY}--\r\n".encode()]
            kind = f'multipart/related; type="application/octet-stream"; boundary={_BOUNDARY}'
            return Reply(200, kind, pieces)
    raise Refusal(406, "Long values come as application/octet-stream")


def _reader_of(store: Store, study: str) -> ReadBulk:
    """Give what reads the long values of a study; nothing of what lies elsewhere."""

    def read(uri: str) -> bytes:
        names = uri.split("/")
        if names[0] != "bulkdata":
            raise Refusal(404, "There is no such value")
        return read_or_none(store.path("studies", study, *names)) or b""

    return read


def picture(store: Store, ask: Ask, uids: Uids, frame: int, kind: str) -> Reply:
    """Answer with a JPEG or PNG of a frame (PS3.18 8.3.5.1): window, viewport, quality."""
    entry = store.instance(*uids)
    part = store.frame(*uids, "frames", frame)
    decoded = shown_frame(entry, part, frame, _reader_of(store, uids[0]))
    shown = _scaled(ask, render(decoded, _window(ask)), kind)
    for wish in wishes(ask.parameter("accept") or ask.header("accept")):
        if wish.type in ("image/jpeg", "image/*") or wish.wants_any:
            return Reply(200, "image/jpeg", [encode_jpeg(shown, _quality(ask))])
        if wish.type == "image/png":
            return Reply(200, "image/png", [encode_png(shown)])
    raise Refusal(406, "Pictures come as image/jpeg or image/png")


def _quality(ask: Ask) -> int:
    text = ask.parameter("quality") or "90"
    if not text.isdecimal() or not 1 <= int(text[:4]) <= 100:
        raise Refusal(400, "quality is a number from 1 to 100")
    return int(text)


def _window(ask: Ask) -> Window | None:
    text = ask.parameter("window")
    if not text:
        return None
    parts = text.split(",")
    try:
        centre, width = float(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        raise Refusal(400, "window is centre,width and linear, linear-exact or sigmoid") from None
    # nan compares false with everything
    function = (parts[2:] or ["linear"])[0].replace("-", "_").upper()
    if len(parts) > 3 or function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise Refusal(400, "window is centre,width and linear, linear-exact or sigmoid")
    if not (abs(centre) < 1e9 and (1 if function == "LINEAR" else 1e-9) <= width < 1e9):
        raise Refusal(400, "The width of a window is at least 1")
    return Window(centre, width, function=function)


def _scaled(ask: Ask, shown: Picture, kind: str) -> Picture:
    text = ask.parameter("viewport")
    if not text:
        return fit(shown, THUMBNAIL, THUMBNAIL) if kind == "thumbnail" else shown
    parts = text.split(",")
    if len(parts) not in (2, 6) or not all(p.isascii() and p.isdecimal() for p in parts[:2]):
        raise Refusal(400, "viewport is width,height")
    if any(parts[2:]):
        raise Refusal(400, "Only whole frames are shown: viewport is width,height")
    width, height = (int(part[:6]) for part in parts[:2])
    if not 0 < width <= _MAX_SIDE or not 0 < height <= _MAX_SIDE:
        raise Refusal(400, f"viewport is at most {_MAX_SIDE} pixels a side")
    return fit(shown, width, height)
