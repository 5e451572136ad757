"""One volume as the views see it: where its planes lie, how good it is now, what its values are.

Belongs to the GUI thread. Pixels stay where the engine put them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from math import floor, log10
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loading import LoadState
from loading.probing import nearest_voxel
from loading.values import meant_value
from viewer import colour_maps
from viewer.geometry import FloatArray, apply, plane_frames, position_text
from viewer.state import Point
from viewer.straight_cutter import CutArea, StraightCutter, is_straight
from viewer.voi import ColourPainter, Look, Painter

if TYPE_CHECKING:
    from loading import OpenVolume
    from viewer.slice_cutter import SliceCutter

_log = logging.getLogger(__name__)

EMPTY_TEXT = "-"


def import_vtk() -> None:
    """Import VTK, in a thread where nobody waits for it; what goes wrong is logged."""
    try:
        import viewer.vtk_setup  # noqa: F401 - for its cost: others import it for free then
    except ImportError:
        _log.exception("VTK cannot be imported")


def vtk_is_here() -> bool:
    """Tell whether VTK has been imported, all of it; another thread may be at it just now."""
    return getattr(sys.modules.get("viewer.vtk_setup"), "IS_COMPLETE", False)


class Scene:
    """Keep what all views of one volume share.

    Attributes
    ----------
    qualities : Qualities
        The engine's snapshot that everything on the screen is drawn by; see `refresh`.
    is_flat : bool
        Pictures that share no space (a radiograph, a loop): one view, no directions, no 3D.
    percentiles : pair of float or None
        1 and 99 percent of the meant values, once something is known.
    wide_range : pair of float or None
        0.1 and 99.9 percent.
    start_zoom : float or None
        Of the 3D view, once it is known what there is to be seen.
    """

    def __init__(self, volume: OpenVolume, t: int = 0, *, is_flat: bool = False) -> None:
        self.volume = volume
        self.spec = volume.spec
        self.t = t
        self.is_flat = is_flat
        self.frames = plane_frames(self.spec.affine_lps, self.spec.shape_kji)
        self.to_index: FloatArray = np.linalg.inv(self.spec.affine_lps).astype(np.float64)
        self.qualities = volume.qualities(t)
        self.percentiles: tuple[float, float] | None = None
        self.wide_range: tuple[float, float] | None = None
        self.start_zoom: float | None = None
        self._cutter: SliceCutter | None = None
        self._painter: Painter | ColourPainter | None = None

    def cut(
        self, matrix: FloatArray, axis: int, area: CutArea, *, linear: bool
    ) -> npt.NDArray[np.generic]:
        """Give array values on a plane, shape (height, width) or (height, width, 3).

        As long as VTK has not been imported numpy cuts the planes that it can: the same values.

        Parameters
        ----------
        matrix : array, shape (3, 3)
            From `geometry.index_matrix`.
        axis : int
            Index axis that the plane is at right angles to, or nearest to that.
        linear : bool
            Trilinear between voxel centres; else the nearest voxel.
        """
        if self._cutter is None and not vtk_is_here() and is_straight(matrix):
            straight = StraightCutter(self._shown, self.spec.empty_value)
            cut = straight.cut(matrix, area, linear=linear)
            if cut is not None:
                return cut
        if self._cutter is None:
            from viewer.slice_cutter import SliceCutter

            self._cutter = SliceCutter(self._shown, self.spec.empty_value)
        self._cutter.use_one_thread(not self.volume.state.is_over)
        return self._cutter.cut(matrix, axis, area, linear=linear).copy()

    @property
    def _shown(self) -> npt.NDArray[np.generic]:
        """Give the array that slices show: colours where there are some."""
        colour = self.volume.colour(self.t)
        return self.volume.stored(self.t) if colour is None else colour

    def painter_for(self, look: Look) -> Painter | ColourPainter:
        """Give what colours cuts by a look; views that look alike share one table."""
        if self._painter is None or self._painter.look != look:
            spec, table = self.spec, colour_maps.colours(look.colour_map)
            if spec.is_colour:
                self._painter = ColourPainter(spec.dtype, look)
            else:
                self._painter = Painter(
                    spec.dtype, spec.value_map, spec.padding, look, table, spec.colour_range
                )
        return self._painter

    @property
    def acquired(self) -> str:
        """Name the view that shows the slices as stored."""
        return next(name for name, frame in self.frames.items() if frame.is_acquired)

    @property
    def centre(self) -> Point:
        """Give the middle voxel of the volume, LPS."""
        size = np.array(self.spec.shape_kji[::-1])
        x, y, z = apply(self.spec.affine_lps, (size // 2).astype(float))
        return float(x), float(y), float(z)

    @property
    def is_complete(self) -> bool:
        """Tell whether no slice will get any better."""
        return self.volume.state in (LoadState.COMPLETE, LoadState.COMPLETE_WITH_FAILURES)

    def clamped(self, point: FloatArray) -> FloatArray:
        """Bring a point between the first and the last plane of each view.

        In a tilted series it may still lie beside the volume: all planes can be reached.
        """
        result = np.asarray(point, float)
        for frame in self.frames.values():
            along = float(result @ frame.normal)
            last = frame.first_mm + (frame.count - 1) * frame.step_mm
            result = result + frame.normal * (min(last, max(frame.first_mm, along)) - along)
        return result

    def refresh(self) -> None:
        """Take a new snapshot of how good the slices are."""
        self.qualities = self.volume.qualities(self.t)

    def value_text(self, point: Point | FloatArray) -> str:
        """Write the meant value at a point with its unit; of a colour, red, green and blue.

        "-" where there is none (outside, missing, failed, empty, padding); "~" before a value of
        a slice that is borrowed or of reduced resolution.
        """
        voxel = nearest_voxel(self.spec, point)
        if voxel is None:
            return EMPTY_TEXT
        i, j, k = voxel
        content = int(self.qualities.content[k])
        if content < 0 or k in self.qualities.absent:
            return EMPTY_TEXT
        stored = float(self.volume.stored(self.t)[k, j, i])
        if np.isnan(stored) or self._is_padding(stored):
            return EMPTY_TEXT
        rough = "~" if content != k or self.qualities.level[k] > 0 else ""
        colour = self.volume.colour(self.t)
        if colour is not None:
            red, green, blue = (f"{part:g}" for part in colour[k, j, i].tolist())
            return f"{rough}R {red}  G {green}  B {blue}"
        meant = meant_value(stored, self.spec.value_map)
        unit = f" {self.spec.unit}" if self.spec.unit else ""
        others = "".join(
            f"  ({reading:.4g} {other.unit})"
            for other in self.spec.other_units
            if (reading := other.reading(meant)) is not None
        )
        return f"{rough}{self.number_text(meant)}{unit}{others}"

    def values_at(self, points: Sequence[FloatArray]) -> FloatArray:
        """Give the meant values at points; those that show no data of their own are left out."""
        if not points:
            return np.empty(0)
        index = np.rint(apply(self.to_index, np.array(points))).astype(int)[:, ::-1]
        inside = ((index >= 0) & (index < self.spec.shape_kji)).all(axis=1)
        index = np.unique(index[inside], axis=0)
        k = index[:, 0]
        index = index[self.qualities.content[k] == k]
        stored = self.volume.stored(self.t)[tuple(index.T)].astype(np.float64)
        stored = stored[~np.isnan(stored)]
        if self.spec.padding is not None:
            low, high = self.spec.padding
            stored = stored[(stored < low) | (stored > high)]
        result: FloatArray = stored * self.spec.value_map.slope + self.spec.value_map.intercept
        return result

    def pointer_text(self, point: Point | FloatArray) -> str:
        """Write place and value: "x 12.3 L  y 40.1 P  z 118.0 S mm   62 HU"."""
        if self.is_flat:
            voxel = nearest_voxel(self.spec, point)
            place = "" if voxel is None else f"column {voxel[0] + 1}  row {voxel[1] + 1}"
            return f"{place}   {self.value_text(point)}"
        return f"{position_text(point, min(self.spec.spacing_ijk_mm))}   {self.value_text(point)}"

    def number_text(self, value: float) -> str:
        """Write a meant value with as many decimals as its map can tell apart."""
        slope = abs(self.spec.value_map.slope)
        if self.spec.dtype.kind == "f":
            if value and not 1e-2 <= abs(value) < 1e5:
                return f"{value:.4g}"
            return f"{value:.2f}" if abs(value) < 1000 else f"{value:.1f}"
        whole = slope == round(slope) and self.spec.value_map.intercept % 1 == 0
        decimals = 0 if whole else min(6, max(1, -floor(log10(slope))))
        return f"{value:.{decimals}f}"

    def _is_padding(self, stored: float) -> bool:
        """Tell whether an array value means "no data here"."""
        padding = self.spec.padding
        return padding is not None and padding[0] <= stored <= padding[1]
