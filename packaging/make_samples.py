"""Write the samples that `voxtide --self-test` decodes: one of every transfer syntax and format.

    python packaging/make_samples.py [resources/self_test]

Each holds the same small volume, a ramp that differs along every axis, so that an axis that is
swapped or turned shows. `app/self_test.py` has the formula and the table of files. DICOM series are
two files in a ZIP that does not compress, except for one that lies in a folder.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import nibabel
import nrrd
import numpy as np
import pydicom
import tensorstore
import tifffile
from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, CTImageStorage
from PySide6.QtCore import QBuffer, QByteArray
from PySide6.QtGui import QImage, QImageWriter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.self_test import DICOM_SAMPLES, FORMAT_SAMPLES, SPACING_IJK_MM, ramp  # noqa: E402

for young in (sample.syntax for sample in DICOM_SAMPLES.values()):
    # pydicom 3.0 writes no syntax that its dictionary lacks
    UID_dictionary.setdefault(young, (young, "Transfer Syntax", "", "", ""))

Encode = Callable[[Any], bytes]
J2K = "1.2.840.10008.1.2.4."
BIG = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"


def progressive(plane: Any) -> bytes:
    """Encode with Qt, which has libjpeg's progressive mode."""
    rows, columns = plane.shape
    image = QImage(plane.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"jpeg"))
    writer.setProgressiveScanWrite(True)
    writer.setQuality(98)
    if not writer.write(image):
        raise SystemExit(writer.errorString())
    return bytes(buffer.data().data())


ENCODERS: dict[str, Encode] = {
    J2K + "53": progressive,
    J2K + "55": progressive,
    J2K + "50": lambda a: imagecodecs.jpeg8_encode(a, level=98),
    J2K + "51": lambda a: imagecodecs.jpeg8_encode(a, level=98, bitspersample=12),
    J2K + "57": imagecodecs.ljpeg_encode,
    J2K + "70": imagecodecs.ljpeg_encode,
    J2K + "80": imagecodecs.jpegls_encode,
    J2K + "81": lambda a: imagecodecs.jpegls_encode(a, level=2),
    J2K + "90": lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k"),
    J2K + "91": lambda a: imagecodecs.jpeg2k_encode(
        a, level=95, reversible=False, codecformat="j2k"
    ),
    J2K + "92": lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k"),
    J2K + "93": lambda a: imagecodecs.jpeg2k_encode(
        a, level=95, reversible=False, codecformat="j2k"
    ),
    J2K + "110": lambda a: imagecodecs.jpegxl_encode(a, bitspersample=12),
    J2K + "111": lambda a: imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(a, level=98)),
    J2K + "112": lambda a: imagecodecs.jpegxl_encode(
        a, bitspersample=12, lossless=False, distance=0.1
    ),
    "1.2.840.10008.1.2.1.98": lambda a: a.tobytes(),
    "1.2.840.10008.1.2.8.1": lambda a: zlib.compress(a.tobytes(), wbits=-zlib.MAX_WBITS),
    J2K + "201": lambda a: imagecodecs.htj2k_encode(a, reversible=True),
    J2K + "202": lambda a: imagecodecs.htj2k_encode(a, reversible=True, tlm=True, tilepart=1),
    J2K + "203": lambda a: imagecodecs.htj2k_encode(a, reversible=True),
}


def slice_of(plane: Any, k: int, syntax: str) -> Dataset:
    """Make one axial CT slice; UIDs come from the syntax, so that a second run gives the same."""
    root = f"2.25.77042.{int(UID(syntax).rpartition('.')[2])}"
    bits = 8 * plane.dtype.itemsize
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"{root}.3.{k + 1}")
    made = Dataset()
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    made.Modality, made.ImageType = "CT", ["DERIVED", "PRIMARY", "AXIAL"]
    made.StudyInstanceUID, made.SeriesInstanceUID = f"{root}.1", f"{root}.2"
    made.FrameOfReferenceUID, made.InstanceNumber = f"{root}.4", k + 1
    made.SeriesDescription = "Voxtide self-test"
    made.ImagePositionPatient = [0.0, 0.0, SPACING_IJK_MM[2] * k]
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.PixelSpacing = [SPACING_IJK_MM[1], SPACING_IJK_MM[0]]
    made.Rows, made.Columns = plane.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored = bits, 12 if bits == 16 else 8
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, 0
    made.RescaleIntercept, made.RescaleSlope = "0", "1"
    big = ">" if syntax == BIG else "<"
    made.PixelData = plane.astype(plane.dtype.newbyteorder(big)).tobytes()
    made["PixelData"].VR = "OB" if bits == 8 else "OW"
    return made


def write_slice(path: Path, plane: Any, k: int, syntax: str) -> None:
    """Write one slice in a transfer syntax."""
    made = slice_of(plane, k, syntax)
    if syntax == RLE:
        # the library encodes native pixels only
        made.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
        made.compress(UID(RLE), generate_instance_uid=False)
    elif syntax in ENCODERS:
        made.PixelData = encapsulate([bytes(ENCODERS[syntax](plane))])
        made["PixelData"].VR = "OB"
        made["PixelData"].is_undefined_length = True
    pydicom.dcmwrite(
        path,
        made,
        implicit_vr=syntax == "1.2.840.10008.1.2",
        little_endian=syntax != BIG,
        enforce_file_format=True,
    )


def write_dicom(folder: Path) -> None:
    """Write a series of each syntax of the table."""
    for name, sample in DICOM_SAMPLES.items():
        stored = ramp(sample.dtype)
        with tempfile.TemporaryDirectory() as made:
            for k, plane in enumerate(stored):
                write_slice(Path(made) / f"{k + 1}.dcm", plane, k, sample.syntax)
            if name.endswith(".zip"):
                pack(Path(made), folder / name)
            else:
                shutil.copytree(made, folder / name)


def write_formats(folder: Path) -> None:
    """Write the formats beside DICOM, with libraries that do not read them here where possible."""
    stored = ramp("uint16").astype(np.int16)
    ras = np.diag([-SPACING_IJK_MM[0], -SPACING_IJK_MM[1], SPACING_IJK_MM[2], 1.0])
    image = nibabel.Nifti1Image(stored.T, ras)
    nibabel.save(image, folder / "ramp.nii.gz")
    nibabel.save(
        nibabel.AnalyzeImage(stored.T, np.diag([*SPACING_IJK_MM, 1.0])), folder / "ramp.hdr"
    )
    nibabel.save(nibabel.MGHImage(stored.T, ras), folder / "ramp.mgz")
    header = {"space": "left-posterior-superior", "space directions": np.diag(SPACING_IJK_MM),
              "space origin": [0, 0, 0], "encoding": "gzip"}  # fmt: skip
    nrrd.write(str(folder / "ramp.nrrd"), stored.T, header, index_order="F")
    lines = ("ObjectType = Image", "NDims = 3", "BinaryData = True",
             "BinaryDataByteOrderMSB = False",
             "DimSize = " + " ".join(map(str, stored.shape[::-1])),
             "ElementSpacing = " + " ".join(map(str, SPACING_IJK_MM)),
             "ElementType = MET_SHORT", "ElementDataFile = LOCAL", "")  # fmt: skip
    (folder / "ramp.mha").write_bytes("\n".join(lines).encode() + stored.astype("<i2").tobytes())
    for name, sample in FORMAT_SAMPLES.items():
        if name.endswith(".tif"):
            # "lzw+" has a predictor in front
            coding = sample.syntax.removesuffix("+")
            tifffile.imwrite(
                folder / name,
                ramp(sample.dtype),
                compression=coding,
                predictor=sample.syntax.endswith("+"),
                photometric="minisblack",
                metadata=None,
            )
    for k, plane in enumerate(ramp("uint8")):
        pictures = folder / "pictures"
        pictures.mkdir(exist_ok=True)
        (pictures / f"{k + 1}.png").write_bytes(bytes(imagecodecs.png_encode(plane)))


def write_zarr(folder: Path) -> None:
    """Write an OME-Zarr 0.5 image with two levels of detail, compressed as most are."""
    import json

    stored = ramp("uint16")
    axes = [{"name": n, "type": "space", "unit": "millimeter"} for n in "zyx"]
    scales = []
    for level in range(2):
        data = stored[:, :: 1 << level, :: 1 << level]
        spec = {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": f"{folder}/{level}/"},
            "create": True,
            "metadata": {
                "shape": list(data.shape),
                "data_type": "uint16",
                "chunk_grid": {
                    "name": "regular",
                    "configuration": {"chunk_shape": [2, *data.shape[1:]]},
                },
                "codecs": [
                    {"name": "bytes"},
                    {"name": "blosc", "configuration": {"cname": "zstd", "clevel": 5}},
                ],
            },
        }
        tensorstore.open(spec).result().write(data).result()
        step = [s * (1 << level if n else 1) for n, s in enumerate(SPACING_IJK_MM[::-1])]
        scales.append(
            {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": step}]}
        )
    ome = {
        "version": "0.5",
        "multiscales": [{"name": "ramp", "axes": axes, "datasets": scales}],
    }
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    (folder / "zarr.json").write_text(json.dumps(group))


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder without compressing, with a fixed date."""
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                packed.writestr(zipfile.ZipInfo(name), path.read_bytes())


def main() -> None:
    """Write everything anew."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "resources" / "self_test"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_dicom(folder)
    write_formats(folder)
    with tempfile.TemporaryDirectory() as made:
        write_zarr(Path(made))
        pack(Path(made), folder / "ramp.ozx")
    # a compressed file carries the time of its making: the same samples every time
    for path in (folder / "ramp.nii.gz", folder / "ramp.mgz"):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), mtime=0))


if __name__ == "__main__":
    main()
