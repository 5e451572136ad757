"""The states of the window, each reached as a person would reach it.

The demo is what most of them show; what it cannot show (failures, several series, times, a
radiograph) is a small series written here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.main_window import MainWindow
from app.resources import resource_path
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import drag_enter, drop, is_complete, open_beside, press, wait_until
from tests.screens.server_states import SERVER_STATES
from viewer.crop import whole as whole_box

DEMO = resource_path("demo", "colin27")
SHARP_S = 180.0
SETTLE_MS = 700
"""Bars fold and a notice pulses for 150 ms; the sharp 3D picture follows its timer."""


@dataclass(frozen=True)
class Stage:
    """A window of its own for each state, and a folder that goes away."""

    window: MainWindow
    scratch: Path

    def open(self, *paths: Path) -> None:
        """Drop, wait until all is read and the 3D picture is sharp."""
        drop(self.window, *paths)
        wait_until(lambda: is_complete(self.window), "the load")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing moves any more."""
        QTest.qWait(SETTLE_MS)
        columns = self.window.columns
        if columns is not None and self.window.session.volume is not None:
            wait_until(
                lambda: all(one.is_at_rest for one in columns.workspaces),
                "the sharp pictures",
                SHARP_S,
            )
        wait_until(lambda: not self.window.display.volume_section.pictures.is_busy, "the presets")

    def run(self, *commands: str) -> None:
        """Run commands by their id."""
        for command in commands:
            self.window.commands.run(command)
            QApplication.processEvents()
        self.settle()

    def resize(self, width: int, height: int) -> None:
        """Make the window another size."""
        self.window.resize(width, height)
        QTest.qWait(200)


def _start(stage: Stage) -> None:
    stage.settle()


def _start_small(stage: Stage) -> None:
    stage.resize(720, 480)


def _drag_over(stage: Stage) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(DEMO))])
    QApplication.sendEvent(stage.window, drag_enter(stage.window.rect().center(), data))


def _loading(stage: Stage) -> None:
    drop(stage.window, DEMO)
    session = stage.window.session

    def is_under_way() -> bool:
        progress = session.volume.progress if session.volume is not None else None
        return progress is not None and progress.full * 4 > progress.total

    wait_until(is_under_way, "a quarter of the load")
    session.pause()
    QTest.qWait(SETTLE_MS)
    workspace = stage.window.workspace
    assert workspace is not None
    wait_until(lambda: workspace.is_at_rest, "the coarse picture")


def _demo(stage: Stage) -> None:
    stage.open(DEMO)


def _after_demo(*commands: str) -> Callable[[Stage], None]:
    def reach(stage: Stage) -> None:
        stage.open(DEMO)
        stage.run(*commands)

    return reach


def _cropped(stage: Stage) -> None:
    """A quarter of the head is taken away, from above and from the left."""
    stage.open(DEMO)
    low, (i, j, k) = whole_box(stage.window.session.volume.spec.shape_kji)
    stage.window.views.change(crop=((low[0], low[1] + j * 0.3, low[2]), (i, j, k * 0.75)))
    stage.settle()


def _demo_at(width: int, height: int, *commands: str) -> Callable[[Stage], None]:
    def reach(stage: Stage) -> None:
        stage.resize(width, height)
        stage.open(DEMO)
        stage.run(*commands)

    return reach


def _palette(words: str) -> Callable[[Stage], None]:
    def reach(stage: Stage) -> None:
        stage.open(DEMO)
        press(stage.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(stage.window.palette_.field, words)
        stage.settle()

    return reach


def _failures(stage: Stage) -> None:
    """Three slices are missing, two files end early."""
    folder = stage.scratch / "Head"
    shutil.copytree(DEMO, folder)
    paths = sorted(folder.iterdir())
    for path in paths[60:63]:
        path.unlink()
    for path in paths[120:122]:
        path.write_bytes(path.read_bytes()[:-9000])
    stage.open(folder)


def _notices(stage: Stage) -> None:
    _failures(stage)
    stage.run("load.notices")


def _nothing(stage: Stage) -> None:
    for number in range(12):
        (stage.scratch / f"report {number}.txt").write_text("words")
    drop(stage.window, stage.scratch)
    wait_until(lambda: not stage.window.session.is_opening, "the answer")
    stage.settle()


def _too_large(stage: Stage) -> None:
    write_series(stage.scratch / "Large", phantom((60, 160, 160)))
    stage.window.session.memory_limit_bytes = 1_000_000
    drop(stage.window, stage.scratch / "Large")
    wait_until(lambda: not stage.window.session.is_opening, "the answer")
    stage.settle()


def _several(stage: Stage) -> None:
    for name, shape in (("Thorax", (40, 96, 80)), ("Liver, late phase", (24, 80, 96))):
        write_series(
            stage.scratch / name,
            phantom(shape, seed=len(name)),
            SeriesDescription=name,
            StudyDescription="Abdomen and chest",
            StudyInstanceUID="1.2.826.0.1.3680043.8.498.74",
            StudyDate="20240305",
            PatientName="Doe^Jane",
        )
    (stage.scratch / "notes.txt").write_text("words")
    stage.open(stage.scratch)


def _two_columns(stage: Stage) -> None:
    """Two series of two patients."""
    stage.open(DEMO)
    write_series(
        stage.scratch / "Other", phantom((40, 96, 80)), PatientName="Doe^Jane", PatientID="7"
    )
    open_beside(stage.window, stage.scratch / "Other")
    stage.settle()


def _two_at(width: int, height: int, *commands: str) -> Callable[[Stage], None]:
    def reach(stage: Stage) -> None:
        stage.resize(width, height)
        _two_columns(stage)
        stage.run(*commands)

    return reach


def _linked(stage: Stage) -> None:
    """Two series of one frame of reference; the crosshair of one lies outside the other."""
    whole, lower = stage.scratch / "Whole", stage.scratch / "Lower"
    shutil.copytree(DEMO, whole)
    lower.mkdir()
    for path in sorted(DEMO.iterdir())[:80]:
        data = pydicom.dcmread(path)
        data.SeriesInstanceUID += ".1"
        data.SeriesDescription = "T1, lower half"
        data.SeriesNumber = 2
        data.save_as(lower / path.name)
    stage.open(stage.scratch)
    stage.run("view.layout.compare")
    wait_until(lambda: is_complete(stage.window), "the load beside")
    stage.run("go.other_column")


def _drag_beside(stage: Stage) -> None:
    stage.open(DEMO)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(stage.scratch))])
    place = QPoint(stage.window.width() - 60, 300)
    QApplication.sendEvent(stage.window, drag_enter(place, data))


def _opacity(stage: Stage) -> None:
    stage.resize(1344, 1000)
    stage.open(DEMO)
    display = stage.window.display
    display.volume_section.points_fold.set_open(True)
    QTest.qWait(100)
    display.verticalScrollBar().setValue(display.verticalScrollBar().maximum())
    stage.settle()


def _names_hidden(stage: Stage) -> None:
    _several(stage)
    stage.run("view.hide_names")


def _start_recent(stage: Stage) -> None:
    """The start page after three volumes were open."""
    for name, shape in (("Knee", (20, 80, 70)), ("Thorax", (30, 70, 90))):
        write_series(stage.scratch / name, phantom(shape), SeriesDescription=name)
        stage.open(stage.scratch / name)
    stage.open(DEMO)
    stage.run("file.close")


def _radiograph(stage: Stage) -> None:
    plane = phantom((3, 400, 320))[1:2]
    write_series(stage.scratch / "Hand", plane, Modality="DX", SeriesDescription="Hand")
    stage.open(stage.scratch / "Hand")


def _times(stage: Stage) -> None:
    for t in range(4):
        write_series(
            stage.scratch / f"{t}",
            np.roll(phantom((12, 64, 48)), t, axis=2),
            SeriesInstanceUID="1.2.826.0.1.3680043.8.498.77",
            StudyInstanceUID="1.2.826.0.1.3680043.8.498.76",
            FrameOfReferenceUID="1.2.826.0.1.3680043.8.498.75",
            TemporalPositionIdentifier=t + 1,
            NumberOfTemporalPositions=4,
            InstanceNumber=lambda k, t=t: t * 12 + k + 1,
            SeriesDescription="Perfusion",
        )
    stage.open(stage.scratch)


STATES: dict[str, Callable[[Stage], None]] = {
    "start": _start,
    "start-small": _start_small,
    "start-recent": _start_recent,
    "drag-over": _drag_over,
    "loading": _loading,
    "four-up": _demo,
    "one-plus-three": _after_demo("view.layout.one_plus_three"),
    "axial-alone": _after_demo("view.layout.axial"),
    "3d-alone": _after_demo("view.layout.volume"),
    "crop-box": _cropped,
    "only-pictures": _after_demo("view.only_pictures"),
    "full-screen": _after_demo("view.full_screen"),
    "inverted": _after_demo("image.invert"),
    "compact": _demo_at(900, 700),
    "smallest": _demo_at(720, 480),
    "compact-series": _demo_at(900, 700, "view.panel.series"),
    "large": _demo_at(1680, 1050),
    "palette": _palette(""),
    "palette-window": _palette("w 400 40"),
    "palette-slice": _palette("120"),
    "palette-tag": _palette("? patient"),
    "keys": _after_demo("help.keys"),
    "settings": _after_demo("edit.settings"),
    "tags": _after_demo("image.tags"),
    "about": _after_demo("help.about"),
    "getting-started": _after_demo("help.start"),
    "colours": _after_demo("help.colours"),
    "failures": _failures,
    "notices": _notices,
    "nothing": _nothing,
    "too-large": _too_large,
    "several-series": _several,
    "names-hidden": _names_hidden,
    "two-columns": _two_at(1680, 1050),
    "two-columns-notices": _two_at(1344, 840, "load.notices"),
    "two-columns-compact": _two_at(900, 700),
    "two-columns-smallest": _two_at(720, 480),
    "two-columns-linked": _linked,
    "drag-beside": _drag_beside,
    "opacity-points": _opacity,
    "radiograph": _radiograph,
    "times": _times,
    **SERVER_STATES,
}
