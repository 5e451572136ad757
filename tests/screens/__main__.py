"""Take a picture of every state of the window, in both themes and at two scales (`make screens`).

The pictures lie in build/screens/THEME-SCALEx/. Each is also judged: text that is cut off, a
control smaller than a finger's 28 x 28, or a view of one colour ends the command with status 1.

usage: python -m tests.screens [--only NAME ...] [--theme dark|light] [--scale 1] [--longer]
       python -m tests.screens --documents

--longer makes every word of the program 40 percent longer; --scale 1.4 is what a desktop does
whose text is set 40 percent larger. --documents takes the pictures of the README and docs/ anew.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.xvfb import start_xvfb
from tests.screens.documents import PICTURES, keep

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "screens"
SCREEN = {1.0: "1680x1050x24", 1.4: "2352x1470x24", 2.0: "3360x2100x24"}
TIMEOUT_S = 900


def main() -> int:
    """Take the pictures in one process for each theme and scale; give the status."""
    parser = argparse.ArgumentParser(prog="tests.screens", description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--theme", choices=("dark", "light"), action="append")
    parser.add_argument("--scale", type=float, choices=SCREEN, action="append")
    parser.add_argument("--longer", action="store_true", help="words are 40 percent longer")
    parser.add_argument("--documents", action="store_true", help="the pictures of docs/images")
    chosen = parser.parse_args()
    if chosen.documents:
        return _take_documents()
    status = 0
    for scale in chosen.scale or (1.0, 2.0):
        with start_xvfb(SCREEN[scale]) as display:
            for theme in chosen.theme or ("dark", "light"):
                folder = FOLDER / f"{theme}-{scale:g}x{'-longer' * chosen.longer}"
                status |= _take(theme, scale, display, folder, chosen.only, longer=chosen.longer)
    return status


def _take_documents() -> int:
    with start_xvfb(SCREEN[1.0]) as display, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        status = _take("dark", 1.0, display, folder, list(PICTURES), longer=False)
        keep(folder, ROOT / "docs" / "images")
    return status


def _take(
    theme: str, scale: float, display: str, folder: Path, only: list[str], *, longer: bool
) -> int:
    environment = {
        **os.environ,
        "DISPLAY": display,
        "WAYLAND_DISPLAY": "",
        "QT_QPA_PLATFORM": "xcb",
        "QT_SCALE_FACTOR": f"{scale:g}",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    words = "longer" if longer else "plain"
    command = [sys.executable, "-m", "tests.screens.take", theme, words, str(folder), *only]
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=TIMEOUT_S).returncode


if __name__ == "__main__":
    sys.exit(main())
