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
from loading import codecs
from loading.dicom import syntaxes
from loading.dicom.payloads import sniff_syntax
from loading.web import frame_cache, trouble
from loading.web.frame_cache import FrameCache
from loading.web.http import HttpClient
from loading.web.line import beginnings_pay
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
from tests.helpers.web_loads import Gate, after_all_calls, measured_as, until, with_options
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
def test_a_series_comes_bit_for_bit(syntax, multipart, monkeypatch):
    """J5, H4: ranges and remainder equal the whole; nothing is asked for twice."""
    measured_as(monkeypatch, rtt_s=0.04, rate=1e5)
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
def test_coarse_pictures_are_those_of_the_wavelet(encode, monkeypatch):
    """J1, J3: exact prefixes, with one tile-part and with one a resolution, equal the codec's."""
    measured_as(monkeypatch, rtt_s=0.04, rate=1e5)
    store = Store(VOLUME, encode=encode)

    def is_rest(asked):
        return asked.span is not None and asked.span[0] > 0 and asked.span[1] is None

    gate = Gate(store, is_rest)
    with WebServer(gate) as server, open_at(server.url + store.path) as volume:

        def coarse():
            return np.flatnonzero(volume.qualities().status == loading.Status.SUBRESOLUTION)

        # all but the one that is displayed, which comes at its best at once
        until(lambda: len(coarse()) == len(VOLUME) - 1, "coarse pictures")
        for k in coarse():
            level = int(volume.qualities().level[k])
            assert level > 0
            end = _end_of(store.frames[k], level)
            expected = imagecodecs.htj2k_decode(store.frames[k][:end], resilient=True)
            assert np.array_equal(volume.array[k], expected)
        gate.open()
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, VOLUME)


def test_a_finer_picture_is_asked_for_to_its_last_byte(monkeypatch):
    """J1, N1: the first bytes tell where the next level ends; not a byte more is asked for."""
    measured_as(monkeypatch, rtt_s=0.04, rate=1e5)
    store = Store(phantom(5, 256))
    array, _, server, _ = loaded(store)
    assert np.array_equal(array, store.volume)
    envelope = store.frame(0).body.index(b"\xff\x4f\xff\x51")
    more = [one for one in frames_asked(server, store) if one.span[0] and one.span[1]]
    stops = {(store.slice_of(one), one.span[1] - envelope) for one in more}
    finer = {(k, _told_end(store.frames[k], 1)) for k in (0, 1, 3, 4)}
    # a first guess may have been short; then the rest of that picture is asked for as exactly
    coarse = {(k, _told_end(store.frames[k], 2)) for k in (0, 1, 3, 4)}
    assert finer <= stops <= finer | coarse


def _told_end(stream, level):
    """Give how many bytes a level takes, as the stream's own header tells."""
    expected = codecs.Expected(256, 256, 1, 16, 16, True)
    end = codecs.level_end(lambda count: stream[:count], expected, level)
    assert end is not None
    return end


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


def test_a_server_without_ranges_gives_whole_frames_coarse_slices_first(tmp_path, monkeypatch):
    """H1, T21: a 200 to a range replaces; whole frames, spread over the volume, follow."""
    with_options(monkeypatch, tmp_path, "concurrency = 1")  # the server sees them in order
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


def test_native_values_that_look_like_a_codestream():
    """H3: FF 0A begins JPEG XL, and is the ordinary value 2815."""
    volume = VOLUME.copy()
    volume[:, 0, 0] = 2815
    array, *_ = loaded(Store(volume, RAW))
    assert np.array_equal(array, volume)
    array, *_ = loaded(Store(volume, JPEG_LS, encode=lambda plane: plane.tobytes()))
    assert np.array_equal(array, volume)
    assert sniff_syntax(b"\xff\x0a" + bytes(90), 100) == syntaxes.JPEG_XL


def test_jpeg_xl_is_not_shown_as_plain_values():
    """A codestream filled up to the length of the pixels is damaged, not a native frame."""

    def encode(plane):
        boxes = bytes(imagecodecs.jpegxl_encode(plane.view(np.uint16), lossless=True))
        stream = boxes[boxes.index(b"jxlc") + 4 :]  # the last box
        assert stream[:2] == b"\xff\x0a"
        return stream.ljust(plane.nbytes, b"\0")

    _, qualities, *_ = loaded(Store(VOLUME, syntaxes.JPEG_XL_LOSSLESS, encode=encode))
    assert len(qualities.failed) == len(VOLUME)


def test_lossiness_is_read_from_the_codestream():
    """J3, Q3, S1: an irreversible stream under the lossless UID is lossy, whatever it says."""

    def irreversible(plane):
        return bytes(imagecodecs.htj2k_encode(plane, reversible=False, level=0.01))

    _, qualities, *_ = loaded(Store(VOLUME, HTJ2K, encode=irreversible))
    assert (qualities.status == loading.Status.LOSSY).all()
    assert not qualities.failed


def test_a_frame_that_changes_between_two_parts_is_fetched_anew(monkeypatch):
    """H7, T23: If-Range; nothing of two bodies is joined."""
    measured_as(monkeypatch, rtt_s=0.04, rate=1e5)
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


def test_cancel_and_load_again_ask_for_what_lacks(monkeypatch):
    """X1, X3, B3: nothing starts after cancel; bytes held are used; at the end none are held."""
    measured_as(monkeypatch, rtt_s=0.04, rate=1e6)
    store = Store(phantom(24, 256))
    gate = Gate(store, lambda asked: asked.span is not None and asked.span[0] > 0)
    with WebServer(gate) as server, open_at(server.url + store.path) as volume:

        def count(status):
            return int((volume.qualities().status == status).sum())

        until(lambda: count(loading.Status.SUBRESOLUTION) == 23, "coarse pictures")
        volume.cancel()
        after_all_calls(volume)
        sent, revision = volume.requests, volume.revision
        source = volume._source
        assert not source._flights
        gate.open()
        until(lambda: server.open_now == 0, "the end of what was under way")
        after_all_calls(volume)
        assert volume.requests == sent
        assert volume.revision == revision
        before = len(server.asked)
        volume.load()
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, store.volume)
        again = [one.span for one in frames_asked(server, store)[before - 1 :]]
        assert again
        # the first one is displayed, and had come whole or was on its way when it was stopped
        assert sum(span[0] == 0 for span in again) <= 1
        until(lambda: not source._held, "letting go of what was held")
        assert volume.close(60)


def test_what_is_looked_at_comes_next(tmp_path, monkeypatch):
    """Y2: a far slice is the next that is asked for after a scroll."""
    with_options(monkeypatch, tmp_path, "concurrency = 6")
    store = Store(phantom(120, 64))
    with WebServer(store) as server, open_at(server.url + store.path, start=False) as volume:
        source, asked = volume._source, list[int]()

        def ask(request, arrived, *, is_urgent):
            if len(asked) == 40:
                # between two requests, as when somebody scrolls while many are under way
                volume.prefer(loading.Demand(visible=(far,)))
            asked.append(request.chunk.index)
            plain(request, arrived, is_urgent=is_urgent)

        plain, source.ask, far = source.ask, ask, 116
        volume.load()
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, store.volume)
    assert far not in asked[:41]
    assert asked[41] == far


def test_what_is_displayed_has_the_line_to_itself(monkeypatch):
    """Y8: on a slow line nothing is asked for beside the displayed slice until it is near."""
    measured_as(monkeypatch, rtt_s=0.04, rate=1e3)
    store = Store(phantom(9, 64))
    gate = Gate(store, lambda asked: store.slice_of(asked) is not None)
    with WebServer(gate) as server, open_at(server.url + store.path) as volume:
        until(lambda: server.open_now > 0, "the first request")
        after_all_calls(volume)
        assert list(volume._source._flights) == [loading.ChunkKey(0, 0, 4)]
        gate.open()
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, store.volume)


@pytest.mark.parametrize(
    ("rtt_ms", "mbit", "frame_kb", "left", "pays"),
    [
        (40, 30, 190, 174, True),  # the line of the bench: nine seconds are left
        (40, 30, 190, 5, False),  # all that is left takes a quarter of a second
        (30, 400, 40, 120, False),  # a frame takes a millisecond, all of them a tenth of a second
        (100, 100, 500, 200, True),  # a frame takes less than a round trip, all eight seconds
        (100, 1000, 500, 200, False),  # the same, all 0.8 s: to ask again costs more
        (1, 1000, 500, 200, True),  # the same, but it costs little
    ],
)
def test_a_beginning_is_asked_for_where_it_pays(rtt_ms, mbit, frame_kb, left, pays):
    """Y8: by round trip, rate and size; what is not known yet is tried."""
    rate = mbit * 1e6 / 8
    assert beginnings_pay(rtt_ms / 1000, rate, frame_kb * 1000, left) is pays
    assert beginnings_pay(None, rate, frame_kb * 1000, left)
    assert beginnings_pay(rtt_ms / 1000, None, frame_kb * 1000, left)
    assert beginnings_pay(rtt_ms / 1000, rate, None, left)


def test_a_quick_line_gets_whole_frames(tmp_path, monkeypatch):
    """Y8: where a whole frame takes less than a round trip, beginnings are not asked for."""
    with_options(monkeypatch, tmp_path, "concurrency = 1")
    measured_as(monkeypatch, rtt_s=0.03, rate=50e6)
    store = Store(phantom(40, 128))
    array, _, server, _ = loaded(store)
    assert np.array_equal(array, store.volume)
    # the first tells how large they are
    assert len(frames_asked(server, store)) == 40


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


def _is_empty(source):
    return lambda: not source._flights and not source._held


def test_nothing_is_left_after_many_loads():
    """X2, B2: closing while loading leaves no request, no thread, no bytes."""
    store = Store(phantom(30, 128))
    with WebServer(store) as server:
        for wait in (0.0, 0.01, 0.05):
            volume = open_at(server.url + store.path)
            time.sleep(wait)
            assert volume.close(60)
            source = volume._source
            until(_is_empty(source), "letting go")
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
        return store(asked)

    return handler


@pytest.mark.parametrize("factor", [4, 1])
def test_thumbnails_are_found_once_and_shown_first(factor, monkeypatch):
    """A1, A2, A3: probed once a series, a full-size one is taken too, none is ever final."""
    measured_as(monkeypatch, rtt_s=0.06, rate=4e6)
    store, sent = Store(phantom(24, 64), JPEG_LS), list[str]()
    handler = with_thumbnails(store, "fsiz", lambda plane: plane[::factor, ::factor], sent)
    gate = Gate(handler, lambda asked: store.slice_of(asked) is not None)
    with WebServer(gate) as server, open_at(server.url + store.path) as volume:

        def small():
            return np.flatnonzero(volume.qualities().status == loading.Status.SUBRESOLUTION)

        until(lambda: len(small()) == 23, "smaller copies")
        for k in small():
            assert volume.qualities().level[k] == (2 if factor == 4 else 0)
            # sampled at i * n: what is repeated stands around the sample, not behind it
            sampled = volume.array[k][::factor, ::factor]
            assert np.array_equal(sampled, store.volume[k][::factor, ::factor])
        gate.open()
        assert volume.wait(60) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, store.volume)
    assert sent.count("jlsThumbnail") == sent.count("htj2kThumbnail") == 1


def test_a_series_without_thumbnails_is_asked_once(monkeypatch):
    """A1: 404 to every name, each once; the volume comes as whole frames."""
    measured_as(monkeypatch, rtt_s=0.04, rate=1e5)
    store, sent = Store(phantom(24, 64), JPEG_LS), list[str]()
    handler = with_thumbnails(store, "none", lambda plane: plane, sent)
    with WebServer(handler) as server:
        for _ in range(2):
            with open_at(server.url + store.path) as volume:
                assert volume.wait(60) is loading.LoadState.COMPLETE
                assert np.array_equal(volume.array, store.volume)
    assert sorted(sent) == ["fsiz", "htj2kThumbnail", "jlsThumbnail"]
