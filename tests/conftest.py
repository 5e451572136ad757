"""What every test may ask for: a display, an application, the data folder, a home of its own.

Qt and VTK are imported only by the fixtures that need them, so that the engine's tests run on a
machine without a single GUI library.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.xvfb import start_xvfb

ROOT = Path(__file__).resolve().parent.parent


def data_path() -> Path:
    """Give the folder of test data, whether or not it is there."""
    return Path(os.environ.get("VOXTIDE_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Give the folder of test data; without it the test skips."""
    folder = data_path()
    if not folder.is_dir():
        pytest.skip(f"no test data: {folder} is not there (set VOXTIDE_DATA)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep settings, logs and caches of the tests away from those of the person who runs them."""
    home = tmp_path_factory.mktemp("home")
    for name in ("config", "cache", "data", "state"):
        os.environ[f"XDG_{name.upper()}_HOME"] = str(home / name)
    # Nothing of a test may come into the keyring of the person who runs it, or be asked for there.
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    # A full disk under Mesa's cache ends the process with a bus error.
    os.environ["MESA_SHADER_CACHE_DISABLE"] = "true"
    return home


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """Give a display: the one at hand, or a virtual one for this run."""
    present = os.environ.get("DISPLAY")
    if present:
        yield present
        return
    with start_xvfb() as name:
        os.environ["DISPLAY"] = name
        os.environ["QT_QPA_PLATFORM"] = "xcb"
        yield name
        del os.environ["DISPLAY"]


@pytest.fixture(scope="session")
def qapp(display: str) -> Iterator[object]:
    """Give the one QApplication of this process, set up as the program does it."""
    from app.graphics import set_up_graphics

    set_up_graphics(software_gl=False)
    from PySide6.QtWidgets import QApplication

    from app.theme import apply_theme

    present = QApplication.instance()
    application = present if isinstance(present, QApplication) else QApplication(["voxtide"])
    application.setQuitOnLastWindowClosed(False)
    apply_theme(application, "dark")
    yield application
    application.processEvents()
    application.shutdown()  # before the display goes
