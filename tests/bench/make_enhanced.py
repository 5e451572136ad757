"""Write the slices of `make_series` as one enhanced CT object, as scanners write them.

Groups of a frame hold what those of a scanner hold, a kilobyte each: place, times, dimension
indices, window, exposure, geometry of the gantry.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian

from tests.bench.make_series import ROOT, SPACING_MM, head_slice, header


def _one(**attributes: object) -> Sequence:
    item = Dataset()
    for name, value in attributes.items():
        setattr(item, name, value)
    return Sequence([item])


def _groups(k: int, classic: Dataset) -> Dataset:
    """Make the functional groups of frame k."""
    groups = Dataset()
    moment = f"20260102{classic.ContentTime}"
    groups.FrameContentSequence = _one(
        FrameAcquisitionNumber=1,
        FrameReferenceDateTime=moment,
        FrameAcquisitionDateTime=moment,
        FrameAcquisitionDuration=500.0,
        DimensionIndexValues=[1, k + 1],
        StackID="1",
        InStackPositionNumber=k + 1,
    )
    groups.PlanePositionSequence = _one(ImagePositionPatient=classic.ImagePositionPatient)
    groups.FrameVOILUTSequence = _one(WindowCenter="40", WindowWidth="400")
    groups.CTImageFrameTypeSequence = _one(
        FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
    )
    groups.CTExposureSequence = _one(
        ExposureTimeInms=500.0,
        XRayTubeCurrentInmA=float(classic.XRayTubeCurrent),
        ExposureInmAs=100.0,
        ExposureModulationType="XYZ_EC",
        CTDIvol=12.5,
    )
    groups.CTPositionSequence = _one(
        TablePosition=float(classic.ImagePositionPatient[2]),
        DataCollectionCenterPatient=[0.0, 0.0, float(classic.ImagePositionPatient[2])],
        ReconstructionTargetCenterPatient=[0.0, 0.0, float(classic.ImagePositionPatient[2])],
    )
    groups.CTAcquisitionDetailsSequence = _one(
        RotationDirection="CW", RevolutionTime=0.5, TableHeight=150.0, GantryDetectorTilt=0.0
    )
    return groups


def make_enhanced(folder: Path, count: int, size: int) -> None:
    """Write one object of many frames into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    slices = [header(k, count, size, f"{ROOT}.4.{size}.{count}") for k in range(count)]
    ds = slices[0]
    frames = [_groups(k, one) for k, one in enumerate(slices)]
    shared = Dataset()
    shared.PlaneOrientationSequence = _one(ImageOrientationPatient=ds.ImageOrientationPatient)
    shared.PixelMeasuresSequence = _one(PixelSpacing=ds.PixelSpacing, SliceThickness=SPACING_MM)
    shared.PixelValueTransformationSequence = _one(
        RescaleSlope="1", RescaleIntercept="0", RescaleType="HU"
    )
    for name in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceLocation",
    ):
        delattr(ds, name)
    ds.SOPClassUID, ds.NumberOfFrames = EnhancedCTImageStorage, count
    ds.DimensionIndexSequence = Sequence(
        [
            _one(DimensionIndexPointer=0x00209056, FunctionalGroupPointer=0x00209111)[0],
            _one(DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111)[0],
        ]
    )
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    pixels = np.stack([head_slice(k, count, size) for k in range(count)])
    ds.PixelData = pixels.astype("<i2").tobytes()
    ds["PixelData"].VR = "OW"
    ds.save_as(folder / "enhanced.dcm", enforce_file_format=True)
