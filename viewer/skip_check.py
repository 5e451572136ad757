"""May rays jump over empty space here? A small volume is drawn both ways and compared.

The text that `viewer.skip_map` puts into VTK's shader fits the releases it was tried with, on the
OpenGL it was tried on. Anything else would be seen here: where the two pictures differ, or nothing
was drawn, every sample is taken as VTK does by itself.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from loading.spec import ValueMap
from viewer.presets import PRESETS, transfer
from viewer.state import Camera3D
from viewer.volume_look import Picture, Steps, VolumeImage
from viewer.volume_scene import VolumeScene
from viewer.vtk_setup import vtk_to_numpy, vtkUnsignedCharArray

_log = logging.getLogger(__name__)

_SIZE = (96, 72)
_SHAPE_KJI = (64, 64, 96)
_TOLERANCE = 8
_FEW = 0.001
"""Part of the pixels, on edges, that may differ by more: the order of additions does."""

_known: dict[str, bool] = {}


def rays_may_jump(window: Any) -> bool:
    """Tell whether jumping leaves the picture as it is; drawn once for each kind of window.

    Parameters
    ----------
    window : vtkOpenGLRenderWindow
        Ready to render, without a renderer; its size is changed.
    """
    name = type(window).__name__
    if name not in _known:
        stock, jumping = (_drawn(window, skips=skips) for skips in (False, True))
        apart = np.abs(stock - jumping).max(axis=2) > _TOLERANCE
        _known[name] = bool(apart.mean() <= _FEW and stock.any())
        if not _known[name]:
            _log.warning("3D takes every sample: jumping changes the picture on %s", name)
    return _known[name]


def _drawn(window: Any, *, skips: bool) -> npt.NDArray[np.int16]:
    """Draw the small volume; array [row, column, 3]."""
    scene = VolumeScene(window, skips=skips)
    window.SetSize(*_SIZE)
    window.AddRenderer(scene.renderer)
    try:
        scene.follow(_picture())
        window.Render()
        pixels = vtkUnsignedCharArray()
        window.GetRGBACharPixelData(0, 0, _SIZE[0] - 1, _SIZE[1] - 1, 0, pixels)
        rgba = vtk_to_numpy(pixels)  # type: ignore[no-untyped-call]
        return np.asarray(rgba.reshape(_SIZE[1], _SIZE[0], 4)[..., :3], np.int16)
    finally:
        scene.clear()
        window.RemoveRenderer(scene.renderer)


def _picture() -> Picture:
    """Give thin plates just inside bricks, and a ball, in air that is mostly empty bricks."""
    k, j, i = np.ogrid[tuple(slice(n) for n in _SHAPE_KJI)]
    array = np.full(_SHAPE_KJI, -1000, np.int16)
    array[(k - 40) ** 2 + (j - 38) ** 2 + (i - 72) ** 2 < 49] = 700
    for at in ((1, 18, 17), (33, 1, 33), (17, 49, 49), (49, 33, 2)):
        for axis in range(3):
            thickness = [12, 12, 12]
            thickness[axis] = 2
            plate = tuple(slice(n, n + t) for n, t in zip(at, thickness, strict=True))
            array[plate] = 1200
    affine = np.diag([0.8, 1.0, 1.3, 1.0])
    return Picture(
        image=VolumeImage.of(array, affine, ValueMap(), (-1000.0, 1200.0)),
        transfer=transfer(PRESETS["CT-Bone"], (0.0, 1.0)),
        camera=Camera3D(azimuth=35.0, elevation=25.0),
        centre=affine[:3, :3] @ (np.array(_SHAPE_KJI[::-1]) - 1) / 2,
        radius_mm=50.0,
        width=_SIZE[0],
        height=_SIZE[1],
        steps=Steps(1.0, 0.5),
    )
