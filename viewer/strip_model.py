"""How the quality strip looks: pure functions from `Qualities` to cells and pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from loading import Qualities, Status

# Status: colour and height. Lightness and height rise together, so it reads without colour.
LOOK: Final = {
    Status.EMPTY: (0x262C33, 1 / 6),
    Status.FAR_REPLICATE: (0x33475A, 1 / 3),
    Status.NEAR_REPLICATE: (0x3F648C, 1 / 3),
    Status.SUBRESOLUTION: (0x4F8BCB, 2 / 3),
    Status.LOSSY: (0x7DB4EE, 2 / 3),
    Status.FULL: (0xB4D8FF, 1.0),
}
FAILED_COLOUR: Final = 0xFF7A6B
ABSENT_COLOUR: Final = 0xE0B04A


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The strip's columns: lowest status of the slices in each, and marks on any of them."""

    status: npt.NDArray[np.uint8]
    failed: npt.NDArray[np.bool_]
    absent: npt.NDArray[np.bool_]

    @property
    def is_perfect(self) -> bool:
        """Tell whether nothing needs to be shown any more."""
        return bool((self.status >= Status.LOSSY).all() and not self.has_marks)

    @property
    def has_only_marks(self) -> bool:
        """Tell whether all that is left to be said is which slices are missing or failed."""
        rest = self.status[~(self.failed | self.absent)]
        return bool(self.has_marks and (rest >= Status.LOSSY).all())

    @property
    def has_marks(self) -> bool:
        """Tell whether a slice is missing or could not be read."""
        return bool(self.failed.any() or self.absent.any())


def shown_status(qualities: Qualities) -> npt.NDArray[np.uint8]:
    """Give the status of what is on the screen: a copy that is only promised shows nothing."""
    return np.where(qualities.content < 0, np.uint8(Status.EMPTY), qualities.status).astype(
        np.uint8
    )


def cells(qualities: Qualities, width: int) -> Cells:
    """Give one cell for each of `width` columns; more slices than columns: the lowest status."""
    count = len(qualities.status)
    failed, absent = np.zeros(count, bool), np.zeros(count, bool)
    failed[list(qualities.failed)] = True
    absent[list(qualities.absent)] = True
    status = shown_status(qualities)
    status[absent] = Status.FULL  # nothing to wait for; the mark tells it
    first = np.arange(width) * count // width
    last = np.maximum(first + 1, (np.arange(width) + 1) * count // width)
    if count > width:
        edges = np.minimum(first, count - 1)
        return Cells(
            np.minimum.reduceat(status, edges),
            np.logical_or.reduceat(failed, edges),
            np.logical_or.reduceat(absent, edges),
        )
    return Cells(*(part[np.minimum(last - 1, first)] for part in (status, failed, absent)))


def pixels(columns: Cells, height: int) -> npt.NDArray[np.uint32]:
    """Draw the strip: 0xAARRGGBB, shape (height, columns)."""
    width = len(columns.status)
    result = np.zeros((height, width), np.uint32)
    rows = np.arange(height)[:, np.newaxis]
    told = {} if columns.has_only_marks else LOOK
    for status, (colour, part) in told.items():
        tall = max(1, round(height * part))
        result[(rows >= height - tall) & (columns.status == status)[np.newaxis, :]] = (
            0xFF000000 | colour
        )
    result[:, columns.failed] = 0
    result[: max(1, height // 2 - 1), columns.failed] = 0xFF000000 | FAILED_COLOUR
    result[:, columns.absent] = 0
    edge = (rows == 0) | (rows == height - 1)
    hatch = (rows + np.arange(width)[np.newaxis, :]) % 4 == 0
    result[(edge | hatch) & columns.absent[np.newaxis, :]] = 0xFF000000 | ABSENT_COLOUR
    return result


def slice_at(x: float, width: float, count: int) -> int:
    """Give the slice whose cell lies at x."""
    return min(count - 1, max(0, int(x * count / max(1.0, width))))


def middle_of(k: int, width: float, count: int) -> float:
    """Give the middle of a slice's cell."""
    return (k + 0.5) * width / max(1, count)
