"""Small 3D pictures of one volume under many presets, drawn off screen in the caller's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

from loading import robust_range
from viewer import presets
from viewer.first_look import spread
from viewer.geometry import apply
from viewer.render_host import OffscreenRenderer
from viewer.state import Camera3D
from viewer.volume_axes import FIT_RADIUS
from viewer.volume_copy import averaged_copy
from viewer.volume_look import Picture, Steps, VolumeImage

if TYPE_CHECKING:
    from loading import OpenVolume

VOXELS = 72**3
"""Enough for a picture of 144 pixels, and drawn in some tens of milliseconds by a processor."""


def preset_pictures(
    volume: OpenVolume, names: Sequence[str], size: int, give_up: Callable[[], bool]
) -> Iterator[tuple[str, QImage]]:
    """Draw a volume under each preset, from the side that the 3D view starts with.

    Parameters
    ----------
    names : sequence of str
        Of `viewer.presets.PRESETS`.
    size : int
        Width and height in pixels.
    give_up : callable
        Asked between pictures; True ends the work.

    Yields
    ------
    name, picture
        Nothing at all where there is no OpenGL that draws volumes, or no data.
    """
    spec = volume.spec
    percentiles = robust_range(volume, low=0.01, high=0.99)
    renderer = OffscreenRenderer()
    try:
        if percentiles is None or not renderer.is_usable or give_up():
            return
        percentiles = spread(percentiles, spec)
        copy = averaged_copy(spec, volume.stored(), volume.qualities(), VOXELS)
        image = VolumeImage.from_copy(copy, spec.value_map)
        size_ijk = np.array(spec.shape_kji[::-1])
        for name in names:
            if give_up():
                return
            drawn = renderer.draw(
                Picture(
                    image=image,
                    transfer=presets.transfer(presets.PRESETS[name], percentiles),
                    camera=Camera3D(),
                    centre=apply(spec.affine_lps, (size_ijk - 1) / 2),
                    radius_mm=float(np.linalg.norm(size_ijk * spec.spacing_ijk_mm))
                    / 2
                    * FIT_RADIUS,
                    width=size,
                    height=size,
                    steps=Steps(1.0, 1.0),
                )
            )
            if drawn is not None and drawn.image is not None:
                yield name, drawn.image
    finally:
        renderer.close()
