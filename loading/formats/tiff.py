"""TIFF in its forms: single pages, multi-page, BigTIFF, ImageJ and OME, read by tifffile.

Planes that lie uncompressed in the file are read in place. Resolution tags of plain TIFF are not
believed (most say 72 dpi); those of ImageJ and OME are.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from loading.errors import CorruptFrame
from loading.formats import ome
from loading.formats.blocks import Piece, PlainBlocks, check_present
from loading.formats.parts import (
    Facts,
    Parts,
    is_usable,
    millimetres,
    scaled,
    spacing_assumed,
    spec_of,
)
from loading.formats.planes import BlockReader, FormatSource, Layout
from loading.formats.shelf import place_of
from loading.formats.sidecars import voxel_size
from loading.formats.tiff_pages import (
    UNKNOWN,
    PagedReader,
    PageForm,
    Spacing,
    check_page,
    count_pages,
    form_of,
    is_swapped,
    open_tiff,
)
from loading.formats.tiff_singles import SinglePage, StackReader, read_single
from loading.notices import Notice, notice
from loading.sources.places import Place
from loading.spec import ValueMap, VolumeSpec

_MAX_VOLUMES = 64


class _Opened(NamedTuple):
    """A file as tifffile sees it, what is told of all its volumes, and the files of its set."""

    place: Place
    tif: Any
    told: list[Notice]
    xml: Mapping[str, Any]
    files: Sequence[str] = ()

    @property
    def is_cut(self) -> bool:
        """Tell whether the chain of its pages breaks off."""
        return any(one.code == "pages_lost" for one in self.told)


def describe(place: Place, parts: Parts) -> SinglePage | None:
    """List the volumes of a file with several pages; give a single picture back."""
    count, is_whole = count_pages(place)
    told = [] if is_whole else [notice("pages_lost", count=count)]
    with open_tiff(place, pages_only=not is_whole) as tif:
        xml = ome.parsed(tif.ome_metadata) if tif.is_ome and is_whole else {}
        teller, text = ome.companion(xml, place)
        xml = ome.parsed(text) if text else xml
        files = ome.files_of(xml, place, text or str(tif.ome_metadata or ""))
        if files.lacking:
            told.append(notice("other_files", count=len(files.lacking), name=files.lacking[0]))
        if not files.is_safe or (len(files.here) < 2 and not text):
            return _describe_pages(_Opened(place, tif, told, xml), parts)
    here = files.here or [place.name]
    with open_tiff(place, whole_set=True, omexml=text) as tif:
        _describe_pages(_Opened(place, tif, told, xml, here), parts)
    others = {*here[1:], teller} - {""}
    parts.companions.update(dict.fromkeys(others, place.name))
    return None


def _describe_pages(opened: _Opened, parts: Parts) -> SinglePage | None:
    place, tif, told, _, files = opened
    series = [one for one in tif.series if len(one.pages)]
    if not series:
        raise CorruptFrame("The TIFF holds no picture", where=place.name)
    if not told and not files and len(series) == 1 and math.prod(_leading(series[0])[1]) == 1:
        form = form_of(series[0].keyframe, place.name)
        page = series[0].pages[0]
        check_page(page, form, place)
        spacing = _spacing(opened, series[0], 0)
        if form.meaning or not page.is_final or page.dtype != form.stored:
            return SinglePage(place, form, spacing)
        return SinglePage(place, form, spacing, int(page.dataoffsets[0]), is_swapped(page))
    for number, one in enumerate(series[:_MAX_VOLUMES]):
        name = f"series {number + 1}" if len(series) > 1 else ""
        _describe_series(opened, parts, one, number, name)
    return None


def _leading(series: Any) -> tuple[str, tuple[int, ...]]:
    """Give the axes before those of a page, and their lengths."""
    axes, shape = str(series.axes), tuple(int(n) for n in series.shape)
    keep = [n for n, axis in enumerate(axes) if axis not in "YXS"]
    return "".join(axes[n] for n in keep), tuple(shape[n] for n in keep)


class _Roles(NamedTuple):
    """Which leading axis is what: its place among them, or None."""

    slices: int | None
    times: int | None
    others: tuple[int, ...]


def _roles(axes: str, shape: tuple[int, ...]) -> _Roles:
    """Find slices and time points; what is left makes volumes of its own."""
    order = [n for n in range(len(axes)) if shape[n] > 1]
    slices = next((n for n in reversed(order) if axes[n] == "Z"), None)
    if slices is None:
        slices = next((n for n in reversed(order) if axes[n] not in "TC"), None)
    times = next((n for n in order if axes[n] == "T"), None)
    if slices is None:
        # frames of one plane are leafed through like slices
        slices, times = times, None
    others = tuple(n for n in order if n not in (slices, times))
    return _Roles(slices, times, others)


def _describe_series(opened: _Opened, parts: Parts, series: Any, number: int, name: str) -> None:
    place, files = opened.place, opened.files
    axes, shape = _leading(series)
    form = form_of(series.keyframe, place.name)
    if not files:
        check_page(series.pages[0], form, place)
    roles = _roles(axes, shape)
    steps = [math.prod(shape[n + 1 :]) for n in range(len(shape))]
    planes = shape[roles.slices] if roles.slices is not None else 1
    points = shape[roles.times] if roles.times is not None else 1
    kinds = [range(shape[n]) for n in roles.others]
    if math.prod(len(kind) for kind in kinds) > _MAX_VOLUMES:
        raise CorruptFrame(f"The axes {axes} are not read", where=place.name)
    pages = ome.single_pages(series, form, files) if files else []
    in_place = not files and series.dataoffset is not None and form.meaning in ("", "colour")
    if not in_place and math.prod(shape) != len(series.pages):
        raise CorruptFrame("The TIFF has other pages than its header says", where=place.name)
    spacing = _spacing(opened, series, number)
    for chosen in product(*kinds):
        first = sum(at * steps[n] for at, n in zip(chosen, roles.others, strict=True))
        layout = Layout(
            form.stored,
            k_step=steps[roles.slices] if roles.slices is not None else 0,
            t_step=steps[roles.times] if roles.times is not None else 0,
            first=first,
            samples=form.samples,
        )
        names = [f"{axes[n].lower()}{at + 1}" for at, n in zip(chosen, roles.others, strict=True)]
        facts = facts_of(
            form,
            (planes, form.rows, form.columns),
            spacing,
            place.name,
        )
        facts.time_points = points
        facts.notices += opened.told
        facts.label = " ".join(text for text in (_stem(place.name), name, *names) if text)
        holders = [place_of(path) for path in files] or [place]
        spec = spec_of(facts, holders, part=f"{number} {chosen}", path=place.name)
        if files:
            opener = partial(_in_files, pages, layout, (points, planes), form)
        elif in_place:
            opener = _in_place(place, series, layout, form, math.prod(shape))
        else:
            opener = partial(_paged, place, number, layout, form, opened.is_cut)
        parts.add(spec, opener)


def facts_of(
    form: PageForm, shape: tuple[int, int, int], spacing: Spacing, path: str, prefix: str = ""
) -> Facts:
    """Put together what is known of a volume of such pages: voxel size from tags or side-cars."""
    told: list[Notice] = []
    if None in spacing:
        folder = os.path.dirname(path)  # noqa: PTH120
        beside = voxel_size(folder, prefix or _stem(path))
        if beside is not None:
            spacing = beside[0]
    affine, guessed = scaled(spacing)
    if not is_usable(affine):
        affine, guessed = np.eye(4), [spacing_assumed([1.0, 1.0, 1.0])]
    told += guessed
    if form.is_lossy:
        told.append(notice("lossy"))
    stored = np.dtype(np.uint8) if form.meaning == "palette" else form.stored
    return Facts(
        shape,
        affine,
        stored,
        colour=form.is_colour,
        inverted=form.inverted,
        notices=told,
        header={"format": "TIFF"},
    )


def _stem(path: str) -> str:
    name = os.path.basename(path)  # noqa: PTH119
    for ending in (".ome.tif", ".ome.tiff"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return os.path.splitext(name)[0]  # noqa: PTH122


def _in_place(
    place: Place, series: Any, layout: Layout, form: PageForm, planes: int
) -> partial[FormatSource]:
    """Read planes that lie one behind the other, as they are."""
    order = str(series.keyframe.parent.byteorder)
    stored = form.stored.newbyteorder("<" if order == "<" else ">")
    block = form.rows * form.columns * form.samples * form.stored.itemsize
    check_present(place.name, int(series.dataoffset) + block * planes, place.size)
    blocks = PlainBlocks([Piece(place, int(series.dataoffset), block * planes)], block)
    return partial(_block_source, layout._replace(stored=stored), blocks)


def _block_source(layout: Layout, blocks: PlainBlocks, spec: VolumeSpec) -> FormatSource:
    return FormatSource(spec, lambda: BlockReader(spec, layout, blocks, ValueMap()))


def _in_files(
    pages: Sequence[SinglePage | None],
    layout: Layout,
    counts: tuple[int, int],
    form: PageForm,
    spec: VolumeSpec,
) -> FormatSource:
    """Read planes wherever they lie; `counts` are time points and slices."""
    planes: dict[tuple[int, int], SinglePage] = {}
    for t, k in product(*map(range, counts)):
        page = pages[layout.block_of(t, k)]
        if page is not None:
            planes[t, k] = page
    return FormatSource(spec, lambda: StackReader(planes, read_single), lossy=form.is_lossy)


def _paged(
    place: Place,
    number: int,
    layout: Layout,
    form: PageForm,
    pages_only: bool,
    spec: VolumeSpec,
) -> FormatSource:
    def open_reader() -> PagedReader:
        return PagedReader(place, number, layout, form, pages_only=pages_only)

    return FormatSource(spec, open_reader, lossy=form.is_lossy)


def _spacing(opened: _Opened, series: Any, number: int) -> Spacing:
    """Give voxel sizes (x, y, z) in millimetres as OME or ImageJ tell them."""
    tif = opened.tif
    if tif.is_ome:
        return ome.spacing(opened.xml, number, len(tif.series))
    if tif.is_imagej:
        return _imagej_spacing(dict(tif.imagej_metadata or {}), series.keyframe)
    return UNKNOWN


def _imagej_spacing(told: dict[str, Any], page: Any) -> Spacing:
    unit = millimetres(str(told.get("unit", "")))
    if unit is None:
        return UNKNOWN
    across: list[float | None] = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        value = tag.value if tag is not None else (0, 0)
        usable = isinstance(value, tuple) and len(value) == 2 and value[0] and value[1]
        across.append(value[1] / value[0] * unit if usable else None)
    return across[0], across[1], ome.product(told.get("spacing"), unit)
