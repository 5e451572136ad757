"""How good the picture of a chunk is, as one ordered number.

The numbers are those of Cornerstone3D's ImageQualityStatus, so that its retrieve plans can be
written down here unchanged.
"""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Say what a chunk shows; while the chunk is resident it only rises."""

    EMPTY = 0
    FAR_REPLICATE = 1
    NEAR_REPLICATE = 3
    SUBRESOLUTION = 6
    LOSSY = 7
    FULL = 8

    @property
    def is_own(self) -> bool:
        """Tell whether the chunk shows data of its own, not a neighbour's."""
        return self >= Status.SUBRESOLUTION

    @property
    def is_final(self) -> bool:
        """Tell whether the chunk is as good as its data allow."""
        return self >= Status.LOSSY
