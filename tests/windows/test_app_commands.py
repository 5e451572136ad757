"""The command table: everything has an id, a title and a way to reach it, and does what it says."""

from collections import Counter
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import differs, grab, main_window, open_and_wait, press, wait_until

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
KEYPAD = Qt.KeyboardModifier.KeypadModifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("series") / "Phantom"
    write_series(path, phantom((40, 48, 40)), WindowCenter="60", WindowWidth="500")
    return path


@pytest.fixture(scope="module")
def shared_window(qapp, folder):
    with main_window() as made:
        open_and_wait(made, folder)
        yield made


@pytest.fixture
def window(shared_window):
    """Give the one window, as it was when the series had been opened."""
    shared_window.activateWindow()
    assert QTest.qWaitForWindowActive(shared_window)
    yield shared_window
    shared_window.sheets.close()
    shared_window.palette_.leave()
    shared_window.keys.leave()
    while shared_window.views.can_undo:
        shared_window.views.undo()
    shared_window.give_focus_to_views()


def menu_texts(menu):
    for action in menu.actions():
        if action.menu() is not None:
            yield from menu_texts(action.menu())
        elif not action.isSeparator():
            yield action.text()


def test_every_command_is_named_and_stands_in_the_menu_and_the_palette(window):
    commands = window.commands.all
    assert len({command.id for command in commands}) == len(commands)
    in_menu = set(menu_texts(window.main_menu))
    rows = {hit.key: hit for hit in window.commands.hits()}
    for command in commands:
        assert command.title.strip(), command.id
        assert not command.title.endswith((".", "!")), command.id
        assert command.menu, command.id
        assert command.title in in_menu, command.id
        assert rows[f"command:{command.id}"].title == command.title


def test_every_command_is_found_by_typing_its_title(window):
    window.open_palette()
    for command in window.commands.all:
        window.palette_.field.setText(command.title)
        assert f"command:{command.id}" in [hit.key for hit in window.palette_.hits], command.id


def test_no_key_means_two_things(window):
    keys = Counter(
        sequence.toString()
        for command in window.commands.all
        for sequence in window.commands.action(command.id).shortcuts()
    )
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_key_of_the_table_is_a_key(window):
    for command in window.commands.all:
        for key in command.keys:
            # PySide6's annotations do not know that a sequence of keys can be indexed.
            first: Any = QKeySequence(key)
            assert first[0].key() != Qt.Key.Key_unknown, (command.id, key)


def test_what_cannot_be_done_says_why_and_does_nothing(qapp):
    with main_window() as window:
        for command in window.commands.all:
            reason = command.reason()
            if not reason:
                continue
            assert not reason.endswith("."), command.id
            window.commands.run(command.id)
            assert reason in window.status.text.text() or window.deck.is_empty
        state = window.views.state
        window.commands.run("image.invert")
        assert window.views.state == state


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        (Qt.Key.Key_2, ("window", "level"), (400, 40)),
        (Qt.Key.Key_3, ("window", "level"), (1500, -600)),
        (Qt.Key.Key_4, ("window", "level"), (2000, 300)),
        (Qt.Key.Key_5, ("window", "level"), (80, 40)),
        (Qt.Key.Key_6, ("window", "level"), (350, 50)),
        (Qt.Key.Key_7, ("window", "level"), (350, 25)),
        (Qt.Key.Key_8, ("window", "level"), (150, 90)),
        (Qt.Key.Key_9, ("window", "level"), (40, 40)),
        (Qt.Key.Key_I, ("inverted",), (True,)),
        (Qt.Key.Key_H, ("text_visible",), (False,)),
        (Qt.Key.Key_X, ("crosshair_visible",), (False,)),
        (Qt.Key.Key_A, ("layout",), ("axial",)),
        (Qt.Key.Key_C, ("layout",), ("coronal",)),
        (Qt.Key.Key_S, ("layout",), ("sagittal",)),
        (Qt.Key.Key_V, ("layout",), ("volume",)),
    ],
)
def test_a_key_changes_the_picture_and_undo_brings_it_back(window, key, field, value):
    before, picture = window.views.state, grab(window.views)
    press(window, key)
    assert tuple(getattr(window.views.state, name) for name in field) == value
    assert differs(picture, grab(window.views)) > 40
    press(window, Qt.Key.Key_Z, CTRL)
    for name in field:
        assert getattr(window.views.state, name) == getattr(before, name)
    press(window, Qt.Key.Key_Z, CTRL, SHIFT)
    assert tuple(getattr(window.views.state, name) for name in field) == value


def test_zero_and_one_bring_the_window_of_the_data_and_of_the_file(window):
    press(window, Qt.Key.Key_3)
    press(window, Qt.Key.Key_1)
    assert (window.views.state.window, window.views.state.level) == (500, 60)
    press(window, Qt.Key.Key_0)
    assert 900 < window.views.state.window < 1300  # air at -1000 and body at 40


def test_keys_walk_through_the_slices(window):
    def k():
        return window.views.slice_position("axial")[0]

    start = k()
    for key, distance in (
        (Qt.Key.Key_Down, 1),
        (Qt.Key.Key_Up, -1),
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Left, -1),
        (Qt.Key.Key_PageDown, 10),
        (Qt.Key.Key_PageUp, -10),
    ):
        before = k()
        press(window, key)
        assert k() == before + distance, key
    assert k() == start
    press(window, Qt.Key.Key_End)
    assert k() == 39
    press(window, Qt.Key.Key_Home)
    assert k() == 0


def test_n_changes_between_nearest_and_linear(window):
    first = window.views.state.interpolation
    press(window, Qt.Key.Key_N)
    assert window.views.state.interpolation != first
    press(window, Qt.Key.Key_N)
    assert window.views.state.interpolation == first


def test_plus_minus_z_and_f_change_the_zoom(window):
    def zoom():
        return window.views.state.axial.zoom

    press(window, Qt.Key.Key_Plus)
    assert zoom() == pytest.approx(1.15)
    press(window, Qt.Key.Key_Minus)
    assert zoom() == pytest.approx(1.0)
    press(window, Qt.Key.Key_Z)
    assert zoom() < 1.0  # 40 voxels are a small picture
    press(window, Qt.Key.Key_F)
    assert zoom() == pytest.approx(1.0)


def test_a_again_brings_four_views_back(window):
    press(window, Qt.Key.Key_A)
    press(window, Qt.Key.Key_A)
    assert window.views.state.layout == "four_up"


def test_tab_goes_through_the_views(window):
    seen = [window.views.state.active_view]
    for _ in range(3):
        press(window, Qt.Key.Key_Tab)
        seen.append(window.views.state.active_view)
    assert sorted(seen) == ["axial", "coronal", "sagittal", "volume"]


def test_f6_goes_through_the_parts_of_the_window(window):
    deck = window.deck
    seen = []
    for _ in range(5):
        press(window, Qt.Key.Key_F6)
        focus = window.focusWidget()
        parts = (deck.toolbar, deck.series, deck.centre, deck.display, deck.status)
        seen += [part for part in parts if part is focus or part.isAncestorOf(focus)]
    assert {deck.toolbar, deck.series, deck.centre, deck.display} <= set(seen)


def test_a_ring_shows_where_the_keyboard_is(window):
    ring = window._ring
    for _ in range(5):
        press(window, Qt.Key.Key_F6)
        if window.deck.toolbar.isAncestorOf(window.focusWidget()):
            break
    press(window, Qt.Key.Key_Tab)
    assert ring.isVisible()
    assert grab(ring).pixelColor(ring.width() // 2, 1).name().upper() == "#5AA7FF"
    focus = window.focusWidget()
    assert ring.width() == focus.width() + 8
    at = window.status.mapTo(window, window.status.rect().center())
    no_keys = Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, no_keys, at)
    assert not ring.isVisible()


def walk(window, most):
    """Press Tab; give each stop, and whether the picture around it changed when it was reached."""
    before = grab(window)
    stops: list[tuple[object, int]] = []
    for _ in range(most):
        press(window, Qt.Key.Key_Tab)
        focus, after = window.focusWidget(), grab(window)
        if any(focus is one for one, _ in stops):
            break
        around = QRect(focus.mapTo(window, QPoint(0, 0)), focus.size()).adjusted(-5, -5, 5, 5)
        around &= window.rect()
        stops.append((focus, differs(before.copy(around), after.copy(around))))
        before = after
    return stops


@pytest.mark.parametrize(
    ("sheet", "most"), [("", 12), ("edit.settings", 7), ("image.tags", 12), ("file.open_url", 12)]
)
def test_every_stop_of_the_keyboard_is_seen_and_none_is_a_trap(window, sheet, most):
    if sheet:
        window.commands.run(sheet)
        QTest.qWait(20)
    else:
        for _ in range(5):
            press(window, Qt.Key.Key_F6)
            if window.deck.display.isAncestorOf(window.focusWidget()):
                break
    first = window.focusWidget()
    stops = walk(window, most)
    assert len(stops) > 1 or stops[0][0] is not first
    for widget, change in stops:
        assert not widget.visibleRegion().isEmpty(), widget.accessibleName()
        assert change > 4, f"{type(widget).__name__} {widget.accessibleName()}"
        assert not sheet or window.sheets.sheet.isAncestorOf(widget)
    press(window, Qt.Key.Key_Escape)
    assert window.sheets.sheet is None


@pytest.mark.parametrize(
    ("id_", "azimuth", "elevation"),
    [
        ("volume.look.anterior", 0, 0),
        ("volume.look.left", 90, 0),
        ("volume.look.superior", 0, 90),
    ],
)
def test_standard_views_of_3d(window, id_, azimuth, elevation):
    window.commands.run(id_)
    camera = window.views.state.camera
    assert (camera.azimuth, camera.elevation) == pytest.approx((azimuth, elevation))


def test_the_keypad_turns_the_3d_view(window):
    press(window, Qt.Key.Key_1, KEYPAD)
    assert window.views.state.camera.azimuth == pytest.approx(0)
    assert (window.views.state.window, window.views.state.level) == (500, 60)


def test_colour_maps_colour_the_picture(window):
    grey = window.views.grab_picture("axial")
    window.commands.run("image.colour_map.hot_iron")
    assert differs(grey, window.views.grab_picture("axial")) > 500


def test_the_key_sheet_lists_every_key_and_filters(window):
    press(window, Qt.Key.Key_F1)
    assert window.keys.isVisible()
    listed = {row.title for row in window.keys.rows}
    assert listed == {c.title for c in window.commands.all if window.commands.keys(c.id)}
    QTest.keyClicks(window.keys, "lung")
    assert [row.title for row in window.keys.rows] == ["Lung  1500 / -600"]
    QTest.keyClick(window.keys, Qt.Key.Key_Escape)
    assert not window.keys.isVisible()
    assert window.views.state.window == 500


def test_the_palette_goes_to_slices_and_sets_windows(window):
    for text, check in (
        ("12", lambda: window.views.slice_position("axial")[0] == 11),
        ("w 300 20", lambda: (window.views.state.window, window.views.state.level) == (300, 20)),
        ("lung", lambda: window.views.state.window == 1500),
    ):
        press(window, Qt.Key.Key_K, CTRL)
        QTest.keyClicks(window.palette_.field, text)
        QTest.keyClick(window.palette_.field, Qt.Key.Key_Return)
        wait_until(check, text)
        assert not window.palette_.isVisible()
    press(window, Qt.Key.Key_K, CTRL)
    QTest.keyClicks(window.palette_.field, "500")
    assert window.palette_.hits[0].reason == "there are slices 1 to 40"
    QTest.keyClick(window.palette_.field, Qt.Key.Key_Escape)
    assert not window.palette_.isVisible()


def test_typing_in_a_field_is_not_taken_for_commands(window):
    press(window, Qt.Key.Key_K, CTRL)
    before = window.views.state
    QTest.keyClicks(window.palette_.field, "aivc3")
    assert window.palette_.field.text() == "aivc3"
    assert window.views.state == before


def test_a_changed_key_works_and_a_conflict_is_said(window):
    window.preferences.show()
    sheet = window.sheets.sheet
    field = sheet.field("image.invert")
    field.setKeySequence(QKeySequence("3"))
    field.editingFinished.emit()
    assert "Lung" in sheet._trouble.text()
    assert window.commands.keys("image.invert") == "I"
    field.setKeySequence(QKeySequence("Ctrl+Shift+I"))
    field.editingFinished.emit()
    window.sheets.close()
    press(window, Qt.Key.Key_I)
    assert not window.views.state.inverted
    press(window, Qt.Key.Key_I, CTRL, SHIFT)
    assert window.views.state.inverted
    window.preferences.change("keys", {})


def test_all_tags_of_the_slice_can_be_shown_and_filtered(window):
    press(window, Qt.Key.Key_Home)
    press(window, Qt.Key.Key_I, CTRL)
    sheet = window.sheets.sheet
    rows = {row.name: row.value for row in sheet.shown}
    assert rows["Instance Number"] == "1"
    assert rows["Window Width"] == "500"
    QTest.keyClicks(sheet.field, "pixel spac")
    assert [(row.tag, row.value) for row in sheet.shown] == [("(0028,0030)", "0.75\\0.5")]
    QTest.keyClick(sheet.field, Qt.Key.Key_Escape)
    assert window.sheets.sheet is None


def test_the_palette_finds_tags(window):
    window.open_palette()
    QTest.keyClicks(window.palette_.field, "? rescale inter")
    assert [hit.path for hit in window.palette_.hits][:1] == ["(0028,1052)  -1024"]
