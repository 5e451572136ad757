"""The study browser and the bars: searching, signing in, being asked, by real events."""

import shutil
import threading
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.bars import QuestionBar
from app.keyring_vault import KeyringVault
from app.settings_sheet import SettingsSheet
from app.sign_in import SignInBar
from app.study_browser import StudyBrowser
from loading.web import frame_cache
from loading.web.credentials import Credentials, Identity, credentials
from loading.web.frame_cache import CachedFrame
from loading.web.http import shared_client
from loading.web.messages import origin_of
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.dicomweb_store import Store
from tests.helpers.dicomweb_store import phantom as small_phantom
from tests.helpers.keyrings import keyring_in_memory
from tests.helpers.orthanc import Orthanc, orthanc, why_not
from tests.helpers.qido_server import Habits, qido_server, series_row, study_row
from tests.helpers.web_server import Reply, WebServer, certificate
from tests.helpers.window import click, drag_enter, main_window, press, wait_until

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
SECRET = "hunter2-not-to-be-found"


@pytest.fixture
def window(qapp):
    with main_window(size=(1280, 860)) as made:
        made.settings.change(known_hosts=[], servers=[])
        yield made


def browser(window) -> StudyBrowser:
    sheet = window.sheets.sheet
    assert isinstance(sheet, StudyBrowser)
    return sheet


def open_address(window, text) -> None:
    """Press the keys, type, Enter."""
    if not isinstance(window.sheets.sheet, StudyBrowser):
        press(window, Qt.Key.Key_O, CTRL, SHIFT)
    field = browser(window).address
    field.setFocus()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def sign_in(window, user, password) -> None:
    wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the sign-in bar")
    bar = window.door.bars.bar
    bar.user.clear()
    QTest.keyClicks(bar.user, user)
    QTest.keyClicks(bar.secret, password)
    QTest.keyClick(bar.secret, Qt.Key.Key_Return)
    wait_until(lambda: window.door.bars.bar is not bar, "the answer")


def drop_text(window, address) -> None:
    data = QMimeData()
    data.setUrls([QUrl(address)])
    enter = drag_enter(QPoint(300, 300), data)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    event = QDropEvent(
        QPointF(300, 300), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(window, event)


def rows(window):
    table = browser(window).table.model()
    return [table.index(n, 0).data() for n in range(table.rowCount())]


def has_more_than(window, count):
    return len(rows(window)) > count


def written_files(home):
    return [path for path in home.rglob("*") if path.is_file()]


# -- searching -------------------------------------------------------------------------------------


def test_pages_come_as_the_table_is_scrolled_and_end(window):
    habits = Habits(studies=[study_row(n) for n in range(230)], cap=70, overlaps=True)
    with qido_server(habits) as server:
        open_address(window, server.url)
        wait_until(lambda: len(rows(window)) >= 100, "two short pages, since the first is none")
        shown = browser(window)
        shown.table.setFocus()
        assert shown.state.text().endswith("more follow as you scroll")
        wait_until(lambda: not window.door.search.is_searching, "the page")
        assert len(rows(window)) < 230
        while len(rows(window)) < 230:
            QTest.keyClick(shown.table, Qt.Key.Key_End, CTRL)
            wait_until(partial(has_more_than, window, len(rows(window))), "the next page")
        QTest.keyClick(shown.table, Qt.Key.Key_End, CTRL)
        wait_until(lambda: shown.state.text() == "230 studies", "the end")
        assert len(set(rows(window))) == 230


def test_a_search_by_form_narrows_the_list_and_days_are_understood(window):
    with qido_server(Habits(studies=[study_row(n) for n in range(60)])) as server:
        open_address(window, server.url)
        wait_until(lambda: browser(window).state.text() == "60 studies", "the list")
        form = browser(window).form
        QTest.keyClicks(form.first_day, "2025-03-01")
        QTest.keyClicks(form.last_day, "31.03.2025")
        form.modality.set_value("MR")
        click(form.search)
        wait_until(lambda: window.door.search.is_over, "the answer")
        found = window.door.search.studies
        assert found
        assert all(one.day.month == 3 and "MR" in one.modalities for one in found)
        assert "StudyDate=20250301-20250331" in server.requests[-1]
        before = len(server.requests)
        form.first_day.clear()
        QTest.keyClicks(form.first_day, "03/04/2025")
        QTest.keyClick(form.first_day, Qt.Key.Key_Return)
        assert "is no day" in browser(window).error.text()
        assert len(server.requests) == before


def test_the_browser_comes_back_as_it_was_left_and_saves_its_server(window):
    with qido_server(Habits(studies=[study_row(n) for n in range(5)])) as server:
        open_address(window, server.url)
        wait_until(lambda: browser(window).state.text() == "5 studies", "the list")
        QTest.keyClicks(browser(window).form.patient, "0003")
        QTest.keyClick(browser(window).form.patient, Qt.Key.Key_Return)
        wait_until(lambda: browser(window).state.text() == "1 study", "the list")
        press(window, Qt.Key.Key_Escape)
        assert window.sheets.sheet is None
        before = sum("/studies?" in path for path in server.requests)
        press(window, Qt.Key.Key_O, CTRL, SHIFT)
        assert rows(window) == ["PATIENT, 0003"]
        assert browser(window).form.patient.text() == "0003"
        assert sum("/studies?" in path for path in server.requests) == before
        assert [one["root"] for one in window.settings.value.servers] == [server.url]
        click(browser(window).remove)
        assert window.settings.value.servers == []


def test_hidden_names_are_hidden_among_studies(window):
    with qido_server(Habits(studies=[study_row(1)], series=[series_row(1)])) as server:
        open_address(window, server.url)
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the list")
        window.commands.run("view.hide_names")
        try:
            table = browser(window).table.model()
            words = [str(table.index(0, column).data()) for column in range(table.columnCount())]
            assert not any("PATIENT" in word or word == "ID1" for word in words)
            assert "Study 1" in words
        finally:
            window.commands.run("view.hide_names")


# -- what can go wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "body", "words"),
    [
        (404, "text/plain", b"", "There is no DICOMweb server at this address"),
        (200, "text/html", b"<!DOCTYPE html><title>Sign in</title>", "a web page where data"),
        (200, "application/json", b'{"hello": 1}', "no list"),
    ],
)
def test_what_is_no_server_is_told(window, status, kind, body, words):
    """E3: a login page with 200 is told apart from a server that is not there."""
    reply = (status, {"Content-Type": kind}, body)
    with qido_server(Habits(override=lambda path, headers: reply)) as server:
        open_address(window, server.url)
        wait_until(lambda: words in browser(window).error.text(), "the words")
        assert server.url in browser(window).error.text()
        assert browser(window).act.text() == ("Open as a file" if status == 404 else "Try again")
        assert window.settings.value.servers == []


def test_a_server_nobody_vouches_for_is_refused_with_the_reason(window, tmp_path):
    """H6: TLS errors are explained, and nothing is sent."""
    with qido_server(Habits(studies=[study_row(1)]), certificate(tmp_path)) as server:
        open_address(window, server.url)
        wait_until(lambda: bool(browser(window).error.text()), "the words")
        words = browser(window).error.text()
        assert "cannot prove who it is" in words
        assert "self-signed" in words or "self signed" in words
        assert server.requests == []


def test_no_server_at_all_is_told(window):
    open_address(window, "localhost:9/rs")  # without a scheme: on this computer http
    wait_until(lambda: "cannot be reached" in browser(window).error.text(), "the words")
    assert "http://localhost:9/rs" in browser(window).error.text()


def test_an_address_that_is_no_server_may_be_that_of_a_file(window, tmp_path):
    write_series(tmp_path / "series", phantom((12, 48, 40)))
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "series"))

    def override(path, headers):
        is_file = path.endswith("/latest")
        return (200, {"Content-Type": "application/zip"}, packed.read_bytes()) if is_file else (
            404, {}, b""
        )  # fmt: skip

    with qido_server(Habits(override=override)) as server:
        open_address(window, server.url + "/latest")
        wait_until(lambda: "no DICOMweb server" in browser(window).error.text(), "the words")
        assert browser(window).act.text() == "Open as a file"
        click(browser(window).act)
        wait_until(lambda: is_there(window, 12), "the volume")
        window.commands.run("file.close")


def test_what_is_no_address_is_told_and_nothing_is_contacted(window):
    open_address(window, "weasis://%24dicom%3Aget")
    assert "Weasis" in browser(window).error.text()


# -- hosts are asked about -------------------------------------------------------------------------


def test_a_host_is_not_contacted_before_the_user_says_so_once(window):
    with qido_server(Habits(studies=[study_row(1)])) as server:
        drop_text(window, server.url + "/studies/1.2.1")
        bar = window.door.bars.bar
        assert isinstance(bar, QuestionBar)
        host = server.url.partition("://")[2].removesuffix("/rs")
        assert bar.words.text() == f"Contact {host} for the first time?"
        QTest.keyClick(bar, Qt.Key.Key_Escape)
        assert window.door.bars.bar is None
        assert window.sheets.sheet is None
        QGuiApplication.clipboard().setText(f"voxtide://open?url={quote(server.url, safe='')}")
        press(window, Qt.Key.Key_V, CTRL)
        bar = window.door.bars.bar
        assert isinstance(bar, QuestionBar)
        QTest.qWait(50)
        assert server.requests == []
        click(bar.yes)
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the list")
        press(window, Qt.Key.Key_Escape)
        drop_text(window, server.url)
        assert window.door.bars.bar is None
        assert isinstance(window.sheets.sheet, StudyBrowser)


def test_a_viewers_page_leads_to_its_server_after_a_question_for_each_host(window):
    with qido_server(Habits(studies=[study_row(1)])) as archive, qido_server(Habits()) as site:

        def override(path, headers):
            if path.endswith("/app-config.js"):
                return 200, {}, f"window.config = {{wadoRoot: '{archive.url}'}}".encode()
            return 404, {}, b""

        site.override = override
        page = site.url.removesuffix("/rs") + "/viewer?StudyInstanceUIDs=1.2.1"
        drop_text(window, page)
        for server in (site, archive):
            wait_until(lambda: window.door.bars.bar is not None, "the question")
            bar = window.door.bars.bar
            assert isinstance(bar, QuestionBar)
            assert server.url.partition("://")[2].removesuffix("/rs") in bar.words.text()
            assert server.requests == []
            click(bar.yes)
        wait_until(lambda: isinstance(window.sheets.sheet, StudyBrowser), "the browser")
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the study")
        assert window.door.search.link.url == f"{archive.url}/studies/1.2.1"


def test_a_sign_in_in_an_address_is_left_out(window, private_home):
    with qido_server(Habits(studies=[study_row(1)])) as server:
        address = server.url.replace("://", f"://anna:{SECRET}@") + f"?token={SECRET}"
        open_address(window, address)
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the list")
        assert not any(SECRET in path for path in server.requests)
        assert server.authorizations == [""] * len(server.authorizations)
        assert SECRET not in browser(window).address.text()
        window.session_view.remember_now()
    assert not any(SECRET.encode() in path.read_bytes() for path in written_files(private_home))


# -- who asks --------------------------------------------------------------------------------------


def test_who_asks_is_asked_once_told_when_refused_and_kept_nowhere(window, private_home):
    """E4: asks once; the others wait. Secrets are in no file and in no log."""
    habits = Habits(studies=[study_row(1)], series=[series_row(1)], user="anna", password=SECRET)
    with qido_server(habits) as server:
        open_address(window, server.url)
        wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the sign-in bar")
        bar = window.door.bars.bar
        assert "Test archive" in bar.more.text()
        assert "not encrypted" in bar.more.text()
        assert "has no keyring" in bar.more.text()
        assert not bar.keep.isVisible()
        sign_in(window, "anna", "wrong")
        wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the second question")
        assert "did not take this sign-in" in window.door.bars.bar.words.text()
        assert window.door.bars.bar.user.text() == "anna"
        sign_in(window, "anna", SECRET)
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the list")
        assert browser(window).who.text() == "Signed in as anna"
        threads = [one.name for one in threading.enumerate()]
        assert not any("sign-in" in name for name in threads)
        click(browser(window).sign_out)
        assert credentials.authorization(origin_of(server.url)) == ""
        click(browser(window).form.search)
        wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the question")
        click(window.door.bars.bar.enter)  # a name is wanted
        assert isinstance(window.door.bars.bar, SignInBar)
        QTest.keyClick(window.door.bars.bar, Qt.Key.Key_Escape)
        wait_until(lambda: "who asks" in browser(window).error.text(), "the words")
        assert browser(window).act.text() == "Sign in"
        click(browser(window).act)
        sign_in(window, "anna", SECRET)
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the list")
    assert not any(SECRET.encode() in path.read_bytes() for path in written_files(private_home))


def test_the_keyring_keeps_a_sign_in_when_the_user_says_so(window):
    habits = Habits(studies=[study_row(1)], user="anna", password=SECRET)
    with keyring_in_memory() as drawer, qido_server(habits) as server:
        open_address(window, server.url)
        wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the sign-in bar")
        bar = window.door.bars.bar
        assert isinstance(bar, SignInBar)
        assert bar.keep.isVisible()
        click(bar.keep)
        sign_in(window, "anna", SECRET)
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the list")
        origin = origin_of(server.url)
        assert list(drawer.kept) == [("voxtide", str(origin))]
        next_start = Credentials(vault=KeyringVault())
        assert next_start.refused(origin, "Basic", "") == credentials.authorization(origin)
        click(browser(window).sign_out)
        wait_until(lambda: not drawer.kept, "the forgetting")
        drawer.is_locked = True
        click(browser(window).form.search)
        wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the question")
        click(window.door.bars.bar.keep)
        sign_in(window, "anna", SECRET)
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the list")
        assert drawer.kept == {}


def test_a_refusal_of_who_is_known_offers_another_sign_in(window):
    def override(path, headers):
        given = headers.get("Authorization", "")
        return None if given.startswith("Bearer") else (403, {}, b"")

    with qido_server(Habits(studies=[study_row(1)], override=override)) as server:
        open_address(window, server.url)
        wait_until(lambda: "refuses access" in browser(window).error.text(), "the words")
        click(browser(window).act)
        wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the sign-in bar")
        bar = window.door.bars.bar
        assert isinstance(bar, SignInBar)
        click(bar.kinds.button("bearer"))
        assert not bar.user.isVisible()
        QTest.keyClicks(bar.secret, "abc")
        QTest.keyClick(bar.secret, Qt.Key.Key_Return)
        wait_until(lambda: rows(window) == ["PATIENT, 0001"], "the list")
        assert server.authorizations[-1] == "Bearer abc"


def test_closing_lets_the_question_go(qapp):
    with qido_server(Habits(user="anna", password=SECRET)) as server:
        with main_window(views=False) as window:
            open_address(window, server.url)
            wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the sign-in bar")
        wait_until(
            lambda: not any("sign-in" in one.name for one in threading.enumerate()), "the thread"
        )


def test_a_redirect_to_another_host_takes_no_sign_in_along(qapp):
    with (
        qido_server(Habits(studies=[study_row(2)])) as elsewhere,
        qido_server(Habits(user="anna", password=SECRET)) as server,
    ):

        def override(path, headers):
            target = elsewhere.url + path.removeprefix("/rs")
            has_signed_in = headers.get("Authorization", "").startswith("Basic")
            return (302, {"Location": target}, b"") if has_signed_in else None

        server.override = override
        with main_window(views=False) as window:
            open_address(window, server.url)
            sign_in(window, "anna", SECRET)
            wait_until(lambda: rows(window) == ["PATIENT, 0002"], "the list")
            window.settings.change(known_hosts=[], servers=[])
        assert any(server.authorizations)
        assert elsewhere.authorizations
        assert not any(elsewhere.authorizations)


# -- a real server ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Give an Orthanc that wants a sign-in, with a series that was made here."""
    if why_not():
        pytest.skip(why_not())
    folder = tmp_path_factory.mktemp("guarded")
    write_series(folder / "a", phantom((12, 48, 40)), PatientName="MILLER^Anna", PatientID="7")
    write_series(folder / "b", phantom((9, 48, 40)), PatientName="SMITH^Bob", PatientID="8")
    with orthanc(folder / "orthanc", "anna", SECRET) as server:
        for part in ("a", "b"):
            server.store(path.read_bytes() for path in sorted((folder / part).iterdir()))
        yield server


class Ear:
    """Hear what the program asks servers for."""

    def __init__(self, monkeypatch):
        self.urls: list[str] = []
        client = shared_client()
        send = client.send

        def heard(request, *more):
            self.urls.append(request.url)
            return send(request, *more)

        monkeypatch.setattr(client, "send", heard)

    @property
    def pixels(self) -> list[str]:
        return [url for url in self.urls if "/frames" in url or "/instances/" in url]


def test_a_volume_is_found_and_opened_and_the_second_time_comes_from_the_disk(
    window, guarded: Orthanc, monkeypatch
):
    ear = Ear(monkeypatch)
    credentials.set(origin_of(guarded.root), None)
    window.door.access.clear_frames()
    open_address(window, guarded.root)
    sign_in(window, "anna", SECRET)
    wait_until(lambda: sorted(rows(window)) == ["MILLER, Anna", "SMITH, Bob"], "the list")
    QTest.keyClicks(browser(window).form.patient, "miller")
    QTest.keyClick(browser(window).form.patient, Qt.Key.Key_Return)
    wait_until(lambda: rows(window) == ["MILLER, Anna"], "the answer")
    wait_until(lambda: len(browser(window).tiles()) == 1, "the series")
    wait_until(lambda: bool(window.door.search.pictures), "its picture")
    click(browser(window).tiles()[0])
    wait_until(lambda: is_there(window, 12), "the volume")
    first = window.session.volume.digest(0).sha256
    assert ear.pixels
    uri = window.session.current.uris[0]
    assert SECRET not in uri
    window.session_view.remember()
    item = window.recent.items[0]
    assert item.uri == uri
    assert item.name.endswith(f" at {guarded.site.partition('://')[2]}")
    window.commands.run("file.close")
    ear.urls.clear()
    window.door.open([uri])
    wait_until(lambda: is_there(window, 12), "the volume again")
    assert window.session.volume.digest(0).sha256 == first
    assert [url for url in ear.urls if "/frames/" in url] == []
    assert ear.urls  # the metadata are asked for: they say whether the frames are still those
    window.commands.run("file.close")


def test_an_address_of_a_series_asks_for_host_and_sign_in_and_loads(window, guarded: Orthanc):
    study, address = next(iter(guarded.series().values()))
    credentials.set(origin_of(guarded.root), None)
    credentials.allow_asking(origin_of(guarded.root))
    drop_text(window, address)
    bar = window.door.bars.bar
    assert isinstance(bar, QuestionBar)
    click(bar.yes)
    sign_in(window, "anna", SECRET)
    wait_until(lambda: window.session.volume is not None, "the volume")
    wait_until(lambda: window.session.volume.state.name == "COMPLETE", "the load")
    assert window.session.current.uris == (address,)
    assert window.windowTitle().startswith("127.0.0.1:")
    assert study not in window.windowTitle()
    window.commands.run("file.close")


def test_closing_while_an_opening_waits_for_a_sign_in_ends_it(qapp, guarded: Orthanc):
    _, address = next(iter(guarded.series().values()))
    credentials.set(origin_of(guarded.root), None)
    credentials.allow_asking(origin_of(guarded.root))
    with main_window(views=False) as window:  # fails when a thread of the session does not end
        window.door.open([address], by_hand=True)
        wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the sign-in bar")


def is_there(window, count):
    volume = window.session.volume
    return (
        volume is not None and volume.state.name == "COMPLETE" and volume.spec.shape_kji[0] == count
    )


# -- what is kept on the disk ----------------------------------------------------------------------


def test_keeping_frames_can_be_bounded_switched_off_and_cleared(window):
    window.door.access.set_up()
    cache = frame_cache.current()
    assert cache is not None
    assert cache.limit_bytes == 4_000_000_000
    cache.put("https://pacs.example/frames/1", CachedFrame(bytes(1000)))
    assert cache.get("https://pacs.example/frames/1") is not None
    window.commands.run("edit.settings")
    sheet = window.sheets.sheet
    assert isinstance(sheet, SettingsSheet)
    click(sheet.clear_frames)
    wait_until(lambda: cache.size_bytes == 0, "the clearing")
    assert cache.get("https://pacs.example/frames/1") is None
    for typed, limit in (("250", 250_000_000), ("0", None)):
        sheet.frames.setFocus()
        sheet.frames.selectAll()
        QTest.keyClicks(sheet.frames, typed)
        QTest.keyClick(sheet.frames, Qt.Key.Key_Return)
        present = frame_cache.current()
        assert (present.limit_bytes if present else None) == limit
    window.settings.change(frame_cache_mb=4000)


def test_trying_again_asks_again_who_asks(window):
    """The sign-in ends in the middle of a load; the user says no, thinks again, and goes on."""
    store = Store(small_phantom(30, 64))
    gate, wanted = {"open": 12}, Identity("basic", "a", "second").authorization

    def guarded_store(asked):
        is_signed_in = asked.headers.get("authorization") == wanted
        if store.slice_of(asked) is not None and not is_signed_in:
            gate["open"] -= 1
            if gate["open"] < 0:
                return Reply(401, headers={"WWW-Authenticate": "Basic"})
        return store(asked)

    with WebServer(guarded_store) as server:
        window.door.open([f"{server.url}{store.path}"], by_hand=True)
        wait_until(lambda: isinstance(window.door.bars.bar, SignInBar), "the sign-in bar")
        window.door.bars.bar.refuse()
        wait_until(lambda: window.session.volume.state.name == "COMPLETE_WITH_FAILURES", "the end")
        window.commands.run("load.retry")
        sign_in(window, "a", "second")
        wait_until(lambda: window.session.volume.state.name == "COMPLETE", "the load")
        assert (window.session.volume.stored() == store.volume).all()
        window.commands.run("file.close")
