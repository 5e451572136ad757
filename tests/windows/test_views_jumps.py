"""Rays that jump over empty space give the picture that VTK gives by itself."""

import numpy as np
import pytest

from loading.spec import ValueMap
from viewer import render_host, skip_map, start_check
from viewer.presets import PRESETS, transfer
from viewer.state import Camera3D
from viewer.volume_look import Picture, Steps, VolumeImage
from viewer.volume_scene import VolumeScene
from viewer.vtk_setup import vtk_to_numpy, vtkUnsignedCharArray

WIDTH, HEIGHT = 240, 180


@pytest.fixture
def window(qapp):
    made = render_host._offscreen_window(False)
    assert made is not None
    yield made
    made.Finalize()


def body(edge=72):
    k, j, i = np.ogrid[tuple(slice(-1, 1, edge * 1j) for _ in range(3))]
    radius = np.sqrt(k**2 + (j / 0.7) ** 2 + (i / 0.8) ** 2)
    values = np.select([radius < 0.5, radius < 0.6, radius < 0.9], [40, 900, 60], -1000)
    noise = np.random.default_rng(2).normal(0, 12, values.shape)
    return (values + noise).astype(np.int16)


def picture(image, preset, azimuth, crop=None):
    affine = image.affine_lps
    return Picture(
        image=image,
        transfer=transfer(PRESETS[preset], (-1000.0, 900.0)),
        camera=Camera3D(azimuth=azimuth, elevation=20.0),
        centre=affine[:3, :3] @ (np.array(image.array.shape[::-1]) - 1) / 2,
        radius_mm=60.0,
        width=WIDTH,
        height=HEIGHT,
        steps=Steps(1.0, 1.0),
        crop=crop,
    )


def drawn(window, scene, wanted):
    window.SetSize(WIDTH, HEIGHT)
    scene.follow(wanted)
    window.Render()
    pixels = vtkUnsignedCharArray()
    window.GetRGBACharPixelData(0, 0, WIDTH - 1, HEIGHT - 1, 0, pixels)
    return vtk_to_numpy(pixels).reshape(HEIGHT, WIDTH, 4)[..., :3].astype(int)


def test_jumping_changes_no_picture(window):
    array, other = body(), np.roll(body(), 24, axis=2)
    sheared = np.diag([0.8, 0.8, 1.1, 1.0])
    sheared[1, 2] = 0.4
    first, second, third = (
        VolumeImage.of(values, affine, ValueMap(), (-1100.0, 1000.0))
        for values, affine in ((array, np.eye(4)), (other, np.eye(4)), (other, sheared))
    )
    looks = [
        (first, "CT-Bone", 30.0),
        (first, "CT-Lung", 120.0),
        (first, "CT-MIP", 30.0),
        (second, "CT-Bone", 200.0),
        (third, "CT-Muscle", -60.0),
        (third, "CT-Bone", 30.0, ((10.0, 20.0, -0.5), (60.0, 71.5, 50.0))),
    ]
    pictures = {}
    for skips in (False, True):
        scene = VolumeScene(window, skips=skips)
        window.AddRenderer(scene.renderer)
        pictures[skips] = [drawn(window, scene, picture(*look)) for look in looks]
        scene.clear()
        window.RemoveRenderer(scene.renderer)
    for look, stock, jumping in zip(looks, pictures[False], pictures[True], strict=True):
        assert stock.max() > 60, look[1]
        assert abs(stock - jumping).max() <= 4, look[1]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("* skip_size - 0.5", "* skip_size - 9.5"),
        ("g_dataPos += steps", "g_dataPos += (steps + 8.0)"),
        ("edge > 0.0", "edge >= 0.0"),
    ],
)
def test_a_jump_that_is_wrong_is_not_used(window, monkeypatch, right, wrong):
    monkeypatch.setattr(start_check, "_known", {})
    assert start_check.rays_may_jump(window)
    monkeypatch.setattr(start_check, "_known", {})
    assert right in skip_map._JUMP
    monkeypatch.setattr(skip_map, "_JUMP", skip_map._JUMP.replace(right, wrong))
    assert not start_check.rays_may_jump(window)
