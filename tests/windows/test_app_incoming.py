"""What a run that ended badly had open is offered, opened again on request, and can be declined."""

import numpy as np
import pytest
from PySide6.QtWidgets import QPlainTextEdit, QPushButton

from app.incoming import Incoming
from app.runs import Ended, Run
from app.settings import log_folder
from tests.helpers.dicom_series import write_series
from tests.helpers.window import click, is_complete, main_window, wait_until

REPORT = "Fatal Python error: Segmentation fault\n\nThread 0x01 (most recent call first):\n"


@pytest.fixture
def run(tmp_path):
    made = Run(tmp_path / "state")
    yield made
    made.end()


def button(window, words):
    found = [b for b in window.start.card.findChildren(QPushButton) if b.text() == words]
    assert found, words
    return found[-1]


def test_everything_that_was_open_is_opened_again(qapp, run, tmp_path):
    for name in ("one", "two"):
        write_series(tmp_path / name, np.full((3, 16, 16), 7, np.uint16))
    paths = ((str(tmp_path / "one"),), (str(tmp_path / "two"),))
    with main_window() as window:
        incoming = Incoming(window, run)
        incoming.offer(Ended(paths, ""), is_idle=True)
        assert window.start.card.title.text() == "Voxtide ended unexpectedly"
        assert "one, two" in window.start.card.text.text()
        click(button(window, "Open again"))
        wait_until(lambda: len(window.session.opened) == 2 and is_complete(window), "both")
        assert [one.uris for one in window.session.opened] == list(paths)
        current = window.session.current
        assert current is not None
        assert current.uris == paths[0]


def test_the_crash_report_can_be_read_and_is_kept(qapp, run):
    with main_window() as window:
        Incoming(window, run).offer(Ended((("/data/Mustermann",),), REPORT), is_idle=True)
        assert (log_folder() / "crash.log").read_text() == REPORT
        click(button(window, "Crash report"))
        sheet = window.sheets.sheet
        assert sheet is not None
        assert sheet.findChildren(QPlainTextEdit)[0].toPlainText() == REPORT
        window.sheets.close()
        click(button(window, "Not now"))
        assert window.start.card.title.text() != "Voxtide ended unexpectedly"


def test_hidden_names_are_hidden_here_too(qapp, run):
    with main_window() as window:
        window.preferences.change("names_hidden", True)
        try:
            Incoming(window, run).offer(Ended((("/data/Mustermann",),), ""), is_idle=True)
            assert "Mustermann" not in window.start.card.text.text()
        finally:
            window.preferences.change("names_hidden", False)


def test_a_bad_link_is_refused_with_a_sentence(qapp, run):
    with main_window() as window:
        Incoming(window, run).take(["voxtide://open?url=file%3A%2F%2F%2Fetc%2Fpasswd"])
        sheet = window.sheets.sheet
        assert sheet is not None
        assert sheet.accessibleName() == "A link was not opened"
        assert not window.session.is_opening
