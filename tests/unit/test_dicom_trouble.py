"""Headers with numbers that no machine writes: one series of them never costs the others."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence

import loading
from loading.dicom import describe as describing
from loading.dicom import grouping
from loading.dicom.encapsulated import MAX_ITEMS
from loading.dicom.parse import MAX_ELEMENTS
from tests.helpers.dicom_encodings import J2K, NATIVE, encode_file
from tests.helpers.dicom_series import phantom, write_series
from tests.unit.test_dicom_real_world import mapping

SMALL = (4, 16, 16)


@pytest.fixture
def good(tmp_path):
    write_series(tmp_path / "good", phantom(SMALL), SeriesDescription="Good")
    return tmp_path


def set_frames(path, text: str) -> None:
    """Write Number of Frames as bytes, which pydicom itself would refuse."""
    dataset = pydicom.dcmread(path)
    dataset.NumberOfFrames = "1" * len(text)
    dataset.save_as(path)
    head = b"\x28\x00\x08\x00IS" + (len(text) + len(text) % 2).to_bytes(2, "little")
    whole = path.read_bytes()
    at = whole.index(head) + len(head)
    path.write_bytes(whole[:at] + text.encode() + whole[at + len(text) :])


@pytest.mark.parametrize("syntax", ["", J2K + "90"])
@pytest.mark.parametrize("text", ["inf", "1e300", "nan", "4294967296"])
def test_a_number_of_frames_that_is_none_costs_its_file_only(good, text, syntax):
    path = write_series(good / "bad", phantom((1, 16, 16)))[0]
    if syntax:
        encode_file(path, syntax)
    set_frames(path, text)
    catalogue = loading.describe(str(good))
    assert [entry.spec.label for entry in catalogue.volumes] == ["Good"]
    assert [skipped.path for skipped in catalogue.skipped] == [str(path)]


@pytest.mark.parametrize(
    "changes",
    [
        {"RescaleSlope": "1e-310"},
        {"RescaleSlope": "1e300"},
        {"RescaleIntercept": "1e308", "RescaleSlope": "1e-5"},
        {"RescaleIntercept": lambda k: "-1e300" if k == 2 else "0"},
    ],
)
def test_a_map_beyond_all_numbers_is_ignored_and_told(good, changes):
    """Meant values are float32: a slope of 1e300 would make every one of them infinite."""
    write_series(good / "bad", phantom(SMALL), SeriesDescription="Bad", **changes)
    catalogue = loading.describe(str(good))
    volumes = {entry.spec.label: entry.spec for entry in catalogue.volumes}
    assert sorted(volumes) == ["Bad", "Good"]
    assert "value_ignored" in [told.code for told in volumes["Bad"].warnings]
    assert volumes["Bad"].unit == ""


def test_a_series_that_nobody_foresaw_costs_the_others_nothing(good, monkeypatch, caplog):
    bad = write_series(good / "bad", phantom(SMALL), SeriesDescription="Bad", Rows=16)
    uid = pydicom.dcmread(bad[0]).SeriesInstanceUID

    def split(items, *rest):
        if items[0][0].shared.text(0x0020000E) == uid:
            raise ArithmeticError("planted")
        return grouping.by_form(items, *rest)

    class Broken:
        def __getattr__(self, name):
            return split if name == "by_form" else getattr(grouping, name)

    monkeypatch.setattr(describing, "grouping", Broken())
    catalogue = loading.describe(str(good))
    assert [entry.spec.label for entry in catalogue.volumes] == ["Good"]
    assert {skipped.path for skipped in catalogue.skipped} == {str(path) for path in bad}
    assert "planted" in caplog.text


def test_a_loader_of_others_raises_errors_of_ours():
    def broken(uris, progress, cancel):
        raise KeyError("theirs")

    loading.registry.register("broken", broken)
    try:
        with pytest.raises(loading.LoadError, match="theirs"):
            loading.describe("broken:anything")
    finally:
        loading.registry.unregister("broken")


def test_a_header_of_elements_without_end_is_refused(tmp_path):
    """Two million of eight bytes took half a minute and a gigabyte."""
    meta = b"\x02\x00\x10\x00UI\x14\x00" + b"1.2.840.10008.1.2.1\0"
    count = 2 * MAX_ELEMENTS
    elements = np.zeros(count, [("tag", "<u2", 2), ("vr", "S2"), ("length", "<u2")])
    elements["tag"][:, 0] = 9 + 2 * (np.arange(count) >> 16)
    elements["tag"][:, 1] = np.arange(count) & 0xFFFF
    elements["vr"] = b"LO"
    path = tmp_path / "long.dcm"
    path.write_bytes(b"\0" * 128 + b"DICM" + meta + elements.tobytes())
    with pytest.raises(loading.LoadError, match="more elements than are read"):
        loading.describe(str(path))


def test_fragments_without_end_are_refused(tmp_path):
    path = write_series(tmp_path, phantom((1, 16, 16)))[0]
    encode_file(path, J2K + "90")
    whole = path.read_bytes()
    at = whole.rindex(b"\xfe\xff\x00\xe0")
    empty = b"\xfe\xff\x00\xe0\0\0\0\0" * (MAX_ITEMS + 1)
    path.write_bytes(whole[:at] + empty + whole[at:])
    with pytest.raises(loading.LoadError, match="more fragments than are read"):
        loading.describe(str(path))


def renamed(raw: bytes, uid: str) -> bytes:
    """Let a file call its encoding something else; the rest stays as it is."""
    at = raw.index(b"\x02\x00\x10\x00UI") + 6
    end = at + 2 + int.from_bytes(raw[at : at + 2], "little")
    name = uid.encode() + b"\0" * (len(uid) % 2)
    return raw[:at] + len(name).to_bytes(2, "little") + name + raw[end:]


@pytest.mark.parametrize("said", ["implicit", "explicit", ""])
@pytest.mark.parametrize("written", ["implicit", "explicit"])
def test_how_elements_are_written_counts_not_what_is_said(tmp_path, written, said):
    """Old exports and archives that changed one without the other; pydicom and DCMTK see it."""
    stored = phantom((3, 12, 10))
    items = Sequence([mapping(0.5, 3)])
    for path in write_series(tmp_path, stored, RealWorldValueMappingSequence=items):
        encode_file(path, NATIVE[written])
        path.write_bytes(renamed(path.read_bytes(), NATIVE[said] if said else ""))
    (entry,) = loading.describe(str(tmp_path)).volumes
    assert entry.spec.transfer_syntaxes == (NATIVE[written],)
    assert [other.unit for other in entry.spec.other_units] == ["mm2/s"]
    with loading.open_entry(entry) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.stored(), stored)
