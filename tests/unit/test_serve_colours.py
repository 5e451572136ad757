"""Colours and odd pixels, published and served: no form that a client may take calls them wrong.

What is right is what pydicom and libjpeg make of the source; what a client understands is what the
metadata say of native pixels.
"""

from __future__ import annotations

import gzip
import io
import json

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_color_lut, convert_color_space, pixel_array
from pydicom.uid import RLELossless

from loading.publish import ENCODINGS, Recipe, publish
from loading.serve.messages import Ask, Refusal
from loading.serve.resources import answer
from loading.serve.store import Store
from tests.helpers.dicom_encodings import J2K, set_codestreams
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import frame_groups, one, shared_groups, write_enhanced
from tests.helpers.published import read_json, series_folders, value

SIZE = (48, 64)
OCTETS = 'multipart/related; type="application/octet-stream"'


def scene() -> np.ndarray:
    """Make red, green and blue that change smoothly, so that shared chroma costs little."""
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    planes = [128 + 100 * np.sin((x * a + y * b + 3) / 9) for a, b in ((1, 2), (2, 1), (3, 0))]
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


def write(folder, pixels, photometric, **changes):
    """Write one picture; give its path."""
    bits = 8 * pixels.dtype.itemsize
    facts = {"Rows": SIZE[0], "Columns": SIZE[1], "BitsAllocated": bits, "BitsStored": bits,
             "HighBit": bits - 1, "PhotometricInterpretation": photometric,
             "SamplesPerPixel": 3, "PlanarConfiguration": 0,
             "SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.4", "Modality": "XC",
             "WindowCenter": None, "WindowWidth": None}  # fmt: skip
    shaped = np.ascontiguousarray(pixels).reshape(1, 1, -1)
    (path,) = write_series(folder, shaped, **{**facts, **changes})
    return path


class Served:
    """One instance, published from `in` and asked for."""

    def __init__(self, base, encoding=None):
        done = publish([str(base / "in")], base / "tree", Recipe(encoding))
        assert not done.failed
        self.store = Store(base / "tree")
        (folder,) = series_folders(base / "tree")
        (self.entry,) = read_json(folder / "metadata.gz")
        self.path = tuple(folder.relative_to(base / "tree").parts)
        self.uid = value(self.entry, "00080018")

    def get(self, *names, accept="", query=()):
        path = (*self.path, "instances", self.uid, *names)
        reply = answer(self.store, Ask("GET", path, query, {"accept": accept}, "http://h"))
        return b"".join(
            one
            if isinstance(one, bytes)
            else one.path.read_bytes()[one.offset : one.offset + one.length]
            for one in reply.pieces
        )

    @property
    def model(self) -> str:
        return value(self.entry, "00280004")

    def picture(self, **options) -> np.ndarray:
        told = self.get("rendered", accept="image/png", **options)
        return imagecodecs.png_decode(told)

    def native(self) -> np.ndarray:
        """Read native pixels as a client does that knows the metadata alone."""
        body = self.get("frames", "1", accept=OCTETS)
        data = body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
        assert len(data) == SIZE[0] * SIZE[1] * 3
        planar = value(self.entry, "00280006") if "00280006" in self.entry else 0
        cells = np.frombuffer(data, np.uint8)
        if planar:
            cells = np.moveaxis(cells.reshape(3, *SIZE), 0, -1)
        cells = np.ascontiguousarray(cells.reshape(*SIZE, 3))
        if self.model == "YBR_FULL":
            return convert_color_space(cells, "YBR_FULL", "RGB")
        return cells

    def of_file(self) -> np.ndarray:
        """Read the instance as a file without compression, with pydicom."""
        file = self.get(accept='application/dicom; transfer-syntax="1.2.840.10008.1.2.1"')
        dataset = pydicom.dcmread(io.BytesIO(file))
        assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        return pixel_array(dataset)  # RGB, whatever they are

    def thumbnail(self) -> np.ndarray:
        told = self.get("thumbnail")
        return imagecodecs.jpeg8_decode(told)

    def check(self, wanted: np.ndarray, tolerance: int) -> None:
        """Hold every form against the colours that are meant."""
        for found in (self.picture(), self.native(), self.of_file()):
            assert np.abs(found.astype(int) - wanted).max() <= tolerance
        small = self.thumbnail().astype(float)
        blocks = small.reshape(SIZE[0], 4, SIZE[1], 4, 3).mean((1, 3))
        assert np.abs(blocks - wanted).mean() < 6


@pytest.mark.parametrize("sampling", ["444", "422", "420"])
@pytest.mark.parametrize("called", ["YBR_FULL_422", "YBR_FULL", "RGB"])
def test_jpeg_of_luminance_and_chroma(tmp_path, sampling, called):
    """Files that say RGB of a JFIF codestream, which is YBR, are common; the label is mended."""
    colours = scene()
    stream = bytes(imagecodecs.jpeg8_encode(colours, level=98, subsampling=sampling))
    path = write(tmp_path / "in", colours, called)
    set_codestreams(path, J2K + "50", [stream])
    served = Served(tmp_path)
    assert served.model == (called if called.startswith("YBR") else "YBR_FULL_422")
    assert served.get("frames", "1", accept="image/jpeg").rstrip(b"\0") == stream.rstrip(b"\0")
    served.check(imagecodecs.jpeg8_decode(stream), 3)


@pytest.mark.parametrize("called", ["YBR_FULL_422", "YBR_FULL", "RGB"])
def test_jpeg_of_red_green_and_blue(tmp_path, called):
    colours = scene()
    stream = bytes(
        imagecodecs.jpeg8_encode(colours, level=98, colorspace="RGB", outcolorspace="RGB")
    )
    set_codestreams(write(tmp_path / "in", colours, called), J2K + "50", [stream])
    served = Served(tmp_path)
    assert served.model == "RGB"
    served.check(imagecodecs.jpeg8_decode(stream), 3)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("called", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("encoding", ["as-is", "htj2k", "j2k", "rle"])
def test_three_samples_a_pixel(tmp_path, planar, called, encoding):
    colours = scene()
    samples = colours if called == "RGB" else convert_color_space(colours, "RGB", called)
    in_planes = planar and encoding != "rle"
    cells = np.moveaxis(samples, -1, 0) if in_planes else samples
    path = write(tmp_path / "in", cells, called, PlanarConfiguration=int(in_planes))
    if encoding == "rle":
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.PlanarConfiguration = planar  # which compressed frames have no use for
        dataset.save_as(path)
    served = Served(tmp_path, ENCODINGS.get(encoding))
    served.check(colours, 2)


def test_chroma_shared_by_pairs_without_compression(tmp_path):
    """Two bytes a pixel stay two bytes a pixel: that is what the metadata say."""
    colours = scene()
    ybr = convert_color_space(colours, "RGB", "YBR_FULL").reshape(-1, 2, 3)
    pairs = np.stack([ybr[:, 0, 0], ybr[:, 1, 0], ybr[:, 0, 1], ybr[:, 0, 2]], axis=-1)
    ybr[:, 1, 1:] = ybr[:, 0, 1:]
    write(tmp_path / "in", pairs, "YBR_FULL_422")
    served = Served(tmp_path, ENCODINGS["htj2k"])
    body = served.get("frames", "1", accept=OCTETS)
    assert pairs.tobytes() in body
    wanted = convert_color_space(ybr.reshape(*SIZE, 3), "YBR_FULL", "RGB")
    assert np.abs(served.picture().astype(int) - wanted).max() <= 1


def test_transformed_colours_of_jpeg_2000_are_called_so(tmp_path):
    colours = scene()
    stream = bytes(
        imagecodecs.jpeg2k_encode(colours, level=0, reversible=True, codecformat="j2k", mct=True)
    )
    set_codestreams(write(tmp_path / "in", colours, "RGB"), J2K + "90", [stream])
    served = Served(tmp_path)
    assert served.model == "YBR_RCT"
    served.check(colours, 1)


@pytest.mark.parametrize("entries", [256, 1000])
def test_palettes(tmp_path, entries):
    """Colours that numbers stand for, also those whose tables are kept apart for their length."""
    rng = np.random.default_rng(5)
    changes: dict[str, object] = {"SamplesPerPixel": 1, "PlanarConfiguration": None}
    for n, name in enumerate(("Red", "Green", "Blue")):
        changes[f"{name}PaletteColorLookupTableDescriptor"] = [entries, 0, 16]
        table = np.sort(rng.integers(0, 65535, entries, dtype=np.uint16))[:: 1 if n % 2 else -1]
        changes[f"{name}PaletteColorLookupTableData"] = table.astype("<u2").tobytes()
    numbers = rng.integers(0, entries, SIZE).astype(np.uint16)
    path = write(tmp_path / "in", numbers, "PALETTE COLOR", **changes)
    wanted = apply_color_lut(numbers, pydicom.dcmread(path)) >> 8
    served = Served(tmp_path, ENCODINGS["htj2k"])
    assert np.array_equal(served.picture(), wanted)


def test_colours_of_twelve_bits_and_real_numbers(tmp_path):
    colours = scene().astype(np.uint16) << 4
    write(tmp_path / "a" / "in", colours, "RGB", BitsStored=12, HighBit=11)
    found = Served(tmp_path / "a", ENCODINGS["htj2k"]).picture()
    assert np.array_equal(found, scene())
    real = scene()[..., 0].astype(np.float32) / 255
    path = write(tmp_path / "b" / "in", scene()[..., 0], "MONOCHROME2", SamplesPerPixel=1,
                 PlanarConfiguration=None)  # fmt: skip
    dataset = pydicom.dcmread(path)
    del dataset.PixelData, dataset.RescaleSlope, dataset.RescaleIntercept
    dataset.BitsAllocated = 32
    dataset.FloatPixelData = real.tobytes()
    dataset.save_as(path)
    served = Served(tmp_path / "b", ENCODINGS["htj2k"])
    asked = (("window", "0.5,1,linear-exact"),)
    assert np.array_equal(served.picture(query=asked), np.rint(real * 255).astype(np.uint8))


def test_spare_bits_of_a_frame_are_not_shown(tmp_path):
    """Old files keep overlays in them."""
    stored = phantom((3, *SIZE))[1:2]
    marked = stored | (np.uint16(1) << 14)
    plain = {"BitsStored": 12, "HighBit": 11, "WindowCenter": "40", "WindowWidth": "400"}
    pictures = []
    for name, pixels in (("a", stored), ("b", marked)):
        write_series(tmp_path / name / "in", pixels, **plain)
        pictures.append(Served(tmp_path / name).picture())
    assert np.array_equal(pictures[0], pictures[1])
    assert np.ptp(pictures[0]) > 100


def test_each_frame_has_its_own_values(tmp_path):
    """Rescale and window of an enhanced object stand in the groups of its frames."""
    stored = phantom((2, *SIZE))
    groups = [frame_groups((0, 0, k), rescale=(k + 1.0, -1000.0 * k)) for k in range(2)]
    for group in groups:
        group.FrameVOILUTSequence = one(WindowCenter="500", WindowWidth="1000")
    shared = shared_groups()
    del shared.PixelValueTransformationSequence
    (tmp_path / "in").mkdir()
    write_enhanced(tmp_path / "in" / "a.dcm", stored, groups, shared=shared)
    served = Served(tmp_path, ENCODINGS["htj2k"])
    for k in range(2):
        told = served.get("frames", str(k + 1), "rendered", accept="image/png")
        meant = stored[k].astype(float) * (k + 1) - 1000 * k
        wanted = np.rint(np.clip((meant - 499.5) / 999 + 0.5, 0, 1) * 255)
        assert np.abs(imagecodecs.png_decode(told).astype(int) - wanted).max() <= 1


def test_what_the_metadata_of_others_call_wrong_is_not_given_as_native_pixels(tmp_path):
    """A tree that somebody else wrote may say YBR_FULL of a codestream that is RGB."""
    colours = scene()
    stream = bytes(
        imagecodecs.jpeg8_encode(colours, level=98, colorspace="RGB", outcolorspace="RGB")
    )
    set_codestreams(write(tmp_path / "in", colours, "RGB"), J2K + "50", [stream])
    served = Served(tmp_path)
    served.entry["00280004"]["Value"] = ["YBR_FULL"]
    (folder,) = series_folders(tmp_path / "tree")
    (folder / "metadata.gz").write_bytes(gzip.compress(json.dumps([served.entry]).encode()))
    served.store = Store(tmp_path / "tree")
    with pytest.raises(Refusal) as refused:
        served.get("frames", "1", accept=OCTETS)
    assert refused.value.status == 406
    assert np.abs(served.picture().astype(int) - imagecodecs.jpeg8_decode(stream)).max() <= 3
