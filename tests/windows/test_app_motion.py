"""What moves: the fold of a panel, for 150 ms at most, and nothing where stillness is asked for."""

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QProxyStyle, QStyle

from app.motion import LONGEST_MS, duration_ms
from app.theme import DARK
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import grab, main_window, open_and_wait, wait_until

CTRL = Qt.KeyboardModifier.ControlModifier


class Still(QProxyStyle):
    """The style of a system that asks for no motion."""

    def styleHint(self, hint, option=None, widget=None, data=None):
        if hint == QStyle.StyleHint.SH_Widget_Animation_Duration:
            return 0
        return super().styleHint(hint, option, widget, data)


class Places(QObject):
    """Write down where a widget was moved, and how wide the pictures were then."""

    def __init__(self, panel, views):
        super().__init__(panel)
        self.seen, self._views = [], views
        panel.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Move:
            self.seen.append((event.pos().x(), self._views.width()))
        return False


@pytest.fixture
def window(qapp, tmp_path):
    write_series(tmp_path / "Phantom", phantom((12, 32, 28)))
    with main_window() as made:
        open_and_wait(made, tmp_path / "Phantom")
        yield made


def test_a_panel_folds_in_steps_and_the_picture_takes_its_place_at_once(window):
    assert duration_ms(1000) == LONGEST_MS
    width = window.views.width()
    places = Places(window.series, window.views)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_B, CTRL)
    wait_until(lambda: not window.series.isVisible(), "the panel to go")
    xs = [x for x, _ in places.seen]
    assert xs == sorted(xs, reverse=True), "it goes one way"
    assert xs[-1] == -232
    assert len(set(xs)) > 2, "in steps"
    assert {wide for _, wide in places.seen} == {width + 232}
    places.seen.clear()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_B, CTRL)
    wait_until(lambda: window.series.x() == 0, "the panel")
    assert {wide for _, wide in places.seen} == {width}


def test_a_fold_that_is_turned_round_comes_back_from_where_it_is(window):
    place = window.display.geometry()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_D, CTRL)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_D, CTRL)
    wait_until(lambda: window.display.geometry() == place, "the panel")
    assert window.display.isVisible()
    at_its_edge = window.display.mapTo(window, QPoint(4, place.height() - 4))
    assert grab(window).pixelColor(at_its_edge).name().upper() == DARK.panel


def test_nothing_moves_where_stillness_is_asked_for(window):
    before = QApplication.style().name()
    QApplication.setStyle(Still(before))
    try:
        places = Places(window.series, window.views)
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_B, CTRL)
        assert [x for x, _ in places.seen] == [-232]
        assert not window.series.isVisible()
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_B, CTRL)
        assert window.series.x() == 0
    finally:
        QApplication.setStyle(before)
