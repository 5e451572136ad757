"""What the fuzzer starts from: small whole files of every kind, all made here by code."""

from __future__ import annotations

import gc
import io
import random
import shutil
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom import Sequence

from tests.helpers import format_files as make
from tests.helpers.dicom_encodings import LOSSLESS, NATIVE, encode_file, set_codestreams
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import frame_groups, one, shared_groups, write_enhanced

SLOW_KIND = "itk"
"""Each of these cases starts a process: they come less often."""
LARGEST_BYTES = 1 << 20
"""A case never grows beyond this: what it costs to open shall be no matter of its size."""
RLE = "1.2.840.10008.1.2.5"


@dataclass(slots=True)
class Seed:
    """Files by relative path; `target` is what is opened, "" for the folder that holds them.

    `kind` is "geometry", "headers", "encodings", "groups", "zip", "dicomdir" or a format.
    """

    kind: str
    files: dict[str, bytes] = field(default_factory=dict)
    target: str = ""

    def write(self, folder: Path) -> Path:
        """Write the files below a folder; give the path to open."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder / self.target if self.target else folder


def make_seeds() -> list[Seed]:
    """Make all seeds; a second or two."""
    with tempfile.TemporaryDirectory(prefix="voxtide-seeds-") as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rooms = (Path(place) / str(n) for n in range(1000))
        return [*_dicom(rooms), *_groups(rooms), *_packed(rooms), *_formats(rooms)]


def _taken(kind: str, room: Path, target: str = "") -> Seed:
    files = {
        path.relative_to(room).as_posix(): path.read_bytes()
        for path in sorted(room.rglob("*"))
        if path.is_file()
    }
    shutil.rmtree(room)
    return Seed(kind, files, target)


def _dicom(rooms: Iterator[Path]) -> Iterator[Seed]:
    stored = phantom((3, 12, 10))
    for changes in (
        {},
        {"ImagePositionPatient": lambda k: [0, 0.4 * k, 2.0 * k + 3 * (k == 2)]},
        {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "NumberOfFrames": "1"},
        {"RescaleSlope": lambda k: str(1 + k), "PixelPaddingValue": 0, "Modality": "PT",
         "Units": "BQML", "DecayCorrection": "START"},
        {"ImageType": ["DERIVED", "SECONDARY"], "TemporalPositionIdentifier": lambda k: k % 2},
    ):  # fmt: skip
        room = next(rooms)
        write_series(room, stored, **changes)
        yield _taken("geometry", room)
    for syntax in (*NATIVE.values(), RLE, *LOSSLESS):
        room = next(rooms)
        for path in write_series(room, phantom((2, 16, 16))):
            if syntax != NATIVE["explicit"]:
                encode_file(path, syntax)
        yield _taken("headers" if syntax in NATIVE.values() else "encodings", room)
    room = next(rooms)
    (path,) = write_series(room, stored[:1], SamplesPerPixel=3, PlanarConfiguration=0)
    _recolour(path, "RGB")
    yield _taken("headers", room)
    yield from _colours(rooms)
    yield from _wrapped(rooms)
    from tests.unit.test_dicom_mosaic import write_mosaic

    room = next(rooms)
    write_mosaic(room, phantom((5, 12, 10)))
    yield _taken("groups", room)


def _colours(rooms: Iterator[Path]) -> Iterator[Seed]:
    """Palettes, plain and in segments, a loop with times, JPEG with three components."""
    import imagecodecs

    bytes_ = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    numbers = np.arange(192, dtype=np.uint8).reshape(1, 12, 16)
    names = [f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")]
    plain = {f"{name}Data": bytes(range(256)) for name in names}
    words = np.array([0, 2, 0, 900, 1, 100, 60000, 2, 2, 0, 0, 1, 60, 9], "<u2").tobytes()
    parts = {f"Segmented{name}Data": words for name in names}
    for bits, tables in ((8, plain), (16, parts)):
        room = next(rooms)
        described = {f"{name}Descriptor": [256, 0, bits] for name in names}
        write_series(room, numbers, PhotometricInterpretation="PALETTE COLOR",
                     **bytes_, **described, **tables)  # fmt: skip
        yield _taken("headers", room)
    three = {**bytes_, "SamplesPerPixel": 3, "PlanarConfiguration": 1, "Columns": 16}
    room = next(rooms)
    write_series(room, np.zeros((1, 36, 48), np.uint8), NumberOfFrames="3", Rows=12,
                 PhotometricInterpretation="YBR_FULL", FrameTimeVector=["0", "10", "20"],
                 **three)  # fmt: skip
    yield _taken("headers", room)
    room = next(rooms)
    pixels = np.arange(12 * 48, dtype=np.uint16).astype(np.uint8).reshape(1, 12, 48)
    (path,) = write_series(room, pixels, PhotometricInterpretation="YBR_FULL_422", **three)
    stream = imagecodecs.jpeg8_encode(pixels.reshape(12, 16, 3), level=90)
    set_codestreams(path, "1.2.840.10008.1.2.4.50", [bytes(stream)])
    yield _taken("encodings", room)


def _recolour(path: Path, photometric: str) -> None:
    import pydicom

    dataset = pydicom.dcmread(path)
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = bytes(dataset.Rows * dataset.Columns * 3)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)


def _worlds() -> Sequence:
    """Make real world values by a line and by a table."""
    ends = {"RealWorldValueFirstValueMapped": 0, "RealWorldValueLastValueMapped": 3}
    unit = one(CodeValue="mm2/s", CodingSchemeDesignator="UCUM", CodeMeaning="mm2/s")
    both = {**ends, "LUTLabel": "ADC", "MeasurementUnitsCodeSequence": unit}
    line = one(RealWorldValueSlope=0.5, RealWorldValueIntercept=2.0, **both)
    return Sequence([*line, *one(RealWorldValueLUTData=[1.0, 2.0, 4.0, 8.0], **both)])


def _wrapped(rooms: Iterator[Path]) -> Iterator[Seed]:
    """Native frames in fragments, as they are and deflated one by one."""
    stored = phantom((2, 16, 16))
    for syntax in ("1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"):
        room = next(rooms)
        for path, plane in zip(write_series(room, stored), stored, strict=True):
            data = plane.tobytes()
            packed = zlib.compress(data, wbits=-15) if syntax.endswith("8.1") else data
            set_codestreams(path, syntax, [packed])
        yield _taken("encodings", room)


def _groups(rooms: Iterator[Path]) -> Iterator[Seed]:
    stored = np.concatenate([phantom((3, 8, 6))] * 2)
    dimensions = (0x00209056, 0x00209057, 0x00209128)
    for number, changes in enumerate(
        (
            {},
            {"syntax": NATIVE["implicit"]},
            {"undefined_length": True},
            {"undefined_length": True, "encode": LOSSLESS["1.2.840.10008.1.2.4.80"],
             "syntax": "1.2.840.10008.1.2.4.80", "extended_offsets": True},
            {"ModalityLUTSequence": one(LUTDescriptor=[2, 0, 16], LUTData=b"\0\0\1\0")},
            {"RealWorldValueMappingSequence": _worlds()},
            {"RealWorldValueMappingSequence": _worlds(),
             "SOPClassUID": "1.2.840.10008.5.1.4.1.1.30"},
        )
    ):  # fmt: skip
        frames = [
            frame_groups((0, 0, 2.0 * (n % 3)), rescale=(1, n), b_value=float(n // 3), StackID="1",
                         TemporalPositionIndex=1 + n // 3,
                         DimensionIndexValues=[1, 1 + n % 3, 1 + n // 3])
            for n in range(6)
        ]  # fmt: skip
        room = next(rooms)
        write_enhanced(room / f"{number}.dcm", stored, frames, shared=shared_groups(),
                       dimensions=dimensions, **changes)  # type: ignore[arg-type]  # fmt: skip
        yield _taken("groups", room)


def _packed(rooms: Iterator[Path]) -> Iterator[Seed]:
    room = next(rooms)
    slices = [path.read_bytes() for path in write_series(room, phantom((3, 12, 10)))]
    yield Seed("zip", {"a.zip": _zip({f"s/{n}.dcm": s for n, s in enumerate(slices)})}, "a.zip")
    head = make.write_nifti(room / "a.nii", make.voxels()).read_bytes()
    packed = make.write_nifti(room / "a.nii.gz", make.voxels()).read_bytes()
    header = b"ObjectType = Image\nNDims = 3\nDimSize = 5 6 7\nElementType = MET_SHORT\n"
    mixed = {
        "n/a.nii": head,
        "n/b.nii.gz": packed,
        "m/a.mhd": header + b"ElementDataFile = a.raw\n",
        "m/a.raw": make.voxels().tobytes(),
        "read.me": b"nothing",
    }
    yield Seed("zip", {"b.zip": _zip(mixed)}, "b.zip")
    shutil.rmtree(room)
    yield from _media(rooms)


def _zip(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _media(rooms: Iterator[Path]) -> Iterator[Seed]:
    from pydicom.fileset import FileSet

    room = next(rooms)
    medium = FileSet()
    for path in write_series(room / "in", phantom((3, 12, 10)), PatientID="1", StudyID="1",
                             StudyDate="20260101", StudyTime="10", SeriesNumber=1,
                             PatientName="A"):  # fmt: skip
        medium.add(path)
    medium.write(room / "medium")
    with warnings.catch_warnings():
        # it leaves a folder of its own to the collector, which grumbles in whatever test runs then
        warnings.simplefilter("ignore", ResourceWarning)
        del medium
        gc.collect()
    shutil.rmtree(room / "in")
    for name in (room / "medium").iterdir():
        name.rename(room / name.name)
    (room / "medium").rmdir()
    yield _taken("dicomdir", room, "DICOMDIR")


def _formats(rooms: Iterator[Path]) -> Iterator[Seed]:
    import imagecodecs
    import nibabel
    import tifffile

    array, small = make.voxels((5, 6, 7)), make.voxels((5, 6, 7), "uint8")
    lines = [
        "space: LPS",
        "space directions: (1,0,0) (0,1,0) (0,0,1)",
        "kinds: domain domain domain",
    ]
    room = next(rooms)
    room.mkdir()
    make.write_nifti(room / "a.nii", array)
    make.write_nifti(room / "b.nii.gz", array)
    nibabel.save(nibabel.Nifti2Image(np.stack([array.T] * 2, -1), np.eye(4)), room / "c.nii")
    nibabel.save(nibabel.Nifti1Pair(array.T, np.eye(4)), room / "d.hdr")
    nibabel.save(nibabel.AnalyzeImage(array.T, np.eye(4)), room / "e.hdr")
    nibabel.save(nibabel.MGHImage(array.T, np.eye(4)), room / "f.mgz")
    nibabel.save(nibabel.MGHImage(array.T, np.eye(4)), room / "g.mgh")
    for encoding in ("raw", "gzip", "bzip2", "ascii"):
        make.write_nrrd(room / f"{encoding}.nrrd", array, lines, encoding)
    head = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 7 6 5\nencoding: raw\n"
    (room / "h.nhdr").write_text(f"{head}data file: h%d.raw 1 5 1 2\n")
    for k in range(5):
        (room / f"h{k + 1}.raw").write_bytes(small[k].tobytes())
    make.write_itk(room / "i.mha", array)
    make.write_itk(room / "j.mha", array, packed=True)
    make.write_itk(room / "k.mhd", array)
    tifffile.imwrite(room / "l.tif", array)
    tifffile.imwrite(room / "m.tif", array, compression="zlib", predictor=True)
    tifffile.imwrite(room / "n.tif", small, imagej=True, metadata={"axes": "ZYX", "unit": "um"})
    tifffile.imwrite(room / "o.ome.tif", small, metadata={"axes": "ZYX", "PhysicalSizeX": 1.0})
    colours = make.voxels((40, 40, 3), "uint8")
    tifffile.imwrite(room / "p.tif", colours, photometric="rgb", tile=(16, 16), compression="jpeg")
    (room / "q.png").write_bytes(imagecodecs.png_encode(small[0]))
    (room / "r.jpg").write_bytes(imagecodecs.jpeg8_encode(make.voxels((16, 16), "uint8")))
    (room / "s.bmp").write_bytes(imagecodecs.bmp_encode(small[0]))
    alone = _taken("", room)
    beside = {"d.hdr": ("d.img",), "e.hdr": ("e.img",), "k.mhd": ("k.raw",),
              "h.nhdr": tuple(f"h{k}.raw" for k in range(1, 6))}  # fmt: skip
    for name in alone.files:
        if not name.endswith((".img", ".raw")):
            chosen = (name, *beside.get(name, ()))
            yield Seed(name.split(".", 1)[1], {n: alone.files[n] for n in chosen}, name)
    yield Seed("png", {f"s_{k}.png": imagecodecs.png_encode(small[k]) for k in range(4)}
               | {"s_.log": b"Scanner = x\nImage Pixel Size (um) = 9.5\n"})  # fmt: skip
    room = next(rooms)
    room.mkdir()
    make.write_split_nrrd(room / "t.nhdr", array)
    yield _taken("nhdr", room, "t.nhdr")
    room = next(rooms)
    room.mkdir()
    make.write_ome_set(room, small[None, :4], ["u.ome.tif", "v.ome.tif"])
    yield _taken("ome.tif", room, "u.ome.tif")
    room = next(rooms)
    room.mkdir()
    make.write_ome_set(room, small[None, :4], ["w.ome.tif", "x.ome.tif"], "w.companion.ome")
    yield _taken("ome.tif", room, "w.ome.tif")
    for name in ("a.mnc", "b.gipl", "c.vtk", "d.mrc"):
        room = next(rooms)
        room.mkdir()
        make.write_itk(room / name, make.voxels((5, 6, 7), "float32" if name > "d" else "int16"))
        yield _taken(SLOW_KIND, room, name)
    for version in (2, 3):
        room = next(rooms)
        room.mkdir()
        make.write_zarr(room / "z.zarr", array, version=version)
        yield _taken("zarr", room, "z.zarr")


def damaged(seed: Seed, rng: random.Random, others: list[Seed]) -> Seed:
    """Change one or several files of a seed by their grammar; now and then mix two seeds."""
    from tests.fuzz.file_grammars import change_file

    files = dict(seed.files)
    names = list(files)
    for name in rng.sample(names, rng.choice((1, 1, 1, min(2, len(names)), len(names)))):
        files[name] = change_file(files[name], rng)
    if seed.target == "" and rng.random() < 0.1:
        other = rng.choice([one for one in others if one.kind != SLOW_KIND])
        name, content = rng.choice(list(other.files.items()))
        files[f"other-{Path(name).name}"] = content
    if sum(map(len, files.values())) > LARGEST_BYTES:
        return seed
    return Seed(seed.kind, files, seed.target)
