"""Tables that metadata keep apart: values and colours over the line are those of the files."""

from __future__ import annotations

import json
import re

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut

import loading
from loading.sources.base import CancelToken
from loading.web import long_values, trouble
from loading.web.http import HttpClient
from loading.web.wado import forget_habits
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.pictures import colours_of, entry_of
from tests.helpers.web_server import Reply, WebServer

JSON = {"Content-Type": "application/dicom+json"}
OCTETS = {"Content-Type": "application/octet-stream"}
PARTS = {"Content-Type": 'multipart/related; type="application/octet-stream"; boundary=b7'}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    forget_habits()
    monkeypatch.setattr(trouble, "FIRST_PAUSE_S", 0.005)


class Archive:
    """Serve files; long values lie apart, where and how `form` says."""

    def __init__(self, paths, form):
        self.form = form
        self.values: dict[str, bytes] = {}
        self.asked: list[str] = []
        read = [pydicom.dcmread(path) for path in paths]
        self.datasets = {one.SOPInstanceUID: one for one in read}
        self.metadata = [self._told(one) for one in self.datasets.values()]

    def _told(self, dataset):
        def keep(element):
            name = f"{len(self.values)}.bin"
            self.values[name] = bytes(element.value)
            if self.form == "elsewhere":  # how servers behind a proxy call themselves
                return f"http://inside.invalid:8080/x/studies/1.2.3/bulkdata/{name}"
            return f"bulkdata/{name}"

        told = json.loads(dataset.to_json(bulk_data_threshold=512, bulk_data_element_handler=keep))
        told["00083002"] = {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]}
        return told

    def __call__(self, asked):
        if asked.path.endswith("/metadata"):
            return Reply(200, JSON, json.dumps(self.metadata).encode())
        if match := re.search(r"/bulkdata/(\d+\.bin)$", asked.path):
            self.asked.append(match[1])
            return self._value(self.values[match[1]])
        if match := re.search(r"/instances/([\d.]+)/frames/1$", asked.path):
            return Reply(200, OCTETS, self.datasets[match[1]].PixelData)
        return Reply(404)

    def _value(self, value):
        if self.form == "absent":
            return Reply(404)
        if self.form == "parts":
            head = b"--b7\r\nContent-Type: application/octet-stream\r\n\r\n"
            return Reply(200, PARTS, head + value + b"\r\n--b7--\r\n")
        return Reply(200, OCTETS, value)


FORMS = ["beside", "elsewhere", "parts"]


def with_table(folder):
    """Write a series whose stored values a table maps to others."""
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 16]
    table.ModalityLUTType = "US"
    table.LUTData = (np.arange(4096) ** 1.5 / 8).astype("<u2").tobytes()
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    return write_series(folder, phantom((4, 24, 20)), RescaleSlope=None, RescaleIntercept=None,
                        ModalityLUTSequence=[table], StudyInstanceUID="1.2.3",
                        SeriesInstanceUID="1.2.3.4")  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_modality_tables_are_fetched(tmp_path, form):
    paths = with_table(tmp_path)
    with loading.open_volume(str(tmp_path)) as volume:
        volume.wait(20)
        wanted = volume.array.copy()
    assert wanted.max() > 4095, "the table was used"
    with (
        WebServer(Archive(paths, form)) as server,
        loading.open_volume(f"{server.url}/studies/1.2.3/series/1.2.3.4") as volume,
    ):
        volume.wait(20)
        assert not volume.failures
        assert np.array_equal(volume.array, wanted)


def test_a_table_that_cannot_be_had_is_told(tmp_path):
    paths = with_table(tmp_path)
    with WebServer(Archive(paths, "absent")) as server:
        catalogue = loading.describe(f"{server.url}/studies/1.2.3/series/1.2.3.4")
    (entry,) = catalogue.volumes
    assert "value_ignored" in {one.code for one in entry.spec.warnings}


def test_tables_have_a_bound_together(tmp_path, monkeypatch, caplog):
    """Four tables of 8192 bytes, room for two: the others stay apart, and the log says so once."""
    monkeypatch.setattr(long_values, "_MOST_TOGETHER", 20_000)
    archive, client = Archive(with_table(tmp_path), "beside"), HttpClient()
    with WebServer(archive) as server:
        base = f"{server.url}/studies/1.2.3"
        told = [(one, base) for one in archive.metadata]
        found = long_values.put_in(told, client, CancelToken())
        client.close()
    tables = [one["00283000"]["Value"][0]["00283006"] for one in found]
    assert sum("InlineBinary" in one for one in tables) == 2
    assert sum("BulkDataURI" in one for one in tables) == 2
    assert sum("too many bytes" in one.message for one in caplog.records) == 1


@pytest.mark.parametrize("form", FORMS)
def test_palettes_are_fetched_once_each(tmp_path, form):
    rng = np.random.default_rng(5)
    changes = {"SamplesPerPixel": 1, "PhotometricInterpretation": "PALETTE COLOR",
               "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "Modality": "US",
               "SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "ImagePositionPatient": None,
               "ImageOrientationPatient": None, "StudyInstanceUID": "1.2.3",
               "SeriesInstanceUID": "1.2.3.4"}  # fmt: skip
    for name in ("Red", "Green", "Blue"):
        changes[f"{name}PaletteColorLookupTableDescriptor"] = [300, 0, 16]
        table = rng.integers(0, 65535, 300, dtype=np.uint16)
        changes[f"{name}PaletteColorLookupTableData"] = table.astype("<u2").tobytes()
    numbers = rng.integers(0, 255, (1, 16, 20), dtype=np.uint8)
    (path,) = write_series(tmp_path, numbers, **changes)
    dataset = pydicom.dcmread(path)
    archive = Archive([path], form)
    with WebServer(archive) as server:
        catalogue = loading.describe(f"{server.url}/studies/1.2.3/series/1.2.3.4")
        (image,) = catalogue.images
        with loading.open_entry(entry_of(image)) as volume:
            volume.wait(20)
            assert not volume.failures
            shown = colours_of(volume)[0]
    assert np.array_equal(shown, apply_color_lut(dataset.pixel_array, dataset) >> 8)
    assert sorted(archive.asked) == ["0.bin", "1.bin", "2.bin"]
