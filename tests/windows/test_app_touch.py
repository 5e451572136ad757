"""A screen that fingers use: larger controls, a pinch that zooms, panels that are pushed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys
from pathlib import Path
from app.graphics import set_up_graphics
set_up_graphics(software_gl=True)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
application = QApplication(["voxtide"])
application.setQuitOnLastWindowClosed(False)
finger = QTest.createTouchDevice()
from app.theme import apply_theme
apply_theme(application, "dark")
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import main_window, open_and_wait, wait_until
from tests.windows.test_app_panels import controls
from PySide6.QtCore import QPoint

write_series(Path(sys.argv[1]) / "Phantom", phantom((12, 48, 40)))
with main_window() as window:
    open_and_wait(window, Path(sys.argv[1]) / "Phantom")
    small = set()
    for sheet in ("", "edit.settings", "help.about"):
        if sheet:
            window.commands.run(sheet)
            QApplication.processEvents()
        for control in controls(window):
            if min(control.width(), control.height()) < 40:
                name = control.accessibleName() or control.objectName()
                small.add(f"{name} {control.width()} x {control.height()}")
    window.sheets.close()
    window.give_focus_to_views()
    print("small:", ", ".join(sorted(small)))

    view = window.views._views["axial"]
    before = window.views.state
    at = view.rect().center()

    def touch(kind, away):
        event = QTest.touchEvent(view, finger, False)
        for number, side in enumerate((-1, 1)):
            getattr(event, kind)(number, at + QPoint(side * away, 0), view)
        event.commit()
        QTest.qWait(20)

    touch("press", 40)
    for away in (45, 50, 60, 70, 80):
        touch("move", away)
    held = window.views.state
    touch("release", 80)
    after = window.views.state
    print("held:", after.axial == held.axial)
    print("zoom:", round(after.axial.zoom / before.axial.zoom, 2))
    print("window:", (after.window, after.level) == (before.window, before.level))
    window.views.undo()
    print("undone:", window.views.state.axial == before.axial)

    line = QPoint(at.x() + 14, at.y() + 60)  # beside the upright line of the crosshair
    start = window.views.slice_position("sagittal")[0]
    for kind, place in (("press", 0), ("move", 20), ("move", 40), ("move", 60), ("release", 60)):
        event = QTest.touchEvent(view, finger, False)
        getattr(event, kind)(0, line + QPoint(place, 0), view)
        event.commit()
        QTest.qWait(20)
    print("line:", window.views.slice_position("sagittal")[0] != start)
"""


def test_fingers_have_room_and_two_of_them_zoom(display, tmp_path):
    """Window 2 and 6: controls of 40 px on touch; a pinch zooms at its middle and does no more."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = dict(line.split(": ", 1) for line in done.stdout.replace(":\n", ": \n").splitlines())
    assert said["small"].strip() == ""
    assert 1.6 < float(said["zoom"]) < 2.4
    assert {said[key] for key in ("held", "window", "undone", "line")} == {"True"}
