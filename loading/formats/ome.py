"""OME-TIFF: the voxel size of each image, and images whose planes lie in several files.

tifffile reads the XML and puts planes in order. Files that the XML names are followed only in the
folder of the file that names them, and looked at as carefully as any other before tifffile does.
"""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from loading.errors import CorruptFrame
from loading.formats.detached import MAX_FILES, inside
from loading.formats.parts import millimetres
from loading.formats.shelf import is_file, place_of
from loading.formats.tiff_pages import (
    TIFF_MAGICS,
    UNKNOWN,
    PageForm,
    Spacing,
    check_page,
    count_pages,
    form_of,
    is_swapped,
    open_tiff,
)
from loading.formats.tiff_singles import SinglePage
from loading.sources.places import LocalFile, Place

_LONGEST_XML = 1 << 24
_FILE_NAME = re.compile(r"""FileName\s*=\s*(["'])(.*?)\1""", re.DOTALL)


def parsed(text: str | None) -> Mapping[str, Any]:
    """Give what the XML of a file says, by names; nothing where it cannot be read."""
    import tifffile

    try:
        found = tifffile.xml2dict(text or "")["OME"]
    except Exception:  # whatever is wrong with it, it tells nothing
        return {}
    return found if isinstance(found, Mapping) else {}


def spacing(xml: Mapping[str, Any], number: int, count: int) -> Spacing:
    """Give the voxel size (x, y, z) in millimetres of one of so many series."""
    images = _images(xml)
    sizes = [_size_of(image) for image in images]
    if len(images) == count:
        return sizes[number]
    # images without data here are no series: only what all of them say holds
    return sizes[0] if sizes and all(size == sizes[0] for size in sizes) else UNKNOWN


def companion(xml: Mapping[str, Any], place: Place) -> tuple[str, str]:
    """Give the path and the text of the file that tells of this one; "" where none does or is here.

    A name that leads out of the folder is not followed.
    """
    told = xml.get("BinaryOnly")
    name = str(told.get("MetadataFile", "")) if isinstance(told, Mapping) else ""
    try:
        path = inside(place.name, name) if name else ""
    except CorruptFrame:
        path = ""
    if not path or path == place.name or not is_file(path):
        return "", ""
    other = place_of(path)
    if not other.read_at(0, 4).startswith(TIFF_MAGICS):
        return path, other.read_at(0, _LONGEST_XML).decode("utf-8", "replace")
    count_pages(other)
    with open_tiff(other) as tif:
        return path, str(tif.ome_metadata or "")


class Files(NamedTuple):
    """The files of a set: paths of those that are here, this one first, and names of the others.

    Where `is_safe` is not true a library that follows names may not be given the XML.
    """

    here: list[str]
    lacking: list[str]
    is_safe: bool = True


def files_of(xml: Mapping[str, Any], place: Place, text: str) -> Files:
    """Name the files that hold planes of the same images; none when this one holds them all.

    Where one name leads out of the folder none is followed, also where only the text has it:
    readers of the XML differ in what they take for a name.

    Raises
    ------
    CorruptFrame
        When the pages of one cannot be walked.
    """
    names: dict[str, None] = {}
    for image in _images(xml):
        for plane in _list(_pixels(image).get("TiffData")):
            uuid = plane.get("UUID") if isinstance(plane, Mapping) else None
            if isinstance(uuid, Mapping) and uuid.get("value", "") != xml.get("UUID"):
                names[str(uuid.get("FileName", ""))] = None
    names.pop(os.path.basename(place.name), None)  # noqa: PTH119
    said = {html.unescape(name) for _, name in _FILE_NAME.findall(text)}
    if "" in names or len(names | dict.fromkeys(said)) > MAX_FILES:
        return Files([], [], is_safe=False)
    try:
        for name in said - {""}:
            inside(place.name, name)
        paths = {name: inside(place.name, name) for name in names}
    except CorruptFrame:
        return Files([], list(names), is_safe=False)
    if not names:
        return Files([], [])
    # tifffile looks beside the file itself, wherever a link to it lies
    is_here = isinstance(place, LocalFile) and not os.path.islink(place.name)  # noqa: PTH114
    files = Files([place.name], [])
    for name, path in paths.items():
        if is_here and is_file(path):
            count_pages(place_of(path))
            files.here.append(path)
        else:
            files.lacking.append(name)
    return files


def single_pages(series: Any, form: PageForm, files: Sequence[str]) -> list[SinglePage | None]:
    """Give the pages of a series, each with its file; None where that is not here."""
    places = {os.path.realpath(path): place_of(path) for path in files}
    found: list[SinglePage | None] = []
    for page in series.pages:
        place = None if page is None else places.get(str(page.parent.filehandle.path))
        if page is None or place is None or not isinstance(page.index, int):
            found.append(None)
            continue
        offset = -1
        if not form.meaning and page.is_final:
            try:
                if _has_form(page, form, place):
                    check_page(page, form, place)
                    offset = int(page.dataoffsets[0])
            except CorruptFrame:
                pass  # told for the slice when it is read
        found.append(SinglePage(place, form, UNKNOWN, offset, is_swapped(page), page.index))
    return found


def _has_form(page: Any, form: PageForm, place: Place) -> bool:
    """Tell whether a page has this form by what its own file says, and as many bytes as it takes.

    What is not sure is parsed when it is read.
    """
    keyframe = page.keyframe
    size = form.rows * form.columns * form.samples * form.stored.itemsize
    if keyframe.parent is not page.parent or sum(page.databytecounts) != size:
        return False
    return form_of(keyframe, place.name)._replace(is_lossy=form.is_lossy) == form


def _images(found: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [image for image in _list(found.get("Image")) if isinstance(image, Mapping)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _pixels(image: Mapping[str, Any]) -> Mapping[str, Any]:
    pixels = image.get("Pixels")
    return pixels if isinstance(pixels, Mapping) else {}


def _size_of(image: Mapping[str, Any]) -> Spacing:
    pixels = _pixels(image)
    sizes: list[float | None] = []
    for axis in "XYZ":
        # micrometres are the default (OME-XML, Pixels)
        unit = millimetres(str(pixels.get(f"PhysicalSize{axis}Unit", "um")))
        sizes.append(product(pixels.get(f"PhysicalSize{axis}"), unit))
    return sizes[0], sizes[1], sizes[2]


def product(value: Any, unit: float | None) -> float | None:
    """Give a size in millimetres; None for what is no size."""
    try:
        size = abs(float(value)) * (unit if unit is not None else math.nan)
    except (TypeError, ValueError):
        return None
    return size if math.isfinite(size) and size > 0 else None
