"""The real program on native Wayland: what the compositor shows, not what Qt says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

ROOT = Path(__file__).resolve().parents[2]
SIZE = ("--width=1400", "--height=900")
COMPOSITOR = ["weston", "--backend=headless-backend.so", "--use-pixman", "--no-config", "--debug"]
WAIT_S = 90.0


def screen(folder: Path, environment: dict[str, str]) -> np.ndarray:
    """Give what is on the compositor's screen, [row, column, (red, green, blue)]."""
    for old in folder.glob("*.png"):
        old.unlink()
    subprocess.run(["weston-screenshooter"], cwd=folder, env=environment, check=True, timeout=30)
    picture = QImage(str(next(folder.glob("*.png")))).convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), -1)
    return rows[:, : 3 * picture.width()].reshape(picture.height(), -1, 3).astype(int)


def shows_the_head(pixels: np.ndarray) -> bool:
    """Tell whether there is much tissue in grey, and skin in 3D."""
    red, green, blue = np.moveaxis(pixels, 2, 0)
    is_grey = (red == green) & (green == blue) & (red > 60) & (red < 250)
    is_skin = (red > 150) & (red - blue > 50) & (red - green > 20) & (green > blue)
    return bool(is_grey.sum() > 80_000 and is_skin.sum() > 15_000)


@pytest.mark.skipif(shutil.which("weston") is None, reason="weston is not installed")
def test_the_window_is_there_on_native_wayland(tmp_path):
    # a socket's path may have 107 bytes: not below pytest's folder
    with tempfile.TemporaryDirectory(prefix="vt") as runtime:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "DISPLAY"},
            **{f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "CACHE")},
            "XDG_RUNTIME_DIR": runtime,
            "WAYLAND_DISPLAY": "voxtide-test",
            "QT_QPA_PLATFORM": "wayland",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        log = (tmp_path / "weston.log").open("w")
        running = [
            subprocess.Popen(
                [*COMPOSITOR, *SIZE, "--socket=voxtide-test"],
                env={**os.environ, "XDG_RUNTIME_DIR": runtime},
                stdout=log,
                stderr=log,
            )
        ]
        try:
            ends_s = time.monotonic() + WAIT_S
            while not (Path(runtime) / "voxtide-test").exists():
                assert time.monotonic() < ends_s, (tmp_path / "weston.log").read_text()
                time.sleep(0.1)
            command = [sys.executable, "-m", "app", "demo", "--new-window"]
            running.append(subprocess.Popen(command, cwd=ROOT, env=environment))
            while not shows_the_head(screen(tmp_path, environment)):
                assert running[1].poll() is None, "the program ended"
                assert time.monotonic() < ends_s, "the head did not come"
                time.sleep(0.5)
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait(timeout=20)
            log.close()
