"""How names and paths are written where people see them."""

import pytest

from viewer.names import failure_parts, without_places


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("The file ends early: /a/Miller/1.dcm. Copy it", ("/a/Miller",), "The file ends early …"),
        ("the same slice as scans/Miller/1.dcm", ("scans",), "the same slice as …"),
        ("the same slice as ./1.dcm", (".",), "the same slice as …"),
        ("The file ends early (C:\\Miller\\1.dcm)", ("C:\\Miller\\",), "The file ends early …"),
        ("no data", ("data",), "no data"),
        ("The metadata/pixels differ", ("data",), "The metadata/pixels differ"),
        ("It ends. Copy it again.", (".", ""), "It ends. Copy it again."),
        ("as /b/1 is /a/2", ("/a", "/b"), "as …"),
    ],
)
def test_a_sentence_is_cut_off_where_a_path_begins(text, places, expected):
    assert without_places(text, places) == expected


@pytest.mark.parametrize(
    ("reason", "parts"),
    [
        (
            "The slice cannot be read: it ends early: /data/Doe. J/a b.dcm. Copy the file again.",
            ("it ends early", "a b.dcm"),
        ),
        ("The file is gone: /data/Doe. J/1.dcm.", ("The file is gone", "1.dcm")),
        ("It ends early: /data/Doe. J/IM. 12.dcm. Copy it.", ("It ends early", "IM. 12.dcm")),
        ("It ends early: /data/Doe. J/IM. 12.dcm.", ("It ends early", "IM. 12.dcm")),
        ("It ends early: /data/Doe. J. Copy it.", ("It ends early", "Doe. J")),
        ("It is cut: /data/Doe. Jim/1.dcm.", ("It is cut: /data/Doe. Jim/1.dcm", "")),
        ("Nothing came in time.", ("Nothing came in time", "")),
    ],
)
def test_why_a_slice_failed_is_told_apart_from_where(reason, parts):
    assert failure_parts(reason, "/data/Doe. J") == parts


def test_without_a_folder_nothing_is_taken_for_a_path():
    assert failure_parts("It is cut: here", "") == ("It is cut: here", "")
