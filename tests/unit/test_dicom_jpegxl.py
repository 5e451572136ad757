"""JPEG XL: numbers come back as they were, colours as they were meant, and doubt is refused."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

import loading
from loading import codecs
from loading.codecs import jpegxl
from loading.errors import CorruptFrame
from tests.helpers.colours import load_colours
from tests.helpers.dicom_encodings import J2K, set_codestreams
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.pictures import entry_of

SHAPE = (3, 45, 61)
LOSSLESS, OF_JPEG, ANY = J2K + "110", J2K + "111", J2K + "112"


def scene(size=(48, 64)) -> np.ndarray:
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    planes = [128 + 90 * np.sin((x * a + y * b) / 9) for a, b in ((1, 2), (2, 1), (3, 0))]
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


def write_colour(folder, syntax, stream, photometric, pixels):
    (path,) = write_series(
        folder,
        pixels.reshape(1, pixels.shape[0], -1),
        Columns=pixels.shape[1],
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation=photometric,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        Modality="XC",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.4",
    )
    set_codestreams(path, syntax, [bytes(stream)])
    return path


def expected_of(pixels, **changes):
    bits = 8 * pixels.dtype.itemsize
    facts = {"rows": pixels.shape[0], "columns": pixels.shape[1], "allocated": bits, "stored": bits}
    facts |= {"samples": 1 if pixels.ndim == 2 else pixels.shape[2], "signed": False}
    return codecs.Expected(**(facts | changes))


@pytest.mark.parametrize("bits", [12, 16, 14])
@pytest.mark.parametrize("boxes", [False, True])
def test_numbers_of_any_depth_come_back(tmp_path, bits, boxes):
    """The library would stretch 12 bits over 16; a file around the codestream is taken off."""
    stored = phantom(SHAPE)
    for path, plane in zip(write_series(tmp_path / "s", stored), stored, strict=True):
        stream = imagecodecs.jpegxl_encode(plane, bitspersample=bits, usecontainer=boxes)
        set_codestreams(path, LOSSLESS, [bytes(stream)])
    (entry,) = loading.describe(str(tmp_path / "s")).volumes
    assert entry.spec.transfer_syntaxes == (LOSSLESS,)
    with loading.open_entry(entry) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.stored(), stored)
        assert volume.progress.full == len(stored)


@pytest.mark.parametrize("syntax", [LOSSLESS, ANY])
def test_colours_without_loss(tmp_path, syntax):
    pixels = scene()
    path = write_colour(tmp_path, syntax, imagecodecs.jpegxl_encode(pixels), "RGB", pixels)
    (image,) = loading.describe(str(path)).images
    assert image.spec is not None
    assert [told.code for told in image.spec.warnings if "colour" in told.code] == []
    assert np.array_equal(load_colours(entry_of(image))[0], pixels)


def test_colours_of_perception_are_made_red_green_and_blue(tmp_path):
    pixels = scene()
    stream = imagecodecs.jpegxl_encode(pixels, lossless=False, distance=0.3)
    path = write_colour(tmp_path, ANY, stream, "XYB", pixels)
    (image,) = loading.describe(str(path)).images
    shown = load_colours(entry_of(image))[0]
    assert np.array_equal(shown, imagecodecs.jpegxl_decode(stream))
    assert np.abs(shown.astype(int) - pixels).mean() < 2


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB"])
@pytest.mark.parametrize("syntax", [OF_JPEG, ANY])
def test_a_jpeg_made_smaller_shows_its_colours_once(tmp_path, photometric, syntax):
    """Its luminance and chroma are colours when they are decoded: not to be converted again."""
    pixels = scene()
    jpeg = imagecodecs.jpeg8_encode(pixels, level=95)
    path = write_colour(tmp_path, syntax, imagecodecs.jpegxl_encode_jpeg(jpeg), photometric, pixels)
    (image,) = loading.describe(str(path)).images
    assert image.spec is not None
    assert "colours_contradicted" not in {told.code for told in image.spec.warnings}
    shown = load_colours(entry_of(image))[0].astype(int)
    assert np.abs(shown - imagecodecs.jpeg8_decode(jpeg)).max() <= 6
    assert np.abs(shown - pixels).mean() < 3


@pytest.mark.parametrize(
    ("syntax", "options", "lossy"),
    [
        (LOSSLESS, {}, False),
        (LOSSLESS, {"lossless": False, "distance": 1.0}, True),
        (ANY, {}, True),
    ],
    ids=["exact", "says so but is not", "not said"],
)
def test_loss_is_told_where_it_may_be(syntax, options, lossy):
    pixels = phantom(SHAPE)[1]
    stream = bytes(imagecodecs.jpegxl_encode(pixels, **options))
    assert codecs.inspect(syntax, stream, expected_of(pixels)).lossy == lossy


@pytest.mark.parametrize(
    ("pixels", "changes", "why"),
    [
        (phantom((2, 9, 9)), {"rows": 9, "columns": 9, "samples": 1}, "sequence"),
        (scene()[..., [0, 1, 2, 0]], {}, "samples a pixel"),
        (phantom((1, 9, 9))[0], {"signed": True}, "have a sign"),
        (phantom((1, 9, 9))[0].astype(np.float32) / 4095, {"allocated": 32}, "no whole numbers"),
        (phantom((1, 9, 9))[0], {"allocated": 8, "stored": 8}, "16 bits"),
    ],
    ids=["pictures in a row", "opacity", "signed", "floats", "too deep"],
)
def test_what_is_not_sure_is_refused(pixels, changes, why):
    grey = {"photometric": "gray"} if pixels.shape[0] == 2 else {}
    stream = bytes(imagecodecs.jpegxl_encode(pixels, **grey))
    changes = {"samples": 3, **changes} if pixels.ndim == 3 else changes
    with pytest.raises(CorruptFrame, match=why):
        codecs.inspect(LOSSLESS, stream, expected_of(pixels, **changes))


@pytest.mark.parametrize(
    "size", [(8, 8), (256, 128), (64, 64), (45, 60), (300, 400), (1, 1), (520, 3), (9000, 16)]
)
@pytest.mark.parametrize("samples", [1, 3])
def test_sizes_are_read_as_the_library_reads_them(size, samples):
    """Multiples of eight, ratios and plain numbers are written in ways of their own."""
    pixels = np.zeros(size if samples == 1 else (*size, 3), np.uint8)
    head = jpegxl.read_head(bytes(imagecodecs.jpegxl_encode(pixels)))
    assert (head.rows, head.columns, head.channels, head.bits) == (*size, samples, 8)


def test_a_damaged_head_is_refused_whatever_is_in_it():
    stream = bytes(imagecodecs.jpegxl_encode(scene(), usecontainer=True))
    rng = np.random.default_rng(4)
    refused = 0
    for _ in range(400):
        damaged = bytearray(stream[: rng.integers(1, 200)])
        damaged[rng.integers(len(damaged))] = rng.integers(256)
        try:
            codecs.inspect(LOSSLESS, bytes(damaged), expected_of(scene()))
        except CorruptFrame:
            refused += 1
    assert refused > 100
