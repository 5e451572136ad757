"""Headers with numbers that no machine writes: one series of them never costs the others."""

from __future__ import annotations

import pydicom
import pytest

import loading
from loading.dicom import describe as describing
from loading.dicom import grouping
from tests.helpers.dicom_encodings import J2K, encode_file
from tests.helpers.dicom_series import phantom, write_series

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
