"""MetaImage (.mha, .mhd): a plain text header, read here, and raw or zlib-packed voxels.

World coordinates are LPS millimetres, as in ITK; row n of the transform matrix is the direction
of axis n.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from loading.errors import BadResponse, CorruptFrame
from loading.formats import detached
from loading.formats.parts import (
    Facts,
    Parts,
    check_shape,
    guarded,
    is_usable,
    scaled,
    spec_of,
)
from loading.formats.planes import Layout
from loading.formats.shelf import is_file, place_of
from loading.notices import Notice, notice
from loading.sources.base import CancelToken
from loading.sources.places import Place
from loading.spec import FloatArray, ValueMap

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_MODALITIES = {"MET_MOD_CT": "CT", "MET_MOD_MR": "MR", "MET_MOD_US": "US", "MET_MOD_NM": "NM"}
_MAX_LINES = 4096


def recognise(name: str, head: bytes) -> bool:
    """Tell whether a file begins like a MetaImage header."""
    return any(key in head for key in (b"NDims", b"ObjectType", b"DimSize")) and b"=" in head[:64]


def describe(paths: Sequence[str], parts: Parts, cancel: CancelToken) -> None:
    """List the volumes of some headers; those that are not usable, with the reason."""
    for path in paths:
        cancel.check()
        guarded(parts, path, partial(_describe_one, path, parts), "MetaImage")


def _describe_one(path: str, parts: Parts) -> None:
    header_file = place_of(path)
    fields, names, end = _fields(header_file)
    if fields.get("ObjectType", "Image") != "Image":
        raise BadResponse(f"This is a MetaIO {fields['ObjectType']}, not an image", where=path)
    facts, layout = _facts(fields, path)
    check_shape(facts, path)
    files = _data_files(path, fields, names, facts.shape_kji[0] * facts.time_points)
    for file in files:
        parts.companions[file.name] = path
    is_local = not files
    start = end if is_local else 0
    packed = _is_true(fields.get("CompressedData", "False"))
    if _whole(fields.get("HeaderSizePerSlice", "0"), path):
        raise CorruptFrame("Slices with headers of their own are not read", where=path)
    claimed = _whole(fields.get("HeaderSize", "0"), path)
    if claimed == -1 and not packed:
        start = -1
    elif claimed > 0:
        start = claimed
    _, rows, columns = facts.shape_kji
    count = facts.shape_kji[0] * (1 if layout.samples_are_times else facts.time_points)
    block = rows * columns * layout.samples * layout.stored.itemsize
    holders = files or [header_file]
    blocks = detached.blocks_of(
        holders,
        detached.DEFLATED if packed else detached.RAW,
        [start] * len(holders),
        0,
        block,
        count,
        layout.stored,
    )
    spec = spec_of(facts, [header_file, *files])
    parts.add(spec, partial(detached.source, layout, ValueMap(), blocks), "picture")


def _fields(place: Place) -> tuple[dict[str, str], list[str], int]:
    """Read "key = value" lines up to the one that names the data; give what follows and where."""
    text = detached.header_lines(place)
    fields: dict[str, str] = {}
    at = 0
    for _ in range(_MAX_LINES):
        end = text.find(b"\n", at)
        line = text[at : end if end >= 0 else len(text)].decode("latin-1").strip()
        at = end + 1 if end >= 0 else len(text)
        key, equals, value = line.partition("=")
        if equals:
            fields[key.strip()] = value.strip()
        elif line:
            raise BadResponse("The MetaImage header is damaged", where=place.name)
        if key.strip() == "ElementDataFile":
            rest = text[at : at + (1 << 20)].decode("latin-1") if "LIST" in value else ""
            return fields, [name for name in rest.split("\n") if name.strip()], at
        if end < 0:
            break
    raise BadResponse("The MetaImage header does not name its data", where=place.name)


def _facts(fields: Mapping[str, str], path: str) -> tuple[Facts, Layout]:
    axes = _whole(fields.get("NDims", ""), path)
    if not 2 <= axes <= 4:
        raise CorruptFrame(f"{axes} axes are not read", where=path)
    sizes = [_whole(word, path) for word in fields.get("DimSize", "").split()]
    if len(sizes) != axes or min(sizes) < 1:
        raise CorruptFrame(f"The size {sizes} is not usable", where=path)
    stored = _type(fields, path)
    channels = _whole(fields.get("ElementNumberOfChannels", "1"), path)
    if not 1 <= channels <= 1024:
        raise CorruptFrame(f"{channels} channels are not usable", where=path)
    columns, rows, planes, points = (*sizes, 1, 1)[:4]
    is_colour = channels in (3, 4) and stored.kind == "u" and stored.itemsize <= 2
    told: list[Notice] = []
    if channels > 1 and not is_colour:
        if points > 1:
            raise CorruptFrame("Vectors that change with time are not read", where=path)
        points = channels
        told.append(notice("axes_joined", count=axes + 1))
    affine = _affine(fields, axes, told)
    if fields.get("ElementToIntensityFunctionSlope", "1").strip() not in ("1", "1.0"):
        told.append(notice("value_ignored", attribute="Its intensity slope", value="not applied"))
    facts = Facts(
        (planes, rows, columns),
        affine,
        stored,
        time_points=points,
        colour=is_colour,
        modality=_MODALITIES.get(fields.get("Modality", ""), "OT"),
        notices=told,
        header={"series_description": fields.get("Comment", ""), "format": "MetaImage"},
    )
    is_vector = channels > 1 and not is_colour
    step = 0 if is_vector else planes
    return facts, Layout(stored, t_step=step, samples=channels, samples_are_times=is_vector)


def _type(fields: Mapping[str, str], path: str) -> np.dtype[np.generic]:
    name = fields.get("ElementType", "").removesuffix("_ARRAY")
    if name not in _TYPES:
        raise CorruptFrame(f"Values of type {name[:40] or '?'} are not known", where=path)
    if not _is_true(fields.get("BinaryData", "True")):
        raise CorruptFrame("Voxels written as text are not read", where=path)
    order = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False"))
    return np.dtype(_TYPES[name]).newbyteorder(">" if _is_true(order) else "<")


def _affine(fields: Mapping[str, str], axes: int, told: list[Notice]) -> FloatArray:
    """Put directions, voxel size and origin together; a direction that is not usable is told."""
    sizes: list[float | None] = [None, None, None]
    given = _numbers(fields.get("ElementSpacing", fields.get("ElementSize", "")))
    if len(given) >= min(axes, 3):
        sizes = [*given[:3], *sizes][:3] if axes >= 3 else [given[0], given[1], given[0]]
    affine, guessed = scaled([abs(size) if size is not None else None for size in sizes])
    told += guessed
    words = [fields[key] for key in ("TransformMatrix", "Rotation", "Orientation") if key in fields]
    matrix = np.array(_numbers(words[0]) if words else [])
    if matrix.size == axes * axes:
        directions = np.eye(3)
        inner = min(axes, 3)
        directions[:inner, :inner] = matrix.reshape(axes, axes)[:inner, :inner].T
        turned = affine.copy()
        turned[:3, :3] = directions @ affine[:3, :3]
        if is_usable(turned):
            affine = turned
        else:
            told.append(notice("value_ignored", attribute="TransformMatrix", value=words[0][:40]))
            told.append(notice("no_orientation", why="its directions are not usable"))
    places = [fields[key] for key in ("Offset", "Position", "Origin") if key in fields]
    origin = _numbers(places[0]) if places else []
    if len(origin) >= min(axes, 3) and all(map(math.isfinite, origin)):
        affine[: min(axes, 3), 3] = origin[: min(axes, 3)]
    return affine


def _data_files(
    path: str, fields: Mapping[str, str], names: Sequence[str], planes: int
) -> list[Place]:
    """Give the files that the header names; none when the voxels follow the header."""
    words = fields["ElementDataFile"].split()
    if not words:
        raise BadResponse("The MetaImage header does not name its data", where=path)
    if words[0].upper() == "LOCAL":
        return []
    if words[0].upper() == "LIST":
        return [place_of(found) for found in detached.listed(path, names, planes)]
    whole = fields["ElementDataFile"]
    if "%" in whole and len(words) >= 3 and not is_file(whole):
        return [place_of(found) for found in detached.numbered(path, words, planes)]
    return [place_of(detached.beside(path, whole))]


def _whole(word: str, path: str) -> int:
    try:
        return int(word)
    except ValueError as error:
        raise CorruptFrame(f"{word[:40]!r} is no whole number", where=path) from error


def _numbers(words: str) -> list[float]:
    try:
        return [float(word) for word in words.split()]
    except ValueError:
        return []


def _is_true(word: str) -> bool:
    return word.strip().lower() in ("true", "1", "t", "yes")
