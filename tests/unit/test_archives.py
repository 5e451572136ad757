"""ZIP archives: read in place, nothing extracted, nothing believed."""

from __future__ import annotations

import zipfile
import zlib

import numpy as np
import pytest

import loading
from loading.errors import LoadError
from loading.files import describe
from loading.sources.archives import open_archive
from tests.helpers.dicom_series import phantom, write_series


@pytest.fixture
def archive(tmp_path):
    def make(members, method=zipfile.ZIP_DEFLATED):
        path = tmp_path / "archive.zip"
        with zipfile.ZipFile(path, "w", method) as opened:
            for name, data in members:
                opened.writestr(name, data)
        return path

    return make


METHODS = pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])


@METHODS
def test_members_read_at_any_offset(archive, method):
    data = bytes(np.random.default_rng(1).integers(0, 9, 300_000).astype(np.uint8))
    ((member, reason),) = open_archive(str(archive([("deep/a.dcm", data)], method)))
    assert reason == ""
    assert member.size == len(data)
    for offset, count in ((0, 10), (150_000, 70_000), (299_990, 50), (300_000, 5)):
        assert member.read_at(offset, count) == data[offset : offset + count]
    buffer = np.zeros(5000, np.uint8)
    member.read_into(123_456, buffer)
    assert buffer.tobytes() == data[123_456:128_456]
    with pytest.raises(LoadError, match="ends early"):
        member.read_into(299_000, buffer)


@pytest.mark.parametrize(
    "name", ["../a.dcm", "/etc/passwd", "..\\..\\a.dcm", "a/../../b", "C:/x", "inner.zip"]
)
def test_names_that_climb_out_are_passed_over(archive, name):
    path = archive([(name, b"x" * 200)])
    ((member, reason),) = open_archive(str(path))
    assert reason
    assert member.name.startswith(str(path))


def test_a_check_sum_that_is_wrong_is_told(archive):
    path = archive([("a.dcm", b"abcdefgh" * 5000)])
    data = bytearray(path.read_bytes())
    crc = zlib.crc32(b"abcdefgh" * 5000).to_bytes(4, "little")
    while crc in data:
        at = data.index(crc)
        data[at : at + 4] = b"\1\2\3\4"
    path.write_bytes(bytes(data))
    ((member, _),) = open_archive(str(path))
    with pytest.raises(LoadError, match="check sum"):
        member.verify()
    with pytest.raises(LoadError, match="check sum"):
        member.read_into(0, np.zeros(100, np.uint8))


def test_a_claimed_size_costs_nothing(archive):
    """A member that says it becomes terabytes is passed over by arithmetic alone."""
    path = archive([("a.dcm", b"abcdefgh" * 50)])
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = b"\xfe\xff\xff\xff"
    path.write_bytes(bytes(data))
    ((_, reason),) = open_archive(str(path))
    assert reason == "it claims more bytes than can be in it"


def test_a_bomb_is_inflated_only_as_far_as_it_is_read(archive):
    """64 MiB of zeros: the head says that it is no DICOM object, the rest is left alone."""
    path = archive([("zeros.dcm", bytes(64 << 20))])
    assert path.stat().st_size < 100_000
    with pytest.raises(LoadError, match="not a DICOM object"):
        describe([str(path)])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_archive_is_refused(archive, share):
    path = archive([("a.dcm", bytes(range(256)) * 50)], zipfile.ZIP_STORED)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(LoadError, match="damaged"):
        describe([str(path)])


def test_other_compressions_and_links_are_named(tmp_path):
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("a.dcm", b"abc" * 99, zipfile.ZIP_BZIP2)
        link = zipfile.ZipInfo("link.dcm")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc/passwd")
    assert [reason for _, reason in open_archive(str(path))] == [
        "it is compressed in a way that is not read",
        "it is a link",
    ]


def test_an_archive_in_a_folder_is_named(tmp_path, archive):
    write_series(tmp_path / "series", phantom((3, 8, 8)))
    archive([("a.dcm", b"x" * 500)])
    found = describe([str(tmp_path)])
    assert len(found.volumes) == 1
    assert [item.reason for item in found.skipped] == ["This is a ZIP archive, not a DICOM object"]


def test_nothing_is_written_beside_the_archive(tmp_path, archive):
    series = write_series(tmp_path / "series", phantom((3, 8, 8)))
    path = archive(
        [("../../escape.dcm", series[0].read_bytes())]
        + [(f"x/{file.name}", file.read_bytes()) for file in series]
    )
    before = set(tmp_path.parent.rglob("*"))
    assert len(describe([str(path)]).volumes) == 1
    assert set(tmp_path.parent.rglob("*")) == before


def test_a_damaged_byte_of_a_stored_member_fails_its_slice(tmp_path, archive):
    """Nothing was compressed, and yet the archive knows: no wrong pixel is ever shown."""
    paths = write_series(tmp_path / "series", phantom((4, 16, 16)))
    path = archive([(file.name, file.read_bytes()) for file in paths], zipfile.ZIP_STORED)
    whole = bytearray(path.read_bytes())
    whole[whole.index(paths[2].read_bytes()[-100:]) + 50] ^= 0x40
    path.write_bytes(whole)
    with loading.open_entry(describe([str(path)]).volumes[0]) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE_WITH_FAILURES
        ((chunk, failure),) = volume.failures.items()
        assert chunk.index == 2
        assert "check sum" in failure.reason


def test_members_that_share_their_bytes_are_passed_over(archive):
    """A thousand names for one bomb would cost a thousand times its inflation."""
    data = b"abcdefgh" * 500
    path = archive([(f"{number}.dcm", data) for number in range(3)])
    with zipfile.ZipFile(path, "a") as opened:
        for info in opened.filelist:
            info.header_offset = 0
        opened.comment = b"written again"
    reasons = [reason for _, reason in open_archive(str(path))]
    assert reasons.count("it overlaps another member") == 2


def many_frames(folder, syntax="1.2.840.10008.1.2.1"):
    from tests.helpers.enhanced_objects import frame_groups, shared_groups, write_enhanced

    stored = phantom((40, 32, 32))
    frames = [frame_groups((0, 0, 2.0 * k)) for k in range(40)]
    path = write_enhanced(folder / "e.dcm", stored, frames, shared=shared_groups(), syntax=syntax)
    return path, stored


@pytest.fixture
def inflated(monkeypatch):
    """Count the bytes that are inflated."""
    from loading.sources import archives, places

    counted = [0]
    inflate = places.inflate_range

    def counting(*args):
        for part in inflate(*args):
            counted[0] += len(part)
            yield part

    monkeypatch.setattr(places, "inflate_range", counting)
    monkeypatch.setattr(archives, "inflate_range", counting)
    return counted


def test_frames_of_a_deflated_member_are_inflated_a_few_times_not_each(archive, tmp_path, inflated):
    path, stored = many_frames(tmp_path)
    (entry,) = describe([str(archive([("e.dcm", path.read_bytes())]))]).volumes
    inflated[0] = 0
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        assert np.array_equal(volume.stored(), stored)
    assert inflated[0] <= 5 * path.stat().st_size


def test_frames_of_a_deflated_object_are_inflated_a_few_times_not_each(tmp_path, inflated):
    path, stored = many_frames(tmp_path, "1.2.840.10008.1.2.1.99")
    (entry,) = describe([str(path)]).volumes
    inflated[0] = 0
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert np.array_equal(volume.stored(), stored)
    assert inflated[0] <= 5 * stored.nbytes


def test_what_is_kept_is_bounded_and_let_go(monkeypatch):
    from loading.sources import inflation

    monkeypatch.setattr(inflation, "LIMIT_BYTES", 1000)
    monkeypatch.setattr(inflation, "SMALL_BYTES", 0)
    before = inflation.kept_bytes()
    many = [inflation.Inflation() for _ in range(5)]
    for one in many:
        for _ in range(3):
            got = one.whole(400, 400, lambda most: b"x" * 400)
        assert got == b"x" * 400
    assert inflation.kept_bytes() <= 1000
    assert many[0].whole(1, 400, lambda most: b"y" * 400) == b"y" * 400
    large = inflation.Inflation()
    assert large.whole(1001, 1001, lambda most: b"x" * 1001) is None
    unknown = inflation.Inflation()
    for _ in range(4):
        assert unknown.whole(900, 0, lambda most: b"x" * (most + 1)) is None
    del many, one, large, unknown
    assert inflation.kept_bytes() <= before
