"""What is there to be opened: the result of describing a URI from metadata alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loading.errors import NotFound
from loading.notices import Notice
from loading.sources.base import Source
from loading.spec import VolumeSpec

Progress = Callable[[int, int], None]
"""Called with how many of how many files have been looked at (total 0: not known yet)."""


@dataclass(frozen=True, slots=True, eq=False)
class VolumeEntry:
    """A volume that can be opened; nothing has been allocated yet."""

    spec: VolumeSpec
    open: Callable[[], Source]


@dataclass(frozen=True, slots=True, eq=False)
class ImageEntry:
    """Something with or without pixels that is not a volume.

    `kind` is a sentence fragment for people ("radiograph", "structured report"); `spec` and
    `open` are there where it has pixels that can be read ([frames, rows, columns]). `numbers` are
    those that stand in the file where a palette makes colours of them: what a check sum is of.
    Objects without pixels say what they are called, of when they are ("2024-02-29 13:45") and
    which series that were found they belong to.
    """

    path: str
    kind: str
    frames: int = 1
    spec: VolumeSpec | None = None
    open: Callable[[], Source] | None = None
    numbers: VolumeEntry | None = None
    title: str = ""
    date: str = ""
    belongs_to: str = ""


First = Callable[[VolumeEntry], None]
"""Called at most once, while many files are still being looked at, with the best volume so far.

Slices of it may be missing still; the catalogue has it whole.
"""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was passed over, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Everything found under one URI."""

    uri: str
    volumes: tuple[VolumeEntry, ...] = ()
    images: tuple[ImageEntry, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Notice, ...] = ()


class NothingFound(NotFound):
    """Raise when nothing under a URI can be opened; `catalogue` has what was passed over."""

    def __init__(self, catalogue: Catalogue, what: str, *, where: str = "", cure: str = "") -> None:
        super().__init__(what, where=where, cure=cure)
        self.catalogue = catalogue
