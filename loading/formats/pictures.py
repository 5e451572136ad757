"""Pictures in files: TIFF in all its forms, and folders of TIFF, PNG, JPEG or BMP slices.

Single pictures of one folder, one size and one pattern of names are a stack in natural order;
others are listed as pictures.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from loading.codecs import pictures as codec
from loading.errors import BadResponse, CorruptFrame
from loading.formats import names, tiff
from loading.formats.parts import Parts, guarded, spec_of
from loading.formats.planes import FormatSource, Plane
from loading.formats.shelf import place_of
from loading.formats.tiff_pages import TIFF_MAGICS, PageForm
from loading.formats.tiff_singles import IfdTemplate, SinglePage, StackReader, read_single
from loading.notices import notice
from loading.sources.base import CancelToken
from loading.sources.places import Place
from loading.spec import VolumeSpec

_HEAD_BYTES = 4096
_LONGEST_HEAD = 1 << 20
_PACKING_RATIO = 3000
_MAX_FILE_BYTES = 1 << 30

_Kind = tuple[str, str, PageForm]


def recognise(name: str, head: bytes) -> bool:
    """Tell whether a file begins like a TIFF, PNG, JPEG or BMP."""
    if head.startswith((*TIFF_MAGICS, b"\x89PNG\r\n", b"\xff\xd8\xff")):
        return True
    return head.startswith(b"BM") and name.lower().endswith(".bmp")


def describe(paths: Sequence[str], parts: Parts, cancel: CancelToken) -> None:
    """List stacks, volumes and pictures; those that are not usable, with the reason."""
    singles: dict[_Kind, list[SinglePage]] = {}
    template = IfdTemplate()
    for path in sorted(paths):
        cancel.check()
        if path in parts.companions:
            first = os.path.basename(parts.companions[path])  # noqa: PTH119
            parts.skip(path, f"It belongs to {first}")
            continue
        guarded(parts, path, partial(_look, path, parts, singles, template), "picture's")
    for (_, kind, form), pages in singles.items():
        cancel.check()
        _describe_singles(pages, kind, form, parts)


def _look(
    path: str, parts: Parts, singles: dict[_Kind, list[SinglePage]], template: IfdTemplate
) -> None:
    """Look at one file: volumes are listed at once, single pictures are put beside their like."""
    place = place_of(path)
    head = place.read_at(0, 8)
    if head.startswith(TIFF_MAGICS):
        kind = "TIFF"
        key = template.key_of(place)
        page = template.find(place, key)
        if page is None:
            page = tiff.describe(place, parts)
            if page is None:
                return
            template.learn(key, page)
    else:
        kind, page = _picture(place)
    folder = os.path.dirname(path)  # noqa: PTH120
    singles.setdefault((folder, kind, page.form), []).append(page)


def _picture(place: Place) -> tuple[str, SinglePage]:
    """Read the header of a PNG, JPEG or BMP."""
    length = _HEAD_BYTES
    facts = codec.facts_of(place.read_at(0, length))
    while facts is None and length < min(place.size, _LONGEST_HEAD):
        length *= 8
        facts = codec.facts_of(place.read_at(0, length))
    if facts is None:
        raise BadResponse("The header of the picture is damaged, or of a kind not read")
    samples = 3 if facts.is_colour else 1
    needed = facts.rows * facts.columns * samples * facts.dtype.itemsize
    if needed > place.size * _PACKING_RATIO or place.size > _MAX_FILE_BYTES:
        raise CorruptFrame(f"The header claims {needed} bytes, more than can be in it")
    form = PageForm(
        facts.rows,
        facts.columns,
        facts.dtype,
        samples,
        "colour" if facts.is_colour else "",
        is_lossy=facts.is_lossy,
    )
    return facts.kind, SinglePage(place, form)


def _describe_singles(pages: Sequence[SinglePage], kind: str, form: PageForm, parts: Parts) -> None:
    by_path = {page.place.name: page for page in pages}
    stacks, alone = names.stacks(list(by_path))
    for path in sorted(alone, key=names.natural_key):
        _add_picture(by_path[path], kind, parts)
    for stack in stacks:
        guarded(
            parts,
            stack.paths[0],
            partial(_add_stack, stack, [by_path[path] for path in stack.paths], kind, parts),
            "stack's",
        )


def _add_picture(page: SinglePage, kind: str, parts: Parts) -> None:
    form = page.form

    def add() -> None:
        facts = tiff.facts_of(form, (1, form.rows, form.columns), page.spacing, page.place.name)
        facts.header = {"format": kind}
        spec = spec_of(facts, [page.place])
        parts.add(spec, partial(_source, {(0, 0): page}, kind), f"{kind} picture")

    guarded(parts, page.place.name, add, "picture's")


def _add_stack(stack: names.Stack, pages: Sequence[SinglePage], kind: str, parts: Parts) -> None:
    first = pages[0]
    form = first.form
    folder = os.path.dirname(first.place.name)  # noqa: PTH120
    shape = (stack.count, form.rows, form.columns)
    facts = tiff.facts_of(form, shape, first.spacing, first.place.name, stack.prefix)
    absent = frozenset(range(stack.count)) - frozenset(stack.planes)
    facts.absent = absent
    if absent:
        missing = sorted(absent)
        places = ", ".join(str(k + 1) for k in missing[:6]) + (", ..." if missing[6:] else "")
        facts.notices.append(notice("missing_slices", count=len(missing), places=places))
    facts.header = {"format": f"{kind} stack"}
    folder_name = os.path.basename(folder)  # noqa: PTH119
    facts.label = " ".join(text for text in (folder_name, stack.prefix.strip("_- .")) if text)
    places_of = [page.place for page in pages]
    spec = spec_of(facts, places_of, part="stack", path=folder or ".")
    planes = {(0, k): page for k, page in zip(stack.planes, pages, strict=True)}
    parts.add(spec, partial(_source, planes, kind))


def _source(planes: dict[tuple[int, int], SinglePage], kind: str, spec: VolumeSpec) -> FormatSource:
    read = read_single if kind == "TIFF" else partial(_read_picture, kind)
    lossy = next(iter(planes.values())).form.is_lossy
    return FormatSource(spec, lambda: StackReader(planes, read), lossy=lossy)


def _read_picture(kind: str, page: SinglePage, out: Plane) -> int:
    place = page.place
    whole = bytearray(place.size)
    place.read_into(0, whole)
    data = bytes(whole)
    facts = codec.facts_of(data[:_LONGEST_HEAD])
    size = (page.form.rows, page.form.columns)
    if facts is None or (facts.rows, facts.columns) != size:
        raise CorruptFrame("The slice is of another size", where=place.name)
    samples = codec.decode(kind, data)
    if samples.shape[:2] != size or samples.dtype != page.form.stored:
        raise CorruptFrame("The slice is of another size or type", where=place.name)
    if out.ndim == 3:
        colours = samples if samples.ndim == 3 and samples.shape[2] >= 3 else samples[..., None]
        out[...] = colours[..., :3]
    elif samples.ndim == 3:
        out[...] = samples[..., 0]
    else:
        out[...] = samples
    return len(data)
