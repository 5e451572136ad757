"""What opens without asking, and what is meant by a number or a label."""

from __future__ import annotations

import pytest

import loading
from loading.catalogue import Catalogue
from tests.helpers.array_source import ArraySource, make_spec


def listed(*kinds):
    """List volumes of (label, modality, slices, time points)."""
    return Catalogue(
        "here",
        volumes=tuple(
            ArraySource(
                make_spec((count, 2, 2), label=label, modality=modality, time_points=times)
            ).entry()
            for label, modality, count, times in kinds
        ),
    )


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([("few", "CT", 20, 1), ("many", "CT", 90, 1)], "many"),
        ([("other", "US", 900, 1), ("mr", "MR", 30, 1)], "mr"),
        ([("pair", "CT", 2, 1), ("us", "US", 40, 1)], "us"),
        ([("pet", "PT", 48, 1), ("ct", "CT", 48, 1)], "ct"),
        ([("first", "MR", 48, 1), ("second", "MR", 48, 1)], "first"),
        ([("film", "MR", 30, 100), ("still", "MR", 40, 1)], "still"),
    ],
)
def test_first_choice(kinds, expected):
    found = loading.first_choice(listed(*kinds))
    assert found is not None
    assert found.spec.label == expected


def test_a_volume_by_number_and_by_label():
    catalogue = listed(("a", "CT", 20, 1), ("b", "CT", 30, 1))
    assert loading.choose(catalogue).spec.label == "b"
    assert loading.choose(catalogue, "0").spec.label == "a"
    assert loading.choose(catalogue, "b").spec.label == "b"
    with pytest.raises(loading.NotFound, match=r"0 'a', 1 'b'"):
        loading.choose(catalogue, "c")
    with pytest.raises(loading.NotFound, match="No volume found"):
        loading.choose(listed())


def test_a_number_comes_before_a_label_that_looks_like_one():
    catalogue = listed(("1", "CT", 20, 1), ("b", "CT", 30, 1))
    assert loading.choose(catalogue, "1").spec.label == "b"
