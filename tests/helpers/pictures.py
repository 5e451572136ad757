"""Pictures that are no volume, opened as one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import loading


def entry_of(image: loading.ImageEntry) -> loading.VolumeEntry:
    """Give an entry that opens a picture; it must have pixels."""
    assert image.spec is not None
    assert image.open is not None
    return loading.VolumeEntry(image.spec, image.open)


def colours_of(volume: loading.OpenVolume) -> npt.NDArray[np.generic]:
    """Give red, green and blue of a volume that has them."""
    colours = volume.colour()
    assert colours is not None
    return colours
