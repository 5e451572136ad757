"""What frames of other kinds come to over the line: many in one object, colour, other bits."""

import json
import re
from dataclasses import dataclass, replace

import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
import pytest

import loading
from loading.dicom.payloads import Payloads
from loading.web import trouble
from loading.web.source import WebSource
from loading.web.wado import LADDER, forget_habits, habits_of
from tests.helpers.dicomweb_store import HTJ2K, RAW, Store, element, htj2k, phantom
from tests.helpers.enhanced_objects import frame_groups, shared_groups, write_enhanced
from tests.helpers.web_server import Reply, WebServer, with_ranges


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    forget_habits()
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.005)


@pytest.fixture
def enhanced(tmp_path):
    """An enhanced MR whose frames are stored in another order than they lie; and its volume."""
    stored = np.clip(phantom(6, 64), 0, 4095).astype(np.uint16)
    order = [3, 0, 5, 1, 4, 2]
    groups = [frame_groups((0, 0, 2.0 * k), rescale=(2.0, -5.0)) for k in order]
    path = write_enhanced(
        tmp_path / "enhanced.dcm", stored[order], groups, shared=shared_groups((2.0, -5.0))
    )
    return path, stored, order


def serving(path, *, gives_frames):
    """Serve an object's metadata, made by pydicom, and its frames or the file alone."""
    dataset = pydicom.dcmread(path)
    data = json.loads(dataset.to_json(bulk_data_threshold=1024, bulk_data_element_handler=_bulk))
    data["00083002"] = element("UI", str(dataset.file_meta.TransferSyntaxUID))
    frames = dataset.pixel_array

    def handler(asked):
        if asked.path.endswith("/metadata"):
            return Reply(
                200, {"Content-Type": "application/dicom+json"}, json.dumps([data]).encode()
            )
        match = re.search(r"/frames/(\d+)$", asked.path)
        if match is not None and gives_frames:
            kind = {"Content-Type": f"application/octet-stream; transfer-syntax={RAW}"}
            return Reply(200, kind, frames[int(match[1]) - 1].tobytes())
        if re.search(r"/instances/[\d.]+$", asked.path):
            return Reply(200, {"Content-Type": "application/dicom"}, path.read_bytes())
        return Reply(404)

    return handler


def _bulk(_element):
    return "bulk"


@pytest.mark.parametrize("gives_frames", [True, False])
def test_an_object_of_many_frames_equals_its_file(enhanced, gives_frames):
    """N1, H10: frames singly, or all out of the one instance that is fetched once."""
    path, stored, order = enhanced
    (of_file,) = loading.describe(str(path)).volumes
    with WebServer(serving(path, gives_frames=gives_frames)) as server:
        url = f"{server.url}/web/studies/1.2.3.4/series/1.2.3.4"
        (entry,) = loading.describe(url).volumes
        with loading.open_entry(entry) as volume:
            assert volume.wait(60) is loading.LoadState.COMPLETE
            assert np.array_equal(volume.array, stored)
        asked = [one.path for one in server.asked if "/metadata" not in one.path]
        files = [one for one in asked if "/frames/" not in one and not one.endswith("/bulk")]
        rung = LADDER[habits_of(f"{server.url}/web").rung or 0].name
    assert entry.spec.value_map == of_file.spec.value_map
    assert np.allclose(entry.spec.affine_lps, of_file.spec.affine_lps)
    if gives_frames:
        # this server knows no lists of frames
        alone = [one.rpartition("/")[2] for one in asked if "," not in one]
        assert sorted(alone) == [str(n + 1) for n in range(len(order))]
    else:
        assert len(files) == 1
        assert rung == "instance"


@dataclass
class Kind:
    dtype: str
    bits: int
    stored: int


@pytest.mark.parametrize(
    "kind",
    [Kind("u1", 8, 8), Kind("i2", 16, 16), Kind("u2", 16, 12), Kind("u2", 16, 16)],
    ids=lambda kind: f"{kind.dtype} {kind.stored}",
)
def test_bits_and_sign(kind):
    """J6: 8, 12 and 16 bits, with and without a sign, by parts."""
    random = np.random.default_rng(4)
    low = -(1 << (kind.stored - 1)) if kind.dtype[0] == "i" else 0
    planes = random.integers(low, low + (1 << kind.stored), (3, 70, 90)).astype(kind.dtype)
    bits = {
        "00280100": element("US", kind.bits),
        "00280101": element("US", kind.stored),
        "00280102": element("US", kind.stored - 1),
        "00280103": element("US", int(kind.dtype[0] == "i")),
    }
    store = Store(planes, encode=htj2k, extra=bits)
    with WebServer(store) as server:
        entry = loading.choose(loading.describe(server.url + store.path))
        with loading.open_entry(entry) as volume:
            assert volume.wait(60) is loading.LoadState.COMPLETE
            assert np.array_equal(volume.array, planes)


def test_colour_comes_as_it_is():
    """J6: three samples a pixel, from plain bytes."""
    rgb = np.random.default_rng(1).integers(0, 255, (1, 40, 50, 3), dtype=np.uint8)
    colour = {
        "00280002": element("US", 3),
        "00280004": element("CS", "RGB"),
        "00280006": element("US", 0),
        "00280100": element("US", 8),
        "00280101": element("US", 8),
        "00280102": element("US", 7),
        "00280103": element("US", 0),
    }
    store = Store(rgb[..., 0], RAW, encode=lambda plane: rgb[0].tobytes(), extra=colour)
    with WebServer(store) as server:
        (image,) = loading.describe(server.url + store.path).images
        assert image.open is not None
        source = image.open()
        chunk, out = loading.ChunkKey(0, 0, 0), np.empty_like(rgb)
        best = source.renditions(chunk)[-1]
        source.read(loading.Request(chunk, best), out, loading.CancelToken())
        source.close()
    assert np.array_equal(out, rgb)


def _centre(picture: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    weight = picture.astype(float) - float(picture.min())
    weight[weight < 0.2 * weight.max()] = 0
    j, i = np.indices(picture.shape)
    return np.array([(weight * j).sum(), (weight * i).sum()]) / weight.sum()


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_coarse_picture_stands_where_the_fine_one_does(level):
    """J2, T44: a blob's centre of mass does not move with the level."""
    j, i = np.indices((256, 256))
    wide = max(12, 1.25 * 2**level)  # else the coarse grid cannot hold it
    blob = 3000 * np.exp(-((j - 121.3) ** 2 + (i - 130.8) ** 2) / (2 * wide**2))
    blob = blob.astype(np.int16)
    store = Store(blob[None].repeat(2, axis=0), encode=htj2k)
    with WebServer(store) as server:
        entry = loading.choose(loading.describe(server.url + store.path))
        source = entry.open()
        assert isinstance(source, WebSource)
        frame, payloads = source._frames[0], Payloads()
        assert frame is not None
        end = payloads.level_ends(frame, store.frames[0], HTJ2K, level)[level]
        assert end < len(store.frames[0])
        out = np.empty((256, 256), np.int16)
        payloads.put_prefix(frame, store.frames[0][:end], HTJ2K, out)
        source.close()
    assert np.abs(_centre(out) - _centre(blob)).max() < 0.5


def test_a_poisoned_frame_costs_its_slice_alone():
    """J4, E2: bytes changed in a codestream's header and body: listed, or another way found."""
    store = Store(phantom(8, 128))
    poisoned = {1: 8, 4: 60, 6: 400}

    def handler(asked):
        k = store.slice_of(asked)
        reply = store.frame(k) if k is not None else store(asked)
        if k in poisoned:
            at = reply.body.index(b"\xff\x4f") + poisoned[k]
            body = reply.body[:at] + bytes(255 - b for b in reply.body[at : at + 40])
            reply = replace(reply, body=body + reply.body[at + 40 :])
        return with_ranges(reply, asked) if k is not None else reply

    with WebServer(handler) as server:
        entry = loading.choose(loading.describe(server.url + store.path))
        with loading.open_entry(entry) as volume:
            assert volume.wait(60).is_over
            for k in set(range(8)) - set(poisoned):
                assert np.array_equal(volume.array[k], store.volume[k])
            # a change in a block of pixels is a picture: no check sum tells it from another
            assert {1, 4} <= {chunk.index for chunk in volume.failures}


def test_j2k_under_the_name_of_htj2k_is_seen():
    """J3: what a codestream is, it says itself."""

    def encode(plane):
        return bytes(imagecodecs.jpeg2k_encode(plane, level=0, reversible=True, codecformat="j2k"))

    store = Store(phantom(2, 64), encode=encode)
    with WebServer(store) as server:
        entry = loading.choose(loading.describe(server.url + store.path))
        with loading.open_entry(entry) as volume:
            assert volume.wait(60).is_over
            for k in range(2):
                is_there = volume.status(k) is loading.Status.FULL
                assert is_there == (k not in {c.index for c in volume.failures})
                if is_there:
                    assert np.array_equal(volume.array[k], store.volume[k])
