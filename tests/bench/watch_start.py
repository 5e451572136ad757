"""Watch a program start, from outside, by the pixels of the screen: ours, frozen or a bare window.

It starts the command on an empty display and looks at the screen until the first pixel differs
from the empty one (first paint), and until there is a patch of grey, noisy tissue (first slice).
Prints both in milliseconds since the start of the process, and ends the program.

usage: python -m tests.bench.watch_start paint|slice COMMAND...
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import numpy.typing as npt

PATCH = 24
LOOK_EVERY_S = 0.008
TIMEOUT_S = 60.0
Pixels = npt.NDArray[np.uint8]


def has_tissue(screen: Pixels) -> bool:
    """Tell whether a patch somewhere is grey, noisy and neither dark nor bright."""
    rows, columns = (n // PATCH * PATCH for n in screen.shape[:2])
    # every third pixel is enough, and a tenth of the work
    part = screen[:rows:3, :columns:3, :3].astype(np.int16)
    side = PATCH // 3
    shape = (rows // PATCH, side, columns // PATCH, side, 3)
    patches = part.reshape(shape).swapaxes(1, 2).reshape(-1, side * side, 3)
    grey = (np.ptp(patches, axis=2) == 0).all(axis=1)
    level = patches[..., 0]
    fits = grey & (level.mean(axis=1) > 50) & (level.mean(axis=1) < 220)
    return any(len(np.unique(one)) > 6 for one in level[fits])


def main() -> int:
    wanted, *command = sys.argv[1:]
    from PySide6.QtGui import QGuiApplication, QImage

    application = QGuiApplication(["watch"])
    screen = application.primaryScreen()

    def look() -> Pixels:
        image = screen.grabWindow(0).toImage().convertToFormat(QImage.Format.Format_RGB32)
        flat = np.frombuffer(image.constBits(), np.uint8)
        return flat.reshape(image.height(), image.width(), 4).copy()

    empty = look()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    times: dict[str, float] = {}
    started_s = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL)
    try:
        while f"first_{wanted}_ms" not in times:
            elapsed_s = time.perf_counter() - started_s
            if elapsed_s > TIMEOUT_S or process.poll() is not None:
                raise TimeoutError(f"{command[0]} showed no {wanted}")
            now = look()
            # what is seen was there before it was looked at in full: the look counts from its begin
            if "first_paint_ms" not in times and (now[::4, ::4, :3] != empty[::4, ::4, :3]).any():
                times["first_paint_ms"] = elapsed_s * 1000
            if wanted == "slice" and "first_paint_ms" in times and has_tissue(now):
                times["first_slice_ms"] = elapsed_s * 1000
            time.sleep(LOOK_EVERY_S)
    finally:
        process.kill()
        process.wait()
    sys.stdout.write(json.dumps(times) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
