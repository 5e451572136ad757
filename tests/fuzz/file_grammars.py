"""The other grammars: ZIP archives, fields of binary headers, tags of TIFF, gzip around all."""

from __future__ import annotations

import gzip
import io
import random
import warnings
import zipfile

from tests.fuzz import dicom_grammar
from tests.fuzz.values import BYTES, PATHS, scramble, scramble_text

_TEXT_HEADS = (b"NRRD", b"ObjectType", b"NDims", b"{", b"Pixel", b"[XTek", b"Scanner")
_FIELDS = {348: ((40, 2, 8), (70, 2, 2), (76, 4, 8), (108, 4, 3), (252, 2, 2), (256, 4, 6),
                 (280, 4, 12), (123, 1, 1)),
           540: ((4, 1, 8), (12, 2, 2), (16, 8, 8), (104, 8, 8), (168, 8, 1), (176, 8, 2),
                 (344, 4, 2), (400, 8, 12)),
           1: ((0, 4, 1), (4, 4, 4), (20, 4, 1), (28, 2, 1), (30, 4, 15))}  # fmt: skip
"""Place, width and number of fields, by the first whole number of the file: NIfTI-1, -2, MGH."""


def change_file(data: bytes, rng: random.Random) -> bytes:
    """Change a file by the grammar of its kind, now and then just its bytes."""
    if rng.random() < 0.15:
        return scramble(data, rng)
    try:
        return _change_by_kind(data, rng)
    except Exception:  # it was damaged before, and is not of its kind any more
        return scramble(data, rng)


def _change_by_kind(data: bytes, rng: random.Random) -> bytes:
    if data[:4] in (b"PK\3\4", b"PK\5\6"):
        return change_archive(data, rng)
    if data[:2] == b"\x1f\x8b":
        return _change_gzip(data, rng)
    if data[128:132] == b"DICM" and is_explicit(data):
        return dicom_grammar.change(data, rng)
    if data.startswith(_TEXT_HEADS):
        head, gap, body = data.partition(b"\n\n")
        if not gap:
            head, gap, body = data.partition(b"LOCAL\n")
        changed = scramble_text(head, rng)
        return changed + gap + (body if rng.random() < 0.8 else scramble(body, rng))
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _change_tiff(data, rng)
    for order in ("little", "big"):
        fields = _FIELDS.get(int.from_bytes(data[:4], order))
        if fields:
            return _change_fields(data, fields, rng)
    return scramble(data, rng)


def is_explicit(data: bytes) -> bool:
    """Tell whether a DICOM file is in explicit little endian, encapsulated ones included."""
    at = data.find(b"1.2.840.10008.1.2", 132, 400)
    syntax = data[at + 17 : at + 24].split(b"\0")[0]
    behind = data.find(b"\x08\0", at)
    return (
        at >= 0 and syntax not in (b"", b".2", b".1.99") and data[behind + 4 : behind + 6].isalpha()
    )


def _change_gzip(data: bytes, rng: random.Random) -> bytes:
    packed = gzip.compress(change_file(gzip.decompress(data), rng), 1)
    act = rng.randrange(6)
    if act == 0:
        return packed[: rng.randrange(len(packed))]
    if act == 1:
        return packed[:-8] + rng.choice(BYTES)[:4] + packed[-4:]
    return packed * 2 if act == 2 else packed


def _change_fields(
    data: bytes, fields: tuple[tuple[int, int, int], ...], rng: random.Random
) -> bytes:
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        start, width, count = rng.choice(fields)
        at = start + width * rng.randrange(count)
        part = rng.choice(BYTES)[:width].ljust(width, rng.choice((b"\0", b"\xff")))
        content[at : at + width] = part if rng.random() < 0.7 else part[::-1]
    return bytes(content)


def _change_tiff(data: bytes, rng: random.Random) -> bytes:
    """Change tags of the first page: number, type, count or value."""
    content = bytearray(data)
    order = "little" if data[:2] == b"II" else "big"
    at = int.from_bytes(data[4:8], order)  # type: ignore[arg-type]
    count = int.from_bytes(data[at : at + 2], order)  # type: ignore[arg-type]
    if not 0 < count < 200:
        return scramble(data, rng)
    for _ in range(rng.choice((1, 1, 2, 3))):
        entry = at + 2 + 12 * rng.randrange(count + 1)
        place, width = rng.choice(((0, 2), (2, 2), (4, 4), (8, 4), (8, 4), (8, 4)))
        number = rng.choice((0, 1, 2, 3, 5, 7, 8, 16, 255, 257, 65535, 1 << 24, (1 << 32) - 1, at))
        value = number & ((1 << 8 * width) - 1)
        content[entry + place : entry + place + width] = value.to_bytes(width, order)  # type: ignore[arg-type]
    return bytes(content)


def change_archive(data: bytes, rng: random.Random) -> bytes:
    """Write an archive anew with other names, contents, packings and lies in its directory."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(i.filename, archive.read(i)) for i in archive.infolist()]
    for _ in range(rng.choice((1, 1, 2))):
        if not members:
            break
        at = rng.randrange(len(members))
        name, content = members[at]
        act = rng.randrange(6)
        if act == 0:
            members[at] = (_climbing(name, rng), content)
        elif act in (1, 2):
            members[at] = (name, change_file(content, rng))
        elif act == 3:
            members.insert(at, (name, change_file(content, rng)))
        elif act == 4:
            del members[at]
        else:
            members[at] = (name + rng.choice(("/", ".zip", ".gz", "\u202e", "\\..\\x")), content)
    packed = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in members:
                archive.writestr(name.replace("\0", "_"), content, rng.choice((0, 0, 8, 8, 12)))
    return _lie(packed.getvalue(), rng) if rng.random() < 0.5 else packed.getvalue()


def _climbing(name: str, rng: random.Random) -> str:
    path = rng.choice(PATHS).decode("latin-1").replace("\0", "_")
    return rng.choice((path, f"{path}/{name}", f"../{name}", f"/{name}", f"a/../../{name}"))


def _lie(data: bytes, rng: random.Random) -> bytes:
    """Change sizes, offsets, flags or methods in the directory or in front of a member."""
    content = bytearray(data)
    for magic, places in ((b"PK\1\2", ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (42, 4))),
                          (b"PK\3\4", ((6, 2), (8, 2), (18, 4), (26, 2), (28, 2))),
                          (b"PK\5\6", ((8, 2), (10, 2), (12, 4), (16, 4), (20, 2)))):  # fmt: skip
        at = content.find(magic)
        if at >= 0 and rng.random() < 0.5:
            place, width = rng.choice(places)
            part = rng.choice(BYTES)[:width].ljust(width, b"\0")
            content[at + place : at + place + width] = part
    return bytes(content)
