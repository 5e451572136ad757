"""The 3D picture: one VTK pipeline that is told what to show and draws it into a render window.

The same class serves the OpenGL widget and the off-screen render thread; each instance belongs to
the one thread that made it. Values come in as the engine stores them; presets speak of meant ones.
"""

from __future__ import annotations

from math import atan, degrees, radians, tan
from typing import Any

import numpy as np
import numpy.typing as npt

from loading.values import array_value
from viewer.image_bridge import shared_image
from viewer.live_texture import LiveTexture, Resolve
from viewer.presets import Transfer
from viewer.skip_map import SkipMap
from viewer.volume_axes import VIEW_ANGLE, camera_axes
from viewer.volume_look import Picture, VolumeImage, opacity_unit_mm
from viewer.vtk_setup import (
    vtkColorTransferFunction,
    vtkLight,
    vtkMatrix4x4,
    vtkOpenGLGPUVolumeRayCastMapper,
    vtkPiecewiseFunction,
    vtkRenderer,
    vtkVolume,
    vtkVolumeProperty,
)


class VolumeScene:
    """Follow `Picture`s with VTK objects; only what differs from the last one is touched.

    Parameters
    ----------
    window : vtkOpenGLRenderWindow
        Where the picture is drawn; its context holds the textures.
    skips : bool
        Whether rays jump over empty space.
    resolve : callable, optional
        Gives addresses of OpenGL functions; with it, planes that changed are put into the texture
        one by one where that can be done.
    """

    def __init__(self, window: Any, *, skips: bool, resolve: Resolve | None = None) -> None:
        self.renderer = vtkRenderer()
        self.renderer.SetBackground(0.0, 0.0, 0.0)
        self._add_lights()
        self._mapper = vtkOpenGLGPUVolumeRayCastMapper()
        self._mapper.SetAutoAdjustSampleDistances(0)
        self._property = vtkVolumeProperty()
        self._property.SetInterpolationTypeToLinear()
        self._volume = vtkVolume()
        self._volume.SetMapper(self._mapper)
        self._volume.SetProperty(self._property)
        self._skip_map = SkipMap(window, self.renderer, self._volume) if skips else None
        self.texture = LiveTexture(self.renderer, self._mapper, resolve) if resolve else None
        self._placement = vtkMatrix4x4()
        self._rotation: npt.NDArray[np.float64] = np.eye(3)
        self._shown: Picture | None = None

    def follow(self, picture: Picture) -> None:
        """Make the VTK objects show this picture at the next render."""
        shown = self._shown
        if shown is None or shown.image.serial != picture.image.serial:
            if shown is not None and self._patch_image(shown.image, picture.image):
                self._set_bricks(picture.image)
            else:
                self._set_image(picture.image)
        if (
            shown is None
            or shown.image.serial != picture.image.serial
            or shown.transfer != picture.transfer
        ):
            self._set_transfer(picture.transfer, picture.image)
        self._set_steps(picture)
        self._set_crop(picture)
        if shown is None:  # before the camera, whose near and far planes go by what is there
            self.renderer.AddVolume(self._volume)
        self._set_camera(picture)
        self._shown = picture

    @property
    def wants_second_frame(self) -> bool:
        """Tell whether the same frame once more would say where the texture of this image is."""
        is_live = self._shown is not None and self._shown.image.revisions is not None
        return is_live and self.texture is not None and not self.texture.is_found

    def show_band(self, band: int, bands: int) -> None:
        """Draw only one of several horizontal bands at the next render, the lowest first.

        The picture is the same as in one piece; between bands a long picture can be given up.
        """
        camera: Any = self.renderer.GetActiveCamera()
        camera.UseExplicitProjectionTransformMatrixOff()
        self.renderer.SetViewport(0.0, 0.0, 1.0, 1.0)
        if bands == 1 or self._shown is None:
            return
        height = self._shown.height
        low, high = round(height * band / bands), round(height * (band + 1) / bands)
        bottom, top = 2.0 * low / height - 1.0, 2.0 * high / height - 1.0
        whole = camera.GetProjectionTransformMatrix(self._shown.width / height, -1.0, 1.0)
        matrix = vtkMatrix4x4()
        matrix.DeepCopy(whole)
        stretch, shift = 2.0 / (top - bottom), -(bottom + top) / (top - bottom)
        for column in range(4):
            value = stretch * whole.GetElement(1, column) + shift * whole.GetElement(3, column)
            matrix.SetElement(1, column, value)
        self.renderer.SetViewport(0.0, low / height, 1.0, high / height)
        camera.SetExplicitProjectionTransformMatrix(matrix)
        camera.UseExplicitProjectionTransformMatrixOn()

    def clear(self) -> None:
        """Let go of the image."""
        if self._skip_map is not None:
            self._skip_map.release()
        self.renderer.RemoveVolume(self._volume)
        self._mapper.RemoveAllInputs()
        self._shown = None

    def _add_lights(self) -> None:
        """Light from the upper left of the viewer and a weaker one from the right."""
        self.renderer.AutomaticLightCreationOff()
        for place, strength in (((-0.45, 0.55, 1.0), 0.82), ((0.7, -0.1, 0.8), 0.3)):
            light = vtkLight()
            light.SetLightTypeToCameraLight()
            light.SetPosition(*place)
            light.SetFocalPoint(0.0, 0.0, 0.0)
            light.SetIntensity(strength)
            self.renderer.AddLight(light)

    def _set_image(self, image: VolumeImage) -> None:
        # The mapper lights volumes as if they were not rotated. So they are not: the camera stands
        # where it would stand in the volume's own upright frame. Only shear is left to the volume.
        spacing = image.spacing_ijk
        self._mapper.SetInputData(shared_image(image.array, image.bounds, spacing))
        self._set_bricks(image)
        self._rotation, remainder = image.upright()
        for row in range(4):
            for column in range(4):
                scale = spacing[column] if column < 3 else 1.0
                self._placement.SetElement(row, column, remainder[row, column] / scale)
        self._volume.SetUserMatrix(self._placement)
        self._property.SetScalarOpacityUnitDistance(opacity_unit_mm(spacing))

    def _patch_image(self, shown: VolumeImage, image: VolumeImage) -> bool:
        """Put what differs into the texture that is there; tell whether that could be done."""
        planes = image.changed_planes(shown)
        return (
            planes is not None
            and self.texture is not None
            and self.texture.patch(image.array, planes)
        )

    def _set_bricks(self, image: VolumeImage) -> None:
        if self._skip_map is not None:
            self._skip_map.set_image(image.array.shape, image.ranges, image.bounds)

    def _set_transfer(self, transfer: Transfer, image: VolumeImage) -> None:
        opacity = vtkPiecewiseFunction()
        corners = [(array_value(value, image.value_map), a) for value, a in transfer.opacity]
        for value, alpha in corners:
            opacity.AddPoint(value, alpha)
        if self._skip_map is not None:
            self._skip_map.set_opacity(corners, is_composite=not transfer.is_maximum)
        colour = vtkColorTransferFunction()
        for value, rgb in transfer.colour:
            parts = [(rgb >> shift & 255) / 255.0 for shift in (16, 8, 0)]
            colour.AddRGBPoint(array_value(value, image.value_map), *parts)
        self._property.SetScalarOpacity(opacity)
        self._property.SetColor(colour)
        self._set_gradient(transfer, image)
        if transfer.is_maximum:
            self._mapper.SetBlendModeToMaximumIntensity()
        else:
            self._mapper.SetBlendModeToComposite()
        shade = None if transfer.is_maximum else transfer.shade
        self._property.SetShade(int(shade is not None))
        if shade is not None:
            self._property.SetAmbient(shade.ambient)
            self._property.SetDiffuse(shade.diffuse)
            self._property.SetSpecular(shade.specular)
            self._property.SetSpecularPower(shade.power)

    def _set_gradient(self, transfer: Transfer, image: VolumeImage) -> None:
        """Set opacity by gradient magnitude, or none."""
        self._property.SetDisableGradientOpacity(int(not transfer.gradient))
        if transfer.gradient:
            function = vtkPiecewiseFunction()
            for magnitude, factor in transfer.gradient:
                function.AddPoint(magnitude / abs(image.value_map.slope), factor)
            self._property.SetGradientOpacity(function)

    def _set_steps(self, picture: Picture) -> None:
        self._mapper.SetImageSampleDistance(picture.steps.pixel)
        # Jitter hides the rings of fine pictures; of coarse ones it would make sand.
        self._mapper.SetUseJittering(int(picture.steps.ray <= 1.0))
        finest = min(picture.image.spacing_ijk)
        self._mapper.SetSampleDistance(picture.steps.ray * finest)

    def _set_crop(self, picture: Picture) -> None:
        box, spacing = picture.crop, picture.image.spacing_ijk
        self._mapper.SetCropping(int(box is not None))
        if box is not None:
            faces = [box[end][axis] * spacing[axis] for axis in range(3) for end in (0, 1)]
            self._mapper.SetCroppingRegionPlanes(*faces)
            self._mapper.SetCroppingRegionFlagsToSubVolume()

    def _set_camera(self, picture: Picture) -> None:
        eye, up, right = (axis @ self._rotation for axis in camera_axes(picture.camera))
        centre = picture.centre @ self._rotation
        zoom = picture.camera.zoom * min(1.0, picture.width / max(1, picture.height))
        reach = picture.radius_mm
        distance = reach / tan(radians(VIEW_ANGLE / 2))
        shift_right, shift_down = picture.camera.pan
        focal = centre - right * shift_right * reach + up * shift_down * reach
        camera: Any = self.renderer.GetActiveCamera()
        camera.SetFocalPoint(*focal)
        camera.SetPosition(*(focal + eye * distance))
        camera.SetViewUp(*up)
        camera.SetViewAngle(2 * degrees(atan(tan(radians(VIEW_ANGLE / 2)) / zoom)))
        self.renderer.ResetCameraClippingRange()
