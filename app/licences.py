"""Which parts the program is made of, in which version, under which licence.

A package carries an index that is made when it is built, of everything inside, with the texts
beside it. Elsewhere the metadata of what is installed are asked.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

_NAME = re.compile(r"^[A-Za-z0-9._-]+")
NOT_USED = frozenset({"matplotlib"})
"""Required by the metadata of others; no line of ours imports it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `source` is where its source can be had, where its licence asks for that."""

    name: str
    version: str
    licence: str
    source: str = ""


def text_folder() -> Path | None:
    """Give the folder with the texts of a packaged program; None elsewhere."""
    folder = Path(sys.executable).resolve().parent / "licenses"
    return folder if getattr(sys, "frozen", False) and folder.is_dir() else None


def parts() -> list[Part]:
    """Give everything that the program is made of, itself left out."""
    folder = text_folder()
    if folder is not None:
        try:
            listed = json.loads((folder / "index.json").read_text("utf-8"))
            return [Part(**entry) for entry in listed]
        except (OSError, ValueError, TypeError):
            return []
    return [
        Part(one.name, one.version, licence_of(one)) for one in requirements("voxtide", "zarr")
    ] + [Part("Python", sys.version.split()[0], "PSF-2.0")]


def requirements(name: str, extra: str = "") -> list[Distribution]:
    """Give the installed distributions that one needs, directly or through others, by name."""
    found: dict[str, Distribution] = {}
    _follow(name, extra, found)
    found.pop(_key(name), None)
    return [found[key] for key in sorted(found)]


def licence_of(one: Distribution) -> str:
    """Name the licence of a distribution from its metadata; the first line where it is a text."""
    metadata: Any = one.metadata
    for field in ("License-Expression", "License"):
        for text in metadata.get_all(field) or []:
            first: str = text.strip().partition("\n")[0]
            if first and len(first) < 60 and "opyright" not in first:
                return first
    named = [
        line.rpartition("::")[2].strip()
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    return ", ".join(named)


def _follow(name: str, extra: str, found: dict[str, Distribution]) -> None:
    try:
        one = distribution(name)
    except PackageNotFoundError:
        return
    found[_key(name)] = one
    for line in one.requires or []:
        head, _, marker = line.partition(";")
        match = _NAME.match(head.strip())
        # what only an extra asks for is there or not; of ours, one is always looked at
        wanted = "extra" not in marker or (extra and re.search(rf"['\"]{extra}['\"]", marker))
        if match and wanted and _key(match[0]) not in found and _key(match[0]) not in NOT_USED:
            _follow(match[0], "", found)


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
