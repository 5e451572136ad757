"""The judge of skips, tried on a small suite of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import skips

ROOT = Path(__file__).resolve().parents[2]

SUITE = """
import pytest

def test_skipped():
    pytest.skip("no reason to speak of")

@pytest.mark.xfail(strict=True)
def test_known():
    assert False

def test_passes():
    pass
"""
MODULE = "import pytest\npytest.skip('whole file', allow_module_level=True)\n"


def run(folder: Path, ci: bool, *arguments: str) -> str:
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    if ci:
        environment["CI"] = "true"
    plugins = ["-p", "tests.helpers.skips", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "-q", *arguments, "."],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_skips_fail_only_where_ci_is_set(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_small.py").write_text(SUITE)
    assert "1 passed, 1 skipped, 1 xfailed" in run(tmp_path, False, *arguments)
    output = run(tmp_path, True, *arguments)
    assert "1 failed, 1 passed, 1 xfailed" in output
    assert "no reason to speak of" in output


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_a_skipped_file_fails_too(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_whole.py").write_text(MODULE)
    output = run(tmp_path, True, *arguments)
    assert "whole file" in output
    assert "error" in output


def test_a_reason_is_demanded() -> None:
    assert skips.parse("# note\n\ntests/a.py::test_b[x]  no such server\n") == {
        "tests/a.py::test_b[x]": "no such server"
    }
    with pytest.raises(ValueError, match="needs a reason"):
        skips.parse("tests/a.py::test_b\n")


def test_names_are_compared_with_wildcards() -> None:
    allowed = skips.parse("tests/a.py::*  why\ntests/c.py::test_d[1]  why\n")
    assert skips.is_allowed("tests/a.py::test_b[2]", "Skipped: why", allowed)
    assert skips.is_allowed("tests/c.py::test_d[1]", "Skipped: why", allowed)
    assert not skips.is_allowed("tests/c.py::test_d1", "Skipped: why", allowed)
    assert not skips.is_allowed("tests/b.py::test_b", "Skipped: why", allowed)
    assert not skips.is_allowed("tests/a.py::test_b[2]", "Skipped: not installed", allowed)
