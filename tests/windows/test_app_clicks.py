"""The clicks table: a drag, a drop, a key or a click counts one; typing a word or number one."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from app.bars import QuestionBar
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.dicomweb_store import Store
from tests.helpers.dicomweb_store import phantom as small_phantom
from tests.helpers.web_server import WebServer
from tests.helpers.window import (
    brightness,
    differs,
    drag,
    main_window,
    open_and_wait,
    press,
    wait_until,
)
from viewer.state import PLANES

CTRL = Qt.KeyboardModifier.ControlModifier


class Hands:
    """Act on a window and count."""

    def __init__(self, window, folder):
        self.window, self.folder, self.count = window, folder, 0

    def drop(self, path):
        self.count += 1
        open_and_wait(self.window, path)

    def key(self, key, *modifiers):
        self.count += 1
        press(self.window, key, *modifiers)

    def type(self, text):
        """Type a word and Enter: one."""
        self.count += 1
        QTest.keyClicks(self.window.palette_.field, text)
        QTest.keyClick(self.window.palette_.field, Qt.Key.Key_Return)

    def click(self, widget, at):
        self.count += 1
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        QTest.qWait(30)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "Phantom"
    write_series(path, phantom((240, 32, 28)))
    return path


@pytest.fixture
def hands(qapp, folder):
    with main_window() as window:
        made = Hands(window, folder)
        made.drop(folder)
        yield made


def view_at(window, view):
    """Give the widget of a view, found by where it lies in the four-up layout."""
    size = window.views.size()
    across, down = {"axial": (1, 1), "volume": (3, 1), "coronal": (1, 3), "sagittal": (3, 3)}[view]
    return window.views.childAt(QPoint(across * size.width() // 4, down * size.height() // 4))


def test_drop_a_folder_see_the_volume_in_three_planes(hands):
    for view in PLANES:
        assert brightness(hands.window.views.grab_picture(view)) > 2.5
    assert hands.count == 1


def test_lung_window(hands):
    before = hands.window.views.grab_picture("axial")
    hands.count = 0
    hands.key(Qt.Key.Key_3)
    assert (hands.window.views.state.window, hands.window.views.state.level) == (1500, -600)
    assert differs(before, hands.window.views.grab_picture("axial")) > 500
    assert hands.count == 1


def test_go_to_slice_212(hands):
    hands.count = 0
    hands.key(Qt.Key.Key_K, CTRL)
    hands.type("212")
    wait_until(lambda: hands.window.views.slice_position("axial")[0] == 211, "slice 212")
    assert hands.count == 2


def test_see_the_same_point_in_all_planes(hands):
    window = hands.window
    before = [window.views.slice_position(view)[0] for view in ("coronal", "sagittal")]
    hands.count = 0
    widget = view_at(window, "axial")
    hands.click(widget, QPoint(widget.width() // 2 + 40, widget.height() // 2 - 40))
    after = [window.views.slice_position(view)[0] for view in ("coronal", "sagittal")]
    assert after[0] < before[0]  # towards the front
    assert after[1] != before[1]
    assert hands.count == 1


def test_3d_bone_picture(hands):
    hands.count = 0
    window = hands.window
    assert window.views.state.layout == "four_up"
    assert window.views.state.preset == "CT-Bone"
    wait_until(lambda: brightness(window.views.grab_picture("volume")) > 1, "the 3D picture")
    assert hands.count == 0


def test_another_3d_preset_is_one_click(hands):
    window = hands.window
    hands.count = 0
    muscle = window.display.volume_section.pictures.button("CT-Muscle")
    window.display.ensureWidgetVisible(muscle)
    hands.click(muscle, muscle.rect().center())
    assert window.views.state.preset == "CT-Muscle"
    assert hands.count == 1


def test_copy_the_picture_to_a_report(hands):
    hands.count = 0
    hands.key(Qt.Key.Key_C, CTRL)
    copied = QGuiApplication.clipboard().image()
    assert copied.size() == hands.window.views.grab_picture("axial").size()
    assert brightness(copied) > 5
    assert hands.count == 1


def test_open_from_a_server(hands):
    """Paste the address, agree to the host; from the second time on it is the paste alone."""
    window, store = hands.window, Store(small_phantom(6, 64))
    with WebServer(store) as server:
        QGuiApplication.clipboard().setText(f"{server.url}{store.path}")
        for count in (2, 1):
            hands.count = 0
            hands.key(Qt.Key.Key_V, CTRL)
            bar = window.door.bars.bar
            if isinstance(bar, QuestionBar):
                hands.click(bar.yes, bar.yes.rect().center())
            wait_until(lambda: window.session.volume.spec.shape_kji == (6, 64, 64), "the volume")
            wait_until(lambda: window.session.volume.state.is_over, "the load")
            assert (window.session.volume.stored() == store.volume).all()
            assert hands.count == count
            window.session.close_entry(window.session.entry)
            hands.drop(hands.folder)


def test_undo_a_bad_window(hands):
    window = hands.window
    before = (window.views.state.window, window.views.state.level)
    widget = view_at(window, "axial")
    # beside the crosshair, which would be moved itself
    drag(widget, widget.rect().center() + QPoint(-60, -50), QPoint(80, 40))
    assert (window.views.state.window, window.views.state.level) != before
    hands.count = 0
    hands.key(Qt.Key.Key_Z, CTRL)
    assert (window.views.state.window, window.views.state.level) == before
    assert hands.count == 1
