"""Drops as the window system brings them: wherever they fall, they are the window's."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit

from app.bars import QuestionBar
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import drag_enter, is_complete, main_window, open_and_wait, wait_until


@pytest.fixture
def folders(tmp_path):
    for name in ("first", "second"):
        write_series(tmp_path / name, phantom((6, 24, 20)), SeriesDescription=name)
    return tmp_path / "first", tmp_path / "second"


@pytest.fixture
def window(qapp, folders):
    with main_window() as made:
        open_and_wait(made, folders[0])
        yield made


def drop_there(window, data, at):
    """Let the native window find who takes the drop, as for one that comes from outside."""
    handle = window.windowHandle()
    enter = drag_enter(at, data)
    QApplication.sendEvent(handle, enter)
    if not enter.isAccepted():
        return False
    left, no_keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(at), Qt.DropAction.CopyAction, data, left, no_keys)
    QApplication.sendEvent(handle, event)
    return event.isAccepted()


def files(*paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


@pytest.mark.parametrize("where", ["number", "palette", "settings", "details"])
def test_a_folder_dropped_on_a_field_is_opened_and_not_written(window, folders, where):
    if where == "palette":
        window.open_palette()
    elif where == "settings":
        window.commands.run("edit.settings")
    elif where == "details":
        window.commands.run("help.about")
    sheet = window.sheets.sheet
    kind = QPlainTextEdit if where == "details" else QLineEdit
    inside = {"number": window.display, "palette": window.palette_}.get(where, sheet)
    field = next(one for one in inside.findChildren(kind) if not one.visibleRegion().isEmpty())
    at = field.mapTo(window, field.visibleRegion().boundingRect().center())
    assert drop_there(window, files(folders[1]), at)
    wait_until(lambda: is_complete(window), "the load")
    assert window.session.volume.spec.label == "second"
    assert window.sheets.sheet is None, "what was opened is to be seen"
    assert not window.palette_.isVisible()


def test_an_address_that_is_dropped_as_text_is_asked_about(window):
    data = QMimeData()
    data.setText("https://pacs.example/dicom-web/studies/1.2.3\n")
    assert drop_there(window, data, window.rect().center())
    bar = window.door.bars.bar
    assert isinstance(bar, QuestionBar)
    assert "pacs.example" in bar.words.text()


@pytest.mark.parametrize("words", ["words", "", "C:\\scans", "/data/1.dcm"])
def test_other_text_is_not_taken(window, words):
    data = QMimeData()
    data.setText(words)
    assert not drop_there(window, data, QPoint(400, 300))
    assert not window.drops.frame.isVisible()
    assert not window.session.is_opening
