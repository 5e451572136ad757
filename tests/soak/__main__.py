"""Use the real window for ten minutes as nobody would: `make soak`, or `python -m tests.soak`.

Opens and closes series, interrupts loads, runs commands of the table at random, resizes. The seed
decides everything but the machine's speed. Ends with status 1 when memory or handles keep growing,
when Qt, VTK or the log has something to say, or when a load ends with failures.

    python -m tests.soak --seed 7 --minutes 10 --opens 50
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from tests.helpers.dicom_encodings import encode_file
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.qt_messages import QtMessages
from tests.helpers.xvfb import start_xvfb

if TYPE_CHECKING:
    from app.main_window import MainWindow

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "soak.json"
SHAPES = ((40, 64, 64), (120, 128, 96), (200, 192, 192), (12, 320, 320))
HTJ2K = "1.2.840.10008.1.2.4.201"
# What would open a dialog of the system, leave the window, or reach outside the program.
LEFT_OUT = (
    "file.", "edit.copy", "edit.settings", "help.log", "view.full_screen", "view.only_pictures",
    "load.", "go.next_series", "go.previous_series",
)  # fmt: skip
MOST_GROWTH = 0.10
"""Of resident memory, from the second third to the last; caches are full by then."""
MOST_HANDLES = 8


class Soak:
    """One run in one window."""

    def __init__(self, window: MainWindow, seed: int, folders: list[Path]) -> None:
        self.window, self.random, self.folders = window, random.Random(seed), folders
        self.process = psutil.Process()
        self.samples: list[dict[str, float]] = []
        self.troubles: list[str] = []
        self.actions = 0

    def run(self, minutes: float, opens: int) -> None:
        """Go on until the time is over and everything was opened often enough."""
        began_s = time.monotonic()
        while len(self.samples) < opens or time.monotonic() - began_s < minutes * 60:
            folder = self.random.choice(self.folders)
            self.window.door.open([str(folder)])
            is_interrupted = self.random.random() < 0.4
            self._play(self.random.uniform(0.02, 0.5) if is_interrupted else 4.0, is_interrupted)
            self.window.sheets.close()
            if self.random.random() < 0.7:
                self.window.session.close()
            self._note(time.monotonic() - began_s)

    def _play(self, seconds: float, is_interrupted: bool) -> None:
        from PySide6.QtTest import QTest

        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            QTest.qWait(self.random.randint(1, 60))
            self._act()
            volume = self.window.session.volume
            if not is_interrupted and volume is not None and volume.state.is_over:
                if volume.failures:
                    self.troubles.append(f"{len(volume.failures)} slices failed")
                if self.random.random() < 0.15:
                    break

    def _act(self) -> None:
        window = self.window
        if self.random.random() < 0.1:
            window.resize(self.random.randint(720, 1500), self.random.randint(480, 1000))
            return
        rows = [c for c in window.commands.all if not c.id.startswith(LEFT_OUT)]
        command = self.random.choice(rows)
        if not command.reason():
            window.commands.run(command.id)
            self.actions += 1

    def _note(self, at_s: float) -> None:
        from PySide6.QtTest import QTest

        QTest.qWait(50)
        gc.collect()
        self.samples.append(
            {
                "at_s": round(at_s, 1),
                "rss_mb": round(self.process.memory_info().rss / 1e6, 1),
                "handles": self.process.num_fds(),
                "threads": self.process.num_threads(),
            }
        )

    def judge(self) -> list[str]:
        """Say what is not flat."""
        third = len(self.samples) // 3
        found = list(self.troubles)
        for name, allowed in (("rss_mb", None), ("handles", MOST_HANDLES), ("threads", 12)):
            middle = statistics.median(s[name] for s in self.samples[third : 2 * third])
            last = statistics.median(s[name] for s in self.samples[2 * third :])
            limit = middle * (1 + MOST_GROWTH) if allowed is None else middle + allowed
            if last > limit:
                found.append(f"{name} grows: {middle:g}, then {last:g}")
        return found


class _Listener(logging.Handler):
    """Keep what the log says from warnings upwards."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.name}: {record.getMessage()}")


def make_series(folder: Path) -> list[Path]:
    """Write small series: four native ones, one compressed, one with a broken file."""
    made = []
    for number, shape in enumerate(SHAPES):
        place = folder / f"series{number}"
        paths = write_series(place, phantom(shape, number))
        if number == 0:
            for path in paths:
                encode_file(path, HTJ2K)
        made.append(place)
    (made[1] / "note.txt").write_text("no image")
    np.save(made[1] / "other.npy", np.zeros(3))
    return made


def go(options: argparse.Namespace) -> int:
    """Run with a display, in a home of its own."""
    from app.graphics import set_up_graphics

    set_up_graphics(software_gl=True)
    from app.allocator import bound_arenas

    bound_arenas()
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from app.main_window import MainWindow
    from app.theme import apply_theme

    application = QApplication(["voxtide"])
    apply_theme(application, "dark")
    listener = _Listener()
    logging.getLogger().addHandler(listener)
    with tempfile.TemporaryDirectory() as made, QtMessages() as messages:
        window = MainWindow()
        window.show()
        QTest.qWaitForWindowExposed(window)
        window.prepare_views()
        soak = Soak(window, options.seed, make_series(Path(made)))
        soak.run(options.minutes, options.opens)
        found = soak.judge()
        window.close()
        if not window.session.join(10.0):
            found.append("a thread of the session did not end")
        QTest.qWait(100)
    found += [f"Qt said: {text}" for text in messages.unexpected()]
    found += [f"the log said: {text}" for text in listener.texts]
    _tell(soak, found, options)
    return 1 if found else 0


def _tell(soak: Soak, found: list[str], options: argparse.Namespace) -> None:
    third = len(soak.samples) // 3
    print(f"seed {options.seed}: {len(soak.samples)} opens, {soak.actions} actions")
    for name in ("rss_mb", "handles", "threads"):
        parts = [soak.samples[n * third : (n + 1) * third or None] for n in range(3)]
        medians = [statistics.median(s[name] for s in part) for part in parts]
        print(f"{name:8} median of each third: " + "  ".join(f"{m:g}" for m in medians))
    for text in dict.fromkeys(found):
        print(f"NOT WELL  {text}  ({found.count(text)} times)")
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps({"seed": options.seed, "found": found, "samples": soak.samples}))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--opens", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        for name in ("CONFIG", "STATE", "CACHE", "DATA"):
            os.environ[f"XDG_{name}_HOME"] = home
        os.environ["MESA_SHADER_CACHE_DISABLE"] = "true"
        with start_xvfb() as display:
            os.environ.update(DISPLAY=display, QT_QPA_PLATFORM="xcb")
            os.environ.pop("WAYLAND_DISPLAY", None)
            return go(options)


if __name__ == "__main__":
    sys.exit(main())
