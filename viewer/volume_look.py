"""What a 3D picture depends on, as plain values; no VTK, no widgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import numpy.typing as npt

from loading.spec import ValueMap
from loading.values import array_value
from viewer import presets
from viewer.bricks import Ranges, brick_ranges, can_be_seen
from viewer.geometry import FloatArray
from viewer.presets import OpacityPoints, Preset, Transfer
from viewer.scene import Scene
from viewer.state import Box, Camera3D, ViewState
from viewer.volume_axes import FIT_MARGIN, FIT_RADIUS
from viewer.volume_copy import Copy, right_handed

_serials = count(1)

# The largest value on a ray is nearly always a high one: the ramp begins late and ends late.
_RANGE = Preset(
    "range",
    "",
    opacity=((0.25, 0.0), (1.35, 1.0)),
    colour=((0.25, 0xFFFFFF), (1.35, 0xFFFFFF)),
    shade=None,
    span=(0.0, 1.0),
    is_maximum=True,
)


@dataclass(frozen=True, slots=True, eq=False)
class VolumeImage:
    """Values to be drawn in 3D, and where they stand.

    Attributes
    ----------
    array : array [k,j,i]
        Contiguous; not written to any more once it is here, unless there are revisions.
    affine_lps : array, shape (4, 4)
        Of this array's voxels, which may be coarser than the volume's.
    bounds : pair of float
        Range that the array values lie in.
    ranges : pair of arrays
        Lowest and highest value in each brick (`viewer.bricks`).
    serial : int
        Changes whenever the values did.
    revisions : array of int, one a plane, or None
        Of an array that goes on being written to: planes of equal revision are equal.
    """

    array: npt.NDArray[np.generic]
    affine_lps: FloatArray
    value_map: ValueMap
    bounds: tuple[float, float]
    ranges: Ranges
    serial: int
    revisions: npt.NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        array: npt.NDArray[np.generic],
        affine_lps: FloatArray,
        value_map: ValueMap,
        bounds: tuple[float, float],
        revisions: npt.NDArray[np.int64] | None = None,
    ) -> VolumeImage:
        """Make an image with a serial number of its own; reads the array once."""
        ranges = brick_ranges(array)
        return cls(array, affine_lps, value_map, bounds, ranges, next(_serials), revisions)

    @classmethod
    def from_copy(cls, copy: Copy, value_map: ValueMap) -> VolumeImage:
        """Make an image of a copy, with right-handed axes; for a worker, since it reads it all.

        VTK lights left-handed volumes from the wrong side.
        """
        array, affine = right_handed(copy.array, copy.affine_lps)
        array = np.ascontiguousarray(array)
        return cls.of(array, affine, value_map, copy.bounds, copy.revisions)

    def changed_planes(self, before: VolumeImage) -> npt.NDArray[np.intp] | None:
        """Give the planes that differ from an earlier image in the same array; None for others."""
        same = self.array is before.array and self.bounds == before.bounds
        if not same or self.revisions is None or before.revisions is None:
            return None
        return np.flatnonzero(self.revisions != before.revisions)

    def upright(self) -> tuple[FloatArray, FloatArray]:
        """Split the affine into a rotation (3 x 3) and what is left of it (4 x 4: sizes, shear).

        Rotation times remainder is the affine's 3 x 3 part; both have positive determinants.
        """
        rotation, rest = np.linalg.qr(self.affine_lps[:3, :3])
        signs = np.sign(np.diag(rest))
        rotation, rest = rotation * signs, rest * signs[:, np.newaxis]
        remainder = np.eye(4)
        remainder[:3, :3] = rest
        remainder[:3, 3] = rotation.T @ self.affine_lps[:3, 3]
        return rotation.astype(np.float64), remainder

    @property
    def spacing_ijk(self) -> tuple[float, float, float]:
        """Give the voxel size, millimetres."""
        i, j, k = (float(n) for n in np.linalg.norm(self.affine_lps[:3, :3], axis=0))
        return i, j, k


@dataclass(frozen=True, slots=True)
class Steps:
    """How finely rays are cast: every n-th pixel, and a sample each so many voxels."""

    pixel: float
    ray: float


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Everything that decides one 3D picture; sizes in pixels, lengths in millimetres.

    `crop` is in indices of the image.
    """

    image: VolumeImage
    transfer: Transfer
    camera: Camera3D
    centre: FloatArray
    radius_mm: float
    width: int
    height: int
    steps: Steps
    crop: Box | None = None


@dataclass(frozen=True, slots=True)
class Look3D:
    """What of the state the 3D view was last drawn by; another one means another picture."""

    image: VolumeImage | None = None
    camera: Camera3D | None = None
    mode: str = ""
    transfer: Transfer | None = None
    lit: bool = False
    crop: Box | None = None

    def of(self, state: ViewState, scene: Scene, *, lit: bool) -> Look3D:
        """Give the look that a state asks for, of the same image."""
        return replace(
            self,
            camera=state.camera,
            mode=state.volume_mode,
            transfer=transfer_for(state, scene, lit=lit),
            lit=lit,
            crop=state.crop,
        )

    def with_image(self, image: VolumeImage) -> Look3D:
        """Give the look with another image."""
        return replace(self, image=image)


def preset_of(state: ViewState, scene: Scene) -> Preset:
    """Give the preset that is chosen, else the one of the modality."""
    chosen = presets.PRESETS.get(state.preset)
    return chosen or presets.PRESETS[presets.default_for(scene.spec.modality)]


def own_values(points: OpacityPoints, state: ViewState, scene: Scene) -> OpacityPoints:
    """Turn points in meant values into those of the chosen preset, as the state has them."""
    scale, offset = presets.axis(
        preset_of(state, scene), scene.percentiles or (0.0, 1.0), state.shift
    )
    return tuple(((value - offset) / scale, alpha) for value, alpha in points)


def transfer_for(state: ViewState, scene: Scene, *, lit: bool) -> Transfer | None:
    """Lay the preset over the volume; None while nothing is known of its values.

    Maximum intensity uses the preset where it is one, else that of CT, else the data's range.
    """
    preset = preset_of(state, scene)
    if state.opacity:
        preset = replace(preset, opacity=state.opacity)
    if state.volume_mode == "mip" and not preset.is_maximum:
        is_ct = (scene.spec.modality, scene.spec.unit) == ("CT", "HU")
        preset = presets.PRESETS["CT-MIP"] if is_ct else _RANGE
    if scene.percentiles is None and (preset.span is not None or state.shift):
        return None
    percentiles = scene.percentiles or (0.0, 1.0)
    return presets.transfer(preset, percentiles, state.shift, lit and state.lighting)


def shows_anything(image: VolumeImage, transfer: Transfer) -> bool:
    """Tell whether any value of the image has an opacity, so that a picture is not all black."""
    corners = [(array_value(value, image.value_map), alpha) for value, alpha in transfer.opacity]
    return bool(can_be_seen(*image.ranges, corners, 0.0).any())


def opacity_unit_mm(spacing_ijk: tuple[float, float, float]) -> float:
    """Give the length that a preset's opacities are meant for: 1 mm, less for finer volumes."""
    return min(1.0, max(spacing_ijk))


def radius_of(scene: Scene) -> float:
    """Give the radius that the 3D view shows at zoom 1, millimetres."""
    frames = scene.frames
    across, along = frames["axial"].half_mm, frames["coronal"].half_mm[1]
    corner = float(np.hypot(np.hypot(*across), along))
    return max(corner * FIT_RADIUS, along * FIT_MARGIN)
