"""Volumes from a DICOMweb server, whatever it understands: right values and no byte twice."""

import gc
import re
import threading
import time
from dataclasses import replace
from itertools import pairwise

import imagecodecs
import numpy as np
import pytest

import loading
from loading.web import frame_cache, trouble
from loading.web.frame_cache import FrameCache
from loading.web.http import HttpClient
from loading.web.wado import LADDER, forget_habits, habits_of
from tests.helpers.dicom_series import write_series
from tests.helpers.dicomweb_store import (
    HTJ2K,
    JPEG_2000,
    JPEG_LS,
    RAW,
    SERIES,
    STUDY,
    Store,
    htj2k,
    htj2k_in_parts,
    phantom,
)
from tests.helpers.web_server import Reply, WebServer, with_ranges

VOLUME = phantom(9, 128)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    forget_habits()
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.005)
    yield
    frame_cache.use(None)


def open_at(url, **options):
    entry = loading.first_choice(loading.describe(url))
    assert entry is not None
    return loading.open_entry(entry, **options)


def loaded(store, handler=None):
    """Load a store's volume; give the volume, closed, its last look and the server."""
    with WebServer(handler or store) as server, open_at(server.url + store.path) as volume:
        assert volume.wait(60).is_over
        return volume.array.copy(), volume.qualities(), server, volume


def frames_asked(server, store):
    return [one for one in server.asked if store.slice_of(one) is not None]


@pytest.mark.parametrize("syntax", [HTJ2K, JPEG_LS, RAW])
@pytest.mark.parametrize("multipart", [True, False])
def test_a_series_comes_bit_for_bit(syntax, multipart):
    """J5, H4: ranges and remainder equal the whole; nothing is asked for twice."""
    store = Store(VOLUME, syntax, multipart=multipart)
    array, qualities, _, volume = loaded(store)
    assert np.array_equal(array, VOLUME)
    assert (qualities.status == loading.Status.FULL).all()
    bodies = sum(len(store.frame(k).body) for k in range(len(VOLUME)))
    probed = 3 * len(b"nothing here") if syntax == JPEG_LS else 0
    assert volume.bytes_read == bodies + len(store.metadata().body) + probed
    assert volume.spec.modality == "CT"
    assert volume.spec.value_map.intercept == -1024
    assert np.allclose(volume.spec.affine_lps[:3, 3], (-50, -60.5, 0))
    assert np.allclose(volume.spec.spacing_ijk_mm, (0.8, 0.8, 2.5))


@pytest.mark.parametrize("encode", [htj2k, htj2k_in_parts])
def test_coarse_pictures_are_those_of_the_wavelet(encode):
    """J1, J3: exact prefixes, with one tile-part and with one a resolution, equal the codec's."""
    store, rises = Store(VOLUME, encode=encode), dict[tuple[int, int], np.ndarray]()

    def watched(asked):
        if store.slice_of(asked) is None:
            return store(asked)
        return with_ranges(replace(store.frame(store.number(asked)), delay_s=0.05), asked)

    with WebServer(watched) as server, open_at(server.url + store.path, start=False) as volume:
        seen = threading.Event()

        def look():
            before = volume.qualities()
            pictures = volume.array.copy()
            after = volume.qualities()
            for k in np.flatnonzero(before.status == loading.Status.SUBRESOLUTION):
                level = before.level[k]
                if after.status[k] == before.status[k] and after.level[k] == level:
                    rises.setdefault((int(k), int(level)), pictures[k])
            seen.set()

        volume.listen(lambda: None)
        volume.load()
        while not volume.state.is_over:
            look()
            time.sleep(0.001)
        assert np.array_equal(volume.array, VOLUME)
    assert rises
    for (k, level), picture in rises.items():
        if volume.spec.shape_kji[1] >> level:
            end = _end_of(store.frames[k], level)
            expected = imagecodecs.htj2k_decode(store.frames[k][:end], resilient=True)
            assert np.array_equal(picture, expected)


def _end_of(stream, level):
    """Find by trial how many bytes a level takes: the first prefix that reduces like the whole."""
    whole = imagecodecs.htj2k_decode(stream, skipres=level)
    low, high = 60, len(stream)
    while low < high:
        middle = (low + high) // 2
        try:
            same = np.array_equal(
                imagecodecs.htj2k_decode(stream[:middle], skipres=level, resilient=True), whole
            )
        except Exception:
            same = False
        low, high = (low, middle) if same else (middle + 1, high)
    return low


@pytest.mark.parametrize("shape", [(511, 513), (3, 5), (64, 200)])
def test_odd_sizes(shape):
    """J6: rows and columns that are no power of two, and pictures of a few pixels."""
    random = np.random.default_rng(1)
    volume = random.integers(-2000, 2000, (3, *shape), dtype=np.int16)
    array, *_ = loaded(Store(volume))
    assert np.array_equal(array, volume)


def test_a_server_without_ranges_gives_whole_frames_coarse_slices_first():
    """H1, T21: a 200 to a range replaces; whole frames, spread over the volume, follow."""
    store = Store(phantom(40, 128), ranges=False)
    array, _, server, _ = loaded(store)
    assert np.array_equal(array, store.volume)
    assert habits_of(server.url + "/dicomweb").ranges is False
    asked = [store.number(one) for one in frames_asked(server, store)]
    assert len(asked) == len(set(asked)) == 40
    first = sorted(asked[:16])
    assert max(b - a for a, b in pairwise(first)) <= 10


def test_the_form_that_works_is_remembered():
    """H10: 406 to what is not understood, one form after the other, once for the server."""
    store = Store(VOLUME, JPEG_LS)

    def picky(asked):
        accept = asked.headers.get("accept", "")
        if store.slice_of(asked) is not None and "image/jls" not in accept:
            return Reply(406)
        return store(asked)

    with WebServer(picky) as server:
        for _ in range(2):
            with open_at(server.url + store.path) as volume:
                assert volume.wait(60) is loading.LoadState.COMPLETE
        refused = [
            one for one in frames_asked(server, store) if "image/jls" not in one.headers["accept"]
        ]
        assert LADDER[habits_of(server.url + "/dicomweb").rung or 0].name == "media type"
    assert len(refused) <= len(VOLUME)
    assert all("," not in one.headers["accept"] for one in frames_asked(server, store))


@pytest.mark.parametrize("multi", [True, False])
def test_down_to_whole_instances(multi, tmp_path):
    """H10: a server that gives no frames at all gives Part 10 instances (Orthanc with HTJ2K)."""
    stored = np.clip(phantom(5, 48), 0, 4095).astype(np.uint16)
    paths = write_series(tmp_path / "series", stored)
    store = Store(stored.view(np.int16), RAW, extra={"00280103": {"vr": "US", "Value": [0]}})

    def only_instances(asked):
        if store.slice_of(asked) is not None:
            return Reply(500)
        match = re.search(r"/instances/[\d.]+\.(\d+)$", asked.path)
        if match is None:
            return store(asked)
        data = paths[int(match[1]) - 1].read_bytes()
        if not multi:
            return Reply(200, {"Content-Type": "application/dicom"}, data)
        head = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
        kind = 'multipart/related; type="application/dicom"; boundary=b'
        return Reply(200, {"Content-Type": kind}, head + data + b"\r\n--b--\r\n")

    array, *_ = loaded(store, only_instances)
    assert np.array_equal(array.view(np.uint16), stored)


@pytest.mark.parametrize(
    "uri",
    [
        "../../bulk/{uid}",
        "{url}/dicomweb/studies/1.2.3/bulk/{uid}",
        "http://internal.example:8042/elsewhere/studies/1.2.3/bulk/{uid}",
    ],
)
def test_pixels_as_bulk_data(uri):
    """H8: relative and absolute addresses, and one that names an internal host."""
    store = Store(VOLUME, RAW)

    def only_bulk(asked):
        if store.slice_of(asked) is not None:
            return Reply(404)
        match = re.search(r"/bulk/[\d.]+\.(\d+)$", asked.path)
        if match is not None:
            return Reply(200, {"Content-Type": "application/octet-stream"}, _raw(store, match))
        reply = store(asked)
        body = reply.body.decode()
        for k in range(len(VOLUME)):
            filled = uri.format(uid=store.uid(k), url=server.url)
            if uri.startswith(".."):
                filled = filled.replace("../../", "../../../../")
            body = body.replace(f'"instances/{store.uid(k)}/frames"', f'"{filled}"')
        return replace(reply, body=body.encode())

    with WebServer(only_bulk) as server, open_at(server.url + store.path) as volume:
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, VOLUME)


def _raw(store, match):
    return store.frames[int(match[1]) - 1]


def test_a_syntax_nobody_told_is_seen_in_the_bytes():
    """H3: no transfer syntax anywhere: the magic bytes tell."""
    store = Store(VOLUME, JPEG_LS, says_syntax=False, multipart=False)

    def silent(asked):
        reply = store(asked)
        if store.slice_of(asked) is not None:
            return replace(reply, headers={"Content-Type": "application/octet-stream"})
        return reply

    array, *_ = loaded(store, silent)
    assert np.array_equal(array, VOLUME)


def test_lossiness_is_read_from_the_codestream():
    """J3, Q3, S1: an irreversible stream under the lossless UID is lossy, whatever it says."""

    def irreversible(plane):
        return bytes(imagecodecs.htj2k_encode(plane, reversible=False, level=0.01))

    _, qualities, *_ = loaded(Store(VOLUME, HTJ2K, encode=irreversible))
    assert (qualities.status == loading.Status.LOSSY).all()
    assert not qualities.failed


def test_a_frame_that_changes_between_two_parts_is_fetched_anew():
    """H7, T23: If-Range; nothing of two bodies is joined."""
    old, new = Store(VOLUME), Store(phantom(9, 128, seed=8))
    first = set()

    def changing(asked):
        k = old.slice_of(asked)
        if k is None:
            return old(asked)
        if asked.span is not None and asked.span[0] == 0 and k not in first:
            first.add(k)
            return old(asked)
        reply = new.frame(k)
        return with_ranges(replace(reply, headers=reply.headers | {"ETag": f'"{k}-2"'}), asked)

    array, _, server, _ = loaded(old, changing)
    for k in range(9):
        assert np.array_equal(array[k], old.volume[k]) or np.array_equal(array[k], new.volume[k])
    assert any(one.headers.get("if-range") for one in server.asked)


def test_cancel_and_load_again_ask_for_what_lacks():
    """X1, X3, B3: nothing starts after cancel; bytes held are used; at the end none are held."""
    store = Store(phantom(24, 256))

    def slow(asked):
        reply = store(asked)
        return replace(reply, delay_s=0.02) if store.slice_of(asked) is not None else reply

    with WebServer(slow) as server, open_at(server.url + store.path) as volume:
        while not (volume.qualities().status == loading.Status.SUBRESOLUTION).sum() > 4:
            time.sleep(0.002)
        volume.cancel()
        time.sleep(0.2)
        count, revision = len(server.asked), volume.revision
        time.sleep(0.15)
        assert len(server.asked) == count
        assert volume.revision == revision
        volume.load()
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, store.volume)
        spans: dict[int, list[int]] = {}
        for one in frames_asked(server, store):
            spans.setdefault(store.number(one), []).append(one.span[0])
        whole = [starts for starts in spans.values() if len(starts) > 1]
        assert whole
        assert sum(starts.count(0) > 1 for starts in whole) < len(whole)
        deadline = time.monotonic() + 5
        while volume._source._held and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not volume._source._held
        assert volume.close()


def test_what_is_looked_at_comes_next():
    """Y2: in a load of 300, a far slice is asked for within the next requests after a scroll."""
    store = Store(phantom(300, 64))

    def slow(asked):
        reply = store(asked)
        return replace(reply, delay_s=0.05) if store.slice_of(asked) is not None else reply

    with WebServer(slow) as server, open_at(server.url + store.path) as volume:
        while len(frames_asked(server, store)) < 40:
            time.sleep(0.002)
        asked = {store.slice_of(one) for one in frames_asked(server, store)}
        far = next(k for k in range(299, 0, -1) if k not in asked)
        before = len(server.asked)
        volume.prefer(loading.Demand(visible=(far,)))
        while volume.qualities().status[far] < loading.Status.FULL:
            time.sleep(0.002)
        after = [store.slice_of(one) for one in server.asked[before:]]
        assert after.index(far) <= 33
        assert volume.wait(60) is loading.LoadState.COMPLETE


def test_a_quick_line_gets_whole_frames():
    """Y8: where a whole frame takes less than a round trip, beginnings are not asked for."""
    store = Store(phantom(120, 192))

    def far(asked):
        reply = store(asked)
        return replace(reply, delay_s=0.03) if store.slice_of(asked) is not None else reply

    _, _, server, _ = loaded(store, far)
    asked = frames_asked(server, store)
    assert len(asked) < 120 + 75  # the first few are sent before anything is known of the line


def test_a_second_opening_needs_no_frame_from_the_line(tmp_path):
    """The disk cache: every pixel from the disk, and only as long as the metadata agree."""
    frame_cache.use(FrameCache(tmp_path / "frames", 64 << 20))
    store = Store(VOLUME)
    loaded(store)
    _, _, server, _ = loaded(store)
    # another port is another server: its frames are not taken for those of the first
    assert frames_asked(server, store)
    with WebServer(store) as server:
        for count in (len(VOLUME), 0):
            before = len(frames_asked(server, store))
            with open_at(server.url + store.path) as volume:
                assert volume.wait(60) is loading.LoadState.COMPLETE
                assert np.array_equal(volume.array, VOLUME)
            asked = {store.slice_of(one) for one in frames_asked(server, store)[before:]}
            assert len(asked) == count


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, {"Content-Type": "text/html"}, b"<html>Sign in"), "web page"),
        (Reply(200, {"Content-Type": "application/json"}, b'{"error": 1}'), "text"),
        (Reply(200, {"Content-Type": "image/jls"}, b""), "nothing"),
        (Reply(200, {"Content-Type": "image/jls"}, b"\xff\xd8\xff\xf7\0\0"), "JPEG-LS|ends early"),
        (Reply(200, {"Content-Type": "multipart/related; boundary=x"}, b"--x\r\nA: b"), "header"),
        (Reply(403), "refuses access"),
        (Reply(404), "nothing there"),
    ],
)
def test_each_failure_has_words_of_its_own(reply, words):
    """E3: login page with 200, a text, an empty body, a cut one, refusals: distinct messages."""
    store = Store(VOLUME, JPEG_LS)
    bad = {2, 5}

    def handler(asked):
        return reply if store.slice_of(asked) in bad else store(asked)

    array, qualities, *_ = loaded(store, handler)
    assert set(qualities.failed) == bad
    for k in range(len(VOLUME)):
        if k not in bad:
            assert np.array_equal(array[k], VOLUME[k])
        else:
            assert re.search(words, qualities.failed[k])


def test_retry_failed_asks_again():
    """E1, P6: what failed is asked for once more when somebody says so."""
    store, down = Store(VOLUME, JPEG_LS), [True]

    def handler(asked):
        return Reply(404) if down[0] and store.slice_of(asked) == 3 else store(asked)

    with WebServer(handler) as server, open_at(server.url + store.path) as volume:
        assert volume.wait(60) is loading.LoadState.COMPLETE_WITH_FAILURES
        assert list(volume.failures) == [loading.ChunkKey(0, 0, 3)]
        down[0] = False
        volume.retry_failed()
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, VOLUME)


def test_what_an_address_may_be(tmp_path):
    """A study opens series by series; a server says that it is one; files are files."""
    store = Store(VOLUME)

    def handler(asked):
        if asked.path == f"/dicomweb/studies/{STUDY}/series":
            body = f'[{{"0020000E": {{"vr": "UI", "Value": ["{SERIES}"]}}}}]'.encode()
            return Reply(200, {"Content-Type": "application/dicom+json"}, body)
        if asked.path == "/dicomweb/studies":
            return Reply(200, {"Content-Type": "application/dicom+json"}, b"[]")
        return files.get(asked.path) or store(asked)

    paths = write_series(tmp_path / "series", np.ones((3, 16, 16), np.uint16))
    files = {f"/files/{n}.dcm": Reply(200, {}, p.read_bytes()) for n, p in enumerate(paths)}
    with WebServer(handler) as server:
        (entry,) = loading.describe(f"{server.url}/dicomweb/studies/{STUDY}").volumes
        assert entry.spec.shape_kji == VOLUME.shape
        with pytest.raises(loading.NotFound, match="server"):
            loading.describe(f"dicomweb+{server.url}/dicomweb")
        with pytest.raises(loading.NotFound, match="server"):
            loading.describe(f"{server.url}/dicomweb")
        single = loading.describe(f"{server.url}/files/1.dcm")
        assert [image.frames for image in single.images] == [1]
        asked = "requestType=WADO&studyUID=1&seriesUID=2&objectUID={}"
        for n in range(3):
            files[f"/wado/{n}"] = files[f"/files/{n}.dcm"]
        uris = [f"wadouri+{server.url}/wado/{n}?{asked.format(n + 1)}" for n in range(3)]
        (stack,) = loading.describe(uris).volumes
        assert stack.spec.shape_kji == (3, 16, 16)


def test_nothing_is_left_after_many_loads():
    """X2, B2: closing while loading leaves no request, no thread, no bytes."""
    store = Store(phantom(30, 128))
    with WebServer(store) as server:
        for wait in (0.0, 0.01, 0.05):
            volume = open_at(server.url + store.path)
            time.sleep(wait)
            assert volume.close()
            source = volume._source
            deadline = time.monotonic() + 5
            while (source._flights or source._held) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not source._flights
            assert not source._held
            del volume, source
        gc.collect()
    names = {thread.name for thread in threading.enumerate()}
    assert not any(name.startswith("voxtide-") and name[8:].isdigit() for name in names)
    assert HttpClient is not None


def test_j2k_comes_whole():
    """6.2: plain JPEG 2000 has no use for a beginning; it comes in one piece."""

    def encode(plane):
        return bytes(imagecodecs.jpeg2k_encode(plane, level=0, reversible=True, codecformat="j2k"))

    store = Store(phantom(4, 64), JPEG_2000, encode=encode)
    array, _, server, _ = loaded(store)
    assert np.array_equal(array, store.volume)
    assert len(frames_asked(server, store)) == 4


def with_thumbnails(store, name, shrink, sent):
    """Answer for smaller copies under a name; `sent` has what is asked for outside of frames."""

    def handler(asked):
        parts = asked.path.strip("/").split("/")
        if len(parts) == 9 and parts[7] != "frames":
            sent.append(parts[7])
            if parts[7] != name:
                return Reply(404)
            k = int(parts[6].rsplit(".", 1)[1]) - 1
            small = np.ascontiguousarray(shrink(store.volume[k]))
            data = bytes(imagecodecs.jpegls_encode(small.view(np.uint16)))
            return Reply(200, {"Content-Type": f"image/jls; transfer-syntax={JPEG_LS}"}, data)
        reply = store(asked)
        return replace(reply, delay_s=0.05) if store.slice_of(asked) is not None else reply

    return handler


@pytest.mark.parametrize("factor", [4, 1])
def test_thumbnails_are_found_once_and_shown_first(factor):
    """A1, A2, A3: probed once a series, a full-size one is taken too, none is ever final."""
    store, sent = Store(phantom(24, 64), JPEG_LS), list[str]()
    seen: dict[int, tuple[int, np.ndarray]] = {}
    handler = with_thumbnails(store, "fsiz", lambda plane: plane[::factor, ::factor], sent)
    with WebServer(handler) as server, open_at(server.url + store.path, start=False) as volume:
        volume.load()
        while not volume.state.is_over:
            qualities = volume.qualities()
            for k in range(24):
                if qualities.status[k] == loading.Status.SUBRESOLUTION:
                    seen[k] = (int(qualities.level[k]), volume.array[k].copy())
            time.sleep(0.001)
        assert np.array_equal(volume.array, store.volume)
    assert seen
    for k, (level, picture) in seen.items():
        assert level == (2 if factor == 4 else 0)
        # sampled at i * n: what is repeated stands around the sample, not behind it
        assert np.array_equal(picture[::factor, ::factor], store.volume[k][::factor, ::factor])
    assert sent.count("jlsThumbnail") == sent.count("htj2kThumbnail") == 1


def test_a_series_without_thumbnails_is_asked_once():
    """A1: 404 to every name, each once; the volume comes as whole frames."""
    store, sent = Store(phantom(24, 64), JPEG_LS), list[str]()
    handler = with_thumbnails(store, "none", lambda plane: plane, sent)
    with WebServer(handler) as server:
        for _ in range(2):
            with open_at(server.url + store.path) as volume:
                assert volume.wait(60) is loading.LoadState.COMPLETE
                assert np.array_equal(volume.array, store.volume)
    assert sorted(sent) == ["fsiz", "htj2kThumbnail", "jlsThumbnail"]
