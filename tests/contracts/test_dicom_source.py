"""Every way a DICOM slice can be stored keeps the contract of sources."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from loading.errors import LoadError
from loading.files import describe
from tests.contracts.source_contract import SourceContract
from tests.helpers.dicom_encodings import LOSSLESS, NATIVE, encode_file
from tests.helpers.dicom_series import phantom, write_series

SHAPE = (5, 40, 48)


class DicomContract(SourceContract):
    """Write a series, prepare it, describe it."""

    changes: ClassVar[dict[str, object]] = {}

    def prepare(self, folder: Path) -> Path:
        """Turn the plain series in a folder into what is under test; give what is opened."""
        return folder

    def meant(self, stored: np.ndarray) -> np.ndarray:
        """Give what the array must hold."""
        return stored

    @pytest.fixture
    def stored(self):
        return phantom(SHAPE)

    @pytest.fixture
    def uri(self, tmp_path, stored):
        write_series(tmp_path / "series", stored, **self.changes)
        return self.prepare(tmp_path / "series")

    @pytest.fixture
    def entry(self, uri):
        (entry,) = describe([str(uri)]).volumes
        return entry

    @pytest.fixture
    def expected(self, stored):
        return self.meant(stored)

    @pytest.fixture
    def truncated(self, uri):
        def cut(share: float):
            files = [uri] if uri.is_file() else sorted(uri.iterdir())
            for path in files:
                data = path.read_bytes()
                path.write_bytes(data[: int(len(data) * share)])
            found = describe([str(uri)]).volumes
            return found[0] if found else None

        return cut


class TestPlain(DicomContract):
    pass


class TestColours(DicomContract):
    """Red, green and blue one beside the other: they go from the file into the volume."""

    changes: ClassVar[dict[str, object]] = {
        "Columns": SHAPE[2],
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
    }

    @pytest.fixture
    def stored(self):
        rng = np.random.default_rng(7)
        return rng.integers(0, 256, (*SHAPE[:2], SHAPE[2] * 3), np.uint8)

    def meant(self, stored):
        return stored.reshape(*SHAPE, 3)


class TestColoursInPlanes(TestColours):
    changes: ClassVar[dict[str, object]] = {**TestColours.changes, "PlanarConfiguration": 1}

    def meant(self, stored):
        return np.moveaxis(stored.reshape(SHAPE[0], 3, *SHAPE[1:]), 1, -1)


@pytest.mark.parametrize("name", [name for name in NATIVE if name != "explicit"])
class TestNative(DicomContract):
    @pytest.fixture
    def uri(self, tmp_path, stored, name):
        for path in write_series(tmp_path / "series", stored):
            encode_file(path, NATIVE[name])
        return tmp_path / "series"


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", *LOSSLESS])
class TestCompressed(DicomContract):
    @pytest.fixture
    def uri(self, tmp_path, stored, syntax):
        for path in write_series(tmp_path / "series", stored):
            encode_file(path, syntax)
        return tmp_path / "series"


class TestRescaledBySlice(DicomContract):
    """M2: where slope and intercept differ the array holds meant values, rounded once."""

    changes: ClassVar = {
        "RescaleSlope": lambda k: f"{0.37 + 0.011 * k:.3f}",
        "RescaleIntercept": lambda k: str(-k),
    }

    def meant(self, stored):
        slopes = np.array([float(f"{0.37 + 0.011 * k:.3f}") for k in range(len(stored))])
        offsets = -np.arange(len(stored), dtype=np.float64)
        values = stored * slopes[:, None, None] + offsets[:, None, None]
        return values.astype(np.float32)


class TestDirtyHighBits(DicomContract):
    """Bits above High Bit are not the sample's (PS3.3 C.7.6.3.1)."""

    @pytest.fixture
    def uri(self, tmp_path, stored):
        write_series(tmp_path / "series", stored | 0xA000)
        return tmp_path / "series"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
class TestArchive(DicomContract):
    @pytest.fixture
    def uri(self, tmp_path, stored, method):
        archive = tmp_path / "series.zip"
        with zipfile.ZipFile(archive, "w", method) as opened:
            for path in write_series(tmp_path / "series", stored):
                opened.write(path, f"deep/folder/{path.name}")
        return archive


class TestMixedBitsAndSigns(DicomContract):
    """M2: the type is the union over all slices."""

    changes: ClassVar = {
        "BitsStored": lambda k: 16 if k == 3 else 12,
        "HighBit": lambda k: 15 if k == 3 else 11,
        "PixelRepresentation": lambda k: 1 if k == 3 else 0,
    }

    def meant(self, stored):
        return stored.astype(np.int32)


def test_a_file_that_goes_away_is_an_error_of_ours(tmp_path):
    paths = write_series(tmp_path, phantom(SHAPE))
    (entry,) = describe([str(tmp_path)]).volumes
    source = entry.open()
    for path in paths:
        path.unlink()
    chunk = next(entry.spec.chunks())
    out = np.empty((1, *SHAPE[1:]), entry.spec.dtype)
    from loading import CancelToken, Request

    with pytest.raises(LoadError, match="no such file"):
        source.read(Request(chunk, source.renditions(chunk)[-1]), out, CancelToken())
