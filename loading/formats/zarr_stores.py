"""OME-Zarr 0.4 and 0.5, as folders or in one ZIP: metadata read here, chunks by tensorstore.

A store holds one image in several resolutions. The finest one that fits into memory is opened, a
coarse one before it; when it is not the finest of all, that is told. Channels are volumes of their
own, so are labels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from loading import memory
from loading.errors import BadResponse, CorruptFrame
from loading.formats.parts import (
    Facts,
    Parts,
    array_form,
    guarded,
    spec_of,
    stem_of,
)
from loading.formats.planes import CoarseForm, FormatSource
from loading.formats.zarr_access import Store, join
from loading.formats.zarr_axes import Axes, affine_of, axes_of, channel_of
from loading.formats.zarr_levels import Opened, ZarrReader, coarse_form
from loading.notices import Notice, notice
from loading.sources.base import CancelToken
from loading.sources.places import LocalFile
from loading.spec import ValueMap, VolumeSpec

_MAX_LEVELS = 32
_MAX_VOLUMES = 64
_MAX_IMAGES = 64
_MAX_CHUNK_BYTES = 1 << 31


def describe(paths: Sequence[str], parts: Parts, cancel: CancelToken) -> None:
    """List the images of some stores; those that are not usable, with the reason."""
    for path in paths:
        cancel.check()
        guarded(parts, path, partial(_describe_store, path, parts, cancel), "Zarr")


def _describe_store(path: str, parts: Parts, cancel: CancelToken) -> None:
    store = Store(path)
    groups = _images(store)
    if not groups:
        raise BadResponse("This Zarr holds no OME image", where=path)
    for group in groups:
        cancel.check()
        attributes, zarr = store.attributes(group)
        _describe_image(store, group, attributes, zarr, parts, label="")
        labels, _ = store.attributes(join(group, "labels"))
        for name in _strings(labels.get("labels"))[:_MAX_IMAGES]:
            inner = join(group, f"labels/{name}")
            more, inner_zarr = store.attributes(inner)
            shown = f"{path}/{inner}"
            guarded(
                parts,
                shown,
                partial(_describe_image, store, inner, more, inner_zarr, parts, label=name),
                "Zarr",
            )


def _images(store: Store) -> list[str]:
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


def _describe_image(
    store: Store, group: str, attributes: Mapping[str, Any], zarr: int, parts: Parts, label: str
) -> None:
    scales = attributes.get("multiscales")
    if not isinstance(scales, list) or not scales or not isinstance(scales[0], dict):
        raise BadResponse("The OME-Zarr metadata are not usable", where=store.path)
    multiscale: dict[str, Any] = scales[0]
    axes = axes_of(multiscale, store.path)
    told: list[Notice] = []
    chosen, coarser = _choose(store, group, multiscale, zarr, axes, told)
    dataset, array, shape = chosen
    affine = affine_of(multiscale, dataset, axes, told)
    shape_kji = tuple(shape[n] for n in axes.space)
    shape_kji = shape_kji if len(shape_kji) == 3 else (1, *shape_kji)
    channels = shape[axes.channel] if axes.channel is not None else 1
    if channels > _MAX_VOLUMES:
        raise CorruptFrame(f"{channels} channels are not read", where=store.path)
    in_order = _depth(array, axes) > 1
    name = " ".join(text for text in (stem_of(store.path), group if not label else "") if text)
    for number in range(channels):
        channel, windows = channel_of(attributes, number, channels)
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
        coarse = partial(coarse_form, chosen, coarser, multiscale, axes, number)
        opener = partial(_source, array, axes, number, in_order, coarse)
        parts.add(spec, opener, "OME-Zarr picture")


def _choose(
    store: Store,
    group: str,
    multiscale: Mapping[str, Any],
    zarr: int,
    axes: Axes,
    told: list[Notice],
) -> tuple[Opened, list[Callable[[], Opened]]]:
    """Give the finest level that fits into memory, and what opens those that are coarser."""
    datasets = multiscale.get("datasets")
    if not isinstance(datasets, list) or not datasets:
        raise BadResponse("The OME-Zarr image has no levels", where=store.path)
    room = memory.free_bytes() - memory.RESERVE_BYTES
    levels = [partial(_open_level, store, group, d, zarr, axes) for d in datasets[:_MAX_LEVELS]]
    full = chosen = levels[0]()
    number, needed = 0, _needed(full, axes)
    while needed > room and number + 1 < len(levels):
        number += 1
        chosen = levels[number]()
        needed = _needed(chosen, axes)
    if number:
        told.append(
            notice(
                "coarser_level",
                shape=_text(chosen.shape, axes),
                full=_text(full.shape, axes),
                needed=memory.human_bytes(_needed(full, axes)),
            )
        )
    return chosen, list(levels[number + 1 :])


def _open_level(store: Store, group: str, dataset: Any, zarr: int, axes: Axes) -> Opened:
    name = str(dataset.get("path", "")) if isinstance(dataset, dict) else ""
    array = store.open_array(join(group, _inside(name, store.path)), zarr)
    shape = tuple(int(n) for n in array.shape)
    if len(shape) != len(axes.names) or min(shape) < 1:
        raise BadResponse(f"The level {name} has other axes than the image", where=store.path)
    _check_chunks(array, store.path)
    return Opened(dataset, array, shape)


def _needed(level: Opened, axes: Axes) -> int:
    """Count the bytes of one channel in memory."""
    dtype, _ = array_form(np.dtype(level.array.dtype.numpy_dtype), ValueMap())
    channels = level.shape[axes.channel] if axes.channel is not None else 1
    return math.prod(level.shape) * dtype.itemsize // channels


def _text(shape: Sequence[int], axes: Axes) -> str:
    return " x ".join(str(shape[n]) for n in reversed(axes.space))


def _check_chunks(array: Any, path: str) -> None:
    """Refuse chunks that cannot be decoded within reason."""
    chunk = array.chunk_layout.read_chunk.shape
    if not chunk:
        return
    size = math.prod(int(n) for n in chunk) * int(np.dtype(array.dtype.numpy_dtype).itemsize)
    if size > min(_MAX_CHUNK_BYTES, memory.free_bytes() // 4):
        raise CorruptFrame(f"Its chunks of {memory.human_bytes(size)} are too large", where=path)


def _depth(array: Any, axes: Axes) -> int:
    chunk = array.chunk_layout.read_chunk.shape
    return int(chunk[axes.space[0]]) if chunk and len(axes.space) == 3 else 1


def _source(
    array: Any,
    axes: Axes,
    channel: int,
    in_order: bool,
    coarse: Callable[[], CoarseForm | None],
    spec: VolumeSpec,
) -> FormatSource:
    reader = partial(ZarrReader, array, axes, channel)
    return FormatSource(spec, reader, in_order=in_order, coarse=coarse())


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


def _stamp(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0
