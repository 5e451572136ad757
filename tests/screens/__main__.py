"""Take a picture of every state of the window, in both themes and at two scales (`make screens`).

The pictures lie in build/screens/THEME-SCALEx/. Each is also judged: text that is cut off, a
control smaller than a finger's 28 x 28, or a view of one colour ends the command with status 1.

usage: python -m tests.screens [--only NAME ...] [--theme dark|light] [--scale 1|2]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.xvfb import start_xvfb

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "screens"
SCREEN = {1: "1680x1050x24", 2: "3360x2100x24"}
TIMEOUT_S = 600


def main() -> int:
    """Take the pictures in one process for each theme and scale; give the status."""
    parser = argparse.ArgumentParser(prog="tests.screens", description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--theme", choices=("dark", "light"), action="append")
    parser.add_argument("--scale", type=int, choices=(1, 2), action="append")
    chosen = parser.parse_args()
    status = 0
    for scale in chosen.scale or (1, 2):
        with start_xvfb(SCREEN[scale]) as display:
            for theme in chosen.theme or ("dark", "light"):
                status |= _take(theme, scale, display, chosen.only)
    return status


def _take(theme: str, scale: int, display: str, only: list[str]) -> int:
    folder = FOLDER / f"{theme}-{scale}x"
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            **{f"XDG_{kind}_HOME": f"{home}/{kind}" for kind in ("CONFIG", "STATE", "CACHE")},
            "DISPLAY": display,
            "WAYLAND_DISPLAY": "",
            "QT_QPA_PLATFORM": "xcb",
            "QT_SCALE_FACTOR": str(scale),
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        command = [sys.executable, "-m", "tests.screens.take", theme, str(folder), *only]
        return subprocess.run(command, cwd=ROOT, env=environment, timeout=TIMEOUT_S).returncode


if __name__ == "__main__":
    sys.exit(main())
