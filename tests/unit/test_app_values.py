"""What the window says of values: a second unit, why there is no SUV, names of time points."""

from __future__ import annotations

import numpy as np
import pytest

import loading
from app.display_panel import about_values
from loading.spec import OtherUnit, ValueMap
from tests.helpers.array_source import ArraySource
from tests.helpers.views import volume_spec
from viewer.names import point_text
from viewer.scene import Scene


@pytest.fixture
def voxels():
    return np.arange(60, dtype=np.float32).reshape(3, 4, 5) / 8


def test_a_value_is_told_in_both_units(voxels):
    """SUV and the activity that the file has, under the pointer."""
    activity = (OtherUnit("Bq/ml", ValueMap(4000.0, 0.0)),)
    spec = volume_spec(voxels, modality="PT", unit="g/ml", other_units=activity)
    with loading.open_entry(ArraySource(spec, voxels[np.newaxis], has_coarse=False).entry()) as at:
        at.wait(10)
        scene = Scene(at)
        assert scene.value_text((2.0, 1.0, 0.0)) == "0.88 g/ml  (3500 Bq/ml)"
        assert scene.value_text((99.0, 0.0, 0.0)) == "-"


def test_the_panel_says_why_a_pet_has_no_suv(voxels):
    reason = {"suv": "not available: the injected dose is missing"}
    spec = volume_spec(voxels, modality="PT", unit="Bq/ml", header=reason)
    assert about_values(spec) == "SUV: not available: the injected dose is missing"
    assert about_values(volume_spec(voxels)) == ""


def test_points_of_a_fourth_axis_have_their_names(voxels):
    labels = ("4.9 ms", "7.4 ms")
    echoes = volume_spec(voxels, time_points=2, time_axis="echo time", time_labels=labels)
    assert point_text(echoes, 1) == "echo time 7.4 ms, 2 / 2"
    plain = volume_spec(voxels, time_points=3, time_labels=("1", "2", "3"))
    assert point_text(plain, 0) == "time 1 / 3"
    assert point_text(volume_spec(voxels), 0) == ""
