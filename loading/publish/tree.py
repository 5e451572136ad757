"""The folders and files of a static DICOMweb tree, and how a file gets there: whole or not at all.

Every file is written under another name, on the same disk, and renamed. What a run that was
killed left behind lies in one folder, which the next run empties.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from loading.errors import BadResponse, LoadError, SourceError

UNFINISHED = ".voxtide-unfinished"
_LOCK = ".voxtide-lock"
_WRITE_FLAGS = (
    os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_UID = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]{0,63}")
_NAMESPACE = uuid.UUID("b3f1a2a8-3c51-5f0e-9d3e-57f0c6a1d201").bytes
OCTETS = "application/octet-stream"
_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jll",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.4.92": "image/jpx",
    "1.2.840.10008.1.2.4.93": "image/jpx",
    "1.2.840.10008.1.2.4.110": "image/jxl",
    "1.2.840.10008.1.2.4.111": "image/jxl",
    "1.2.840.10008.1.2.4.112": "image/jxl",
}


def media_type(syntax: str) -> str:
    """Give the media type of frames in a transfer syntax (PS3.18 8.7.3.3)."""
    return _TYPES.get(syntax, OCTETS)


def is_name(text: str) -> bool:
    """Tell whether a UID can be the name of a folder; no text of a file leads anywhere else."""
    return bool(_UID.fullmatch(text)) and not text.endswith(".")


class FramePart(NamedTuple):
    """The one part of a frame's file: media type, transfer syntax UID, bytes, their offset."""

    type: str
    syntax: str
    data: bytes
    offset: int


def envelope(syntax: str, name: str) -> tuple[bytes, bytes]:
    """Give what stands before and behind a frame in its multipart body.

    `name` decides the boundary, so that it never changes.
    """
    boundary = f"BOUNDARY_{_name_based(name)}"
    kind = f"{media_type(syntax)};transfer-syntax={syntax}"
    head = f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n"
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()


def _name_based(name: str) -> str:
    """Give the text of `uuid.uuid5`, in a third of its time."""
    text = hashlib.sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def unwrap(body: bytes) -> FramePart:
    """Read a multipart body of one part, as this module or Static DICOMweb writes it.

    Raises
    ------
    BadResponse
        When it is none.
    """
    line, _, rest = body.partition(b"\r\n")
    head, blank, data = rest.partition(b"\r\n\r\n")
    end = data.rfind(b"\r\n" + line)
    if not line.startswith(b"--") or not blank or end < 0:
        raise BadResponse("This is no multipart body of one frame")
    kind, _, syntax = _content_type(head).partition(";")
    syntax = syntax.strip().partition("transfer-syntax=")[2].strip('" ')
    return FramePart(kind.strip(), syntax, data[:end], len(line) + 6 + len(head))


def _content_type(head: bytes) -> str:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            return value.decode("ascii", "replace").strip()
    return OCTETS


class Tree:
    """A static DICOMweb tree on a disk.

    Parameters
    ----------
    root : Path
        Folder that holds `studies`; made when something is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = 0
        self._guard = threading.Lock()

    @property
    def studies(self) -> Path:
        """Give the folder of all studies."""
        return self.root / "studies"

    def study(self, study: str) -> Path:
        """Give the folder of a study."""
        return self.studies / study

    def series(self, study: str, series: str) -> Path:
        """Give the folder of a series."""
        return self.studies / study / "series" / series

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other publishers out, and tidy up what a killed one left behind.

        Raises
        ------
        LoadError
            When another process writes there, or nothing can be written.
        """
        unfinished = self.root / UNFINISHED
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / _LOCK).open("ab") as lock:
                _take(lock, self.root)
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                try:
                    yield
                finally:
                    shutil.rmtree(unfinished, ignore_errors=True)
        except OSError as error:
            raise SourceError(
                f"The tree cannot be written ({error.strerror or error})",
                where=str(error.filename or self.root),
                cure="Free space or choose another folder, then run the same again",
            ) from error

    def write(self, path: str | Path, *parts: bytes) -> None:
        """Put a file in its place, whole; its parts follow each other."""
        with self._guard:
            self._count += 1
            number = self._count
        unfinished, place = f"{self.root}/{UNFINISHED}/{number}", str(path)
        descriptor = os.open(unfinished, _WRITE_FLAGS, 0o666)
        try:
            for part in parts:
                view = memoryview(part)
                while view:
                    view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)
        try:
            os.replace(unfinished, place)  # noqa: PTH105
        except FileNotFoundError:  # the first file there, or somebody tidied up meanwhile
            _make_folder(os.path.dirname(place))  # noqa: PTH120
            os.replace(unfinished, place)  # noqa: PTH105

    def write_json(self, path: Path, value: object) -> None:
        """Write a value as gzipped JSON; equal values become equal bytes."""
        self.write_text(path, json.dumps(value, separators=(",", ":"), ensure_ascii=False))

    def write_text(self, path: Path, text: str) -> None:
        """Write JSON text, gzipped, unless that is there already."""
        packed = io.BytesIO()
        with gzip.GzipFile("", "wb", 6, packed, mtime=0) as file:
            file.write(text.encode())
        if read_or_none(path) != packed.getvalue():
            self.write(path, packed.getvalue())

    def keep_bulk(self, study: str, value: bytes) -> str:
        """Keep a long value once in the study, named by its content; give its URI there."""
        name = hashlib.sha256(value).hexdigest()
        uri = f"bulkdata/{name[:2]}/{name[2:4]}/{name[4:]}"
        path = self.study(study) / uri
        if not path.is_file():
            self.write(path, value)
        return uri


def _make_folder(folder: str) -> None:
    """Make a folder and those above it; beginning below, as most are there."""
    try:
        os.mkdir(folder)  # noqa: PTH102 -- plain strings, for speed
    except FileExistsError:
        return
    except FileNotFoundError:
        _make_folder(os.path.dirname(folder))  # noqa: PTH120
        _make_folder(folder)


def read_or_none(path: str | Path) -> bytes | None:
    """Read a file, if there is one."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 -- the fast road
            return file.readall()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def read_objects(path: Path) -> list[dict[str, Any]]:
    """Read an array of DICOM JSON objects; an absent or damaged file is an empty one."""
    packed = read_or_none(path)
    if packed is None:
        return []
    try:
        objects = json.loads(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)
    except (OSError, EOFError, ValueError, RecursionError):
        return []
    return [one for one in _as_list(objects) if isinstance(one, dict)]


def _as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def _take(lock: io.BufferedWriter, root: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows refuses to open what another process writes, in its own way
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise LoadError(
            "Another process is publishing there", where=str(root), cure="Wait until it has ended"
        ) from error
