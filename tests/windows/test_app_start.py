"""The empty window: what is there, and what is not imported before it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app.recent import RecentStore
from app.settings import config_folder
from app.start_page import RecentCard
from tests.helpers.window import click, drop, grab, main_window, wait_until

ROOT = Path(__file__).resolve().parents[2]

FIRST_PAINT = """
import json, sys
from app.graphics import set_up_graphics
set_up_graphics(software_gl=True)
from PySide6.QtWidgets import QApplication
application = QApplication([])
from app.main_window import MainWindow
from app.theme import apply_theme
apply_theme(application, "dark")
window = MainWindow(later=True)
def painted():
    heavy = ("vtkmodules", "numpy", "pydicom", "imagecodecs", "app.deck", "PySide6.QtNetwork")
    print(json.dumps([name for name in heavy if name in sys.modules]))
    window.build()
    print(json.dumps([name for name in heavy[:4] if name in sys.modules]))
    application.quit()
window.painted.connect(painted)
window.show()
application.exec()
"""


BROKEN = """
import sys
sys.modules["app.deck"] = None  # a file of the installation is missing
from app.main import run_window
sys.exit(run_window([], screenshot="never.png"))
"""


def words_of(widget, kind=QPushButton):
    return [found.text() for found in widget.findChildren(kind) if found.isVisible()]


def test_nothing_heavy_is_imported_before_the_first_paint(display):
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], capture_output=True, text=True, timeout=60, check=True
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [[], []]


def test_a_broken_installation_is_told_and_ends(display, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BROKEN],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "app.deck" in done.stderr
    assert str(tmp_path / "voxtide") in done.stderr
    assert "the window could not be made" in (tmp_path / "voxtide" / "voxtide.log").read_text()
    assert list((tmp_path / "voxtide" / "runs").iterdir()) == [], "no crash to be told of"


def test_the_start_page_invites_and_says_what_it_is_not(qapp):
    with main_window(views=False) as window:
        assert window.windowTitle() == "Voxtide"
        assert {"Open folder", "Open DICOMweb URL", "Try the demo"} <= set(words_of(window.start))
        page = grab(window.start)
        # the dashed card stands in the middle: its filled button is the one spot of accent
        accent = window.start.card.findChildren(QPushButton)[0]
        centre = accent.mapTo(window.start, accent.rect().center())
        assert page.pixelColor(centre.x() - 50, centre.y()).name().upper() == "#5AA7FF"
        assert not window.series.isVisible()
        assert not window.status.isVisible()


def test_the_window_has_its_least_size(qapp):
    with main_window((100, 100), views=False) as window:
        assert (window.width(), window.height()) == (720, 480)


@pytest.fixture
def recent(tmp_path):
    store = RecentStore(config_folder())
    store.clear()
    folder = tmp_path / "Thorax"
    folder.mkdir()
    store.add(str(tmp_path / "gone"), "gone", 12, "CT")
    store.add(str(folder), "Thorax", 480, "CT")
    yield folder
    store.clear()


def cards(window):
    return [card for card in window.start.findChildren(RecentCard) if card.isVisible()]


def test_recent_items_are_cards_that_open(qapp, recent):
    with main_window(views=False) as window:
        first = cards(window)[0]
        assert first.accessibleName() == "Open Thorax again"
        opened: list[str] = []
        window.start.open_uri.connect(opened.append)
        click(first)
        assert opened == [str(recent)]
        wait_until(lambda: not window.session.is_opening, "the opening")


def test_what_is_gone_says_so_and_can_be_removed(qapp, recent):
    with main_window(views=False) as window:
        gone = cards(window)[1]
        click(gone)
        assert "not found" in [label.text() for label in gone.findChildren(type(gone._detail))]
        remove = next(b for b in gone.findChildren(QPushButton) if b.text() == "Remove")
        click(remove)
        assert len(cards(window)) == 1


def test_recent_items_can_be_switched_off(qapp, recent):
    with main_window(views=False) as window:
        window.preferences.change("keep_recent", False)
        assert cards(window) == []
        assert RecentStore(config_folder()).items == ()
        window.preferences.change("keep_recent", True)


def test_keys_reach_every_button_of_the_start_page(qapp, recent):
    with main_window(views=False) as window:
        seen = set()
        window.activateWindow()
        for _ in range(16):
            QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Tab)
            focus = window.focusWidget()
            assert focus is not None
            seen.add(getattr(focus, "text", focus.accessibleName)() or focus.accessibleName())
        assert {"Open folder", "Open DICOMweb URL", "Try the demo", "Open Thorax again"} <= seen


def test_after_a_failure_the_keyboard_is_on_the_way_on_not_on_clear(qapp, recent, tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "notes.txt").write_text("words")
    with main_window(views=False) as window:
        first = next(b for b in window.start.findChildren(QPushButton) if b.text() == "Open folder")
        first.setFocus()
        drop(window, tmp_path / "papers")
        wait_until(lambda: "No images" in window.start.card.title.text(), "the answer")
        focus = window.focusWidget()
        assert isinstance(focus, QPushButton)
        assert focus.text() == "Open another"


def test_the_keyboard_comes_to_the_first_button_before_the_list(qapp, recent):
    with main_window(views=False) as window:
        focus = window.focusWidget()
        assert not isinstance(focus, QPushButton), "nothing is a key press away from being cleared"
        order = []
        for _ in range(8):
            QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Tab)
            order.append(getattr(window.focusWidget(), "text", str)())
        assert order.index("Open folder") < order.index("Try the demo") < order.index("Clear")
