"""Who may know whom. The rules are data; so are the exceptions, each with its reason."""

import sys
import tomllib

import pytest

from tests.architecture.sources import ROOT, imports, is_within, modules

# What a folder must never import. app -> viewer -> loading, never back.
FORBIDDEN = {
    "loading/": ("app", "viewer", "PySide6", "shiboken6", "vtkmodules"),
    "viewer/": ("app", "pydicom", "imagecodecs", "openjpeg"),
    "app/": ("vtkmodules", "pydicom", "imagecodecs", "openjpeg"),
    # All of VTK at once: 0.6 s and 500 MB of libraries nobody asked for.
    "": ("vtk", "vtkmodules.all", "PyQt5", "PyQt6", "PySide2", "gdcm", "libjpeg", "SimpleITK"),
}

# The only places in loading/ that may import these.
HOME = {
    "pydicom": "loading/dicom/",
    "imagecodecs": "loading/codecs/",
    "openjpeg": "loading/codecs/",
    "aiohttp": "loading/serve/",
    "pycurl": "loading/web/",
}

EXCEPTIONS = {
    ("loading/qtpool.py", "PySide6.QtCore"): "QThreadPool as the engine's executor in the window",
}

# Distribution that an import comes from, where the names differ.
DISTRIBUTIONS = {
    "PySide6": "pyside6-essentials",
    "shiboken6": "pyside6-essentials",
    "vtkmodules": "vtk",
    "openjpeg": "pylibjpeg-openjpeg",
    "nrrd": "pynrrd",
}


def is_excepted(path: str, name: str) -> bool:
    return any(path == file and is_within(name, allowed) for file, allowed in EXCEPTIONS)


def violations() -> list[str]:
    found = []
    for path, tree in modules().items():
        for line, name, _ in imports(tree, path):
            for folder, names in FORBIDDEN.items():
                if path.startswith(folder) and any(is_within(name, n) for n in names):
                    found.append((path, line, name, folder or "Voxtide"))
            for package, home in HOME.items():
                if is_within(name, package) and not path.startswith(home):
                    found.append((path, line, name, "anything but " + home))
    return [
        f"{path}:{line}: {who} must not import {name}"
        for path, line, name, who in found
        if not is_excepted(path, name)
    ]


def test_imports_go_one_way():
    assert violations() == []


@pytest.mark.parametrize(("path", "name"), EXCEPTIONS)
def test_every_exception_is_used(path, name):
    assert any(is_within(found.name, name) for found in imports(modules()[path], path))


def test_modules_do_not_import_each_other_in_circles():
    names = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
        for path in modules()
    }
    graph = {}
    for name, path in names.items():
        found = [one.name for one in imports(modules()[path], path) if one.at_start]
        # `from a import b` names a module b, or something inside a module a.
        targets = {one if one in names else one.rpartition(".")[0] for one in found}
        graph[name] = (targets & names.keys()) - {name}
    # A package's __init__ gathers what its modules offer; modules name each other, not the package.
    assert circle(graph) == []


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Give the modules of one circle, in order, or nothing."""
    done: set[str] = set()

    def follow(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph[name]):
            if found := follow(target, [*trail, name]):
                return found
        done.add(name)
        return []

    return next((found for name in graph if (found := follow(name, []))), [])


def test_a_circle_would_be_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_everything_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {
        requirement.split(";")[0].split(">")[0].split("!")[0].strip().lower()
        for requirement in [
            *project["dependencies"],
            *project["optional-dependencies"]["zarr"],
        ]
    }
    unknown = {
        f"{path}:{found.line}: {found.name}"
        for path, tree in modules().items()
        for found in imports(tree, path)
        for top in [found.name.partition(".")[0]]
        if top not in sys.stdlib_module_names
        and top not in ("app", "viewer", "loading")
        and DISTRIBUTIONS.get(top, top).lower() not in declared
    }
    assert unknown == set()
