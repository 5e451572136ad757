"""Read a published tree without Voxtide: json, gzip, and the codecs' own functions."""

from __future__ import annotations

import gzip
import json
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

DECODERS = {
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.81": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_decode,
    "1.2.840.10008.1.2.4.201": imagecodecs.htj2k_decode,
    "1.2.840.10008.1.2.4.202": imagecodecs.htj2k_decode,
    "1.2.840.10008.1.2.4.203": imagecodecs.htj2k_decode,
}


def series_folders(tree: Path) -> list[Path]:
    return sorted(tree.glob("studies/*/series/*/"))


def read_json(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def value(entry: dict[str, Any], tag: str) -> Any:
    return entry[tag]["Value"][0]


def part_of(path: Path) -> tuple[str, str, bytes]:
    """Give media type, transfer syntax and bytes of a file, by the library's MIME parser."""
    body = path.read_bytes()
    boundary = body.split(b"\r\n", 1)[0][2:]
    head = b'Content-Type: multipart/related; boundary="' + boundary + b'"\r\n\r\n'
    parts: Any = BytesParser().parsebytes(head + body).get_payload()
    (part,) = parts
    data = body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--" + boundary, 1)[0]
    return part.get_content_type(), part.get_param("transfer-syntax"), data


def frame(folder: Path, entry: dict[str, Any], number: int, rendition: str = "frames"):
    """Decode a published frame, its bits read as the metadata say."""
    sop = value(entry, "00080018")
    _, syntax, data = part_of(folder / "instances" / sop / rendition / f"{number}.mht")
    if value(entry, "00280100") == 1:
        rows, columns = value(entry, "00280010"), value(entry, "00280011")
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[: rows * columns].reshape(rows, columns)
    kind = "i" if value(entry, "00280103") else "u"
    dtype = np.dtype(f"{kind}{value(entry, '00280100') // 8}")
    if syntax == "1.2.840.10008.1.2.1":
        decoded = np.frombuffer(data, dtype)
        shape = [value(entry, "00280010"), value(entry, "00280011")]
        samples = value(entry, "00280002")
        return decoded.reshape(shape if samples == 1 else [*shape, samples])
    return np.asarray(DECODERS[syntax](data)).view(dtype)


def files(tree: Path) -> dict[str, bytes]:
    """Give every file of a tree with its content."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file()
    }
