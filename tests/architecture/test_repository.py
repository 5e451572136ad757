"""What lies in the repository, and that its documents speak of what is there."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

LARGEST_BYTES = 1_000_000
LARGEST_PICTURE = 300_000
# A file that may be larger, and why.
LARGE_FILES: dict[str, str] = {}


def kept_files() -> list[Path]:
    """Give the files that are not built, fetched or cached; git need not be there."""
    ignored = {
        line.strip("/\n") for line in (ROOT / ".gitignore").read_text().splitlines() if line.strip()
    } | {".git"}

    def walk(folder: Path):
        for path in sorted(folder.iterdir()):
            if any(path.match(pattern) for pattern in ignored):
                continue
            if path.is_dir() and not path.is_symlink():
                yield from walk(path)
            else:
                yield path

    return list(walk(ROOT))


def test_no_large_file():
    large = {
        path.relative_to(ROOT).as_posix(): path.stat().st_size
        for path in kept_files()
        if path.stat().st_size > LARGEST_BYTES
    }
    assert {name for name in large if name not in LARGE_FILES} == set()


@pytest.mark.parametrize("folder", ["packaging", "resources"])
def test_folders_that_are_no_packages(folder):
    """A package `packaging` in the root would hide the distribution of that name."""
    assert list((ROOT / folder).rglob("__init__.py")) == []
    import packaging.version

    assert packaging.version.Version("1.10") > packaging.version.Version("1.9")


def test_licences_are_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    for name in project["license-files"]:
        assert (ROOT / name).is_file()


def test_the_version_is_said_once():
    from app.cli import VERSION

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    assert f"## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text() or VERSION == "0.1.0"


def test_pyside_6_12_0_is_excluded_where_it_kills():
    """It drops references of None and True, which are mortal before Python 3.12."""
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [
        one for one in map(Requirement, project["dependencies"]) if one.name == "PySide6-Essentials"
    ]

    def allows(release: str, python: str) -> bool:
        return all(
            release in one.specifier
            for one in requirements
            if one.marker is None or one.marker.evaluate({"python_version": python})
        )

    assert not allows("6.12.0", "3.11")
    assert allows("6.11.3", "3.11")
    assert allows("6.12.0", "3.12")
    assert not any(re.match(r"PySide6([^-]|$)", one) for one in project["dependencies"])


def named_in_architecture() -> list[str]:
    """Give the paths, with or without a test's name, that ARCHITECTURE.md sets in code type."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    folders = "app|viewer|loading|resources|tests|packaging|docs"
    return sorted(set(re.findall(rf"`((?:{folders})/[\w./]*(?:::\w+)?)`", text)))


@pytest.mark.parametrize("name", named_in_architecture())
def test_what_the_architecture_names_is_there(name):
    path, _, test = name.partition("::")
    assert (ROOT / path).exists()
    if test:
        assert f"def {test}(" in (ROOT / path).read_text("utf-8")


def test_the_architecture_names_every_package():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    packages = {
        path.parent.relative_to(ROOT).as_posix()
        for path in ROOT.glob("[avl]*/**/__init__.py")
        if path.parts[len(ROOT.parts)] in ("app", "viewer", "loading")
    }
    assert {name for name in packages if f"`{name}/`" not in text} == set()


def test_pictures_of_the_documents_are_light():
    found = [path for path in (ROOT / "docs").rglob("*") if path.suffix in (".png", ".webp")]
    assert found
    heavy = [path for path in found if path.stat().st_size > LARGEST_PICTURE]
    assert heavy == []
