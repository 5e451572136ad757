"""How the window looks: a drag over it, longer words, and what a real run leaves behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QDragLeaveEvent, QImage
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton

from app.theme import DARK
from app.widgets import Elided
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.long_words import longer_words
from tests.helpers.window import brightness, differs, drag_enter, grab, main_window, open_and_wait

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    write_series(tmp_path / "Phantom", phantom((12, 48, 40)))
    return tmp_path / "Phantom"


def clipped(window):
    for kind in (QPushButton, QToolButton, QLabel):
        for found in window.findChildren(kind):
            if not found.isVisible() or isinstance(found, Elided):
                continue
            if isinstance(found, QLabel) and found.wordWrap():
                if found.heightForWidth(found.width()) > found.height():
                    yield found
            elif found.fontMetrics().horizontalAdvance(found.text()) > found.width():
                yield found


@pytest.mark.parametrize("sheet", ["", "help.about", "help.start", "help.colours"])
def test_longer_words_are_not_cut_off(qapp, folder, sheet):
    with longer_words(), main_window() as window:
        assert [found.text() for found in clipped(window)] == []
        open_and_wait(window, folder)
        if sheet:
            window.commands.run(sheet)
            QApplication.processEvents()
        assert [found.text() for found in clipped(window)] == []


def test_a_drag_over_the_window_shows_a_frame_and_reads_nothing(qapp, tmp_path):
    with main_window(views=False) as window:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / "not there"))])
        middle = window.rect().center()
        before = grab(window)
        QApplication.sendEvent(window, drag_enter(middle, data))
        seen = grab(window)
        width, height = window.width(), window.height()
        for place in ((0, 300), (width - 1, 300), (300, 0), (300, height - 1), (1, 300)):
            assert seen.pixelColor(*place).name().upper() == DARK.accent, place
        assert differs(before, seen) > 500
        QApplication.sendEvent(window, QDragLeaveEvent())
        assert differs(before, grab(window)) == 0
        text = QMimeData()
        text.setText("words")
        QApplication.sendEvent(window, drag_enter(middle, text))
        assert not window.drops.frame.isVisible()


def test_the_program_runs_and_leaves_a_picture_a_log_and_its_settings(display, folder, tmp_path):
    environment = {
        **os.environ,
        **{f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "CACHE")},
    }
    command = [sys.executable, "-m", "app", str(folder), "--screenshot", str(tmp_path / "seen.png")]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Traceback" not in done.stderr
    assert brightness(QImage(str(tmp_path / "seen.png"))) > 10
    log = (tmp_path / "STATE" / "voxtide" / "voxtide.log").read_text()
    assert "window shown" in log
    assert "ERROR" not in log
    assert "Phantom" not in log
    kept = sorted(path.name for path in (tmp_path / "CONFIG" / "voxtide").iterdir())
    assert {"recent", "recent.json", "settings.json"} <= set(kept)
