"""What was opened lately: path, name, count, day, and a small picture for the start page.

Kept beside the settings; the switch "keep recent items" empties it and keeps it empty. Only the
name of the folder and what the series calls itself are stored, never the name of a patient.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.language import tr
from app.settings import int_or, read_json, write_json

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

LIMIT = 8
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class RecentItem:
    """One thing that was opened.

    `opened` is the time of the last opening, in seconds since 1970; `picture` the name of a file
    beside the list, or nothing.
    """

    uri: str
    name: str
    slices: int = 0
    modality: str = ""
    opened: int = 0
    picture: str = ""

    def shown_name(self, *, names_hidden: bool) -> str:
        """Give the name to show: folders are often named after patients."""
        if not names_hidden:
            return self.name
        return tr("{modality}, name hidden").format(modality=self.modality or tr("Series"))

    @property
    def is_there(self) -> bool:
        """Tell whether the path still exists; an address counts as there."""
        return "://" in self.uri or Path(self.uri).exists()


class RecentStore:
    """The list of recent items of one folder, newest first."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / "recent.json"
        self._pictures = folder / "recent"
        self._clock = clock
        document, self.trouble = read_json(self._path)
        self.items: tuple[RecentItem, ...] = _understood(document or {})

    def add(self, uri: str, name: str, slices: int, modality: str) -> None:
        """Put an item first; it replaces the one with the same address."""
        before = next((item for item in self.items if item.uri == uri), None)
        item = RecentItem(
            uri, name, slices, modality, int(self._clock()), before.picture if before else ""
        )
        self._keep((item, *(other for other in self.items if other.uri != uri))[:LIMIT])

    def set_picture(self, uri: str, picture: QImage) -> None:
        """Keep a small picture for an item."""
        name = hashlib.sha256(uri.encode()).hexdigest()[:16] + ".png"
        try:
            self._pictures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.trouble = str(error.strerror)
            return
        if picture.save(str(self._pictures / name)):
            self._keep(tuple(_with_picture(i, name) if i.uri == uri else i for i in self.items))

    def picture_path(self, item: RecentItem) -> Path | None:
        """Give the file of an item's picture where there is one."""
        path = self._pictures / item.picture
        return path if item.picture and path.is_file() else None

    def remove(self, uri: str) -> None:
        """Forget one item."""
        self._keep(tuple(item for item in self.items if item.uri != uri))

    def clear(self) -> None:
        """Forget everything, pictures included."""
        self._keep(())

    def _keep(self, items: tuple[RecentItem, ...]) -> None:
        wanted = {item.picture for item in items}
        for gone in {item.picture for item in self.items} - wanted - {""}:
            (self._pictures / gone).unlink(missing_ok=True)
        self.items = items
        document = {"version": FORMAT_VERSION, "items": [asdict(item) for item in items]}
        self.trouble = write_json(self._path, document)


def _with_picture(item: RecentItem, name: str) -> RecentItem:
    return RecentItem(item.uri, item.name, item.slices, item.modality, item.opened, name)


def _understood(document: dict[str, object]) -> tuple[RecentItem, ...]:
    listed = document.get("items")
    items = []
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, dict):
            continue
        uri, name = entry.get("uri"), entry.get("name")
        if isinstance(uri, str) and isinstance(name, str) and uri:
            # only a bare name of a file beside the list is taken
            picture = entry.get("picture")
            plain = isinstance(picture, str) and picture == Path(picture).name
            items.append(
                RecentItem(
                    uri,
                    name,
                    int_or(entry.get("slices"), 0),
                    str(entry.get("modality", "")),
                    int_or(entry.get("opened"), 0),
                    str(picture) if plain else "",
                )
            )
    return tuple(items[:LIMIT])
