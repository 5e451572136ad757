"""Every file of sets 11 and 12 with pixels is shown with the values that other decoders give.

What none of them decodes may be listed instead: those are here by name, with the reason.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from pydicom.pixels import convert_color_space, pixel_array

import loading
from tests.helpers.colours import load_colours
from tests.helpers.pictures import colours_of, entry_of

SETS = ("11_transfer_syntaxes_single_files", "12_non_volumes")
NOT_SHOWN = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "3722445056 x 1024",
    "MR_truncated.dcm": "62 of 8192 bytes of pixels are missing",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "",
}
"""No tool decodes them; of the last one the frames that are there are shown, the others fail."""
WITHOUT_REFERENCE = {"liver_nonbyte_aligned_rle.dcm": "no other decoder unpacks RLE of one bit"}


def images_of(folder: Path) -> dict[str, dict]:
    cases = json.loads((folder / "oracle.json").read_text())["cases"]
    return {image["path"]: image for case in cases for image in case.get("images", [])}


@pytest.fixture(scope="module", params=SETS)
def found(request, data_folder):
    folder = data_folder / request.param
    return images_of(folder), loading.describe(str(folder)), folder


def entries_of(catalogue) -> dict[str, loading.VolumeEntry]:
    """Give what has pixels, by file; of palettes the numbers, which is what decoders give."""
    entries = {
        Path(image.path).name: image.numbers or entry_of(image)
        for image in catalogue.images
        if image.spec is not None and image.open is not None
    }
    return entries | {Path(one.spec.path).name: one for one in catalogue.volumes}


def pixels_of(entry) -> np.ndarray:
    """Load stored values; red, green and blue of colours."""
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        colours = volume.colour()
        return (volume.array if colours is None else colours).copy()


def test_what_others_decode_is_shown_with_their_values(found):
    """Lossless ones bit for bit; of lossy ones range and mean, where decoders differ by one."""
    images, catalogue, _ = found
    entries, checked = entries_of(catalogue), 0
    for name, image in images.items():
        decoded = image.get("decoded")
        if decoded is None:
            continue
        assert name in entries, f"{name} is not shown: {reason(catalogue, name)}"
        entry = entries[name]
        if image["photometric"].startswith("YBR_FULL") and "sha256_stored_int32" in decoded:
            continue  # the oracle has them as stored; see the next test
        pixels = pixels_of(entry)
        expected = decoded.get("sha256_stored_int32")
        kind = "<f4" if pixels.dtype.kind == "f" else "<i4"
        if expected and entry.spec.value_map.is_identity and entry.spec.dtype.kind in "iuf":
            digest = hashlib.sha256(np.ascontiguousarray(pixels, kind).tobytes()).hexdigest()
            if digest == expected:
                checked += 1
                continue
        if decoded.get("sha256_meant_float32"):
            meant = loading.meant(pixels, entry.spec.value_map)
            digest = hashlib.sha256(np.ascontiguousarray(meant, "<f4").tobytes()).hexdigest()
            assert digest == decoded["sha256_meant_float32"], name
        else:
            assert "sha256_stored_int32" not in decoded, f"{name} differs from its oracle"
            assert abs(pixels.min() - decoded["min"]) <= 1, name
            assert abs(pixels.max() - decoded["max"]) <= 1, name
            assert pixels.mean() == pytest.approx(decoded["mean"], abs=0.5), name
        checked += 1
    assert checked > len(images) // 3


def test_stored_luminance_and_chroma_become_the_colours_that_others_make(data_folder):
    folder = data_folder / SETS[0]
    for name in ("SC_ybr_full_uncompressed.dcm", "SC_ybr_full_422_uncompressed.dcm"):
        stored = pixel_array(folder / name, raw=True)
        (image,) = loading.describe(str(folder / name)).images
        shown = load_colours(entry_of(image))[0]
        assert np.array_equal(shown, convert_color_space(stored, "YBR_FULL", "RGB"))


DRAWN_BY_DCMTK = {
    "SC_ybr_full_uncompressed.dcm": (
        [128.14, 127.24, 128.29],
        {(33, 25): (130, 255, 130), (50, 50): (126, 129, 255), (99, 99): (255, 254, 255)},
    ),
    "SC_rgb_small_odd_jpeg.dcm": (
        [128.67, 129.0, 127.33],
        {(1, 0): (62, 87, 179), (1, 1): (62, 87, 179), (2, 2): (159, 158, 154)},
    ),
    "TestPattern_JPEG-Baseline_YBR422.dcm": (
        [120.01, 119.93, 115.32],
        {(150, 160): (192, 192, 0), (150, 220): (0, 192, 191), (150, 400): (190, 0, 2)},
    ),
    "examples_palette.dcm": (
        [15.94, 20.11, 25.43],
        {(20, 20): (37, 62, 94), (72, 322): (69, 115, 179), (60, 420): (0, 0, 0)},
    ),
    "SC_rgb_dcmtk_+eb+cr.dcm": (
        [127.75, 127.72, 127.75],
        {(33, 25): (128, 255, 128), (50, 50): (129, 129, 255), (99, 99): (255, 255, 255)},
    ),
}
"""Mean of each colour, and colours by (row, column): `dcmj2pnm +op` of DCMTK 3.6.7."""


@pytest.mark.parametrize("name", DRAWN_BY_DCMTK)
def test_colours_are_those_that_dcmtk_draws(data_folder, name):
    """DCMTK's own conversion, palette and JPEG decoder, within what rounding does."""
    means, places = DRAWN_BY_DCMTK[name]
    (image,) = loading.describe(str(data_folder / SETS[0] / name)).images
    with loading.open_entry(entry_of(image)) as volume:
        volume.wait(20)
        shown = colours_of(volume)[0].copy()
    assert shown.reshape(-1, 3).mean(axis=0) == pytest.approx(means, abs=0.6)
    for place, colour in places.items():
        assert shown[place].tolist() == pytest.approx(colour, abs=2)


def test_what_is_not_shown_is_on_the_list(found):
    images, catalogue, _ = found
    entries = entries_of(catalogue)
    for name, image in images.items():
        if not image.get("rows") or name in entries:
            continue
        assert name in NOT_SHOWN or image.get("decode") == "no pixel data", name
        assert NOT_SHOWN.get(name, "") in reason(catalogue, name)
        assert reason(catalogue, name), name


def test_the_list_holds_nothing_that_could_be_shown(found):
    images, _, _ = found
    for name in NOT_SHOWN.keys() & images.keys():
        assert images[name].get("decoded") is None


def test_pixels_of_one_bit_that_no_other_decoder_unpacks(data_folder):
    """Three slices of a liver: every row is one run at most, as in the native file."""
    (name,) = WITHOUT_REFERENCE
    catalogue = loading.describe(str(data_folder / SETS[0] / name))
    (entry,) = entries_of(catalogue).values()
    pixels = pixels_of(entry)
    assert set(np.unique(pixels)) <= {0, 1}
    assert 0.1 < pixels.mean() < 0.2


def reason(catalogue, name: str) -> str:
    reasons = [one.reason for one in catalogue.skipped if Path(one.path).name == name]
    listed = [image.kind for image in catalogue.images if Path(image.path).name == name]
    return "; ".join(reasons + listed)
