"""NRRD and NHDR: headers by pynrrd, voxels read in place or unpacked as they go by.

The first axis of a file is the fastest, so its bytes are the array [k,j,i] as they lie. One axis
beside those of space is read as colour where the header says so, else as time points.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from loading.errors import BadResponse, CorruptFrame
from loading.formats import detached
from loading.formats.parts import (
    Facts,
    Parts,
    check_shape,
    guarded,
    is_usable,
    millimetres,
    scaled,
    spec_of,
)
from loading.formats.planes import Layout
from loading.formats.shelf import place_of
from loading.notices import Notice, notice
from loading.sources.base import CancelToken
from loading.sources.places import Place
from loading.spec import FloatArray, ValueMap

_ENCODINGS = {
    "raw": detached.RAW,
    "gz": detached.DEFLATED,
    "gzip": detached.DEFLATED,
    "bz2": detached.BZIP2,
    "bzip2": detached.BZIP2,
    "txt": detached.TEXT,
    "text": detached.TEXT,
    "ascii": detached.TEXT,
}
_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_TYPE_OF = {name: code for code, names in _TYPES.items() for name in names}
# signs that turn a space's axes into LPS
_SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
_SPACE_KINDS = ("domain", "space")
_COLOURS = {"RGB-color": 3, "RGBA-color": 4, "3-color": 3, "4-color": 4}


def recognise(name: str, head: bytes) -> bool:
    """Tell whether a file begins with the magic of NRRD."""
    return head.startswith(b"NRRD000")


def describe(paths: Sequence[str], parts: Parts, cancel: CancelToken) -> None:
    """List the volumes of some headers; those that are not usable, with the reason."""
    for path in paths:
        cancel.check()
        guarded(parts, path, partial(_describe_one, path, parts), "NRRD")


def _describe_one(path: str, parts: Parts) -> None:
    header_file = place_of(path)
    header, names, end = _header(header_file)
    facts, layout = _facts(header, path)
    check_shape(facts, path)
    planes = facts.shape_kji[0] * facts.time_points
    files = _data_files(path, header, names, planes)
    for file in files:
        parts.companions[file.name] = path
    encoding = _ENCODINGS.get(str(header.get("encoding", "")).lower())
    if encoding is None:
        raise CorruptFrame(f"The encoding {header.get('encoding')} is not read", where=path)
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    holders = files or [header_file]
    starts = [detached.skip_lines(file, 0 if files else end, lines) for file in holders]
    if skip == -1 and encoding == detached.RAW:
        starts, skip = [-1] * len(holders), 0
    if not 0 <= skip < 1 << 62:
        raise CorruptFrame(f"{skip} bytes to skip are not usable", where=path)
    _, rows, columns = facts.shape_kji
    blocks = detached.blocks_of(
        holders,
        encoding,
        starts,
        skip,
        rows * columns * layout.samples * layout.stored.itemsize,
        facts.shape_kji[0] if layout.samples_are_times else planes,
        layout.stored,
    )
    spec = spec_of(facts, [header_file, *files])
    parts.add(spec, partial(detached.source, layout, ValueMap(), blocks), "picture")


def _header(place: Place) -> tuple[dict[str, Any], list[str], int]:
    """Let pynrrd read the lines up to the empty one; give names of a list, and where they end."""
    import nrrd

    text = detached.header_lines(place)
    ends = [at for at in (text.find(b"\n\n"), text.find(b"\r\n\r\n")) if at >= 0]
    stop = min(ends) if ends else len(text)
    end = stop + (4 if text[stop : stop + 2] == b"\r\n" else 2)
    lines = text[:stop].decode("latin-1").replace("\r", "").split("\n")
    names: list[str] = []
    for number, line in enumerate(lines):
        key, _, value = line.partition(":")
        if key.strip().lower() in ("data file", "datafile") and value.split()[:1] == ["LIST"]:
            names = [name for name in lines[number + 1 :] if name.strip()]
            lines = lines[: number + 1]
            break
    try:
        fields = nrrd.read_header([f"{line}\n" for line in lines if line.strip()])
    except Exception as error:  # pynrrd raises what it meets
        reason = " ".join(str(error).split())[:120]
        raise BadResponse(f"The NRRD header is damaged ({reason})", where=place.name) from error
    return dict(fields), names, min(end, place.size)


def _facts(header: dict[str, Any], path: str) -> tuple[Facts, Layout]:
    sizes = [int(n) for n in header.get("sizes", ())]
    if len(sizes) != int(header.get("dimension", -1)) or not sizes or min(sizes) < 1:
        raise CorruptFrame(f"The size {sizes[:8]} is not usable", where=path)
    stored = _type(header, path)
    space, other, before = _axes(header, sizes, path)
    kinds = [str(kind) for kind in header.get("kinds", ())]
    told: list[Notice] = []
    affine = _affine(header, space, told)
    shape = [sizes[axis] for axis in space]
    count = sizes[other] if other is not None else 1
    kind = kinds[other] if other is not None and other < len(kinds) else ""
    is_colour = before == 0 and _COLOURS.get(kind) == count
    points = 1 if is_colour else count
    if count > 1 and not is_colour and kind not in ("time", "list", ""):
        told.append(notice("axes_joined", count=len(sizes)))
    facts = Facts(
        (shape[2], shape[1], shape[0]) if len(shape) == 3 else (1, shape[1], shape[0]),
        affine,
        stored,
        time_points=points,
        colour=is_colour,
        modality=_modality(header),
        notices=told,
        header={"series_description": str(header.get("content", "")), "format": "NRRD"},
    )
    is_inner = before == 0 and not is_colour and count > 1
    is_between = before == 2 and len(space) == 3
    t_step = 0 if is_inner else 1 if is_between else facts.shape_kji[0]
    layout = Layout(
        stored,
        k_step=points if is_between else 1,
        t_step=t_step,
        samples=count if before == 0 else 1,
        samples_are_times=is_inner,
    )
    return facts, layout


def _axes(header: dict[str, Any], sizes: list[int], path: str) -> tuple[list[int], int | None, int]:
    """Tell the axes of space from the one beside them (axes of length one do not count).

    Returns
    -------
    space : list of int
    other : int or None
    before : int
        Axes of space that are faster than the other one; -1 when there is none.
    """
    kinds = [str(kind) for kind in header.get("kinds", ())]
    directions = header.get("space directions")
    if directions is not None and len(directions) == len(sizes):
        space = [
            n
            for n, row in enumerate(directions)
            if row is not None and not np.isnan(np.asarray(row, np.float64)).any()
        ]
    elif len(kinds) == len(sizes) and any(kind in _SPACE_KINDS for kind in kinds):
        space = [n for n, kind in enumerate(kinds) if kind in _SPACE_KINDS]
    else:
        space = list(range(min(3, len(sizes))))
    others = [n for n in range(len(sizes)) if n not in space and sizes[n] > 1]
    if len(space) == 2 and others == [2]:
        # frames of one plane are leafed through like slices
        space, others = [*space, 2], []
    if not 2 <= len(space) <= 3 or len(others) > 1:
        raise CorruptFrame(f"{len(sizes)} axes of these kinds are not read", where=path)
    if not others:
        return space, None, -1
    before = sum(1 for n in space if n < others[0])
    if before == 1:
        raise CorruptFrame("Rows whose colours lie apart are not read", where=path)
    return space, others[0], before


def _type(header: dict[str, Any], path: str) -> np.dtype[np.generic]:
    name = str(header.get("type", "")).strip().lower()
    if name not in _TYPE_OF:
        raise CorruptFrame(f"Values of type {name[:40] or '?'} are not known", where=path)
    plain = np.dtype(_TYPE_OF[name])
    if _ENCODINGS.get(str(header.get("encoding", "")).lower()) == detached.TEXT:
        return plain
    order = str(header.get("endian", "")).strip().lower()
    if plain.itemsize > 1 and order not in ("little", "big"):
        raise CorruptFrame("The header does not say the order of the bytes", where=path)
    return plain.newbyteorder(">" if order == "big" else "<")


def _affine(header: dict[str, Any], space: list[int], told: list[Notice]) -> FloatArray:
    """Give the affine in LPS millimetres; what is not said is assumed, and told."""
    name = str(header.get("space", "")).strip().lower().removesuffix("-time")
    signs = _SPACES.get(name)
    directions = header.get("space directions")
    if directions is not None:
        affine = np.eye(4)
        rows = [np.asarray(directions[n], np.float64)[:3] for n in space[:3]]
        for axis, row in enumerate(rows):
            affine[:3, axis] = np.pad(row, (0, 3 - len(row)))
        if len(rows) == 2:
            normal = np.cross(affine[:3, 0], affine[:3, 1])
            length = float(np.linalg.norm(normal))
            affine[:3, 2] = normal / length if length else (0, 0, 1)
        origin = np.asarray(header.get("space origin", (0.0, 0.0, 0.0)), np.float64)[:3]
        if np.isfinite(origin).all():
            affine[: len(origin), 3] = origin
        units = [millimetres(str(unit)) or 1.0 for unit in header.get("space units", ())][:3]
        affine[: len(units)] *= np.array(units).reshape(-1, 1) if units else 1.0
        affine[:3] *= np.array(signs or (1, 1, 1)).reshape(3, 1)
        if is_usable(affine):
            if signs is None:
                told.append(notice("no_orientation", why="its space is not one of the body"))
            return affine + 0.0
        told.append(notice("value_ignored", attribute="Its directions", value="no three"))
    sizes = [_spacing(header, n) for n in space]
    upright, guessed = scaled([*sizes, None][:3] if len(sizes) < 3 else sizes)
    told += guessed
    told.append(notice("no_orientation", why="it gives no directions"))
    return upright


def _spacing(header: dict[str, Any], axis: int) -> float | None:
    spacings = header.get("spacings")
    if spacings is None or axis >= len(spacings):
        return None
    units = header.get("units", ())
    scale = millimetres(str(units[axis])) if axis < len(units) else None
    return abs(float(spacings[axis])) * (scale or 1.0)


def _modality(header: dict[str, Any]) -> str:
    said = str(header.get("modality", "")).strip().upper()
    if said in ("CT", "MR", "PT"):
        return said
    return "MR" if said.startswith("DWMRI") else "OT"


def _data_files(
    path: str, header: dict[str, Any], names: Sequence[str], planes: int
) -> list[Place]:
    """Give the files that the header names; none when the voxels follow the header."""
    named = str(header.get("data file", header.get("datafile", ""))).strip()
    if not named:
        return []
    words = named.split()
    if words[0] == "LIST":
        return [place_of(found) for found in detached.listed(path, names, planes)]
    if "%" in words[0] and len(words) >= 3:
        return [place_of(found) for found in detached.numbered(path, words, planes)]
    return [place_of(detached.beside(path, named))]
