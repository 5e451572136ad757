"""Slices that arrive go into the 3D texture on the graphics card one by one, not all at once.

VTK uploads a whole volume whenever it is marked as changed. Its ray caster's texture can be found,
though: the mapper tells which shader it drew the last frame with, the shader knows the unit of its
sampler, and the texture is still bound there. `glTexSubImage3D` then replaces single planes. The
array behind the texture holds the same values, so whenever VTK uploads it anew the picture is
right as well. Nothing of this is VTK's promise: `viewer.start_check` draws a small volume both ways
first, and where anything is not as expected the whole image is uploaded as ever.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from viewer.marks import runs

Resolve = Callable[[str], int]
"""Gives the address of an OpenGL function in the current context, 0 where there is none."""

_TEXTURE_3D, _RED, _TEXTURE0 = 0x806F, 0x1903, 0x84C0
_BINDING_3D, _ACTIVE_TEXTURE = 0x806A, 0x84E0
_SIZES = (0x1000, 0x1001, 0x8071)
_UNPACK = {0x0CF5: 1, 0x0CF2: 0, 0x0CF3: 0, 0x0CF4: 0, 0x806E: 0, 0x806D: 0}
"""Alignment; row length, rows and pixels skipped, image height, images skipped."""
_UNPACK_BUFFER, _UNPACK_BUFFER_BINDING = 0x88EC, 0x88EF
_TYPES: Final = {"int8": 0x1400, "uint8": 0x1401, "int16": 0x1402, "uint16": 0x1403,
                 "float32": 0x1406}  # fmt: skip
"""Types that VTK uploads as they are; others it converts first."""
_VTK_OBJECT = 21

_INT, _UINT, _POINTER = ctypes.c_int, ctypes.c_uint, ctypes.c_void_p
_SIGNATURES: Final[dict[str, tuple[Any, ...]]] = {
    "glActiveTexture": (None, _UINT),
    "glBindBuffer": (None, _UINT, _UINT),
    "glGetError": (_UINT,),
    "glGetIntegerv": (None, _UINT, _POINTER),
    "glGetTexLevelParameteriv": (None, _UINT, _INT, _UINT, _POINTER),
    "glGetUniformLocation": (_INT, _UINT, ctypes.c_char_p),
    "glGetUniformiv": (None, _UINT, _INT, _POINTER),
    "glPixelStorei": (None, _UINT, _INT),
    "glTexSubImage3D": (None, _UINT, *(_INT,) * 7, _UINT, _UINT, _POINTER),
}


class LiveTexture:
    """Patch the texture of one mapper; belongs to the thread and the context of its window.

    Attributes
    ----------
    patched : int
        Planes that went into the texture one by one.
    """

    def __init__(self, renderer: Any, mapper: Any, resolve: Resolve) -> None:
        self._resolve = resolve
        self._functions: dict[str, Any] = {}
        self._program = 0
        self.patched = 0

        def take(_mapper: Any, _event: str, program: Any) -> None:
            self._program = program.GetHandle()

        # the texture is where the last frame left it: a frame that says nothing leaves nothing
        renderer.AddObserver("StartEvent", lambda *_: self.forget())
        take.CallDataType = _VTK_OBJECT  # type: ignore[attr-defined]
        mapper.AddObserver("UpdateShaderEvent", take)

    @property
    def is_found(self) -> bool:
        """Tell whether the last frame said where the texture is; who makes a shader does not."""
        return bool(self._program)

    def forget(self) -> None:
        """Look for the texture anew, after a frame that was drawn with it."""
        self._program = 0

    def patch(self, array: npt.NDArray[np.generic], planes: npt.NDArray[np.integer[Any]]) -> bool:
        """Put planes of an array into the texture; tell whether that could be done.

        Parameters
        ----------
        array : array [k,j,i]
            The one that the texture was made of, contiguous; its context is current.
        planes : array of int
            Ascending.
        """
        if not self._program or array.dtype.name not in _TYPES or not array.flags.c_contiguous:
            return False
        try:
            return self._patch(array, planes)
        except OSError:
            return False

    def _patch(self, array: npt.NDArray[np.generic], planes: npt.NDArray[np.integer[Any]]) -> bool:
        unit = ctypes.c_int(-1)
        place = self._call("glGetUniformLocation", self._program, b"in_volume[0]")
        if place < 0:
            return False
        self._call("glGetUniformiv", self._program, place, ctypes.byref(unit))
        unit_before, buffer_before = self._get(_ACTIVE_TEXTURE), self._get(_UNPACK_BUFFER_BINDING)
        unpack_before = {name: self._get(name) for name in _UNPACK}
        while self._call("glGetError"):
            pass  # of others
        self._call("glActiveTexture", _TEXTURE0 + unit.value)
        try:
            if not self._get(_BINDING_3D) or self._shape() != array.shape:
                return False
            self._unpack(_UNPACK, 0)
            for first, last in runs(planes):
                self._upload(array, first, last)
            self.patched += len(planes)
        finally:
            self._unpack(unpack_before, buffer_before)
            self._call("glActiveTexture", unit_before)
        return not self._call("glGetError")

    def _unpack(self, settings: Mapping[int, int], pixel_buffer: int) -> None:
        """Say how pixels lie in memory; others count on finding it as they left it."""
        self._call("glBindBuffer", _UNPACK_BUFFER, pixel_buffer)
        for name, value in settings.items():
            self._call("glPixelStorei", name, value)

    def _upload(self, array: npt.NDArray[np.generic], first: int, last: int) -> None:
        _, rows, columns = array.shape
        address = array.ctypes.data + first * array.strides[0]
        kind = _TYPES[array.dtype.name]
        place, size = (0, 0, first), (columns, rows, last - first + 1)
        self._call("glTexSubImage3D", _TEXTURE_3D, 0, *place, *size, _RED, kind, address)

    def _shape(self) -> tuple[int, ...]:
        """Give the texture's size as that of an array, [k,j,i]."""
        found = []
        for what in _SIZES:
            value = ctypes.c_int()
            self._call("glGetTexLevelParameteriv", _TEXTURE_3D, 0, what, ctypes.byref(value))
            found.append(value.value)
        return tuple(found[::-1])

    def _get(self, what: int) -> int:
        value = ctypes.c_int()
        self._call("glGetIntegerv", what, ctypes.byref(value))
        return value.value

    def _call(self, name: str, *arguments: Any) -> Any:
        if name not in self._functions:
            address = self._resolve(name)
            if not address:
                raise OSError(f"OpenGL has no {name}")
            prototype = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
            self._functions[name] = prototype(*_SIGNATURES[name])(address)
        return self._functions[name](*arguments)
