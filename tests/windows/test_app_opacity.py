"""The points of the 3D opacity curve: moved, made, taken away, undone, by mouse and by keys."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import (
    brightness,
    click,
    differs,
    drag,
    grab,
    main_window,
    open_and_wait,
    press,
    wait_until,
)

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(qapp, tmp_path):
    write_series(tmp_path / "Phantom", phantom((24, 48, 40)))
    with main_window((1280, 1020)) as made:
        open_and_wait(made, tmp_path / "Phantom")
        wait_until(lambda: bool(made.display.window_section.histogram._heights), "the histogram")
        click(made.display.volume_section.points_fold._head, QPoint(30, 14))
        editor = made.display.volume_section.points
        wait_until(lambda: editor.isVisible() and editor.height() > 40, "the unfolded points")
        bar = made.display.verticalScrollBar()

        def is_scrolled() -> bool:
            bar.setValue(bar.maximum())
            return editor.visibleRegion().boundingRect() == editor.rect()

        wait_until(is_scrolled, "the points on the screen")
        yield made


def picture(window):
    wait_until(lambda: window.views.is_at_rest, "the picture in 3D")
    return window.views.grab_picture("volume")


def middle(editor, number):
    return editor.place_of(editor._points[number]).toPoint()


def test_a_point_that_is_dragged_changes_the_picture_and_is_one_undo(window):
    editor = window.display.volume_section.points
    before, curve = picture(window), editor._points
    lines = grab(editor)
    last_clear = max(n for n, (_, opacity) in enumerate(curve) if opacity == 0)
    drag(editor, middle(editor, last_clear), QPoint(0, -50))
    assert editor._points[last_clear][1] > 0.4
    assert differs(lines, grab(editor)) > 30
    assert brightness(picture(window)) > brightness(before) + 2, "more of it is opaque"
    press(window, Qt.Key.Key_Z, CTRL)
    assert editor._points == curve
    assert differs(before, picture(window)) < 200


def test_a_double_click_makes_a_point_and_takes_it_away(window):
    editor = window.display.volume_section.points
    count = len(editor._points)
    place = QPoint(120, 20)
    QTest.mouseDClick(editor, Qt.MouseButton.LeftButton, pos=place)
    assert len(editor._points) == count + 1
    new = min(range(count + 1), key=lambda n: (middle(editor, n) - place).manhattanLength())
    assert (middle(editor, new) - place).manhattanLength() <= 2
    assert window.views.state.opacity
    QTest.mouseDClick(editor, Qt.MouseButton.LeftButton, pos=place)
    assert len(editor._points) == count


def test_keys_choose_move_make_and_take_away(window):
    editor = window.display.volume_section.points
    count = len(editor._points)
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_PageDown)
    assert f"Point 2 of {count}" in editor.accessibleDescription()
    before = editor._points[1]
    for _ in range(5):
        QTest.keyClick(editor, Qt.Key.Key_Up)
    assert editor._points[1][1] == pytest.approx(min(1.0, before[1] + 0.1))
    assert editor._points[1][0] == pytest.approx(before[0])
    QTest.keyClick(editor, Qt.Key.Key_Insert)
    assert len(editor._points) == count + 1
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert len(editor._points) == count
    for _ in range(9):
        QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert len(editor._points) == 2, "two points are left of any curve"


def test_the_presets_own_points_come_back_by_button_and_with_another_preset(window):
    editor, section = window.display.volume_section.points, window.display.volume_section
    curve = editor._points
    assert not section.reset_points.isEnabled()
    drag(editor, middle(editor, len(curve) - 2), QPoint(0, 40))
    assert editor._points != curve
    click(section.reset_points)
    assert editor._points == curve
    drag(editor, middle(editor, len(curve) - 2), QPoint(0, 40))
    window.commands.run("volume.preset.CT-Muscle")
    assert window.views.state.opacity == ()
    window.commands.run("volume.mode.mip")
    assert not editor.isEnabled(), "maximum intensity has a curve of its own"
