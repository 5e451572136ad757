"""What the window says and draws of places and values, against the oracles of real series.

The crosshair is driven by the mouse alone, and the place is read where a person reads it: under
the pointer. Nothing of the program's own geometry is asked.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from tests.helpers.views import move
from tests.helpers.window import main_window, open_and_wait

CASES = [
    ("02_ct_gantry_tilt", "minus18"),
    ("02_ct_gantry_tilt", "plus16"),
    ("05_siemens_mosaic", "sag_asc36"),
    ("13_missing_and_uneven", "missing_one"),
    ("16_nifti_orientations", "same_PIR.nii.gz"),
    ("16_nifti_orientations", "oblique_qform_only.nii.gz"),
    ("16_nifti_orientations", "sheared_sform.nii.gz"),
]
PLACE = re.compile(r"x ([\d.]+) ([LR])  y ([\d.]+) ([AP])  z ([\d.]+) ([SI]) mm   ~?(-?[\d.e+]+)")
LETTERS = {"L": 1.0, "R": -1.0, "P": 1.0, "A": -1.0, "S": 1.0, "I": -1.0}
ROUNDING_MM = 0.05
VIEWS = ("coronal", "sagittal", "axial")


@pytest.fixture(scope="module")
def window(qapp):
    with main_window((1600, 1000)) as made:
        yield made


def oracle(data_folder, folder, name):
    cases = json.loads((data_folder / folder / "oracle.json").read_text())["cases"]
    (volume,) = next(case for case in cases if case["input"] == name)["volumes"]
    return volume


def read(window, view, at):
    """Point at a place of a view; give position and value that are said, None beside it."""
    window.teller.show_pointer("")
    move(view, at)
    said = PLACE.match(window.teller.pointer)
    if said is None:
        return None
    place = [float(said[n]) * LETTERS[said[n + 1]] for n in (1, 3, 5)]
    return np.array(place), float(said[7])


def click_nearest(window, view, target):
    """Click where a view comes nearest to a point; give what is said there."""
    width, height = view.width(), view.height()
    # three readings near the corners tell how the plane lies in space
    places = [QPointF(width * x, height * y) for x, y in ((0.3, 0.3), (0.7, 0.3), (0.3, 0.7))]
    readings = [read_place(window, view, place) for place in places]
    right = (readings[1] - readings[0]) / (places[1].x() - places[0].x())
    down = (readings[2] - readings[0]) / (places[2].y() - places[0].y())
    away = np.linalg.lstsq(np.stack([right, down], axis=1), target - readings[0], rcond=None)[0]
    at = (places[0] + QPointF(*away)).toPoint()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at)
    return at, read(window, view, QPointF(at)), max(map(np.linalg.norm, (right, down)))


def read_place(window, view, at):
    """Give the place under the pointer; beside the volume there is one as well."""
    window.teller.show_pointer("")
    move(view, at)
    words = window.teller.pointer
    found = re.findall(r"[xyz] ([\d.]+) ([LRAPSI])", words)
    assert len(found) == 3, words
    return np.array([float(number) * LETTERS[letter] for number, letter in found])


def drive(window, target):
    """Bring the crosshair to a point, by clicks in one view after the other."""
    for _ in range(2):
        for name in VIEWS:
            view = window.views.findChild(QWidget, f"view-{name}")
            click_nearest(window, view, target)
    # large, so that a voxel is several pixels
    window.views.change(layout=VIEWS[-1])
    at, said, step = click_nearest(window, view, target)
    drawn = view.grab().toImage().pixelColor(at).red()
    window.views.change(layout="four_up")
    return said, step, drawn


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_places_distances_and_values_are_those_of_the_oracle(window, data_folder, folder, name):
    expected = oracle(data_folder, folder, name)
    open_and_wait(window, data_folder / folder / name)
    window.views.change(layout="four_up", crosshair_visible=False, text_visible=False)
    values = [probe["value"] for probe in expected["probes"]]
    low, width = min(values), max(values) - min(values)
    window.views.change(
        window=width,
        level=low + width / 2,
        window_function="LINEAR_EXACT",
        interpolation="nearest",
        inverted=False,
    )
    found = []
    for probe in expected["probes"]:
        target = np.array(probe["lps"])
        said, step, drawn = drive(window, target)
        assert said is not None, probe
        place, value = said
        assert value == pytest.approx(probe["value"], rel=1e-4, abs=0.06), probe
        assert drawn == pytest.approx(255 * (probe["value"] - low) / width, abs=1), probe
        found.append((place, target))
        assert np.abs(place - target).max() <= step + ROUNDING_MM, probe
    for (one, true_one), (other, true_other) in pairwise(found):
        measured, true = np.linalg.norm(one - other), np.linalg.norm(true_one - true_other)
        assert measured == pytest.approx(true, abs=2 * (step + ROUNDING_MM))
