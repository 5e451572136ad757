"""The attributes that are true of what was written, put in the place of those of the source."""

from __future__ import annotations

import json
from typing import Any

from loading.dicom.json_model import Elements, element_text
from loading.publish.recipe import REDUCTION, Alternate
from loading.publish.renditions import Written
from loading.publish.tree import media_type

AVAILABLE_SYNTAX = "00083002"
_PHOTOMETRIC, _PLANAR = "00280004", "00280006"
_ROWS, _COLUMNS, _SPACING = "00280010", "00280011", "00280030"
_STORED, _HIGH = "00280101", "00280102"
_LOSSY, _RATIO, _METHOD = "00282110", "00282112", "00282114"


def relabel(
    elements: Elements, written: Written, uid: str, pixel_tag: str, pixel_vr: str
) -> Elements:
    """Give the elements of an instance as published; those of its pixels follow the codestream.

    Parameters
    ----------
    uid : str
        SOP Instance UID, part of the address of the frames.
    pixel_tag, pixel_vr : str
        Tag and VR of the pixel value.
    """
    told = dict(elements)
    told[AVAILABLE_SYNTAX] = element_text("UI", written.syntax)
    told[pixel_tag] = json.dumps(
        {"vr": pixel_vr, "BulkDataURI": f"instances/{uid}/frames"}, separators=(",", ":")
    )
    if written.depth:
        told |= _coded(written)
    elif written.photometric:
        told[_PHOTOMETRIC] = element_text("CS", written.photometric)
    return told


def _coded(written: Written) -> Elements:
    told = {
        _PHOTOMETRIC: element_text("CS", written.photometric),
        _STORED: element_text("US", written.depth),
        _HIGH: element_text("US", written.depth - 1),
    }
    if len(written.shape) == 3:
        told[_PLANAR] = element_text("US", 0)
    return told


def describe_rendition(
    name: str, written: Written, first: dict[str, Any], alternate: Alternate | None
) -> dict[str, Any]:
    """Describe the frames of a series under one name, for readers that choose among several.

    Parameters
    ----------
    first : dict
        DICOM JSON of one instance of the series, as published.
    """
    attributes: dict[str, Any] = {AVAILABLE_SYNTAX: {"vr": "UI", "Value": [written.syntax]}}
    if alternate is not None:
        attributes |= {tag: json.loads(text) for tag, text in _coded(written).items()} | _geometry(
            first, written, alternate
        )
        if alternate.encoding.is_lossy:
            attributes |= _loss(first, written, alternate.encoding.method)
    return {
        "name": name,
        "mediaType": media_type(written.syntax),
        "reduction": REDUCTION if alternate is not None and alternate.is_thumbnail else 1,
        "largestError": written.error,
        "encodedBytes": written.encoded,
        "attributes": dict(sorted(attributes.items())),
    }


def _geometry(first: dict[str, Any], written: Written, alternate: Alternate) -> dict[str, Any]:
    told: dict[str, Any] = {
        _ROWS: {"vr": "US", "Value": [written.shape[0]]},
        _COLUMNS: {"vr": "US", "Value": [written.shape[1]]},
    }
    spacing = first.get(_SPACING, {}).get("Value")
    if alternate.is_thumbnail and spacing:
        told[_SPACING] = {"vr": "DS", "Value": [float(mm) * REDUCTION for mm in spacing]}
    return told


def _loss(first: dict[str, Any], written: Written, method: str) -> dict[str, Any]:
    """Say that values were lost, how and how much (PS3.3 C.7.6.1.1.5), after earlier losses."""
    ratios = [*first.get(_RATIO, {}).get("Value", []), round(written.raw / written.encoded, 2)]
    methods = [*first.get(_METHOD, {}).get("Value", []), method]
    return {
        _LOSSY: {"vr": "CS", "Value": ["01"]},
        _RATIO: {"vr": "DS", "Value": ratios},
        _METHOD: {"vr": "CS", "Value": methods},
    }
