"""How far into a frame each resolution reaches: known of those seen, guessed of the others."""

from __future__ import annotations

import math

from loading.dicom.payloads import Payloads
from loading.dicom.pixels import FramePixels
from loading.sources.base import Rendition
from loading.status import Status
from loading.web.retrieve_options import RetrieveOptions

SMALLEST_SIDE = 64
"""The coarsest picture that is asked for has at least so many pixels a side."""
_ENVELOPE = 320
_MARGIN = 1.03


class Levels:
    """The coarse renditions of one volume, and the bytes that they take.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    """

    def __init__(
        self, payloads: Payloads, shape: tuple[int, int], options: RetrieveOptions
    ) -> None:
        self._payloads = payloads
        self._shape = shape
        self._prefix = options.prefix_bytes
        coarse = max(1, min(5, int(math.log2(max(2, min(shape) / SMALLEST_SIDE)))))
        coarse = options.decode_level or coarse
        names = ("coarse", "finer")
        steps = [level for level in (coarse, coarse - 1) if level > 0]
        self.renditions = tuple(
            Rendition(name, Status.SUBRESOLUTION, level, 0.03 * 3.0**n)
            for n, (name, level) in enumerate(zip(names, steps, strict=False))
        )
        self.is_possible = options.partial
        self._seen: dict[int, int] = {}
        self.whole_size: int | None = None
        self.least_size: int | None = None

    def note_whole(self, size: int) -> None:
        """Take in how long a whole body is."""
        self.whole_size = max(size, self.whole_size or 0)
        self.least_size = min(size, self.least_size or size)

    def end(self, frame: FramePixels, head: bytes, syntax: str, level: int) -> int | None:
        """Give how many bytes of a frame the picture of a level takes; None: not known yet."""
        end = self._payloads.level_end(frame, head, syntax, level)
        if end is not None:
            self._seen[level] = max(end, self._seen.get(level, 0))
        return end

    def likely_end(self, level: int) -> int:
        """Guess the bytes of a body that hold the picture of a level, envelope included."""
        if self._prefix and level == self.renditions[0].level:
            return self._prefix
        seen = self._seen.get(level)
        if seen is not None:
            return int(seen * _MARGIN) + _ENVELOPE
        pixels = (self._shape[0] >> level) * (self._shape[1] >> level)
        return int(1.3 * pixels) + 512
