"""`voxtide serve` over real sockets: protocol, slow and greedy clients, who may read, peers."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient

from loading.publish import publish
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.serving import ROOT, served

STORED = phantom((5, 64, 48))


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    base = tmp_path_factory.mktemp("http")
    write_series(base / "in", STORED, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4",
                 PatientName="Doe^Jane", SOPInstanceUID=lambda k: f"1.2.3.4.{k}")  # fmt: skip
    publish([str(base / "in")], base / "tree")
    return base / "tree"


@pytest.fixture(scope="module")
def root(tree):
    with served(tree) as address:
        yield address


def connect(root: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(root).netloc, timeout=60)


def get(root: str, path: str, method="GET", **headers: str):
    connection = connect(root)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    connection.request(method, path, headers=named)
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    return reply.status, dict(reply.getheaders()), data


FRAME = "/dicomweb/studies/1.2.3/series/1.2.3.4/instances/1.2.3.4.2/frames/1"


def test_dicomweb_client_reads_it(root):
    """What it can: searches, metadata, frames as native pixels, instances, bulk, pictures."""
    client = DICOMwebClient(root)
    (study,) = client.search_for_studies(search_filters={"PatientName": "Doe*"})
    assert study["0020000D"]["Value"] == ["1.2.3"]
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []
    assert len(client.search_for_instances(limit=2, offset=1)) == 2
    assert len(client.search_for_instances(limit=2, get_remaining=True)) == 5
    metadata = client.retrieve_series_metadata("1.2.3", "1.2.3.4")
    assert [one["00200013"]["Value"][0] for one in metadata] == [1, 2, 3, 4, 5]
    octets = (("application/octet-stream", "1.2.840.10008.1.2.1"),)
    for k, plane in enumerate(STORED):
        (data,) = client.retrieve_instance_frames(
            "1.2.3", "1.2.3.4", f"1.2.3.4.{k}", [1], media_types=octets
        )
        np.testing.assert_array_equal(np.frombuffer(data, np.uint16).reshape(plane.shape), plane)
    instance = client.retrieve_instance("1.2.3", "1.2.3.4", "1.2.3.4.2")
    assert instance.SOPInstanceUID == "1.2.3.4.2"
    files = (("application/dicom", "1.2.840.10008.1.2.1"),)
    volume = client.retrieve_series("1.2.3", "1.2.3.4", media_types=files)
    np.testing.assert_array_equal([one.pixel_array for one in volume], STORED)
    picture = client.retrieve_instance_rendered("1.2.3", "1.2.3.4", "1.2.3.4.2")
    assert picture[:2] == b"\xff\xd8"


def test_answers_keep_to_the_protocol(root):
    status, headers, data = get(root, FRAME)
    assert (status, int(headers["Content-Length"])) == (200, len(data))
    assert headers["Content-Type"].startswith('multipart/related; type="image/jphc"; boundary=')
    head = get(root, FRAME, "HEAD")
    assert (head[0], head[1]["Content-Length"], head[2]) == (200, str(len(data)), b"")
    assert get(root, FRAME, Range="bytes=7-20")[::2] == (206, data[7:21])
    assert get(root, FRAME, If_None_Match=headers["ETag"])[::2] == (304, b"")
    status, _, told = get(root, "/dicomweb/studies/1.2.9/metadata")
    assert (status, list(json.loads(told))) == (404, ["message"])
    assert get(root, FRAME, "POST")[0] == 405
    assert get(root, "/elsewhere")[0] == 404


@pytest.mark.parametrize(
    "path", ["/dicomweb/studies/../../x", "/dicomweb/studies/%2e%2e/%2e%2e/x", "//x",
             "/dicomweb/%00", "/dicomweb/studies/1.2.3/%2fetc%2fpasswd",
             "/dicomweb/studies/%ff%fe/metadata"]
)  # fmt: skip
def test_paths_that_lead_out_are_not_found(root, path):
    assert get(root, path)[0] in (400, 404)


def test_only_this_machine_and_pages_of_it_may_read(root, tree):
    """A name that a page on the net points here is refused; so is reading across origins."""
    port = urlsplit(root).port
    assert get(root, FRAME, Host=f"evil.example:{port}")[0] == 421
    assert "Access-Control-Allow-Origin" not in get(root, FRAME, Origin="https://x.example")[1]
    allowed = get(root, FRAME, Origin="http://localhost:3000")[1]
    assert allowed["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "Content-Range" in allowed["Access-Control-Expose-Headers"]
    asked = {"Access_Control_Request_Method": "GET", "Access_Control_Request_Headers": "range"}
    preflight = get(root, FRAME, "OPTIONS", Origin="http://localhost:3000", **asked)
    assert (preflight[0], preflight[1]["Access-Control-Allow-Headers"]) == (204, "range")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as aside:
        aside.connect_ex(("192.0.2.1", 9))  # sends nothing; says which address this machine has
        address = aside.getsockname()[0]
    if not address.startswith(("0.", "127.")):
        with pytest.raises(OSError):  # noqa: PT011 -- refused or unreachable
            socket.create_connection((address, port), timeout=2)
    with served(tree, "--origin", "https://x.example") as named:
        told = get(named, FRAME, Origin="https://x.example")[1]
        assert told["Access-Control-Allow-Origin"] == "https://x.example"


def test_slow_and_greedy_clients_do_not_stop_others(root):
    """Half requests, readers that never read, more connections than there are places, pictures."""
    place = (urlsplit(root).hostname, urlsplit(root).port)
    held = []
    for number in range(450):
        one = socket.create_connection(place, timeout=60)
        if number % 3 == 0:
            one.sendall(b"GET " + FRAME.encode())
        elif number % 3 == 1:
            one.sendall(b"GET /dicomweb/studies/1.2.3 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        held.append(one)
    stop = threading.Event()

    def draw():
        while not stop.is_set():
            get(root, f"{FRAME}/rendered?viewport=512,512")

    greedy = [threading.Thread(target=draw) for _ in range(6)]
    for thread in greedy:
        thread.start()
    try:
        for _ in range(20):
            assert get(root, FRAME)[0] == 200
    finally:
        stop.set()
        for thread in greedy:
            thread.join()
        for one in held:
            one.close()


def test_a_client_that_hangs_up_leaves_the_server_well(root):
    place = (urlsplit(root).hostname, urlsplit(root).port)
    for _ in range(30):
        with socket.create_connection(place, timeout=60) as one:
            one.sendall(b"GET /dicomweb/studies/1.2.3 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            one.recv(10)
    assert get(root, FRAME)[0] == 200


def test_garbage_is_no_request(root):
    place = (urlsplit(root).hostname, urlsplit(root).port)
    for junk in (b"\x16\x03\x01\x02\0", b"GET\r\n\r\n", b"A" * 70_000, b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection(place, timeout=60) as one:
            one.sendall(junk + b"\r\n\r\n")
            one.settimeout(5)
            try:
                answer = one.recv(100)
            except OSError:
                answer = b""
        assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert get(root, FRAME)[0] == 200


def test_behind_a_line_the_same_bytes_arrive(root, tree):
    with served(tree, "--mbit", 50, "--rtt-ms", 5) as slow:
        path = "/dicomweb/studies/1.2.3/series/1.2.3.4/metadata"
        assert get(slow, path)[2] == get(root, path)[2]
        assert get(slow, FRAME, Range="bytes=3-2000")[2] == get(root, FRAME)[2][3:2001]


def voxtide(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli", *map(str, words)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )


def test_wrong_calls_are_told_in_a_line(root, tmp_path):
    nothing = voxtide("serve", tmp_path)
    assert nothing.returncode == 1
    assert "There is no DICOMweb tree" in nothing.stderr
    (tmp_path / "studies").mkdir()
    taken = voxtide("serve", tmp_path, "--port", urlsplit(root).port)
    assert taken.returncode == 1
    assert "cannot be used" in taken.stderr
    assert voxtide("serve", tmp_path, "--mbit", "-3").returncode == 2
    assert voxtide("serve", tmp_path, "--port", "70000").returncode == 2
    for words in (("publish", tmp_path / "absent", "-o", tmp_path / "out"),
                  ("publish", tmp_path, "-o", tmp_path / "out")):  # fmt: skip
        done = voxtide(*words)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("voxtide: ")


def test_the_verbs_offer_what_the_engine_has():
    from app import cli_web
    from loading.publish import ALTERNATES, ENCODINGS

    assert tuple(ENCODINGS) == cli_web.ENCODINGS
    assert tuple(ALTERNATES) == cli_web.ALTERNATES


def test_publishing_tells_what_it_did(tmp_path):
    paths = write_series(tmp_path / "in", STORED)
    paths[0].write_bytes(paths[0].read_bytes()[:-100])
    done = voxtide(
        "publish", tmp_path / "in", "-o", tmp_path / "tree",
        "--alternate", "jls", "--alternate-name", "jlsThumbnail", "--alternate-thumbnail",
        "--alternate", "jhcLossless", "--alternate-name", "htj2k",
    )  # fmt: skip
    assert done.returncode == 1, "one slice could not be published"
    assert f"FAILED: {paths[0]}: Its pixels cannot be read: it ends early" in done.stderr
    assert "4 instances of 1 series, 4 frames" in done.stderr
    (folder,) = (tmp_path / "tree").glob("studies/*/series/*/instances")
    found = {path.parent.name for path in folder.rglob("*.mht")}
    assert found == {"frames", "jlsThumbnail", "htj2k"}


def test_a_server_ends_with_the_program_that_started_it(tree):
    """The demo's server is a child: when its input is closed it goes, whatever it is doing."""
    with served(tree, "--mbit", 0.01) as slow:
        place = (urlsplit(slow).hostname, urlsplit(slow).port)
        with socket.create_connection(place) as one:
            one.sendall(f"GET {FRAME} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
