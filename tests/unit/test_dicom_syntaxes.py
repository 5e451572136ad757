"""Every transfer syntax of the standard is decoded, or on a short list with its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydicom._uid_dict import UID_dictionary

from loading.codecs.registry import SYNTAX_FAMILY
from loading.dicom import syntaxes
from loading.dicom.forms import form_of, shortage
from loading.dicom.header import UNDEFINED, Attributes, Instance
from loading.dicom.held import Held
from tests.helpers.dicom_encodings import J2K

BASE = "1.2.840.10008.1.2."
LISTED = {
    "MPEG-2 video": ("4.100", "4.100.1", "4.101", "4.101.1"),
    "H.264 video": tuple(f"4.{n}{tail}" for n in range(102, 107) for tail in ("", ".1")),
    "H.265 video": ("4.107", "4.108"),
    "live video or sound": ("7.1", "7.2", "7.3"),
    "JPIP": ("4.94", "4.95", "4.204", "4.205"),
    "arithmetic JPEG": ("4.52", "4.54", "4.56", "4.58"),
    "hierarchical JPEG": tuple(f"4.{n}" for n in range(59, 67)),
    "text around an object": ("6.1", "6.2"),
    "Papyrus 3": ("1.2.840.10008.1.20",),
}
"""Why: no decoder here takes moving pictures or the retired processes of JPEG, which libjpeg never
had; of the others there are no pixels in the object, or no object in the file."""


def uid_of(short: str) -> str:
    return short if short.startswith("1.") else BASE + short


def test_what_is_listed_is_on_the_list_and_nothing_else():
    known = {uid for uid, row in UID_dictionary.items() if row[1] == "Transfer Syntax"}
    listed = {uid_of(short): name for name, shorts in LISTED.items() for short in shorts}
    assert listed == syntaxes.NOT_DECODED
    assert known <= set(listed) | set(syntaxes.NAMES)
    assert not set(listed) & set(syntaxes.NAMES)


def test_what_is_not_listed_has_a_decoder():
    needing = set(syntaxes.NAMES) - syntaxes.NATIVE - syntaxes.WRAPPED
    assert needing == set(SYNTAX_FAMILY)


def test_the_document_has_every_name():
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    table = text[text.index("### Encodings") : text.index("## Beside DICOM")]
    for uid in syntaxes.NAMES:
        assert re.search(rf"\| {re.escape(uid)} \|", table), uid
    for name in ("MPEG-2", "H.264", "H.265", "JPIP", "Arithmetic JPEG", "Hierarchical JPEG"):
        assert name in table


@pytest.mark.parametrize("uid", [J2K + "102", J2K + "58", J2K + "999"])
def test_the_reason_names_the_encoding(uid):
    raw = {0x00280010: b"\x08\0", 0x00280011: b"\x08\0", 0x00280100: b"\x08\0"}
    raw |= {0x00280002: b"\1\0", 0x00280101: b"\x08\0"}
    shared = Attributes(uid, raw)
    place = Held("a.dcm", bytes(200))
    instance = Instance(place, shared, (), 0x7FE00010, 100, UNDEFINED)
    reason = shortage(instance, form_of(shared, instance.pixel_tag))
    assert reason == f"{syntaxes.name_of(uid)} cannot be decoded"
    assert uid in reason
