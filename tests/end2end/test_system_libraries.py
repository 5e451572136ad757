"""The list of system packages holds all that the program's Qt modules and plug-ins load.

In an empty system (packaging/linux/empty_root.sh) this fails as soon as a new Qt module wants a
library that packaging/linux/packages.txt does not bring; Qt's own message names the wrong one.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, imports, modules

GROUPS = {"run", "screen", "peers", "npm", "venv"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="speaks of Linux packages")


def qt_folder() -> Path:
    import PySide6

    return Path(PySide6.__path__[0])


def loaded_files() -> list[Path]:
    """Give the Qt modules that the program imports, and the plug-ins that open its window."""
    names = {
        found.name.split(".")[1]
        for path, tree in modules().items()
        for found in imports(tree, path)
        if found.name.startswith("PySide6.")
    }
    files = [path for name in names for path in qt_folder().glob(f"{name}.abi3.so")]
    plugins = qt_folder() / "Qt" / "plugins"
    for pattern in ("platforms/libqxcb.so", "platforms/libqwayland*.so", "xcbglintegrations/*.so"):
        files += plugins.glob(pattern)
    return sorted(files)


def test_no_library_is_missing():
    files = loaded_files()
    assert {"QtCore.abi3.so", "QtWidgets.abi3.so", "libqxcb.so"} <= {path.name for path in files}
    missing = {
        f"{path.name}: {line.split()[0]}"
        for path in files
        for line in subprocess.check_output(["ldd", path], text=True).splitlines()
        if "not found" in line
    }
    assert missing == set()


def test_the_list_of_packages_can_be_read():
    lines = (ROOT / "packaging" / "linux" / "packages.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    assert all(len(row) == 2 and row[1] in GROUPS for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
