"""What the DICOM attributes say a codestream must be, and what was found in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from loading.errors import CorruptFrame


@dataclass(frozen=True, slots=True)
class Expected:
    """Describe the frame that the header promises.

    Attributes
    ----------
    allocated, stored : int
        Bits of a sample's cell and bits used; a codestream's depth must lie between them.
    name : str
        Path for messages.
    """

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    signed: bool
    name: str = ""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Give the type of a stored sample."""
        return np.dtype(f"{'i' if self.signed else 'u'}{max(1, self.allocated // 8)}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Give the shape of the decoded frame."""
        if self.samples == 1:
            return self.rows, self.columns
        return self.rows, self.columns, self.samples

    def corrupt(self, what: str) -> CorruptFrame:
        """Make the error that names this file."""
        return CorruptFrame(what, where=self.name, cure="Copy the file again")


class Facts(NamedTuple):
    """What the head of a codestream says.

    Attributes
    ----------
    lossy : bool
        Values were lost when it was made.
    depth : int
        Bits of a sample in the codestream.
    doubt : str
        Why native code should not be given it in this process; empty when there is no doubt.
    lacks_sign : bool
        Samples are unsigned numbers of `depth` bits, whatever they mean.
    colour : str
        What the codestream itself says of three samples: "rgb" (or made so while decoding), "ybr",
        "made rgb" where decoding makes them so whatever the header calls them, or nothing where
        that is left to the header.
    """

    lossy: bool
    depth: int
    doubt: str = ""
    lacks_sign: bool = False
    colour: str = ""


def check_size(
    expected: Expected, rows: int, columns: int, samples: int, depth: int, what: str
) -> None:
    """Hold what a codestream says against the header; raise CorruptFrame where they differ."""
    if (rows, columns) != (expected.rows, expected.columns):
        raise expected.corrupt(
            f"The {what} picture is {columns} x {rows}, the header says "
            f"{expected.columns} x {expected.rows}"
        )
    if samples != expected.samples:
        raise expected.corrupt(
            f"The {what} picture has {samples} samples a pixel, the header says {expected.samples}"
        )
    if not 1 <= depth <= expected.allocated:
        raise expected.corrupt(
            f"The {what} picture has {depth} bits a sample, the header allows {expected.allocated}"
        )
