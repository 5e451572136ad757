"""Make the reader of each slice: of a file of its own, of a frame of many, of a tile."""

from __future__ import annotations

from collections.abc import Sequence

from loading.dicom.colour import ColourPixels, PaletteOf
from loading.dicom.forms import PALETTE, PixelForm, form_of
from loading.dicom.header import Instance
from loading.dicom.mosaic import Recent, TilePixels
from loading.dicom.pixels import Coding, FrameIndex, FramePixels, coding_of
from loading.dicom.values import Mapping, Values


def readers_of(
    instances: Sequence[Instance], forms: Sequence[PixelForm], values: Values
) -> list[FramePixels]:
    """Give the reader of each slice; what files or frames have in common is worked out once."""
    makers = _Makers()
    maps = values.maps or (None,) * len(instances)
    return [
        makers.reader(instance, form, value_map)
        for instance, form, value_map in zip(instances, forms, maps, strict=True)
    ]


class _Makers:
    """What the readers of one volume share."""

    def __init__(self) -> None:
        self._codings: dict[tuple[int, int], Coding] = {}
        self._indexes: dict[int, FrameIndex] = {}
        self._palettes: dict[int, PaletteOf] = {}
        self._mosaics: dict[int, FramePixels] = {}
        self._recent = Recent()

    def reader(self, instance: Instance, form: PixelForm, value_map: Mapping | None) -> FramePixels:
        # Files that agree share both objects; to compare two forms costs more than all the rest.
        key = id(instance.shared), id(form)
        coding = self._codings.get(key)
        if coding is None:
            coding = self._codings[key] = coding_of(instance.shared, form)
        if instance.part is not None and instance.part.tile >= 0:
            whole = self._mosaic(instance.part.whole)
            return TilePixels(instance, coding, whole, self._recent, value_map)
        index = None
        if coding.is_encapsulated:
            index = self._indexes.get(id(instance.file))
            if index is None:
                index = FrameIndex(instance.file, form.frames)
                self._indexes[id(instance.file)] = index
        if form.is_colour:
            palette = None
            if form.photometric == PALETTE:
                palette = self._palettes.setdefault(id(instance.file), PaletteOf(instance.file))
            return ColourPixels(instance, coding, instance.frame, index, palette)
        return FramePixels(instance, coding, instance.frame, index, value_map)

    def _mosaic(self, whole: Instance) -> FramePixels:
        known = self._mosaics.get(id(whole))
        if known is None:
            form = form_of(whole.shared, whole.pixel_tag)
            coding = coding_of(whole.shared, form)
            index = FrameIndex(whole, 1) if coding.is_encapsulated else None
            known = self._mosaics[id(whole)] = FramePixels(whole, coding, 0, index, None)
        return known
