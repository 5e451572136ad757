"""Frames in the form that a client takes (PS3.18 8.7): as stored, alone, in lists, or native."""

from __future__ import annotations

from collections.abc import Sequence

from loading.dicom import syntaxes
from loading.publish.indexes import value_of
from loading.publish.samples import native_frame
from loading.publish.tree import FramePart
from loading.serve.accept import Wish, wishes
from loading.serve.messages import Ask, Piece, Refusal, Reply, Slice, file_reply
from loading.serve.store import Object, Store

_BOUNDARY = "VOXTIDE_7b1e5c0d94"
_MAX_FRAMES = 4096
_RAW = ("", syntaxes.EXPLICIT_LITTLE)
_HEAD = 512
_PHOTOMETRIC = "00280004"

Uids = tuple[str, str, str]


def frame_numbers(text: str) -> list[int]:
    """Read a list of frame numbers, from 1; raise Refusal (400) where it is none."""
    parts = text.split(",")
    if len(parts) > _MAX_FRAMES or not all(p.isascii() and p.isdecimal() for p in parts):
        raise Refusal(400, f"{text[:64]!r} is no list of frame numbers")
    numbers = [int(part[:10]) for part in parts]
    if min(numbers) < 1:
        raise Refusal(400, "Frames are numbered from 1")
    return numbers


def frames(store: Store, ask: Ask, uids: Uids, rendition: str, numbers: Sequence[int]) -> Reply:
    """Answer with some frames of an instance.

    Raises
    ------
    Refusal
        404 where there is none, 406 where the client takes nothing that there is.
    """
    wanted = wishes(ask.parameter("accept") or ask.header("accept"))
    path = store.frame_file(*uids, rendition, numbers[0])
    if path.suffix == ".mht" and len(numbers) == 1 and wanted and wanted[0].wants_any:
        return _stored(store, uids, rendition, numbers[0])
    first = store.frame(*uids, rendition, numbers[0])
    for wish in wanted:
        if _takes_stored(wish, first):
            if path.suffix == ".mht" and len(numbers) == 1:
                if wish.is_multipart or wish.type == "*/*":
                    return _stored(store, uids, rendition, numbers[0])
                return _alone(store, uids, rendition, numbers[0], first)
            parts = [first, *(store.frame(*uids, rendition, n) for n in numbers[1:])]
            return _several(wish, parts, uids, rendition, numbers)
        if _takes_raw(wish):
            entry = store.instance(*uids)
            parts = [_decoded(entry, store.frame(*uids, rendition, n)) for n in numbers]
            return _several(wish, parts, uids, rendition, numbers)
    raise Refusal(406, f"These frames are {first.type}; transfer-syntax={first.syntax}")


def _takes_stored(wish: Wish, part: FramePart) -> bool:
    if wish.wants_any:
        return wish.syntax in ("", "*", part.syntax)
    kind = wish.of if wish.is_multipart else wish.type
    if kind == "application/octet-stream":
        return wish.syntax == "*" or (part.syntax in syntaxes.NATIVE and wish.syntax in _RAW)
    return kind in (part.type, "image/*") and wish.syntax in ("", "*", part.syntax)


def _takes_raw(wish: Wish) -> bool:
    """Tell whether native pixels are wanted, which octet-stream means by itself (8.7.3.3)."""
    kind = wish.of if wish.is_multipart else wish.type
    return (kind == "application/octet-stream" and wish.syntax in _RAW) or (
        wish.wants_any and wish.syntax == syntaxes.EXPLICIT_LITTLE
    )


def _decoded(entry: Object, part: FramePart) -> FramePart:
    """Give native samples; what a client would take for other colours than they are is refused.

    RGB under YBR_FULL_422 is not: it is three bytes a pixel where that model has two, which is how
    clients know it (`docs/use/publish.md`).
    """
    if part.syntax in syntaxes.NATIVE:
        return part
    native = native_frame(entry, part)
    if native.photometric == "RGB" and value_of(entry, _PHOTOMETRIC) == "YBR_FULL":
        raise Refusal(406, "The metadata call these colours YBR_FULL, but they are RGB")
    return FramePart("application/octet-stream", syntaxes.EXPLICIT_LITTLE, native.data, 0)


def _stored(store: Store, uids: Uids, rendition: str, number: int) -> Reply:
    """Answer with the file as it lies there, without a look at its pixels."""
    path = store.frame_file(*uids, rendition, number)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    line, _, rest = head.partition(b"\r\n")
    told = rest.partition(b"\r\n")[0].partition(b":")[2].decode("ascii", "replace").strip()
    media, _, syntax = told.partition(";")
    boundary = line.removeprefix(b"--").decode("ascii", "replace")
    kind = _multipart(media.strip(), syntax.partition("=")[2].strip(), boundary)
    return file_reply(path, kind)


def _multipart(media: str, syntax: str, boundary: str) -> str:
    told = f'multipart/related; type="{media}"; boundary={boundary}'
    return f"{told}; transfer-syntax={syntax}" if syntax else told


def _alone(store: Store, uids: Uids, rendition: str, number: int, part: FramePart) -> Reply:
    """Answer with the codestream, which is a stretch of the file."""
    path = store.frame_file(*uids, rendition, number)
    reply = file_reply(path, _single(part))
    reply.pieces = [Slice(path, part.offset, len(part.data))]
    reply.tag += "-part"
    return reply


def _single(part: FramePart) -> str:
    return f"{part.type}; transfer-syntax={part.syntax}" if part.syntax else part.type


def _several(
    wish: Wish,
    parts: Sequence[FramePart],
    uids: Uids,
    rendition: str,
    numbers: Sequence[int],
) -> Reply:
    """Answer with parts in the order in which they were asked for."""
    if not wish.is_multipart and wish.type != "*/*":
        if len(parts) > 1:
            raise Refusal(406, "Several frames come as multipart/related only")
        return Reply(200, _single(parts[0]), [parts[0].data])
    pieces: list[Piece] = []
    for number, part in zip(numbers, parts, strict=True):
        head = f"--{_BOUNDARY}\r\nContent-Type: {part.type};transfer-syntax={part.syntax}\r\n"
        place = "/".join(("studies", uids[0], "series", uids[1], "instances", uids[2]))
        head += f"Content-Location: /{place}/{rendition}/{number}\r\n\r\n"
        pieces += [head.encode(), part.data, b"\r\n"]
    pieces.append(f"--{_BOUNDARY}--\r\n".encode())
    return Reply(200, _multipart(parts[0].type, parts[0].syntax, _BOUNDARY), pieces)
