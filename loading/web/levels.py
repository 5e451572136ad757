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
_GUESS = 1.2
"""Bytes a pixel that the coarsest picture takes, as long as none has been seen."""
_ENVELOPE = 256
_MARGIN, _SPREAD, _NEXT_HEADER = 0.015, 0.1, 48
"""More is asked for than the largest seen took: a little, the more the fewer were seen, and what
tells where the next level ends."""


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
        self._seen: dict[int, set[int]] = {}
        self.whole_size: int | None = None
        self.least_size: int | None = None

    def note_whole(self, size: int) -> None:
        """Take in how long a whole body is."""
        self.whole_size = max(size, self.whole_size or 0)
        self.least_size = min(size, self.least_size or size)

    def ends(self, frame: FramePixels, head: bytes, syntax: str, start: int) -> dict[int, int]:
        """Give where the coarse pictures end in a body, as far as that is known yet.

        Parameters
        ----------
        head : bytes
            First bytes of the frame, which begins at `start` in the body.
        """
        if not self.renditions:
            return {}
        found = self._payloads.level_ends(frame, head, syntax, self.renditions[-1].level)
        ends = {level: start + end for level, end in found.items()}
        for level, end in ends.items():
            self._seen.setdefault(level, set()).add(end)
        return ends

    def likely_end(self, level: int) -> int:
        """Guess the bytes of a body that hold the picture of a level, envelope included."""
        if self._prefix and level == self.renditions[0].level:
            return self._prefix
        seen = self._seen.get(level)
        if seen is not None:
            return int(max(seen) * (1 + _MARGIN + _SPREAD / len(seen))) + _NEXT_HEADER
        pixels = (self._shape[0] >> level) * (self._shape[1] >> level)
        return int(_GUESS * pixels) + _ENVELOPE
