"""A folder of many files: a series is shown before the list is complete, and the choice stays."""

from __future__ import annotations

import shutil
import threading

import pytest

from loading import files
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import drop, is_complete, main_window, wait_until


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Give a folder with a short CT, a longer one, and an MR that is met last."""
    folder = tmp_path_factory.mktemp("many")
    for name, count in (("a", 20), ("b", 30)):
        write_series(folder / name, phantom((count, 16, 20)), SeriesDescription=name)
    return folder


@pytest.fixture
def halting(monkeypatch):
    """Let the description stand still once the first series was given, until the test goes on."""
    go_on = threading.Event()
    monkeypatch.setattr(files, "FIRST_FILES", 1)
    monkeypatch.setattr(files, "FIRST_S", 0.0)
    monkeypatch.setattr(files, "_EVERY", 1)
    below = files.files_below

    def in_order(folder, *more):
        paths = sorted(below(folder, *more))
        for number, path in enumerate(paths):
            if number == 25:
                go_on.wait(120)
            yield path

    monkeypatch.setattr(files, "files_below", in_order)
    yield go_on
    go_on.set()


def test_the_first_series_is_shown_before_the_list_and_stays(qapp, many, halting):
    with main_window() as window:
        drop(window, many)
        wait_until(lambda: window.session.volume is not None, "the first series")
        session = window.session
        assert session.is_opening
        assert session.volume.spec.header["series_description"] == "a"
        first = session.volume
        wait_until(lambda: first.state.is_over, "its load")
        assert [row.code for row in window.notices.rows()] == ["still_reading"]
        halting.set()
        wait_until(lambda: is_complete(window), "the list")
        assert session.volume is first
        assert session.entry in session.entries
        assert [e.spec.header["series_description"] for e in session.entries] == ["b", "a"]
        assert not window.notices.rows()


def test_a_series_that_was_not_whole_is_opened_whole(qapp, many, halting, tmp_path):
    """Never wrong: slices that are found later are not left out of what is shown."""
    folder = tmp_path / "split"
    shutil.copytree(many / "b", folder / "x")
    (folder / "y").mkdir()
    for path in sorted((folder / "x").iterdir())[24:]:
        path.rename(folder / "y" / path.name)
    with main_window() as window:
        drop(window, folder)
        wait_until(lambda: window.session.volume is not None, "the first series")
        shown = window.session.volume.spec.files
        assert shown == 24
        halting.set()
        wait_until(lambda: is_complete(window), "the list")
        assert window.session.volume.spec.files == 30
        assert len(window.session.entries) == 1


def test_stopping_keeps_what_is_shown_and_says_that_it_may_lack(qapp, many, halting):
    with main_window() as window:
        drop(window, many)
        wait_until(lambda: window.session.volume is not None, "the first series")
        window.session.stop_opening()
        halting.set()
        wait_until(lambda: is_complete(window), "the end")
        assert window.session.volume.spec.header["series_description"] == "a"
        assert "still_reading" in [row.code for row in window.notices.rows()]
