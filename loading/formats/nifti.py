"""NIfTI-1 and NIfTI-2, Analyze 7.5 and MGH/MGZ: headers by nibabel, voxels read in place.

The first axis of a file is i, so its bytes are the array [k,j,i] as they lie; only the affine is
turned from RAS to LPS. Of two forms in a NIfTI file the sform is taken, as nibabel does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np

from loading.errors import BadResponse, CorruptFrame
from loading.formats import detached
from loading.formats.blocks import inflate
from loading.formats.parts import (
    Facts,
    Parts,
    check_shape,
    guarded,
    is_usable,
    lps_from_ras,
    millimetres,
    scaled,
    spacing_assumed,
    spec_of,
)
from loading.formats.planes import Layout
from loading.formats.shelf import is_file, place_of
from loading.notices import Notice, notice
from loading.sources.base import CancelToken
from loading.sources.places import Place
from loading.spec import FloatArray, Shape3, ValueMap

HEAD_BYTES = 4096
_RGB, _RGBA = 128, 2304
_ANALYZE_BYTES, _NIFTI2_BYTES, _MGH_BYTES = 348, 540, 284
_SPACE_UNITS = {1: "m", 2: "mm", 3: "um"}


def recognise(name: str, head: bytes) -> bool:
    """Tell whether a file is one of these, by its first bytes (inflated) and its name."""
    lower = name.lower().removesuffix(".gz")
    if lower.endswith((".mgh", ".mgz")):
        return head[:4] == b"\0\0\0\1"
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return True
    if lower.endswith(".hdr"):
        return head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c")
    return lower.endswith(".nii")


def describe(paths: Sequence[str], parts: Parts, cancel: CancelToken) -> None:
    """List the volumes of some files; those that are not usable, with the reason."""
    for path in paths:
        cancel.check()
        guarded(parts, path, partial(_describe_one, path, parts), "NIfTI")


def _describe_one(path: str, parts: Parts) -> None:
    lower = path.lower().removesuffix(".gz")
    if lower.endswith((".mgh", ".mgz")):
        _describe_mgh(path, parts)
        return
    header_file = place_of(path)
    head = _first_bytes(header_file)
    if len(head) < _ANALYZE_BYTES:
        raise BadResponse("The header ends early", where=path)
    header, is_nifti = _parse(head)
    is_single = is_nifti and header["magic"].item()[:2] == b"n+"
    data = header_file if is_single else place_of(_data_path(path))
    files = [header_file] if is_single else [header_file, data]
    facts, layout, count = _facts(header, path, is_nifti=is_nifti)
    offset = _offset(header, header_file, is_single=is_single)
    spec = spec_of(facts, files)
    blocks = _blocks(data, offset, layout, facts, count)
    parts.add(spec, partial(detached.source, layout, facts.value_map, blocks), "picture")


def _first_bytes(place: Place) -> bytes:
    head = place.read_at(0, HEAD_BYTES)
    if head[:2] != b"\x1f\x8b":
        return head
    return next(inflate(place, 0), b"")[:HEAD_BYTES]


def _parse(head: bytes) -> tuple[Any, bool]:
    """Let nibabel read the header; Analyze where there is no magic."""
    from nibabel.nifti1 import Nifti1PairHeader
    from nibabel.nifti2 import Nifti2PairHeader
    from nibabel.spm2analyze import Spm2AnalyzeHeader

    if head[4:8] in (b"n+2\0", b"ni2\0"):
        return Nifti2PairHeader(head[:_NIFTI2_BYTES], check=False), True
    if head[344:348] in (b"n+1\0", b"ni1\0"):
        return Nifti1PairHeader(head[:_ANALYZE_BYTES], check=False), True
    if head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        return Spm2AnalyzeHeader(head[:_ANALYZE_BYTES], check=False), False
    raise BadResponse("This is not a NIfTI file")


def _data_path(path: str) -> str:
    """Name the file with the voxels of a pair: beside the header, of the same name."""
    stem = path[:-3] if path.lower().endswith(".gz") else path
    stem = stem[:-4]
    capital = path.isupper()
    for ending in (".img", ".img.gz", ".IMG") if not capital else (".IMG", ".img"):
        if is_file(stem + ending):
            return stem + ending
    raise CorruptFrame("The file with the voxels (.img) is not beside the header", where=path)


def _facts(header: Any, path: str, *, is_nifti: bool) -> tuple[Facts, Layout, int]:
    """Take shape, type, values and place from a header; also the number of blocks."""
    dims = [int(n) for n in header["dim"]]
    if not 1 <= dims[0] <= 7:
        raise CorruptFrame(f"The number of axes ({dims[0]}) is not usable", where=path)
    sizes = [n if at < dims[0] else 1 for at, n in enumerate(dims[1:])]
    if min(sizes) < 1:
        raise CorruptFrame(f"The size {sizes[: dims[0]]} is not usable", where=path)
    code = int(header["datatype"])
    colours = {_RGB: 3, _RGBA: 4}.get(code, 1)
    stored = np.dtype(np.uint8) if colours > 1 else _type_of(header, code, path)
    told: list[Notice] = []
    shape = (sizes[2], sizes[1], sizes[0])
    affine = _nifti_affine(header, shape, told) if is_nifti else _analyze_affine(header, told)
    points = math.prod(sizes[3:])
    if math.prod(sizes[4:]) > 1:
        told.append(notice("axes_joined", count=dims[0]))
    if shape[0] == 1 and points > 1:
        # frames of one plane are leafed through like slices
        shape, points = (points, shape[1], shape[2]), 1
    facts = Facts(
        shape,
        affine,
        stored,
        _value_map(header, told) if colours == 1 else ValueMap(),
        time_points=points,
        colour=colours > 1,
        notices=told,
        header=_texts(header, is_nifti=is_nifti),
    )
    check_shape(facts, path)
    layout = Layout(stored, t_step=shape[0], samples=colours)
    return facts, layout, shape[0] * points


def _type_of(header: Any, code: int, path: str) -> np.dtype[np.generic]:
    from nibabel.spatialimages import HeaderDataError

    try:
        stored: np.dtype[np.generic] = np.dtype(header.get_data_dtype())
    except (KeyError, HeaderDataError) as error:
        raise CorruptFrame(f"Values of type {code} are not known", where=path) from error
    return stored


def _value_map(header: Any, told: list[Notice]) -> ValueMap:
    """Give slope and intercept; a slope of 0 means none, one that is no number is told."""
    from nibabel.spatialimages import HeaderDataError

    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError:
        slope, intercept = None, None
        told.append(notice("value_ignored", attribute="scl_inter", value=header["scl_inter"]))
    raw = float(header["scl_slope"]) if "scl_slope" in header else 0.0
    if not math.isfinite(raw):
        told.append(notice("value_ignored", attribute="scl_slope", value=raw))
    return ValueMap(
        1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept)
    )


def _nifti_affine(header: Any, shape: Shape3, told: list[Notice]) -> FloatArray:
    """Choose sform, qform or the bare voxel size, the first that is usable; in LPS millimetres."""
    scale = _units(header)
    for code, name, get in (
        ("sform_code", "sform", header.get_sform),
        ("qform_code", "qform", header.get_qform),
    ):
        if int(header[code]) <= 0:
            continue
        affine = _try_form(get)
        if affine is not None:
            affine[:3] *= scale
            return lps_from_ras(affine)
        told.append(notice("value_ignored", attribute=f"The {name}", value="no three directions"))
    upright, guessed = scaled([abs(float(z)) * scale for z in header["pixdim"][1:4]])
    told += guessed
    told.append(notice("no_orientation", why="neither sform nor qform is given"))
    return lps_from_ras(upright)


def _try_form(get: Any) -> FloatArray | None:
    try:
        affine = np.array(get(), np.float64)
    except Exception:  # nibabel raises what it meets in damaged quaternions
        return None
    return affine if is_usable(affine) else None


def _units(header: Any) -> float:
    """Give the millimetres of the file's unit of length (1 where it is not said)."""
    unit = _SPACE_UNITS.get(int(header["xyzt_units"]) & 7, "mm")
    return millimetres(unit) or 1.0


def _analyze_affine(header: Any, told: list[Notice]) -> FloatArray:
    """Give voxel size and, of SPM, the origin: as nibabel does, the first axis runs to the left."""
    told.append(notice("no_orientation", why="Analyze has no place for it"))
    upright, guessed = scaled([abs(float(z)) for z in header["pixdim"][1:4]])
    if not guessed:
        header["pixdim"][1:4] = np.diag(upright)[:3]
        return lps_from_ras(np.array(header.get_best_affine(), np.float64))
    told += guessed
    affine = lps_from_ras(upright)
    affine[0, 0] = abs(affine[0, 0])
    return affine


def _texts(header: Any, *, is_nifti: bool) -> dict[str, str]:
    text = bytes(header["descrip"].item()).split(b"\0")[0].decode("latin-1").strip()
    return {"series_description": text, "format": "NIfTI" if is_nifti else "Analyze"}


def _offset(header: Any, place: Place, *, is_single: bool) -> int:
    at = float(header["vox_offset"])
    if not math.isfinite(at) or not 0 <= at < 1 << 62:
        raise CorruptFrame(f"The place of the voxels ({at}) is not usable", where=place.name)
    smallest = _NIFTI2_BYTES if int(header["sizeof_hdr"]) == _NIFTI2_BYTES else _ANALYZE_BYTES
    return max(int(at), smallest) if is_single else int(at)


def _blocks(
    data: Place, offset: int, layout: Layout, facts: Facts, count: int
) -> detached.MakeBlocks:
    """Hold the claim against what is there; give what makes the blocks when they are wanted."""
    _, rows, columns = facts.shape_kji
    block = rows * columns * layout.samples * layout.stored.itemsize
    is_gzip = data.read_at(0, 2) == b"\x1f\x8b"
    start, skip = (0, offset) if is_gzip else (offset, 0)
    encoding = detached.DEFLATED if is_gzip else detached.RAW
    return detached.blocks_of([data], encoding, [start], skip, block, count, layout.stored)


def _describe_mgh(path: str, parts: Parts) -> None:
    from nibabel.freesurfer.mghformat import MGHHeader

    place = place_of(path)
    head = _first_bytes(place)
    if len(head) < _MGH_BYTES:
        raise BadResponse("The header ends early", where=path)
    header = MGHHeader.from_fileobj(BytesIO(head), check=False)
    sizes = [int(n) for n in header["dims"]]
    if min(sizes) < 1:
        raise CorruptFrame(f"The size {sizes} is not usable", where=path)
    try:
        stored = np.dtype(header.get_data_dtype()).newbyteorder(">")
    except Exception as error:
        raise CorruptFrame(f"Values of type {header['type']} are not known", where=path) from error
    told: list[Notice] = []
    ras = np.array(header.get_affine(), np.float64)
    if int(header["goodRASFlag"]) != 1:
        told.append(notice("no_orientation", why="its flag for directions is not set"))
    if not is_usable(ras):
        ras = np.eye(4)
        told.append(spacing_assumed([1.0, 1.0, 1.0]))
    shape = (sizes[2], sizes[1], sizes[0])
    facts = Facts(
        shape,
        lps_from_ras(ras),
        stored,
        time_points=sizes[3],
        modality="MR",
        notices=told,
        header={"format": "MGH"},
    )
    layout = Layout(stored, t_step=shape[0])
    spec = spec_of(facts, [place])
    blocks = _blocks(place, _MGH_BYTES, layout, facts, shape[0] * sizes[3])
    parts.add(spec, partial(detached.source, layout, ValueMap(), blocks), "picture")
