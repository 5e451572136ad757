"""Draw the icons of the program and of its files in every size that a desktop asks for.

    python packaging/make_icons.py FOLDER

writes FOLDER/48x48/apps/org.voxtide.Voxtide.png and so on.

From three drawings of one hand: the program's, the same with fewer and thicker lines for sizes in
which four slices would blur, and the sheet for files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ROOT = Path(__file__).resolve().parents[1]
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
SMALL = 32
ID = "org.voxtide.Voxtide"
PROGRAM = ROOT / "resources" / "icons" / "voxtide.svg"
PROGRAM_SMALL = ROOT / "packaging" / "linux" / "icons" / "small.svg"
VOLUME = ROOT / "packaging" / "linux" / "icons" / "volume.svg"


def draw(drawing: Path, size: int) -> QImage:
    """Draw one picture on nothing."""
    picture = QImage(size, size, QImage.Format.Format_ARGB32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(str(drawing)).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture


def main() -> None:
    """Write all sizes."""
    folder = Path(sys.argv[1])
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication(["icons"])
    for size in SIZES:
        for kind, name, drawing in (
            ("apps", ID, PROGRAM_SMALL if size <= SMALL else PROGRAM),
            ("mimetypes", f"{ID}-volume", VOLUME),
        ):
            place = folder / f"{size}x{size}" / kind
            place.mkdir(parents=True, exist_ok=True)
            if not draw(drawing, size).save(str(place / f"{name}.png")):
                raise SystemExit(f"{place} cannot be written")
    del application


if __name__ == "__main__":
    main()
