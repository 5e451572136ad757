"""Read fields of the header that Siemens scanners put into a private attribute (CSA).

A list of named fields, each with a list of texts. Form after the description in nibabel's
documentation; only asked-for fields are kept, and nothing is believed that does not fit.
"""

from __future__ import annotations

from collections.abc import Collection
from struct import Struct, error

_NEW = b"SV10"
_MAX_FIELDS = 1024
_MAX_ITEMS = 4096
_field = Struct("<64sL4s3L")
_lengths = Struct("<4L")
_counts = Struct("<2L")


def read_fields(raw: bytes, wanted: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Give the values of wanted fields; those that are empty or cannot be read are left out."""
    try:
        return _read(raw, wanted)
    except error:  # it ends in the middle of a field
        return {}


def _read(raw: bytes, wanted: Collection[str]) -> dict[str, tuple[str, ...]]:
    is_new = raw[:4] == _NEW
    at = 8 if is_new else 0
    count, check = _counts.unpack_from(raw, at)
    if not 0 < count <= _MAX_FIELDS or check != 77:
        return {}
    at += 8
    found: dict[str, tuple[str, ...]] = {}
    offset = 0
    for number in range(count):
        label, _, _, _, items, _ = _field.unpack_from(raw, at)
        name = label.partition(b"\0")[0].decode("latin-1")
        at += _field.size
        if items > _MAX_ITEMS:
            return found
        if number == 0:
            offset = items  # the old form adds it to each length
        values = []
        for _ in range(items):
            lengths = _lengths.unpack_from(raw, at)
            at += _lengths.size
            length = lengths[1] if is_new else lengths[0] - offset
            if not 0 <= length <= len(raw) - at:
                return found
            values.append(raw[at : at + length].partition(b"\0")[0].strip())
            at += (length + 3) // 4 * 4
        if name in wanted:
            texts = tuple(value.decode("latin-1") for value in values if value)
            if texts:
                found[name] = texts
    return found
