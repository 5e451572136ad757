"""What searches find: entries for studies, series and instances, made of published metadata.

A series' entry carries the attributes of its study too, so that everything above a series can be
put together again from the entries alone, whoever wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from loading.dicom.json_model import Elements, element_text, object_text
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
_ONLINE_TEXT = element_text("CS", "ONLINE")


def value_of(entry: Object, tag: str) -> Any:
    """Give the first value of an element, None where there is none."""
    element = entry.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def pick(entry: Object, tags: Iterable[str]) -> Object:
    """Give the elements with these tags, in their order."""
    return {tag: entry[tag] for tag in sorted(tags) if tag in entry}


def write_series(tree: Tree, study: str, series: str, new: Sequence[Elements]) -> list[Elements]:
    """Write metadata and entries of a series, the new instances among those that were there.

    Elements stay texts all the way: nothing is parsed to be written again.

    Returns
    -------
    list of Elements
        All instances of the series, in order.
    """
    folder = tree.series(study, series)
    there = [_as_texts(one) for one in read_objects(folder / "metadata.gz")]
    by_uid = {one[INSTANCE_UID]: one for one in (*there, *new) if INSTANCE_UID in one}
    instances = sorted(by_uid.values(), key=_place)
    tree.write_text(folder / "metadata.gz", _array(instances))
    tree.write_text(folder / "instances" / "index.json.gz", _array(map(_instance, instances)))
    tree.write_text(folder / "series-singleton.json.gz", _array([_series(instances)]))
    return instances


def parsed(elements: Elements) -> Object:
    """Parse the elements of an instance."""
    return {tag: json.loads(text) for tag, text in elements.items()}


def _as_texts(entry: Object) -> Elements:
    return {
        tag: json.dumps(element, separators=(",", ":"), ensure_ascii=False)
        for tag, element in entry.items()
    }


def _array(objects: Iterable[Elements]) -> str:
    return "[" + ",".join(map(object_text, objects)) + "]"


def _place(elements: Elements) -> tuple[float, str]:
    number_of = number({"": json.loads(elements.get("00200013", "{}"))}, "")
    return number_of, elements[INSTANCE_UID]


def _instance(elements: Elements) -> Elements:
    tags = (*INSTANCE_TAGS, STUDY_UID, SERIES_UID, "00080005")
    return {**_texts_of(elements, tags), "00080056": _ONLINE_TEXT}


def _series(instances: Sequence[Elements]) -> Elements:
    told = _texts_of(instances[0], (*STUDY_TAGS, *SERIES_TAGS))
    told["00201209"] = element_text("IS", len(instances))
    told["00080056"] = _ONLINE_TEXT
    return told


def _texts_of(elements: Elements, tags: Iterable[str]) -> Elements:
    return {tag: elements[tag] for tag in tags if tag in elements}


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
