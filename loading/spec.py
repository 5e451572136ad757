"""What a volume is, before and apart from its bytes: frozen values that every layer may share.

Index order is k, j, i (slice, row, column), C order. World coordinates are LPS millimetres.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil, inf, prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loading.notices import Notice

Shape3 = tuple[int, int, int]
Box = tuple[slice, slice, slice]
FloatArray = npt.NDArray[np.float64]


class ChunkKey(NamedTuple):
    """Name one unit of reading: time point, level, ordinal of the chunk in that level's grid."""

    t: int
    level: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One resolution of a volume; level 0 is the finest.

    Attributes
    ----------
    shape_kji : tuple of int
        Voxels along slice, row and column axes.
    affine_lps : array, shape (4, 4), millimetres
        Maps (i, j, k, 1) of a voxel's centre to LPS. It may shear and flip.
    chunk_kji : tuple of int
        Shape of the unit of reading; (1, rows, columns) for slices.
    """

    shape_kji: Shape3
    affine_lps: FloatArray
    chunk_kji: Shape3

    @property
    def grid_kji(self) -> Shape3:
        """Count chunks along each axis."""
        k, j, i = (ceil(n / c) for n, c in zip(self.shape_kji, self.chunk_kji, strict=True))
        return k, j, i

    @property
    def chunk_count(self) -> int:
        """Count chunks of one time point, absent ones included."""
        return prod(self.grid_kji)

    def box(self, index: int) -> Box:
        """Give the region of the array that the chunk with this ordinal covers."""
        _, gj, gi = self.grid_kji
        ck, rest = divmod(index, gj * gi)
        cj, ci = divmod(rest, gi)
        k, j, i = (
            slice(c * n, min((c + 1) * n, size))
            for c, n, size in zip((ck, cj, ci), self.chunk_kji, self.shape_kji, strict=True)
        )
        return k, j, i


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Turn stored values into meant ones: meant = stored * slope + intercept."""

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Tell whether stored values are the meant ones already."""
        return self.slope == 1.0 and self.intercept == 0.0


@dataclass(frozen=True, slots=True)
class OtherUnit:
    """Give the meant values in a second unit as well: other = meant * slope + intercept.

    Attributes
    ----------
    low, high : float
        Meant values from and up to which this holds.
    entries : tuple of float
        Of a table: the line leads to the number of an entry, which is what is read.
    """

    unit: str
    value_map: ValueMap
    low: float = -inf
    high: float = inf
    entries: tuple[float, ...] = ()

    def reading(self, meant: float) -> float | None:
        """Give what a meant value is in this unit; None where the file does not say it."""
        if not self.low <= meant <= self.high:
            return None
        value = meant * self.value_map.slope + self.value_map.intercept
        if not self.entries:
            return value
        return self.entries[min(max(round(value), 0), len(self.entries) - 1)]


@dataclass(frozen=True, slots=True)
class Window:
    """A window as the file gives it (PS3.3 C.11.2), in meant values."""

    center: float
    width: float
    name: str = ""
    function: str = "LINEAR"


@dataclass(frozen=True, slots=True)
class Segment:
    """What the mask of one segment, or one value of a label volume, stands for.

    Attributes
    ----------
    number : int
        Its number in the file, which is its value in a label volume.
    label : str
        Name that its author gave it.
    colour : tuple of int or None
        Red, green, blue from 0 to 255 as its author recommends.
    meaning : str
        What it is, in the words of the code that goes with it ("Liver").
    """

    number: int
    label: str
    colour: tuple[int, int, int] | None = None
    meaning: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ColourRange:
    """Colours that high values stand for, beside grey ones (PS3.3 C.7.6.19, C.8.16.2.1.1.1).

    Attributes
    ----------
    above : float
        Array values greater than this have a colour, all others are grey.
    first : float
        Array value of the first colour; what lies beyond an end has the last colour there.
    colours : array of uint8, shape (n, 3)
    """

    above: float
    first: float
    colours: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class VolumeSpec:
    """Say everything about a volume that is known before a pixel is read.

    Attributes
    ----------
    segments : tuple of Segment
        Of the mask of one segment that one, of a label volume all; else nothing.
    refers_to : tuple of str
        Series UIDs that a segmentation or a dose was made of, as far as it says so.
    key : str
        Names the content; two specs with one key are the same volume.
    levels : tuple of Level
        Finest first; small volumes have one.
    dtype : numpy dtype
        Of the array in memory: the stored type where one linear map serves the whole volume,
        float32 meant values otherwise (then `value_map` is the identity).
    samples : int
        3 where voxels have a colour: then a second buffer of this dtype, [k,j,i,3], holds red,
        green and blue, a source fills that one, and the array holds their luminance.
    stored_range : tuple of float
        Smallest and largest array value that the encoding can hold.
    empty_value : float
        Array value that stands for nothing (padding, air); what a view draws where no data are.
    absent : frozenset of int
        Planes of the regular grid for which the series has no slice: never chunks, never filled.
    slice_origins_lps : array, shape (k, 3), millimetres, or None
        True position of the first voxel of each delivered slice, NaN for absent ones; None when
        the affine is exact for every slice.
    colour_range : ColourRange or None
        Colours that some values stand for; the values stay what they are.
    other_units : tuple of OtherUnit
        Further units in which a value may be read, the activity beside the SUV of a PET.
    padding : tuple of float or None
        Lowest and highest array value that means "no data here" (0028,0120, 0028,0121).
    time_axis : str
        What the fourth axis counts: "time", "echo time", "diffusion"; empty where not known.
    time_labels : tuple of str
        Name of each point of that axis, or nothing.
    slice_labels : tuple of str
        What each slice shows, or nothing: the segment of a frame on a slide.
    frame_ms : tuple of float
        How long each slice of a loop is shown, milliseconds: one for each, or one for all;
        nothing where the file gives no rate.
    header : mapping of str to str
        Attributes for people: patient_name, patient_id, study_date, study_description,
        series_description, series_number, manufacturer, ... as far as they are known.
    """

    key: str
    label: str
    modality: str
    unit: str
    levels: tuple[Level, ...]
    dtype: np.dtype[np.generic]
    value_map: ValueMap = ValueMap()
    samples: int = 1
    colour_range: ColourRange | None = None
    other_units: tuple[OtherUnit, ...] = ()
    time_points: int = 1
    time_axis: str = ""
    time_labels: tuple[str, ...] = ()
    slice_labels: tuple[str, ...] = ()
    frame_ms: tuple[float, ...] = ()
    stored_range: tuple[float, float] = (-32768.0, 32767.0)
    empty_value: float = 0.0
    absent: frozenset[int] = frozenset()
    slice_origins_lps: FloatArray | None = None
    inverted: bool = False
    padding: tuple[float, float] | None = None
    windows: tuple[Window, ...] = ()
    warnings: tuple[Notice, ...] = ()
    path: str = ""
    files: int = 0
    transfer_syntaxes: tuple[str, ...] = ()
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    header: Mapping[str, str] = field(default_factory=dict)
    segments: tuple[Segment, ...] = ()
    refers_to: tuple[str, ...] = ()

    @property
    def shape_kji(self) -> Shape3:
        """Give the voxels of the finest level."""
        return self.levels[0].shape_kji

    @property
    def affine_lps(self) -> FloatArray:
        """Give the affine of the finest level."""
        return self.levels[0].affine_lps

    @property
    def spacing_ijk_mm(self) -> tuple[float, float, float]:
        """Give the length of one step along each index axis, in millimetres."""
        i, j, k = (float(n) for n in np.linalg.norm(self.affine_lps[:3, :3], axis=0))
        return i, j, k

    @property
    def is_colour(self) -> bool:
        """Tell whether voxels have red, green and blue beside their luminance."""
        return self.samples > 1

    def read_shape(self, index: int = 0) -> tuple[int, ...]:
        """Give the shape that a source fills for a chunk: its box, samples last in colour."""
        box = tuple(part.stop - part.start for part in self.levels[0].box(index))
        return (*box, self.samples) if self.is_colour else box

    @property
    def size_bytes(self) -> int:
        """Count the bytes of the finest level, all time points; colours come to the luminance."""
        kept = 1 + self.samples if self.is_colour else 1
        return self.time_points * prod(self.shape_kji) * self.dtype.itemsize * kept

    @property
    def chunk_count(self) -> int:
        """Count the chunks that will be read: all time points, absent ones left out."""
        return self.time_points * (self.levels[0].chunk_count - len(self.absent))

    def chunks(self, t: int = 0) -> Iterator[ChunkKey]:
        """Give the chunks of one time point in ascending order, without absent ones."""
        return (
            ChunkKey(t, 0, index)
            for index in range(self.levels[0].chunk_count)
            if index not in self.absent
        )
