"""Smaller copies of frames that some servers keep beside the frames themselves.

Static DICOMweb writes them under names of their own and announces them nowhere: which there are is
asked once for a series, and remembered. They are shown until the frame itself is there, and never
count as more than a coarse picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from loading import codecs
from loading.dicom.payloads import Payloads, sniff_syntax
from loading.dicom.pixels import FramePixels, Plane
from loading.errors import CorruptFrame
from loading.sources.base import Rendition
from loading.status import Status
from loading.web.wado import Habits

NAMES = ("jlsThumbnail", "htj2kThumbnail", "fsiz")
"""What Static DICOMweb's documents call them (PS3.18 knows none)."""
RENDITION = Rendition("alternate", Status.SUBRESOLUTION, 2, 0.1)


class Alternates:
    """The smaller copies of one series.

    Parameters
    ----------
    told : str
        Name that the retrieve options give; then no other is tried.
    sampling : str
        "samples": every n-th pixel; "means": of n by n.
    """

    def __init__(self, habits: Habits, series: str, told: str, sampling: str) -> None:
        self._habits = habits
        self._series = series
        self._names = (told,) if told else NAMES
        self._sampling = sampling
        self._found = ""
        self._waiting: list[Callable[[], None]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Give the names to ask for: the one that is there, else those not known to be missing."""
        if self._found:
            return (self._found,)
        return tuple(n for n in self._names if (self._series, n) not in self._habits.missing)

    def waits(self, call: Callable[[], None]) -> bool:
        """Have something called when it is known which names there are; False: it is known."""
        if self._waiting is None:
            return False
        self._waiting.append(call)
        return True

    def begin(self) -> None:
        """Tell that all names are being asked for."""
        if not self._found:
            self._waiting = []

    def end(self, found: Sequence[str]) -> None:
        """Tell which of them there are; those who wait go on."""
        if found:
            self._found = found[0]
        else:
            self._habits.missing.update((self._series, name) for name in self.names)
        waiting, self._waiting = self._waiting or [], None
        for call in waiting:
            call()

    def put(
        self, payloads: Payloads, frame: FramePixels, data: bytes, syntax: str, out: Plane
    ) -> int:
        """Write a smaller copy, made larger by repetition, into `out`; give its level.

        Raises
        ------
        LoadError
            When it is not the frame's picture, made smaller by a power of two.
        """
        form = frame.coding.form
        syntax = syntax or sniff_syntax(data, 0)
        for level in range(6):
            rows, columns = _shrunk(form.rows, level), _shrunk(form.columns, level)
            expected = codecs.Expected(
                rows, columns, form.samples, form.allocated, form.stored, form.signed
            )
            small = np.empty(expected.shape, expected.dtype)
            try:
                codecs.inspect(syntax, data, expected)
            except CorruptFrame:
                continue  # another size
            found = codecs.decode(syntax, data, expected, small)
            whole = self._enlarged(small, form.rows, form.columns, level)
            coding = payloads.coding(frame, "")
            stored = whole.astype(coding.form.dtype, copy=False)
            frame._finish(np.ascontiguousarray(stored), out, found)
            return level
        raise CorruptFrame(
            "The smaller copy is of another picture", where=frame.instance.place.name
        )

    def _enlarged(self, small: Plane, rows: int, columns: int, level: int) -> Plane:
        """Repeat each pixel where it belongs: a sample at i * n, a mean over i * n to i * n + n."""
        step = 1 << level
        half = step // 2 if self._sampling == "samples" else 0
        j = np.minimum((np.arange(rows) + half) // step, small.shape[0] - 1)
        i = np.minimum((np.arange(columns) + half) // step, small.shape[1] - 1)
        enlarged: Plane = small[j][:, i]
        return enlarged


def _shrunk(side: int, level: int) -> int:
    return -(-side // (1 << level))
