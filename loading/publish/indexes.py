"""What searches find: entries for studies, series and instances, made of published metadata.

A series' entry carries the attributes of its study too, so that everything above a series can be
put together again from the entries alone, whoever wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from loading.dicom.json_model import Elements, object_text
from loading.publish.tree import Tree, is_name, read_objects

Object = dict[str, Any]

STUDY_UID, SERIES_UID, INSTANCE_UID = "0020000D", "0020000E", "00080018"
STUDY_TAGS = (
    "00080005", "00080020", "00080030", "00080050", "00080056", "00080061", "00080090",
    "00080201", "00081030", "00100010", "00100020", "00100030", "00100040", "0020000D",
    "00200010", "00201206", "00201208",
)  # fmt: skip
"""PS3.18 Table 10.6.3-3."""
SERIES_TAGS = (
    "00080021", "00080031", "00080060", "0008103E", "00080070", "00081090", "00180015",
    "0020000E", "00200011", "00201209", "00400244", "00400245", "00400275",
)  # fmt: skip
"""PS3.18 Table 10.6.3-4."""
INSTANCE_TAGS = (
    "00080008", "00080016", "00080018", "00080023", "00080033", "00083002", "00200013",
    "00200032", "00200037", "00280002", "00280004", "00280008", "00280010", "00280011",
    "00280030", "00280100", "00280101", "00280103", "00281050", "00281051",
)  # fmt: skip
"""PS3.18 Table 10.6.3-5, and what a thumbnail browser asks for."""
_ONLINE = {"vr": "CS", "Value": ["ONLINE"]}


def value_of(entry: Object, tag: str) -> Any:
    """Give the first value of an element, None where there is none."""
    element = entry.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def pick(entry: Object, tags: Iterable[str]) -> Object:
    """Give the elements with these tags, in their order."""
    return {tag: entry[tag] for tag in sorted(tags) if tag in entry}


def write_series(tree: Tree, study: str, series: str, new: Sequence[Elements]) -> list[Object]:
    """Write metadata and entries of a series, the new instances among those that were there.

    Returns
    -------
    list of dict
        All instances of the series, in order.
    """
    folder = tree.series(study, series)
    texts = {
        value_of(one, INSTANCE_UID): _text(one) for one in read_objects(folder / "metadata.gz")
    }
    for elements in new:
        texts[json.loads(elements[INSTANCE_UID])["Value"][0]] = object_text(elements)
    objects = {text: json.loads(text) for text in texts.values()}
    ordered = sorted(objects, key=lambda text: _place(objects[text]))
    tree.write_text(folder / "metadata.gz", "[" + ",".join(ordered) + "]")
    instances = [objects[text] for text in ordered]
    tree.write_json(folder / "instances" / "index.json.gz", [_instance(one) for one in instances])
    tree.write_json(folder / "series-singleton.json.gz", [_series(instances)])
    return instances


def _text(entry: Object) -> str:
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False)


def _place(entry: Object) -> tuple[float, str]:
    number = value_of(entry, "00200013")
    return (
        float(number) if isinstance(number, int | float) else float("inf"),
        str(value_of(entry, INSTANCE_UID)),
    )


def _instance(entry: Object) -> Object:
    told = pick(entry, (*INSTANCE_TAGS, STUDY_UID, SERIES_UID, "00080005"))
    return dict(sorted({**told, "00080056": _ONLINE}.items()))


def _series(instances: Sequence[Object]) -> Object:
    told = pick(instances[0], (*STUDY_TAGS, *SERIES_TAGS))
    told["00201209"] = {"vr": "IS", "Value": [len(instances)]}
    told["00080056"] = _ONLINE
    return dict(sorted(told.items()))


def write_study(tree: Tree, study: str) -> list[Object]:
    """Put a study's entry together from those of its series, which are returned."""
    folder = tree.study(study)
    entries = _entries(folder / "series", "series-singleton.json.gz")
    entries.sort(key=lambda one: (number(one, "00200011"), str(value_of(one, SERIES_UID))))
    tree.write_json(folder / "series" / "index.json.gz", entries)
    if not entries:
        return entries
    told = pick(entries[0], STUDY_TAGS)
    modalities = sorted({str(value_of(one, "00080060")) for one in entries} - {"None"})
    told["00080061"] = {"vr": "CS", "Value": modalities}
    told["00201206"] = {"vr": "IS", "Value": [len(entries)]}
    count = sum(int(number(one, "00201209", 0)) for one in entries)
    told["00201208"] = {"vr": "IS", "Value": [count]}
    tree.write_json(folder / "index.json.gz", [dict(sorted(told.items()))])
    return entries


def write_studies(tree: Tree) -> None:
    """Put the list of studies together from their entries."""
    tree.write_json(tree.studies / "index.json.gz", _entries(tree.studies, "index.json.gz"))


def _entries(folder: Path, name: str) -> list[Object]:
    if not folder.is_dir():
        return []
    names = sorted(one.name for one in folder.iterdir() if is_name(one.name))
    return [entry for one in names for entry in read_objects(folder / one / name)[:1]]


def number(entry: Object, tag: str, default: float = float("inf")) -> float:
    """Give the first value as a number, or the default where it is none."""
    value = value_of(entry, tag)
    return float(value) if isinstance(value, int | float) else default
