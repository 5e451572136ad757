"""Three faults that the fuzzer must find, put into a running process and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FAULTS = ("unbounded-size", "endless-item", "climbing-member")


def plant(name: str) -> None:
    """Put a fault into this process.

    unbounded-size
        Rows x Columns are no longer held against the bytes of the pixels.
    endless-item
        An item without bytes is not stepped over.
    climbing-member
        A member of an archive whose name climbs out with ".." is read like any other.
    """
    _PLANTS[name]()


def _unbounded_size() -> None:
    from loading.dicom import describe, images, volumes

    def enough(*_: object) -> str:
        return ""

    for module in (describe, images, volumes):
        module.shortage = enough  # type: ignore[attr-defined]


def _endless_item() -> None:
    from loading.dicom import scan

    step = scan._step_delimiter

    def stands_still(tag: int, length: int, at: int, *more: Any) -> int:
        behind = step(tag, length, at, *more)
        return behind if length or tag != scan._ITEM else at

    scan._step_delimiter = stands_still  # type: ignore[assignment]


def _climbing_member() -> None:
    from loading.sources import archives

    reason = archives._reason

    def believes(info: Any) -> str:
        said = reason(info)
        return "" if said == "its name climbs out of the archive" else said

    archives._reason = believes


_PLANTS: dict[str, Callable[[], None]] = dict(
    zip(FAULTS, (_unbounded_size, _endless_item, _climbing_member), strict=True)
)
