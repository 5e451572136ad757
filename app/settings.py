"""What the user chose, kept as JSON in the user's configuration folder.

Written whole and atomically. A file that is broken, not writable or from a newer program never
stops the start: what can be understood is used, and a sentence says what happened. No secrets and
no names of patients are kept here.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths

from app.language import tr

_log = logging.getLogger(__name__)

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that outlives the window.

    Attributes
    ----------
    theme : str
        "system", "dark" or "light".
    memory_limit_mb : int
        Largest volume to open; 0 lets the free memory decide.
    drag_up : str
        What dragging upwards does to the picture: "brighter" or "darker".
    right_button : str
        What a right drag does: "zoom" or "window".
    servers : list
        Saved servers, as `loading.web.servers` writes them; never with a secret.
    known_hosts : list of str
        Origins that the user has allowed to be contacted.
    frame_cache_mb : int
        How much of what came from servers is kept on the disk; 0 keeps nothing.
    keys : mapping of str to str
        Shortcuts that the user changed, by command id.
    voxel_sizes : mapping of str to str
        Answers to how large voxels are, by a digest of the path; empty where nobody knew.
    geometry : str
        Place and size of the window as Qt writes it, base64.
    """

    theme: str = "system"
    memory_limit_mb: int = 0
    keep_recent: bool = True
    drag_up: str = "brighter"
    right_button: str = "zoom"
    names_hidden: bool = False
    series_panel: bool = True
    display_panel: bool = True
    toolbar: bool = True
    geometry: str = ""
    servers: list[dict[str, str]] = field(default_factory=list)
    known_hosts: list[str] = field(default_factory=list)
    frame_cache_mb: int = 4000
    keys: Mapping[str, str] = field(default_factory=dict)
    voxel_sizes: Mapping[str, str] = field(default_factory=dict)


def config_folder() -> Path:
    """Give the folder for settings; it may not exist yet."""
    place = QStandardPaths.StandardLocation.GenericConfigLocation
    return Path(QStandardPaths.writableLocation(place)) / "voxtide"


def log_folder() -> Path:
    """Give the folder of the log; it may not exist yet."""
    place = QStandardPaths.StandardLocation.GenericStateLocation
    return Path(QStandardPaths.writableLocation(place)) / "voxtide"


class SettingsStore:
    """Read and write the settings of one folder.

    Attributes
    ----------
    trouble : str
        What went wrong with the file, for people; empty when nothing did.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "settings.json"
        self.trouble = ""
        self._is_newer = False
        self.value = self._load()

    def change(self, **fields: Any) -> Settings:
        """Change some settings and write them."""
        self.value = dataclasses.replace(self.value, **fields)
        if not self._is_newer:
            document = {"version": FORMAT_VERSION, "settings": dataclasses.asdict(self.value)}
            self.trouble = write_json(self.path, document)
        return self.value

    def _load(self) -> Settings:
        document, self.trouble = read_json(self.path)
        if document is None:
            return Settings()
        version = document.get("version")
        if int_or(version) > FORMAT_VERSION:
            self._is_newer = True
            self.trouble = tr(
                "The settings were written by a newer Voxtide. What this one understands is used; "
                "changes last until it is closed."
            )
        given = document.get("settings")
        return _understood(given if isinstance(given, dict) else {})


def read_json(path: Path) -> tuple[dict[str, Any] | None, str]:
    """Read a JSON object; give None and a sentence when that cannot be done.

    A file that is no JSON object is set aside under another name, so that nothing is lost.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, tr("{path} cannot be read: {reason}.").format(path=path, reason=error.strerror)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        aside = path.with_suffix(".broken")
        try:
            path.replace(aside)
        except OSError:
            aside = path
        return None, tr("{path} was broken and was set aside. Defaults are used.").format(
            path=aside
        )
    return document, ""


def write_json(path: Path, document: Mapping[str, Any]) -> str:
    """Write a JSON object so that the file is always whole; give a sentence on failure."""
    import tempfile  # brings in much that the first paint does not need

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=1, ensure_ascii=False)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        _log.warning("cannot write %s: %s", path.name, error.strerror)
        return tr(
            "{path} cannot be written: {reason}. Changes last until Voxtide is closed."
        ).format(path=path, reason=error.strerror)
    return ""


def cache_folder() -> Path:
    """Give the folder for what can be had again; it may not exist yet."""
    place = QStandardPaths.StandardLocation.GenericCacheLocation
    return Path(QStandardPaths.writableLocation(place)) / "voxtide"


def int_or(value: object, default: int = 0) -> int:
    """Give a whole number, or the default for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


_CHOICES = {
    "theme": ("system", "dark", "light"),
    "drag_up": ("brighter", "darker"),
    "right_button": ("zoom", "window"),
}


def _understood(given: Mapping[str, Any]) -> Settings:
    """Keep what has the right type and, where there is a list, a known value."""
    defaults = Settings()
    kept: dict[str, Any] = {}
    for entry in dataclasses.fields(Settings):
        value, default = given.get(entry.name), getattr(defaults, entry.name)
        if type(value) is not type(default):
            continue
        if entry.name in _CHOICES and value not in _CHOICES[entry.name]:
            continue
        if isinstance(value, int) and value < 0:
            continue
        if isinstance(value, dict):
            value = {k: v for k, v in value.items() if isinstance(v, str)}
        if isinstance(value, list):
            value = [one for one in value if isinstance(one, dict | str)]
        kept[entry.name] = value
    return Settings(**kept)
