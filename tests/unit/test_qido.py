"""Searching: pages that end with every server, keys that every server understands."""

import datetime
import json
from functools import partial
from typing import Any

import pytest

from loading.errors import BadResponse, NotFound, Unauthorised
from loading.web.http import HttpClient
from loading.web.paging import Pager
from loading.web.qido import Archive, StudyQuery, query_text
from loading.web.qido_rows import Study, name_of, series_of, study_of
from tests.helpers.qido_server import Habits, element, qido_server, series_row, study_row


@pytest.fixture
def client():
    made = HttpClient()
    yield made
    made.close()


def everything(pager):
    found = []
    while not pager.is_over:
        found += pager.more()
    return found


NASTY: dict[str, Any] = {
    "plain": {},
    "caps pages": {"cap": 7},
    "ignores offset": {"ignores_offset": True},
    "ignores offset and limit": {"ignores_offset": True, "ignores_limit": True},
    "caps pages and ignores offset": {"cap": 7, "ignores_offset": True},
    "repeats rows": {"overlaps": True},
    "caps pages and repeats rows": {"cap": 7, "overlaps": True},
    "knows no fields": {"refuses": ("includefield",)},
}


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("count", [0, 1, 10, 45])
def test_paging_ends_and_gives_every_row_once(client, name, count):
    rows = [study_row(n) for n in range(count)]
    with qido_server(Habits(studies=rows, **NASTY[name])) as server:
        pager = Archive(server.url, client).studies(StudyQuery(), size=10)
        found = [study.uid for study in everything(pager)]
        given = count
        if server.ignores_offset and not server.ignores_limit:
            given = min(count, server.cap or 10)
        assert found == [f"1.2.{n}" for n in range(given)]
        # what cannot be known to be everything is said to be cut, where the server shows it
        assert pager.is_cut == (given == 10 and server.ignores_offset)
        assert len(server.requests) <= 3 + count
        assert pager.more() == []


def test_rows_without_end_are_ended(client):
    with qido_server(Habits(invents=True)) as server:
        pager = Archive(server.url, client).studies(StudyQuery(), size=100)
        pager._most = 450
        assert len(everything(pager)) == 500
        assert pager.is_cut


def test_rows_without_a_key_are_left_out():
    pager = Pager(lambda offset, count: ["", "a", "", "a"] if not offset else [], str)
    assert everything(pager) == ["a"]


def test_keys_are_written_so_that_every_server_reads_them():
    """H9: no percent-encoding of , / * - in query values."""
    query = StudyQuery(
        patient="Miller, Anna",
        patient_id="7",
        first_day=datetime.date(2025, 1, 2),
        last_day=datetime.date(2025, 3, 4),
        modality="ct",
        description="Chest*",
    )
    assert query_text(query.parameters) == (
        "?PatientName=*Miller*Anna*&PatientID=*7*&StudyDate=20250102-20250304"
        "&ModalitiesInStudy=CT&StudyDescription=Chest*"
    )
    assert query_text([("x", "a&b=c#d e/1,2:3^4")]) == "?x=a%26b%3Dc%23d%20e/1,2:3^4"
    assert StudyQuery(first_day=datetime.date(2025, 1, 2)).parameters == [
        ("StudyDate", "20250102-")
    ]
    assert StudyQuery(last_day=datetime.date(2025, 1, 2)).parameters == [("StudyDate", "-20250102")]


def test_a_server_that_wants_its_keys_encoded_gets_them_so(client):
    rows = [study_row(1)]

    def override(path, headers):
        raw = server.requests[-1]
        return (400, {}, b"bad star") if "*" in raw else None

    with qido_server(Habits(studies=rows, override=override)) as server:
        found = everything(Archive(server.url, client).studies(StudyQuery(patient="0001")))
        assert [study.uid for study in found] == ["1.2.1"]
        assert "%2A0001%2A" in server.requests[-1]


def test_a_server_that_decodes_nothing_finds_names_with_accents(client):
    rows = [
        study_row(1, **{"00100010": element("PN", {"Alphabetic": "MÜLLER^Anna"})}),
        study_row(2, **{"00100010": element("PN", {"Alphabetic": "MILLER^Anna"})}),
    ]
    query = StudyQuery(patient="Müller Anna")
    with qido_server(Habits(studies=rows, decodes=False)) as server:
        found = everything(Archive(server.url, client).studies(query))
        # the search with a star finds both; the window looks at the rest
        assert [study.uid for study in found if query.accepts(study)] == ["1.2.1"]


def test_what_a_server_did_not_look_at_is_looked_at_here():
    study = study_of(study_row(1))
    fits: list[Any] = [
        {"patient": "patient 0001"},
        {"patient": "0001"},
        {"patient": "PATIENT^0001"},
        {"patient": "pat*01"},
        {"patient_id": "id1"},
        {"modality": "ct"},
        {"first_day": datetime.date(2025, 2, 2), "last_day": datetime.date(2025, 2, 2)},
    ]
    misses: list[Any] = [
        {"patient": "0002"},
        {"patient": "1*"},
        {"modality": "MR"},
        {"first_day": datetime.date(2025, 2, 3)},
        {"last_day": datetime.date(2025, 2, 1)},
        {"description": "knee"},
    ]
    assert all(StudyQuery(**fields).accepts(study) for fields in fits)
    assert not any(StudyQuery(**fields).accepts(study) for fields in misses)
    assert StudyQuery(patient="x", modality="MR").accepts(study_of({}))  # it tells nothing


def test_series_come_by_number_with_their_counts(client):
    rows = [series_row(3), series_row(1), series_row(2, **{"00200011": element("IS")})]
    for habits in (Habits(series=rows), Habits(series=rows, refuses=("includefield", "limit"))):
        with qido_server(habits) as server:
            found = Archive(server.url, client).series(Study("1.2.0"))
            assert [(one.number, one.instance_count) for one in found] == [
                (1, 10), (3, 30), (None, 20),
            ]  # fmt: skip


def test_rows_are_read_with_patience():
    assert study_of({}).uid == ""
    odd = {
        "0020000d": element("UI", " 1.2 "),
        "00100010": {"vr": "PN"},
        "00080020": element("DA", "2025-02-30"),
        "00080061": element("CS", "CT", "SR", "CT", None),
        "00201206": element("IS", "3.0"),
        "00201208": element("IS", "many"),
        "00081030": "text",
    }
    study = study_of(odd)
    assert (study.uid, study.day, study.modalities) == ("1.2", None, ("CT", "SR"))
    assert (study.series_count, study.instance_count, study.description) == (3, None, "")
    assert series_of({"00200011": element("IS", 4)}).number == 4
    for value, name in (
        ({"Alphabetic": "MILLER^Anna^M^Dr"}, "MILLER, Anna M Dr"),
        ({"Ideographic": "山田^太郎"}, "山田, 太郎"),
        ("PLAIN^Text", "PLAIN, Text"),
        ({"Alphabetic": "^^^^"}, ""),
        (None, ""),
    ):
        assert name_of({"00100010": element("PN", value)}, "00100010") == name


def test_a_single_object_and_an_empty_body_are_lists(client):
    for body, count in ((json.dumps(study_row(1)).encode(), 1), (b"", 0), (b"[]", 0)):
        reply = (200, {"Content-Type": "application/json"}, body)
        with qido_server(Habits(override=lambda path, headers: reply)) as server:  # noqa: B023
            assert len(Archive(server.url, client).rows("studies", ())) == count


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (
            (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><form>Sign in</form>"),
            BadResponse,
            "web page",
        ),
        ((200, {"Content-Type": "application/json"}, b'{"error": 1}'), BadResponse, "no list"),
        ((200, {"Content-Type": "application/json"}, b"[" * 100_000), BadResponse, "no list"),
        ((404, {}, b""), NotFound, "nothing there"),
        ((403, {}, b""), Unauthorised, "refuses access"),
        ((401, {"WWW-Authenticate": "Basic"}, b""), Unauthorised, "who asks"),
    ],
)
def test_what_is_no_list_is_told(client, reply, kind, words):
    """E3: an HTML login page with 200 has a message of its own."""
    with (
        qido_server(Habits(override=lambda path, headers: reply)) as server,
        pytest.raises(kind, match=words),
    ):
        Archive(server.url, client).rows("studies", ())


def test_thumbnails_are_found_and_the_way_is_remembered(client):
    """A3: rendered pictures are previews, asked for where there is no thumbnail."""
    picture = b"\xff\xd8\xff\xe0picture"

    def override(path, headers):
        if "/rendered" in path:
            return 200, {"Content-Type": "image/jpeg"}, picture
        return 404, {}, b""

    with qido_server(Habits(override=override)) as server:
        archive = Archive(server.url, client)
        assert archive.thumbnail("1.2", "3.4") == picture
        assert archive.thumbnail("1.2", "3.5") == picture
        assert [path.rpartition("/")[2] for path in server.requests] == [
            "thumbnail",
            "rendered?viewport=128,128",
            "rendered?viewport=128,128",
        ]
    for status in (404, 406, 500):
        habits = Habits(override=partial(lambda status, path, headers: (status, {}, b""), status))
        with qido_server(habits) as server:
            assert Archive(server.url, client).thumbnail("1.2", "3.4") == b""
            assert len(server.requests) == 2
