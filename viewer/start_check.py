"""May rays jump over empty space here, may planes be put into VTK's texture? Tried before use.

What `viewer.skip_map` and `viewer.live_texture` do fits the releases of VTK that it was tried with,
on the OpenGL it was tried on. Anything else would be seen here: a small volume is drawn with it and
by VTK alone, and where the two pictures differ, or nothing was drawn, VTK is left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from loading.spec import ValueMap
from viewer.live_texture import Resolve
from viewer.presets import PRESETS, transfer
from viewer.state import Camera3D
from viewer.volume_look import Picture, Steps, VolumeImage
from viewer.volume_scene import VolumeScene
from viewer.vtk_setup import vtk_to_numpy, vtkUnsignedCharArray

_log = logging.getLogger(__name__)

_Pixels = npt.NDArray[np.int16]

_SIZE = (96, 72)
_SHAPE_KJI = (64, 64, 96)
_AFFINE = np.diag([0.8, 1.0, 1.3, 1.0])
_TOLERANCE = 8
_FEW = 0.001
"""Part of the pixels, on edges, that may differ by more: the order of additions does."""

_known: dict[tuple[str, str], bool] = {}


def rays_may_jump(window: Any) -> bool:
    """Tell whether jumping leaves the picture as it is; drawn once for each kind of window.

    Parameters
    ----------
    window : vtkOpenGLRenderWindow
        Ready to render, without a renderer; its size is changed.
    """
    return _is_known("jumping", window, lambda: _jumping_is_exact(window))


def planes_may_be_patched(window: Any, resolve: Resolve) -> bool:
    """Tell whether planes put into the texture show as uploaded ones; drawn once for each kind.

    Parameters
    ----------
    window : vtkOpenGLRenderWindow
        Ready to render, without a renderer; its size is changed.
    resolve : callable
        Gives addresses of OpenGL functions in the window's context.
    """
    return _is_known("patching", window, lambda: _patching_is_exact(window, resolve))


def _is_known(what: str, window: Any, is_exact: Callable[[], bool]) -> bool:
    key = (what, type(window).__name__)
    if key not in _known:
        try:
            _known[key] = is_exact()
        except Exception:  # VTK alone may draw well where what is tried here does not
            _log.exception("3D goes without %s: it cannot be tried on %s", *key)
            _known[key] = False
        else:
            if not _known[key]:
                _log.warning("3D goes without %s: it changes the picture on %s", *key)
    return _known[key]


def _jumping_is_exact(window: Any) -> bool:
    stock, jumping = (_drawn(VolumeScene(window, skips=s), window) for s in (False, True))
    return _are_alike(stock, jumping)


def _patching_is_exact(window: Any, resolve: Resolve) -> bool:
    """Begin with air, put every second plane in and then the others, and compare."""
    stock = _drawn(VolumeScene(window, skips=False), window)
    whole = _volume()
    array = np.full_like(whole, whole.min())
    revisions = np.zeros(len(array), np.int64)
    scene = VolumeScene(window, skips=False, resolve=resolve)

    def steps() -> Iterator[VolumeImage]:
        yield _image(array, revisions.copy())
        for part in (slice(0, None, 2), slice(1, None, 2)):
            array[part], revisions[part] = whole[part], 1
            yield _image(array, revisions.copy())

    patched = _drawn(scene, window, steps())
    is_used = scene.texture is not None and scene.texture.patched == len(array)
    return is_used and _are_alike(stock, patched)


def _are_alike(stock: _Pixels, other: _Pixels) -> bool:
    apart = np.abs(stock - other).max(axis=2) > _TOLERANCE
    return bool(apart.mean() <= _FEW and stock.any())


def _drawn(scene: VolumeScene, window: Any, images: Iterable[VolumeImage] | None = None) -> _Pixels:
    """Draw the small volume, or images one after the other; array [row, column, 3] of the last."""
    window.SetSize(*_SIZE)
    window.AddRenderer(scene.renderer)
    try:
        for image in images or [_image(_volume())]:
            scene.follow(_picture(image))
            window.Render()
            window.Render()  # the shader of a frame is known once it is drawn with again
        pixels = vtkUnsignedCharArray()
        window.GetRGBACharPixelData(0, 0, _SIZE[0] - 1, _SIZE[1] - 1, 0, pixels)
        rgba = vtk_to_numpy(pixels)  # type: ignore[no-untyped-call]
        return np.asarray(rgba.reshape(_SIZE[1], _SIZE[0], 4)[..., :3], np.int16)
    finally:
        scene.clear()
        window.RemoveRenderer(scene.renderer)


def _volume() -> npt.NDArray[np.int16]:
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
    return array


def _image(
    array: npt.NDArray[np.int16], revisions: npt.NDArray[np.int64] | None = None
) -> VolumeImage:
    return VolumeImage.of(array, _AFFINE, ValueMap(), (-1000.0, 1200.0), revisions)


def _picture(image: VolumeImage) -> Picture:
    return Picture(
        image=image,
        transfer=transfer(PRESETS["CT-Bone"], (0.0, 1.0)),
        camera=Camera3D(azimuth=35.0, elevation=25.0),
        centre=_AFFINE[:3, :3] @ (np.array(_SHAPE_KJI[::-1]) - 1) / 2,
        radius_mm=50.0,
        width=_SIZE[0],
        height=_SIZE[1],
        steps=Steps(1.0, 0.5),
    )
