"""Opening: a drop becomes pictures, a failure becomes words, and nothing open is lost."""

import shutil
import threading

import numpy as np
import pytest

from app.series_panel import SeriesCard
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import (
    brightness,
    click,
    differs,
    drop,
    grab,
    is_complete,
    main_window,
    open_and_wait,
    wait_until,
)


@pytest.fixture
def series(tmp_path):
    folder = tmp_path / "Phantom"
    write_series(folder, phantom((16, 48, 40)))
    return folder


@pytest.fixture
def two_series(tmp_path):
    folder = tmp_path / "Both"
    write_series(folder / "a", phantom((12, 48, 40)), SeriesDescription="Short")
    write_series(folder / "b", phantom((20, 40, 48)), SeriesDescription="Long")
    return folder


def cards(window):
    return [card for card in window.series.findChildren(SeriesCard) if card.isVisible()]


def test_a_drop_becomes_pictures(qapp, series):
    with main_window() as window:
        open_and_wait(window, series)
        assert window.windowTitle() == "Phantom \u2013 Voxtide"
        for view in ("axial", "coronal", "sagittal"):
            assert brightness(window.views.grab_picture(view)) > 8, view
        wait_until(lambda: brightness(grab(window.views)) > 8, "the picture in the window")
        assert window.status.text.text().startswith("16 slices, 40 x 48, 0.50 x 0.75 x 2.00 mm")
        assert window.series.isVisible()
        assert window.display.isVisible()
        assert [card.count.text() for card in cards(window)] == ["16 CT"]


def test_files_and_a_zip_open_as_a_folder_does(qapp, series, tmp_path):
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", series)
    with main_window() as window:
        open_and_wait(window, *sorted(series.iterdir()))
        assert window.session.volume.spec.shape_kji == (16, 48, 40)
        from pathlib import Path

        open_and_wait(window, Path(packed))
        assert window.windowTitle() == "packed.zip \u2013 Voxtide"
        assert window.session.volume.spec.shape_kji == (16, 48, 40)


def test_the_first_choice_opens_and_a_click_opens_the_other(qapp, two_series):
    with main_window() as window:
        open_and_wait(window, two_series)
        assert [card.name.text() for card in cards(window)] == ["Long", "Short"]
        assert window.session.volume.spec.shape_kji == (20, 40, 48)
        before = window.views.grab_picture("axial")
        click(cards(window)[1])
        wait_until(lambda: window.session.volume.spec.shape_kji == (12, 48, 40), "the other series")
        wait_until(lambda: window.session.volume.state.is_over, "the load")
        after = window.views.grab_picture("axial").scaled(before.size())
        assert differs(before, after) > 500


def test_series_get_thumbnails_without_being_opened(qapp, two_series):
    with main_window() as window:
        open_and_wait(window, two_series)
        wait_until(lambda: len(window.thumbnails.pictures) == 2, "two thumbnails")
        for card in cards(window):
            assert brightness(grab(card.thumbnail)) > 15


def test_another_drop_is_added_and_the_first_stays_in_the_list(qapp, series, two_series):
    with main_window() as window:
        open_and_wait(window, series)
        open_and_wait(window, two_series)
        assert [card.name.text() for card in cards(window)] == ["Long", "Short", "Phantom"]
        open_and_wait(window, series)
        assert [card.name.text() for card in cards(window)] == ["Phantom", "Long", "Short"]


def test_what_cannot_be_opened_is_told_in_the_card(qapp, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("no picture")
    with main_window() as window:
        drop(window, tmp_path / "notes")
        wait_until(lambda: not window.session.is_opening, "the end of the opening")
        told = f"{window.start.card.title.text()} {window.start.card.text.text()}"
        assert "notes" in told
        assert window.deck.centre.currentWidget() is window.start
        drop(window, tmp_path / "nowhere")
        wait_until(lambda: not window.session.is_opening, "the end of the opening")
        assert "nowhere" in f"{window.start.card.title.text()} {window.start.card.text.text()}"


def test_a_failed_opening_keeps_what_was_open(qapp, series, tmp_path):
    (tmp_path / "a.txt").write_text("no picture")
    with main_window() as window:
        open_and_wait(window, series)
        volume = window.session.volume
        before = window.views.grab_picture("axial")
        drop(window, tmp_path / "a.txt")
        wait_until(lambda: not window.session.is_opening, "the end of the opening")
        assert window.session.volume is volume
        assert differs(before, window.views.grab_picture("axial")) == 0
        assert [row.code for row in window.notices.rows()] == ["open_failed"]
        assert window.status.notices.isVisible()
        click(window.status.notices)
        assert window.sheets.sheet is not None


def test_missing_slices_are_told_and_can_be_shown(qapp, tmp_path):
    paths = write_series(tmp_path / "Gap", phantom((20, 48, 40)))
    for path in paths[8:11]:
        path.unlink()
    with main_window() as window:
        open_and_wait(window, tmp_path / "Gap")
        rows = {row.code: row for row in window.notices.rows()}
        assert "missing_slices" in rows
        assert rows["missing_slices"].act == "Show"
        show = rows["missing_slices"].run
        assert show is not None
        show()
        absent = window.session.volume.spec.absent
        assert window.views.slice_position("axial")[0] in absent


def test_a_slice_that_fails_is_counted_and_can_be_tried_again(qapp, tmp_path):
    paths = write_series(tmp_path / "Cut", phantom((14, 64, 64)))
    whole = paths[5].read_bytes()
    paths[5].write_bytes(whole[:-3000])
    with main_window() as window:
        open_and_wait(window, tmp_path / "Cut")
        failed = [row for row in window.notices.rows() if row.code == "chunk_failed"]
        assert failed, [row.code for row in window.notices.rows()]
        assert "13" in failed[0].where
        assert "1 could not be read" in window.status.text.text()
        card = cards(window)[0]
        assert "1 failed" in card.percent.text()
        strip = grab(card.strip)
        reds = {strip.pixelColor(x, 0).name() for x in range(strip.width())}
        assert "#ff7a6b" in reds
        try_again = failed[0].run
        assert try_again is not None
        paths[6].rename(paths[5])
        try_again()
        wait_until(lambda: is_complete(window), "another try")
        assert window.session.volume.failures, "another slice does not get into its place"
        paths[5].write_bytes(whole)
        try_again()
        wait_until(lambda: is_complete(window), "another try")
        assert not window.session.volume.failures
        assert not window.notices.rows()
        assert np.array_equal(window.session.volume.stored(), phantom((14, 64, 64)))


def test_closing_goes_back_to_the_start_page_and_ends_every_thread(qapp, series):
    with main_window() as window:
        open_and_wait(window, series)
        window.commands.run("file.close")
        assert window.deck.centre.currentWidget() is window.start
        assert window.windowTitle() == "Voxtide"
        assert window.session.join(10.0)
        names = [thread.name for thread in threading.enumerate()]
        assert "close" not in names
        assert "open" not in names


def test_closing_the_window_while_it_loads_asks_nothing(qapp, tmp_path):
    write_series(tmp_path / "Large", phantom((200, 128, 128)))
    with main_window() as window:
        drop(window, tmp_path / "Large")
        wait_until(lambda: window.session.volume is not None, "the volume")
        volume = window.session.volume
        window.close()
        assert not window.isVisible()
        assert window.session.join(10.0)
        assert volume.state.name == "CLOSED"


def test_opening_can_be_stopped(qapp, series):
    with main_window() as window:
        drop(window, series)
        window.session.stop_opening()
        assert not window.session.is_opening
        assert window.session.join(10.0)
        assert window.session.volume is None
        assert window.deck.centre.currentWidget() is window.start


def test_pause_and_continue(qapp, tmp_path):
    write_series(tmp_path / "Large", phantom((150, 128, 128)))
    with main_window() as window:
        drop(window, tmp_path / "Large")
        wait_until(lambda: window.session.volume is not None, "the volume")
        window.session.pause()
        wait_until(lambda: window.session.volume.state.is_over, "the pause")
        if window.session.volume.state.name == "CANCELLED":
            wait_until(lambda: "Paused at" in window.status.text.text(), "the words")
            click(window.status.act)
        wait_until(lambda: window.session.volume.state.name == "COMPLETE", "the rest of the load")
        stored = np.asarray(window.session.volume.stored())
        assert np.array_equal(stored, phantom((150, 128, 128)))


def test_names_are_hidden_everywhere(qapp, tmp_path):
    write_series(tmp_path / "Miller", phantom(), PatientName="Miller^Anna")
    with main_window() as window:
        open_and_wait(window, tmp_path / "Miller")
        shown = grab(window)
        window.commands.run("view.hide_names")
        assert window.views.state.names_hidden
        assert window.windowTitle() == "Voxtide"
        wait_until(lambda: cards(window), "the list")
        texts = [label.text() for label in window.series.findChildren(type(cards(window)[0].name))]
        assert not any("Miller" in text for text in texts if text)
        assert differs(shown, grab(window)) > 50
        window.commands.run("view.hide_names")


def test_a_volume_that_fits_only_alone_takes_the_room_of_the_one_before(
    qapp, two_series, monkeypatch
):
    """The long series takes 76,800 bytes, the short one 46,080; 90,000 are free in all."""
    from loading import memory

    with main_window() as window:

        def free():
            open_now = window.session.volume
            taken = open_now.spec.size_bytes if open_now is not None else 0
            return memory.RESERVE_BYTES + 90_000 - taken

        open_and_wait(window, two_series)
        assert window.session.volume.spec.size_bytes == 20 * 40 * 48 * 2
        monkeypatch.setattr(memory, "free_bytes", free)
        click(cards(window)[1])
        wait_until(lambda: window.session.volume is not None, "the short series")
        wait_until(lambda: window.session.volume.spec.shape_kji == (12, 48, 40), "the short one")
        monkeypatch.setattr(memory, "free_bytes", lambda: memory.RESERVE_BYTES + 10)
        before = window.session.volume
        wait_until(lambda: before.state.is_over, "the load")
        click(cards(window)[0])
        wait_until(lambda: not window.session.is_opening, "the refusal")
        assert window.session.volume is before
        assert [row.code for row in window.notices.rows()] == ["open_failed"]
        assert "needed" in window.notices.rows()[0].message


def test_too_large_with_nothing_open_is_told_on_the_card(qapp, series):
    with main_window() as window:
        window.session.memory_limit_bytes = 10_000
        open_and_wait(window, series)
        wait_until(window.start.isVisible, "the start page")
        wait_until(lambda: "needed, the limit is" in window.start.card.title.text(), "the words")
        wait_until(lambda: len(cards(window)) == 1, "the card of the series")
        window.session.memory_limit_bytes = None
        click(cards(window)[0])
        wait_until(lambda: window.session.volume is not None, "the series")
        wait_until(lambda: is_complete(window), "the load")
        assert not window.start.isVisible()
        assert brightness(window.views.grab_picture("axial")) > 8


def test_a_folder_that_goes_away_is_said_in_one_sentence_and_can_be_tried_again(qapp, tmp_path):
    voxels = phantom((30, 64, 64))
    folder = tmp_path / "Stick"
    cut = write_series(folder, voxels)[7]
    whole = cut.read_bytes()
    cut.write_bytes(whole[:-3000])
    with main_window() as window:
        open_and_wait(window, folder)
        before = window.views.grab_picture("axial")
        wait_until(lambda: "1 could not be read" in window.status.text.text(), "the count")
        folder.rename(tmp_path / "Elsewhere")
        window.commands.run("load.retry")
        wait_until(lambda: "not reachable" in window.status.text.text(), "the sentence")
        assert window.status.act.text() == "Try again"
        assert brightness(before) > 8
        assert differs(before, window.views.grab_picture("axial")) == 0, "pictures stay"
        (tmp_path / "Elsewhere").rename(folder)
        cut.write_bytes(whole)
        click(window.status.act)
        wait_until(lambda: window.session.volume.state.name == "COMPLETE", "the rest")
        wait_until(lambda: "not reachable" not in window.status.text.text(), "the end of it")
        assert np.array_equal(window.session.volume.stored(), voxels)
