"""Write what the bench reads beside one DICOM series: NIfTI, a stack of TIFF, a mixed folder."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np

from tests.bench.make_series import ROOT, head_slice, header

NIFTI_SIDE = 512
TIFF_SLICES = 300
SERIES = 40
FILES, OTHERS = 20_000, 3_000
_OTHER_KINDS = (
    (".txt", b"notes of the scan\n" * 40),
    (".pdf", b"%PDF-1.4\n" + bytes(3000)),
    (".xml", b"<?xml version='1.0'?><study/>" * 30),
    (".json", b'{"name": "study"}' * 50),
    (".bin", bytes(range(256)) * 20),
    (".csv", b"1,2,3\n" * 500),
)


def make_nifti(folder: Path, *, packed: bool, side: int = NIFTI_SIDE) -> None:
    """Write the head as one file of int16, 256 MB, or the same through gzip."""
    import nibabel

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "head.nii"
    image = nibabel.Nifti1Image(np.empty((side, side, side), np.int16, order="F"), np.eye(4))
    with path.open("wb") as file:
        image.header.set_data_offset(352)
        file.write(image.header.binaryblock + bytes(4))
        for k in range(side):
            file.write(head_slice(k, side, side).astype("<i2").tobytes())
    if packed:
        with path.open("rb") as plain, gzip.open(folder / "head.nii.gz", "wb", 6) as file:
            shutil.copyfileobj(plain, file, 1 << 20)
        path.unlink()


def make_tiff_stack(folder: Path, count: int = TIFF_SLICES) -> None:
    """Write 300 slices of 512 x 512 as TIFF files without compression, as scanners do."""
    import tifffile

    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        plane = (head_slice(k, count, 512) + 1024).astype(np.uint16)
        tifffile.imwrite(folder / f"rec_{k:04d}.tif", plane)


def make_mixed(folder: Path) -> None:
    """Write 40 series of 425 slices of 64 x 64, and 3000 files that are not DICOM, mixed up.

    Series come one after the other in folders of five, as an export writes them; the other files
    lie between the slices.
    """
    slices = (FILES - OTHERS) // SERIES
    other = 0
    for series in range(SERIES):
        place = folder / f"patient{series // 5:02d}" / f"series{series:02d}"
        place.mkdir(parents=True, exist_ok=True)
        _write_series(place, series, slices)
        while other < OTHERS * (series + 1) // SERIES:
            ending, content = _OTHER_KINDS[other % len(_OTHER_KINDS)]
            (place / f"file{other * 7919 % OTHERS:04d}{ending}").write_bytes(content)
            other += 1


def _write_series(place: Path, series: int, slices: int) -> None:
    """Write the slices of one series: headers by pydicom, numbers by what differs."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    uid = f"{ROOT}.7.{series + 1}"
    for k in range(slices):
        ds = header(k, slices, 64, uid)
        ds.StudyInstanceUID = f"{ROOT}.8.{series // 5}"
        ds.SeriesNumber, ds.SeriesDescription = series + 1, f"series {series + 1}"
        ds.Modality = ("CT", "MR")[series % 2]
        ds.PatientID = f"BENCH{series // 5}"
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.PixelData = head_slice(k, slices, 64).astype("<i2").tobytes()
        ds["PixelData"].VR = "OW"
        ds.save_as(place / f"IM{k * 7919 % slices:04d}.dcm", enforce_file_format=True)
