"""The pictures that the README and docs/ keep: states of the window, as small files."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

PICTURES = {
    "four-up": "voxtide",
    "start": "start",
    "loading": "loading",
    "failures": "missing-slices",
    "notices": "notices",
    "two-columns-linked": "side-by-side",
    "crop-box": "crop",
    "palette-slice": "palette",
    "studies-results": "studies",
    "sign-in": "sign-in",
}
"""Name of the state: name of the file in docs/images."""

LARGEST = 300_000
"""Bytes of one file."""


def keep(taken: Path, folder: Path) -> None:
    """Write the pictures that were just taken to a folder, as WebP; others there are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for state, name in PICTURES.items():
        (source,) = taken.glob(f"[0-9][0-9]-{state}.png")
        path = folder / f"{name}.webp"
        with Image.open(source) as picture:
            picture.convert("RGB").save(path, "WEBP", quality=88, method=6)
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.name} takes {path.stat().st_size} bytes")
    for path in folder.iterdir():
        if path.suffix != ".webp" or path.stem not in PICTURES.values():
            path.unlink()
