"""Small DICOM series written with pydicom, for tests that must run without the data folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

INTERCEPT = -1024


def phantom(shape_kji=(12, 48, 40), seed: int = 5) -> np.ndarray:
    """Make stored values [k,j,i]: a bright ellipsoid in noise, different in every slice."""
    rng = np.random.default_rng(seed)
    k, j, i = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape_kji)]
    body = (k**2 + (j / 0.8) ** 2 + (i / 0.6) ** 2) < 0.8
    noise = rng.normal(0, 10, shape_kji)
    return np.clip(noise + np.where(body, 1064, 24), 0, 4095).astype(np.uint16)


def write_series(folder: Path, stored: np.ndarray, **changes) -> list[Path]:
    """Write slices [k,j,i] of unsigned 16-bit values as axial CT, 0.5 x 0.75 x 2 mm.

    Parameters
    ----------
    changes
        Attributes by keyword; a callable is given the slice index.

    Returns
    -------
    list of Path
        In slice order; the file names are in another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    paths = []
    for k, plane in enumerate(stored):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
        instance = generate_uid()
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = instance
        dataset.Modality = "CT"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.FrameOfReferenceUID = frame
        dataset.SeriesDescription = "Phantom"
        dataset.InstanceNumber = k + 1
        dataset.ImagePositionPatient = [-10.0, 5.0, 2.0 * k]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing = [0.75, 0.5]
        dataset.Rows, dataset.Columns = plane.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelRepresentation = 0
        dataset.RescaleIntercept, dataset.RescaleSlope = str(INTERCEPT), "1"
        dataset.WindowCenter, dataset.WindowWidth = "40", "400"
        for name, value in changes.items():
            setattr(dataset, name, value(k) if callable(value) else value)
        dataset.PixelData = plane.tobytes()
        dataset["PixelData"].VR = "OW"
        path = folder / f"IM{(k * 7) % len(stored):03d}{k:03d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths
