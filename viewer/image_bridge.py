"""The one place that hands a volume's memory to VTK: no copy, one `vtkImageData` per header.

The image has spacing one, origin nought and identity direction, so VTK's coordinates are voxel
indices; the affine (which may shear) is applied by whoever draws. Nothing here ever marks the
array as modified: that would make VTK scan the whole volume while holding the interpreter's lock.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from viewer.vtk_setup import numpy_to_vtk, vtkDataArray, vtkImageData

Spacing = tuple[float, float, float]


def shared_image(
    array: npt.NDArray[np.generic],
    value_range: tuple[float, float] | None = None,
    spacing_ijk: Spacing = (1.0, 1.0, 1.0),
) -> vtkImageData:
    """Wrap an array, shape [k,j,i] or [k,j,i,samples], C-contiguous, for VTK to read in place.

    Parameters
    ----------
    value_range : pair of float, optional
        Array values that the image may have; primes both of VTK's range caches, which a volume
        mapper bakes into its texture. Without it VTK scans when it first wants to know.

    Raises
    ------
    ValueError
        The array is not contiguous, has other axes or a type VTK does not have.
    """
    if array.ndim not in (3, 4) or not array.flags.c_contiguous:
        raise ValueError(f"want a contiguous [k,j,i] array, got shape {array.shape}")
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8 or array.dtype == np.float16:
        raise ValueError(f"VTK cannot read values of type {array.dtype}")
    flat = array.reshape(-1) if array.ndim == 3 else array.reshape(-1, array.shape[3])
    scalars = _scalars(flat, value_range)
    image = vtkImageData()
    image.SetDimensions(*array.shape[2::-1])
    image.SetSpacing(*spacing_ijk)
    image.GetPointData().SetScalars(scalars)
    return image


def _scalars(
    flat: npt.NDArray[np.generic], value_range: tuple[float, float] | None
) -> vtkDataArray:
    """Wrap the values; with a range, VTK is made to scan just two values and remember the result.

    The caches stay when the array is then pointed at the real buffer, so that nobody ever has to
    read the whole volume, and nothing is written into it.
    """
    if value_range is None:
        whole: vtkDataArray = numpy_to_vtk(flat, deep=0)  # type: ignore[no-untyped-call]
        return whole
    limits = _limits(value_range, flat.dtype)
    scalars: vtkDataArray = numpy_to_vtk(limits, deep=0)  # type: ignore[no-untyped-call]
    scalars.GetRange(0)
    scalars.GetFiniteRange(0)
    scalars.SetVoidArray(flat, flat.size, 1)
    scalars._numpy_reference = flat  # type: ignore[attr-defined]
    return scalars


def _limits(
    value_range: tuple[float, float], dtype: np.dtype[np.generic]
) -> npt.NDArray[np.generic]:
    """Give two different values of a type that hold a range between them, where it can."""
    low, high = value_range
    if low >= high:
        high = low + 1.0
    if dtype.kind in "iu":
        kind = np.iinfo(dtype.str)
        low, high = min(low, kind.max - 1.0), min(high, float(kind.max))
        low, high = max(low, float(kind.min)), max(high, kind.min + 1.0)
    return np.array((low, high)).astype(dtype)
