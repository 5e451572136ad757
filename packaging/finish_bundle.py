"""Finish what PyInstaller made: prune, strip, gather licences, and check what it asks of a system.

    python packaging/finish_bundle.py dist/voxtide dist/contents.json

Run by the interpreter that the program was built with, so that the metadata are those of what is
inside. Ends with status 1 and a sentence where something is not as it should be.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import bundle

from app.licences import licence_of

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_TEXTS = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT)", re.IGNORECASE)
COMMON = Path("/usr/share/common-licenses")
# Wheels that name their licence without carrying its text.
TEXTS_ELSEWHERE = {
    "pyside6_essentials": ("LGPL-3", "GPL-3"),
    "shiboken6": ("LGPL-3", "GPL-3"),
}
SOURCES = {
    "pyside6_essentials": "https://download.qt.io/official_releases/QtForPython/pyside6/",
    "shiboken6": "https://download.qt.io/official_releases/QtForPython/shiboken6/",
}
"""Where the source of what is under the LGPL can be had, in exactly the version inside."""


def libraries(folder: Path) -> Iterator[Path]:
    """Give the shared libraries of the bundle, links left out."""
    for path in sorted(folder.rglob("*")):
        if ".so" in path.name and path.is_file() and not path.is_symlink():
            yield path


def needed(path: Path) -> list[str]:
    """Give the libraries that one asks for."""
    done = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True)
    return _NEEDED.findall(done.stdout)


def prune(folder: Path) -> list[str]:
    """Take out libraries of the build machine that nothing asks for any more; give their names."""
    gone: list[str] = []
    inside = folder / "_internal"
    while True:
        asked = {name for path in libraries(folder) for name in needed(path)}
        idle = [
            path
            for path in inside.glob("lib*.so.*")
            if path.name not in asked and not path.name.startswith("libpython")
        ]
        if not idle:
            return gone
        for path in idle:
            path.unlink()
            gone.append(path.name)


def strip(folder: Path) -> None:
    """Take symbols out of VTK's libraries and Python's; numpy's do not survive it."""
    paths = [
        path
        for path in libraries(folder)
        if "vtkmodules" in path.parts or path.name.startswith("libpython")
    ]
    subprocess.run(["strip", "--strip-unneeded", *paths], check=True)


def unresolved(folder: Path) -> set[str]:
    """Give the libraries that the bundle asks of the system."""
    have = {path.name for path in folder.rglob("*.so*")}
    return {name for path in libraries(folder) for name in needed(path)} - have


def gather(folder: Path, names: list[str], files: list[list[str]]) -> list[dict[str, str]]:
    """Copy the licence of every part into the bundle; give the table of parts."""
    target = folder / "licenses"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    by_name = {one.name.lower().replace("-", "_"): one for one in distributions()}
    owner = {
        str(Path(str(one.locate_file(file))).resolve()): key
        for key, one in by_name.items()
        for file in one.files or []
    }
    wanted = {name.lower().replace("-", "_") for name in names}
    packages: dict[str, str] = {}
    for name, source in files:
        path = str(Path(source).resolve())
        if path in owner:
            wanted.add(owner[path])
        elif path.startswith(("/usr/lib/", "/lib/")) and (folder / "_internal" / name).exists():
            packages[_package_of(source)] = name
    wanted -= {"pyinstaller", "pyinstaller_hooks_contrib", "voxtide"}
    table = [_copy_distribution(by_name[name], target) for name in sorted(wanted)]
    table += [_copy_package(name, target) for name in sorted(packages)]
    table.append(_copy_python(target))
    (target / "index.json").write_text(json.dumps(table, indent=1), "utf-8")
    return table


def _copy_distribution(one: Distribution, target: Path) -> dict[str, str]:
    key = one.name.lower().replace("-", "_")
    place = target / one.name
    place.mkdir()
    for file in one.files or []:
        source = Path(str(one.locate_file(file)))
        if ".dist-info" in str(file) and _TEXTS.search(source.name) and source.is_file():
            name = str(file).partition(".dist-info/")[2].removeprefix("licenses/")
            shutil.copyfile(source, place / name.replace("/", "-"))
    for name in TEXTS_ELSEWHERE.get(key, ()):
        shutil.copyfile(COMMON / name, place / f"{name}.txt")
    if not any(place.iterdir()):
        raise SystemExit(f"{one.name} {one.version} brings no licence text")
    entry = {"name": one.name, "version": one.version, "licence": licence_of(one)}
    if key in SOURCES:
        entry["source"] = f"{SOURCES[key]}PySide6-{one.version}-src/"
    return entry


def _package_of(source: str) -> str:
    """Name the Debian package of a library."""
    for path in (source, str(Path(source).resolve()), source.removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.partition(":")[0].split(",")[0]
    raise SystemExit(f"no package owns {source}: whose licence does it have?")


def _copy_package(name: str, target: Path) -> dict[str, str]:
    shutil.copyfile(f"/usr/share/doc/{name}/copyright", target / f"{name}.copyright")
    query = ["dpkg-query", "-W", "-f", "${source:Version}", name]
    version = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    licence = bundle.SYSTEM_LICENCES.get(name)
    if licence is None:
        raise SystemExit(f"packaging/bundle.py does not know the licence of {name}")
    return {"name": f"{name} (Debian)", "version": version, "licence": licence}


def _copy_python(target: Path) -> dict[str, str]:
    version = ".".join(map(str, sys.version_info[:3]))
    short = ".".join(map(str, sys.version_info[:2]))
    base = Path(sys.base_prefix)
    for path in (
        base / "lib" / f"python{short}" / "LICENSE.txt",
        Path(f"/usr/share/doc/python{short}/copyright"),
    ):
        if path.is_file():
            shutil.copyfile(path, target / "Python.txt")
            return {"name": "Python", "version": version, "licence": "PSF-2.0"}
    raise SystemExit("Python's own licence is not where it should be")


def main() -> int:
    """Do all of it, and say what came out."""
    folder, contents = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8"))
    gone = prune(folder)
    strip(folder)
    table = gather(folder, contents["distributions"], contents["files"])
    print(f"pruned {len(gone)} libraries: {' '.join(sorted(gone))}")
    print(f"licences of {len(table)} parts")
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    print(f"{size / 1e6:.0f} MB unpacked")
    asked = unresolved(folder)
    if asked - bundle.SYSTEM_SONAMES:
        print(f"asks the system for more than agreed: {sorted(asked - bundle.SYSTEM_SONAMES)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
