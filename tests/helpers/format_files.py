"""Small files of every format beside DICOM, written by other libraries than those that read."""

from __future__ import annotations

import bz2
import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

OBLIQUE_LPS = np.array(
    [[1.2, -0.5, 0.1, 10.0], [0.6, 1.4, 0.2, -20.0], [0.0, -0.3, 2.1, 30.5], [0.0, 0.0, 0.0, 1.0]]
)


def voxels(shape=(7, 6, 5), dtype="int16", seed=3) -> np.ndarray:
    """Give noise [k,j,i] that uses the range of a type."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return rng.normal(0, 100, shape).astype(kind)
    limits = np.iinfo(kind)
    low, high = max(limits.min, -30000), min(limits.max, 30000)
    return rng.integers(low, high, shape, endpoint=True).astype(kind)


def cut_file(path: Path, share: float) -> Path:
    """Cut a file to a share of its bytes, in place."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def write_nifti(path: Path, array: np.ndarray, affine_lps=OBLIQUE_LPS, **fields) -> Path:
    """Write [k,j,i] or [t,k,j,i] as NIfTI-1; `fields` go into the header as they are."""
    import nibabel

    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine_lps
    picture = nibabel.Nifti1Image(array.T, ras)
    picture.header.set_xyzt_units("mm")
    nibabel.save(picture, path)
    if fields:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            raw = bytearray(file.read())
        header = np.frombuffer(raw[:348], picture.header.template_dtype).copy()
        for name, value in fields.items():
            header[name] = value
        raw[:348] = header.tobytes()
        with opener(path, "wb") as file:
            file.write(raw)
    return path


def write_itk(path: Path, array: np.ndarray, affine_lps=None, *, packed=False) -> Path:
    """Write [k,j,i] with SimpleITK, in the format that the ending names."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    if affine_lps is not None:
        lengths = np.linalg.norm(affine_lps[:3, :3], axis=0)
        image.SetSpacing(lengths.tolist())
        image.SetDirection((affine_lps[:3, :3] / lengths).ravel().tolist())
        image.SetOrigin(affine_lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path), packed)
    return path


def rotation_lps(degrees: float = 20.0, spacing=(0.7, 0.8, 2.5), origin=(5.0, -7.0, 11.0)):
    """Give an affine without shear, as ITK needs it."""
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing)
    affine[:3, 3] = origin
    return affine


def write_nrrd(path: Path, array: np.ndarray, lines: list[str], encoding: str = "raw") -> Path:
    """Write an attached NRRD by hand: fields as given, bytes in little endian."""
    kinds = {"i2": "short", "u1": "uchar", "f4": "float", "f8": "double", "u2": "ushort"}
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    header = [
        "NRRD0005",
        f"type: {kinds[array.dtype.str[1:]]}",
        f"dimension: {array.ndim}",
        "sizes: " + " ".join(str(n) for n in array.shape[::-1]),
        "endian: little",
        f"encoding: {encoding}",
        *lines,
    ]
    body = {
        "raw": plain.tobytes,
        "gzip": lambda: gzip.compress(plain.tobytes()),
        "bzip2": lambda: bz2.compress(plain.tobytes()),
        "ascii": lambda: " ".join(str(v) for v in plain.ravel()).encode(),
    }[encoding]()
    path.write_bytes("\n".join(header).encode() + b"\n\n" + body)
    return path


def write_ome_set(
    folder: Path, array: np.ndarray, names: list[str], teller: str = "", **options
) -> list[Path]:
    """Write [c,z,y,x] as OME-TIFF with an equal share of the planes in each file, c slowest.

    Every file tells of all of them, as those of Bio-Formats do, or names the file that does;
    voxels are 0.5 x 0.5 x 2 um.
    """
    import tifffile

    channels, planes, rows, columns = array.shape
    pages = array.reshape(-1, rows, columns)
    share = len(pages) // len(names)
    data = "".join(
        f'<TiffData IFD="{n % share}" FirstZ="{n % planes}" FirstC="{n // planes}" FirstT="0" '
        f'PlaneCount="1"><UUID FileName="{names[n // share]}">urn:uuid:{n // share}</UUID>'
        "</TiffData>"
        for n in range(len(pages))
    )
    told = "".join(f'<Channel ID="C:{c}" SamplesPerPixel="1"/>' for c in range(channels))
    pixels = (
        f'<Pixels ID="P:0" DimensionOrder="XYZCT" Type="{array.dtype}" SizeX="{columns}" '
        f'SizeY="{rows}" SizeZ="{planes}" SizeC="{channels}" SizeT="1" PhysicalSizeX="0.5" '
        f'PhysicalSizeY="0.5" PhysicalSizeZ="2">{told}{data}</Pixels>'
    )
    space = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    paths = [folder / Path(name).name for name in names]
    for number, path in enumerate(paths):
        head = f'<?xml version="1.0"?><OME xmlns="{space}" UUID="urn:uuid:'
        xml = f'{head}{number}"><Image ID="I:0" Name="set">{pixels}</Image></OME>'
        if teller:
            (folder / teller).write_text(xml.replace(f"urn:uuid:{number}", "urn:uuid:all", 1))
            xml = f'{head}{number}"><BinaryOnly MetadataFile="{teller}" UUID="urn:uuid:all"/></OME>'
        with tifffile.TiffWriter(path, ome=False) as file:
            for n in range(share):
                text = None if n else xml
                page = pages[number * share + n]
                file.write(page, description=text, metadata=None, contiguous=False, **options)
    return paths


def write_split_nrrd(path: Path, array: np.ndarray, each: int = 1) -> Path:
    """Write an NHDR whose int16 slices lie in several gzipped files, so many in each.

    Two lines of any length stand before the packed bytes, and three bytes before the voxels.
    """
    names = [f"s{first}.raw.gz" for first in range(0, len(array), each)]
    for name, first in zip(names, range(0, len(array), each), strict=True):
        packed = gzip.compress(b"abc" + array[first : first + each].tobytes())
        path.with_name(name).write_bytes(b"line %d\n\n" % 10**first + packed)
    path.write_text(
        "NRRD0004\ntype: short\ndimension: 3\n"
        f"sizes: {' '.join(str(n) for n in array.shape[::-1])}\n"
        "space: LPS\nspace directions: (1,0,0) (0,2,0) (0,0,3)\nendian: little\n"
        "encoding: gzip\nline skip: 2\nbyte skip: 3\ndata file: LIST\n"
        + "".join(f"{name}\n" for name in names)
    )
    return path


def write_zarr(
    folder: Path, array: np.ndarray, *, version=3, scale=None, unit="micrometer"
) -> Path:
    """Write an OME-Zarr of [(t, c,) z, y, x] with two levels, packed chunks deeper than a slice."""
    import tensorstore as ts

    names = ["t", "c", "z", "y", "x"][-array.ndim :]
    kinds = {"t": "time", "c": "channel"}
    axes = [{"name": n, "type": kinds.get(n, "space")} for n in names]
    for axis in axes:
        if axis["type"] == "space" and unit:
            axis["unit"] = unit
    scale = list(scale or [1.0] * (array.ndim - 3) + [3.0, 2.0, 1.5])
    halves = [2 if n in "zyx" else 1 for n in names]
    datasets = []
    for level in range(2):
        data = array if level == 0 else array[tuple(slice(None, None, h) for h in halves)]
        chunks = [min(4, n) for n in data.shape]
        spec: dict[str, Any] = {
            "driver": "zarr3" if version == 3 else "zarr",
            "kvstore": {"driver": "file", "path": f"{folder}/{level}/"},
            "create": True,
        }
        if version == 3:
            spec["metadata"] = {
                "shape": list(data.shape),
                "data_type": data.dtype.name,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
                "codecs": [{"name": "bytes"}, {"name": "gzip", "configuration": {"level": 1}}],
            }
        else:
            spec["metadata"] = {
                "shape": list(data.shape),
                "dtype": data.dtype.str,
                "chunks": chunks,
                "compressor": {"id": "zlib", "level": 1},
                "dimension_separator": "/",
            }
        ts.open(spec).result().write(data).result()
        steps = [
            {"type": "scale", "scale": [s * h**level for s, h in zip(scale, halves, strict=True)]}
        ]
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    image = {"multiscales": [{"name": "noise", "axes": axes, "datasets": datasets}]}
    if version == 3:
        meta = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": {"ome": {"version": "0.5", **image}},
        }
        (folder / "zarr.json").write_text(json.dumps(meta))
    else:
        image["multiscales"][0]["version"] = "0.4"
        (folder / ".zattrs").write_text(json.dumps(image))
        (folder / ".zgroup").write_text('{"zarr_format": 2}')
    return folder


def zip_folder(folder: Path, archive: Path) -> Path:
    """Pack a folder without compressing, as OME-Zarr in one file asks for."""
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder).as_posix())
    return archive
