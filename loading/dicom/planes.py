"""Make the reader of each slice: of a file of its own, of a frame of many, of a tile."""

from __future__ import annotations

from collections.abc import Sequence

from loading.dicom.forms import PixelForm
from loading.dicom.header import Instance
from loading.dicom.pixels import Coding, FrameIndex, FramePixels, coding_of
from loading.dicom.values import Values


def readers_of(
    instances: Sequence[Instance], forms: Sequence[PixelForm], values: Values
) -> list[FramePixels]:
    """Give the reader of each slice; what files or frames have in common is worked out once."""
    codings: dict[tuple[int, int], Coding] = {}
    indexes: dict[int, FrameIndex] = {}
    readers: list[FramePixels] = []
    for number, (instance, form) in enumerate(zip(instances, forms, strict=True)):
        # Files that agree share both objects; to compare two forms costs more than all the rest.
        key = id(instance.shared), id(form)
        coding = codings.get(key)
        if coding is None:
            coding = codings[key] = coding_of(instance.shared, form)
        index = None
        if coding.is_encapsulated:
            whole = instance.file
            index = indexes.get(id(whole))
            if index is None:
                index = indexes[id(whole)] = FrameIndex(whole, form.frames)
        value_map = values.maps[number] if values.maps else None
        readers.append(FramePixels(instance, coding, instance.frame, index, value_map))
    return readers
