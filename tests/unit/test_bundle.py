"""The tables of what goes into the frozen program, and what its package asks of a system."""

import importlib.util
import re
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
_spec = importlib.util.spec_from_file_location("bundle", PACKAGING / "bundle.py")
assert _spec is not None
assert _spec.loader is not None
bundle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bundle)

# Which Debian package brings what the bundle asks for; libc6 brings several.
PACKAGES = {
    "libgcc_s.so.1": "libgcc-s1", "libstdc++.so.6": "libstdc++6", "libz.so.1": "zlib1g",
    "libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6", "libxcb.so.1": "libxcb1", "libdrm.so.2": "libdrm2",
    "libdbus-1.so.3": "libdbus-1-3", "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6", "libxkbcommon.so.0": "libxkbcommon0",
    "libgio-2.0.so.0": "libglib2.0-0", "libglib-2.0.so.0": "libglib2.0-0",
    "libgobject-2.0.so.0": "libglib2.0-0", "libgthread-2.0.so.0": "libglib2.0-0",
    "libwayland-client.so.0": "libwayland-client0", "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}  # fmt: skip
LIBC = re.compile(r"ld-linux|lib(c|dl|m|pthread|resolv|rt|util)\.so")


@pytest.mark.parametrize(
    "name",
    [
        "libX11.so.6", "libxcb.so.1", "libGL.so.1", "libstdc++.so.6", "libz.so.1",
        "libxkbcommon.so.0", "libwayland-client.so.0", "libgtk-3.so.0", "libglib-2.0.so.0",
        "PySide6/Qt/plugins/platforms/libqeglfs.so", "PySide6/Qt/translations/qt_de.qm",
    ],
)  # fmt: skip
def test_left_out(name):
    assert bundle.is_dropped(name)


@pytest.mark.parametrize(
    "name",
    [
        "libxkbcommon-x11.so.0", "libxcb-cursor.so.0", "libxcb-icccm.so.4", "libvtkzlib.so",
        "PySide6/Qt/plugins/platforms/libqxcb.so", "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so", "PySide6/Qt/translations/qtbase_de.qm",
        "libssl.so.3", "pycurl.libs/libz-12345678.so.1", "libQt6OpenGLWidgets.so.6",
    ],
)  # fmt: skip
def test_taken_along(name):
    assert not bundle.is_dropped(name)


def test_what_is_named_is_there():
    for name in bundle.HIDDEN_MODULES:
        assert importlib.util.find_spec(name) is not None, name
    assert not set(bundle.HIDDEN_MODULES) & set(bundle.EXCLUDED_MODULES)


def test_the_package_depends_on_what_the_bundle_asks_for():
    script = (PACKAGING / "linux" / "build_deb.sh").read_text("utf-8")
    depends = re.search(r"^Depends: (.*)$", script, re.MULTILINE)
    assert depends is not None
    named = {re.split(r"[ |]", part.strip())[0] for part in depends[1].split(",")}
    asked = {"libc6" if LIBC.match(name) else PACKAGES[name] for name in bundle.SYSTEM_SONAMES}
    assert named == asked
