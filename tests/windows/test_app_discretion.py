"""What the window says of things it cannot open, and what it keeps to itself."""

import shutil

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QWidget

from app.menus import fill_recent
from app.palette_rows import gather
from app.start_page import RecentCard
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.views import move
from tests.helpers.window import (
    differs,
    drop,
    grab,
    main_window,
    open_and_wait,
    wait_until,
)


@pytest.fixture
def patient(tmp_path):
    folder = tmp_path / "Miller_Anna"
    write_series(folder, phantom(), PatientName="Miller^Anna")
    return folder


def words(widget: QWidget) -> str:
    labels = [one.text() for one in widget.findChildren(QLabel) if one.isVisible()]
    cards = [one.accessibleName() for one in widget.findChildren(RecentCard) if one.isVisible()]
    return " ".join(labels + cards)


def test_hidden_names_are_hidden_among_the_recent_items(qapp, patient):
    with main_window() as window:
        open_and_wait(window, patient)
        window.commands.run("file.close")
        assert "Miller" in words(window.start)
        shown = grab(window.start)
        window.commands.run("view.hide_names")
        try:
            assert "Miller" not in words(window.start)
            assert differs(shown, grab(window.start)) > 10
            menu = QMenu()
            fill_recent(window, menu)
            rows = [action.text() for action in menu.actions()] + [h.title for h in gather(window)]
            assert not any("Miller" in row for row in rows)
            drop(window, patient)
            assert "Miller" not in window.status.text.text() + words(window.start)
            wait_until(lambda: not window.session.is_opening, "the opening")
            assert "Miller" not in window.windowTitle()
        finally:
            window.commands.run("view.hide_names")


def test_hidden_names_of_folders_are_in_no_notice_tooltip_or_failure(qapp, patient):
    (patient / "Miller_report.txt").write_text("no picture")
    cut, twice = sorted(patient.glob("*.dcm"))[:2]
    cut.write_bytes(cut.read_bytes()[:-500])
    shutil.copy(twice, patient / "Miller_again.dcm")
    scout = patient / "scout"
    write_series(scout, phantom((1, 40, 40)), PatientName="Miller^Anna")
    with main_window() as window:
        window.commands.run("view.hide_names")
        try:
            open_and_wait(window, patient)
            drop(window, patient / "Miller_report.txt")
            wait_until(lambda: not window.session.is_opening, "the failure")
            rows = window.notices.rows()
            assert {"open_failed", "skipped_files", "chunk_failed"} <= {row.code for row in rows}
            told = [part for row in rows for part in (row.message, row.where, row.details)]
            told += [one.toolTip() for one in window.findChildren(QWidget)]
            strip = window.views.findChild(QWidget, "quality-strip")
            told += [strip.tooltip_at(float(x)) for x in range(0, strip.width(), 20)]
            told += [one.text() for one in window.findChildren(QLabel)]
            told.append(window.status.text.text())
            assert not [text for text in told if "Miller" in text]
            assert [text for text in told if "could not be read" in text]
        finally:
            window.commands.run("view.hide_names")
        told = [part for row in window.notices.rows() for part in (row.message, row.details)]
        assert any("Miller_report.txt" in text for text in told), "and back again"


def test_what_was_open_for_a_moment_is_remembered(qapp, patient, tmp_path):
    write_series(tmp_path / "Second", phantom())
    with main_window() as window:
        open_and_wait(window, patient)
        open_and_wait(window, tmp_path / "Second")
        window.commands.run("file.close")
        names = [item.name for item in window.recent.items]
        assert names[:2] == ["Second", "Miller_Anna"]


def test_a_folder_without_images_says_what_it_holds(qapp, tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.txt").write_text("no picture")
    (folder / "list.json").write_text("{}")
    with main_window() as window:
        drop(window, folder)
        wait_until(lambda: not window.session.is_opening, "the end of the opening")
        assert window.start.card.title.text() == "No images found in \u201cpapers\u201d"
        assert window.start.card.text.text().startswith("4 files read: 3 text, 1 JSON. ")
        in_code_type = grab(window.start.card.title)
        window.start.card.title.show_words("No images found in papers")
        assert differs(in_code_type, grab(window.start.card.title)) > 20, "a name is in code type"


def test_a_path_that_is_not_there_is_said_in_three_sentences(qapp, tmp_path):
    with main_window() as window:
        drop(window, tmp_path / "nowhere")
        wait_until(lambda: window.start.card.title.text() == "There is no such file.", "the card")
        assert window.start.card.text.text().endswith("nowhere. Was it moved or renamed?")


def test_a_failed_slice_is_told_with_the_name_of_its_file(qapp, tmp_path):
    paths = write_series(tmp_path / "Cut", phantom((9, 40, 40)))
    paths[4].write_bytes(paths[4].read_bytes()[:-900])
    with main_window() as window:
        open_and_wait(window, tmp_path / "Cut")
        (row,) = [row for row in window.notices.rows() if row.code == "chunk_failed"]
        assert row.message == (
            "1 slice could not be read: it ends early: 900 of 3200 bytes of pixels are missing "
            f"({paths[4].name})."
        )
        assert row.where.startswith("Series Phantom. The other 8 slices are shown.")
        assert row.names == (paths[4].name,)
        assert str(paths[4]) in row.details, "there is everything to copy, the path too"
        strip = window.views.findChild(QWidget, "quality-strip")
        told = {strip.tooltip_at(float(x)) for x in range(0, strip.width(), 20)}
        assert any(f"missing ({paths[4].name})" in words for words in told)
        assert not any(str(tmp_path) in words for words in told), "the name, not the whole path"


def test_the_value_can_be_copied_though_the_menu_takes_the_pointer_away(qapp, patient):
    with main_window() as window:
        open_and_wait(window, patient)
        view = window.views.findChild(QWidget, "view-axial")
        assert view is not None
        move(view, QPointF(view.rect().center()))
        value = window.teller.pointer
        QTest.mouseClick(view, Qt.MouseButton.RightButton, pos=view.rect().center())
        menu = next(m for m in window.findChildren(QMenu) if m.isVisible())
        QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
        copy = next(a for a in menu.actions() if a.objectName() == "edit.copy_value")
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(copy).center())
        assert QApplication.clipboard().text() == value
        assert value.startswith("x ")
