"""The states of the window that a server brings: the study browser and the bars that ask."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from PIL import Image, ImageDraw
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.main_window import MainWindow
from app.sign_in import SignInBar
from app.study_browser import StudyBrowser
from tests.helpers.qido_server import Habits, qido_server, series_row, study_row
from tests.helpers.window import wait_until


class Stage(Protocol):
    """What a state is reached on."""

    @property
    def window(self) -> MainWindow: ...

    def settle(self) -> None: ...

    def resize(self, width: int, height: int) -> None: ...


def _picture() -> bytes:
    drawn = Image.new("L", (128, 128), 0)
    ImageDraw.Draw(drawn).ellipse((20, 28, 108, 100), fill=90, outline=230, width=8)
    out = io.BytesIO()
    drawn.save(out, "JPEG")
    return out.getvalue()


def _server(stage: Stage, habits: Habits) -> Habits:
    """Run a server until the window of this state is closed."""
    stack = ExitStack()
    picture = _picture()
    habits.override = lambda path, headers: (
        (200, {"Content-Type": "image/jpeg"}, picture) if path.endswith("/thumbnail") else None
    )
    server = stack.enter_context(qido_server(habits))
    stage.window.settings.change(servers=[], known_hosts=[])
    # a bound method alone would be held weakly, and the server with it
    stage.window.closed.connect(lambda: stack.close())
    return server


def _studies(count: int = 40) -> Habits:
    series = [series_row(n) for n in range(1, 6)]
    return Habits(studies=[study_row(n) for n in range(count)], series=series)


def _connect(stage: Stage, address: str) -> StudyBrowser:
    stage.window.commands.run("file.open_url")
    sheet = stage.window.sheets.sheet
    assert isinstance(sheet, StudyBrowser)
    QTest.keyClicks(sheet.address, address)
    QTest.keyClick(sheet.address, Qt.Key.Key_Return)
    sheet = stage.window.sheets.sheet
    assert isinstance(sheet, StudyBrowser)
    return sheet


def _empty(stage: Stage) -> None:
    stage.window.settings.change(servers=[], known_hosts=[])
    stage.window.commands.run("file.open_url")
    stage.settle()


def _searching(stage: Stage) -> None:
    never = threading.Event()
    stage.window.closed.connect(lambda: never.set())

    server = _server(stage, Habits())
    server.override = lambda path, headers: (never.wait(60), None)[1]
    _connect(stage, server.url)
    stage.settle()


def _results(stage: Stage) -> None:
    sheet = _connect(stage, _server(stage, _studies()).url)
    wait_until(lambda: len(stage.window.door.search.studies) == 40, "the list")
    sheet.table.selectRow(2)
    wait_until(lambda: len(stage.window.door.search.pictures) == 5, "the pictures")
    stage.settle()


def _results_small(stage: Stage) -> None:
    stage.resize(720, 480)
    _results(stage)


def _nothing_fits(stage: Stage) -> None:
    _connect(stage, _server(stage, Habits()).url)
    wait_until(lambda: stage.window.door.search.is_over, "the answer")
    stage.settle()


def _error(stage: Stage) -> None:
    _connect(stage, "http://127.0.0.1:9/dicom-web")
    wait_until(lambda: stage.window.door.search.error is not None, "the error")
    stage.settle()


def _sign_in(stage: Stage) -> SignInBar:
    habits = _studies(3)
    habits.user, habits.password = "anna", "secret"
    _connect(stage, _server(stage, habits).url)
    return _bar(stage)


def _bar(stage: Stage) -> SignInBar:
    wait_until(lambda: isinstance(stage.window.door.bars.bar, SignInBar), "the bar")
    stage.settle()
    bar = stage.window.door.bars.bar
    assert isinstance(bar, SignInBar)
    return bar


def _type(bar: SignInBar, password: str) -> None:
    bar.user.setText("anna")
    bar.secret.setText(password)
    QTest.keyClick(bar.secret, Qt.Key.Key_Return)


def _asked(stage: Stage) -> None:
    _sign_in(stage)


def _refused(stage: Stage) -> None:
    first = _sign_in(stage)
    _type(first, "wrong")
    wait_until(lambda: stage.window.door.bars.bar not in (None, first), "the second bar")
    stage.settle()


def _signed_in(stage: Stage) -> None:
    _type(_sign_in(stage), "secret")
    wait_until(lambda: len(stage.window.door.search.studies) == 3, "the list")
    stage.settle()


def _first_contact(stage: Stage) -> None:
    stage.window.settings.change(servers=[], known_hosts=[])
    stage.window.door.open(["https://pacs.example/dicom-web/studies/1.2.3"])
    stage.settle()


SERVER_STATES: dict[str, Callable[[Stage], None]] = {
    "studies-empty": _empty,
    "studies-searching": _searching,
    "studies-results": _results,
    "studies-small": _results_small,
    "studies-none": _nothing_fits,
    "studies-error": _error,
    "studies-signed-in": _signed_in,
    "sign-in": _asked,
    "sign-in-refused": _refused,
    "first-contact": _first_contact,
}
