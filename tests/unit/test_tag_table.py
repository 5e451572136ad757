"""The table of a header: whole, with sequences, and an error instead of an exception of others."""

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

import loading
from loading.dicom.tag_table import tag_rows
from loading.sources.places import LocalFile
from tests.helpers.dicom_series import phantom, write_series


def place(path):
    status = path.stat()
    return LocalFile(str(path), status.st_size, status.st_mtime_ns)


@pytest.fixture
def path(tmp_path):
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "T-D1100", "Head"
    return write_series(tmp_path / "s", phantom((2, 8, 8)), AnatomicRegionSequence=[item])[1]


def test_the_table_has_every_attribute_but_the_pixels(path):
    rows = tag_rows(place(path))
    dataset = dcmread(path)
    names = [row.name for row in rows if row.depth == 0]
    expected = [e.name for e in (*dataset.file_meta, *dataset) if e.keyword != "PixelData"]
    assert names == expected


def test_values_are_text_and_sequences_are_indented(path):
    rows = {row.name: row for row in tag_rows(place(path))}
    assert rows["Pixel Spacing"].value == "0.75\\0.5"
    assert rows["Anatomic Region Sequence"].value == "1 items"
    assert (rows["Code Meaning"].value, rows["Code Meaning"].depth) == ("Head", 1)


def test_a_volume_gives_the_tags_of_each_slice(tmp_path):
    write_series(tmp_path / "s", phantom((4, 8, 8)))
    volume = loading.open_volume(str(tmp_path / "s"))
    try:
        numbers = [
            next(row.value for row in volume.tags(k) if row.name == "Instance Number")
            for k in range(4)
        ]
        assert numbers == ["1", "2", "3", "4"]
    finally:
        volume.close()
        loading.volume_cache.clear(close=True)


def test_a_file_that_has_gone_is_a_load_error(path):
    gone = place(path)
    path.unlink()
    with pytest.raises(loading.LoadError):
        tag_rows(gone)


@pytest.mark.parametrize("cut", [0, 4, 130, 133, 200, 333])
def test_a_file_that_ends_early_is_a_table_or_a_load_error(path, cut):
    path.write_bytes(path.read_bytes()[:cut])
    try:
        rows = tag_rows(place(path))
    except loading.LoadError:
        return
    assert all(row.tag.startswith("(") for row in rows)
