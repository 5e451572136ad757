"""Saved servers as data, and the server behind a viewer's page."""

import pytest

from loading.errors import NotFound, Unauthorised
from loading.web import servers
from loading.web.finding import find_server
from loading.web.http import HttpClient
from loading.web.links import parse
from loading.web.servers import Server, from_data, to_data
from tests.helpers.qido_server import Habits, qido_server, study_row

ARCHIVE = Server("Archive", "https://pacs.example/dicom-web")
OTHER = Server("Other", "https://other.example/rs")


@pytest.fixture
def client():
    made = HttpClient()
    yield made
    made.close()


def test_servers_survive_the_settings_and_their_order_is_that_of_use():
    both = servers.with_server(servers.with_server((), ARCHIVE), OTHER)
    assert from_data(to_data(both)) == (OTHER, ARCHIVE)
    assert servers.with_server(both, ARCHIVE) == (ARCHIVE, OTHER)
    assert servers.without_server(both, OTHER.root) == (ARCHIVE,)
    assert servers.server_of(parse(ARCHIVE.root)).name == "pacs.example/dicom-web"


def test_what_is_no_server_is_left_out_and_secrets_do_not_stay():
    data = [
        {"name": "A", "root": "https://anna:hunter2@a.example/rs?token=hunter2"},
        {"name": 7, "root": "https://b.example"},
        {"root": "file:///etc"},
        {"root": "https://c.example/rs"},
        {"name": "again", "root": "https://c.example/rs/"},
        "words",
    ]
    assert from_data(data) == (
        Server("A", "https://a.example/rs"),
        Server("c.example/rs", "https://c.example/rs"),
    )
    assert from_data(None) == from_data({"a": 1}) == ()


def test_the_server_behind_a_page_is_the_one_in_its_configuration(client):
    page = {"configuration": ""}

    def override(path, headers):
        if path.endswith("/app-config.js"):
            return 200, {"Content-Type": "text/javascript"}, page["configuration"].encode()
        # what is nobody's root answers with the page, as such servers do
        is_root = path.startswith("/pacs/rs/studies?")
        return None if is_root else (200, {"Content-Type": "text/html"}, b"<html>OHIF</html>")

    with qido_server(Habits(studies=[study_row(1)], override=override)) as server:
        site = server.url.removesuffix("/rs") + "/ohif"
        link = parse(f"{site}/viewer?StudyInstanceUIDs=1.2.1")
        page["configuration"] = "x = {wadoRoot: '/pacs/rs', qidoRoot: 'http://127.0.0.1:9/no'}"
        asked = []

        def may_contact(root):
            asked.append(root)
            return False

        found = find_server(link, may_contact=may_contact, client=client)
        assert found.url == server.url.removesuffix("/rs") + "/pacs/rs/studies/1.2.1"
        assert asked == []
        page["configuration"] = "x = {qidoRoot: 'http://127.0.0.1:9/no'}"
        known = (server.url.removesuffix("/rs") + "/pacs/rs",)
        assert find_server(link, known, may_contact=may_contact, client=client).root == known[0]
        assert asked == ["http://127.0.0.1:9/no"]


def test_the_usual_places_are_tried_and_what_is_shut_is_told(client):
    with qido_server(Habits(studies=[study_row(1)])) as server:
        site = server.url.removesuffix("/rs")
        link = parse(f"{site}/viewer?StudyInstanceUIDs=1.2.1")
        # every path is a root here; the likeliest is tried first
        assert find_server(link, client=client).root == f"{site}/dicom-web"
        with pytest.raises(NotFound, match="none was found"):
            find_server(parse(f"{site}/viewer?StudyInstanceUIDs=1.2.7"), client=client)
        server.user = "anna"
        with pytest.raises(Unauthorised):
            find_server(link, client=client)


def test_a_link_that_names_its_server_contacts_nobody():
    link = parse("https://pacs.example/dicom-web/studies/1.2.3")
    assert find_server(link) is link
