"""Turn the Colin 27 head (NIfTI) into the DICOM series that Voxtide carries as its demo.

    python packaging/make_demo.py colin27_t1_1mm.nii.gz [resources/demo/colin27]

The series has one axial MR slice a file, HTJ2K lossless (RPCL, one tile-part a resolution, TLM, so
that a prefix of a file is a smaller picture). Every slice is decoded again and compared. UIDs come
from the content, so that the same volume gives the same files.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import struct
import sys
import uuid
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, HTJ2KLosslessRPCL, MRImageStorage

Voxels = npt.NDArray[np.uint16]
Affine = npt.NDArray[np.float64]

_NAMESPACE = uuid.UUID("6f0c1d3e-92a4-5b7e-8c55-27c011272027")
_COPYRIGHT = (
    "Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological "
    "Institute, McGill University. Free to use, copy, modify and distribute; the full notice is in "
    "the file NOTICE that comes with this one."
)
# Type 2 attributes: they must be there and may be empty.
_NOT_KNOWN = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "Manufacturer",
    "PositionReferenceIndicator",
    "ScanOptions",
    "RepetitionTime",
    "EchoTime",
    "EchoTrainLength",
)
# Name, centre, width in the values of the file: white matter lies near 115, grey near 80.
_WINDOWS = (("Head", 75, 130), ("Brain", 85, 100))


def read_nifti(path: Path) -> tuple[Voxels, Affine]:
    """Read an unsigned 8-bit single-file NIfTI-1 volume that has an sform.

    Returns
    -------
    voxels : array, shape (k, j, i)
        In the order of the file.
    affine_ras : array, shape (4, 4), millimetres
        Maps (i, j, k, 1) to RAS+.
    """
    content = gzip.decompress(path.read_bytes())
    size, *shape = struct.unpack_from("<i", content) + struct.unpack_from("<4h", content, 40)
    data_type, sform = struct.unpack_from("<h", content, 70) + struct.unpack_from(
        "<h", content, 254
    )
    offset, slope, intercept = struct.unpack_from("<3f", content, 108)
    if size != 348 or shape[0] != 3 or data_type != 2 or sform < 1 or (slope, intercept) != (1, 0):
        raise SystemExit(
            f"{path} is not the volume this script is for: 8 bit, unscaled, with sform"
        )
    i, j, k = shape[1:]
    voxels = np.frombuffer(content, np.uint8, i * j * k, int(offset)).reshape(k, j, i)
    affine = np.eye(4)
    affine[:3] = np.array(struct.unpack_from("<12f", content, 280)).reshape(3, 4)
    return voxels.astype(np.uint16), affine


def to_axial_lps(voxels: Voxels, affine_ras: Affine) -> tuple[Voxels, Affine]:
    """Flip axes so that columns run to the left, rows to the back, slices upwards.

    The voxels stay where they are in the patient; only their order changes. Refuses an affine
    that is not along the axes, because reordering alone could not bring that to axial slices.
    """
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine_ras
    if np.count_nonzero(affine[:3, :3]) != 3 or not np.diag(affine[:3, :3]).all():
        raise SystemExit(
            "the axes of the volume are not those of the patient, in the order x, y, z"
        )
    for column, axis in ((0, 2), (1, 1), (2, 0)):
        if affine[column, column] < 0:
            last = voxels.shape[axis] - 1
            affine[:3, 3] += last * affine[:3, column]
            affine[:3, column] *= -1
            voxels = np.flip(voxels, axis)
    return np.ascontiguousarray(voxels), affine


def make_uid(*parts: str) -> UID:
    """Derive a UID of the 2.25 root (PS3.5 B.2) from names: equal names, equal UID."""
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, ' '.join(parts)).int}")


def encode(plane: Voxels) -> bytes:
    """Encode one slice and prove that nothing was lost."""
    stream = bytes(imagecodecs.htj2k_encode(plane, tlm=True, tilepart=1))
    if not np.array_equal(imagecodecs.htj2k_decode(stream), plane):
        raise SystemExit("HTJ2K did not give back what it was given")
    return stream


def describe_series(voxels: Voxels, affine: Affine) -> Dataset:
    """Give the attributes that all slices share."""
    content = hashlib.sha256(voxels.tobytes() + affine.tobytes()).hexdigest()
    shared = Dataset()
    shared.SpecificCharacterSet = "ISO_IR 192"
    shared.SOPClassUID = MRImageStorage
    shared.ImageType = ["DERIVED", "PRIMARY", "OTHER"]
    shared.StudyInstanceUID = make_uid("study", content)
    shared.SeriesInstanceUID = make_uid("series", content)
    shared.FrameOfReferenceUID = make_uid("frame of reference", content)
    for empty in _NOT_KNOWN:
        setattr(shared, empty, None)
    shared.PatientName = "Colin 27"
    shared.PatientID = "COLIN27"
    shared.PatientIdentityRemoved = "YES"
    shared.DeidentificationMethod = "Published average of 27 scans of one volunteer"
    shared.Modality = "MR"
    shared.StudyDescription = "Head"
    shared.SeriesDescription = "T1, average of 27"
    shared.SeriesNumber = 1
    shared.PatientPosition = "HFS"
    shared.ScanningSequence = "RM"
    shared.SequenceVariant = "NONE"
    shared.MRAcquisitionType = "3D"
    shared.ImageComments = _COPYRIGHT
    shared.SamplesPerPixel = 1
    shared.PhotometricInterpretation = "MONOCHROME2"
    shared.Rows, shared.Columns = voxels.shape[1:]
    # An MR Image has 16 bits allocated (PS3.3 C.8.3.1), and the codestream says 16 too.
    shared.BitsAllocated = shared.BitsStored = 16
    shared.HighBit = 15
    shared.PixelRepresentation = 0
    shared.WindowCenter = [center for _, center, _ in _WINDOWS]
    shared.WindowWidth = [width for _, _, width in _WINDOWS]
    shared.WindowCenterWidthExplanation = [name for name, _, _ in _WINDOWS]
    shared.LossyImageCompression = "00"
    columns, rows, slices = (float(affine[n, n]) for n in range(3))
    shared.PixelSpacing = [rows, columns]
    shared.SliceThickness = shared.SpacingBetweenSlices = slices
    shared.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    return shared


def write_slice(path: Path, shared: Dataset, plane: Voxels, position: list[float], k: int) -> None:
    """Write slice k, whose first voxel's centre is at `position` (LPS, millimetres)."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = HTJ2KLosslessRPCL
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = make_uid("instance", shared.SeriesInstanceUID, str(k))
    # Named here, because pydicom's own would change with its version.
    meta.ImplementationClassUID = make_uid("implementation")
    meta.ImplementationVersionName = "VOXTIDE_DEMO"
    instance = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    instance.update(shared)
    instance.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    instance.InstanceNumber = k + 1
    instance.ImagePositionPatient = position
    instance.SliceLocation = position[2]
    instance.PixelData = encapsulate([encode(plane)])
    instance["PixelData"].VR = "OB"
    instance.save_as(path, enforce_file_format=True)


def main(arguments: list[str]) -> int:
    """Write the series and tell how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nifti", type=Path)
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path(__file__).resolve().parents[1] / "resources" / "demo" / "colin27",
    )
    options = parser.parse_args(arguments)
    voxels, affine = to_axial_lps(*read_nifti(options.nifti))
    options.folder.mkdir(parents=True, exist_ok=True)
    for old in options.folder.glob("*.dcm"):
        old.unlink()
    shared = describe_series(voxels, affine)
    for k, plane in enumerate(voxels):
        position = [float(x) for x in (affine @ [0, 0, k, 1])[:3]]
        write_slice(options.folder / f"colin27_{k + 1:03}.dcm", shared, plane, position, k)
    size = sum(path.stat().st_size for path in options.folder.glob("*.dcm"))
    print(f"{len(voxels)} slices, {size / 1e6:.2f} MB in {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
