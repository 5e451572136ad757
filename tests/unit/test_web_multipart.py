"""Bodies in parts, as servers write them and as lines break them."""

import pytest

from loading.errors import BadResponse
from loading.web.messages import parameters
from loading.web.multipart import parts_of, syntax_in

PIXELS = bytes(range(256)) * 4
SYNTAX = "1.2.840.10008.1.2.4.202"


def body_of(*pixels, boundary="abc", end="\r\n", head="Content-Type: image/jphc", preamble=b""):
    parts = [
        f"--{boundary}{end}{head}; transfer-syntax={SYNTAX}{end}{end}".encode() + one + end.encode()
        for one in pixels
    ]
    return preamble + b"".join(parts) + f"--{boundary}--{end}".encode()


def only(content_type, body):
    (part,) = parts_of(content_type, body, is_whole=True)
    return bytes(body[part.start : part.stop]), part.syntax


@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/related; type="image/jphc"; boundary=abc',
        'Multipart/Related; boundary="abc"; type="application/octet-stream"',
        "multipart/related",
        "",
        "application/octet-stream",
    ],
)
@pytest.mark.parametrize("head", ["Content-Type: image/jphc", "content-type:image/jphc"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_part_is_found_with_and_without_a_boundary_in_the_header(content_type, head, end):
    """H2, S7: header case, LF alone, boundary in the header, quoted, absent."""
    assert only(content_type, body_of(PIXELS, end=end, head=head)) == (PIXELS, SYNTAX)


def test_a_preamble_is_stepped_over():
    """H2: text before the first delimiter is nobody's."""
    body = body_of(PIXELS, preamble=b"This is a preamble.\r\n")
    assert only("multipart/related; boundary=abc", body)[0] == PIXELS


@pytest.mark.parametrize("trap", [b"--abc", b"\r\n--abc", b"--abc--", b"\r\n--abcd\r\nx", b"\r\n"])
def test_the_boundary_inside_of_pixels_is_no_end(trap):
    """H2, T28: delimiter-like bytes inside the data do not cut it."""
    pixels = PIXELS + trap + PIXELS
    assert only("multipart/related; boundary=abc", body_of(pixels))[0] == pixels


def test_a_length_of_a_part_decides_when_it_fits():
    """H2: Content-Length per part, right and wrong."""
    trap = PIXELS + b"\r\n--abc\r\nContent-Type: x\r\n\r\n" + PIXELS
    right = body_of(trap, head=f"Content-Length: {len(trap)}\r\nContent-Type: image/jphc")
    assert only("multipart/related; boundary=abc", right)[0] == trap
    wrong = body_of(PIXELS, head="Content-Length: 7\r\nContent-Type: image/jphc")
    assert only("multipart/related; boundary=abc", wrong)[0] == PIXELS


def test_several_parts_come_in_their_order():
    """H2: a list of frames is one part each."""
    frames = [PIXELS, b"\r\n", b"12345"]
    body = body_of(*frames)
    parts = parts_of("multipart/related; boundary=abc", body, is_whole=True)
    assert [bytes(body[p.start : p.stop]) for p in parts] == frames


def test_every_truncation_is_noticed():
    """H2: cut anywhere, a whole body is refused, and one that still comes has no end yet."""
    body = body_of(PIXELS[:40])
    closing = len(body) - 2  # the last line end may be missing
    for cut in range(closing):
        with pytest.raises(BadResponse):
            parts_of("multipart/related; boundary=abc", body[:cut], is_whole=True)
        for part in parts_of("multipart/related; boundary=abc", body[:cut], is_whole=False):
            assert part.stop in (-1, part.start + 40)
            assert body[part.start : part.start + 5] == PIXELS[:5]
    assert only("multipart/related; boundary=abc", body[:closing])[0] == PIXELS[:40]


def test_a_syntax_inside_of_the_quoted_type_is_read():
    """H3: Orthanc writes the parameter into the quoted type."""
    value = (
        f'multipart/related; type="application/octet-stream; transfer-syntax={SYNTAX}"; boundary=x'
    )
    assert syntax_in(value) == SYNTAX
    assert parameters(value)["boundary"] == "x"
    assert syntax_in(f"image/jphc;transfer-syntax={SYNTAX}") == SYNTAX
    assert syntax_in("image/jphc; transfer-syntax=*") == ""


def test_a_single_part_is_the_body():
    """H4: what is not multipart is the frame itself, whatever it begins with."""
    for pixels in (PIXELS, b"--abc no header"):
        assert only(f"image/jphc; transfer-syntax={SYNTAX}", pixels) == (pixels, SYNTAX)
