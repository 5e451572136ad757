"""Write an open volume as NIfTI or NRRD: meant values, exact geometry.

Integers stay integers where every meant value is one; otherwise float32. A missing slice becomes
NaN, so the file is float32 then. Colours stay colours; a missing slice is black. The libraries do
the writing; they are imported when asked for.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from loading import memory
from loading.errors import LoadError
from loading.loader import LoadState, OpenVolume
from loading.spec import ValueMap
from loading.values import meant

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SUFFIXES = (".nii.gz", ".nii", ".nrrd")


def export(volume: OpenVolume, path: str | Path, t: int = 0) -> Path:
    """Write one time point of a complete volume to a .nii, .nii.gz or .nrrd file.

    The file appears whole or not at all.

    Raises
    ------
    LoadError
        When the volume is not complete, the suffix is none of these, or the disk refuses.
    """
    target = Path(path)
    suffix = next((s for s in SUFFIXES if target.name.lower().endswith(s)), None)
    if suffix is None:
        raise LoadError(
            "Cannot tell the format", where=target.name, cure="End it in .nii.gz or .nrrd"
        )
    if volume.state is not LoadState.COMPLETE:
        raise LoadError(
            f"The volume is not complete ({volume.state.value})",
            where=volume.spec.label,
            cure="Wait until every slice is there, or try the failed ones again",
        )
    write = _write_nrrd if suffix == ".nrrd" else _write_nifti
    try:
        # in a folder of its own, so that the file gets the rights that new files get here
        with tempfile.TemporaryDirectory(prefix=".voxtide-", dir=target.parent) as folder:
            scratch = Path(folder) / f"volume{suffix}"
            write(volume, str(scratch), t)
            scratch.replace(target)
    except OSError as error:
        raise LoadError(
            "Cannot write", where=str(target), cure=str(error.strerror or error)
        ) from error
    return target


def _meant_voxels(volume: OpenVolume, t: int) -> npt.NDArray[np.generic]:
    """Give meant values [k,j,i] in the smallest type that holds them exactly."""
    spec = volume.spec
    stored = volume.stored(t)
    scale = spec.value_map
    kind = np.dtype(np.float32) if spec.absent else _smallest_type(stored, scale)
    memory.check(stored.size * kind.itemsize, spec.label or spec.path)
    values = np.empty(stored.shape, kind)
    for k, plane in enumerate(stored):  # a slice at a time: 64 bits of all would be four volumes
        if kind.kind == "f":
            values[k] = np.nan if k in spec.absent else meant(plane, scale)
        else:
            values[k] = plane.astype(np.int64) * int(scale.slope) + int(scale.intercept)
    return values


def _smallest_type(stored: npt.NDArray[np.generic], scale: ValueMap) -> np.dtype[np.generic]:
    """Choose the integer type that holds every meant value, or float32 where none does."""
    parts = scale.slope, scale.intercept
    if stored.dtype.kind in "iu" and all(float(part).is_integer() for part in parts):
        slope, intercept = (int(part) for part in parts)
        ends = [int(end) * slope + intercept for end in (stored.min(), stored.max())]
        for kind in (np.uint8, np.int16, np.uint16, np.int32, np.uint32):
            limits = np.iinfo(kind)
            if limits.min <= min(ends) and max(ends) <= limits.max:
                return np.dtype(kind)
    return np.dtype(np.float32)


def _write_nifti(volume: OpenVolume, path: str, t: int) -> None:
    import nibabel

    voxels = _nifti_colours(volume, t) if volume.spec.is_colour else _meant_voxels(volume, t)
    voxels = voxels.transpose(2, 1, 0)
    affine = LPS_TO_RAS @ volume.spec.affine_lps
    picture = nibabel.Nifti1Image(voxels, affine)
    picture.header.set_xyzt_units("mm")
    picture.set_sform(affine, code=1)
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    is_orthogonal = bool(np.allclose(axes.T @ axes, np.eye(3), atol=1e-4))
    # a quaternion cannot hold a shear: then only the sform speaks
    picture.set_qform(affine if is_orthogonal else None, code=1 if is_orthogonal else 0)
    nibabel.save(picture, path)


def _colours(volume: OpenVolume, t: int) -> npt.NDArray[np.generic]:
    """Give red, green and blue [k,j,i,3]."""
    colours = volume.colour(t)
    assert colours is not None
    if not volume.spec.absent:
        return colours
    whole = colours.copy()
    whole[sorted(volume.spec.absent)] = 0
    return whole


def _nifti_colours(volume: OpenVolume, t: int) -> npt.NDArray[np.generic]:
    """Give colours as the three bytes that NIfTI has for them (RGB24)."""
    colours = _colours(volume, t)
    if colours.dtype != np.uint8:
        raise LoadError(
            f"NIfTI has no colours of {8 * colours.dtype.itemsize} bits", cure="End it in .nrrd"
        )
    kind = np.dtype([(name, np.uint8) for name in "RGB"])
    return np.ascontiguousarray(colours).view(kind)[..., 0]


def _write_nrrd(volume: OpenVolume, path: str, t: int) -> None:
    import nrrd

    affine = volume.spec.affine_lps
    header: dict[str, Any] = {
        "space": "left-posterior-superior",
        "space directions": affine[:3, :3].T,
        "space origin": affine[:3, 3],
        "kinds": ["domain", "domain", "domain"],
        "encoding": "gzip",
    }
    if volume.spec.is_colour:
        header["kinds"] = ["RGB-color", *header["kinds"]]
        header["space directions"] = np.vstack([np.full(3, np.nan), affine[:3, :3].T])
        nrrd.write(path, _colours(volume, t).transpose(3, 2, 1, 0), header)
        return
    nrrd.write(path, _meant_voxels(volume, t).transpose(2, 1, 0), header)
