"""What is to be written: the encoding of the frames, and copies beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from loading.codecs import encode
from loading.codecs.encode import Encoding
from loading.errors import LoadError

ENCODINGS: dict[str, Encoding | None] = {
    "htj2k": encode.HTJ2K,
    "jls": encode.JPEG_LS,
    "j2k": encode.JPEG_2000,
    "as-is": None,
}
"""Names for the frames themselves; nothing is lost in any of them."""

ALTERNATES: dict[str, Encoding] = {
    "jhc": encode.HTJ2K_LOSSY,
    "jls": encode.JPEG_LS_NEAR,
    "jhcLossless": encode.HTJ2K,
    "jlsLossless": encode.JPEG_LS,
}
"""Names for copies beside the frames, as Static DICOMweb has them."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_TAKEN = frozenset(
    {"frames", "metadata", "thumbnail", "rendered", "instances", "series", "studies", "bulkdata"}
)
REDUCTION = 4
"""Thumbnails have every fourth sample of a filtered picture, along rows and columns."""


@dataclass(frozen=True, slots=True)
class Alternate:
    """A copy of every frame in another encoding.

    Attributes
    ----------
    name : str
        Folder beside `frames`, and so the word in the URL.
    is_thumbnail : bool
        Reduced by `REDUCTION` in rows and columns.
    """

    name: str
    encoding: Encoding
    is_thumbnail: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.lower() in _TAKEN:
            raise LoadError(
                f"{self.name!r} cannot be the name of an alternate",
                cure="Use letters, digits, - and _; names of DICOMweb resources are taken",
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to write of every frame; `encoding` None leaves frames as they are."""

    encoding: Encoding | None = encode.HTJ2K
    alternates: tuple[Alternate, ...] = ()

    def __post_init__(self) -> None:
        names = [one.name for one in self.alternates]
        if len(set(names)) < len(names):
            raise LoadError(
                "Two alternates have one name", cure="Give each its own --alternate-name"
            )
