"""The state of the views and its history."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from viewer.history import LIMIT, History
from viewer.state import Camera3D, PlaneView, ViewState
from viewer.view_grid import FOUR_UP, GAP, rectangles


def test_fields_are_checked_and_brought_into_range() -> None:
    state = ViewState().with_fields(
        axial=PlaneView(zoom=1e9), camera=Camera3D(azimuth=540, elevation=95, zoom=0), window=-5
    )
    assert state.axial.zoom == 200
    assert (state.camera.azimuth, state.camera.elevation, state.camera.zoom) == (-180, 90, 0.01)
    assert state.window == 1.0
    assert state.with_fields(window_function="SIGMOID", window=0.25).window == 0.25


@pytest.mark.parametrize("change", [{"layout": "nine_up"}, {"interpolation": "cubic"}])
def test_what_does_not_exist_is_refused(change) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        ViewState().with_fields(**change)
    with pytest.raises(TypeError, match="zom"):
        ViewState().with_fields(zom=1)


@dataclass(frozen=True)
class Two:
    """A state of two fields."""

    n: int = 0
    other: int = 0


def test_undo_and_redo_go_through_the_same_states() -> None:
    history = History(Two())
    for value in (1, 2, 3):
        assert history.push(Two(value))
    assert not history.push(Two(3)), "nothing changed"
    seen = []
    while history.undo():
        seen.append(history.now.n)
    assert seen == [2, 1, 0]
    while history.redo():
        seen.append(history.now.n)
    assert seen[3:] == [1, 2, 3]
    history.undo()
    history.push(Two(9))
    assert not history.can_redo, "a new change ends what was taken back"


def test_one_gesture_is_one_step() -> None:
    history, drag = History(Two()), object()
    for value in (Two(1), Two(1, 5), Two(3, 5)):
        history.push(value, drag)
    history.push(Two(4, 5), object())
    history.undo()
    assert history.now == Two(3, 5)
    history.undo()
    assert history.now == Two()
    history.redo()
    assert history.now == Two(3, 5)


def test_taking_a_step_back_leaves_alone_what_it_did_not_change() -> None:
    history = History(Two())
    history.push(Two(1))
    history.put(Two(1, 7))
    history.undo()
    assert history.now == Two(0, 7)
    history.put(Two(0, 8))
    history.redo()
    assert history.now == Two(1, 8)


def test_history_is_bounded_and_put_makes_no_step() -> None:
    history = History(Two())
    for value in range(1, 3 * LIMIT):
        history.push(Two(value))
    assert history.put(Two(-1))
    steps = 0
    while history.undo():
        steps += 1
    assert steps == LIMIT


@pytest.mark.parametrize("layout", ["four_up", "one_plus_three", "axial", "volume"])
@pytest.mark.parametrize("size", [(1340, 840), (721, 481)])
def test_layouts_fill_the_area_with_gaps_of_two(layout, size) -> None:
    width, height = size
    places = rectangles(layout, "coronal", width, height, (0.5, 0.5))
    area = sum(place.width() * place.height() for place in places.values())
    gaps = {"four_up": GAP * (size[0] + size[1]) - GAP * GAP, "axial": 0, "volume": 0}
    one_plus = GAP * size[1] + 2 * GAP * ((size[0] - GAP) // 3)
    assert size[0] * size[1] - area == gaps.get(layout, one_plus)
    for place in places.values():
        assert all(not place.intersects(other) for other in places.values() if other != place)


def test_four_up_has_slicers_order() -> None:
    places = rectangles("four_up", "axial", 100, 100, (0.5, 0.5))
    by_row = sorted(places, key=lambda name: (places[name].y(), places[name].x()))
    assert tuple(by_row) == FOUR_UP == ("axial", "volume", "coronal", "sagittal")
