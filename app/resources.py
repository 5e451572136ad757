"""Find the files of `resources/`, in a source tree, installed, and frozen.

`resources` is a folder without code. From a source tree it lies beside `app`; installed it is a
namespace package beside it, and in a frozen program it is inside the bundle: always the sibling of
this package.
"""

from __future__ import annotations

import sys
from pathlib import Path


def resource_path(*parts: str) -> Path:
    """Give the path of a resource; raise FileNotFoundError with its name when it is not there."""
    for folder in _candidates():
        path = folder.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"resource {'/'.join(parts)} is missing: install Voxtide again")


def read_text(*parts: str) -> str:
    """Read a resource as UTF-8 text."""
    return resource_path(*parts).read_text(encoding="utf-8")


def _candidates() -> list[Path]:
    beside = Path(__file__).resolve().parent.parent / "resources"
    bundle = getattr(sys, "_MEIPASS", None)
    return [beside] if bundle is None else [Path(bundle) / "resources", beside]
