"""Every row of the registry keeps the contract of decoders."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import get_frame
from pydicom.uid import RLELossless

from loading import codecs
from loading.codecs import registry
from tests.contracts.decoder_contract import DecoderContract
from tests.helpers.dicom_encodings import J2K, LOSSLESS


class TestRle(DecoderContract):
    syntax, library = "1.2.840.10008.1.2.5", "imagecodecs"

    def encode(self, pixels):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.SOPInstanceUID = "1.2.3"
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
        dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
        dataset.compress(RLELossless, pixels, generate_instance_uid=False)
        return get_frame(dataset.PixelData, 0, number_of_frames=1)

    @pytest.mark.parametrize("changes", [{"samples": 3}])
    def test_another_picture_than_promised_is_refused(self, pixels, changes):
        # RLE does not say its size; a frame of the wrong one fails in the decoder.
        super().test_another_picture_than_promised_is_refused(pixels, changes)


class _Encoded(DecoderContract):
    def encode(self, pixels):
        return bytes(LOSSLESS[self.syntax](pixels))


class TestJpegLossless(_Encoded):
    syntax, library = J2K + "57", "imagecodecs"


class TestJpegLosslessFirstOrder(_Encoded):
    syntax, library = J2K + "70", "imagecodecs"


class TestJpegLs(_Encoded):
    syntax, library = J2K + "80", "imagecodecs"


class TestJpeg2000(_Encoded):
    syntax, library = J2K + "90", "imagecodecs"


class TestJpeg2000ByOpenjpeg(_Encoded):
    syntax, library = J2K + "90", "pylibjpeg-openjpeg"


class TestJpegXl(_Encoded):
    syntax, library = J2K + "110", "imagecodecs"


class TestHtj2k(_Encoded):
    syntax, library = J2K + "201", "imagecodecs"


class TestHtj2kWithTileParts(_Encoded):
    syntax, library = J2K + "202", "imagecodecs"


class TestHtj2kByOpenjpeg(_Encoded):
    syntax, library = J2K + "201", "pylibjpeg-openjpeg"


def test_every_row_is_held_to_the_contract():
    """JPEG of these families is lossy; `test_codecs` and `test_dicom_colour` have it."""
    cases: list[type[DecoderContract]] = [TestRle, *_Encoded.__subclasses__()]
    tested = {(registry.SYNTAX_FAMILY[case.syntax], case.library) for case in cases}
    assert tested == {(row.family, row.library) for row in registry.ROWS} - {
        ("jpeg", "imagecodecs"),
        ("jpeg-progressive", "imagecodecs"),
    }


def test_a_frame_of_signed_cells_comes_back():
    pixels = np.arange(-100, 100, dtype=np.int16).reshape(10, 20)
    expected = codecs.Expected(10, 20, 1, 16, 16, signed=True)
    for syntax in (J2K + "90", J2K + "201"):
        out = np.zeros_like(pixels)
        codecs.decode(syntax, bytes(LOSSLESS[syntax](pixels)), expected, out)
        assert np.array_equal(out, pixels)
