"""What is no volume opens all the same: one view, no directions made up, no 3D."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.window import click, main_window, open_and_wait, press, wait_until


@pytest.fixture(scope="module")
def scout(tmp_path_factory):
    """Write one projection with a bright left half."""
    folder = tmp_path_factory.mktemp("scout")
    plane = np.zeros((1, 60, 80), np.uint16)
    plane[:, :, :40] = 2000
    write_series(
        folder, plane, Modality="DX", ImageType=["ORIGINAL", "PRIMARY"], WindowCenter="0",
        WindowWidth="1000", PixelSpacing=None,
    )  # fmt: skip
    return folder


@pytest.fixture
def window(qapp):
    with main_window() as made:
        yield made


def halves(window):
    """Give the mean brightness left and right of the middle of the picture area."""
    image = window.views.grab_picture()
    y = image.height() // 2
    x, reach = image.width() // 2, image.width() // 8
    return [image.pixelColor(x + side * reach, y).lightness() for side in (-1, 1)]


def test_a_radiograph_fills_one_view(window, scout):
    open_and_wait(window, scout)
    wait_until(lambda: halves(window) == [255, 0], "the picture")
    assert window.workspace.is_flat
    assert window.views.state.layout == window.views.acquired_view
    # four views and 3D are not to be had, and say why
    window.give_focus_to_views()
    press(window, Qt.Key.Key_V)
    assert window.views.state.layout == window.views.acquired_view
    reasons = {command.id: command.reason() for command in window.commands.all}
    assert reasons["view.layout.four_up"] == reasons["volume.mode.mip"] == "this is no volume"
    told = {row.code: row.message for row in window.notices.rows()}
    assert told["not_a_volume"].startswith("This is no volume (CT slice).")


def test_its_pixels_are_named_by_column_and_row_not_by_places_in_a_patient(window, scout):
    open_and_wait(window, scout)
    texts: list[str] = []
    window.views.pointer_text.connect(texts.append)
    middle = window.views.rect().center()
    QTest.mouseMove(window.views, middle - QPoint(60, 0))
    QTest.mouseMove(window.views, middle - QPoint(61, 3))
    wait_until(lambda: any("column" in text for text in texts), "the value under the pointer")
    assert not any(" mm" in text for text in texts)
    assert any("976" in text for text in texts), "stored 2000 less 1024"


def test_a_picture_beside_volumes_opens_by_a_click_and_the_layout_comes_back(
    window, scout, tmp_path
):
    write_series(tmp_path / "series", phantom((12, 40, 40)))
    open_and_wait(window, tmp_path / "series", scout)
    assert not window.workspace.is_flat
    assert window.views.state.layout == "four_up"
    (picture,) = window.session.current.pictures.values()
    click(window.series.card(picture))
    wait_until(lambda: window.workspace.is_flat, "the picture")
    wait_until(lambda: halves(window) == [255, 0], "its pixels")
    click(window.series.card(window.session.entries[0]))
    wait_until(lambda: not window.workspace.is_flat, "the volume")
    assert window.views.state.layout == "four_up"
    assert window.views.state.volume_mode == "volume"
