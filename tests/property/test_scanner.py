"""The scanner and pydicom never disagree: where the scanner answers, pydicom says the same."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from loading.dicom import tags
from loading.dicom.parse import parse
from loading.dicom.reader import HeaderReader
from loading.dicom.scan import NeedMore, walk
from loading.errors import LoadError
from tests.helpers.damage import damaged
from tests.helpers.dicom_encodings import encode_file
from tests.helpers.dicom_series import phantom, write_series

MANY = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def scanned(data):
    """Give what the scanner says of a whole file, or None."""
    layout = walk(data, len(data))
    if layout is None:
        return None
    values = {
        tag: b"1" if tag in tags.PRESENCE_TAGS else data[start:end].strip(b" \0")
        for tag, (start, end) in layout.values.items()
    }
    return (
        layout.syntax,
        {tag: value for tag, value in values.items() if value},
        layout.pixel_tag,
        layout.offset,
        layout.length,
    )


def parsed(data):
    """Give what pydicom says, in the same form; the reason when it refuses."""
    try:
        found = parse(lambda offset, count: data[offset : offset + count], len(data), "a file")
    except LoadError as error:
        return str(error)
    values = {tag: value.strip(b" \0") for tag, value in found.values.items()}
    return (
        found.syntax,
        {tag: value for tag, value in values.items() if value},
        found.pixel_tag,
        found.offset,
        found.length,
    )


def assert_agree(data):
    """Hold the one against the other; give whether the scanner was sure."""
    answer = scanned(data)
    if answer is not None:
        assert answer == parsed(data)
    return answer is not None


@pytest.mark.data
def test_all_data(data_folder):
    """Every file of the data folder: sure or not, never wrong; most of them sure."""
    sure = total = 0
    for path in sorted(data_folder.rglob("*")):
        if path.is_file() and path.stat().st_size < 4 << 20:
            data = path.read_bytes()
            if data[128:132] == b"DICM":
                total += 1
                sure += assert_agree(data)
    assert total > 500
    assert sure > 0.85 * total


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Give heads of small files in several encodings, cut behind the beginning of the pixels."""
    folder = tmp_path_factory.mktemp("seeds")
    paths = write_series(
        folder,
        phantom((4, 8, 8)),
        ReferencedImageSequence=lambda k: Sequence([_item(), _item()]),
        SpecificCharacterSet="ISO_IR 100",
        ImageComments="a text between",
    )
    encode_file(paths[1], "1.2.840.10008.1.2")
    encode_file(paths[2], "1.2.840.10008.1.2.5")
    return [path.read_bytes() for path in paths]


def _item():
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    return item


@MANY
@given(st.data())
def test_mutated_files(seeds, data):
    """Bytes changed, taken away or put in: agree, or leave it to pydicom."""
    try:
        assert_agree(damaged(data, seeds, 128))
    except NeedMore:
        pytest.fail("the whole file was there")


ELEMENTS = st.sampled_from(
    [
        (0x00080060, "CS", "MR"),
        (0x00081030, "LO", "a study"),
        (0x00100010, "PN", "Doe^Jane"),
        (0x00180050, "DS", "1.25"),
        (0x00200013, "IS", "17"),
        (0x00200032, "DS", ["1", "2", "3.5"]),
        (0x00280010, "US", 8),
        (0x00280011, "US", 8),
        (0x00281053, "DS", "0.5"),
        (0x00091010, "OB", b"\0\1\2\3"),
        (0x00091020, "UN", b"\xfe\xff\x00\xe0"),
        (0x00209113, "UT", "a long text " * 5),
    ]
)


@st.composite
def datasets(draw, depth=2):
    """Make data sets with sequences in sequences, of defined and undefined length."""
    dataset = Dataset()
    for tag, vr, value in draw(st.lists(ELEMENTS, max_size=6, unique_by=lambda e: e[0])):
        dataset.add(DataElement(tag, vr, value))
    if depth and draw(st.booleans()):
        items = draw(st.lists(datasets(depth=depth - 1), max_size=3))
        for item in items:
            item.is_undefined_length_sequence_item = draw(st.booleans())
        dataset.add(DataElement(0x00081140, "SQ", Sequence(items)))
        dataset[0x00081140].is_undefined_length = draw(st.booleans())
    return dataset


@MANY
@given(datasets(), st.booleans())
def test_made_files(dataset, implicit):
    """Files of every nesting, explicit and implicit: the scanner reads them, as pydicom does."""
    dataset.PixelData = bytes(64)
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    stream = io.BytesIO()
    dataset.save_as(stream, implicit_vr=implicit, little_endian=True, enforce_file_format=True)
    assert assert_agree(stream.getvalue())


@MANY
@given(st.integers(132, 2000), st.integers(1, 64))
def test_a_short_head_is_asked_for_more(seeds, first, step):
    """A head of any length leads to the same answer, or to the wish for more."""
    data = seeds[0]
    whole, size = walk(data, len(data)), first
    while True:
        try:
            assert walk(data[:size], len(data)) == whole
            break
        except NeedMore as more:
            size = min(max(more.wanted, size + step), len(data))


def test_files_of_one_layout_are_recognised(tmp_path):
    """The template gives of each file what a fresh reading of that file gives."""
    paths = write_series(
        tmp_path,
        phantom((40, 4, 4)),
        RescaleSlope=lambda k: str(1 + k % 3),
        InstanceNumber=lambda k: 10 ** (k % 4),
        PatientName=lambda k: "A" if k < 20 else "B",
    )
    reader = HeaderReader()
    for _ in range(2):
        for path in paths:
            learned = reader.read_file(str(path))
            fresh = HeaderReader().read_file(str(path))
            assert learned.own == fresh.own
            assert learned.shared.raw == fresh.shared.raw
            assert learned[3:] == fresh[3:]


def test_a_template_never_hides_another_layout(tmp_path):
    """Files of one size whose bytes shift inside are told apart."""
    paths = write_series(
        tmp_path,
        phantom((6, 4, 4)),
        StudyID=lambda k: "1" * (2 + 2 * (k % 2)),
        AccessionNumber=lambda k: "2" * (4 - 2 * (k % 2)),
    )
    for number, path in enumerate(paths):  # UIDs made by chance have all lengths
        dataset = pydicom.dcmread(path)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.{number}")
        dataset.save_as(path)
    assert len({path.stat().st_size for path in paths}) == 1
    reader = HeaderReader()
    for path in paths:
        learned, fresh = reader.read_file(str(path)), HeaderReader().read_file(str(path))
        assert (learned.own, learned.shared.raw) == (fresh.own, fresh.shared.raw)


def test_long_headers_are_read_on(tmp_path):
    """A header beyond the first 8 KB, with a private block, is still the scanner's."""
    path = write_series(tmp_path, phantom((1, 4, 4)))[0]
    dataset = pydicom.dcmread(path)
    block = dataset.private_block(0x0009, "VENDOR", create=True)
    block.add_new(0x10, "OB", bytes(100_000))
    dataset.save_as(path)
    instance = HeaderReader().read_file(str(path))
    assert instance.offset > 100_000
    assert assert_agree(Path(path).read_bytes())


@pytest.mark.parametrize("size", range(0, 132, 11))
def test_short_files_are_refused(tmp_path, size):
    path = tmp_path / "short"
    path.write_bytes((bytes(128) + b"DICM")[:size])
    with pytest.raises(LoadError):
        HeaderReader().read_file(str(path))
