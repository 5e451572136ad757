"""What the views and the strip say about slices that are not the whole truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loading import Qualities, Status
from viewer import strip_model
from viewer.marks import Mark, of_slice, of_volume, runs


def qualities(count=6, **changes) -> Qualities:
    fields: dict[str, Any] = {
        "status": np.full(count, Status.FULL, np.uint8),
        "source": np.arange(count, dtype=np.int32),
        "content": np.arange(count, dtype=np.int32),
        "level": np.zeros(count, np.uint8),
    }
    for name, planes in changes.items():
        if name in fields:
            for k, value in planes.items():
                fields[name][k] = value
        else:
            fields[name] = planes
    return Qualities(**fields)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({}, []),
        ({"content": {2: -1}, "status": {2: Status.EMPTY}}, [(Mark.NOT_LOADED, 0)]),
        ({"content": {2: 3}, "status": {2: Status.NEAR_REPLICATE}}, [(Mark.COPIED, 4)]),
        ({"level": {2: 2}, "status": {2: Status.SUBRESOLUTION}}, [(Mark.REDUCED, 0)]),
        ({"status": {2: Status.LOSSY}}, [(Mark.LOSSY, 0)]),
        ({"absent": frozenset({2}), "content": {2: -1}}, [(Mark.ABSENT, 0)]),
        ({"failed": {2: "ends early"}, "content": {2: -1}}, [(Mark.FAILED, 0)]),
        (
            {"failed": {2: "ends early"}, "content": {2: 1}},
            [(Mark.FAILED, 0), (Mark.COPIED, 2)],
        ),
    ],
)
def test_each_untruth_of_a_slice_is_said(what, said) -> None:
    """V1, V2: reduced, copied, missing and failed are marked where they are seen."""
    assert [(one.mark, one.number) for one in of_slice(2, qualities(**what))] == said
    assert of_slice(0, qualities(**what)) == ()


def test_a_view_across_the_slices_sums_up() -> None:
    assert of_volume(qualities()) == ()
    mixed = qualities(content={1: 0, 5: -1}, level={3: 1}, absent=frozenset({5}))
    assert [one.mark for one in of_volume(mixed)] == [
        Mark.SOME_ABSENT,
        Mark.SOME_COPIED,
        Mark.REDUCED,
    ]


def test_runs_join_neighbours() -> None:
    assert runs([1, 2, 3, 7, 9, 10]) == [(1, 3), (7, 7), (9, 10)]
    assert runs([]) == []


def test_a_crowded_strip_shows_the_worst_of_each_column() -> None:
    many = qualities(1000, status={500: Status.SUBRESOLUTION}, failed={700: "x"})
    cells = strip_model.cells(many, 100)
    assert len(cells.status) == 100
    assert np.flatnonzero(cells.status != Status.FULL).tolist() == [50]
    assert np.flatnonzero(cells.failed).tolist() == [70]
    assert not cells.is_perfect


def test_a_roomy_strip_gives_each_slice_its_width() -> None:
    few = qualities(4, status={1: Status.EMPTY}, content={1: -1})
    cells = strip_model.cells(few, 40)
    assert np.flatnonzero(cells.status == Status.EMPTY).tolist() == list(range(10, 20))
    assert strip_model.slice_at(15, 40, 4) == 1
    assert strip_model.middle_of(1, 40, 4) == 15


def test_a_promised_copy_counts_as_nothing() -> None:
    """Q: a borrowed slice whose pixels are not copied yet shows nothing."""
    promised = qualities(3, status={1: Status.NEAR_REPLICATE}, content={1: -1})
    assert strip_model.shown_status(promised).tolist() == [8, 0, 8]


def test_lightness_and_height_rise_with_the_status() -> None:
    heights, lights = [], []
    for colour, part in strip_model.LOOK.values():
        heights.append(part)
        red, green, blue = (colour >> shift & 255 for shift in (16, 8, 0))
        lights.append(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    assert heights == sorted(heights)
    assert lights == sorted(lights)
    assert len(set(lights)) == len(lights)


def test_pixels_of_the_strip_stand_on_its_foot() -> None:
    drawn = strip_model.pixels(
        strip_model.cells(
            qualities(3, status={0: Status.EMPTY}, content={0: -1}, failed={2: "x"}), 3
        ),
        12,
    )
    filled = (drawn != 0).sum(axis=0).tolist()
    assert filled[:2] == [2, 12]
    assert drawn[-1, 0] != 0
    assert drawn[0, 2] == 0xFFFF7A6B
    assert (drawn[6:, 2] == 0).all(), "a failed slice is marked in the upper half only"
