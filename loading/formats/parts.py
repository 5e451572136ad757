"""What the readers of all formats share: parts of a catalogue, specs, and the two worlds.

Formats of neuroimaging place voxels in RAS millimetres, the program in LPS; `lps_from_ras` is the
one place where that is turned.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from loading.catalogue import ImageEntry, Skipped, VolumeEntry
from loading.errors import CorruptFrame, LoadError
from loading.notices import Notice, notice
from loading.sources.base import Source
from loading.sources.places import Place
from loading.spec import FloatArray, Level, Shape3, ValueMap, VolumeSpec, Window

MAX_AXIS = 1 << 20
"""No axis of a picture is longer; a header that says so is damaged."""
MAX_POINTS = 1 << 16
SHEAR_VOXELS = 0.5
"""A shear that moves the far end by less than this part of a voxel is rounding, not told."""
_SINGULAR = 1e-6
_FARTHEST_MM = 1e9


@dataclass(slots=True, eq=False)
class Parts:
    """What some files turned out to be; lists grow while they are looked at.

    `companions` names the header of files that hold nothing but its data.
    """

    volumes: list[VolumeEntry] = field(default_factory=list)
    images: list[ImageEntry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    companions: dict[str, str] = field(default_factory=dict)

    def skip(self, path: str, reason: str) -> None:
        """Pass a file over."""
        self.skipped.append(Skipped(path, reason))

    def add(
        self, spec: VolumeSpec, open_source: Callable[[VolumeSpec], Source], kind: str = "picture"
    ) -> None:
        """List a volume; what has a single plane is an image of this kind."""
        if spec.shape_kji[0] == 1 and spec.time_points == 1:
            self.images.append(
                ImageEntry(spec.path, kind, 1, spec, lambda: open_source(spec)),
            )
        else:
            self.volumes.append(VolumeEntry(spec, lambda: open_source(spec)))


@dataclass(slots=True, eq=False)
class Facts:
    """What a reader learnt about one volume, before it becomes a spec.

    Attributes
    ----------
    shape_kji : tuple of int
    affine_lps : array, shape (4, 4), millimetres
    stored : numpy dtype
        Of one sample in the file, its byte order included.
    value_map : ValueMap
        From stored to meant values.
    """

    shape_kji: Shape3
    affine_lps: FloatArray
    stored: np.dtype[np.generic]
    value_map: ValueMap = field(default_factory=ValueMap)
    time_points: int = 1
    colour: bool = False
    inverted: bool = False
    label: str = ""
    modality: str = "OT"
    absent: frozenset[int] = frozenset()
    windows: tuple[Window, ...] = ()
    notices: list[Notice] = field(default_factory=list)
    header: dict[str, str] = field(default_factory=dict)


def array_form(
    stored: np.dtype[np.generic], value_map: ValueMap
) -> tuple[np.dtype[np.generic], ValueMap]:
    """Give the array's type and map: the stored type where VTK and float32 can hold what it says.

    Wider samples become meant values, rounded once to float32, and need no map any more.
    """
    native = stored.newbyteorder("=")
    if native.kind == "b":
        return np.dtype(np.uint8), value_map
    if native.kind in "iu" and native.itemsize <= 4:
        return native, value_map
    if native == np.float32 and value_map.is_identity:
        return native, value_map
    return np.dtype(np.float32), ValueMap()


def spec_of(facts: Facts, files: Sequence[Place], part: str = "", path: str = "") -> VolumeSpec:
    """Make the spec of a volume.

    Parameters
    ----------
    files : sequence of Place
        All that belong to it; the first one names it where `path` does not.
    part : str
        Tells apart several volumes of the same files.
    """
    check_shape(facts, path or files[0].name)
    dtype, value_map = array_form(facts.stored, facts.value_map)
    low, high = (0.0, 1.0)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype.name)
        low, high = float(limits.min), float(limits.max)
    _, rows, columns = facts.shape_kji
    told = [*facts.notices]
    if is_sheared(facts.affine_lps, facts.shape_kji):
        told.append(notice("sheared_affine"))
    return VolumeSpec(
        key=key_of(files, part),
        label=facts.label or stem_of(path or files[0].name),
        modality=facts.modality,
        unit="",
        levels=(Level(facts.shape_kji, facts.affine_lps, (1, rows, columns)),),
        dtype=dtype,
        value_map=value_map,
        samples=3 if facts.colour else 1,
        time_points=facts.time_points,
        stored_range=(low, high),
        empty_value=0.0,
        absent=facts.absent,
        inverted=facts.inverted,
        windows=facts.windows or (colour_window(dtype) if facts.colour else ()),
        warnings=tuple(dict.fromkeys(told)),
        path=path or files[0].name,
        files=len(files),
        header={key: text for key, text in facts.header.items() if text},
    )


def check_shape(facts: Facts, name: str) -> None:
    """Refuse sizes and types that no picture has."""
    if not all(1 <= n <= MAX_AXIS for n in facts.shape_kji):
        raise CorruptFrame(f"The size {facts.shape_kji[::-1]} is not usable", where=name)
    if not 1 <= facts.time_points <= MAX_POINTS:
        raise CorruptFrame(f"{facts.time_points} time points are not usable", where=name)
    if facts.shape_kji[1] * facts.shape_kji[2] < 2:
        raise CorruptFrame("Its planes are single points, not pictures", where=name)
    if facts.stored.kind not in "biuf" or facts.stored.itemsize > 8:
        kind = "complex numbers" if facts.stored.kind == "c" else f"values of type {facts.stored}"
        raise CorruptFrame(f"It holds {kind}, which are not shown", where=name)


def key_of(files: Iterable[Place], part: str = "") -> str:
    """Name the content: paths, sizes and times of change of all files."""
    names = sorted(f"{f.name}\0{f.size}\0{f.stamp}" for f in files)
    text = "\n".join([*names, part])
    return (
        f"file-{hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
    )


def stem_of(path: str) -> str:
    """Give a file's name without folder and without the endings that name a format."""
    name = os.path.basename(path.rstrip("/\\")) or path  # noqa: PTH119
    lower = name.lower()
    for ending in (".nii.gz", ".img.gz", ".hdr.gz", ".ome.tif", ".ome.tiff", ".ome.zarr"):
        if lower.endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return os.path.splitext(name)[0] or name  # noqa: PTH122


def lps_from_ras(affine: FloatArray) -> FloatArray:
    """Turn an affine onto RAS into one onto LPS: the first two axes point the other way."""
    turned = np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)
    return turned + 0.0  # no minus zeros, which print as if they meant something


def is_usable(affine: FloatArray) -> bool:
    """Tell whether an affine has three axes in different directions, and finite numbers."""
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        return False
    if np.abs(affine).max() > _FARTHEST_MM:
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if (lengths < 1e-9).any():
        return False
    return bool(abs(np.linalg.det(affine[:3, :3] / lengths)) > _SINGULAR)


def is_sheared(affine: FloatArray, shape_kji: Shape3) -> bool:
    """Tell whether axes are so far from right angles that the far end moves visibly."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    axes = affine[:3, :3] / lengths
    reach = np.array(shape_kji[::-1]) - 1
    for a, b in ((0, 1), (0, 2), (1, 2)):
        moved_mm = abs(float(axes[:, a] @ axes[:, b])) * reach[b] * lengths[b]
        if moved_mm > SHEAR_VOXELS * min(lengths):
            return True
    return False


def scaled(spacing_ijk: Sequence[float | None]) -> tuple[FloatArray, list[Notice]]:
    """Give an upright affine of these voxel sizes; sizes that are not usable are assumed.

    One that is missing is taken from the others, or is 1 mm; both are told.
    """
    sizes = [
        s if s is not None and np.isfinite(s) and 1e-9 < s < 1e6 else None for s in spacing_ijk
    ]
    told: list[Notice] = []
    if None in sizes:
        known = [s for s in sizes if s is not None]
        fill = known[0] if known else 1.0
        sizes = [s if s is not None else fill for s in sizes]
        told.append(spacing_assumed([float(s or fill) for s in sizes]))
    return np.diag([*(float(s or 1.0) for s in sizes), 1.0]), told


def spacing_assumed(sizes: Sequence[float]) -> Notice:
    """Say that the voxel size is a guess."""
    text = " x ".join(f"{size:.4g}" for size in sizes)
    return notice("spacing_assumed", assumed=f"{text} mm")


_UNITS_MM: Mapping[str, float] = {
    "m": 1e3,
    "meter": 1e3,
    "metre": 1e3,
    "cm": 10.0,
    "centimeter": 10.0,
    "mm": 1.0,
    "millimeter": 1.0,
    "millimetre": 1.0,
    "inch": 25.4,
    "in": 25.4,
    "um": 1e-3,
    "\u00b5m": 1e-3,
    "\u03bcm": 1e-3,
    "\\u00b5m": 1e-3,
    "micron": 1e-3,
    "microns": 1e-3,
    "micrometer": 1e-3,
    "micrometre": 1e-3,
    "nm": 1e-6,
    "nanometer": 1e-6,
    "\u00e5": 1e-7,
    "angstrom": 1e-7,
    "pm": 1e-9,
    "picometer": 1e-9,
}


def millimetres(unit: str | None) -> float | None:
    """Give how many millimetres a unit of length has; None when it is none that is known."""
    return _UNITS_MM.get((unit or "").strip().lower())


def colour_window(dtype: np.dtype[np.generic]) -> tuple[Window, ...]:
    """Give the window that shows colours as they are stored."""
    top = float(np.iinfo(dtype.name).max) if dtype.kind in "iu" else 1.0
    return (Window(top / 2, top, "as stored", "LINEAR_EXACT"),)


def guarded(parts: Parts, path: str, describe: Callable[[], None], what: str) -> None:
    """Call a reader; whatever goes wrong becomes the reason why the file is passed over."""
    try:
        describe()
    except LoadError as error:
        parts.skip(path, error.what)
    except (Exception, RecursionError) as error:  # libraries raise what they meet
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        parts.skip(path, f"The {what} header is damaged ({reason})")
