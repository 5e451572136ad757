"""When each frame of a loop is shown, by the clock; and what files say of it."""

from __future__ import annotations

import pytest

import loading
from tests.helpers.dicom_series import phantom, write_series
from viewer.cine import Schedule


def test_frames_follow_the_clock_around_and_around():
    plan = Schedule((40.0,), 5)
    assert plan.rate == 25.0
    shown = [plan.frame_at(at, 3, 1) for at in (0, 39, 40, 81, 200, 399, 400)]
    assert shown == [3, 3, 4, 0, 3, 2, 3]


def test_a_late_look_leaves_frames_out():
    """What drawing missed is not made up for: the loop keeps its speed."""
    plan = Schedule((10.0,), 100)
    assert plan.frame_at(555.0, 0, 1) == 55


def test_frames_last_as_long_as_the_file_says():
    plan = Schedule((10.0, 30.0, 60.0), 3)
    assert plan.rate == pytest.approx(30.0)
    shown = [plan.frame_at(at, 0, 1) for at in (9, 10, 39, 40, 99, 100)]
    assert shown == [0, 1, 1, 2, 2, 0]


def test_backwards_is_the_same_from_behind():
    plan = Schedule((10.0, 30.0, 60.0), 3)
    shown = [plan.frame_at(at, 1, -1) for at in (0, 29, 30, 39, 40, 99, 100, 130)]
    assert shown == [1, 1, 0, 0, 2, 2, 1, 0]


@pytest.mark.parametrize("direction", [1, -1])
def test_no_frame_is_shown_that_there_is_not(direction):
    plan = Schedule((1000 / 29.97,), 7)
    shown = {plan.frame_at(at * 0.37, at % 7, direction) for at in range(100_000)}
    assert shown == set(range(7))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"FrameTime": "40"}, (40.0,)),
        ({"CineRate": "50", "FrameTime": "40"}, (20.0,)),
        ({"RecommendedDisplayFrameRate": "10", "CineRate": "50"}, (100.0,)),
        ({"FrameTimeVector": ["0", "10", "20", "60"]}, (10.0, 20.0, 60.0, 20.0)),
        ({"FrameTimeVector": ["0", "10"], "FrameTime": "40"}, (40.0,)),
        ({"CineRate": "0", "FrameTime": "0"}, ()),
        ({}, ()),
    ],
)
def test_the_rate_is_that_of_the_file(tmp_path, attributes, expected):
    frames = phantom((4, 6, 5))
    write_series(
        tmp_path,
        frames.reshape(1, 24, 5),
        Rows=6,
        NumberOfFrames="4",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1",
        Modality="US",
        **attributes,
    )
    (image,) = loading.describe(str(tmp_path)).images
    assert image.frames == 4
    assert image.spec is not None
    assert image.spec.frame_ms == pytest.approx(expected)
