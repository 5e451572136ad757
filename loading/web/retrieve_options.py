"""How frames are retrieved, as data: for all servers, for one, for a transfer syntax.

Nothing has to be said: what is left out is found out. What is said stands in a TOML file,

    [[retrieve]]
    server = "https://pacs.example/dicomweb"    # these two say what the rest is for;
    syntax = "1.2.840.10008.1.2.4.80"           # without them it is for everything
    reduced_path = "jlsThumbnail"

later tables over earlier ones. An unknown key or a value that cannot be is an error that names the
place. `docs/dicomweb.md` has the table of keys, made from the descriptions here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from loading.errors import LoadError
from loading.web.wado import RUNG_NAMES

VARIABLE = "VOXTIDE_RETRIEVE"
"""Names the file."""
RANGES = ("auto", "never")
SAMPLING = ("samples", "means")


@dataclass(frozen=True, slots=True)
class RetrieveOptions:
    """What may be said of retrieving frames; the defaults mean: find out."""

    accept: str = ""
    ranges: str = "auto"
    prefix_bytes: int = 0
    decode_level: int = 0
    chunk_bytes: int = 0
    streaming: bool = True
    partial: bool = True
    frames_path: str = "frames"
    reduced_path: str = ""
    reduced_sampling: str = "samples"
    lossy_path: str = ""
    url_arguments: str = ""
    concurrency: int = 0
    wado_uri: str = ""


class OptionsError(LoadError):
    """Raise when retrieve options say what they cannot."""


def _is_path(value: Any) -> bool:
    parts = value.split("/")
    plain = all(part.replace("-", "").replace("_", "").isalnum() for part in parts)
    return value == "" or (plain and value.isascii())


_KEYS: dict[str, tuple[type, Callable[[Any], bool], str]] = {
    "accept": (str, lambda v: v in RUNG_NAMES, f"one of {', '.join(RUNG_NAMES)}"),
    "ranges": (str, lambda v: v in RANGES, f"one of {', '.join(RANGES)}"),
    "prefix_bytes": (int, lambda v: 64 <= v <= 1 << 30, "bytes, 64 or more"),
    "decode_level": (int, lambda v: 1 <= v <= 5, "1 to 5: halvings of the matrix"),
    "chunk_bytes": (int, lambda v: 4096 <= v <= 1 << 30, "bytes, 4096 or more"),
    "streaming": (bool, lambda v: True, "true or false"),
    "partial": (bool, lambda v: True, "true or false"),
    "frames_path": (str, _is_path, "a name as it stands in the address"),
    "reduced_path": (str, _is_path, "a name as it stands in the address"),
    "reduced_sampling": (str, lambda v: v in SAMPLING, f"one of {', '.join(SAMPLING)}"),
    "lossy_path": (str, _is_path, "a name as it stands in the address"),
    "url_arguments": (str, lambda v: v.isprintable() and "#" not in v, "name=value, joined by &"),
    "concurrency": (int, lambda v: 1 <= v <= 256, "1 to 256"),
    "wado_uri": (
        str,
        lambda v: v.startswith(("http://", "https://")) and "?" not in v,
        "an http(s) address without arguments",
    ),
}
DESCRIPTIONS = {
    "accept": "Form of asking, instead of the first one that works",
    "ranges": "Whether parts of frames are asked for",
    "prefix_bytes": "First bytes asked for of each frame, instead of as many as the level takes",
    "decode_level": "Halvings of the matrix of the coarsest picture",
    "chunk_bytes": "The rest of a frame comes in pieces of so many bytes",
    "streaming": "Show a frame that is still coming as far as it goes",
    "partial": "Ask for beginnings of frames where that pays",
    "frames_path": "What stands for `frames` in the address of a frame",
    "reduced_path": "Where smaller copies are, beside `frames`; they are shown first",
    "reduced_sampling": "Whether these are every n-th pixel or means of n by n",
    "lossy_path": "Where lossy copies of full size are, beside `frames`; they are shown first",
    "url_arguments": "Added to the address of every frame",
    "concurrency": "Requests at once to this server, at most",
    "wado_uri": "Address of the server's WADO-URI service, the last form that is tried",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    server: str
    syntax: str
    given: Mapping[str, Any]

    def fits(self, root: str, syntax: str) -> bool:
        return self.server in ("", root) and self.syntax in ("", syntax)


@dataclass(frozen=True, slots=True)
class OptionTable:
    """All that was said; `for_frames` gives what holds for a server and a transfer syntax."""

    entries: tuple[_Entry, ...] = ()

    def for_frames(self, root: str, syntax: str) -> RetrieveOptions:
        """Give the options for frames of a syntax on a server."""
        options = RetrieveOptions()
        for entry in self.entries:
            if entry.fits(root.rstrip("/"), syntax):
                options = replace(options, **entry.given)
        return options


def parse(data: Mapping[str, Any], where: str = "") -> OptionTable:
    """Check what stands in a file.

    Raises
    ------
    OptionsError
        Naming the first thing in it that cannot be.
    """
    for key in data:
        if key != "retrieve":
            raise OptionsError(f"Unknown key {key}", where=where, cure="Known is [[retrieve]]")
    tables = data.get("retrieve", [])
    if not isinstance(tables, Sequence) or not all(isinstance(t, Mapping) for t in tables):
        raise OptionsError("retrieve is a list of tables", where=where, cure="Write [[retrieve]]")
    return OptionTable(
        tuple(_entry(table, f"retrieve[{number}]", where) for number, table in enumerate(tables))
    )


def _entry(table: Mapping[str, Any], path: str, where: str) -> _Entry:
    given = dict(table)
    server, syntax = given.pop("server", ""), given.pop("syntax", "")
    for name, value in (("server", server), ("syntax", syntax)):
        if not isinstance(value, str):
            raise OptionsError(f"{path}.{name} is a text", where=where)
    for key, value in given.items():
        if key not in _KEYS:
            known = ", ".join(["server", "syntax", *_KEYS])
            raise OptionsError(f"Unknown key {path}.{key}", where=where, cure=f"Known are {known}")
        kind, fits, words = _KEYS[key]
        is_kind = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not is_kind or not fits(value):
            raise OptionsError(
                f"{path}.{key} cannot be {value!r}", where=where, cure=f"It is {words}"
            )
    return _Entry(server.rstrip("/"), syntax, given)


def read(path: Path) -> OptionTable:
    """Read a file of options.

    Raises
    ------
    OptionsError
        When it cannot be read or says what it cannot.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionsError(
            f"The retrieve options cannot be read ({error.strerror})", where=str(path)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionsError(f"The retrieve options are no TOML: {error}", where=str(path)) from error
    return parse(data, str(path))


@lru_cache(maxsize=8)
def _read_once(path: str, stamp: int) -> OptionTable:
    return read(Path(path))


def current() -> OptionTable:
    """Give the options of this process: those of the file that `VOXTIDE_RETRIEVE` names."""
    path = os.environ.get(VARIABLE, "")
    if not path:
        return OptionTable()
    try:
        stamp = Path(path).stat().st_mtime_ns
    except OSError:
        stamp = 0
    return _read_once(path, stamp)


assert {field.name for field in fields(RetrieveOptions)} == _KEYS.keys() == DESCRIPTIONS.keys()
