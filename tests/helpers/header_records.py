"""Header records of files that are nowhere: for what groups them, which looks at nothing else."""

from __future__ import annotations

from loading.dicom import tags
from loading.dicom.header import Attributes, Instance
from loading.sources.places import LocalFile

SHARED = {
    tags.SOP_CLASS: b"1.2.840.10008.5.1.4.1.1.4",
    tags.MODALITY: b"MR",
    tags.SERIES_UID: b"1.2.3",
    tags.SERIES_DESCRIPTION: b"epi",
    tags.IMAGE_TYPE: b"ORIGINAL\\PRIMARY\\M",
    tags.ROWS: b"\x04\x00",
    tags.COLUMNS: b"\x05\x00",
    tags.BITS_ALLOCATED: b"\x10\x00",
    tags.BITS_STORED: b"\x10\x00",
    tags.HIGH_BIT: b"\x0f\x00",
    tags.SAMPLES_PER_PIXEL: b"\x01\x00",
    tags.PHOTOMETRIC: b"MONOCHROME2 ",
    tags.PIXEL_SPACING: b"0.5\\0.5",
    tags.ORIENTATION: b"1\\0\\0\\0\\1\\0",
}


def attributes(**changes: bytes) -> Attributes:
    """Give attributes that many files share; changes are named as in `loading.dicom.tags`."""
    raw = SHARED | {getattr(tags, name): value for name, value in changes.items()}
    return Attributes("1.2.840.10008.1.2.1", raw)


PLAIN = attributes()


def record(number: int, z: float, shared: Attributes = PLAIN, **own: object) -> Instance:
    """Give the record of one file at a height in millimetres, with attributes of its own."""
    values = {
        tags.SOP_INSTANCE: f"1.2.3.{number}".encode(),
        tags.INSTANCE_NUMBER: str(number).encode(),
        tags.POSITION: f"0\\0\\{z}".encode(),
        **{
            getattr(tags, name): value if isinstance(value, bytes) else str(value).encode()
            for name, value in own.items()
        },
    }
    place = LocalFile(f"/nowhere/{number:04d}", 1000, 0)
    raw = tuple(values.get(tag, b"") for tag in tags.OWN_TAGS)
    return Instance(place, shared, raw, tags.PIXELS, 900, 40)
