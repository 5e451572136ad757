"""OME-Zarr 0.4 and 0.5, as folders or in one ZIP: metadata read here, chunks by tensorstore.

A store holds one image in several resolutions. The finest one that fits into memory is opened;
when it is not the finest of all, that is told. Channels are volumes of their own, so are labels.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from loading import memory
from loading.errors import BadResponse, CorruptFrame, LoadError
from loading.formats.parts import (
    Facts,
    Parts,
    array_form,
    guarded,
    millimetres,
    spacing_assumed,
    spec_of,
    stem_of,
)
from loading.formats.planes import FormatSource, Plane, put
from loading.notices import Notice, notice
from loading.sources.base import CancelToken
from loading.sources.places import LocalFile
from loading.spec import FloatArray, ValueMap, VolumeSpec, Window

_MAX_METADATA = 1 << 24
_MAX_LEVELS = 32
_MAX_VOLUMES = 64
_MAX_IMAGES = 64
_MAX_CHUNK_BYTES = 1 << 31
_CACHE_BYTES = 256 << 20
_LPS = {"x": 0, "y": 1, "z": 2}


class _Store:
    """A folder or a ZIP archive with named objects; only names inside it are read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_packed = os.path.isfile(path)  # noqa: PTH113
        self.root = ""
        self._names: frozenset[str] = frozenset()
        if self.is_packed:
            try:
                with zipfile.ZipFile(path) as archive:
                    self._names = frozenset(archive.namelist())
            except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
                raise BadResponse("The ZIP archive is damaged", where=path) from error
            self.root = self._find_root()

    def _find_root(self) -> str:
        """Give the one folder of the archive that everything lies in, or ""."""
        if any(mark in self._names for mark in ("zarr.json", ".zattrs", ".zgroup")):
            return ""
        tops = {name.partition("/")[0] for name in self._names if "/" in name}
        return f"{tops.pop()}/" if len(tops) == 1 else ""

    def metadata(self, name: str) -> dict[str, Any] | None:
        """Read a small JSON object; None when there is none of that name."""
        try:
            if self.is_packed:
                if self.root + name not in self._names:
                    return None
                with zipfile.ZipFile(self.path) as archive, archive.open(self.root + name) as file:
                    text = file.read(_MAX_METADATA + 1)
            else:
                path = os.path.join(self.path, *name.split("/"))  # noqa: PTH118
                if not os.path.isfile(path):  # noqa: PTH113
                    return None
                with open(path, "rb") as plain:  # noqa: PTH123
                    text = plain.read(_MAX_METADATA + 1)
            found = json.loads(text[:_MAX_METADATA]) if len(text) <= _MAX_METADATA else None
        except (OSError, ValueError, RecursionError, zipfile.BadZipFile, RuntimeError) as error:
            raise BadResponse(f"The Zarr metadata {name} are damaged", where=self.path) from error
        if not isinstance(found, dict):
            raise BadResponse(f"The Zarr metadata {name} are damaged", where=self.path)
        return found

    def attributes(self, group: str) -> tuple[dict[str, Any], int]:
        """Give the attributes of a group and the version of its Zarr format."""
        third = self.metadata(_join(group, "zarr.json"))
        if third is not None:
            inner = third.get("attributes", {})
            return dict(inner.get("ome", inner)), 3
        return self.metadata(_join(group, ".zattrs")) or {}, 2

    def open_array(self, name: str, zarr: int) -> Any:
        """Open an array with tensorstore, which is an extra.

        Raises
        ------
        LoadError
            When it is not installed, with what to install; when there is no such array.
        """
        try:
            import tensorstore
        except ImportError as error:
            raise LoadError(
                'OME-Zarr needs tensorstore, which is not installed (pip install "voxtide[zarr]")',
                where=self.path,
            ) from error
        file: dict[str, Any] = {"driver": "file", "path": os.path.abspath(self.path)}  # noqa: PTH100
        if self.is_packed:
            kvstore = {"driver": "zip", "base": file, "path": f"{self.root}{name}/"}
        else:
            kvstore = {"driver": "file", "path": os.path.join(file["path"], *name.split("/"), "")}  # noqa: PTH118
        spec = {
            "driver": "zarr3" if zarr == 3 else "zarr",
            "kvstore": kvstore,
            "context": {"cache_pool": {"total_bytes_limit": _CACHE_BYTES}},
            "recheck_cached_data": "open",
        }
        try:
            return tensorstore.open(spec, read=True, open=True).result()
        except Exception as error:  # tensorstore raises what it meets
            reason = " ".join(str(error).split())[:160]
            raise BadResponse(
                f"The array {name} cannot be opened ({reason})", where=self.path
            ) from error


def describe(paths: Sequence[str], parts: Parts, cancel: CancelToken) -> None:
    """List the images of some stores; those that are not usable, with the reason."""
    for path in paths:
        cancel.check()
        guarded(parts, path, partial(_describe_store, path, parts, cancel), "Zarr")


def _describe_store(path: str, parts: Parts, cancel: CancelToken) -> None:
    store = _Store(path)
    groups = _images(store)
    if not groups:
        raise BadResponse("This Zarr holds no OME image", where=path)
    for group in groups:
        cancel.check()
        attributes, zarr = store.attributes(group)
        _describe_image(store, group, attributes, zarr, parts, label="")
        labels, _ = store.attributes(_join(group, "labels"))
        for name in _strings(labels.get("labels"))[:_MAX_IMAGES]:
            inner = _join(group, f"labels/{name}")
            more, inner_zarr = store.attributes(inner)
            shown = f"{path}/{inner}"
            guarded(
                parts,
                shown,
                partial(_describe_image, store, inner, more, inner_zarr, parts, label=name),
                "Zarr",
            )


def _images(store: _Store) -> list[str]:
    """Name the groups that are images: the store itself, or those of a collection in it."""
    attributes, _ = store.attributes("")
    if "multiscales" in attributes:
        return [""]
    series, _ = store.attributes("OME")
    names = _strings(series.get("series")) or [str(n) for n in range(_MAX_IMAGES)]
    found = []
    for name in names[:_MAX_IMAGES]:
        if "multiscales" not in store.attributes(name)[0]:
            if not series:
                break
            continue
        found.append(name)
    return found


class _Axes(NamedTuple):
    """Which axis of an array is what: its place among them, or None."""

    space: tuple[int, ...]
    time: int | None
    channel: int | None
    names: tuple[str, ...]
    units: tuple[str, ...]


def _axes_of(multiscale: Mapping[str, Any], path: str) -> _Axes:
    axes = multiscale.get("axes")
    if not isinstance(axes, list) or not 2 <= len(axes) <= 5:
        raise BadResponse("The OME-Zarr axes are not usable (versions 0.4 and 0.5 are read)")
    named = [axis if isinstance(axis, dict) else {"name": axis} for axis in axes]
    names = tuple(str(axis.get("name", "")).lower() for axis in named)
    kinds = [axis.get("type", _kind_of(name)) for axis, name in zip(named, names, strict=True)]
    space = tuple(n for n, kind in enumerate(kinds) if kind == "space")
    if not 2 <= len(space) <= 3:
        raise BadResponse(f"{len(space)} axes of space are not read", where=path)
    others = [n for n in range(len(kinds)) if n not in space]
    time = next((n for n in others if kinds[n] == "time"), None)
    channel = next((n for n in others if n != time), None)
    if len(others) > 2 or (len(others) == 2 and time is None):
        raise BadResponse("The OME-Zarr axes are not usable", where=path)
    units = tuple(str(axis.get("unit") or "") for axis in named)
    return _Axes(space, time, channel, names, units)


def _kind_of(name: str) -> str:
    return {"t": "time", "c": "channel"}.get(name, "space")


def _describe_image(
    store: _Store, group: str, attributes: Mapping[str, Any], zarr: int, parts: Parts, label: str
) -> None:
    scales = attributes.get("multiscales")
    if not isinstance(scales, list) or not scales or not isinstance(scales[0], dict):
        raise BadResponse("The OME-Zarr metadata are not usable", where=store.path)
    multiscale: dict[str, Any] = scales[0]
    axes = _axes_of(multiscale, store.path)
    told: list[Notice] = []
    dataset, array, shape = _choose(store, group, multiscale, zarr, axes, told)
    _check_chunks(array, store.path)
    affine = _affine(multiscale, dataset, axes, told)
    shape_kji = tuple(shape[n] for n in axes.space)
    shape_kji = shape_kji if len(shape_kji) == 3 else (1, *shape_kji)
    channels = shape[axes.channel] if axes.channel is not None else 1
    if channels > _MAX_VOLUMES:
        raise CorruptFrame(f"{channels} channels are not read", where=store.path)
    in_order = _depth(array, axes) > 1
    name = " ".join(text for text in (stem_of(store.path), group if not label else "") if text)
    for number in range(channels):
        channel, windows = _channel(attributes, number, channels)
        facts = Facts(
            (int(shape_kji[0]), int(shape_kji[1]), int(shape_kji[2])),
            affine,
            np.dtype(array.dtype.numpy_dtype),
            time_points=shape[axes.time] if axes.time is not None else 1,
            label=f"{name} {label} (labels)" if label else f"{name} {channel}".strip(),
            modality="SEG" if label else "OT",
            windows=() if label else windows,
            notices=list(told),
            header={"format": "OME-Zarr", "series_description": str(multiscale.get("name", ""))},
        )
        place = LocalFile(store.path, 0, _stamp(store.path))
        spec = spec_of(facts, [place], part=f"{group} {dataset.get('path')} {number}")
        opener = partial(_source, array, axes, number, facts.stored, in_order)
        parts.add(spec, opener, "OME-Zarr picture")


def _choose(
    store: _Store,
    group: str,
    multiscale: Mapping[str, Any],
    zarr: int,
    axes: _Axes,
    told: list[Notice],
) -> tuple[dict[str, Any], Any, tuple[int, ...]]:
    """Give the finest level that fits into memory, its array and shape."""
    datasets = multiscale.get("datasets")
    if not isinstance(datasets, list) or not datasets:
        raise BadResponse("The OME-Zarr image has no levels", where=store.path)
    room = memory.free_bytes() - memory.RESERVE_BYTES
    full: tuple[tuple[int, ...], int] | None = None
    chosen: tuple[dict[str, Any], Any, tuple[int, ...]] | None = None
    for dataset in datasets[:_MAX_LEVELS]:
        name = str(dataset.get("path", "")) if isinstance(dataset, dict) else ""
        array = store.open_array(_join(group, _inside(name, store.path)), zarr)
        shape = tuple(int(n) for n in array.shape)
        if len(shape) != len(axes.names) or min(shape) < 1:
            raise BadResponse(f"The level {name} has other axes than the image", where=store.path)
        dtype, _ = array_form(np.dtype(array.dtype.numpy_dtype), ValueMap())
        needed = math.prod(shape) * dtype.itemsize
        needed //= shape[axes.channel] if axes.channel is not None else 1
        if full is None:
            full = (shape, needed)
        chosen = (dataset, array, shape)
        if needed <= room:
            break
    if chosen is None or full is None:
        raise BadResponse("The OME-Zarr image has no levels", where=store.path)
    if chosen[2] != full[0]:
        told.append(
            notice(
                "coarser_level",
                shape=_text(chosen[2], axes),
                full=_text(full[0], axes),
                needed=memory.human_bytes(full[1]),
            )
        )
    return chosen


def _text(shape: Sequence[int], axes: _Axes) -> str:
    return " x ".join(str(shape[n]) for n in reversed(axes.space))


def _check_chunks(array: Any, path: str) -> None:
    """Refuse chunks that cannot be decoded within reason."""
    chunk = array.chunk_layout.read_chunk.shape
    if not chunk:
        return
    size = math.prod(int(n) for n in chunk) * int(np.dtype(array.dtype.numpy_dtype).itemsize)
    if size > min(_MAX_CHUNK_BYTES, memory.free_bytes() // 4):
        raise CorruptFrame(f"Its chunks of {memory.human_bytes(size)} are too large", where=path)


def _depth(array: Any, axes: _Axes) -> int:
    chunk = array.chunk_layout.read_chunk.shape
    return int(chunk[axes.space[0]]) if chunk and len(axes.space) == 3 else 1


def _affine(
    multiscale: Mapping[str, Any], dataset: Mapping[str, Any], axes: _Axes, told: list[Notice]
) -> FloatArray:
    """Make the affine of a level: x, y and z of the file are taken as L, P and S."""
    count = len(axes.names)
    scale, shift = np.ones(count), np.zeros(count)
    found = False
    for holder in (dataset, multiscale):
        for step in holder.get("coordinateTransformations") or ():
            kind = step.get("type") if isinstance(step, dict) else None
            values = np.array(step.get(kind, ()), np.float64) if kind else np.empty(0)
            if kind == "identity":
                continue
            if kind not in ("scale", "translation") or values.shape != (count,):
                raise BadResponse("The OME-Zarr transformation is not usable")
            if not np.isfinite(values).all():
                raise BadResponse("The OME-Zarr transformation is not usable")
            if kind == "scale":
                found = True
                scale, shift = scale * values, shift * values
            else:
                shift = shift + values
    units = [millimetres(axes.units[n]) for n in axes.space]
    usable = found and all(scale[n] > 0 for n in axes.space)
    if not usable:
        scale, shift = np.ones(count), np.zeros(count)
    sizes = [scale[n] * (unit or 1.0) for n, unit in zip(axes.space, units, strict=True)]
    if not usable or None in units:
        told.append(spacing_assumed([float(s) for s in reversed(sizes)]))
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    worlds = _worlds([axes.names[n] for n in axes.space])
    columns = range(len(axes.space) - 1, -1, -1)
    for column, axis, world, size, unit in zip(
        columns, axes.space, worlds, sizes, units, strict=True
    ):
        affine[world, column] = size
        affine[world, 3] = shift[axis] * (unit or 1.0)
    if len(axes.space) == 2:
        affine[3 - sum(worlds), 2] = max(sizes)
    return affine


def _worlds(names: Sequence[str]) -> list[int]:
    """Give the direction of each axis of space: by its name, or z, y, x in this order."""
    worlds = [_LPS.get(name, -1) for name in names]
    if -1 in worlds or len(set(worlds)) < len(worlds):
        return [2, 1, 0][-len(names) :]
    return worlds


def _channel(
    attributes: Mapping[str, Any], number: int, count: int
) -> tuple[str, tuple[Window, ...]]:
    """Give the name and the window of a channel, where `omero` tells them."""
    fallback = f"channel {number + 1}" if count > 1 else ""
    try:
        told = attributes["omero"]["channels"][number]
        label = str(told.get("label") or "") if count > 1 else ""
        window = told.get("window") or {}
        low, high = float(window["start"]), float(window["end"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return fallback, ()
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return label or fallback, ()
    return label or fallback, (Window((low + high) / 2, high - low, "OME"),)


def _source(
    array: Any,
    axes: _Axes,
    channel: int,
    stored: np.dtype[np.generic],
    in_order: bool,
    spec: VolumeSpec,
) -> FormatSource:
    return FormatSource(spec, lambda: ZarrReader(array, axes, channel), in_order=in_order)


class ZarrReader:
    """Read planes of one channel; tensorstore keeps the chunks that the next planes need."""

    def __init__(self, array: Any, axes: _Axes, channel: int) -> None:
        self._array: Any = array
        self._axes = axes
        self._channel = channel
        self.in_order = True

    def fill(self, t: int, k: int, out: Plane, cancel: CancelToken) -> int:
        """Fill a plane (see `PlaneReader.fill`)."""
        axes = self._axes
        where: list[Any] = [slice(None)] * len(axes.names)
        if axes.time is not None:
            where[axes.time] = t
        if axes.channel is not None:
            where[axes.channel] = self._channel
        if len(axes.space) == 3:
            where[axes.space[0]] = k
        found = np.asarray(self._array[tuple(where)].read().result())
        cancel.check()
        put(found, ValueMap(), out)
        return found.nbytes

    def close(self) -> None:
        """Let go of the array."""
        self._array = None


def _inside(name: str, path: str) -> str:
    """Give the name of a level, which must lie inside its group."""
    steps = name.split("/")
    if not name or name.startswith("/") or ".." in steps or "\\" in name or "\0" in name:
        raise CorruptFrame("A level lies outside its image, and is not opened", where=path)
    return name


def _strings(value: Any) -> list[str]:
    """Give the names of a list that are safe to follow."""
    if not isinstance(value, list):
        return []
    return [
        v for v in value if isinstance(v, str) and v and not v.startswith("/") and ".." not in v
    ]


def _join(group: str, name: str) -> str:
    return f"{group}/{name}" if group else name


def _stamp(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0
