"""The formats beside DICOM: one table, asked about what the DICOM reader does not take.

Each format is a module of its own that is imported when a file of its kind is met, so that a
folder of DICOM files pays for none of them.
"""

from __future__ import annotations

import importlib
import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from loading.errors import LoadError
from loading.formats.parts import Parts
from loading.formats.shelf import is_file, members_on, place_of
from loading.sources.archives import Member
from loading.sources.base import CancelToken

HEAD_BYTES = 1024

Recognise = Callable[[str, bytes], bool]
Describe = Callable[[Sequence[str], Parts, CancelToken], None]


class Format(NamedTuple):
    """One family of formats.

    Attributes
    ----------
    module : str
        Has `recognise(name, head) -> bool` and `describe(paths, parts, cancel)`, which lists
        volumes and images, or says why a file is passed over.
    endings : tuple of str
        Of files that are worth a look, in lower case.
    magics : tuple of bytes
        First bytes of files that are worth a look whatever their name.
    """

    name: str
    module: str
    endings: tuple[str, ...]
    magics: tuple[bytes, ...] = ()


FORMATS = (
    Format(
        "NIfTI, Analyze, MGH",
        "loading.formats.nifti",
        (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".mgh", ".mgz", ".mgh.gz"),
        (b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c"),
    ),
    Format("NRRD", "loading.formats.nrrd_files", (".nrrd", ".nhdr"), (b"NRRD000",)),
    Format("MetaImage", "loading.formats.metaimage", (".mha", ".mhd"), (b"ObjectType = ",)),
    Format(
        "ITK",
        "loading.formats.itk_files",
        (".mnc", ".gipl", ".mrc", ".vtk", ".pic"),
    ),
    Format(
        "pictures",
        "loading.formats.pictures",
        (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".btf", ".tf8", ".tf2"),
        (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\x89PNG", b"\xff\xd8\xff"),
    ),
)

_DATA_ENDINGS = (".img", ".img.gz")
_ZIP_END = 22 + 65535
_LONGEST_DIRECTORY = 1 << 26
_MARKS = ("zarr.json", ".zattrs", ".zgroup")


class Offers:
    """Collect what the DICOM reader does not take, until the formats are asked."""

    def __init__(self) -> None:
        self.files: list[tuple[str, str]] = []
        self.stores: list[str] = []
        self.members: dict[str, Member] = {}

    def add(self, path: str, reason: str) -> None:
        """Offer a file, with the reason why it is no DICOM object."""
        self.files.append((path, reason))

    def add_member(self, member: Member, reason: str) -> None:
        """Offer a member of an archive; of several of one name the last one counts."""
        if member.name not in self.members:
            self.files.append((member.name, reason))
        self.members[member.name] = member

    def add_store(self, path: str) -> None:
        """Offer a folder, or a ZIP, that is one image."""
        self.stores.append(path)


def is_store(folder: str) -> bool:
    """Tell whether a folder is one image by itself (OME-Zarr), not a folder of files."""
    return any(os.path.isfile(os.path.join(folder, mark)) for mark in _MARKS)  # noqa: PTH113, PTH118


def is_packed_store(path: str) -> bool:
    """Tell whether a ZIP archive is one OME-Zarr image: by its name, or by what it has on top."""
    if path.lower().endswith((".zarr.zip", ".ozx")):
        return True
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _ZIP_END))
            tail = file.read()
            end = tail.rfind(b"PK\5\6")
            length = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
            file.seek(max(0, size - len(tail) + end - length))
            directory = file.read(min(length, _LONGEST_DIRECTORY))
        # a look at the raw bytes is enough to tell most archives, of many thousand members
        if not any(mark.encode() in directory for mark in _MARKS):
            return False
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False
    return any(name.count("/") <= 1 and name.rpartition("/")[2] in _MARKS for name in names)


def describe(offers: Offers, cancel: CancelToken) -> Parts:
    """List what the formats make of the files that were offered; the rest is passed over."""
    with members_on(offers.members):
        return _describe(offers, cancel)


def _describe(offers: Offers, cancel: CancelToken) -> Parts:
    parts = Parts()
    found: dict[str, dict[str, None]] = {}
    left: list[tuple[str, str]] = []
    for number, (path, reason) in enumerate(offers.files):
        if number % 64 == 0:
            cancel.check()
        header = header_of(path)
        if header:
            parts.companions[path] = header
        module = _module_for(header or path)
        if module:
            found.setdefault(module, {})[header or path] = None
        if not module or header:
            left.append((path, reason))
    if offers.stores:
        found["loading.formats.zarr_stores"] = dict.fromkeys(offers.stores)
    for module, paths in found.items():
        reader: Describe = importlib.import_module(module).describe
        reader(list(paths), parts, cancel)
    for path, reason in left:
        header = parts.companions.get(path, "")
        parts.skip(path, f"It belongs to {os.path.basename(header)}" if header else reason)  # noqa: PTH119
    return parts


def header_of(path: str) -> str:
    """Give the header beside the voxels of a NIfTI or Analyze pair, or ""."""
    lower = path.lower()
    ending = next((e for e in _DATA_ENDINGS if lower.endswith(e)), "")
    if not ending:
        return ""
    stem = path[: -len(ending)]
    for header in (f"{stem}.hdr", f"{stem}.HDR", f"{stem}.hdr.gz"):
        if is_file(header):
            return header
    return ""


def _module_for(path: str) -> str:
    """Name the module that reads a file, by its ending and its first bytes; "" when none does."""
    try:
        head = place_of(path).read_at(0, HEAD_BYTES)
    except LoadError:
        return ""
    lower = path.lower()
    for form in FORMATS:
        if lower.endswith(form.endings) or head.startswith(form.magics or (b"\xff" * 9,)):
            recognise: Recognise = importlib.import_module(form.module).recognise
            if recognise(path, _inflated(head)):
                return form.module
    return ""


def _inflated(head: bytes) -> bytes:
    """Give the first bytes as they are before they were gzipped."""
    if head[:2] != b"\x1f\x8b":
        return head
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""
