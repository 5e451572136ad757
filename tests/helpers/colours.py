"""Colours for tests: what a volume holds, and how bright they are by the standard's weights."""

from __future__ import annotations

import numpy as np

import loading


def brightness(colours: np.ndarray) -> np.ndarray:
    """Give Y of YBR_FULL (PS3.3 C.7.6.3.1.2) of whole numbers [..., 3], halves up."""
    red, green, blue = np.moveaxis(colours[..., :3].astype(np.int64), -1, 0)
    return (299 * red + 587 * green + 114 * blue + 500) // 1000


def load_colours(entry: loading.VolumeEntry) -> np.ndarray:
    """Load a volume in colour; its red, green and blue [k,j,i,3], held against its array."""
    with loading.open_entry(entry) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE, volume.failures
        colours = volume.colour()
        assert colours is not None
        assert volume.spec.is_colour
        assert np.array_equal(volume.array, brightness(colours))
        return colours.copy()
