"""Small pictures of series that are not on the screen: one middle slice each, read on the side.

One thread reads one slice at a time; the volume itself is never opened for it.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from loading import CancelToken, VolumeEntry, VolumeSpec

_log = logging.getLogger(__name__)

SIZE_PX = 192
"""Twice the largest use, for screens with two pixels to one."""


class Thumbnailer(QObject):
    """Make pictures of series in the background; `made` brings key and picture."""

    made = Signal(str, QImage)
    _ready = Signal(str, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pictures: dict[str, QImage] = {}
        self._asked: set[str] = set()
        self._waiting: queue.SimpleQueue[VolumeEntry | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._token: CancelToken | None = None
        self._ready.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def want(self, entry: VolumeEntry) -> None:
        """Ask for the picture of a series; the first request of each counts."""
        if entry.spec.key in self._asked:
            return
        self._asked.add(entry.spec.key)
        self._waiting.put(entry)
        self.warm_up()

    def warm_up(self) -> None:
        """Start the thread; while all cores decode that takes a while, so do it before."""
        if self._thread is None and not self._stopped.is_set():
            self._thread = threading.Thread(target=self._work, name="thumbnails")
            self._thread.start()

    def hurry(self) -> None:
        """Let the reading under way give up, and begin no other; `stop` comes soon."""
        self._stopped.set()
        if self._token is not None:
            self._token.cancel()
        self._waiting.put(None)

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the thread."""
        self.hurry()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _take(self, key: str, picture: QImage) -> None:
        self.pictures[key] = picture
        self.made.emit(key, picture)

    def _work(self) -> None:
        while not self._stopped.is_set():
            entry = self._waiting.get()
            if entry is None:
                return
            try:
                picture = self._read(entry)
            except Exception as error:
                _log.info("no thumbnail: %s", error)
                continue
            if not self._stopped.is_set():
                self._ready.emit(entry.spec.key, picture)

    def _read(self, entry: VolumeEntry) -> QImage:
        from loading import CancelToken

        self._token = token = CancelToken()
        if self._stopped.is_set():
            token.cancel()
        return read_thumbnail(entry, token)


def read_thumbnail(entry: VolumeEntry, cancel: CancelToken) -> QImage:
    """Read the middle slice of a series, in the cheapest form its source offers.

    Raises
    ------
    LoadError
        When the slice cannot be read.
    """
    import numpy as np

    from loading import ChunkKey, Request

    spec = entry.spec
    slices, *sides = spec.shape_kji
    middle = min(set(range(slices)) - spec.absent, key=lambda k: abs(k - (slices - 1) / 2))
    source = entry.open()
    try:
        chunk = ChunkKey(0, 0, middle)
        pixels = np.zeros(spec.read_shape(middle), spec.dtype)
        offered = source.renditions(chunk)
        sharp = [r for r in offered if min(sides) >> r.level >= SIZE_PX // 2]
        source.read(Request(chunk, (sharp or offered[-1:])[0]), pixels, cancel)
    finally:
        source.close()
    return slice_picture(pixels[0], spec)


def slice_picture(pixels: npt.NDArray[np.generic], spec: VolumeSpec) -> QImage:
    """Turn one slice into a small picture with square pixels.

    Parameters
    ----------
    pixels : array, shape (rows, columns)
        Array values of the volume; samples last in colour.
    """
    import numpy as np

    from loading import meant

    step = max(1, min(pixels.shape[:2]) // SIZE_PX)
    values = meant(pixels[::step, ::step], spec.value_map).astype(np.float32)
    low, high = _window(values, pixels[::step, ::step], spec)
    grey = np.clip((values - low) / max(high - low, 1e-6), 0.0, 1.0)
    if spec.inverted:
        grey = 1.0 - grey
    shades = np.ascontiguousarray(np.nan_to_num(grey) * 255.0).astype(np.uint8)
    rows, columns = shades.shape[:2]
    kind = QImage.Format.Format_RGB888 if spec.is_colour else QImage.Format.Format_Grayscale8
    made = QImage(shades.tobytes(), columns, rows, columns * spec.samples, kind).copy()
    across, down, _ = spec.spacing_ijk_mm
    width, height = columns * across, rows * down
    scale = SIZE_PX / max(width, height, 1e-6)
    return made.scaled(
        max(1, round(width * scale)),
        max(1, round(height * scale)),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def _window(
    values: npt.NDArray[np.float32], stored: npt.NDArray[np.generic], spec: VolumeSpec
) -> tuple[float, float]:
    import numpy as np

    if spec.windows:
        first = spec.windows[0]
        return first.center - first.width / 2, first.center + first.width / 2
    is_data = np.isfinite(values)
    if spec.padding is not None:
        low, high = spec.padding
        numbers = stored.astype(np.float64)
        is_data &= (numbers < low) | (numbers > high)
    if not is_data.any():
        return 0.0, 1.0
    low, high = np.quantile(values[is_data], (0.01, 0.995))
    return float(low), float(high)
