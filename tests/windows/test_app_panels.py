"""Panels, modes, themes: what folds, what follows, and how large a control is."""

import json

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider, QWidget

from app.settings import config_folder
from app.sheets import Sheet
from app.theme import DARK, HIT, LIGHT
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import (
    click,
    differs,
    drag,
    grab,
    main_window,
    open_and_wait,
    press,
    wait_until,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("series") / "Phantom"
    write_series(path, phantom((24, 48, 40)), WindowCenter="60", WindowWidth="500")
    return path


@pytest.fixture(scope="module")
def shared_window(qapp, folder):
    with main_window() as made:
        open_and_wait(made, folder)
        yield made


@pytest.fixture
def window(shared_window):
    shared_window.activateWindow()
    assert QTest.qWaitForWindowActive(shared_window)
    yield shared_window
    shared_window.sheets.close()
    shared_window.modes.leave()
    shared_window.resize(1280, 800)
    QTest.qWait(30)
    while shared_window.views.can_undo:
        shared_window.views.undo()
    shared_window.give_focus_to_views()


def test_the_ends_of_the_ramp_can_be_dragged_and_one_drag_is_one_undo(window):
    histogram = window.display.window_section.histogram
    wait_until(lambda: histogram._heights, "the histogram")
    low, high = histogram.ends
    picture = window.views.grab_picture("axial")
    drag(histogram, QPoint(round(histogram.x_of(high)), 12), QPoint(-30, 0))
    new_low, new_high = histogram.ends
    assert new_low == pytest.approx(low)
    assert new_high < high - 50
    assert window.views.state.window == pytest.approx(new_high - new_low)
    assert differs(picture, window.views.grab_picture("axial")) > 200
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert histogram.ends == pytest.approx((low, high))


def test_the_ramp_is_drawn_over_the_counts(window):
    histogram = window.display.window_section.histogram
    wait_until(lambda: histogram._heights, "the histogram")
    picture = grab(histogram)
    accent, grey = 0, 0
    for x in range(picture.width()):
        for y in range(picture.height()):
            colour = picture.pixelColor(x, y)
            accent += colour.name().upper() == DARK.accent
            grey += colour.red() > 50 and abs(colour.red() - colour.green()) < 14
    assert accent > 100
    assert grey > 300


def test_numbers_are_taken_with_enter_and_nonsense_is_put_back(window):
    field = window.display.window_section.width_
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "320,5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert window.views.state.window == pytest.approx(320.5)
    field.selectAll()
    QTest.keyClicks(field, "wide")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert window.views.state.window == pytest.approx(320.5)
    assert field.text() == "320"


def test_presets_of_the_file_come_first(window):
    preset = window.display.window_section.preset
    assert preset.itemData(0) == "500/60"
    assert preset.findData("1500/-600") > 0
    preset.setCurrentIndex(preset.findData("1500/-600"))
    preset.activated.emit(preset.currentIndex())
    assert window.views.state.window == 1500
    assert preset.currentText() == "Lung"


def test_sections_fold(window):
    section = window.display.planes_section
    assert section._body.isVisible()
    click(section._head, QPoint(30, 14))
    assert not section._body.isVisible()
    click(section._head, QPoint(30, 14))
    assert section._body.isVisible()


def test_panels_fold_and_the_picture_takes_their_room(window):
    width = window.views.width()
    press(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    wait_until(lambda: not window.series.isVisible(), "the folded panel")
    assert window.views.width() == width + 232
    press(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert window.views.width() == 1280
    kept = json.loads((config_folder() / "settings.json").read_text())["settings"]
    assert (kept["series_panel"], kept["display_panel"]) == (False, False)
    press(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    press(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert window.views.width() == width


def test_only_pictures_folds_everything_and_text_too(window):
    press(window, Qt.Key.Key_F9)
    assert window.views.size() == window.deck.size()
    assert not window.views.state.text_visible
    for part in (window.series, window.display, window.status, window.deck.toolbar):
        assert not part.isVisible()
    press(window, Qt.Key.Key_Escape)
    assert window.views.state.text_visible
    assert window.deck.toolbar.isVisible()


def test_full_screen_has_no_bars_and_the_top_edge_brings_one(window):
    press(window, Qt.Key.Key_F11)
    # how large it becomes is the window manager's affair, and here is none
    wait_until(window.isFullScreen, "the full screen")
    assert not window.deck.toolbar.isVisible()
    assert window.views.size() == window.deck.size()
    middle = window.mapToGlobal(window.rect().center())
    QCursor.setPos(middle)
    QTest.qWait(20)
    QCursor.setPos(middle.x(), window.mapToGlobal(QPoint(0, 0)).y())
    wait_until(window.deck.toolbar.isVisible, "the bar at the edge")
    QCursor.setPos(middle)
    wait_until(lambda: not window.deck.toolbar.isVisible(), "the bar to go")
    press(window, Qt.Key.Key_F11)
    wait_until(lambda: not window.isFullScreen(), "the window")
    assert window.deck.toolbar.isVisible()


def test_a_narrow_window_lays_panels_over_the_picture(window):
    window.resize(900, 600)
    wait_until(lambda: window.deck.width() == 900, "the narrow window")
    assert window.views.width() == 900
    assert window.views.state.layout == "one_plus_three"
    press(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert window.series.isVisible()
    assert window.views.width() == 900
    wait_until(lambda: window.series.x() == 0, "the whole panel")
    seen = grab(window)
    assert seen.pixelColor(16, 560).name().upper() == DARK.panel
    press(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert window.display.isVisible()
    wait_until(lambda: not window.series.isVisible(), "the folded panel")
    press(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    window.resize(1280, 800)
    wait_until(lambda: window.views.state.layout == "four_up", "four views again")


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda one: one.name)
def test_a_theme_dresses_everything_but_the_picture(window, theme):
    before = window.views.grab_picture("axial")
    window.commands.run(f"view.theme.{theme.name}")
    QTest.qWait(50)
    seen = grab(window)
    for widget, colour in ((window.series, theme.panel), (window.status, theme.panel)):
        corner = widget.mapTo(window, QPoint(widget.width() - 6, widget.height() - 4))
        assert seen.pixelColor(corner).name().upper() == colour
    assert differs(before, window.views.grab_picture("axial")) == 0
    window.commands.run("view.theme.dark")


def controls(window):
    kinds = (QAbstractButton, QComboBox, QLineEdit, QSlider)
    for kind in kinds:
        for found in window.findChildren(kind):
            inside = found.parentWidget()
            if found.isVisible() and not isinstance(inside, QComboBox):
                yield found


def test_every_control_is_large_enough_and_has_a_name(window):
    window.status.show_text("Paused", "Continue")
    window.status.show_notices(1, is_serious=False)
    for sheet in (None, "edit.settings", "help.about"):
        if sheet:
            window.commands.run(sheet)
        QTest.qWait(20)
        for control in controls(window):
            where = f"{type(control).__name__} {control.accessibleName() or control.objectName()}"
            assert control.height() >= HIT, where
            assert control.width() >= HIT, where
            name = control.accessibleName() or getattr(control, "text", str)()
            assert name.strip(), where


def test_everything_that_takes_the_keyboard_has_a_name(window):
    for widget in window.findChildren(QWidget):
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            if widget.objectName().startswith("qt_"):
                continue
            name = widget.accessibleName() or getattr(widget, "text", str)()
            assert name, f"{type(widget).__name__} {widget.objectName()}"


@pytest.mark.parametrize("id_", ["help.about", "help.start", "help.colours", "edit.settings"])
def test_sheets_open_over_the_window_and_close_with_escape(window, id_):
    before = grab(window)
    window.commands.run(id_)
    sheet = window.sheets.sheet
    assert sheet is not None
    assert window.deck.rect().contains(sheet.geometry())
    assert differs(before, grab(window)) > 5000
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert window.sheets.sheet is None
    assert differs(before, grab(window)) < 400


@pytest.mark.parametrize("corner", [False, True])
def test_the_next_part_of_the_window_is_the_open_sheet_not_what_it_covers(window, corner):
    sheet = Sheet("A sheet", QSize(400, 300), corner=corner)
    window.show_sheet("a sheet", lambda: sheet)
    seen = []
    for _ in range(6):
        window.nav.next_region(1)
        seen.append(window.focusWidget())
    assert sheet in seen
    covered = [one for one in seen if window.deck.centre.isAncestorOf(one)]
    assert bool(covered) == corner
    window.sheets.close()


def test_diagnostics_name_the_renderer_and_no_person(window, folder):
    from app.about import diagnostics

    text = diagnostics()
    for word in ("Voxtide", "Python", "Qt", "OpenGL", "vtk", "decoder imagecodecs: found"):
        assert word in text
    assert str(folder) not in text


def test_tooltips_name_the_key(window):
    assert window.deck.toolbar.series.toolTip() == "Series panel  (Ctrl+B)"
    assert window.deck.toolbar.display.toolTip() == "Display panel  (Ctrl+D)"


def test_holding_alt_brings_the_menu_bar_and_moves_nothing(window):
    views = window.views.geometry()
    handle = window.windowHandle()
    QTest.keyPress(handle, Qt.Key.Key_Alt)
    wait_until(window.menu_bar.isVisible, "the menu bar")
    assert [action.text() for action in window.menu_bar.actions()] == [
        "File", "Edit", "View", "Image", "3D", "Load", "Help",
    ]  # fmt: skip
    assert window.views.geometry() == views
    QTest.keyRelease(handle, Qt.Key.Key_Alt)
    wait_until(lambda: not window.menu_bar.isVisible(), "the menu bar to go")
