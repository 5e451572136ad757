"""Slices that share an object over the line: tiles of a mosaic, masks, frames of a cine."""

import re
import threading
from dataclasses import replace

import highdicom as hd
import numpy as np
import pytest

import loading
from loading.web import frame_cache, trouble
from loading.web.frame_cache import FrameCache
from loading.web.frame_lists import LIST_BYTES, MOST_FRAMES
from loading.web.http import HttpClient
from loading.web.instances import Instances
from loading.web.wado import forget_habits, habits_of
from tests.helpers.enhanced_objects import frame_groups, shared_groups, write_enhanced
from tests.helpers.object_server import ObjectServer
from tests.helpers.web_server import Reply, WebServer
from tests.unit.test_dicom_mosaic import write_mosaic
from tests.unit.test_dicom_segments import description, masks, sources, write_segmentation

__all__ = ["masks", "sources"]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    forget_habits()
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.005)
    yield
    frame_cache.use(None)


def open_all(server, store):
    """Load each volume of a server; give their spec and values."""
    found = []
    for entry in loading.describe(server.url + store.path).volumes:
        with loading.open_entry(entry) as volume:
            assert volume.wait(60) is loading.LoadState.COMPLETE, volume.failures
            found.append((volume.spec, np.array(volume.stored())))
    return found


def of_file(path):
    found = []
    for entry in loading.describe(str(path)).volumes:
        with loading.open_entry(entry) as volume:
            volume.wait(60)
            found.append((volume.spec, np.array(volume.stored())))
    return found


def test_a_mosaic_comes_once_for_all_its_tiles(tmp_path):
    """N1: the tiles are those of the file; their picture is asked for once, and kept once."""
    stored = np.random.default_rng(2).integers(0, 4095, (10, 8, 12), dtype=np.uint16)
    path = write_mosaic(tmp_path, stored)
    store = ObjectServer([path])
    frame_cache.use(FrameCache(tmp_path / "frames", 64 << 20))
    with WebServer(store) as server:
        ((spec, values),) = open_all(server, store)
        asked = [one for one in server.asked if store.numbers(one)]
        assert len(asked) == 1
        ((_, again),) = open_all(server, store)
        assert len([one for one in server.asked if store.numbers(one)]) == 1
    ((expected, pixels),) = of_file(path)
    assert np.array_equal(values, pixels)
    assert np.array_equal(again, pixels)
    assert np.allclose(spec.affine_lps, expected.affine_lps)


def test_planes_without_a_mask_are_not_asked_for(tmp_path, sources, masks):
    """A segmentation leaves empty planes out: they are background, and cost no request."""
    segments = [description(1, "Bone"), description(2, "Lesion")]
    path = write_segmentation(
        tmp_path / "seg.dcm", sources, masks, segments, hd.seg.SegmentationTypeValues.BINARY
    )
    store = ObjectServer([path], lists=False)
    with WebServer(store) as server:
        found = open_all(server, store)
        asked = [number for one in server.asked for number in store.numbers(one)]
    expected = of_file(path)
    assert len(found) == len(expected) == 2
    for (spec, values), (of, pixels) in zip(found, expected, strict=True):
        assert spec.label == of.label
        assert np.array_equal(values, pixels)
    (dataset,) = store.objects.values()
    assert set(asked) == set(range(1, int(dataset.NumberOfFrames) + 1))
    assert sum(spec.shape_kji[0] for spec, _ in found) > len(set(asked))


@pytest.fixture
def enhanced(tmp_path):
    """An enhanced MR of many small frames, stored in another order than they lie."""
    order = np.random.default_rng(5).permutation(150)
    stored = np.random.default_rng(6).integers(0, 4095, (150, 16, 24), dtype=np.uint16)
    groups = [frame_groups((0, 0, 2.0 * k)) for k in order]
    path = write_enhanced(tmp_path / "enhanced.dcm", stored[order], groups, shared=shared_groups())
    return path, stored


def wanted(server, store):
    return [store.numbers(one) for one in server.asked if store.numbers(one)]


def test_small_frames_come_in_lists(enhanced):
    """N1: several frames of one object in one request, each once, in rising order."""
    path, stored = enhanced
    store = ObjectServer([path])
    with WebServer(store) as server:
        ((_, values),) = open_all(server, store)
        asked = wanted(server, store)
        assert habits_of(server.url + "/web").lists is True
        # the next time it is known from the beginning
        open_all(server, store)
        again = wanted(server, store)[len(asked) :]
    assert np.array_equal(values, stored)
    assert sorted(number for numbers in asked for number in numbers) == list(range(1, 151))
    assert all(numbers == sorted(numbers) for numbers in asked)
    assert max(map(len, asked)) > 8
    assert len(again) < 150 // 4


def refuses(store, asked, reply):
    return Reply(400, {"Content-Type": "text/plain"}, b"one at a time")


def gives_the_first_only(store, asked, reply):
    return store(replace(asked, path=re.sub(r",.*", "", asked.path)))


def gives_another_order(store, asked, reply):
    """Answer with the parts turned round, and say so."""
    numbers = store.numbers(asked)[::-1]
    turned = store(
        replace(asked, path=asked.path.rpartition("/")[0] + f"/{','.join(map(str, numbers))}")
    )
    head, *parts = turned.body.split(b"--b0\r\n")
    said = [
        b"Content-Location: /x/frames/%d\r\n" % n + p for n, p in zip(numbers, parts, strict=True)
    ]
    return replace(turned, body=b"--b0\r\n".join([head, *said]))


def has_no_such_name(store, asked, reply):
    """Answer as object stores do for a name that is not there."""
    return Reply(403, {"Content-Type": "application/xml"}, b"<Error/>")


def is_gone(store, asked, reply):
    return Reply(410)


def fails_behind_a_proxy(store, asked, reply):
    return Reply(502)


def gives_too_much(store, asked, reply):
    return replace(reply, body=reply.body + bytes(MOST_FRAMES * LIST_BYTES))


@pytest.mark.parametrize(
    "answer",
    [
        refuses,
        gives_the_first_only,
        gives_another_order,
        has_no_such_name,
        is_gone,
        fails_behind_a_proxy,
        gives_too_much,
    ],
)
def test_lists_that_are_not_given_are_asked_for_once(enhanced, answer):
    """N1: a refusal, too few parts, parts of other frames: frames one by one, and all right."""
    path, stored = enhanced
    store = ObjectServer([path])

    def handler(asked):
        reply = store(asked)
        return answer(store, asked, reply) if len(store.numbers(asked)) > 1 else reply

    with WebServer(handler) as server:
        ((_, values),) = open_all(server, store)
        assert habits_of(server.url + "/web").lists is False
        lists = [numbers for numbers in wanted(server, store) if len(numbers) > 1]
        open_all(server, store)
        assert [numbers for numbers in wanted(server, store) if len(numbers) > 1] == lists
    assert np.array_equal(values, stored)
    assert lists


def test_a_page_instead_of_an_instance_is_not_kept(enhanced):
    """P6: who has signed in and tries again is not given the sign-in page of before."""
    path, stored = enhanced
    store, is_shut = ObjectServer([path]), [True]

    def handler(asked):
        if store.numbers(asked):
            return Reply(500)
        if not re.search(r"/instances/[\d.]+$", asked.path):
            return store(asked)
        if is_shut[0]:
            return Reply(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>")
        return Reply(200, {"Content-Type": "application/dicom"}, path.read_bytes())

    with WebServer(handler) as server:
        (entry,) = loading.describe(server.url + store.path).volumes
        with loading.open_entry(entry) as volume:
            assert volume.wait(60) is loading.LoadState.COMPLETE_WITH_FAILURES
            is_shut[0] = False
            volume.retry_failed()
            assert volume.wait(60) is loading.LoadState.COMPLETE, volume.failures
            assert np.array_equal(volume.stored(), stored)


def test_one_address_in_two_forms_is_asked_for_twice():
    client, both = HttpClient(), threading.Event()
    answers: list[bytes] = []

    def got(answer):
        answers.append(bytes(answer.body))
        if len(answers) == 2:
            both.set()

    def handler(asked):
        return Reply(200, {"Content-Type": "text/x"}, asked.headers["accept"].encode())

    with WebServer(handler) as server:
        instances = Instances(client)

        def ask():
            for accept in ("a/a", "b/b"):
                instances.get(server.url, accept, got)

        client.call_soon(ask)
        assert both.wait(60)
        client.close()
    assert sorted(answers) == [b"a/a", b"b/b"]
