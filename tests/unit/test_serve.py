"""The server's answers as functions of requests: resources, searches, ranges, wrong requests."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loading.publish import Alternate, Recipe, publish
from loading.publish.recipe import ALTERNATES
from loading.serve import link
from loading.serve.accept import wishes
from loading.serve.messages import Ask, Refusal, Reply, Slice, apply_conditions
from loading.serve.query import is_like
from loading.serve.resources import answer
from loading.serve.store import Store
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.published import part_of, series_folders, value

STORED = phantom((4, 48, 40))
J2K = "1.2.840.10008.1.2.4."


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """Make two studies: 1.2.1 of two series (CT, PT), 1.2.2 of one with a lossy alternate."""
    base = tmp_path_factory.mktemp("serve")
    common = {"PatientName": "M\xfcller^J\xf6rg", "PatientID": "A-1", "StudyInstanceUID": "1.2.1",
              "StudyDate": "20240229", "StudyTime": "093000",
              "SpecificCharacterSet": "ISO_IR 100"}  # fmt: skip
    write_series(base / "a", STORED, SeriesNumber=1, SeriesInstanceUID="1.2.1.1", **common,
                 SOPInstanceUID=lambda k: f"1.2.1.1.{k}", ICCProfile=bytes(3000))  # fmt: skip
    write_series(base / "b", STORED[:2], SeriesNumber=2, SeriesInstanceUID="1.2.1.2", **common,
                 Modality="PT", SOPInstanceUID=lambda k: f"1.2.1.2.{k}")  # fmt: skip
    write_series(base / "c", STORED[:1], SeriesNumber=1, SeriesInstanceUID="1.2.2.1",
                 PatientName="Doe^Jane", PatientID="B-2", StudyInstanceUID="1.2.2",
                 StudyDate="20231105", SOPInstanceUID="1.2.2.1.0")  # fmt: skip
    recipe = Recipe(alternates=(Alternate("lossy", ALTERNATES["jhc"]),))
    publish([str(base / name) for name in "abc"], base / "tree", recipe)
    (base / "secret").write_text("nobody's business")
    (base / "tree" / "studies" / "1.2.2" / "leak").symlink_to(base / "secret")
    (base / "tree" / "studies" / "1.2.9").symlink_to(base)
    return base / "tree"


@pytest.fixture(scope="module")
def store(tree) -> Store:
    return Store(tree)


def ask(path: str, *, method="GET", **headers: str) -> Ask:
    path, _, query = path.partition("?")
    parts = [one.partition("=") for one in query.split("&") if one]
    pairs = tuple((name, text) for name, _, text in parts)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Ask(method, tuple(path.split("/")), pairs, named, "http://h/dicomweb")


def body(reply: Reply) -> bytes:
    return b"".join(
        one
        if isinstance(one, bytes)
        else one.path.read_bytes()[one.offset : one.offset + one.length]
        for one in reply.pieces
    )


def get(store: Store, path: str, **headers: str) -> Reply:
    request = ask(path, **headers)
    return apply_conditions(request, answer(store, request))


def found(store: Store, path: str, tag: str) -> list:
    return [value(one, tag) for one in json.loads(body(get(store, path)))]


SERIES = "studies/1.2.1/series/1.2.1.1"
FRAME = f"{SERIES}/instances/1.2.1.1.2/frames/1"


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("", ["1.2.1", "1.2.2"]),
        ("PatientID=A-1", ["1.2.1"]),
        ("00100020=A-1", ["1.2.1"]),
        ("PatientID=A*", ["1.2.1"]),
        ("PatientID=?-2", ["1.2.2"]),
        ("PatientName=muller^jorg", ["1.2.1"]),
        ("PatientName=M*", ["1.2.1"]),
        ("PatientName=jorg", []),
        ("PatientName=jorg mul&fuzzymatching=true", ["1.2.1"]),
        ("StudyDate=20240229", ["1.2.1"]),
        ("StudyDate=20231101-20231130", ["1.2.2"]),
        ("StudyDate=-20231231", ["1.2.2"]),
        ("StudyDate=20240101-", ["1.2.1"]),
        ("StudyTime=0900-1000", ["1.2.1"]),
        ("StudyInstanceUID=1.2.2,1.2.7", ["1.2.2"]),
        ("StudyInstanceUID=1.2.*", []),
        ("ModalitiesInStudy=PT", ["1.2.1"]),
        ("ModalitiesInStudy=MR,PT", ["1.2.1"]),
        ("ModalitiesInStudy=MR,US", []),
        ("Modality=PT", ["1.2.1"]),
        ("SeriesNumber=1&Modality=PT", []),
        ("Rows=48&PatientID=B-2", ["1.2.2"]),
        ("Rows=49", []),
        ("NumberOfStudyRelatedInstances=6", ["1.2.1"]),
        ("PatientSex=F", []),
        ("PatientID=", ["1.2.1", "1.2.2"]),
        ("PatientID=*", ["1.2.1", "1.2.2"]),
        ("limit=1", ["1.2.1"]),
        ("limit=1&offset=1", ["1.2.2"]),
        ("offset=2", []),
        ("limit=0", []),
    ],
)
def test_studies_are_found_by_any_key(store, query, studies):
    assert found(store, f"studies?{query}", "0020000D") == studies


def test_series_and_instances_are_found(store):
    assert found(store, "series?Modality=CT", "0020000E") == ["1.2.1.1", "1.2.2.1"]
    assert found(store, "studies/1.2.1/series", "0020000E") == ["1.2.1.1", "1.2.1.2"]
    assert found(store, "studies/1.2.1/series?PatientID=B-2", "0020000E") == []
    assert found(store, "instances?InstanceNumber=1", "00080018") == [
        "1.2.1.1.0",
        "1.2.1.2.0",
        "1.2.2.1.0",
    ]
    assert found(store, f"{SERIES}/instances?limit=2&offset=1", "00080018") == [
        "1.2.1.1.1",
        "1.2.1.1.2",
    ]
    assert found(store, "studies/1.2.1/instances?Modality=PT", "00200013") == [1, 2]
    assert found(store, "studies/1.2.7/series", "0020000E") == []


def test_fields_are_included_when_asked_for(store):
    def tags(path):
        return set(json.loads(body(get(store, path)))[0])

    plain = tags(f"{SERIES}/instances")
    assert "00281052" not in plain
    assert "00281052" in tags(f"{SERIES}/instances?includefield=RescaleIntercept")
    assert "00281052" in tags(f"{SERIES}/instances?includefield=00281053,00281052")
    assert "00281052" in tags(f"{SERIES}/instances?includefield=all")
    assert "00281052" in tags(f"{SERIES}/instances?RescaleIntercept=-1024")
    assert "00100010" in tags("series")
    assert "00100010" not in tags("studies/1.2.1/series")


def test_a_page_that_is_not_all_says_so(store):
    reply = get(store, "instances?limit=2")
    assert "There are 5 additional results" in reply.headers["Warning"]
    assert "Warning" not in get(store, "instances?limit=2&offset=5").headers


@pytest.mark.parametrize("query", ["limit=-1", "offset=x", "NoSuchThing=1", "limit=99999999999"])
def test_wrong_searches_are_refused(store, query):
    with pytest.raises(Refusal) as refused:
        get(store, f"studies?{query}")
    assert refused.value.status == 400


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_wildcards_match_as_file_names_do(pattern, text):
    import fnmatch

    assert is_like(text, pattern) == fnmatch.fnmatchcase(text, pattern)


def test_wildcards_take_no_time_to_speak_of():
    assert not is_like("a" * 20_000, "*a" * 300 + "b")


def test_metadata_packed_or_not(store, tree):
    reply = get(store, f"{SERIES}/metadata", accept_encoding="gzip, br")
    assert reply.headers["Content-Encoding"] == "gzip"
    entries = json.loads(gzip.decompress(body(reply)))
    plain = get(store, f"{SERIES}/metadata")
    assert "Content-Encoding" not in plain.headers
    assert json.loads(body(plain)) == entries
    assert plain.headers["ETag"] != reply.headers["ETag"]
    assert [value(one, "00200013") for one in entries] == [1, 2, 3, 4]
    (one,) = json.loads(body(get(store, f"{SERIES}/instances/1.2.1.1.2/metadata")))
    place = "http://h/dicomweb/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/frames"
    assert one["7FE00010"]["BulkDataURI"] == place
    assert len(json.loads(body(get(store, "studies/1.2.1/metadata")))) == 6
    names = [one["name"] for one in json.loads(body(get(store, f"{SERIES}/renditions")))]
    assert names == ["frames", "lossy"]


def test_long_values(store):
    (one,) = json.loads(body(get(store, f"{SERIES}/instances/1.2.1.1.2/metadata")))
    path = one["00282000"]["BulkDataURI"].removeprefix("http://h/dicomweb/")
    assert body(get(store, path, accept="application/octet-stream")) == bytes(3000)
    parts = get(store, path, accept='multipart/related; type="application/octet-stream"')
    assert parts.type.startswith('multipart/related; type="application/octet-stream"; boundary=')
    assert bytes(3000) in body(parts)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "multipart/related",
        'multipart/related; type="*/*"',
        'multipart/related; type="image/jphc"',
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        f'multipart/related; type="image/jphc"; transfer-syntax={J2K}202',
        'multipart/related; type="image/jls", multipart/related; type="image/jphc";q=0.5',
    ],
)
def test_frames_come_as_stored(store, tree, accept):
    reply = get(store, FRAME, accept=accept)
    file = series_folders(tree)[0] / "instances" / "1.2.1.1.2" / "frames" / "1.mht"
    assert body(reply) == file.read_bytes()
    boundary = file.read_bytes().split(b"\r\n")[0][2:].decode()
    told = f'multipart/related; type="image/jphc"; boundary={boundary}; transfer-syntax={J2K}202'
    assert reply.type == told


@pytest.mark.parametrize("accept", ["image/jphc", "application/octet-stream; transfer-syntax=*"])
def test_a_frame_alone(store, tree, accept):
    reply = get(store, FRAME, accept=accept)
    assert reply.type == f"image/jphc; transfer-syntax={J2K}202"
    np.testing.assert_array_equal(imagecodecs.htj2k_decode(body(reply)), STORED[2])
    part = get(store, FRAME, accept=accept, range="bytes=10-19")
    assert body(part) == body(reply)[10:20]


@pytest.mark.parametrize(
    "accept", ["application/octet-stream", 'multipart/related; type="application/octet-stream"']
)
def test_octets_are_native_pixels(store, accept):
    reply = get(store, FRAME, accept=accept)
    assert STORED[2].tobytes() in body(reply)
    assert "1.2.840.10008.1.2.1" in reply.type


def test_lists_of_frames_in_the_order_asked_for(store, tree, tmp_path):
    """N1: parts follow the list, one of them twice."""
    (path,) = write_series(tmp_path / "in", STORED[:1], NumberOfFrames=4)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = STORED.tobytes()
    dataset.save_as(path)
    done = publish([str(tmp_path / "in")], tmp_path / "tree")
    study, series = done.series[0]
    many = Store(tmp_path / "tree")
    uid = str(dataset.SOPInstanceUID)
    place = f"studies/{study}/series/{series}/instances/{uid}/frames"
    reply = get(many, f"{place}/3,1,3", accept='multipart/related; type="image/jphc"')
    boundary = reply.type.partition("boundary=")[2].partition(";")[0].encode()
    parts = body(reply).split(b"--" + boundary)[1:-1]
    shown = [imagecodecs.htj2k_decode(one.split(b"\r\n\r\n", 1)[1][:-2]) for one in parts]
    np.testing.assert_array_equal(shown, STORED[[2, 0, 2]])
    for wrong, status in (("5", 404), ("0", 400), ("1,x", 400), ("1,5", 404), ("", 400)):
        with pytest.raises(Refusal) as refused:
            get(many, f"{place}/{wrong}")
        assert refused.value.status == status


def test_alternates_are_served_by_name(store, tree):
    reply = get(store, FRAME.replace("/frames/", "/lossy/"))
    file = series_folders(tree)[0] / "instances" / "1.2.1.1.2" / "lossy" / "1.mht"
    assert body(reply) == file.read_bytes()
    assert part_of(file)[1] in reply.type
    with pytest.raises(Refusal):
        get(store, FRAME.replace("/frames/", "/jls/"))


def test_what_there_is_not_is_refused(store):
    with pytest.raises(Refusal) as refused:
        get(store, FRAME, accept="image/jp2")
    assert refused.value.status == 406
    assert f"image/jphc; transfer-syntax={J2K}202" in str(refused.value)
    for method in ("POST", "DELETE", "PUT"):
        with pytest.raises(Refusal) as refused:
            answer(store, ask("studies", method=method))
        assert refused.value.status == 405


@pytest.mark.parametrize(
    ("wanted", "status", "spans"),
    [
        ("bytes=0-9", 206, [(0, 10)]),
        ("bytes=100-", 206, [(100, None)]),
        ("bytes=-7", 206, [(-7, None)]),
        ("bytes=5-999999999", 206, [(5, None)]),
        ("bytes=0-3,10-12", 206, [(0, 4), (10, 13)]),
        ("bytes=999999999-", 416, []),
        ("bytes=-0", 416, []),
        ("bytes=9-3", 200, [(0, None)]),
        ("bytes=x", 200, [(0, None)]),
        ("items=0-3", 200, [(0, None)]),
        ("bytes=" + ",".join(["0-1"] * 200), 200, [(0, None)]),
    ],
)
def test_ranges(store, wanted, status, spans):
    whole = body(get(store, FRAME))
    reply = get(store, FRAME, range=wanted)
    assert reply.status == status
    got = body(reply)
    if status == 416:
        assert reply.headers["Content-Range"] == f"bytes */{len(whole)}"
    elif len(spans) > 1:
        assert reply.type.startswith("multipart/byteranges")
        assert all(whole[a:b] in got for a, b in spans)
        assert f"Content-Range: bytes 10-12/{len(whole)}".encode() in got
    else:
        ((begin, end),) = spans
        assert got == whole[begin:end]
        if status == 206:
            first = begin % len(whole)
            told = f"bytes {first}-{first + len(got) - 1}/{len(whole)}"
            assert reply.headers["Content-Range"] == told


def test_conditions(store):
    first = get(store, FRAME)
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    assert get(store, FRAME, if_none_match=tag).status == 304
    assert get(store, FRAME, if_none_match=f'"x", W/{tag}').status == 304
    assert get(store, FRAME, if_none_match='"other"').status == 200
    assert get(store, FRAME, if_modified_since=changed).status == 304
    assert get(store, FRAME, range="bytes=0-4", if_range=tag).status == 206
    assert get(store, FRAME, range="bytes=0-4", if_range=changed).status == 206
    assert get(store, FRAME, range="bytes=0-4", if_range='"other"').status == 200
    assert get(store, FRAME, range="bytes=0-4", if_range="nonsense").status == 200


@pytest.mark.parametrize("syntax", ["", "; transfer-syntax=*"])
def test_instances_as_files(store, syntax):
    reply = get(store, f"{SERIES}/instances/1.2.1.1.3", accept=f"application/dicom{syntax}")
    dataset = pydicom.dcmread(io.BytesIO(body(reply)))
    assert dataset.file_meta.TransferSyntaxUID == (J2K + "202" if syntax else "1.2.840.10008.1.2.1")
    np.testing.assert_array_equal(dataset.pixel_array, STORED[3])
    assert str(dataset.PatientName) == "M\xfcller^J\xf6rg"
    assert dataset.ICCProfile == bytes(3000)


def test_studies_as_files(store):
    reply = get(store, "studies/1.2.1", accept='multipart/related; type="application/dicom"')
    boundary = reply.type.partition("boundary=")[2].encode()
    parts = body(reply).split(b"--" + boundary)[1:-1]
    read = [pydicom.dcmread(io.BytesIO(one.split(b"\r\n\r\n", 1)[1][:-2])) for one in parts]
    assert [one.SOPInstanceUID for one in read] == [
        *(f"1.2.1.1.{k}" for k in range(4)),
        *(f"1.2.1.2.{k}" for k in range(2)),
    ]


def test_pictures(store):
    picture = imagecodecs.jpeg8_decode(body(get(store, f"{SERIES}/instances/1.2.1.1.2/rendered")))
    assert picture.shape == (48, 40)
    meant = STORED[2].astype(float) - 1024
    shown = np.clip((meant - (40 - 0.5 - 399 / 2)) / 399, 0, 1) * 255
    assert np.abs(picture - shown).mean() < 3
    png = get(store, f"{FRAME}/rendered?window=300,100,linear&viewport=20,24", accept="image/png")
    small = imagecodecs.png_decode(body(png))
    assert small.shape == (24, 20)
    for path in ("studies/1.2.1/thumbnail", f"{SERIES}/thumbnail", f"{FRAME}/thumbnail"):
        assert imagecodecs.jpeg8_decode(body(get(store, path))).shape == (256, 213)
    for wrong in ("window=1", "window=nan,3,linear", "viewport=0,5", "viewport=9,x", "quality=0",
                  "viewport=99999,9", "viewport=9,9,1,1,4,4"):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            get(store, f"{FRAME}/rendered?{wrong}")
        assert refused.value.status == 400


SEGMENTS = st.one_of(
    st.sampled_from(["studies", "series", "instances", "frames", "metadata", "bulkdata", "1.2.1",
                     "1.2.1.1", "1.2.1.1.2", "1.2.2", "1.2.9", "leak", "..", ".", "", "tree",
                     "secret", "rendered", "thumbnail", "1", "index.json.gz", "1.mht", "renditions",
                     "../secret", "/etc/passwd", "\0", "~", "C:\\", ".voxtide-lock"]),
    st.text(max_size=8),
)  # fmt: skip


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SEGMENTS, max_size=9), st.sampled_from(["", "bytes=0-3", "image/jpeg"]))
@example(["studies", "1.2.2", "leak"], "")
@example(["studies", "1.2.9", "secret"], "")
@example(["studies", "1.2.2", "bulkdata", "..", "..", "..", "..", "secret"], "")
@example(["studies", "1.2.1", "series", "..", "instances", "..", "frames", "1"], "")
def test_no_path_leads_out_of_the_tree(store, segments, header):
    """Any path is answered from the tree or refused with a status; links out of it lead nowhere."""
    refusal = None
    request = Ask("GET", tuple(segments), (), {"range": header, "accept": header}, "http://h")
    try:
        reply = apply_conditions(request, answer(store, request))
    except Refusal as refused:
        refusal = refused
        reply = refused.reply()
    assert refusal is None or 400 <= refusal.status < 500
    for piece in reply.pieces:
        if isinstance(piece, Slice):
            real = os.path.realpath(piece.path)
            assert real.startswith(f"{store.root}/studies/")
        else:
            assert b"nobody" not in piece


@given(st.text(max_size=80))
@example('multipart/related; type="application/octet-stream; transfer-syntax=1.2"; q=0.5')
@example(",,;;==")
def test_any_accept_header_can_be_read(text):
    for wish in wishes(text):
        assert wish.weight > 0


def test_other_trees_are_read_too(store, tree, tmp_path):
    """Older generations name frames without a suffix, gzipped, or as single parts."""
    import shutil

    shutil.copytree(tree / "studies" / "1.2.2", tmp_path / "studies" / "1.2.2")
    frames = tmp_path / "studies/1.2.2/series/1.2.2.1/instances/1.2.2.1.0/frames"
    place = "studies/1.2.2/series/1.2.2.1/instances/1.2.2.1.0/frames/1"
    whole = (frames / "1.mht").read_bytes()
    _, _, data = part_of(frames / "1.mht")
    (frames / "1.mht").unlink()
    accept = {"accept": "image/jphc"}
    for name, content in (("1", whole), ("1.mht.gz", gzip.compress(whole)), ("1.jhc", data)):
        (frames / name).write_bytes(content)
        assert body(get(Store(tmp_path), place, **accept)) == data, name
        assert data in body(get(Store(tmp_path), place))
        (frames / name).unlink()


@pytest.mark.parametrize(("mbit", "rtt_ms", "expected"), [(30, 40, 0.3067), (0, 40, 0.04)])
def test_the_simulated_line_takes_as_long_as_its_arithmetic(monkeypatch, mbit, rtt_ms, expected):
    """A clock of the test's own: one megabyte in pieces, behind a round trip."""
    import asyncio

    now = [100.0]

    async def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr("loading.serve.link.time.perf_counter", lambda: now[0])
    monkeypatch.setattr("loading.serve.link.asyncio.sleep", sleep)
    line = link.Link(mbit, rtt_ms)

    async def fetch():
        await line.travel(is_new=False)
        for piece in link.in_pieces(bytes(1_000_000)):
            await line.pass_on(len(piece))

    asyncio.run(fetch())
    slack = 0.021 if mbit else 0
    assert expected - slack <= now[0] - 100 <= expected + 0.001
