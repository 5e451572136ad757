"""From array values to colours: the VOI functions of PS3.3 C.11.2.1, as lookup tables.

Windows speak of meant values. Inversion (MONOCHROME1, or by the user) happens here and never in
the data; padding is drawn black whatever the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loading.spec import ColourRange, ValueMap

FloatArray = npt.NDArray[np.floating]
ColourTable = npt.NDArray[np.uint32]
BLACK = np.uint32(0xFF000000)


def ramp(values: FloatArray, window: float, level: float, function: str = "LINEAR") -> FloatArray:
    """Map meant values to 0 (dark) ... 1 (light).

    Parameters
    ----------
    values : array of float
        Meant values; NaN stays NaN.
    window, level : float
        Width and centre as the file or the user gives them.
    function : str
        LINEAR (C.11.2.1.2.1), LINEAR_EXACT (C.11.2.1.3.2) or SIGMOID (C.11.2.1.3.1).
    """
    if function == "SIGMOID":
        power = np.clip(-4.0 * (values - level) / window, -700.0, 700.0)
        result: FloatArray = 1.0 / (1.0 + np.exp(power))
        return result
    if function == "LINEAR_EXACT":
        exact: FloatArray = np.clip((values - level) / window + 0.5, 0.0, 1.0)
        return exact
    if window <= 1.0:
        step: FloatArray = np.where(
            np.isnan(values), np.nan, np.where(values > level - 0.5, 1.0, 0.0)
        )
        return step
    line: FloatArray = np.clip((values - (level - 0.5)) / (window - 1.0) + 0.5, 0.0, 1.0)
    return line


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that decides which colour a value gets."""

    window: float
    level: float
    function: str
    inverted: bool
    colour_map: str


class ColourPainter:
    """Draw cuts that have colours: the window acts on red, green and blue alike.

    Windows of files are not meant for colours (C.11.2.1.2); the one a person sets changes
    brightness and contrast and keeps grey grey. Colour maps are for values, not for colours.
    """

    def __init__(self, dtype: np.dtype[np.generic], look: Look) -> None:
        self.look = look
        self._table: npt.NDArray[np.uint8] | None = None
        if dtype.kind == "u" and dtype.itemsize <= 2:
            every = np.arange(1 << (8 * dtype.itemsize), dtype=np.float64)
            self._table = self._shade(every)

    def paint(self, cut: npt.NDArray[np.generic]) -> npt.NDArray[np.uint32]:
        """Give 0xffRRGGBB for each pixel; shape (height, width, 3) becomes (height, width)."""
        if self._table is not None and cut.dtype.kind == "u":
            shades = self._table[cut.view(f"u{cut.dtype.itemsize}")]
        else:
            shades = self._shade(cut.astype(np.float64))
        result: npt.NDArray[np.uint32] = np.full(cut.shape[:2], BLACK, np.uint32)
        for at, shift in enumerate((16, 8, 0)):
            result |= shades[..., at].astype(np.uint32) << np.uint32(shift)
        return result

    def _shade(self, values: FloatArray) -> npt.NDArray[np.uint8]:
        """Give 0 (dark) to 255 (light) for sample values."""
        look = self.look
        light = np.nan_to_num(ramp(values, look.window, look.level, look.function))
        if look.inverted:
            light = 1.0 - light
        shades: npt.NDArray[np.uint8] = (light * 255.0 + 0.5).astype(np.uint8)
        return shades


class Painter:
    """Colour cuts of one volume; small integer types go through a table made once per look.

    Parameters
    ----------
    dtype : numpy dtype
        Of the array.
    value_map : ValueMap
        Array value to meant value.
    padding : tuple of float, optional
        Lowest and highest array value that means "no data here".
    colours : array of uint32, length 256
        0xffRRGGBB from dark to light.
    colour_range : ColourRange, optional
        Colours that high array values stand for; neither window nor map acts on them.
    """

    def __init__(
        self,
        dtype: np.dtype[np.generic],
        value_map: ValueMap,
        padding: tuple[float, float] | None,
        look: Look,
        colours: ColourTable,
        colour_range: ColourRange | None = None,
    ) -> None:
        self._range = colour_range
        self._map, self._padding, self.look = value_map, padding, look
        self._colours = colours[::-1] if look.inverted else colours
        self._table: ColourTable | None = None
        self._table_dtype = np.dtype(dtype)
        if dtype.kind in "iu" and dtype.itemsize <= 2:
            every = np.arange(1 << (8 * dtype.itemsize), dtype=f"u{dtype.itemsize}")
            self._table = self._colour(every.view(dtype).astype(np.float64))

    def paint(self, cut: npt.NDArray[np.generic]) -> npt.NDArray[np.uint32]:
        """Give 0xffRRGGBB for each array value; shape as given."""
        if self._table is not None and cut.dtype == self._table_dtype:
            return np.take(self._table, cut.view(f"u{cut.dtype.itemsize}"))
        wide = np.float32 if cut.dtype == np.float32 else np.float64
        return self._colour(cut.astype(wide, copy=False))

    def _colour(self, values: FloatArray) -> npt.NDArray[np.uint32]:
        """Colour array values given as floats."""
        look = self.look
        meant = values * values.dtype.type(self._map.slope) + values.dtype.type(self._map.intercept)
        light = ramp(meant, look.window, look.level, look.function)
        nothing = np.isnan(light)
        if self._padding is not None:
            low, high = self._padding
            nothing |= (values >= low) & (values <= high)
        step = (np.where(nothing, 0.0, light) * 255.0 + 0.5).astype(np.uint8)
        result: npt.NDArray[np.uint32] = np.take(self._colours, step)
        result[nothing] = BLACK
        if self._range is not None:
            self._put_range(values, self._range, result)
        return result

    def _put_range(
        self, values: FloatArray, own: ColourRange, result: npt.NDArray[np.uint32]
    ) -> None:
        """Put colours where values stand for them."""
        has_colour = values > own.above
        at = np.clip(values[has_colour] - own.first, 0, len(own.colours) - 1).astype(int)
        red, green, blue = own.colours[at].astype(np.uint32).T
        result[has_colour] = BLACK | red << 16 | green << 8 | blue
