"""Every VTK class the viewer uses, and the modules imported for what they register.

Import this late: it costs some 200 ms, and the window is painted before. `import vtk` would cost
three times as much.
"""

import vtkmodules.vtkRenderingOpenGL2
import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401  registers the OpenGL volume mapper
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDataArray, vtkLogger, vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPiecewiseFunction
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkImagingCore import vtkImageReslice
from vtkmodules.vtkRenderingCore import (
    vtkColorTransferFunction,
    vtkLight,
    vtkRenderer,
    vtkRenderWindow,
    vtkVolume,
    vtkVolumeProperty,
)
from vtkmodules.vtkRenderingOpenGL2 import vtkGenericOpenGLRenderWindow, vtkTextureObject
from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkOpenGLGPUVolumeRayCastMapper

__all__ = [
    "numpy_to_vtk",
    "vtkColorTransferFunction",
    "vtkDataArray",
    "vtkGenericOpenGLRenderWindow",
    "vtkImageData",
    "vtkImageReslice",
    "vtkLight",
    "vtkLogger",
    "vtkMatrix4x4",
    "vtkOpenGLGPUVolumeRayCastMapper",
    "vtkPiecewiseFunction",
    "vtkRenderWindow",
    "vtkRenderer",
    "vtkTextureObject",
    "vtkUnsignedCharArray",
    "vtkVolume",
    "vtkVolumeProperty",
    "vtk_to_numpy",
]

IS_COMPLETE = True
"""The last line: who finds it here need not wait for a thread that imports."""
