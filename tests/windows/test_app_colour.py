"""Pictures in colour and loops, in the window: what is drawn, what is said, how it plays."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from tests.helpers.dicom_series import write_series
from tests.helpers.views import move, to_array
from tests.helpers.window import click, main_window, open_and_wait, press, wait_until

SIZE = (24, 32)
COLOUR = {
    "Columns": SIZE[1],
    "SamplesPerPixel": 3,
    "PhotometricInterpretation": "RGB",
    "PlanarConfiguration": 0,
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
}
LOOP = {
    **COLOUR,
    "Modality": "US",
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1",
    "NumberOfFrames": "6",
    "Rows": SIZE[0],
    "CineRate": "25",
    "ImagePositionPatient": None,
    "ImageOrientationPatient": None,
}


def colours(frames=6) -> np.ndarray:
    """Make frames of four patches; red tells the frame."""
    made = np.zeros((frames, *SIZE, 3), np.uint8)
    made[..., 0] = (40 * np.arange(frames))[:, None, None]
    made[:, :12, :16, 1] = 200
    made[:, 12:, 16:, 2] = 250
    return made


@pytest.fixture(scope="module")
def window(qapp):
    with main_window() as made:
        yield made


@pytest.fixture(scope="module")
def loop(window, tmp_path_factory):
    folder = tmp_path_factory.mktemp("loop")
    write_series(folder, colours().reshape(1, -1, SIZE[1] * 3), **LOOP)
    open_and_wait(window, folder)
    window.views.change(text_visible=False, interpolation="nearest")
    return window


def view_of(window, name="axial") -> QWidget:
    return window.views.findChild(QWidget, f"view-{name}")


def patches(window, name="axial") -> list[tuple[int, ...]]:
    """Give the colours drawn in the four quarters of a picture, by row."""
    picture = to_array(view_of(window, name).grab().toImage())
    lit = picture.max(axis=2) > 0
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    y, x = (np.percentile(found, (25, 75)).astype(int) for found in (rows, columns))
    return [tuple(picture[at_y, at_x].tolist()) for at_y in y for at_x in x]


def show_frame(window, k) -> None:
    window.views.cine.stop()
    window.views.go_to_slice(k)


def test_a_picture_has_the_colours_of_the_file(loop):
    show_frame(loop, 2)
    wait_until(lambda: patches(loop)[0] == (80, 200, 0), "the colours of the third frame")
    assert patches(loop) == [(80, 200, 0), (80, 0, 0), (80, 0, 0), (80, 0, 250)]


def test_the_pointer_tells_red_green_and_blue(loop):
    show_frame(loop, 2)
    view = view_of(loop)
    move(view, QPointF(view.width() * 0.4, view.height() * 0.4))
    assert loop.teller.pointer.endswith("R 80  G 200  B 0"), loop.teller.pointer


def test_the_window_acts_on_all_three_and_goes_back(loop):
    show_frame(loop, 2)
    loop.views.change(window=510.0, level=255.0)
    wait_until(lambda: patches(loop)[0] == (40, 100, 0), "half as bright")
    loop.give_focus_to_views()
    press(loop, Qt.Key.Key_I)
    wait_until(lambda: patches(loop)[0] == (215, 155, 255), "inverted")
    press(loop, Qt.Key.Key_I)
    press(loop, Qt.Key.Key_1)
    wait_until(lambda: patches(loop)[0] == (80, 200, 0), "as stored")
    assert loop.views.state.window_name == "as stored"


def test_colour_maps_are_for_values(loop):
    show_frame(loop, 2)
    assert not loop.display.window_section.colour_map.isEnabled()
    loop.views.change(colour_map="hot_iron")
    wait_until(lambda: patches(loop)[0] == (80, 200, 0), "still its own colours")


def test_a_key_plays_the_loop_at_the_rate_of_the_file(loop):
    """Around and around, at rest on the frame that is shown, with nothing to undo."""
    show_frame(loop, 4)
    row, could_undo = loop.display.planes_section.cine, loop.views.can_undo
    assert row.isVisible()
    assert (row.rate.text(), row.source.text()) == ("25", "Rate of the file")
    seen: list[int] = []
    loop.views.state_changed.connect(lambda: seen.append(loop.views.slice_position("axial")[0]))
    loop.give_focus_to_views()
    press(loop, Qt.Key.Key_K)
    assert loop.views.cine.is_playing
    wait_until(lambda: {0, 5} <= set(seen) and len(set(seen)) > 3, "the loop goes around")
    press(loop, Qt.Key.Key_K)
    assert not loop.views.cine.is_playing
    rest = loop.views.slice_position("axial")[0]
    QTest.qWait(120)
    assert loop.views.slice_position("axial")[0] == rest
    assert loop.views.can_undo == could_undo
    red = 40 * rest
    wait_until(lambda: patches(loop)[0] == (red, 200, 0), "the frame it stopped at")


def test_the_button_and_the_field_play_and_change_the_rate(loop):
    row = loop.display.planes_section.cine
    click(row.play)
    assert loop.views.cine.direction == 1
    row.rate.setFocus()
    row.rate.selectAll()
    QTest.keyClicks(row.rate, "50")
    QTest.keyClick(row.rate, Qt.Key.Key_Return)
    assert loop.views.cine.rate == pytest.approx(50.0)
    assert row.source.text() == ""
    click(row.play)
    assert not loop.views.cine.is_playing
    loop.commands.run("image.cine.rate")
    assert row.rate.text() == "25"


def test_pressed_again_it_goes_faster_and_backwards(loop):
    loop.give_focus_to_views()
    press(loop, Qt.Key.Key_L)
    press(loop, Qt.Key.Key_L)
    assert loop.views.cine.rate == pytest.approx(37.5)
    press(loop, Qt.Key.Key_J)
    assert loop.views.cine.direction == -1
    press(loop, Qt.Key.Key_K)
    assert loop.views.cine.direction == 0


def test_a_series_in_colour_is_a_volume_whose_planes_have_colours(window, tmp_path):
    frames = np.repeat(colours(2)[1:], 12, axis=0)
    write_series(tmp_path, frames.reshape(12, SIZE[0], -1), **COLOUR)
    open_and_wait(window, tmp_path)
    assert not window.views.is_flat
    window.views.change(layout="four_up", crosshair_visible=False, text_visible=False)
    window.views.change(interpolation="nearest")
    wait_until(lambda: patches(window)[0] == (40, 200, 0), "the colours of a slice")
    x, y, z = window.views.state.crosshair_lps
    window.views.change(crosshair_lps=(x, y - 6.0, z))
    wait_until(lambda: patches(window, "coronal")[0] == (40, 200, 0), "those of another plane")
    assert patches(window, "coronal")[1] == (40, 0, 0)
    assert "colour" in window.display.window_section.about.text().lower()
    wait_until(lambda: window.views.is_at_rest, "3D of the luminance")
