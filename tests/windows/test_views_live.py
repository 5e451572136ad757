"""On a graphics card slices that arrive go into the 3D texture one by one; here Mesa draws them."""

import numpy as np
import pytest

from loading.spec import ValueMap
from tests.helpers.views import pump_until
from viewer import live_texture, start_check
from viewer.gl_host import GlHost
from viewer.presets import PRESETS, transfer
from viewer.state import Camera3D
from viewer.volume_look import Picture, Steps, VolumeImage

SHAPE = (30, 40, 50)
BOUNDS = (0.0, 240.0)
SIZE = (120, 90)


@pytest.fixture
def host(qapp):
    made = GlHost()
    made.resize(*SIZE)
    made.show()
    yield made
    made.close_renderer()
    made.close()
    made.deleteLater()


def voxels(dtype):
    random = np.random.default_rng(4)
    array = random.integers(0, 60, SHAPE)
    array[5:25, 8:30, 10:40] += 130
    return (array - (1 if np.dtype(dtype).kind == "f" else 0)).clip(0).astype(dtype)


def shown(host, array, revisions=None):
    """Draw an image and give the pixels, [row, column, 3]."""
    image = VolumeImage.of(array, np.eye(4), ValueMap(5.0, 0.0), BOUNDS, revisions)
    centre = (np.array(SHAPE[::-1]) - 1) / 2
    look = transfer(PRESETS["CT-Bone"], (0.0, 1.0))
    camera = Camera3D(azimuth=35.0, elevation=25.0)
    done: list[object] = []
    host.drawn.connect(done.append)
    host.request(Picture(image, look, camera, centre, 35.0, *SIZE, Steps(1.0, 1.0)))
    pump_until(lambda: bool(done))
    host.drawn.disconnect(done.append)
    grabbed = host.grabFramebuffer().convertToFormat(host.image.Format.Format_RGB32)
    pixels = np.frombuffer(grabbed.constBits(), np.uint8)
    return pixels.reshape(grabbed.height(), grabbed.width(), 4)[..., :3].astype(int)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_planes_put_in_one_by_one_give_the_picture_of_a_whole_upload(host, dtype):
    whole = voxels(dtype)
    array, revisions = np.zeros_like(whole), np.zeros(len(whole), np.int64)
    shown(host, array, revisions.copy())
    for part in (slice(0, None, 3), slice(2, None, 3), slice(1, None, 3)):
        array[part], revisions[part] = whole[part], 1
        patched = shown(host, array, revisions.copy())
    assert host._scene.texture.patched == len(whole)
    stock = shown(host, whole)
    assert stock.max() > 100
    assert np.array_equal(patched, stock)


def test_a_type_that_vtk_converts_is_uploaded_whole(host):
    array = voxels(np.int32)
    shown(host, np.zeros_like(array), np.zeros(len(array), np.int64))
    assert shown(host, array, np.ones(len(array), np.int64)).max() > 100
    assert host._scene.texture.patched == 0


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        # values taken for others, planes put elsewhere, the texture not found at all
        ("_TYPES", {"int16": 0x1403}),
        ("_UNPACK", {0x0CF4: 3}),
        ("_BINDING_3D", 0x8069),
    ],
)
def test_patching_that_goes_wrong_is_not_used(host, monkeypatch, name, wrong):
    monkeypatch.setattr(start_check, "_known", {})
    before = getattr(live_texture, name)
    changed = {**before, **wrong} if isinstance(before, dict) else wrong
    monkeypatch.setattr(live_texture, name, changed)
    array = voxels(np.int16)
    assert shown(host, array).max() > 100
    assert host._scene.texture is None
    assert not start_check._known[("patching", "vtkGenericOpenGLRenderWindow")]


def test_a_check_that_raises_leaves_vtk_alone(host, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("no such shader")

    monkeypatch.setattr(start_check, "_known", {})
    monkeypatch.setattr(start_check, "_drawn", fail)
    assert shown(host, voxels(np.int16)).max() > 100
    assert set(start_check._known.values()) == {False}
    assert "no such shader" in caplog.text


def test_a_set_up_that_fails_is_told(host, monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError("no such window")

    told: list[bool] = []
    host.unusable.connect(lambda: told.append(True))
    with monkeypatch.context() as patch:
        patch.setattr("viewer.volume_scene.VolumeScene", fail)
        image = VolumeImage.of(voxels(np.int16), np.eye(4), ValueMap(5.0, 0.0), BOUNDS, None)
        look = transfer(PRESETS["CT-Bone"], (0.0, 1.0))
        host.request(Picture(image, look, Camera3D(), np.zeros(3), 35.0, *SIZE, Steps(1.0, 1.0)))
        pump_until(lambda: bool(told))
    assert host._window is None
    assert "no such window" in caplog.text
    assert shown(host, voxels(np.int16)).max() > 100, "it may be tried again"
