"""Tables: what a stored value means where no line says it (PS3.3 C.11.1, C.7.6.16.2.11)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loading.dicom import tags
from loading.dicom.elements import Damaged, DataSet
from loading.dicom.header import Instance

_DESCRIPTOR, _TYPE, _DATA = 0x00283002, 0x00283004, 0x00283006


DOUBLES = "<f8"


@dataclass(frozen=True, slots=True)
class Table:
    """Map stored values to meant ones: the first entry is that of `first` and all below it.

    Attributes
    ----------
    first : int
        Stored value of the first entry.
    words : bytes
        The entries, little endian.
    unit : str
        What the entries are, empty where the file does not say.
    kind : str
        Type of an entry: unsigned 16 bits of modality tables, or doubles.
    """

    first: int
    words: bytes
    unit: str = ""
    kind: str = "<u2"

    @property
    def entries(self) -> npt.NDArray[np.generic]:
        """Give the meant values, by stored value."""
        return np.frombuffer(self.words, self.kind)

    def times(self, factor: float) -> Table:
        """Give the same table in another unit."""
        return Table(self.first, (self.entries.astype("<f8") * factor).tobytes(), kind=DOUBLES)

    def meant(self, stored: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Look stored values up."""
        entries = self.entries
        at = np.clip(stored.astype(np.int64) - self.first, 0, len(entries) - 1)
        return entries[at]


def table_of(instance: Instance) -> Table | None:
    """Read the Modality LUT of a slice; None where it holds none that can be used."""
    place, end = instance.place, instance.offset
    data = DataSet(place.read_at(0, end), instance.shared.syntax, end)
    try:
        sequence = data.top((tags.MODALITY_LUT,)).get(tags.MODALITY_LUT)
        item = None if sequence is None else data.first_item(sequence)
        if item is None:
            return None
        values = data.collect(item, (_DESCRIPTOR, _TYPE, _DATA), ())
    except Damaged:
        return None
    signed = instance.shared.binary(tags.PIXEL_REPRESENTATION) == 1
    words = _entries(values.get(_DESCRIPTOR, b""), values.get(_DATA, b""))
    if words is None:
        return None
    first = struct.unpack_from("<h" if signed else "<H", values[_DESCRIPTOR], 2)[0]
    unit = values.get(_TYPE, b"").strip(b" \0").decode("ascii", "replace")
    return Table(first, words, "" if unit in ("US", "UNSPECIFIED") else unit)


def _entries(descriptor: bytes, raw: bytes) -> bytes | None:
    """Give as many entries as the descriptor says, as words; None where they are not there."""
    if len(descriptor) < 6:
        return None
    count, _, bits = struct.unpack_from("<3H", descriptor)
    count = count or 1 << 16
    if 8 < bits <= 16 and len(raw) >= 2 * count:
        return raw[: 2 * count]
    if bits == 8 and count <= len(raw) < 2 * count:
        return np.frombuffer(raw, np.uint8, count).astype("<u2").tobytes()
    if bits == 8 and len(raw) >= 2 * count:
        return raw[: 2 * count]
    return None
