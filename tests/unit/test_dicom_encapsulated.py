"""Frames in encapsulated pixel data: by fragment, by table, by what begins like a picture."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from loading.dicom.encapsulated import Fragment, frames_of, only_frame, read_frame
from loading.errors import CorruptFrame
from loading.sources.places import LocalFile

SOI = b"\xff\xd8\xff"


def item(value, claimed=None):
    length = len(value) if claimed is None else claimed
    return b"\xfe\xff\x00\xe0" + struct.pack("<L", length) + value


END = b"\xfe\xff\xdd\xe0\0\0\0\0"


@pytest.fixture
def place(tmp_path):
    def make(*parts):
        path = tmp_path / "pixels"
        path.write_bytes(b"header" + b"".join(parts))
        return LocalFile(str(path), path.stat().st_size, 0)

    return make


def contents(place, count):
    return [read_frame(place, frame) for frame in frames_of(place, 6, count)]


def test_one_frame_in_one_fragment(place):
    assert contents(place(item(b""), item(b"abcd"), END), 1) == [b"abcd"]


def test_one_frame_in_three_fragments(place):
    assert contents(place(item(b""), item(b"ab"), item(b""), item(b"cd"), item(b"ef"), END), 1) == [
        b"abcdef"
    ]


def test_a_fragment_for_each_frame(place):
    found = place(item(b""), item(b"ab"), item(b"cd"), item(b"ef"), END)
    assert contents(found, 3) == [b"ab", b"cd", b"ef"]


def test_the_table_says_where_frames_begin(place):
    table = struct.pack("<2L", 0, 20)
    found = place(item(table), item(b"ab"), item(b"cd"), item(b"ef"), END)
    assert contents(found, 2) == [b"abcd", b"ef"]


@pytest.mark.parametrize("table", [(0, 7), (4, 20), (20, 0), (0, 1 << 31)])
def test_a_wrong_table_is_not_believed(place, table):
    found = place(item(struct.pack("<2L", *table)), item(b"ab"), item(b"cd"), item(b"ef"), END)
    with pytest.raises(CorruptFrame, match="3 fragments do not divide into 2 frames"):
        contents(found, 2)


def test_without_a_table_a_frame_begins_like_a_picture(place):
    found = place(item(b""), item(SOI + b"a"), item(b"bb"), item(SOI + b"c"), END)
    assert contents(found, 2) == [SOI + b"abb", SOI + b"c"]


def test_a_missing_delimiter_is_let_pass(place):
    assert contents(place(item(b""), item(b"abcd")), 1) == [b"abcd"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((), "no fragment"),
        ((item(b""), END), "no fragment"),
        ((item(b""), item(b""), item(b""), END), "no fragment"),
        ((item(b""), item(b"ab", claimed=0x7FFFFFFE)), "ends early"),
        ((item(b""), item(b"ab"), b"rubbish!" * 3), "damaged"),
    ],
)
def test_what_is_damaged_is_refused(place, parts, message):
    with pytest.raises(CorruptFrame, match=message):
        contents(place(*parts), 1)


def test_many_small_fragments_are_read_in_stretches(place, monkeypatch):
    found = place(item(b""), *[item(b"ab")] * 50_000, END)
    reads = []
    read_at = LocalFile.read_at

    def counted(self, offset, count):
        reads.append(offset)
        return read_at(self, offset, count)

    monkeypatch.setattr(LocalFile, "read_at", counted)
    assert len(frames_of(found, 6, 50_000)) == 50_000
    assert len(reads) < 20


def test_a_frame_in_memory():
    assert only_frame(item(b"") + item(b"ab") + item(b"cd") + END, "a file") == b"abcd"
    with pytest.raises(CorruptFrame, match="a file"):
        only_frame(item(b"") + item(b"ab", claimed=9), "a file")


class Memory:
    """Bytes that are walked item by item, as those of a file are."""

    name = "a file"

    def __init__(self, data):
        self.data, self.size = data, len(data)

    def read_at(self, offset, count):
        return self.data[offset : offset + count]


def outcome(read):
    try:
        return read()
    except CorruptFrame as error:
        return str(error)


@pytest.mark.parametrize("table", [b"", bytes(4), bytes(8)])
def test_what_is_found_at_a_glance_is_what_a_walk_finds(table):
    """E3: with any byte of headers and delimiter changed, and cut anywhere."""
    data = item(table) + item(b"abcdefghijklmnop") + END
    changed = [
        data[:at] + bytes([value]) + data[at + 1 :]
        for at in range(len(data))
        for value in (0, 1, 8, 16, 0xE0, 0xFE)
    ]
    for one in [data, *changed, *(data[:end] for end in range(len(data)))]:
        walked = outcome(lambda: read_frame(Memory(one), frames_of(Memory(one), 0, 1)[0]))  # noqa: B023
        assert outcome(lambda: only_frame(one, "a file")) == walked  # noqa: B023


def test_offsets_count_from_the_beginning_of_the_file(place):
    assert frames_of(place(item(b""), item(b"abcd"), END), 6, 1) == [(Fragment(22, 4),)]


def cut(place, count):
    data = Path(place.name).read_bytes()[:-count]
    Path(place.name).write_bytes(data)
    return LocalFile(place.name, len(data), 0)


def lengths(place, count, **more):
    return [sum(part.length for part in frame) for frame in frames_of(place, 6, count, **more)]


def test_a_table_tells_which_frames_a_short_file_still_has(place):
    table = item(struct.pack("<3L", 0, 20, 30))
    parts = item(b"ab"), item(b"cd"), item(b"ef"), item(b"gh")
    whole = place(table, *parts, END)
    assert lengths(whole, 3) == [4, 2, 2]
    assert lengths(cut(whole, 10), 3) == [4, 2, 0]
    assert lengths(cut(place(table, *parts), 1), 3) == [4, 2, 0]
    assert lengths(cut(place(table, *parts), 11), 3) == [4, 0, 0]
    # Inside of the second fragment of the first frame: nothing is whole.
    assert lengths(cut(place(table, *parts), 21), 3) == [0, 0, 0]


def test_the_extended_table_does_so_too(place):
    starts = [0, 20, 30]
    found = place(item(b""), item(b"ab"), item(b"cd"), item(b"ef"), item(b"gh"))
    assert lengths(cut(found, 1), 3, extended=lambda: starts) == [4, 2, 0]
    assert lengths(place(item(b""), *[item(b"ab")] * 4, END), 3, extended=lambda: starts) == [
        4,
        2,
        2,
    ]


@pytest.mark.parametrize("starts", [(0, 20, 10), (0, 0, 20), (0, 10), (20, 30, 40), (0, 5, 20)])
def test_an_extended_table_that_lies_is_not_believed(place, starts):
    found = place(item(b""), *[item(b"ab")] * 4, END)
    with pytest.raises(CorruptFrame, match="do not divide"):
        frames_of(found, 6, 3, extended=lambda: starts)


def test_what_begins_like_a_picture_counts_more_than_a_table_that_lies(place):
    table = item(struct.pack("<2L", 0, 11))
    found = place(table, item(SOI + b"a"), item(SOI + b"b"), item(b"cc"), END)
    assert lengths(found, 2) == [4, 6]


def test_without_a_table_pictures_with_an_end_are_whole(place):
    end = b"\xff\xd9"
    parts = item(b""), item(SOI + b"a" + end), item(SOI + b"b"), item(b"c" + end + b"\0")
    assert lengths(place(*parts, item(SOI + b"dddd", claimed=64)), 3) == [6, 8, 0]
    assert lengths(place(*parts[:3], item(b"c", claimed=64)), 3) == [6, 0, 0]


def test_frames_of_one_fragment_each_are_counted(place):
    found = place(item(b""), item(b"ab"), item(b"cd"), item(b"ef", claimed=9))
    assert lengths(found, 4, one_each=True) == [2, 2, 0, 0]
    with pytest.raises(CorruptFrame, match="do not divide"):
        frames_of(found, 6, 4)


def test_frames_that_are_missing_in_a_whole_file_are_not_guessed(place):
    found = place(item(b""), item(b"ab"), item(b"cd"), END)
    with pytest.raises(CorruptFrame, match="do not divide"):
        frames_of(found, 6, 4, one_each=True)


def test_no_fragments_are_no_frame(place):
    with pytest.raises(CorruptFrame, match="ends early"):
        read_frame(place(item(b"")), ())
