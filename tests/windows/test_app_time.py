"""A volume with several time points: keys and slider show them, and the pictures follow."""

import nibabel
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.helpers.window import main_window, open_and_wait, press, wait_until

TIMES = (20, 120, 220)


@pytest.fixture(scope="module")
def window(qapp, tmp_path_factory):
    folder = tmp_path_factory.mktemp("film")
    voxels = np.zeros((24, 20, 16, len(TIMES)), np.uint8)
    for t, value in enumerate(TIMES):
        voxels[..., t] = value
    voxels[0, 0, 0, :] = 255
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([2.0, 2.0, 3.0, 1.0])), folder / "film.nii")
    with main_window() as made:
        open_and_wait(made, folder / "film.nii")
        made.views.change(window=256.0, level=128.0, window_function="LINEAR_EXACT")
        yield made


def brightness(window, view="axial"):
    """Give the grey value that most of the middle of a view has."""
    image = window.views.grab_picture(view)
    x, y = image.width() // 2, image.height() // 2
    picks = [image.pixelColor(x + dx, y + dy).red() for dx in (-31, 31) for dy in (-31, 31)]
    return sorted(picks)[1]


def shows(window, t):
    return all(
        abs(brightness(window, view) - TIMES[t]) <= 2 for view in ("axial", "coronal", "sagittal")
    )


def test_keys_step_through_time_in_every_plane(window):
    """N3: the time point on the screen is the one that was asked for, and stays in range."""
    window.give_focus_to_views()
    wait_until(lambda: shows(window, 0), "the first time point")
    press(window, Qt.Key.Key_Period)
    wait_until(lambda: shows(window, 1), "the second time point")
    press(window, Qt.Key.Key_Period)
    press(window, Qt.Key.Key_Period)
    wait_until(lambda: shows(window, 2), "the last time point")
    press(window, Qt.Key.Key_Comma)
    wait_until(lambda: shows(window, 1), "one back")
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    wait_until(lambda: shows(window, 2), "undone")


def test_the_slider_shows_and_sets_the_time_point(window):
    planes = window.display.planes_section
    assert planes.time_point.isVisible()
    planes.time_point.setFocus()
    QTest.keyClick(planes.time_point, Qt.Key.Key_Home)
    wait_until(lambda: shows(window, 0), "the first time point")
    assert planes.time_title.text() == "Time 1 / 3"
    QTest.keyClick(planes.time_point, Qt.Key.Key_Right)
    wait_until(lambda: shows(window, 1), "the second time point")
    assert planes.time_title.text() == "Time 2 / 3"


def test_the_value_under_the_pointer_is_that_of_the_time_point(window):
    window.views.change(time_point=2)
    texts: list[str] = []
    window.views.pointer_text.connect(texts.append)
    middle = window.views.rect().center() / 2
    QTest.mouseMove(window.views, middle / 2)  # it may have been left in the middle
    QTest.qWait(20)
    QTest.mouseMove(window.views, middle)
    wait_until(lambda: any("220" in text for text in texts), "the value of the third time point")


def test_time_points_are_played_and_the_slices_stay(window):
    window.views.change(time_point=0)
    where = window.views.state.crosshair_lps
    seen: set[int] = set()
    window.views.state_changed.connect(lambda: seen.add(window.views.state.time_point))
    window.give_focus_to_views()
    press(window, Qt.Key.Key_K)
    wait_until(lambda: seen == {0, 1, 2}, "every time point")
    press(window, Qt.Key.Key_K)
    rest = window.views.state.time_point
    wait_until(lambda: shows(window, rest), "the picture of the point that it stopped at")
    assert window.views.state.crosshair_lps == where
    assert not window.views.cine.is_playing
