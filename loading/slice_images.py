"""Slices of a volume as 2D images, and back: without reading or copying what is there already.

Back needs the conditions under which slices form a volume; a set that breaks one is refused with
the condition named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from loading.errors import GeometryError
from loading.spec import FloatArray, Level, ValueMap, VolumeSpec
from loading.status import Status

COSINE_TOLERANCE = 1e-4
SPACING_TOLERANCE = 1e-4
STEP_TOLERANCE = 0.01
STEP_TOLERANCE_MM = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class SliceImage:
    """One slice with its geometry.

    Attributes
    ----------
    pixels : array, shape (rows, columns)
        Array values, the luminance of colours: a view of the volume's buffer.
    affine_lps : array, shape (4, 4), millimetres
        Maps (i, j, 0, 1) to LPS; the third column is the slice's unit normal.
    position : int
        Plane of the volume it came from.
    spec : VolumeSpec
        Of the volume it came from: values, modality, series, frame of reference.
    status : Status
        How good the slice was when it was asked for.
    """

    pixels: npt.NDArray[np.generic]
    affine_lps: FloatArray
    position: int
    spec: VolumeSpec
    status: Status


def slice_image(
    spec: VolumeSpec, pixels: npt.NDArray[np.generic], k: int, status: Status
) -> SliceImage:
    """Give plane k of a volume, shape (rows, columns), as an image with its true position."""
    affine = spec.affine_lps.copy()
    affine[:3, 3] += k * affine[:3, 2]
    if spec.slice_origins_lps is not None and not np.isnan(spec.slice_origins_lps[k]).any():
        affine[:3, 3] = spec.slice_origins_lps[k]
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    affine[:3, 2] = normal / np.linalg.norm(normal)
    return SliceImage(pixels, affine, k, spec, status)


def volume_from_images(
    images: Sequence[SliceImage],
) -> tuple[VolumeSpec, npt.NDArray[np.generic]]:
    """Stack images into a volume.

    Returns
    -------
    spec : VolumeSpec
        Slices ascending along row x column.
    array : array, shape [k,j,i]
        A view where the images lie one behind the other in memory, else a new array.

    Raises
    ------
    GeometryError
        Naming the condition that is not met: one of `_CONDITIONS`, or an even step.
    """
    if not images:
        raise GeometryError("No images to make a volume of")
    first = images[0]
    _check_conditions(images)
    normal = first.affine_lps[:3, 2]
    ordered = sorted(images, key=lambda image: float(image.affine_lps[:3, 3] @ normal))
    step = _even_step(ordered, normal)
    affine = ordered[0].affine_lps.copy()
    affine[:3, 2] = step
    array = _stacked([image.pixels for image in ordered])
    level = Level(array.shape, affine, (1, *array.shape[1:]))
    return (
        replace(
            first.spec,
            levels=(level,),
            absent=frozenset(),
            slice_origins_lps=None,
            samples=1,
            frame_ms=(),
            time_points=1,
            time_axis="",
            time_labels=(),
        ),
        array,
    )


def _check_conditions(images: Sequence[SliceImage]) -> None:
    first = images[0]
    for image in images:
        if not image.status.is_final:
            raise GeometryError(
                "The images do not form a volume: a slice is not complete",
                where=f"slice {image.position} ({image.status.name.lower()})",
                cure="Wait until it is there, or leave it out",
            )
    for name, holds in _CONDITIONS:
        for image in images[1:]:
            if not holds(first, image):
                raise GeometryError(
                    f"The images do not form a volume: {name} differs",
                    where=f"slice {image.position}",
                    cure="Choose images of one series and one orientation",
                )


def _even_step(ordered: Sequence[SliceImage], normal: FloatArray) -> FloatArray:
    """Give the vector from slice to slice, or raise when there is not one for all."""
    origins = np.array([image.affine_lps[:3, 3] for image in ordered])
    if len(ordered) == 1:
        return np.asarray(normal * max(ordered[0].spec.spacing_ijk_mm[2], 1e-6))
    steps = np.diff(origins, axis=0)
    along = steps @ normal
    median = float(np.median(along))
    if median <= 0 or (along <= 1e-6).any():
        raise GeometryError("The images do not form a volume: two lie at one position")
    if (np.abs(along - median) > max(STEP_TOLERANCE * median, STEP_TOLERANCE_MM)).any():
        raise GeometryError(
            "The images do not form a volume: steps along the normal differ",
            where=f"{along.min():.3f} to {along.max():.3f} mm",
        )
    step = (origins[-1] - origins[0]) / (len(ordered) - 1)
    pixel = min(ordered[0].spec.spacing_ijk_mm[:2])
    drift = np.abs(origins - origins[0] - np.outer(np.arange(len(ordered)), step)).max()
    if drift > 0.1 * pixel + STEP_TOLERANCE * median + STEP_TOLERANCE_MM:
        raise GeometryError("The images do not form a volume: slices are shifted in their plane")
    return np.asarray(step)


def _stacked(planes: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
    base = planes[0].base
    stride = planes[0].nbytes
    start = planes[0].__array_interface__["data"][0]
    in_row = all(
        plane.base is base
        and plane.strides == planes[0].strides
        and plane.__array_interface__["data"][0] == start + n * stride
        for n, plane in enumerate(planes)
    )
    if base is not None and in_row and planes[0].flags.c_contiguous:
        return np.lib.stride_tricks.as_strided(
            planes[0], (len(planes), *planes[0].shape), (stride, *planes[0].strides)
        )
    return np.stack(planes)


def _same_orientation(a: SliceImage, b: SliceImage) -> bool:
    cosines = [m[:3, :3] / np.linalg.norm(m[:3, :3], axis=0) for m in (a.affine_lps, b.affine_lps)]
    return bool((np.abs(cosines[0] - cosines[1]) < COSINE_TOLERANCE).all())


def _same_spacing(a: SliceImage, b: SliceImage) -> bool:
    lengths = [np.linalg.norm(m[:3, :2], axis=0) for m in (a.affine_lps, b.affine_lps)]
    return bool(np.allclose(lengths[0], lengths[1], rtol=SPACING_TOLERANCE, atol=0))


def _scale(image: SliceImage) -> tuple[np.dtype[np.generic], ValueMap]:
    return image.spec.dtype, image.spec.value_map


def _frame(image: SliceImage) -> str:
    return image.spec.frame_of_reference_uid


_CONDITIONS = (
    ("series", lambda a, b: a.spec.series_uid == b.spec.series_uid),
    ("modality", lambda a, b: a.spec.modality == b.spec.modality),
    ("matrix size", lambda a, b: a.pixels.shape == b.pixels.shape),
    ("value type or scale", lambda a, b: _scale(a) == _scale(b)),
    ("frame of reference", lambda a, b: _frame(a) == _frame(b)),
    ("orientation", _same_orientation),
    ("pixel spacing", _same_spacing),
)
