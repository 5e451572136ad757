"""Encode slices the ways DICOM knows, with libraries that Voxtide's own decoders are not asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from pydicom._uid_dict import UID_dictionary
from pydicom.encaps import encapsulate
from pydicom.uid import UID

J2K = "1.2.840.10008.1.2.4."

for _uid in (J2K + "110", J2K + "111", J2K + "112", "1.2.840.10008.1.2.8.1"):
    # pydicom 3.0 writes no syntax that its dictionary lacks
    UID_dictionary.setdefault(_uid, (_uid, "Transfer Syntax", "", "", ""))

LOSSLESS: dict[str, Callable[[np.ndarray], bytes | bytearray]] = {
    J2K + "57": lambda a: imagecodecs.ljpeg_encode(a),
    J2K + "70": lambda a: imagecodecs.ljpeg_encode(a),
    J2K + "80": lambda a: imagecodecs.jpegls_encode(a),
    J2K + "90": lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k"),
    J2K + "92": lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k"),
    J2K + "110": lambda a: imagecodecs.jpegxl_encode(a),
    J2K + "201": lambda a: imagecodecs.htj2k_encode(a, reversible=True),
    J2K + "202": lambda a: imagecodecs.htj2k_encode(a, reversible=True, tlm=True, tilepart=1),
    J2K + "203": lambda a: imagecodecs.htj2k_encode(a, reversible=True),
}
"""Transfer syntax to an encoder that keeps every value of a 2D array of unsigned 16 bits."""

NATIVE = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "big endian": "1.2.840.10008.1.2.2",
}


def set_codestreams(path: Path, syntax: str, codestreams: list[bytes]) -> None:
    """Replace the pixels of a file by codestreams, one a frame."""
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate(codestreams)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=True)


def encode_file(path: Path, syntax: str) -> None:
    """Encode the pixels of a native file without loss."""
    dataset = pydicom.dcmread(path)
    if syntax == "1.2.840.10008.1.2.5":
        dataset.compress(UID(syntax), generate_instance_uid=False)
        dataset.save_as(path, enforce_file_format=True)
        return
    if syntax in NATIVE.values():
        write_native(path, syntax)
        return
    set_codestreams(path, syntax, [bytes(LOSSLESS[syntax](dataset.pixel_array))])


def write_native(path: Path, syntax: str) -> None:
    """Write a native file in another native transfer syntax."""
    dataset = pydicom.dcmread(path)
    big = syntax == NATIVE["big endian"]
    if big:
        dataset.PixelData = dataset.pixel_array.astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    is_implicit = syntax == NATIVE["implicit"]
    # A new data set: pydicom keeps to the encoding that an old one came with.
    plain = pydicom.Dataset()
    plain.update(dataset)
    plain.file_meta = dataset.file_meta
    pydicom.dcmwrite(
        path, plain, implicit_vr=is_implicit, little_endian=not big, enforce_file_format=True
    )
