"""How people, points of a fourth axis and what failed are named, wherever they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

if TYPE_CHECKING:
    from loading import VolumeSpec


def person_text(name: str) -> str:
    """Write a DICOM person name for people: "Doe^Jane" is "Doe, Jane" (PS3.5 6.2.1.1)."""
    family, *others = name.split("=")[0].split("^")
    given = " ".join(part for part in others if part)
    return f"{family}, {given}" if given and family else family or given


def point_text(spec: VolumeSpec, t: int) -> str:
    """Name a point of the fourth axis: "echo time 4.9 ms, 2 / 3"; empty where there is one."""
    if spec.time_points < 2:
        return ""
    axis = spec.time_axis or QCoreApplication.translate("SlicePicture", "time")
    label = spec.time_labels[t] if t < len(spec.time_labels) else ""
    label = "" if label == str(t + 1) else label
    place = f"{t + 1} / {spec.time_points}"
    return f"{axis} {label}, {place}" if label else f"{axis} {place}"


def without_places(text: str, places: Iterable[str]) -> str:
    """Cut a sentence off where a path begins: folders and files are often named after patients.

    Parameters
    ----------
    places : iterable of str
        Folders, or files, that the path may begin with. A bare word counts only as a folder of a
        path: "data" is one in "data/1.dcm", none in "no data".
    """
    starts = []
    for place in (one.rstrip("/\\") for one in places):
        is_path = "/" in place or "\\" in place
        after = "" if is_path else r"(?=[/\\])"
        found = re.search(rf"(?<!\w){re.escape(place)}{after}", text) if place else None
        if found is not None:
            starts.append(found.start())
    return f"{text[: min(starts)].rstrip(' :(')} \u2026" if starts else text


def failure_parts(reason: str, folder: str) -> tuple[str, str]:
    """Split why a slice could not be read into what is wrong and the name of the file.

    Parameters
    ----------
    reason : str
        As the engine gives it: "The slice cannot be read: it ends early: /data/1.dcm. Copy it."
    folder : str
        That the volume was read from.

    Returns
    -------
    what, name
        "it ends early", "1.dcm"; a name is empty where there is none in it.
    """
    text = reason.removeprefix("The slice cannot be read: ")
    folder = folder.rstrip("/\\") or folder[:1]
    ends = r"(?=[/\\]|\.?$|\. )" if folder not in ("/", "\\") else ""
    found = re.search(f": {re.escape(folder)}{ends}", text) if folder else None
    if found is None:
        return text.rstrip("."), ""
    rest = text[found.end() :]
    path, _, cure = rest.rpartition(". ")
    if " " not in cure or "/" in cure or "\\" in cure:  # no sentence: a name with ". " in it
        path = rest.rstrip(".")
    return text[: found.start()], re.split(r"[/\\]", folder + path)[-1]
