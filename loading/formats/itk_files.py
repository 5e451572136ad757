"""What nothing else here reads: MINC, GIPL, MRC, BioRad and legacy VTK, by SimpleITK.

SimpleITK is an extra (`voxtide[itk]`). Its readers are native code made for files of friends, so
they run in a child process with bounded memory, which gives the header as JSON or the voxels as
bytes; a crash or a hang there fails this file and nothing else.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from loading import memory
from loading.codecs.child import bound_memory
from loading.errors import BadResponse, CorruptFrame, LoadError, TooLarge
from loading.formats import detached
from loading.formats.blocks import GZIP_RATIO, StreamBlocks, check_present
from loading.formats.parts import Facts, Parts, guarded, is_usable, scaled, spacing_assumed, spec_of
from loading.formats.planes import Layout
from loading.formats.shelf import PlaceFile, place_of
from loading.notices import notice
from loading.sources.base import CancelToken
from loading.sources.places import LocalFile, Place, ends_early
from loading.spec import FloatArray, ValueMap

HEADER_S = 20.0
IDLE_S = 60.0
_ROOM_BYTES = 4 << 30
_PART_BYTES = 1 << 20
_HEAD_BYTES = 4096
_ENDINGS = (".mnc", ".gipl", ".mrc", ".vtk", ".pic")
_OTHER_UNITS = (".mrc", ".pic")
"""Their sizes are Angstrom, or of an unknown unit and one axis: ITK gives the number alone."""
_HDF, _NETCDF = b"\x89HDF\r\n", b"CDF"
_CHILD = "from loading.formats.itk_files import main; main()"


def recognise(name: str, head: bytes) -> bool:
    """Tell whether a file is one of these, by its name and, where there are any, first bytes."""
    lower = name.lower()
    if lower.endswith(".mnc"):
        return head.startswith((_HDF, _NETCDF))
    if lower.endswith(".vtk"):
        return head.startswith(b"# vtk DataFile") and b"STRUCTURED_POINTS" in head
    if lower.endswith(".mrc"):
        return head[208:211] == b"MAP"
    return lower.endswith(_ENDINGS)


def describe(paths: Sequence[str], parts: Parts, cancel: CancelToken) -> None:
    """List the volumes of some files; those that are not usable, with the reason."""
    for path in paths:
        cancel.check()
        guarded(parts, path, partial(_describe_one, path, parts), "ITK")


def _describe_one(path: str, parts: Parts) -> None:
    if importlib.util.find_spec("SimpleITK") is None or getattr(sys, "frozen", False):
        raise LoadError(
            'This format needs SimpleITK, which is not installed (pip install "voxtide[itk]")',
            where=path,
        )
    place = place_of(path)
    with _on_disk(place) as file:
        told = _header(file, path)
    facts, layout = _facts(told, path)
    _, rows, columns = facts.shape_kji
    block = rows * columns * layout.samples * layout.stored.itemsize
    count = facts.shape_kji[0] * facts.time_points
    check_present(path, _least_bytes(place, block * count), place.size)
    spec = spec_of(facts, [place])
    voxels = _Voxels(place, _ROOM_BYTES + 4 * block * count)
    blocks = partial(StreamBlocks, voxels, 0, block, count, path)
    parts.add(spec, partial(detached.source, layout, ValueMap(), blocks), "picture")


@contextmanager
def _on_disk(place: Place) -> Iterator[str]:
    """Give the path of a file; a member of an archive stands in a private folder meanwhile."""
    if isinstance(place, LocalFile):
        yield place.name
        return
    with tempfile.TemporaryDirectory(prefix="voxtide-") as folder:
        room = shutil.disk_usage(folder).free
        if place.size > room // 2:
            raise TooLarge(
                f"Unpacking it needs {memory.human_bytes(place.size)}, "
                f"{memory.human_bytes(room)} are free for temporary files",
                where=place.name,
                cure="Unpack the archive",
            )
        file = Path(folder, f"member{os.path.splitext(place.name)[1]}")  # noqa: PTH122
        with file.open("wb") as copy:
            shutil.copyfileobj(PlaceFile(place), copy, _PART_BYTES)
        yield str(file)


def _least_bytes(place: Place, needed: int) -> int:
    """Give the fewest bytes that a file with such voxels has: ITK makes up what is missing."""
    lower, head = place.name.lower(), place.read_at(0, _HEAD_BYTES)
    if lower.endswith(".mnc"):
        return needed // GZIP_RATIO  # packed by HDF5, which knows its lengths
    if lower.endswith(".gipl"):
        return 256 + needed
    if lower.endswith(".pic"):
        return 76 + needed
    if lower.endswith(".mrc"):
        ends: tuple[Literal["little", "big"], ...] = ("little", "big")
        return 1024 + min(int.from_bytes(head[92:96], order) for order in ends) + needed
    if not re.search(rb"^BINARY", head, re.MULTILINE | re.IGNORECASE):
        raise CorruptFrame("Voxels written as text are not read", where=place.name)
    table = re.search(rb"^LOOKUP_TABLE[^\n]*\n", head, re.MULTILINE | re.IGNORECASE)
    if table is None:
        raise CorruptFrame("It holds no scalars that are read", where=place.name)
    return table.end() + needed


def _facts(told: dict[str, Any], path: str) -> tuple[Facts, Layout]:
    sizes = [int(n) for n in told["size"]]
    if not 2 <= len(sizes) <= 4 or min(sizes) < 1:
        raise CorruptFrame(f"The size {sizes[:8]} is not usable", where=path)
    columns, rows, planes, points = (*sizes, 1, 1)[:4]
    stored = np.dtype(str(told["dtype"]))
    samples = int(told["components"])
    is_colour = samples in (3, 4) and stored == np.uint8
    if samples != 1 and not is_colour:
        raise CorruptFrame(f"Pixels of {samples} samples are not read", where=path)
    affine, notices = _affine(told)
    notices.append(notice("no_orientation", why="ITK does not tell which way its axes run"))
    if path.lower().endswith(_OTHER_UNITS):
        notices.append(spacing_assumed(np.linalg.norm(affine[:3, :3], axis=0).tolist()))
    facts = Facts(
        (planes, rows, columns),
        affine,
        stored,
        time_points=points,
        colour=is_colour,
        notices=notices,
        header={"format": f"{told['reader']} (ITK)"},
    )
    return facts, Layout(stored, t_step=planes, samples=samples)


def _affine(told: dict[str, Any]) -> tuple[FloatArray, list[Any]]:
    """Put directions, voxel size and origin of ITK together, which are those of LPS."""
    inner = min(3, len(told["size"]))
    sizes = [abs(float(s)) for s in told["spacing"][:inner]]
    affine, notices = scaled([*sizes, *[None] * (3 - inner)])
    axes = len(told["size"])
    directions = np.eye(3)
    directions[:inner, :inner] = np.reshape(told["direction"], (axes, axes))[:inner, :inner]
    turned = affine.copy()
    turned[:3, :3] = directions @ affine[:3, :3]
    origin = [float(n) for n in told["origin"][:inner]]
    if is_usable(turned) and all(map(math.isfinite, origin)):
        affine = turned
        affine[:inner, 3] = origin
    return affine, notices


def _start(task: dict[str, Any]) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(task).encode())
    child.stdin.close()
    return child


def _header(file: str, path: str) -> dict[str, Any]:
    """Let a child read the header of a file, which is called `path` in messages."""
    child = _start({"path": file, "memory": _ROOM_BYTES})
    with child:
        watch = threading.Timer(HEADER_S, child.kill)
        watch.start()
        assert child.stdout is not None
        text = child.stdout.read(1 << 20)
        watch.cancel()
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadResponse("ITK cannot read this file", where=path) from error
    return dict(found)


class _Voxels:
    """The voxels of a file as ITK gives them, i fastest; each call starts a child anew.

    A child that failed is not started again: it would fail again for each slice.
    """

    def __init__(self, place: Place, memory_bytes: int) -> None:
        self._place = place
        self._task = {"memory": memory_bytes, "voxels": True}
        self._has_failed = False

    def __call__(self) -> Iterator[bytes]:
        """Give the bytes in parts; the child ends when nobody wants more."""
        path = self._place.name
        self._place.read_at(0, 1)  # refuses a file that has changed since it was described
        if self._has_failed:
            raise ends_early(path)
        with _on_disk(self._place) as file:
            yield from self._given_by(_start({"path": file, **self._task}))
        if self._has_failed:
            raise ends_early(path)

    def _given_by(self, child: subprocess.Popen[bytes]) -> Iterator[bytes]:
        assert child.stdout is not None
        with child:
            try:
                while True:
                    watch = threading.Timer(IDLE_S, child.kill)
                    watch.start()
                    part = child.stdout.read(_PART_BYTES)
                    watch.cancel()
                    if not part:
                        break
                    yield part
                self._has_failed = child.wait(IDLE_S) != 0
            finally:
                child.kill()


def main() -> None:
    """Be the child: read a task, then write the header or the voxels."""
    task = json.loads(sys.stdin.buffer.read())
    bound_memory(int(task["memory"]))
    _answer(importlib.import_module("SimpleITK"), task)


def _answer(sitk: Any, task: dict[str, Any]) -> None:
    """Write what the task asks for to the standard output."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(task["path"])
    if task.get("voxels"):
        image = reader.Execute()  # a view of its voxels does not keep it
        array = sitk.GetArrayViewFromImage(image)
        whole = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        for at in range(0, len(whole), _PART_BYTES):
            sys.stdout.buffer.write(whole[at : at + _PART_BYTES])
        return
    reader.ReadImageInformation()
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    width = re.search(r"(\d+)-bit", kind)
    letter = "c" if "complex" in kind else "f" if "float" in kind else "u" if "uns" in kind else "i"
    factory = sitk.ImageFileReader.GetImageIOFromFileName(task["path"])
    json.dump(
        {
            "size": reader.GetSize(),
            "spacing": reader.GetSpacing(),
            "origin": reader.GetOrigin(),
            "direction": reader.GetDirection(),
            "components": reader.GetNumberOfComponents(),
            "dtype": f"{letter}{int(width.group(1)) // 8}" if width and letter != "c" else "c8",
            "reader": factory.removesuffix("ImageIO"),
        },
        sys.stdout,
    )
