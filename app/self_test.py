"""`voxtide --self-test`: see whether this installation decodes and draws all that is promised.

Opens a sample of every transfer syntax and every format through the engine, as a person would,
and compares each voxel with the formula that the samples were made from; decodes a frame in a
process of its own; renders three planes and 3D with the OpenGL that is there. A package that fails
is not given away: an extension module that was not packed shows nowhere else before a frame of its
kind is met.
"""

from __future__ import annotations

import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.resources import resource_path

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from loading import OpenVolume
    from loading.codecs.registry import Row

SHAPE_KJI = (3, 24, 32)
SPACING_IJK_MM = (0.5, 0.75, 2.0)
TIMEOUT_S = 30.0
_PIXEL_DATA = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
_J2K = "1.2.840.10008.1.2.4."
_LOSSY_16 = 24
"""Out of 3760: JPEG at quality 98, 12 bits."""


class Sample(NamedTuple):
    """A file or folder of `resources/self_test`, and how far its voxels may be from the formula.

    `syntax` is DICOM's transfer syntax, or the compression of a TIFF file.
    """

    name: str
    syntax: str = ""
    dtype: str = "uint16"
    tolerance: float = 0
    has_spacing: bool = True


DICOM_SAMPLES = {
    "explicit": Sample("explicit little endian, folder", "1.2.840.10008.1.2.1"),
    "implicit.zip": Sample("implicit little endian, ZIP", "1.2.840.10008.1.2"),
    "deflated.zip": Sample("deflated", "1.2.840.10008.1.2.1.99"),
    "big.zip": Sample("explicit big endian", "1.2.840.10008.1.2.2"),
    "rle.zip": Sample("RLE", "1.2.840.10008.1.2.5"),
    "jpeg.zip": Sample("JPEG baseline", _J2K + "50", "uint8", 2),
    "jpeg12.zip": Sample("JPEG extended, 12 bits", _J2K + "51", "uint16", _LOSSY_16),
    "jpeg53.zip": Sample("JPEG spectral selection, apart", _J2K + "53", "uint8", 2),
    "jpeg55.zip": Sample("JPEG full progression, apart", _J2K + "55", "uint8", 2),
    "ljpeg57.zip": Sample("JPEG lossless", _J2K + "57"),
    "ljpeg70.zip": Sample("JPEG lossless, first order", _J2K + "70"),
    "jpegls.zip": Sample("JPEG-LS lossless", _J2K + "80"),
    "jpegls_near.zip": Sample("JPEG-LS near-lossless", _J2K + "81", "uint16", 2),
    "jpeg2000.zip": Sample("JPEG 2000 lossless", _J2K + "90"),
    "jpeg2000_lossy.zip": Sample("JPEG 2000", _J2K + "91", "uint16", _LOSSY_16),
    "jpeg2000_part2.zip": Sample("JPEG 2000 Part 2 lossless", _J2K + "92"),
    "jpeg2000_part2_lossy.zip": Sample("JPEG 2000 Part 2", _J2K + "93", "uint16", _LOSSY_16),
    "jpegxl.zip": Sample("JPEG XL lossless", _J2K + "110"),
    "jpegxl_jpeg.zip": Sample("JPEG XL of a JPEG", _J2K + "111", "uint8", 2),
    "jpegxl_lossy.zip": Sample("JPEG XL", _J2K + "112", "uint16", _LOSSY_16),
    "encapsulated.zip": Sample("encapsulated uncompressed", "1.2.840.10008.1.2.1.98"),
    "deflated_frames.zip": Sample("deflated frame by frame", "1.2.840.10008.1.2.8.1"),
    "htj2k.zip": Sample("HTJ2K lossless", _J2K + "201"),
    "htj2k_rpcl.zip": Sample("HTJ2K lossless RPCL", _J2K + "202"),
    "htj2k_any.zip": Sample("HTJ2K", _J2K + "203"),
}
FORMAT_SAMPLES = {
    "ramp.nii.gz": Sample("NIfTI, gzipped"),
    "ramp.hdr": Sample("Analyze"),
    "ramp.mgz": Sample("MGH, gzipped"),
    "ramp.nrrd": Sample("NRRD, gzipped"),
    "ramp.mha": Sample("MetaImage"),
    "zlib.tif": Sample("TIFF stack, deflated", "zlib", has_spacing=False),
    "lzw.tif": Sample("TIFF stack, LZW with predictor", "lzw+", has_spacing=False),
    "packbits.tif": Sample("TIFF stack, PackBits", "packbits", "uint8", has_spacing=False),
    "zstd.tif": Sample("TIFF stack, Zstandard", "zstd", has_spacing=False),
    "lzma.tif": Sample("TIFF stack, LZMA", "lzma", has_spacing=False),
    "lerc.tif": Sample("TIFF stack, LERC", "lerc", has_spacing=False),
    "jpeg.tif": Sample("TIFF stack, JPEG", "jpeg", "uint8", 4, has_spacing=False),
    "jpeg2000.tif": Sample("TIFF stack, JPEG 2000", "jpeg2000", has_spacing=False),
    "jpegxl.tif": Sample("TIFF stack, JPEG XL", "jpegxl", "uint8", has_spacing=False),
    "pictures": Sample("folder of PNG pictures", "", "uint8", has_spacing=False),
    "ramp.ozx": Sample("OME-Zarr in one file, Blosc"),
}


class Line(NamedTuple):
    """One row of the answer; `trouble` is empty where all is well."""

    name: str
    trouble: str
    detail: str = ""


def ramp(dtype: str) -> npt.NDArray[np.generic]:
    """Give the voxels of every sample, [k,j,i]: 8 bits, or 16 times that in 12 bits."""
    import numpy as np

    k, j, i = np.ogrid[tuple(slice(n) for n in SHAPE_KJI)]
    small = 20 * k + 4 * j + 3 * i
    made: npt.NDArray[np.generic] = (small * (1 if dtype == "uint8" else 16)).astype(dtype)
    return made


def run() -> int:
    """Run everything, print a table, give the status for the process."""
    lines = []
    for line in _lines():
        verdict = "FAILED" if line.trouble else "ok"
        sys.stdout.write(f"{verdict:7} {line.name:34} {line.trouble or line.detail}\n")
        sys.stdout.flush()
        lines.append(line)
    failed = sum(bool(line.trouble) for line in lines)
    sys.stdout.write(
        f"{len(lines) - failed} of {len(lines)} passed\n"
        if failed
        else f"all {len(lines)} passed\n"
    )
    return 1 if failed else 0


def _lines() -> Iterator[Line]:
    for file, sample in {**DICOM_SAMPLES, **FORMAT_SAMPLES}.items():
        yield _guarded(sample.name, lambda file=file, sample=sample: _read(file, sample))  # type: ignore[misc]
    yield from _every_decoder()
    yield _guarded("every module of the program", _import_all)
    yield _guarded("a frame in a process of its own", _decode_apart)
    yield _guarded("planes", _draw_planes)
    yield _guarded("3D", _draw_volume)


def _guarded(name: str, work: Callable[[], str]) -> Line:
    """Do one thing; whatever goes wrong is its row's trouble and no other's."""
    began_s = time.monotonic()
    try:
        detail = work()
    except Exception as error:
        return Line(name, f"{type(error).__name__}: {error}")
    return Line(name, "", f"{(time.monotonic() - began_s) * 1000:6.0f} ms  {detail}".rstrip())


def _read(file: str, sample: Sample) -> str:
    import numpy as np

    from loading.values import meant

    with _loaded(resource_path("self_test", file)) as volume:
        got = meant(volume.stored(), volume.spec.value_map)
        _compare(got, ramp(sample.dtype), sample.tolerance)
        spacing = volume.spec.spacing_ijk_mm
        if sample.has_spacing and not np.allclose(spacing, SPACING_IJK_MM, atol=1e-5):
            raise ValueError(f"voxels of {spacing} mm instead of {SPACING_IJK_MM}")
        found = volume.spec.transfer_syntaxes
    if file in DICOM_SAMPLES and tuple(found) != (sample.syntax,):
        raise ValueError(f"transfer syntax {found} instead of {sample.syntax}")
    return sample.syntax


def _every_decoder() -> Iterator[Line]:
    """Ask each library of the table, also those that are asked only when another fails."""
    from loading.codecs.registry import ROWS, SYNTAX_FAMILY

    by_family = {
        SYNTAX_FAMILY[sample.syntax]: (file, sample)
        for file, sample in DICOM_SAMPLES.items()
        if sample.syntax in SYNTAX_FAMILY and not sample.tolerance
    }
    for row in ROWS:
        if row.family in by_family:
            file, sample = by_family[row.family]

            def decode(row: Row = row, file: str = file, sample: Sample = sample) -> str:
                import numpy as np

                out = np.zeros(SHAPE_KJI[1:], sample.dtype)
                row.decode(_codestream(file), out, 12)
                _compare(out, ramp(sample.dtype)[0], 0)
                return row.library

            yield _guarded(f"{row.family} by {row.library}", decode)


def _import_all() -> str:
    """Import what is there of ours, and with it whatever that asks of others."""
    import importlib
    import pkgutil

    count = 0
    for package in ("app", "viewer", "loading"):
        folder = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(folder, f"{package}."):
            # importing it would run it
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
                count += 1
    return f"{count} modules"


def _decode_apart() -> str:
    import numpy as np

    from loading.codecs import child
    from loading.codecs.expected import Expected

    file = "jpeg2000.zip"
    out = np.zeros(SHAPE_KJI[1:], np.uint16)
    expected = Expected(*SHAPE_KJI[1:], 1, 16, 12, signed=False, name=file)
    child.decode(DICOM_SAMPLES[file].syntax, _codestream(file), expected, 12, out)
    _compare(out, ramp("uint16")[0], 0)
    return ""


def _draw_planes() -> str:
    _check_picture("axial")
    return ""


def _draw_volume() -> str:
    from viewer.gl_facts import gl_facts

    _check_picture("volume")
    facts = gl_facts()
    return f"OpenGL {facts.version_text}, {facts.renderer or 'off screen'}"


def _check_picture(layout: str) -> None:
    """Draw the demo; a head fills a good part of a view, a sentence about what is missing not."""
    from PySide6.QtGui import QGuiApplication

    from viewer.snapshot import render_snapshot

    if QGuiApplication.instance() is None:
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        _application.append(QGuiApplication(["voxtide"]))
    with _loaded(resource_path("demo", "colin27")) as volume:
        picture = render_snapshot(volume, (240, 200), layout)
    greys = [
        picture.pixelColor(x, y).lightness() for x in range(0, 240, 4) for y in range(0, 200, 4)
    ]
    lit = sum(grey > 40 for grey in greys) / len(greys)
    if lit < 0.15 or len(set(greys)) < 20:
        raise ValueError(f"the picture is empty: {lit:.0%} of it is lit")


_application: list[object] = []
"""Kept until the process ends, since Qt allows one."""


def _loaded(path: Path) -> OpenVolume:
    """Open a volume and wait until it is complete."""
    import loading

    volume = loading.open_volume(str(path))
    state = volume.wait(TIMEOUT_S)
    if state is not loading.LoadState.COMPLETE:
        reasons = [failed.reason for failed in volume.failures.values()]
        volume.close()
        raise ValueError(reasons[0] if reasons else f"the load ended {state.name}")
    return volume


def _codestream(file: str) -> bytes:
    """Take the first frame out of an encapsulated sample (PS3.5 A.4), behind the offset table."""
    with zipfile.ZipFile(resource_path("self_test", file)) as archive:
        raw = archive.read("1.dcm")
    at = raw.index(_PIXEL_DATA) + len(_PIXEL_DATA)
    at += 8 + int.from_bytes(raw[at + 4 : at + 8], "little")
    length = int.from_bytes(raw[at + 4 : at + 8], "little")
    return raw[at + 8 : at + 8 + length]


def _compare(
    got: npt.NDArray[np.generic], wanted: npt.NDArray[np.generic], tolerance: float
) -> None:
    import numpy as np

    if got.shape != wanted.shape:
        raise ValueError(f"shape {got.shape} instead of {wanted.shape}")
    away = float(np.abs(got.astype(np.float64) - wanted.astype(np.float64)).max())
    if away > tolerance:
        raise ValueError(f"a voxel is {away:g} away from what was encoded")
