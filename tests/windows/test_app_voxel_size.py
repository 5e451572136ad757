"""A voxel size that no file tells: asked once in a bar, remembered, marked as assumed."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.voxel_size import VoxelSizeBar
from tests.helpers import format_files as make
from tests.helpers.window import click, is_complete, main_window, open_and_wait, wait_until


@pytest.fixture
def stack(tmp_path):
    import imagecodecs

    folder = tmp_path / "Stack"
    folder.mkdir()
    array = make.voxels((6, 24, 20), "uint8")
    for k in range(6):
        (folder / f"s_{k}.png").write_bytes(imagecodecs.png_encode(array[k]))
    return folder


def bar_of(window) -> VoxelSizeBar | None:
    bar = window.door.bars.bar
    return bar if isinstance(bar, VoxelSizeBar) else None


def test_a_size_is_asked_once_and_remembered(qapp, stack):
    with main_window() as window:
        open_and_wait(window, stack)
        bar = bar_of(window)
        assert bar is not None
        assert bar.isVisible()
        bar.field.setText("none")
        click(bar.yes)
        assert bar_of(window) is bar
        assert bar.trouble.text()
        bar.field.selectAll()
        QTest.keyClicks(bar.field, "20 x 20 x 60 um")
        QTest.keyClick(bar.field, Qt.Key.Key_Return)
        wait_until(lambda: window.session.volume.spec.spacing_ijk_mm[0] < 0.1, "the new size")
        wait_until(lambda: is_complete(window), "the load")
        assert bar_of(window) is None
        spec = window.session.volume.spec
        assert np.allclose(spec.spacing_ijk_mm, (0.02, 0.02, 0.06))
        (row,) = [row for row in window.notices.rows() if row.code == "spacing_assumed"]
        assert "0.02 x 0.02 x 0.06 mm" in row.message
        assert len(window.session.entries) == 1
    with main_window() as window:
        open_and_wait(window, stack)
        assert np.allclose(window.session.volume.spec.spacing_ijk_mm, (0.02, 0.02, 0.06))
        assert bar_of(window) is None
        window.commands.run("image.voxel_size")
        bar = bar_of(window)
        assert bar is not None
        assert bar.field.text() == "0.02 x 0.02 x 0.06"
        click(bar.no)
        assert np.allclose(window.session.volume.spec.spacing_ijk_mm, (0.02, 0.02, 0.06))


def test_no_answer_leaves_the_size_assumed_and_is_not_asked_again(qapp, stack):
    for turn in range(2):
        with main_window() as window:
            open_and_wait(window, stack)
            bar = bar_of(window)
            assert (bar is not None) == (turn == 0)
            if bar is not None:
                click(bar.no)
            assert window.session.volume.spec.spacing_ijk_mm == (1.0, 1.0, 1.0)
            assert any(row.code == "spacing_assumed" for row in window.notices.rows())
            assert "Stack" not in str(window.settings.value.voxel_sizes)
