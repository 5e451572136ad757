"""Turn stacks of slices into volumes, and everything else into images or reasons.

Takes header records, gives catalogue entries. No file is read here; sources are made that will.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from loading.catalogue import VolumeEntry
from loading.dicom import geometry, tags, text
from loading.dicom.colour import values_of_colours, window_as_stored
from loading.dicom.forms import PixelForm, shortage
from loading.dicom.geometry import Grid
from loading.dicom.grouping import Stack
from loading.dicom.header import Instance
from loading.dicom.meaning import Meaning, meaning_of
from loading.dicom.palette import colour_range_of
from loading.dicom.pixels import FramePixels
from loading.dicom.planes import readers_of
from loading.dicom.values import Values, ignored_numbers, is_lossy
from loading.notices import Notice, notice
from loading.sources.base import Source
from loading.sources.dicom_files import DicomSource
from loading.spec import Level, VolumeSpec, Window

MakeSource = Callable[[VolumeSpec, Sequence[FramePixels | None]], Source]
"""Makes what reads frames: one for each plane of each time point, None where there is no slice."""

NEGLIGIBLE_MM = 1e-4
"""A slice nearer than this to its plane is on it."""
SHEAR_PIXELS = 0.5
"""A shear that moves the last slice by less than this part of a pixel is rounding, not told."""


def entry_of(
    stack: Stack, forms: Sequence[PixelForm], source: MakeSource = DicomSource
) -> VolumeEntry:
    """Describe the volume of a stack whose slices may differ in bits and sign."""
    instances = [*stack.instances, *(item[0] for part in stack.later for item in part)]
    forms = [*forms, *(item[1] for part in stack.later for item in part)]
    is_colour = stack.form.is_colour
    grid = _grid_of(stack)
    middle = stack.instances[len(stack.instances) // 2]
    if is_colour:
        values = values_of_colours(forms)
        meaning = Meaning(values, (), window_as_stored(values), [], None)
    else:
        meaning = meaning_of(instances, forms, middle)
        values = meaning.values
    told = [*geometry_notices(stack, grid), *meaning.told, *_file_notices(instances, forms)]
    spec = common_spec(
        instances,
        stack.form,
        values,
        meaning.windows,
        told,
        levels=(level_of(stack, grid),),
        absent=grid.absent,
        origins=origins_of(stack, grid),
        name=stack.name,
    )
    spec = replace(
        spec,
        other_units=meaning.other_units,
        header=text.HeaderTexts(middle.shared, meaning.words),
        colour_range=None if values.maps or is_colour else colour_range_of(middle.file),
        time_points=1 + len(stack.later),
        time_axis=stack.axis if stack.later else "",
        time_labels=stack.labels if any(stack.labels) else (),
    )
    return VolumeEntry(spec, partial(source, spec, _frames_of(grid, instances, forms, values)))


def _frames_of(
    grid: Grid, instances: Sequence[Instance], forms: Sequence[PixelForm], values: Values
) -> list[FramePixels | None]:
    """Put the reader of each slice on its plane, point after point; None where there is none."""
    readers = readers_of(instances, forms, values)
    planes = grid.plane_of.tolist()
    frames: list[FramePixels | None] = [None] * (grid.planes * (len(readers) // len(planes)))
    for number, reader in enumerate(readers):
        point, slice_number = divmod(number, len(planes))
        frames[point * grid.planes + planes[slice_number]] = reader
    return frames


def common_spec(
    instances: Sequence[Instance],
    form: PixelForm,
    values: Values,
    windows: tuple[Window, ...],
    told: Sequence[Notice],
    *,
    levels: tuple[Level, ...],
    absent: frozenset[int] = frozenset(),
    origins: geometry.FloatArray | None = None,
    name: str = "",
) -> VolumeSpec:
    """Put together what volumes and single images say of themselves; texts are the middle one's."""
    shared = instances[len(instances) // 2].shared
    return VolumeSpec(
        key=key_of(instances),
        label=", ".join(part for part in (text.label_of(shared), name) if part),
        modality=shared.modality,
        unit=values.unit,
        levels=levels,
        dtype=values.dtype,
        value_map=values.value_map,
        samples=3 if form.is_colour else 1,
        stored_range=values.stored_range,
        empty_value=values.empty_value,
        absent=absent,
        slice_origins_lps=origins,
        inverted=form.photometric == "MONOCHROME1",
        padding=values.padding,
        windows=windows,
        warnings=tuple(dict.fromkeys(told)),
        path=common_path(instances),
        files=len({instance.place.name for instance in instances}),
        transfer_syntaxes=tuple(sorted({instance.shared.syntax for instance in instances})),
        series_uid=shared.text(tags.SERIES_UID),
        study_uid=shared.text(tags.STUDY_UID),
        frame_of_reference_uid=shared.text(tags.FRAME_OF_REFERENCE),
        header=text.HeaderTexts(shared),
    )


def key_of(instances: Sequence[Instance]) -> str:
    """Name the content: paths, sizes and times of change of all files."""
    names = sorted(
        f"{i.place.name}\0{i.place.size}\0{i.place.stamp}\0{i.within}" for i in instances
    )
    digest = hashlib.blake2b("\n".join(names).encode("utf-8", "surrogatepass"), digest_size=16)
    return f"dicom-{digest.hexdigest()}"


def common_path(instances: Sequence[Instance]) -> str:
    """Give the file, or the folder that all files share."""
    names = {instance.place.name for instance in instances}
    if len(names) == 1:
        return names.pop()
    folders = {os.path.dirname(name) for name in names}  # noqa: PTH120 -- archives have paths too
    if len(folders) == 1:
        return folders.pop()
    try:
        return os.path.commonpath(sorted(folders))
    except ValueError:  # two drives
        return min(folders)


def _grid_of(stack: Stack) -> Grid:
    """Lay the slices out; without positions they lie a pixel apart, in their order."""
    count = len(stack.instances)
    if stack.frame is not None and stack.positions is not None:
        return geometry.lay_out(stack.positions, stack.frame.normal)
    step = _assumed_step(stack)
    return Grid(
        count,
        np.arange(count),
        np.zeros(3),
        np.array([0.0, 0.0, step]),
        0.0,
        "even",
        (step, step),
        np.zeros(count),
    )


def _assumed_step(stack: Stack) -> float:
    """Take a distance between slices from the header, where no position gives it."""
    shared = stack.instances[0].shared
    for tag in (tags.SPACING_BETWEEN_SLICES, tags.SLICE_THICKNESS):
        values = shared.numbers(tag)
        if values and 1e-6 <= abs(values[0]) <= 1e4:
            return abs(values[0])
    return stack.spacing[0] if stack.spacing else 1.0


def level_of(stack: Stack, grid: Grid) -> Level:
    """Place a stack on its grid."""
    form = stack.form
    frame = stack.frame or geometry.STANDARD_FRAME
    affine = geometry.affine_of(frame, stack.spacing or (1.0, 1.0), grid.first, grid.step)
    shape = (grid.planes, form.rows, form.columns)
    return Level(shape, affine, (1, form.rows, form.columns))


def origins_of(stack: Stack, grid: Grid) -> geometry.FloatArray | None:
    """Give the true places of slices that are not exactly on their planes."""
    if stack.positions is None or grid.moved_mm <= NEGLIGIBLE_MM:
        return None
    origins = np.full((grid.planes, 3), np.nan)
    origins[grid.plane_of] = stack.positions
    return origins


def geometry_notices(stack: Stack, grid: Grid) -> list[Notice]:
    """Tell what is unusual about where the slices of a stack lie."""
    told: list[Notice] = []
    shared = stack.instances[0].shared
    if stack.frame is None:
        told.append(notice("no_position"))
    elif stack.frame.length != 1.0:
        told.append(notice("orientation_normalised", length=stack.frame.length))
    if shared.has(tags.VOLUME_ORIENTATION):
        told.append(notice("no_orientation", why="its places are those of the probe"))
    if stack.spacing is None:
        told.append(notice("no_spacing"))
    if stack.orientations > 1:
        told.append(notice("mixed_orientations", count=stack.orientations))
    if stack.dropped:
        told.append(
            notice(
                "duplicate_slices",
                count=len(stack.dropped),
                places=_places([kept.own_text(tags.INSTANCE_NUMBER) for _, kept in stack.dropped]),
            )
        )
    told += _spacing_notices(grid)
    if stack.frame is not None:
        told += _beside_notices(stack, grid)
        told += _shear_notices(stack, grid, shared.modality)
    return told


def _spacing_notices(grid: Grid) -> list[Notice]:
    if grid.kind == "even":
        return []
    if grid.kind == "gaps" and not grid.stretched:
        absent = sorted(grid.absent)
        return [
            notice(
                "missing_slices",
                count=len(absent),
                places=_places([str(plane + 1) for plane in absent]),
            )
        ]
    smallest, largest = grid.gaps
    return [notice("uneven_spacing", smallest=smallest, largest=largest, moved=grid.moved_mm)]


def _beside_notices(stack: Stack, grid: Grid) -> list[Notice]:
    pixel = min(stack.spacing) if stack.spacing else 1.0
    beside = np.flatnonzero(grid.beside_mm > SHEAR_PIXELS * pixel)
    if not len(beside):
        return []
    places = _places([str(plane + 1) for plane in grid.plane_of[beside]])
    moved = float(grid.beside_mm.max())
    return [notice("slices_beside", count=len(beside), places=places, moved=moved)]


def _shear_notices(stack: Stack, grid: Grid, modality: str) -> list[Notice]:
    frame = stack.frame
    if frame is None:
        return []
    across = grid.step - (grid.step @ frame.normal) * frame.normal
    pixel = min(stack.spacing) if stack.spacing else 1.0
    if float(np.linalg.norm(across)) * (grid.planes - 1) <= SHEAR_PIXELS * pixel:
        return []
    if modality == "CT":
        degrees = geometry.tilt_degrees(grid.step, frame.normal)
        return [notice("gantry_tilt", degrees=degrees)]
    return [notice("sheared_affine")]


def _file_notices(instances: Sequence[Instance], forms: Sequence[PixelForm]) -> list[Notice]:
    told = []
    short = [
        instance
        for instance, form in zip(instances, forms, strict=True)
        if shortage(instance, form)
    ]
    if short:
        paths = sorted({instance.place.name for instance in short})
        names = _places([os.path.basename(path) for path in paths])  # noqa: PTH119
        told.append(notice("truncated", count=len(paths), places=names))
    distinct = {id(instance.shared): instance.shared for instance in instances}
    if any(is_lossy(shared) for shared in distinct.values()):
        told.append(notice("lossy"))
    for shared in distinct.values():
        told += ignored_numbers(shared)
    return told


def _places(names: Sequence[str]) -> str:
    """List at most six names."""
    shown = ", ".join(name or "?" for name in names[:6])
    return f"{shown}, ..." if len(names) > 6 else shown
