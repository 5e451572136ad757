"""A Part 10 file made of DICOM JSON and the frames that go with it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from loading.dicom import syntaxes
from loading.errors import BadResponse

ReadBulk = Callable[[str], bytes]
_IMPLEMENTATION = "2.25.314571823497183659013547718234165918233"
_GENERATED = ("00083002", "00081190", "00080056")


def part10(
    entry: dict[str, Any], syntax: str, frames: Sequence[bytes], read_bulk: ReadBulk
) -> bytes:
    """Write an instance as a file.

    Parameters
    ----------
    entry : dict
        DICOM JSON of the instance.
    syntax : str
        Transfer syntax UID of the frames; explicit little endian where they are not compressed.
    read_bulk : callable
        Gives the bytes behind the URI of a long value.

    Raises
    ------
    BadResponse
        When the JSON does not describe an object.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    pixel_tag = next((tag for tag in ("7FE00010", "7FE00008", "7FE00009") if tag in entry), "")
    told = {tag: e for tag, e in entry.items() if tag not in (*_GENERATED, pixel_tag)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = Dataset.from_json(told, lambda tag, vr, uri: read_bulk(uri))
            if pixel_tag:
                packed = syntaxes.is_encapsulated(syntax)
                value = encapsulate(list(frames)) if packed else _even(b"".join(frames))
                vr = "OB" if packed else str(entry[pixel_tag].get("vr", "OW"))
                dataset.add_new(int(pixel_tag, 16), vr, value)
                dataset[int(pixel_tag, 16)].is_undefined_length = packed
            meta = FileMetaDataset()
            meta.TransferSyntaxUID = UID(syntax or syntaxes.EXPLICIT_LITTLE)
            meta.MediaStorageSOPClassUID = dataset.SOPClassUID
            meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            meta.ImplementationClassUID = UID(_IMPLEMENTATION)
            dataset.file_meta = meta
            file = io.BytesIO()
            dataset.save_as(file, implicit_vr=False, little_endian=True, enforce_file_format=True)
    except Exception as error:  # whatever wrong JSON makes a writer do
        raise BadResponse(f"No file can be made of its metadata ({error})") from error
    return file.getvalue()


def _even(value: bytes) -> bytes:
    return value + b"\0" if len(value) % 2 else value
