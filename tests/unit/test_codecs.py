"""Headers of codestreams, the registry, coarse prefixes, and the child for what is doubtful."""

from __future__ import annotations

import contextlib
import dataclasses
import struct
import subprocess
import sys
import threading
import time

import imagecodecs
import numpy as np
import pytest

from loading import codecs
from loading.codecs import child, htj2k, jpeg, jpeg2000, packets, registry, unraised
from loading.codecs.expected import Expected
from loading.errors import CorruptFrame, UnsupportedTransferSyntax
from tests.helpers.dicom_encodings import J2K, LOSSLESS


def picture(shape=(200, 240), dtype=np.uint16):
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    noise = np.random.default_rng(8).normal(0, 6, shape)
    return np.clip(120 + 90 * np.sin(x / 19) * np.cos(y / 13) + noise, 0, 255).astype(dtype)


def expected_of(pixels, **changes):
    bits = pixels.dtype.itemsize * 8
    facts = {
        "rows": pixels.shape[0],
        "columns": pixels.shape[1],
        "samples": 1,
        "allocated": bits,
        "stored": bits,
        "signed": pixels.dtype.kind == "i",
    }
    return Expected(**{**facts, **changes})


# -- headers that are like the last one ------------------------------------------------------------


def judged(data, expected):
    try:
        return jpeg2000.judge(data, expected, htj2k=True)
    except CorruptFrame as error:
        return str(error)


@pytest.fixture
def like_the_last():
    """Give two frames of one series, the first one judged already."""
    one, other = picture(), picture()[::-1].copy()
    streams = [imagecodecs.htj2k_encode(pixels, tlm=True, tilepart=1) for pixels in (one, other)]
    expected = expected_of(one)
    assert not jpeg2000.judge(streams[0], expected, htj2k=True).doubt
    return *streams, expected


def test_a_header_that_differs_in_lengths_alone_is_not_parsed_again(like_the_last, monkeypatch):
    first, second, expected = like_the_last
    facts = jpeg2000.judge(first, expected, htj2k=True)
    monkeypatch.setattr(jpeg2000, "parse_main_header", lambda _: pytest.fail("parsed"))
    assert first[:200] != second[:200]
    assert jpeg2000.judge(second, expected, htj2k=True) == facts
    with pytest.raises(CorruptFrame, match="ends early"):
        jpeg2000.judge(second[:-9], expected, htj2k=True)


def test_any_other_difference_is_judged_as_if_it_came_first(like_the_last):
    """E3: each byte of the header changed; what came before makes no difference."""
    first, second, expected = like_the_last
    end = second.index(b"\xff\x90")
    for at in range(end + 12):
        changed = second[:at] + bytes([second[at] ^ 0x41]) + second[at + 1 :]
        alone = judged(changed, dataclasses.replace(expected))
        jpeg2000.judge(first, expected, htj2k=True)
        assert judged(changed, expected) == alone, at
    smaller = dataclasses.replace(expected, rows=expected.rows - 1)
    assert "the header says" in judged(second, smaller)


@pytest.mark.parametrize("syntax", [J2K + "90", J2K + "92", J2K + "201"])
def test_what_changes_values_and_is_not_undone_is_refused(syntax):
    """E3: offsets, non-linear transforms, other wavelets (15444-2): decoders step over them."""
    pixels = picture((64, 64))
    stream = bytes(LOSSLESS[syntax if syntax in LOSSLESS else J2K + "90"](pixels))
    at = stream.index(b"\xff\x90")
    for marker in range(0xFF70, 0xFF80):
        segment = struct.pack(">HHHBB", marker, 6, 0, 0x8F, 3)
        with pytest.raises(CorruptFrame, match="no decoder here undoes"):
            codecs.decode(
                syntax,
                stream[:at] + segment + stream[at:],
                expected_of(pixels),
                np.empty_like(pixels),
            )


# -- coarse prefixes ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize("shape", [(256, 256), (513, 387), (33, 250), (700, 1024), (3, 5)])
@pytest.mark.parametrize("options", [{}, {"tlm": True, "tilepart": 1}], ids=["packets", "tlm"])
def test_the_bytes_up_to_a_level_hold_that_level(shape, dtype, options):
    """J1: from exactly so many bytes the reduced picture is that of the whole stream; not fewer."""
    pixels = picture(shape, dtype)
    stream = bytes(imagecodecs.htj2k_encode(pixels, reversible=True, **options))
    for level in (1, 2, 3, 5):
        end = htj2k.level_end(lambda count: stream[:count], expected_of(pixels), level)
        assert end is not None
        assert end < len(stream)
        whole = imagecodecs.htj2k_decode(stream, skipres=level)
        assert np.array_equal(imagecodecs.htj2k_decode(stream[:end], skipres=level), whole)
        # one look tells of all coarser ones, and of the next one once its header is there
        ends = htj2k.level_ends(stream[: end + 1024], expected_of(pixels), level - 1)
        assert ends[level] == end
        assert level - 1 in ends
        assert list(ends.values()) == sorted(ends.values())


def test_fewer_bytes_do_not_hold_the_level():
    pixels = picture((512, 512))
    stream = bytes(imagecodecs.htj2k_encode(pixels, reversible=True))
    end = htj2k.level_end(lambda count: stream[:count], expected_of(pixels), 3)
    assert end is not None
    whole = imagecodecs.htj2k_decode(stream, skipres=3)
    with contextlib.suppress(imagecodecs.Htj2kError):
        assert not np.array_equal(imagecodecs.htj2k_decode(stream[: end - 16], skipres=3), whole)


def test_only_the_first_bytes_are_asked_for():
    pixels = picture((512, 512))
    stream = bytes(imagecodecs.htj2k_encode(pixels, reversible=True))
    asked: list[int] = []

    def read(count: int) -> bytes:
        asked.append(count)
        return stream[:count]

    htj2k.level_end(read, expected_of(pixels), 3)
    assert max(asked) < len(stream) / 10


def test_a_coarse_picture_fills_the_whole_matrix():
    pixels = picture((512, 512))
    stream = bytes(imagecodecs.htj2k_encode(pixels, reversible=True))
    expected = expected_of(pixels)
    end = codecs.level_end(lambda count: stream[:count], expected, 3)
    out = np.zeros_like(pixels)
    codecs.decode_prefix(stream[:end], expected, out)
    assert np.abs(out.astype(float) - pixels).mean() < 15
    # In its place: shifted by a pixel of the coarse grid it fits worse.
    shifted = np.abs(np.roll(out, 8, axis=1).astype(float) - pixels).mean()
    assert np.abs(out.astype(float) - pixels).mean() < 0.5 * shifted


@pytest.mark.parametrize(
    "encode",
    [
        lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True, codecformat="j2k"),
        lambda a: imagecodecs.htj2k_encode(np.stack([a] * 3, axis=2), reversible=True),
        lambda a: imagecodecs.htj2k_encode(a, reversible=True, resolutions=2),
        lambda a: b"\xff\x4f\xff\x51" + bytes(60),
        lambda a: b"",
    ],
    ids=["not high throughput", "colour", "too few levels", "damaged", "empty"],
)
def test_where_the_end_is_not_known_nothing_is_offered(encode):
    pixels = picture()
    stream = bytes(encode(pixels))
    assert htj2k.level_end(lambda count: stream[:count], expected_of(pixels), 3) is None
    assert htj2k.level_ends(stream, expected_of(pixels), 3) == {}


def test_damaged_packet_headers_end_the_walk():
    """Whatever the bits say, the walk ends: with an offset, or the wish for more bytes."""
    pixels = picture((256, 256))
    stream = bytearray(imagecodecs.htj2k_encode(pixels, reversible=True))
    header = jpeg2000.parse_main_header(bytes(stream))
    start = header.first_tile_part + 14
    rng = np.random.default_rng(3)
    for _ in range(200):
        damaged = bytearray(stream[:3000])
        for at in rng.integers(start, 600, 5):
            damaged[at] = rng.integers(256)
        with contextlib.suppress(packets.PacketsEnd):
            assert packets.walk_resolutions(bytes(damaged), start, header, 2) > start


# -- what a codestream says -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [
        (J2K + "50", lambda a: imagecodecs.jpeg8_encode(a, level=85)),
        (J2K + "81", lambda a: imagecodecs.jpegls_encode(a, level=4)),
        (J2K + "91", lambda a: imagecodecs.jpeg2k_encode(a, level=40, codecformat="j2k")),
        # J5: an irreversible stream under a lossless UID
        (J2K + "90", lambda a: imagecodecs.jpeg2k_encode(a, level=40, codecformat="j2k")),
        (J2K + "201", lambda a: imagecodecs.htj2k_encode(a, reversible=False)),
    ],
    ids=["jpeg", "near-lossless", "jpeg 2000", "mislabelled jpeg 2000", "mislabelled htj2k"],
)
def test_loss_is_told_by_the_codestream(syntax, stream):
    """Q3: lossiness comes from the stream, whatever the label says."""
    pixels = picture(dtype=np.uint8)
    out = np.zeros_like(pixels)
    assert codecs.decode(syntax, bytes(stream(pixels)), expected_of(pixels), out).lossy
    assert np.abs(out.astype(int) - pixels).max() < 40


def test_a_jp2_file_in_a_fragment_is_unwrapped():
    pixels = picture()
    data = imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, codecformat="jp2")
    out = np.zeros_like(pixels)
    codecs.decode(J2K + "90", bytes(data), expected_of(pixels), out)
    assert np.array_equal(out, pixels)


@pytest.mark.parametrize("value", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("at", [8, 12, 16, 20, 24, 28])
def test_sizes_in_a_codestream_are_not_believed(at, value):
    """A size, an origin or a tile that does not fit the header is refused or tried apart."""
    pixels = picture()
    stream = bytearray(LOSSLESS[J2K + "90"](pixels))
    if int.from_bytes(stream[at : at + 4], "big") == value:
        return  # this is what it says already
    stream[at : at + 4] = value.to_bytes(4, "big")
    try:
        facts = codecs.inspect(J2K + "90", bytes(stream), expected_of(pixels))
    except CorruptFrame:
        return
    assert facts.doubt or at in (24, 28)


def test_a_jpeg_of_another_process_is_refused():
    pixels = picture(dtype=np.uint8)
    stream = bytes(imagecodecs.jpeg8_encode(pixels))
    with pytest.raises(CorruptFrame, match="process"):
        jpeg.judge(stream, expected_of(pixels), frozenset({jpeg.LOSSLESS}))


def test_a_signed_picture_of_fewer_bits_is_refused():
    """Without the sign's place in the stream the values cannot be known."""
    pixels = (picture() & 0xFFF).astype(np.uint16)
    stream = bytes(imagecodecs.jpegls_encode(pixels))
    facts = jpeg.judge(stream, expected_of(pixels), frozenset({jpeg.JPEG_LS}))
    if facts.depth < 16:
        with pytest.raises(CorruptFrame, match="sign"):
            jpeg.judge(stream, expected_of(pixels, signed=True), frozenset({jpeg.JPEG_LS}))


def test_an_rle_segment_that_ends_early_is_refused():
    """The library takes it for whole and leaves what was in the array before."""
    good = b"\x07" + bytes(range(8)) + b"\x00"  # eight bytes as they are, one for padding
    short = b"\x03" + bytes(range(4)) + b"\x00"
    pixels = np.zeros((2, 4), np.uint8)
    expected = expected_of(pixels)

    def frame(segment):
        return (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + segment

    codecs.decode("1.2.840.10008.1.2.5", frame(good), expected, pixels)
    assert pixels.ravel().tolist() == list(range(8))
    with pytest.raises(CorruptFrame):
        codecs.decode("1.2.840.10008.1.2.5", frame(short), expected, pixels)


def test_what_a_decoder_cannot_raise_is_raised(capfd):
    """E2: OpenJPH prints an error and gives a wrong picture; here it is a frame that failed."""
    pixels = np.random.default_rng(0).integers(0, 4096, (128, 128)).astype(np.uint16)
    stream = bytes(imagecodecs.htj2k_encode(pixels, reversible=True))
    at = stream.index(b"\xff\x90")
    cut = bytearray(stream[:9000])
    cut[at + 6 : at + 10] = (len(cut) - at).to_bytes(4, "big")  # the cut made to look whole
    out = np.zeros_like(pixels)
    with pytest.raises(CorruptFrame, match="ojph"):
        codecs.decode(J2K + "201", bytes(cut) + b"\xff\xd9", expected_of(pixels), out)
    told = capfd.readouterr()
    assert "Traceback" not in told.out + told.err
    assert not hasattr(sys, "last_traceback")


def test_errors_of_others_pass_through(monkeypatch):
    """Only errors inside a decode, in its own thread, are taken; the hooks pass on the rest."""
    with unraised.watched():
        pass
    seen = []

    class Breaks:
        def __del__(self):
            raise RuntimeError("elsewhere")

    def elsewhere():
        Breaks()

    monkeypatch.setattr(sys, "unraisablehook", lambda told: seen.append(str(told.exc_value)))
    monkeypatch.setattr(unraised, "_is_installed", False)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with unraised.watched():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert seen == ["elsewhere"]
    with pytest.raises(unraised.Unraised, match="elsewhere"), unraised.watched():
        elsewhere()
    assert seen == ["elsewhere"]


# -- the registry ---------------------------------------------------------------------------------


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda module: False)
    with pytest.raises(UnsupportedTransferSyntax) as raised:
        registry.decoders_for(J2K + "201", "a.dcm")
    message = str(raised.value)
    assert "imagecodecs or pylibjpeg-openjpeg" in message
    assert "a.dcm" in message


def test_an_unknown_syntax_is_named():
    with pytest.raises(UnsupportedTransferSyntax, match=r"1\.2\.3\.4\.5"):
        registry.decoders_for("1.2.3.4.5")


def test_the_second_decoder_takes_over(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda module: module == "openjpeg")
    pixels = picture()
    out = np.zeros_like(pixels)
    codecs.decode(J2K + "201", bytes(LOSSLESS[J2K + "201"](pixels)), expected_of(pixels), out)
    assert np.array_equal(out, pixels)


def test_nothing_is_imported_before_it_is_used():
    """The table of decoders costs no import of a library."""
    code = "import loading.codecs, sys; assert not {'imagecodecs', 'openjpeg'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- the child ------------------------------------------------------------------------------------


def test_a_doubtful_header_is_decoded_apart():
    """Styles by component are lawful and rare: the picture comes, by way of the child."""
    pixels = picture((64, 64))
    stream = bytes(LOSSLESS[J2K + "90"](pixels))
    at = stream.index(b"\xff\x5c")
    length = int.from_bytes(stream[at + 2 : at + 4], "big")
    style = stream[at + 4 : at + 2 + length]
    same_again = b"\xff\x5d" + (length + 1).to_bytes(2, "big") + b"\0" + style
    stream = stream[: at + 2 + length] + same_again + stream[at + 2 + length :]
    expected = expected_of(pixels)
    facts = codecs.inspect(J2K + "90", stream, expected)
    assert facts.doubt == "styles by component"
    out = np.zeros_like(pixels)
    codecs.decode(J2K + "90", stream, expected, out)
    assert np.array_equal(out, pixels)


def test_the_child_is_ended_when_it_takes_too_long(monkeypatch):
    monkeypatch.setattr(child, "TIMEOUT_S", 0.01)
    pixels = picture((64, 64))
    started = time.monotonic()
    with pytest.raises(CorruptFrame, match="busy"):
        child.decode(
            J2K + "90", bytes(LOSSLESS[J2K + "90"](pixels)), expected_of(pixels), 16, pixels
        )
    assert time.monotonic() - started < 10


def test_a_child_that_dies_is_a_frame_that_failed():
    pixels = picture((64, 64))
    with pytest.raises(CorruptFrame, match="gave up"):
        child.decode(J2K + "90", b"\xff\x4f rubbish", expected_of(pixels), 16, pixels)


def test_a_frozen_program_says_that_it_does_not_try(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    pixels = picture((64, 64))
    with pytest.raises(CorruptFrame, match="unusual"):
        child.decode(J2K + "90", b"", expected_of(pixels), 16, pixels)


# -- damaged frames -------------------------------------------------------------------------------

FUZZ = """
import sys, numpy as np
from loading import codecs
from loading.errors import LoadError
from tests.helpers.dicom_encodings import LOSSLESS
syntax, seed = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(seed)
pixels = rng.integers(0, 4096, (64, 64)).astype(np.uint16)
stream = bytes(LOSSLESS[syntax](pixels))
expected = codecs.Expected(64, 64, 1, 16, 12, False)
out, counts = np.zeros_like(pixels), {"refused": 0, "decoded": 0}
for round in range(150):
    damaged = bytearray(stream)
    low, high = (2, 160) if round % 3 == 0 else (120, len(stream))
    for at in rng.integers(low, high, rng.integers(1, 8)):
        damaged[at] = rng.integers(256)
    try:
        codecs.decode(syntax, bytes(damaged), expected, out)
        counts["decoded"] += 1
    except LoadError:
        counts["refused"] += 1
print(counts["refused"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("syntax", sorted(set(LOSSLESS) - {J2K + n for n in ("57", "92", "203")}))
def test_damaged_frames_never_end_the_process(syntax):
    """E2: bits changed in header and body: refused or decoded, no crash, no hang."""
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, syntax, "1"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert int(done.stdout.split()[-1]) > 10


def jpeg_ls(pixels, *, planar):
    """Encode colours side by side, or each in a scan of its own (ISO/IEC 14495-1 C.2.3, ILV 0)."""
    if not planar:
        return imagecodecs.jpegls_encode(pixels)
    streams = [bytes(imagecodecs.jpegls_encode(plane)) for plane in pixels]
    frame = streams[0].index(b"\xff\xf7")
    facts = streams[0][frame + 4 : frame + 9]
    parts = [b"\xff\xd8\xff\xf7\0\x11", facts, b"\3\1\x11\0\2\x11\0\3\x11\0"]
    for number, stream in enumerate(streams):
        at = stream.index(b"\xff\xda")
        parts += [stream[at : at + 5], bytes([number + 1]), stream[at + 6 : -2]]
    return b"".join([*parts, b"\xff\xd9"])


SAMPLES_APART = {
    "JPEG-LS": (J2K + "80", jpeg_ls),
    "JPEG 2000": (
        J2K + "90",
        lambda a, **way: imagecodecs.jpeg2k_encode(
            a, level=0, reversible=True, codecformat="j2k", mct=False, **way
        ),
    ),
    "HTJ2K": (
        J2K + "201",
        lambda a, **way: imagecodecs.htj2k_encode(a, reversible=True, rgb=False, **way),
    ),
}


@pytest.mark.parametrize("name", SAMPLES_APART)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("shape", [(3, 3, 3), (3, 5, 3), (11, 7, 3)])
def test_three_samples_come_side_by_side(name, dtype, planar, shape):
    """Also of a picture as wide and as high as it has samples, where planes look like rows."""
    syntax, encode = SAMPLES_APART[name]
    pixels = np.random.default_rng(2).integers(0, 250, shape).astype(dtype)
    laid = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if planar else pixels
    out = np.zeros_like(pixels)
    codecs.decode(syntax, bytes(encode(laid, planar=planar)), expected_of(pixels, samples=3), out)
    assert np.array_equal(out, pixels)
