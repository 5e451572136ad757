"""What is published is what was there: values, labels, lists, for every kind of source."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import UID, RLELossless

from loading import LoadError, NotFound
from loading.codecs import encode
from loading.dicom.json_model import JsonHeaders
from loading.dicom.reader import HeaderReader
from loading.publish import Alternate, Recipe, publish
from loading.publish.recipe import ALTERNATES, ENCODINGS
from loading.publish.renditions import reduce
from tests.helpers.dicom_encodings import J2K, LOSSLESS, NATIVE, encode_file, set_codestreams
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.published import frame, part_of, read_json, series_folders, value

SYNTAX = {"htj2k": "202", "jls": "80", "j2k": "90"}
SMALL = (3, 40, 28)


def published(tmp_path, recipe=None, **options):
    done = publish([str(tmp_path / "in")], tmp_path / "tree", recipe, **options)
    (folder,) = series_folders(tmp_path / "tree")
    return done, folder, read_json(folder / "metadata.gz")


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("signed", [False, True])
def test_every_encoding_gives_the_values_back(tmp_path, name, signed):
    stored = phantom(SMALL)
    if signed:
        stored = (stored.astype(np.int16) - 1024).astype(np.int16)
    write_series(
        tmp_path / "in", stored, PixelRepresentation=int(signed), BitsStored=16, HighBit=15
    )
    done, folder, entries = published(tmp_path, Recipe(ENCODINGS[name]))
    assert (done.frames, done.instances, done.kept, done.failed) == (3, 3, 0, [])
    syntax = "1.2.840.10008.1.2.1" if name == "as-is" else J2K + SYNTAX[name]
    for entry, plane in zip(entries, stored, strict=True):
        assert value(entry, "00083002") == syntax
        np.testing.assert_array_equal(frame(folder, entry, 1), plane)


@pytest.mark.parametrize("syntax", [*LOSSLESS, *NATIVE.values(), "1.2.840.10008.1.2.5"])
def test_every_source_encoding_is_published(tmp_path, syntax):
    """P1: what comes out is HTJ2K, or what it was where that is HTJ2K already."""
    stored = phantom(SMALL)
    for path in write_series(tmp_path / "in", stored):
        encode_file(path, syntax)
    _, folder, entries = published(tmp_path)
    for entry, plane in zip(entries, stored, strict=True):
        assert value(entry, "00083002") == J2K + "202"
        np.testing.assert_array_equal(frame(folder, entry, 1), plane)


def test_a_frame_that_is_progressive_already_keeps_its_bytes(tmp_path):
    paths = write_series(tmp_path / "in", phantom(SMALL))
    for path in paths:
        encode_file(path, J2K + "202")
    done, folder, entries = published(tmp_path)
    assert done.kept == 0
    for path, entry in zip(paths, entries, strict=True):
        (data,) = pydicom.encaps.generate_frames(
            pydicom.dcmread(path).PixelData, number_of_frames=1
        )
        at = folder / "instances" / value(entry, "00080018") / "frames" / "1.mht"
        assert part_of(at)[2].rstrip(b"\0") == data.rstrip(b"\0")
        assert value(entry, "00280101") == 12, "nothing was encoded, so nothing is relabelled"


def test_labels_follow_the_codestream(tmp_path):
    """12 bits go into codestreams of 16: Bits Stored says 16, or the two would contradict."""
    write_series(tmp_path / "in", phantom(SMALL))
    _, folder, entries = published(tmp_path)
    entry = entries[0]
    assert (value(entry, "00280101"), value(entry, "00280102")) == (16, 15)
    kind, syntax, _ = part_of(folder / "instances" / value(entry, "00080018") / "frames" / "1.mht")
    assert (kind, syntax) == ("image/jphc", J2K + "202")
    assert entry["7FE00010"]["BulkDataURI"] == f"instances/{value(entry, '00080018')}/frames"
    assert value(entry, "00080005") == "ISO_IR 192"


def test_one_tile_part_a_resolution_with_their_lengths(tmp_path):
    write_series(tmp_path / "in", phantom((1, 128, 96)))
    _, folder, (entry,) = published(tmp_path)
    data = part_of(folder / "instances" / value(entry, "00080018") / "frames" / "1.mht")[2]
    assert encode.is_progressive(data)
    assert data.count(b"\xff\x90\x00\x0a") == 6


def write_colour(folder, planar=0, compress=False):
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 255, (20, 24, 3), dtype=np.uint8)
    (path,) = write_series(folder, np.zeros((1, 20, 24), np.uint8), BitsAllocated=8, BitsStored=8,
                           HighBit=7)  # fmt: skip
    dataset = pydicom.dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = planar
    cells = np.moveaxis(rgb, -1, 0) if planar else rgb
    dataset.PixelData = np.ascontiguousarray(cells).tobytes()
    if compress:
        dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    return rgb


@pytest.mark.parametrize(
    ("options", "name"),
    [*itertools.product(({}, {"planar": 1}, {"compress": True}), ("htj2k", "jls", "j2k"))],
)
def test_colours_are_published(tmp_path, options, name):
    rgb = write_colour(tmp_path / "in", **options)
    _, folder, (entry,) = published(tmp_path, Recipe(ENCODINGS[name]))
    assert value(entry, "00280004") == "RGB", "which every viewer understands"
    assert value(entry, "00083002") == J2K + ("90" if name == "j2k" else "80")
    assert value(entry, "00280006") == 0
    np.testing.assert_array_equal(frame(folder, entry, 1), rgb)


def test_multi_frame_objects_have_a_file_a_frame(tmp_path):
    stored = phantom((21, 32, 24))
    write_series(tmp_path / "in", stored[:1], NumberOfFrames=21)
    (path,) = (tmp_path / "in").iterdir()
    dataset = pydicom.dcmread(path)
    dataset.PixelData = stored.tobytes()
    dataset.save_as(path)
    done, folder, (entry,) = published(tmp_path)
    assert done.frames == 21
    assert value(entry, "00280008") == 21
    for number, plane in enumerate(stored, 1):
        np.testing.assert_array_equal(frame(folder, entry, number), plane)


def test_lossy_frames_stay_as_they_are(tmp_path):
    import imagecodecs

    stored = (phantom((1, 40, 32)) >> 4).astype(np.uint8)
    (path,) = write_series(tmp_path / "in", stored, BitsAllocated=8, BitsStored=8, HighBit=7)
    data = bytes(imagecodecs.jpeg8_encode(stored[0], level=80))
    set_codestreams(path, J2K + "50", [data])
    done, folder, (entry,) = published(tmp_path)
    assert done.kept == 1
    kind, syntax, kept = part_of(
        folder / "instances" / value(entry, "00080018") / "frames" / "1.mht"
    )
    assert (kind, syntax) == ("image/jpeg", J2K + "50")
    assert kept.rstrip(b"\0") == data.rstrip(b"\0")
    assert value(entry, "00083002") == J2K + "50"


def test_what_an_encoding_cannot_hold_stays_as_it_is(tmp_path):
    """32 bits do not go into JPEG-LS; nothing is published that was not proven."""
    stored = phantom((2, 16, 12)).astype(np.uint32) * 70_001
    write_series(tmp_path / "in", stored, BitsAllocated=32, BitsStored=32, HighBit=31)
    done, folder, entries = published(tmp_path, Recipe(ENCODINGS["jls"]))
    assert done.kept == 2
    for entry, plane in zip(entries, stored, strict=True):
        assert value(entry, "00083002") == "1.2.840.10008.1.2.1"
        np.testing.assert_array_equal(frame(folder, entry, 1), plane)


def test_an_encoder_that_errs_is_found_out(tmp_path, monkeypatch):
    """An encoder that changes one value: the frames are published as they were."""

    def wrong(plane, transform):
        plane = plane.copy()
        plane[0, 0] ^= 1
        return encode.HTJ2K.encode(plane, transform)

    stored = phantom(SMALL)
    write_series(tmp_path / "in", stored)
    broken = encode.Encoding("htj2k", encode.HTJ2K.syntax, "", wrong)
    done, folder, entries = published(tmp_path, Recipe(broken))
    assert done.kept == 3
    for entry, plane in zip(entries, stored, strict=True):
        assert value(entry, "00083002") == "1.2.840.10008.1.2.1"
        np.testing.assert_array_equal(frame(folder, entry, 1), plane)


@pytest.mark.parametrize("kind", ALTERNATES)
@pytest.mark.parametrize("is_thumbnail", [False, True])
def test_alternates_are_what_they_say(tmp_path, kind, is_thumbnail):
    stored = phantom((2, 66, 50)) * 7
    write_series(tmp_path / "in", stored, BitsStored=16, HighBit=15)
    recipe = Recipe(alternates=(Alternate("other", ALTERNATES[kind], is_thumbnail),))
    _, folder, entries = published(tmp_path, recipe)
    main, other = read_json(folder / "renditions.json.gz")
    told = other["attributes"]
    assert (main["name"], other["name"]) == ("frames", "other")
    lossy = "Lossless" not in kind
    for entry, plane in zip(entries, stored, strict=True):
        wanted = reduce(plane, 4) if is_thumbnail else plane
        shown = frame(folder, entry, 1, "other")
        assert list(shown.shape) == [value(told, "00280010"), value(told, "00280011")]
        difference = np.abs(shown.astype(int) - wanted.astype(int)).max()
        assert difference <= other["largestError"]
        assert (difference > 0) == lossy
        at = folder / "instances" / value(entry, "00080018") / "other" / "1.mht"
        assert part_of(at)[1] == value(told, "00083002")
    assert ("00282110" in told) == lossy
    if lossy:
        assert value(told, "00282110") == "01"
        assert value(told, "00282112") > 0
    if is_thumbnail:
        assert told["00280030"]["Value"] == [3.0, 2.0]
    assert "00282110" not in entries[0], "the frames themselves lost nothing"


def test_reduced_pictures_are_filtered_and_lie_where_wavelets_do():
    """P6: a blob's centre, by the rule sample n lies at n * 4, is where it was; stripes vanish."""
    j, i = np.mgrid[:128, :96].astype(float)
    blob = np.rint(3000 * np.exp(-((j - 61.3) ** 2 + (i - 40.7) ** 2) / 200)).astype(np.uint16)
    small = reduce(blob, 4).astype(float)
    assert small.shape == (32, 24)
    y, x = np.mgrid[:32, :24] * 4
    assert (y * small).sum() / small.sum() == pytest.approx(61.3, abs=0.03)
    assert (x * small).sum() / small.sum() == pytest.approx(40.7, abs=0.03)
    stripes = np.where(np.arange(128)[:, None] % 2, 0, 4000) * np.ones((1, 96), int)
    inner = reduce(stripes.astype(np.uint16), 4)[1:-1]
    assert inner.min() == inner.max() == 2000


def test_lists_for_searching(tmp_path):
    for number in range(2):
        write_series(
            tmp_path / "in" / str(number),
            phantom((2 + number, 16, 12)),
            StudyInstanceUID="1.2.3",
            SeriesNumber=number + 1,
            PatientName="M\xfcller^J\xf6rg",
            SpecificCharacterSet="ISO_IR 100",
            StudyDate="20240229",
        )
    tree = tmp_path / "tree"
    done = publish([str(tmp_path / "in")], tree)
    assert len(done.series) == 2
    (study,) = read_json(tree / "studies" / "index.json.gz")
    assert [study] == read_json(tree / "studies" / "1.2.3" / "index.json.gz")
    assert value(study, "00100010") == {"Alphabetic": "M\xfcller^J\xf6rg"}
    assert (value(study, "00201206"), value(study, "00201208")) == (2, 5)
    assert study["00080061"]["Value"] == ["CT"]
    entries = read_json(tree / "studies" / "1.2.3" / "series" / "index.json.gz")
    assert [value(one, "00200011") for one in entries] == [1, 2]
    assert [value(one, "00201209") for one in entries] == [2, 3]
    for folder in series_folders(tree):
        instances = read_json(folder / "instances" / "index.json.gz")
        assert [value(one, "00200013") for one in instances] == [*range(1, len(instances) + 1)], (
            "slices are in the order of their numbers"
        )
        assert (folder / "thumbnail").read_bytes()[:2] == b"\xff\xd8"
    assert (tree / "studies" / "1.2.3" / "thumbnail").is_file()


def test_long_values_are_kept_once(tmp_path):
    table = bytes(range(256)) * 16
    write_series(tmp_path / "in", phantom(SMALL), ICCProfile=table)
    _, folder, entries = published(tmp_path)
    uris = {entry["00282000"]["BulkDataURI"] for entry in entries}
    (uri,) = uris
    assert (folder.parents[1] / uri).read_bytes() == table


def test_long_values_that_repeat_are_kept_in_each_study(tmp_path):
    """A header is read by what the last one had; what lies aside has to lie aside for all."""
    for study in ("1.2.1", "1.2.2"):
        write_series(tmp_path / "in" / study, phantom(SMALL), StudyInstanceUID=study,
                     SeriesInstanceUID=f"{study}.1", ICCProfile=bytes(3000),
                     PatientID=lambda k: "P" * (1 + k % 2))  # fmt: skip
    publish([str(tmp_path / "in")], tmp_path / "tree")
    for folder in series_folders(tmp_path / "tree"):
        for k, entry in enumerate(read_json(folder / "metadata.gz")):
            kept = folder.parent.parent / entry["00282000"]["BulkDataURI"]
            assert kept.read_bytes() == bytes(3000)
            assert value(entry, "00100020") == "P" * (1 + k % 2)
            assert value(entry, "0020000D") == folder.parent.parent.name


def test_objects_without_pixels_are_published_too(tmp_path):
    (path,) = write_series(tmp_path / "in", phantom((1, 8, 8)))
    dataset = pydicom.dcmread(path)
    for tag in ("PixelData", "Rows", "Columns"):
        del dataset[tag]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(
        "1.2.840.10008.5.1.4.1.1.88.11"
    )
    dataset.save_as(path)
    done, folder, (entry,) = published(tmp_path)
    assert (done.frames, done.instances) == (0, 1)
    assert "7FE00010" not in entry
    assert not (folder / "renditions.json.gz").exists()


def test_what_cannot_be_published_is_named_and_the_rest_goes_on(tmp_path):
    paths = write_series(tmp_path / "in", phantom(SMALL))
    paths[1].write_bytes(paths[1].read_bytes()[:-500])
    (tmp_path / "in" / "notes.txt").write_text("nothing")
    done, _, entries = published(tmp_path)
    assert [(one.path, "ends early" in one.reason) for one in done.failed] == [
        (str(paths[1]), True)
    ]
    assert [one.path for one in done.skipped] == [str(tmp_path / "in" / "notes.txt")]
    assert len(entries) == 2


@pytest.mark.parametrize("uid", ["../../escape", "1.2/3", "..", "", "1" * 65, "a\\b"])
def test_no_path_is_made_of_a_wrong_uid(tmp_path, uid):
    (path,) = write_series(tmp_path / "in", phantom((1, 8, 8)))
    raw = path.read_bytes()
    old = str(pydicom.dcmread(path).StudyInstanceUID).encode()
    new = uid.encode().ljust(len(old), b"\0")[: len(old)]
    path.write_bytes(raw.replace(old, new))
    if len(uid) > 64:
        return
    with pytest.raises(NotFound, match="no usable UID"):
        publish([str(tmp_path / "in")], tmp_path / "tree")
    assert not (tmp_path / "escape").exists()


@pytest.mark.parametrize("name", ["frames", "../x", "", "Metadata", "a b", "x" * 40])
def test_names_of_alternates_are_plain(name):
    with pytest.raises(LoadError, match="cannot be the name"):
        Alternate(name, ALTERNATES["jhc"])


@pytest.mark.data
def test_real_files_come_back_as_an_independent_reader_reads_them(data_folder, tmp_path):
    """Every frame of real sets, decoded without Voxtide, against pydicom's own pixels."""
    names = ("02", "03", "04", "05", "06", "07", "10")
    sources = [str(one) for one in sorted(data_folder.iterdir()) if one.name[:2] in names]
    done = publish(sources, tmp_path / "tree")
    assert done.failed == []
    entries = {
        value(entry, "00080018"): (folder, entry)
        for folder in series_folders(tmp_path / "tree")
        for entry in read_json(folder / "metadata.gz")
    }
    compared = 0
    for source in sources:
        for path in sorted(Path(source).rglob("*")):
            if not path.is_file() or not pydicom.misc.is_dicom(path):
                continue
            dataset = pydicom.dcmread(path)
            if "PixelData" not in dataset or str(dataset.SOPInstanceUID) not in entries:
                continue
            folder, entry = entries[str(dataset.SOPInstanceUID)]
            try:
                pixels = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
            except RuntimeError as error:  # it has no decoder of its own for some
                if "missing dependencies" in str(error):
                    continue
                raise
            for number, plane in enumerate(pixels, 1):
                np.testing.assert_array_equal(frame(folder, entry, number), plane, str(path))
                compared += 1
    assert compared > 300
    assert done.total == done.frames


@pytest.mark.data
def test_headers_read_fast_are_those_that_pydicom_reads(data_folder):
    """Text by text, for every third real or malformed header that the fast road takes."""
    reader, taken = HeaderReader(), 0
    for path in sorted(data_folder.rglob("*"))[::3]:
        try:
            instance = reader.read_file(str(path))
        except LoadError:
            continue
        headers = JsonHeaders()
        fast = headers._fast(instance, lambda value: f"bulk {hash(value)}")
        if fast is not None:
            slow = JsonHeaders()._parsed(instance, lambda value: f"bulk {hash(value)}")
            assert fast == slow, path
            taken += 1
    assert taken > 120
