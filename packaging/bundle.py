"""What goes into the frozen program and what does not: tables for voxtide.spec and its checks.

Everything here was found by trying: what is left out leaves a program that passes its self-test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

EXCLUDED_MODULES = [
    # asked for by VTK's metadata, used by no line of ours
    "matplotlib", "contourpy", "kiwisolver", "fontTools", "pyparsing", "dateutil", "PIL",
    "tkinter", "_tkinter", "unittest", "doctest", "test", "sqlite3", "pydoc", "lib2to3", "idlelib",
    # their libraries are under the GPL
    "readline", "gdbm", "_gdbm", "dbm", "_dbm", "curses", "_curses", "_curses_panel",
    "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtQuickWidgets", "PySide6.QtSql", "PySide6.QtTest",
    "PySide6.QtDesigner", "PySide6.QtHelp", "PySide6.QtUiTools", "PySide6.QtPrintSupport",
    "PySide6.QtXml", "vtkmodules.all", "vtkmodules.web", "vtkmodules.tk", "vtkmodules.wx",
    "vtkmodules.gtk", "vtkmodules.qt", "PyQt5", "PyQt6", "PySide2", "pytest", "hypothesis",
    "SimpleITK", "pip", "setuptools", "pkg_resources", "numpy.f2py", "numpy.testing",
    "nibabel.tests", "nibabel.benchmarks", "tqdm.notebook", "tqdm.tk", "tifffile.gui",
]  # fmt: skip

CODECS = (
    # every codec needs the first two, and says something else when they are missing
    "_shared", "_shared_cython", "_imcd", "_jpeg8", "_jpegsof3", "_ljpeg", "_jpegls", "_jpeg2k",
    "_htj2k", "_jpegxl", "_jpegxr", "_webp", "_lerc", "_zlib", "_zstd", "_lzma", "_deflate",
    "_png", "_bmp", "_ccitt", "_quantize",
)  # fmt: skip
"""Of imagecodecs: DICOM's and those that TIFF files and pictures use. All would be 64 MB more."""

HIDDEN_MODULES = [
    "imagecodecs",
    *(f"imagecodecs.{name}" for name in CODECS),
    "ml_dtypes",  # tensorstore imports it from native code
    "openjpeg",
    "_openjpeg",
    # VTK finds these through its factory
    "vtkmodules.vtkRenderingOpenGL2",
    "vtkmodules.vtkRenderingVolumeOpenGL2",
    "vtkmodules.vtkRenderingUI",
    "vtkmodules.vtkInteractionStyle",
    "vtkmodules.vtkRenderingFreeType",
]

OPTIONAL_MODULES = (
    "pycurl",
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.fail",
    "keyring.backends.chainer",
)
"""Taken in where they are installed; keyring finds its backends by entry points."""

_DROPPED = re.compile(
    r"platformthemes/libqgtk3|lib(gtk-3|gdk|atk|atspi|epoxy|cairo|pango)"
    r"|plugins/(egldeviceintegrations|qmltooling|sqldrivers|generic|printsupport"
    r"|vectorimageformats|wayland-graphics-integration-server)/"
    r"|platforms/libq(eglfs|linuxfb|minimal|minimalegl|vkkhrdisplay|vnc)"
    r"|libqtvirtualkeyboard|imageformats/libq(pdf|tga|tiff|wbmp|webp|icns)"
    r"|PySide6/Qt/translations/(?!qtbase_)|PySide6/Qt/qml/|PySide6/.*\.pyi$"
    r"|pydicom/data/test_files|nibabel/.*tests/|nibabel/tests"
)
_OF_THE_SYSTEM = re.compile(
    r"(^|/)lib(X11|X11-xcb|xcb|EGL|GL|GLX|GLdispatch|OpenGL|stdc\+\+|gcc_s|fontconfig|freetype"
    r"|glib-2|gio-2|gobject-2|gmodule-2|gthread-2|dbus-1|systemd|xkbcommon|drm|z)[.-][\w.-]*$"
    r"|(^|/)libwayland-"
)
"""Must match the driver, the session and the fonts of the machine, so it comes from there."""
_KEPT = re.compile(r"\.libs/|lib[\w+]+-[0-9a-f]{8}|libxcb-|libxkbcommon-x11")
"""Helpers of X11 that real machines lack, and what wheels bring under a name of their own."""

Entry = TypeVar("Entry", bound=tuple[str, ...])


def is_dropped(name: str) -> bool:
    """Tell whether a file of the bundle is left out."""
    if _DROPPED.search(name):
        return True
    return bool(_OF_THE_SYSTEM.search(name)) and not _KEPT.search(name)


SYSTEM_SONAMES = frozenset({
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0",
    "libresolv.so.2", "librt.so.1", "libutil.so.1",
    "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1",
    "libEGL.so.1", "libGL.so.1", "libX11-xcb.so.1", "libX11.so.6", "libxcb.so.1", "libdrm.so.2",
    "libdbus-1.so.3", "libfontconfig.so.1", "libfreetype.so.6", "libxkbcommon.so.0",
    "libgio-2.0.so.0", "libglib-2.0.so.0", "libgobject-2.0.so.0", "libgthread-2.0.so.0",
    "libwayland-client.so.0", "libwayland-cursor.so.0", "libwayland-egl.so.1",
})  # fmt: skip
"""What the bundle may ask of the system; the package depends on exactly these."""


def kept(entries: Iterable[Entry]) -> list[Entry]:
    """Give the entries of a table of contents that stay; the first item is the name inside."""
    return [entry for entry in entries if not is_dropped(entry[0])]


_MIT_X11 = "MIT (X11)"
SYSTEM_LICENCES = {
    **dict.fromkeys(
        ("libxcb-keysyms1", "libxcb-shape0", "libxcb-xkb1", "libxcb-util1", "libxcb-cursor0",
         "libxcb-render-util0", "libxkbcommon-x11-0", "libxcb-render0", "libxcb-sync1",
         "libxcb-image0", "libxcb-randr0", "libxcb-shm0", "libxcb-glx0", "libxcb-icccm4",
         "libxcb-xfixes0", "libxcb-xinput0", "libxcb-xinerama0"), _MIT_X11),
    **dict.fromkeys(
        ("libgssapi-krb5-2", "libkrb5-3", "libk5crypto3", "libkrb5support0"), "MIT (Kerberos)"),
    **dict.fromkeys(
        ("libpython3.11", "libpython3.11-stdlib", "libpython3.11-minimal", "libpython3.12-stdlib",
         "libpython3.12t64", "libpython3.12-minimal", "libpython3.13", "libpython3.13-stdlib",
         "libpython3.13-minimal", "python3.11-minimal"), "PSF-2.0"),
    "libssl3": "Apache-2.0", "libssl3t64": "Apache-2.0", "libbrotli1": "MIT", "libffi8": "MIT",
    "libzstd1": "BSD-3-Clause", "liblzma5": "public domain, 0BSD", "libbz2-1.0": "bzip2-1.0.6",
    "libcom-err2": "MIT", "libkeyutils1": "LGPL-2.1-or-later", "libuuid1": "BSD-3-Clause",
    "libexpat1": "MIT",
}  # fmt: skip
"""Licence of what is taken from the build machine's Debian packages; an unknown one is refused."""
