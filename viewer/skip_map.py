"""Empty space is jumped over: which bricks of a volume a look can show, and the ray that asks.

VTK's ray caster takes every sample, also through air that no transfer function shows. Here a small
texture tells for each brick of 16 x 16 x 16 voxels whether anything in it can be seen; one piece of
text put into the mapper's own shader lets a ray go on by whole steps to the far side of an empty
brick. The samples that are taken stay where they were, so the picture is the same.

The words of VTK's shader may change with a release: `viewer.start_check` draws a small volume both
ways, and where they differ the map is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from viewer.bricks import BRICK, Ranges, can_be_seen, spans
from viewer.vtk_setup import vtkTextureObject, vtkVolume

TABLE_STEPS = 1024
"""VTK looks opacity up in a table of that many values over the image's range, interpolated."""
_UNSIGNED_CHAR = 3
_NEAREST = 0
_JUMP = f"""//VTK::Base::Impl
    {{
      vec3 voxel = clamp(g_dataPos * skip_size - 0.5, vec3(0.0), skip_size - 1.0);
      float edge = texelFetch(skip_map, ivec3(voxel / {BRICK}.0), 0).r * 255.0 * {BRICK}.0;
      if (edge > 0.0)
      {{
        vec3 way = g_dirStep * skip_size;
        way += vec3(equal(way, vec3(0.0))) * 1e-9;
        vec3 ahead = ((floor(voxel / edge) + step(0.0, way)) * edge - voxel) / way;
        float steps = max(0.0, floor(min(min(ahead.x, ahead.y), ahead.z)));
        g_dataPos += steps * g_dirStep;
        g_currentT += steps;
        g_skip = true;
      }}
    }}
"""


class SkipMap:
    """Lets one volume's rays jump; belongs to the thread and the OpenGL context of its window."""

    def __init__(self, window: Any, renderer: Any, volume: vtkVolume) -> None:
        self._window = window
        self._ranges: Ranges | None = None
        self._step = 0.0
        self._texture: Any = vtkTextureObject()
        self._texture.SetContext(window)
        self._edges: npt.NDArray[np.uint8] | None = np.zeros((1, 1, 1), np.uint8)
        shader = volume.GetShaderProperty()
        self._uniforms = shader.GetFragmentCustomUniforms()
        self._uniforms.SetUniformi("skip_map", 0)
        self._uniforms.SetUniform3f("skip_size", [1.0, 1.0, 1.0])
        shader.AddFragmentShaderReplacement("//VTK::Base::Impl", True, _JUMP, False)
        # a custom uniform cannot be a sampler, but a sampler takes its unit as an int
        shader.AddFragmentShaderReplacement(
            "uniform int skip_map;", False, "uniform sampler3D skip_map;", True
        )
        renderer.AddObserver("StartEvent", lambda *_: self._bind())
        renderer.AddObserver("EndEvent", lambda *_: self._texture.Deactivate())

    def set_image(
        self, shape_kji: tuple[int, ...], ranges: Ranges, bounds: tuple[float, float]
    ) -> None:
        """Take another image: its size, its bricks' ranges and the range of all its values."""
        self._ranges = ranges
        self._step = (bounds[1] - bounds[0]) / (TABLE_STEPS - 1)
        self._uniforms.SetUniform3f("skip_size", [float(n) for n in shape_kji[::-1]])

    def set_opacity(self, opacity: Sequence[tuple[float, float]], *, is_composite: bool) -> None:
        """Take another opacity function, of array values; only compositing can leave air out."""
        if self._ranges is None:
            return
        low, high = self._ranges
        visible = np.ones(low.shape, bool)
        if is_composite:
            visible = can_be_seen(low, high, opacity, self._step)
        self._edges = spans(visible)

    def release(self) -> None:
        """Let go of the texture, with its context current."""
        self._texture.ReleaseGraphicsResources(self._window)
        self._edges = np.zeros((1, 1, 1), np.uint8)

    def _bind(self) -> None:
        """Take a texture unit for the frame that begins; only here OpenGL is sure to be set up."""
        edges, self._edges = self._edges, None
        if edges is not None:
            self._texture.Create3DFromRaw(*edges.shape[::-1], 1, _UNSIGNED_CHAR, edges)
        self._texture.Activate()
        if edges is not None:
            self._texture.SetMagnificationFilter(_NEAREST)
            self._texture.SetMinificationFilter(_NEAREST)
            self._texture.SendParameters()
        self._uniforms.SetUniformi("skip_map", self._texture.GetTextureUnit())
