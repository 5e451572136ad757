"""Every text on the screen goes through the translation, those of tables too."""

import re

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QWidget

from app.notices import row_of
from loading import KINDS, notice
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.long_words import MARK, longer_words
from tests.helpers.window import main_window, open_and_wait

# The same in every language: names of things, keys, units, and what the files themselves say.
SAME = {"Voxtide", "MIP", "Ctrl", "Shift", "DICOM", "Doe", "Jane", "Phantom", "HU", "MB", "kB"} | {
    *("CT", "MR", "PT", "US", "NM", "XA", "OT", "MG", "CR", "DX", "RF")
}


def texts(window: QWidget) -> list[str]:
    """Give what can be read in the window, and what its controls are called."""
    found: list[str] = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible():
            continue
        found += [widget.toolTip(), widget.accessibleName()]
        if isinstance(widget, QLabel | QAbstractButton):
            found.append(widget.text())
        if isinstance(widget, QLineEdit):
            found.append(widget.placeholderText())
        if isinstance(widget, QComboBox):
            found += [widget.itemText(row) for row in range(widget.count())]
    return found


def untranslated(found: list[str]) -> set[str]:
    """Give the texts with a word of their own in them that were not lengthened."""
    left = set()
    for text in found:
        plain = re.sub(r"<[^>]*>|\S*[/\\.]\S*", " ", text)  # markup, paths
        words = set(re.findall(r"[A-Za-z]{2,}", plain)) - SAME
        if words and MARK not in text:
            left.add(text)
    return left


@pytest.mark.parametrize(
    "sheet", ["", "help.start", "help.colours", "edit.settings", "file.open_url"]
)
def test_what_is_on_the_screen_is_translated(qapp, tmp_path, sheet, monkeypatch):
    for name in ("CONFIG", "STATE"):  # no recent names of other tests
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    write_series(tmp_path / "Phantom", phantom((12, 48, 40)), PatientName="Doe^Jane")
    with longer_words(), main_window() as window:
        assert untranslated(texts(window)) == set()
        open_and_wait(window, tmp_path / "Phantom")
        if sheet:
            window.commands.run(sheet)
            QApplication.processEvents()
        assert untranslated(texts(window)) == set()


def test_every_command_is_translated(qapp):
    with longer_words(), main_window() as window:
        actions = [action.text() for action in window.findChildren(QAction)]
        assert len(actions) > 100
        assert untranslated(actions) == set()


def test_notices_are_said_in_the_language_of_the_window(qapp):
    with longer_words():
        for code in KINDS:
            facts = dict.fromkeys(re.findall(r"{(\w+)", KINDS[code].sentence), 3)
            row = row_of(notice(code, **facts))
            assert MARK in row.message, code
            assert not KINDS[code].cure or MARK in row.where, code
            assert MARK not in row.details, code
