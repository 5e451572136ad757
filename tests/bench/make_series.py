"""Write a CT series as scanners write it, for the bench: a head in noise, 4 to 5 KB of header.

Headers have nested sequences and a private block whose length differs from slice to slice, so that
pixels begin at some forty different offsets; file names do not follow the order of the slices.

    python -m tests.bench.make_series FOLDER [--count 500] [--size 512] [--coding raw|htj2k|j2k]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
)

ROOT = "2.25.310712806539154261137061"
SPACING_MM = 0.7
FIELD_MM = 360.0
NOISE_HU = 8.0

Slice = npt.NDArray[np.int16]


def _htj2k(pixels: Slice) -> bytes:
    return bytes(imagecodecs.htj2k_encode(pixels, tlm=True, tilepart=1))


def _j2k(pixels: Slice) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, codecformat="j2k"))


CODINGS: dict[str, tuple[UID, Callable[[Slice], bytes] | None]] = {
    "raw": (ExplicitVRLittleEndian, None),
    "htj2k": (HTJ2KLosslessRPCL, _htj2k),
    "j2k": (JPEG2000Lossless, _j2k),
}


def head_slice(k: int, count: int, size: int) -> Slice:
    """Give slice k of a head (skin, skull, brain, ventricles) in noise: HU, shape (size, size)."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    z = 2 * (k + 0.5) / count - 1

    def ellipsoid(a: float, b: float, c: float, at_y: float = 0.0) -> npt.NDArray[np.bool_]:
        return (x / a) ** 2 + ((y - at_y) / b) ** 2 + (z / c) ** 2 < 1

    folds = 14 * np.sin(26 * x + 5 * z) * np.sin(22 * y - 7 * z)
    image = np.full((size, size), -1000.0, np.float32)
    image[ellipsoid(0.72, 0.88, 0.97)] = 60
    image[ellipsoid(0.68, 0.84, 0.93)] = 1100
    brain = ellipsoid(0.63, 0.79, 0.88)
    image[brain] = (34 + folds)[brain]
    image[ellipsoid(0.12, 0.3, 0.4, -0.05)] = 4
    noise = np.random.default_rng(k).normal(0, NOISE_HU, image.shape)
    return np.rint(image + noise).astype(np.int16)


def header(k: int, count: int, size: int, series: str) -> Dataset:
    """Make the header of slice k, without pixels."""
    step = FIELD_MM / size
    z = round(-250 + k * SPACING_MM, 3)
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{series}.{k + 1}"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260102"
    ds.StudyTime, ds.ContentTime = "101010", f"10{k // 60 % 60:02d}{k % 60:02d}.{k:06d}"
    ds.AccessionNumber, ds.Modality, ds.Manufacturer = "A1", "CT", "SYNTHETIC"
    ds.StudyDescription, ds.SeriesDescription = "HEAD", f"{SPACING_MM} H30s"
    ds.PatientName, ds.PatientID, ds.PatientPosition = "Bench^Head", "BENCH", "HFS"
    ds.KVP, ds.SliceThickness, ds.ConvolutionKernel = "120", str(SPACING_MM), "H30s"
    ds.XRayTubeCurrent, ds.ExposureTime = str(180 + k % 37), "1000"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{ROOT}.1", series
    ds.FrameOfReferenceUID = f"{ROOT}.2"
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 3, 1, k + 1
    ds.ImagePositionPatient = [-180.0, -180.0, z]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceLocation = f"{z:.3f}"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = size
    ds.PixelSpacing = [step, step]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "HU"
    ds.ReferencedImageSequence = [_reference(series, n) for n in range(6)]
    ds.RequestAttributesSequence = [_request()]
    block = ds.private_block(0x0029, "SYNTH HEADER", create=True)
    block.add_new(0x10, "OB", bytes(2600 + 2 * (k % 40)))
    block.add_new(0x18, "CS", "IMAGE NUM 4")
    return ds


def _reference(series: str, number: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = CTImageStorage
    item.ReferencedSOPInstanceUID = f"{series}.9{number}"
    return item


def _request() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "CTHD", "99SYNTH", "Head"
    item = Dataset()
    item.RequestedProcedureID, item.ScheduledProcedureStepID = "R1", "S1"
    item.ScheduledProtocolCodeSequence = [code]
    return item


def write_slice(folder: Path, k: int, count: int, size: int, coding: str) -> None:
    """Write slice k; its file name tells nothing of its place."""
    syntax, encode = CODINGS[coding]
    ds = header(k, count, size, f"{ROOT}.3.{size}.{count}.{sorted(CODINGS).index(coding)}")
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    pixels = head_slice(k, count, size)
    if encode is None:
        ds.PixelData = pixels.astype("<i2").tobytes()
    else:
        ds.PixelData = encapsulate([encode(pixels)])
    ds["PixelData"].VR = "OB" if encode else "OW"
    ds["PixelData"].is_undefined_length = encode is not None
    ds.save_as(folder / f"IM{k * 7919 % count:04d}.dcm", enforce_file_format=True)


def make_series(folder: Path, count: int = 500, size: int = 512, coding: str = "raw") -> None:
    """Write a whole series into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(write_slice, folder, k, count, size, coding) for k in range(count)]
        for job in jobs:
            job.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--coding", choices=CODINGS, default="raw")
    options = parser.parse_args()
    make_series(options.folder, options.count, options.size, options.coding)


if __name__ == "__main__":
    main()
