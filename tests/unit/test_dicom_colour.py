"""Colours of DICOM, whatever their model, sampling and encoding, against pydicom's conversions."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, convert_color_space
from pydicom.uid import UID, ExplicitVRBigEndian, RLELossless
from PySide6.QtCore import QBuffer, QByteArray
from PySide6.QtGui import QImage, QImageWriter

import loading
from loading import codecs
from loading.dicom.colour import as_stored
from loading.dicom.describe import sort_out
from loading.dicom.forms import form_of
from loading.dicom.json_headers import JsonReader
from tests.helpers.colours import brightness, load_colours
from tests.helpers.dicom_encodings import J2K, set_codestreams
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import frame_groups, shared_groups, write_enhanced
from tests.helpers.pictures import colours_of, entry_of
from viewer.voi import Look, Painter

SIZE = (10, 12)


def scene(seed=3, dtype=np.uint8, size=SIZE) -> np.ndarray:
    """Make red, green and blue that change smoothly, so that shared chroma costs little."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    planes = [128 + 100 * np.sin((x * a + y * b + seed) / 9) for a, b in ((1, 2), (2, 1), (3, 0))]
    top = np.iinfo(dtype).max / 255
    return np.rint(np.stack(planes, axis=-1) * top).astype(dtype)


def write(folder, pixels, photometric="RGB", planar=0, **changes):
    """Write one picture [rows,columns,3] or numbers [rows,columns]; give its path."""
    bits = 8 * pixels.dtype.itemsize
    facts = {
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": pixels.shape[2] if pixels.ndim == 3 else 1,
        "PhotometricInterpretation": photometric,
        "PlanarConfiguration": planar,
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "Modality": "XC",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.4",
        "ImageOrientationPatient": None,
        "ImagePositionPatient": None,
    }
    stored = np.moveaxis(pixels, -1, 0) if planar else pixels
    shaped = np.ascontiguousarray(stored).reshape(1, 1, -1)
    (path,) = write_series(folder, shaped, **{**facts, **changes})
    return path


def only_image(folder) -> loading.ImageEntry:
    (image,) = loading.describe(str(folder)).images
    assert image.spec is not None
    assert image.open is not None
    return image


def shown(folder) -> np.ndarray:
    """Load the only picture of a folder, [rows,columns,3]."""
    image = only_image(folder)
    return load_colours(entry_of(image))[0]


def codes(folder) -> set[str]:
    return {told.code for told in only_image(folder).spec.warnings}


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_red_green_and_blue_are_those_of_the_file(tmp_path, planar, dtype):
    colours = scene(dtype=dtype)
    write(tmp_path, colours, planar=planar)
    assert np.array_equal(shown(tmp_path), colours)


@pytest.mark.parametrize("planar", [0, 1])
def test_samples_in_big_endian_files(tmp_path, planar):
    """Bytes lie in words there; a picture of an odd number of them ends inside of one."""
    colours = scene(size=(9, 7))
    path = write(tmp_path, colours, planar=planar)
    dataset = pydicom.dcmread(path)
    words = np.frombuffer(dataset.PixelData.ljust(190, b"\0"), np.uint16).byteswap()
    plain = Dataset()
    plain.update(dataset)
    plain.file_meta, plain.PixelData = dataset.file_meta, words.tobytes()
    plain.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    plain["PixelData"].VR = "OB"  # as they are; the header says OW
    pydicom.dcmwrite(path, plain, implicit_vr=False, little_endian=False)
    path.write_bytes(path.read_bytes().replace(b"\x7f\xe0\x00\x10OB", b"\x7f\xe0\x00\x10OW"))
    assert np.array_equal(shown(tmp_path), colours)


@pytest.mark.parametrize("planar", [0, 1])
def test_full_range_luminance_and_chroma(tmp_path, planar):
    stored = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    write(tmp_path, stored, "YBR_FULL", planar)
    assert np.array_equal(shown(tmp_path), convert_color_space(stored, "YBR_FULL", "RGB"))


def test_every_pair_of_chroma_is_rounded_as_the_formula_says():
    """PS3.3 C.7.6.3.1.2, in exact thousandths."""
    from loading.dicom import ybr

    blue, red = np.mgrid[0:256, 0:256]
    for luma in (0, 77, 255):
        stored = np.stack([np.full_like(blue, luma), blue, red], axis=-1).astype(np.uint8)
        found = np.empty_like(stored)
        ybr.to_rgb(stored, "YBR_FULL", 8, found)
        b, r = (plane.astype(np.int64) - 128 for plane in (blue, red))
        exact = (
            luma * 10**6 + 1_402_000 * r,
            luma * 10**6 - 344_136 * b - 714_136 * r,
            luma * 10**6 + 1_772_000 * b,
        )
        wanted = [np.clip((part + 500_000) // 10**6, 0, 255) for part in exact]
        assert np.array_equal(found, np.stack(wanted, axis=-1))


def test_sixteen_bits_of_luminance_and_chroma_are_converted_alike():
    from loading.dicom import ybr

    stored = np.random.default_rng(2).integers(0, 256, (8, 9, 3), np.uint8)
    small, large = np.empty_like(stored), np.empty(stored.shape, np.uint16)
    ybr.to_rgb(stored, "YBR_FULL", 8, small)
    ybr.to_rgb(stored.astype(np.uint16) << 8, "YBR_FULL", 16, large)
    assert np.abs(large.astype(int) - small.astype(int) * 256).max() <= 255 + 128


def test_chroma_for_every_second_pixel(tmp_path):
    stored = convert_color_space(scene(), "RGB", "YBR_FULL")
    pairs = np.stack([stored[:, 0::2, 0], stored[:, 1::2, 0], stored[:, 0::2, 1],
                      stored[:, 0::2, 2]], axis=-1)  # fmt: skip
    path = write(tmp_path, pairs.reshape(10, 24), "YBR_FULL_422")
    dataset = pydicom.dcmread(path)
    dataset.Columns, dataset.SamplesPerPixel = 12, 3
    dataset.save_as(path)
    shared = stored.copy()
    shared[:, 1::2, 1:] = stored[:, 0::2, 1:]
    assert np.array_equal(shown(tmp_path), convert_color_space(shared, "YBR_FULL", "RGB"))


def test_chroma_that_is_stored_for_every_pixel_though_the_header_says_pairs(tmp_path):
    stored = convert_color_space(scene(), "RGB", "YBR_FULL")
    write(tmp_path, stored, "YBR_FULL_422")
    assert np.array_equal(shown(tmp_path), convert_color_space(stored, "YBR_FULL", "RGB"))


def test_luminance_with_room_at_both_ends(tmp_path):
    """YBR_PARTIAL: black is 16, white 235 (C.7.6.3.1.2); forth by the standard's own matrix."""
    colours = scene()
    forth = np.array(
        [[0.2568, 0.5041, 0.0979], [-0.1482, -0.2910, 0.4392], [0.4392, -0.3678, -0.0714]]
    )
    stored = np.rint(colours @ forth.T + (16, 128, 128)).astype(np.uint8)
    write(tmp_path, stored, "YBR_PARTIAL_420")
    assert np.abs(shown(tmp_path).astype(int) - colours).max() <= 2


@pytest.mark.parametrize("syntax", ["80", "90", "201"])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_colours_of_lossless_codestreams(tmp_path, syntax, photometric):
    colours = scene(size=(40, 44))
    encode = {
        "80": imagecodecs.jpegls_encode,
        "90": lambda a: imagecodecs.jpeg2k_encode(
            a, level=0, reversible=True, codecformat="j2k", mct=False
        ),
        "201": lambda a: imagecodecs.htj2k_encode(a, reversible=True, rgb=False),
    }[syntax]
    stored = colours if photometric == "RGB" else convert_color_space(colours, "RGB", "YBR_FULL")
    path = write(tmp_path, colours, photometric)
    set_codestreams(path, J2K + syntax, [bytes(encode(stored))])
    wanted = colours if photometric == "RGB" else convert_color_space(stored, "YBR_FULL", "RGB")
    assert np.array_equal(shown(tmp_path), wanted)


@pytest.mark.parametrize("photometric", ["YBR_RCT", "RGB", "YBR_FULL"])
def test_the_transform_of_a_codestream_counts_more_than_the_header(tmp_path, photometric):
    """JPEG 2000 with its own colour transform gives red, green and blue, whatever the label."""
    colours = scene(size=(40, 44))
    path = write(tmp_path, colours, photometric)
    stream = imagecodecs.jpeg2k_encode(
        colours, level=0, reversible=True, codecformat="j2k", mct=True
    )
    set_codestreams(path, J2K + "90", [bytes(stream)])
    assert np.array_equal(shown(tmp_path), colours)
    assert ("colours_contradicted" in codes(tmp_path)) == (photometric == "YBR_FULL")


@pytest.mark.parametrize("sampling", ["444", "422", "420"])
@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB"])
def test_jpeg_says_itself_what_its_colours_are(tmp_path, sampling, photometric):
    """Files that say RGB of a JFIF codestream, which is YBR, are common."""
    colours = scene(size=(48, 64))
    path = write(tmp_path, colours, photometric)
    stream = imagecodecs.jpeg8_encode(colours, level=98, subsampling=sampling)
    set_codestreams(path, J2K + "50", [bytes(stream)])
    image = only_image(tmp_path)
    found = load_once(image)
    wanted = imagecodecs.jpeg8_decode(stream)
    assert np.abs(found.astype(int) - wanted).max() <= 2
    assert ("colours_contradicted" in codes(tmp_path)) == (photometric == "RGB")


def load_once(image) -> np.ndarray:
    """Load a picture that was compressed with loss, [rows,columns,3]."""
    with loading.open_entry(entry_of(image)) as volume:
        volume.wait(20)
        assert not volume.failures
        assert np.array_equal(volume.array, brightness(colours_of(volume)))
        return colours_of(volume)[0].copy()


@pytest.mark.parametrize("photometric", ["YBR_FULL", "RGB"])
def test_jpeg_that_says_nothing_is_what_the_header_says(tmp_path, photometric):
    colours = scene(size=(48, 64))
    stored = colours if photometric == "RGB" else convert_color_space(colours, "RGB", "YBR_FULL")
    stream = imagecodecs.jpeg8_encode(stored, level=100, colorspace="RGB", outcolorspace="RGB")
    stream = without_marks(bytes(stream))
    path = write(tmp_path, colours, photometric)
    set_codestreams(path, J2K + "50", [stream])
    assert np.abs(load_once(only_image(tmp_path)).astype(int) - colours).max() <= 4


def without_marks(stream: bytes) -> bytes:
    """Take the application segments out of a JPEG codestream, and number its components."""
    out, at = bytearray(stream[:2]), 2
    while stream[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        segment = bytearray(stream[at:end])
        if segment[1] == 0xC0:
            segment[10], segment[13], segment[16] = 0, 1, 2
        if segment[1] not in range(0xE0, 0xF0):
            out += segment
        at = end
    rest = bytearray(stream[at:])
    rest[5], rest[7], rest[9] = 0, 1, 2
    return bytes(out + rest)


def test_run_lengths_of_colours(tmp_path):
    colours = scene(dtype=np.uint16)
    path = write(tmp_path, colours)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    assert np.array_equal(shown(tmp_path), colours)


def test_pixels_of_one_bit_in_run_lengths():
    bits = np.random.default_rng(4).integers(0, 2, (10, 13), np.uint8)
    packed = imagecodecs.packbits_encode(np.packbits(bits.reshape(-1), bitorder="little").tobytes())
    header = np.array([1, 64, *[0] * 14], "<u4").tobytes()
    expected = codecs.Expected(10, 13, 1, 1, 1, signed=False)
    out = np.full_like(bits, 7)
    codecs.decode("1.2.840.10008.1.2.5", header + bytes(packed), expected, out)
    assert np.array_equal(out, bits)
    with pytest.raises(loading.LoadError):
        codecs.decode("1.2.840.10008.1.2.5", header + b"\x03abcd", expected, out)


@pytest.mark.parametrize("progression", ["53", "55"])
def test_retired_progressive_jpeg(tmp_path, progression):
    """Decoded apart: such a codestream can keep a decoder busy."""
    values = (phantom((1, 40, 44))[0] >> 4).astype(np.uint8)
    stream = progressive_jpeg(values)
    path = write(tmp_path, values, "MONOCHROME2")
    set_codestreams(path, J2K + progression, [bytes(stream)])
    image = only_image(tmp_path)
    with loading.open_entry(entry_of(image)) as volume:
        volume.wait(30)
        assert np.array_equal(volume.array[0], imagecodecs.jpeg8_decode(stream))


def progressive_jpeg(values: np.ndarray) -> bytes:
    """Encode with Qt, which has libjpeg's progressive mode."""
    rows, columns = values.shape
    image = QImage(values.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"jpeg"))
    writer.setProgressiveScanWrite(True)
    assert writer.write(image), writer.errorString()
    stream = bytes(buffer.data().data())
    assert b"\xff\xc2" in stream
    return stream


def palette(bits, first=0, count=200, seed=5) -> Dataset:
    tables = np.random.default_rng(seed).integers(0, 2**bits, (3, count))
    dataset = Dataset()
    for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        descriptor = [count, first, bits]
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", descriptor)
        data = table.astype("<u2" if bits == 16 else np.uint8).tobytes()
        setattr(dataset, f"{name}PaletteColorLookupTableData", data)
    return dataset


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("first", [0, 30])
def test_numbers_get_the_colours_of_their_palette(tmp_path, bits, first):
    """Entries of 16 bits are shown by their upper eight, as screens do."""
    numbers = np.random.default_rng(6).integers(0, 256, SIZE, np.uint8)
    table = palette(bits, first)
    write(tmp_path, numbers, "PALETTE COLOR", **{e.keyword: e.value for e in table})
    wanted = apply_color_lut(numbers, table)
    assert np.array_equal(shown(tmp_path), wanted >> 8 if bits == 16 else wanted)
    image = only_image(tmp_path)
    assert image.numbers is not None
    with loading.open_entry(image.numbers) as volume:
        volume.wait(10)
        assert np.array_equal(volume.array[0], numbers)


def test_a_palette_in_segments(tmp_path):
    """Values, a ramp, and a copy of both, which is where the second half comes from."""
    words = [0, 3, 0, 500, 1000, 1, 61, 65000, 2, 2, 0, 0, 0, 128, *range(0, 128 * 300, 300)]
    dataset = Dataset()
    for name in ("Red", "Green", "Blue"):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        data = np.array(words, "<u2").tobytes()
        setattr(dataset, f"Segmented{name}PaletteColorLookupTableData", data)
    numbers = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = write(tmp_path, numbers, "PALETTE COLOR", **{e.keyword: e.value for e in dataset})
    wanted = apply_color_lut(numbers, pydicom.dcmread(path))
    assert np.array_equal(shown(tmp_path), wanted >> 8)


@pytest.mark.parametrize(
    "words", [[1, 4, 9], [2, 1, 0, 0], [0, 9, 1], [3, 1, 1], [0, 1, 5, 2, 3, 3, 0], [0, 200, 1]]
)
def test_segments_that_lead_nowhere_are_no_palette(tmp_path, words):
    facts: dict[str, object] = {}
    for name in ("Red", "Green", "Blue"):
        facts[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        facts[f"Segmented{name}PaletteColorLookupTableData"] = np.array(words, "<u2").tobytes()
    write(tmp_path, np.zeros(SIZE, np.uint8), "PALETTE COLOR", **facts)
    assert "palette_as_numbers" in codes(tmp_path)


def test_slices_in_colour_that_say_how_they_lie_are_a_volume(tmp_path):
    colours = np.stack([scene(seed) for seed in range(5)])
    flat = colours.reshape(5, 10, 36)
    facts = {
        "Columns": 12,
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
    }
    write_series(tmp_path, flat, **facts)
    (entry,) = loading.describe(str(tmp_path)).volumes
    assert entry.spec.shape_kji == (5, 10, 12)
    assert entry.spec.spacing_ijk_mm == (0.5, 0.75, 2.0)
    assert np.array_equal(load_colours(entry), colours)
    (found,) = loading.probe([(0, entry)], [(-10 + 0.5 * 7, 5 + 0.75 * 3, 2.0 * 4)])
    assert found.colour == tuple(colours[4, 3, 7].tolist())
    assert found.value == brightness(colours[4, 3, 7])


@pytest.mark.parametrize(
    ("photometric", "samples"), [("ARGB", 4), ("CMYK", 4), ("HSV", 3), ("MONOCHROME2", 3)]
)
def test_models_that_are_not_read_are_named(tmp_path, photometric, samples):
    write(tmp_path, np.zeros((*SIZE, samples), np.uint8), photometric)
    with pytest.raises(loading.NothingFound, match=photometric):
        loading.describe(str(tmp_path))


def test_a_palette_beside_grey_values(tmp_path):
    """The values stay what they are; those that stand for colours say so (C.8.16.2.1.1.1)."""
    numbers = np.arange(120, dtype=np.uint8).reshape(SIZE)
    table = palette(8, first=100, count=20)
    facts = {e.keyword: e.value for e in table}
    write(
        tmp_path, numbers, "MONOCHROME2", PixelPresentation="COLOR", RescaleIntercept="0", **facts
    )
    spec = only_image(tmp_path).spec
    assert not spec.is_colour
    look = Look(255.0, 127.5, "LINEAR_EXACT", inverted=False, colour_map="grey")
    grey = np.arange(256, dtype=np.uint32) * 0x10101 + 0xFF000000
    drawn = Painter(spec.dtype, spec.value_map, None, look, grey, spec.colour_range).paint(numbers)
    assert (drawn[numbers < 100] == grey[numbers[numbers < 100]]).all()
    red, green, blue = apply_color_lut(numbers, table)[numbers >= 100].T.astype(np.uint32)
    assert (drawn[numbers >= 100] == 0xFF000000 | red << 16 | green << 8 | blue).all()


@pytest.mark.parametrize(
    ("syntax", "name"),
    [("102", "H.264 video"), ("94", "JPIP"), ("52", "arithmetic JPEG")],
)
def test_encodings_that_are_not_decoded_have_their_names(tmp_path, syntax, name):
    path = write(tmp_path, scene())
    set_codestreams(path, J2K + syntax, [b"\0" * 64])
    with pytest.raises(loading.NothingFound, match=f"{name}.*cannot be decoded"):
        loading.describe(str(tmp_path))


def test_a_profile_is_told(tmp_path):
    write(tmp_path, scene(), ICCProfile=b"\0" * 128)
    assert "profile_ignored" in codes(tmp_path)
    assert UID(only_image(tmp_path).spec.transfer_syntaxes[0]).is_little_endian


def spacing(folder) -> tuple[float, ...]:
    return only_image(folder).spec.spacing_ijk_mm[:2]


def test_pixels_of_a_radiograph_are_measured_at_the_detector(tmp_path):
    """In this order: the body, regions of ultrasound, detector, film, shape alone."""
    facts = {"PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.3], "PixelAspectRatio": [4, 3]}
    write(tmp_path, scene(), **facts)
    assert spacing(tmp_path) == pytest.approx((0.3, 0.2))
    assert "spacing_at_detector" in codes(tmp_path)


def test_pixels_without_a_size_have_their_shape(tmp_path):
    write(tmp_path, scene(), PixelSpacing=None, PixelAspectRatio=[4, 3])
    assert spacing(tmp_path) == pytest.approx((1.0, 4 / 3))
    assert "no_spacing" in codes(tmp_path)


@pytest.mark.parametrize(("second", "code"), [(0.05, "spacing_of_region"), (0.07, "no_spacing")])
def test_regions_of_ultrasound_count_where_they_agree(tmp_path, second, code):
    regions = []
    for delta in (0.05, second):
        region = Dataset()
        region.RegionSpatialFormat = 1
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
        region.PhysicalDeltaX, region.PhysicalDeltaY = delta, -2 * delta
        regions.append(region)
    write(tmp_path, scene(), PixelSpacing=None, SequenceOfUltrasoundRegions=regions)
    assert code in codes(tmp_path)
    if second == 0.05:
        assert spacing(tmp_path) == pytest.approx((0.5, 1.0))


@pytest.mark.parametrize("photometric", ["RGB", "PALETTE COLOR"])
def test_frames_in_colour_with_places_are_a_volume(tmp_path, photometric):
    """Enhanced MR Color and its like: frames in any order, one palette for all."""
    is_palette = photometric != "RGB"
    colours = np.stack([scene(seed) for seed in range(4)])
    numbers = colours[..., 0].copy() if is_palette else colours.reshape(4, 10, 36)
    table = palette(8, count=256)
    order = (2, 0, 3, 1)
    write_enhanced(
        tmp_path / "a.dcm",
        numbers[list(order)],
        [frame_groups((0, 0, 3.0 * k)) for k in order],
        shared=shared_groups(),
        Columns=12,
        SamplesPerPixel=1 if is_palette else 3,
        PlanarConfiguration=0,
        PhotometricInterpretation=photometric,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        **({e.keyword: e.value for e in table} if is_palette else {}),
    )
    (entry,) = loading.describe(str(tmp_path)).volumes
    assert entry.spec.spacing_ijk_mm == (0.5, 0.75, 3.0)
    wanted = apply_color_lut(numbers, table) if is_palette else colours
    assert np.array_equal(load_colours(entry), wanted)


def test_headers_from_a_server_say_the_same_of_pictures(tmp_path):
    """Palettes, rates and sizes are read from the bytes of a header; JSON gives them as well."""
    table = {e.keyword: e.value for e in palette(8, count=256)}
    facts = {"PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.3], "FrameTime": "40"}
    numbers = scene()[..., 0].copy()
    write(tmp_path, numbers, "PALETTE COLOR", **table, **facts)
    local = only_image(tmp_path).spec
    header = pydicom.dcmread(next(tmp_path.iterdir()), stop_before_pixels=True).to_json_dict()
    header["7FE00010"] = {"vr": "OB", "BulkDataURI": "frames"}
    header["00083002"] = {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]}
    instance = JsonReader().read(header, lambda _: "http://server/instance")
    (image,) = sort_out([instance]).images
    assert image.spec.is_colour
    assert image.spec.spacing_ijk_mm == local.spacing_ijk_mm
    assert image.spec.warnings == local.warnings


def test_pairs_from_a_server_are_pairs(tmp_path):
    """How long the pixels are is not known there, so it proves nothing about their sampling."""
    write(tmp_path, scene(), "YBR_FULL_422")
    header = pydicom.dcmread(next(tmp_path.iterdir()), stop_before_pixels=True).to_json_dict()
    header["7FE00010"] = {"vr": "OB", "BulkDataURI": "frames"}
    instance = JsonReader().read(header, lambda _: "http://server/instance")
    form = form_of(instance.shared, instance.pixel_tag)
    assert as_stored(instance, form).photometric == "YBR_FULL_422"
