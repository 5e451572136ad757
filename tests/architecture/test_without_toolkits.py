"""The engine's command line on a machine without Qt, VTK or a display."""

import json
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

BLOCKED = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "shiboken6", "vtk", "vtkmodules"):
            raise ImportError(f"{name} is blocked in this test")

sys.meta_path.insert(0, Refuse())
from app.cli import main
sys.exit(main(sys.argv[1:]))
"""
DEMO = str(ROOT / "resources" / "demo" / "colin27")


def voxtide(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a process where importing Qt or VTK raises, without a display."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED, *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_block_blocks():
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.replace("app.cli", "PySide6.QtCore")],
        capture_output=True,
        text=True,
    )
    assert "is blocked in this test" in done.stderr


@pytest.mark.parametrize("command", ["info", "probe", "load", "export"])
def test_help_needs_no_toolkit(command):
    done = voxtide(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"voxtide {command}" in done.stdout


def test_info_needs_no_toolkit():
    done = voxtide("info", DEMO, "--json")
    assert done.returncode == 0, done.stderr
    volumes = json.loads(done.stdout)["volumes"]
    assert [volume["shape_kji"] for volume in volumes] == [[181, 217, 181]]


def test_load_needs_no_toolkit():
    done = voxtide("load", DEMO, "--json", "--checksum")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["failures"] in (0, [], {})
