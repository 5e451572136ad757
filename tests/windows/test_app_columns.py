"""Two series side by side: opened, linked where that is true, told apart, closed."""

from typing import Any

import numpy as np
import PySide6
import pytest
from pydicom.uid import generate_uid
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragLeaveEvent, QDragMoveEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from app.series_panel import SeriesCard
from app.theme import DARK
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.views import move, near, to_array, wheel
from tests.helpers.window import (
    brightness,
    click,
    differs,
    drag_enter,
    drop,
    grab,
    is_complete,
    main_window,
    open_and_wait,
    open_beside,
    press,
    wait_until,
)
from viewer.overlays import PLANE_COLOURS

CTRL = Qt.KeyboardModifier.ControlModifier
FRAME = generate_uid()
SHAPE = (20, 64, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two series of one patient in one frame of reference, and one of somebody else.

    "Part" has other voxels than "Whole" and covers its lower half.
    """
    root = tmp_path_factory.mktemp("pair")
    person = {"PatientName": "Miller^Anna", "PatientID": "1", "StudyInstanceUID": generate_uid()}
    write_series(
        root / "Pair" / "whole", phantom(SHAPE), FrameOfReferenceUID=FRAME,
        SeriesDescription="Whole", **person,
    )  # fmt: skip
    write_series(
        root / "Pair" / "part", phantom((12, 48, 48), 6), FrameOfReferenceUID=FRAME,
        SeriesDescription="Part", PixelSpacing=[1.0, 0.6],
        ImagePositionPatient=lambda k: [-11.0, 4.0, 2.5 * k], **person,
    )  # fmt: skip
    write_series(
        root / "Other", phantom((24, 56, 60), 7), SeriesDescription="Elsewhere",
        PatientName="Smith^Bob", PatientID="2",
    )  # fmt: skip
    return root


@pytest.fixture(scope="module")
def shared_window(qapp, folder):
    with main_window((1500, 800)) as made:
        open_and_wait(made, folder / "Pair")
        yield made


@pytest.fixture
def window(shared_window, folder):
    """Whole alone, as it was opened; without 3D, which is drawn elsewhere."""
    shared_window.session.close()
    shared_window.session.memory_limit_bytes = None
    shared_window.activateWindow()
    assert QTest.qWaitForWindowActive(shared_window)
    open_and_wait(shared_window, folder / "Pair")
    assert labels(shared_window) == ["Whole"]
    for workspace in shared_window.columns.workspaces:
        workspace.follow(volume_mode="off", layout="four_up", text_visible=True)
    return shared_window


@pytest.fixture
def pair(window):
    """A window with Whole on the left and Part on the right."""
    click_card(window, "Part", CTRL)
    wait_until(lambda: is_complete(window), "the load beside")
    QTest.qWait(50)
    return window


def card(window, name):
    return next(
        one for one in window.series.findChildren(SeriesCard)
        if one.isVisible() and one.name.text() == name
    )  # fmt: skip


def click_card(window, name, modifiers=Qt.KeyboardModifier.NoModifier):
    QTest.mouseClick(card(window, name), Qt.MouseButton.LeftButton, modifiers)
    wait_until(lambda: is_complete(window), "the series")


def columns(window):
    """Give the workspaces that are on the screen, from left to right."""
    shown = [one for one in window.columns.workspaces if one.isVisible()]
    return sorted(shown, key=lambda one: one.mapTo(window, QPoint(0, 0)).x())


def labels(window):
    return [one.volume.spec.label for one in columns(window)]


def view(workspace, name) -> QWidget:
    return workspace.findChild(QWidget, f"view-{name}")


def pixels(workspace, name):
    QApplication.processEvents()
    return to_array(view(workspace, name).grab().toImage())


def crosshair_at(workspace, name="axial"):
    """Find where the upright and the level line of the crosshair are drawn; None where not."""
    across, level = ("sagittal", "coronal") if name == "axial" else ("sagittal", "axial")
    picture = pixels(workspace, name)
    found = []
    for plane, axis in ((across, 0), (level, 1)):
        colour = PLANE_COLOURS[plane]
        is_line = near(picture, (colour.red(), colour.green(), colour.blue()), 30)
        length = is_line[20:].sum(axis=axis)
        best = int(length.argmax())
        found.append(best if length[best] > 60 else None)
    return found


def place_under(window, workspace, name, at):
    """Read in the status line where in the patient a point of a view is, x y z in mm."""
    move(view(workspace, name), QPointF(*at))
    wait_until(lambda: window.status.text.text().startswith("x "), "the place")
    words = window.status.text.text().split(" mm")[0].split()
    signs = {"L": 1, "R": -1, "P": 1, "A": -1, "S": 1, "I": -1}
    return [float(words[n]) * signs[words[n + 1]] for n in (1, 4, 7)]


def settle(window):
    """Let the words about a load that is over go, so that the line says what is pointed at."""
    wait_until(lambda: not window.teller._timer.isActive(), "a quiet line")


# -- opening ------------------------------------------------------------------------------------


def test_a_drop_on_the_right_third_opens_beside(window, folder):
    before = window.views.grab_picture("axial")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder / "Other"))])
    QApplication.sendEvent(window, drag_enter(QPoint(200, 400), data))
    seen = grab(window)
    assert seen.pixelColor(1, 400).name().upper() == DARK.accent
    right = QPoint(window.width() - 30, 400)
    # Qt 6.12 takes exact points and warns of the others; before, there were only the others.
    exact: Any = QPointF(right) if PySide6.__version_info__ >= (6, 12) else right
    QApplication.sendEvent(window, QDragMoveEvent(
        exact, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    ))  # fmt: skip
    seen = grab(window)
    assert seen.pixelColor(1, 400).name().upper() != DARK.accent
    assert seen.pixelColor(window.width() - 1, 300).name().upper() == DARK.accent
    assert seen.pixelColor(1000, 5).name().upper() == DARK.accent, "the right third is framed"
    QApplication.sendEvent(window, QDragLeaveEvent())
    open_beside(window, folder / "Other")
    assert labels(window) == ["Whole", "Elsewhere"]
    for workspace in columns(window):
        assert brightness(workspace.grab_picture("axial")) > 8
    left, right = columns(window)
    assert left.width() == pytest.approx(right.width(), abs=1)
    assert left.mapTo(window, QPoint(left.width(), 0)).x() + 2 == right.mapTo(window, QPoint()).x()
    shown = left.grab_picture("axial")
    assert shown.width() < before.width()
    assert window.session.volume.spec.label == "Elsewhere", "the new one is the active one"


def test_a_drop_on_the_left_takes_the_place_of_that_column(pair, folder):
    drop(pair, folder / "Other", at=QPoint(300, 400))
    wait_until(lambda: is_complete(pair), "the load")
    assert labels(pair) == ["Elsewhere", "Part"]


def test_a_click_opens_in_the_active_column_and_ctrl_beside(pair):
    assert labels(pair) == ["Whole", "Part"]
    click_card(pair, "Whole")
    assert labels(pair) == ["Whole", "Part"], "it is there already, and becomes the active one"
    assert pair.session.volume.spec.label == "Whole"
    click_card(pair, "Part")
    assert pair.session.volume.spec.label == "Part"


def carry(window, name, to, *, escape=False):
    """Drag a card of the list to a place in the window."""
    handle, start = window.windowHandle(), card(window, name).mapTo(window, QPoint(60, 30))
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for step in range(1, 6):
        QTest.mouseMove(handle, start + (to - start) * step / 5)
        QTest.qWait(5)
    assert window.drops.frame.isVisible()
    if escape:
        QTest.keyClick(handle, Qt.Key.Key_Escape)
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, to)
    assert not window.drops.frame.isVisible()
    wait_until(lambda: is_complete(window), "the series")


def test_a_card_is_dragged_to_the_right_half_or_back(window):
    room = window.deck.room
    carry(window, "Part", room.center() + QPoint(room.width() // 4, 0), escape=True)
    carry(window, "Part", QPoint(100, 600))
    assert labels(window) == ["Whole"], "taken back, and let go over the list"
    carry(window, "Part", room.center() + QPoint(room.width() // 4, 0))
    assert labels(window) == ["Whole", "Part"]
    carry(window, "Part", room.center() - QPoint(room.width() // 4, 0))
    assert labels(window) == ["Part", "Part"], "the same series twice, each with its own window"


def test_the_menu_compares_with_the_next_series_and_goes_back(window):
    window.commands.run("view.layout.compare")
    wait_until(lambda: len(columns(window)) == 2, "two columns")
    wait_until(lambda: is_complete(window), "the series")
    assert labels(window) == ["Whole", "Part"]
    assert window.commands.action("view.layout.compare").isChecked()
    window.commands.run("view.layout.compare")
    assert labels(window) == ["Part"], "the active one stays"


# -- linked -------------------------------------------------------------------------------------


def test_the_crosshair_goes_to_the_same_point_of_the_other_column(pair):
    left, right = columns(pair)
    settle(pair)
    assert pair.columns.head_of(pair.session.columns[1]).link_words.text() == "by position"
    left.go_to_slice(2)
    for away in (QPoint(-30, -40), QPoint(25, 50)):
        click(view(left, "axial"), view(left, "axial").rect().center() + away)
        there = [place_under(pair, one, "axial", crosshair_at(one)) for one in (left, right)]
        # a pixel is 0.3 mm, and z is that of the slice: every 2 mm here, every 2.5 mm there
        assert there[0][:2] == pytest.approx(there[1][:2], abs=0.7)
        assert there[0][2] == pytest.approx(there[1][2], abs=2.26)
    before = pixels(left, "axial")
    wheel(view(right, "axial"), 2)
    assert differs_much(before, pixels(left, "axial")), "the right one leads as well"


def differs_much(first, second):
    return (np.abs(first.astype(int) - second).max(axis=2) > 24).sum() > 100


def test_undo_in_one_column_brings_the_other_along_and_keeps_its_window(pair):
    left, right = columns(pair)
    before = [crosshair_at(one) for one in (left, right)]
    click(view(left, "axial"), view(left, "axial").rect().center() + QPoint(-30, -40))
    press(pair, Qt.Key.Key_3)
    moved = [crosshair_at(one) for one in (left, right)]
    assert moved[0] != before[0]
    assert moved[1] != before[1]
    click(view(right, "axial"), QPoint(*moved[1]))
    press(pair, Qt.Key.Key_5)  # the brain window, on the right
    click(view(left, "coronal"), QPoint(2, 300))
    lung = left.state.window
    press(pair, Qt.Key.Key_Z, CTRL)
    press(pair, Qt.Key.Key_Z, CTRL)
    assert (lung, left.state.window) == (1500, 400)
    assert right.state.window == 80


def test_outside_the_other_volume_there_is_no_crosshair_but_a_sentence(pair):
    left, right = columns(pair)
    assert None not in crosshair_at(right)
    plain = pixels(right, "axial")
    wheel(view(left, "axial"), -6)  # 2 mm each: beyond the upper end of Part
    picture = pixels(right, "axial")
    assert crosshair_at(right) == [None, None]
    amber = near(picture, (224, 176, 74), 30)[-60:, : picture.shape[1] // 2]
    assert amber.sum() > near(plain, (224, 176, 74), 30)[-60:].sum() + 60
    wheel(view(left, "axial"), 6)
    assert None not in crosshair_at(right)


def test_without_a_common_frame_only_steps_are_shared(window, folder):
    open_beside(window, folder / "Other")
    left, right = columns(window)
    assert window.columns.head_of(window.session.columns[1]).link_words.text() == "by slice"
    everything = [pixels(right, name) for name in ("axial", "coronal", "sagittal")]
    click(view(left, "axial"), view(left, "axial").rect().center() + QPoint(-40, -50))
    click(view(left, "axial"), view(left, "axial").rect().center() + QPoint(-10, 45))
    moved = [pixels(right, name) for name in ("axial", "coronal", "sagittal")]
    for one, other in zip(everything, moved, strict=True):
        # the edge of the active view is brighter; the rest is as it was
        assert np.array_equal(one[4:], other[4:])
    place = right.slice_position("axial")[0]
    wheel(view(left, "axial"), 3)
    assert right.slice_position("axial")[0] == place - 3
    assert differs_much(everything[0], pixels(right, "axial"))


def test_the_link_is_let_go_and_taken_up(pair):
    left, right = columns(pair)
    head = pair.columns.head_of(pair.session.columns[1])
    click(head.link)
    assert head.link_words.text() == "not linked"
    before = pixels(right, "axial")
    click(view(left, "axial"), view(left, "axial").rect().center() + QPoint(-30, -40))
    wheel(view(left, "axial"), 1)
    assert np.array_equal(before[4:], pixels(right, "axial")[4:])
    click(head.link)
    assert differs_much(before, pixels(right, "axial")), "the right one went there"


# -- each its own -------------------------------------------------------------------------------


def test_keys_and_panel_are_about_the_active_column(pair):
    left, right = columns(pair)
    before = pixels(right, "axial")
    click(view(left, "coronal"), QPoint(3, 200))
    before_left = pixels(left, "axial")
    assert pair.display.window_section.width_.text() == "400"
    press(pair, Qt.Key.Key_3)
    assert differs_much(before_left, pixels(left, "axial"))
    assert pair.display.window_section.width_.text() == "1500"
    assert (right.state.window, left.state.window) == (400, 1500)
    press(pair, Qt.Key.Key_Tab, CTRL)
    assert pair.display.window_section.width_.text() == "400"
    press(pair, Qt.Key.Key_I)
    assert differs_much(before, pixels(right, "axial"))
    assert not left.state.inverted
    edges = [grab(pair.columns.head_of(one)).pixelColor(40, 0) for one in pair.session.columns]
    assert [one.name().upper() == DARK.accent for one in edges] == [False, True]


def test_both_columns_have_one_layout(pair):
    left, right = columns(pair)
    press(pair, Qt.Key.Key_C)
    for one in (left, right):
        assert view(one, "coronal").size() == one.size()
        assert not view(one, "axial").isVisible()
    press(pair, Qt.Key.Key_C)
    assert view(left, "axial").isVisible()
    press(pair, Qt.Key.Key_F9)
    assert [one.height() for one in (left, right)] == [pair.deck.height()] * 2
    assert not left.state.text_visible
    assert not right.state.text_visible
    press(pair, Qt.Key.Key_Escape)
    assert left.state.text_visible


def test_tab_goes_through_the_views_of_both_columns(pair):
    right = columns(pair)[1]
    seen = []
    for _ in range(8):
        press(pair, Qt.Key.Key_Tab)
        seen.append((pair.workspace is right, pair.workspace.state.active_view))
    assert len(set(seen)) == 8


def test_the_next_part_of_the_window_leaves_the_active_column_active(pair):
    right = columns(pair)[1]
    for _ in range(6):
        press(pair, Qt.Key.Key_F6)
        assert pair.workspace is right
    click(view(columns(pair)[0], "coronal"), QPoint(3, 200))
    press(pair, Qt.Key.Key_PageDown, CTRL)
    wait_until(lambda: is_complete(pair), "the next series")
    assert labels(pair) == ["Part", "Part"], "the series after it, in the active column"


def test_the_gap_between_columns_can_be_dragged_and_evened(pair):
    left = columns(pair)[0]
    gap = left.mapTo(pair, QPoint(left.width() + 1, 300))
    width = left.width()
    handle = pair.windowHandle()
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=gap)
    QTest.mouseMove(handle, gap - QPoint(120, 0))
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=gap - QPoint(120, 0))
    QTest.qWait(30)
    assert left.width() == pytest.approx(width - 120, abs=4)
    QTest.mouseDClick(handle, Qt.MouseButton.LeftButton, pos=gap - QPoint(120, 0))
    assert left.width() == width


def test_a_saved_picture_has_both_columns(pair, tmp_path, monkeypatch):
    path = tmp_path / "both.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(path), ""))
    press(pair, Qt.Key.Key_S, CTRL, Qt.KeyboardModifier.ShiftModifier)
    saved = QImage(str(path))
    left, right = columns(pair)
    assert saved.width() == left.width() + 2 + right.width()
    first = saved.copy(0, 0, left.width(), saved.height())
    second = saved.copy(left.width() + 2, 0, right.width(), saved.height())
    assert differs(first, left.grab_picture()) == 0
    assert differs(second, right.grab_picture()) == 0


# -- closing, memory, notices -------------------------------------------------------------------


def test_closing_one_column_leaves_the_other_as_it_is(pair):
    right = columns(pair)[1]
    press(pair, Qt.Key.Key_3)
    gone = pair.session.columns[0].volume
    click(pair.columns.head_of(pair.session.columns[0]).close_)
    assert labels(pair) == ["Part"]
    assert columns(pair) == [right]
    assert right.state.window == 1500
    assert right.size() == pair.deck.room.size()
    wait_until(lambda: gone.state.name == "CLOSED", "the end of the other")
    press(pair, Qt.Key.Key_B, CTRL)
    press(pair, Qt.Key.Key_B, CTRL)
    press(pair, Qt.Key.Key_W, CTRL)
    assert pair.deck.centre.currentWidget() is pair.start


def test_ctrl_w_closes_the_active_column_first(pair):
    press(pair, Qt.Key.Key_W, CTRL)
    assert labels(pair) == ["Whole"]
    click_card(pair, "Part", CTRL)
    assert labels(pair) == ["Whole", "Part"]


def test_taking_a_series_off_the_list_closes_its_column(pair):
    card(pair, "Whole").setFocus()
    QTest.keyClick(card(pair, "Whole"), Qt.Key.Key_Delete)
    assert labels(pair) == ["Part"]


def test_the_memory_limit_is_for_both_columns_together(window, folder):
    whole = window.session.volume.spec.size_bytes
    window.session.memory_limit_bytes = whole + 20_000
    open_beside(window, folder / "Other")
    assert labels(window) == ["Whole"]
    told = {row.code: row.message for row in window.notices.rows()}
    assert "What is open beside it takes 164 kB" in told["open_failed"]
    window.session.memory_limit_bytes = whole + 2_000_000
    open_beside(window, folder / "Other")
    assert labels(window) == ["Whole", "Elsewhere"]


def test_two_patients_side_by_side_are_told(window, folder):
    click_card(window, "Part", CTRL)
    assert "different_patients" not in [row.code for row in window.notices.rows()]
    open_beside(window, folder / "Other")
    rows = {row.code: row for row in window.notices.rows()}
    assert rows["different_patients"].where.startswith("Miller, Anna and Smith, Bob.")
    assert window.status.notices.isVisible()
    heads = [window.columns.head_of(one) for one in window.session.columns]
    assert [one.title.patient for one in heads] == ["Miller, Anna", "Smith, Bob"]
    colour = QColor(DARK.warn)
    warn = (colour.red(), colour.green(), colour.blue())
    for head in heads:
        assert near(to_array(grab(head)), warn, 20).sum() > 20
    window.commands.run("view.hide_names")
    try:
        rows = {row.code: row for row in window.notices.rows()}
        assert "Miller" not in rows["different_patients"].where
        assert not any(head.title.patient for head in heads)
        assert near(to_array(grab(heads[0])), warn, 20).sum() == 0
    finally:
        window.commands.run("view.hide_names")


def test_notices_of_both_columns_are_told_and_show_goes_to_the_right_one(window, tmp_path):
    paths = write_series(tmp_path / "Gap", phantom((20, 48, 40)))
    for path in paths[8:11]:
        path.unlink()
    open_beside(window, tmp_path / "Gap")
    click(view(columns(window)[0], "coronal"), QPoint(3, 200))
    assert window.session.volume.spec.label == "Whole"
    click(window.status.notices)
    shown = [row for row in window.notices.rows() if row.code == "missing_slices"]
    assert len(shown) == 1
    shown[0].run()
    assert window.session.volume.spec.absent
    assert window.views.slice_position("axial")[0] in window.session.volume.spec.absent


def test_closing_the_window_while_both_load_ends_every_thread(qapp, tmp_path):
    for name in ("a", "b"):
        write_series(tmp_path / name, phantom((150, 128, 128)))
    with main_window() as window:
        open_and_wait(window, tmp_path / "a")
        drop(window, tmp_path / "b", at=QPoint(window.width() - 40, 300))
        wait_until(lambda: len(window.session.volumes) == 2, "the second")
        volumes = window.session.volumes
        window.close()
        assert window.session.join(10.0)
        assert [one.state.name for one in volumes] == ["CLOSED", "CLOSED"]
