"""Colour maps for slices: 256 colours from dark to light, as 0xffRRGGBB."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from viewer.voi import ColourTable

# Position from 0 to 1 and colour; between them straight lines in sRGB. "hot_iron" is the map of
# PS3.6 Annex B.1.1; "viridis" follows matplotlib's (CC0) in sixteen steps.
_POINTS: Final[dict[str, tuple[tuple[float, int], ...]]] = {
    "grey": ((0.0, 0x000000), (1.0, 0xFFFFFF)),
    "hot_iron": ((0.0, 0x000000), (0.5, 0xFF0000), (0.75, 0xFF8000), (1.0, 0xFFFFFF)),
    "hot": ((0.0, 0x000000), (0.37, 0xFF0000), (0.75, 0xFFFF00), (1.0, 0xFFFFFF)),
    "rainbow": (
        (0.0, 0x000000),
        (0.12, 0x2200A0),
        (0.3, 0x0060FF),
        (0.5, 0x00D060),
        (0.7, 0xF0E000),
        (0.88, 0xFF4000),
        (1.0, 0xFFFFFF),
    ),
    "viridis": tuple(
        (n / 15, colour)
        for n, colour in enumerate(
            (
                0x440154,
                0x481A6C,
                0x472F7D,
                0x414487,
                0x39568C,
                0x31688E,
                0x2A788E,
                0x23888E,
                0x1F988B,
                0x22A884,
                0x35B779,
                0x54C568,
                0x7AD151,
                0xA5DB36,
                0xD2E21B,
                0xFDE725,
            )
        )
    ),
}

NAMES: Final[tuple[str, ...]] = tuple(_POINTS)
TITLES: Final[dict[str, str]] = {
    "grey": "Grey",
    "hot_iron": "Hot iron",
    "hot": "Hot",
    "rainbow": "Rainbow",
    "viridis": "Viridis",
}


@cache
def colours(name: str) -> ColourTable:
    """Give the 256 colours of a map.

    Raises
    ------
    KeyError
        There is no map of this name.
    """
    points = _POINTS[name]
    at = np.linspace(0.0, 1.0, 256)
    where = [position for position, _ in points]
    result = np.full(256, 0xFF000000, np.uint32)
    for shift in (16, 8, 0):
        channel = [(colour >> shift) & 255 for _, colour in points]
        result |= np.round(np.interp(at, where, channel)).astype(np.uint32) << np.uint32(shift)
    result.setflags(write=False)
    return result
