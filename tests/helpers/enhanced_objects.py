"""Enhanced multi-frame objects written with pydicom, frame by frame, for tests without data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian, generate_uid

ORIENTATION = (1, 0, 0, 0, 1, 0)


def one(**attributes) -> Items:
    """Make a sequence of one item."""
    item = Dataset()
    for name, value in attributes.items():
        setattr(item, name, value)
    return Items([item])


def frame_groups(
    position: Sequence[float],
    *,
    orientation: Sequence[float] | None = None,
    spacing: Sequence[float] | None = None,
    rescale: tuple[float, float] | None = None,
    kind: Sequence[str] | None = None,
    echo: float | None = None,
    b_value: float | None = None,
    **content,
) -> Dataset:
    """Make the functional groups of one frame; `content` goes into Frame Content."""
    groups = Dataset()
    groups.PlanePositionSequence = one(ImagePositionPatient=list(position))
    if content:
        groups.FrameContentSequence = one(**content)
    if orientation is not None:
        groups.PlaneOrientationSequence = one(ImageOrientationPatient=list(orientation))
    if spacing is not None:
        groups.PixelMeasuresSequence = one(PixelSpacing=list(spacing), SliceThickness="2")
    if rescale is not None:
        groups.PixelValueTransformationSequence = one(
            RescaleSlope=str(rescale[0]), RescaleIntercept=str(rescale[1]), RescaleType="US"
        )
    if kind is not None:
        groups.MRImageFrameTypeSequence = one(FrameType=list(kind))
    if echo is not None:
        groups.MREchoSequence = one(EffectiveEchoTime=echo)
    if b_value is not None:
        groups.MRDiffusionSequence = one(DiffusionBValue=b_value)
    return groups


def shared_groups(rescale: tuple[float, float] = (1.0, 0.0)) -> Dataset:
    """Make shared groups: axial, 0.75 x 0.5 mm."""
    groups = frame_groups((0, 0, 0), orientation=ORIENTATION, spacing=(0.75, 0.5), rescale=rescale)
    del groups.PlanePositionSequence
    return groups


def write_enhanced(
    path: Path,
    stored: np.ndarray,
    frames: Sequence[Dataset],
    *,
    shared: Dataset | None = None,
    dimensions: Sequence[int] = (),
    syntax: str = ExplicitVRLittleEndian,
    encode: Callable[[np.ndarray], bytes] | None = None,
    extended_offsets: bool = False,
    undefined_length: bool = False,
    **changes,
) -> Path:
    """Write frames [n,j,i] of unsigned 16-bit values as one enhanced MR object.

    Parameters
    ----------
    frames : sequence of Dataset
        Functional groups of each frame, from `frame_groups`.
    dimensions : sequence of int
        Tags that Dimension Index Values count.
    encode : callable, optional
        Makes the codestream of a frame; needed where the syntax is compressed.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = EnhancedMRImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.ImageType = "MR", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.FrameOfReferenceUID = "1.2.3.5"
    dataset.SeriesDescription, dataset.InstanceNumber = "Enhanced", 1
    dataset.Rows, dataset.Columns = stored.shape[1:]
    dataset.NumberOfFrames = len(stored)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.DimensionIndexSequence = Items(
        [one(DimensionIndexPointer=Tag(tag))[0] for tag in dimensions]
    )
    if shared is not None:
        dataset.SharedFunctionalGroupsSequence = Items([shared])
    dataset.PerFrameFunctionalGroupsSequence = Items(frames)
    for name, value in changes.items():
        setattr(dataset, name, value)
    if encode is None:
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
    else:
        streams = [encode(plane) for plane in stored]
        if extended_offsets:
            found = encapsulate_extended(streams)
            dataset.PixelData, dataset.ExtendedOffsetTable = found[:2]
            dataset.ExtendedOffsetTableLengths = found[2]
        else:
            dataset.PixelData = encapsulate(streams)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    if undefined_length:
        _delimit(dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _delimit(dataset: Dataset) -> None:
    """Write all sequences and items with delimiters instead of lengths."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                _delimit(item)
