"""Windows by the formulas of PS3.3 C.11.2.1, colours, inversion, padding."""

from __future__ import annotations

import numpy as np
import pytest

from loading import ValueMap
from viewer import colour_maps
from viewer.voi import BLACK, Look, Painter, ramp


def by_the_letter(x: float, width: float, centre: float) -> float:
    """Write C.11.2.1.2.1 down again, in the standard's own order."""
    if x <= centre - 0.5 - (width - 1) / 2:
        return 0.0
    if x > centre - 0.5 + (width - 1) / 2:
        return 1.0
    return (x - (centre - 0.5)) / (width - 1) + 0.5


@pytest.mark.parametrize(("width", "centre"), [(400, 40), (2, 0), (1, 10), (15, 32), (80.5, 40.25)])
def test_linear_is_the_standards_formula(width, centre) -> None:
    x = np.linspace(centre - width, centre + width, 401)
    expected = [by_the_letter(value, width, centre) for value in x]
    assert np.allclose(ramp(x, width, centre), expected, atol=1e-12)


def test_linear_exact_and_sigmoid() -> None:
    x = np.array([-10.0, 0.0, 5.0, 10.0, 20.0])
    assert np.allclose(ramp(x, 20, 5, "LINEAR_EXACT"), np.clip((x - 5) / 20 + 0.5, 0, 1))
    assert np.allclose(ramp(x, 20, 5, "SIGMOID"), 1 / (1 + np.exp(-4 * (x - 5) / 20)))
    assert ramp(np.array([-1e30, 1e30]), 1.0, 0.0, "SIGMOID") == pytest.approx([0.0, 1.0])


def painter(dtype="int16", *, inverted=False, padding=None, window=256.0, level=128.0, map_=None):
    look = Look(window, level, "LINEAR_EXACT", inverted, "grey")
    value_map = map_ or ValueMap()
    return Painter(np.dtype(dtype), value_map, padding, look, colour_maps.colours("grey"))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "float32"])
def test_every_type_gets_the_same_grey(dtype) -> None:
    values = np.array([[0, 50, 100, 127]]).astype(dtype)
    grey = painter(dtype, window=127.0, level=63.5).paint(values) & 255
    expected = np.floor(np.clip(values[0].astype(float) / 127, 0, 1) * 255 + 0.5)
    assert grey[0].tolist() == expected.tolist()


def test_negative_values_and_rescale() -> None:
    value_map = ValueMap(2.0, -1000.0)
    grey = painter(map_=value_map, window=200, level=0).paint(np.array([450, 500, 550], np.int16))
    assert (grey & 255).tolist() == [0, 128, 255]


def test_inversion_swaps_light_and_dark_but_padding_stays_black() -> None:
    """V: MONOCHROME1 is inverted when shown, never in the data."""
    values = np.array([-2000, 0, 255], np.int16)
    plain = painter(padding=(-2000, -1500), window=255, level=127.5).paint(values)
    turned = painter(padding=(-2000, -1500), window=255, level=127.5, inverted=True).paint(values)
    assert plain[0] == turned[0] == BLACK
    assert (plain[1:] & 255).tolist() == [0, 255]
    assert (turned[1:] & 255).tolist() == [255, 0]


def test_not_a_number_is_black() -> None:
    values = np.array([np.nan, 300.0], np.float32)
    assert painter("float32", inverted=True).paint(values).tolist()[0] == int(BLACK)


@pytest.mark.parametrize("name", colour_maps.NAMES)
def test_colour_maps_are_opaque_and_get_lighter(name) -> None:
    table = colour_maps.colours(name)
    assert table.shape == (256,)
    assert ((table >> 24) == 255).all()
    red, green, blue = ((table >> shift & 255).astype(float) for shift in (16, 8, 0))
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    assert light[-1] > light[0] + 100
    assert name in colour_maps.TITLES
