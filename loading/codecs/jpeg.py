"""The frame header of a JPEG or JPEG-LS codestream (ISO/IEC 10918-1 B.2, 14495-1 C.2), judged."""

from __future__ import annotations

from loading.codecs.expected import Expected, Facts, check_size

SOI, EOI, SOS, APP0, APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE
BASELINE, EXTENDED, PROGRESSIVE, LOSSLESS, JPEG_LS = 0xC0, 0xC1, 0xC2, 0xC3, 0xF7
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {JPEG_LS}
_NAMES = {JPEG_LS: "JPEG-LS", LOSSLESS: "lossless JPEG"}
_ALONE = frozenset({0x01, SOI, *range(0xD0, 0xD8)})
_MAX_SEGMENTS = 4096


class _Bad(ValueError):
    pass


def judge(data: bytes, expected: Expected, processes: frozenset[int]) -> Facts:
    """Hold a frame header against the DICOM attributes.

    Parameters
    ----------
    processes : frozenset of int
        Start-of-frame markers that the transfer syntax allows.

    Raises
    ------
    CorruptFrame
        When it is no such codestream, or not the picture that the header promises.
    """
    try:
        marker, frame, scan, applications = _headers(data)
    except (_Bad, IndexError) as error:
        raise expected.corrupt(
            f"The frame is no JPEG picture: {error or 'it ends early'}"
        ) from error
    what = _NAMES.get(marker, "JPEG")
    if marker not in processes:
        raise expected.corrupt(
            f"The frame is JPEG of process {marker - 0xC0}, which its transfer syntax excludes"
        )
    depth = frame[0]
    rows, columns = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    check_size(expected, rows, columns, frame[5], depth, what)
    if b"\xff\xd9" not in data.rstrip(b"\0")[-8:]:
        # Decoders fill in what is missing without a word, or search for it for seconds.
        raise expected.corrupt(f"The {what} picture ends early")
    if expected.signed and depth < expected.stored and marker in (LOSSLESS, JPEG_LS):
        raise expected.corrupt(
            f"The {what} picture has {depth} bits, the header {expected.stored} with a sign"
        )
    if marker == LOSSLESS:
        return Facts(False, depth)
    if marker == JPEG_LS:
        # After the component selectors of the scan header comes NEAR (C.2.3).
        return Facts(scan[1 + 2 * scan[0]] != 0, depth)
    doubt = "a progressive picture" if marker == PROGRESSIVE else ""
    return Facts(True, depth, doubt, colour=_colour(frame, applications))


def _colour(frame: bytes, applications: list[bytes]) -> str:
    """Tell what the components are, as far as the codestream says it.

    In this order: the transform that an Adobe segment names, chroma stored coarser than the rest,
    components called R, G, B, and the JFIF segment, which allows nothing but YBR. Headers say RGB
    of YBR codestreams often enough, encoders never write these marks into RGB ones.
    """
    if frame[5] != 3 or len(frame) < 15:
        return ""
    for segment in applications:
        if segment.startswith(b"Adobe") and len(segment) >= 12:
            return "ybr" if segment[11] else "rgb"
    sampling = {frame[at] for at in (7, 10, 13)}
    if len(sampling) > 1:
        return "ybr"
    if bytes(frame[at] for at in (6, 9, 12)) == b"RGB":
        return "rgb"
    return "ybr" if any(one.startswith(b"JFIF\0") for one in applications) else ""


def _headers(data: bytes) -> tuple[int, bytes, bytes, list[bytes]]:
    """Find frame header, first scan header and application segments; give marker and bodies."""
    if data[:2] != b"\xff\xd8":
        raise _Bad("it does not begin like one")
    at, marker_of, frame = 2, 0, b""
    applications: list[bytes] = []
    for _ in range(_MAX_SEGMENTS):
        if data[at] != 0xFF:
            raise _Bad("its header is damaged")
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker in _ALONE:
            at += 2
            continue
        if marker == EOI:
            raise _Bad("it holds no picture")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) < length - 2:
            raise _Bad("its header ends early")
        if marker in (APP0, APP14):
            applications.append(body[:16])
        if marker in _FRAMES:
            if frame or len(body) < 6:
                raise _Bad("its frame header is damaged")
            marker_of, frame = marker, body
        if marker == SOS:
            if not frame or len(body) < 4 or len(body) < 2 + 2 * body[0]:
                raise _Bad("its scan header is damaged")
            return marker_of, frame, body, applications
        at += 2 + length
    raise _Bad("its header does not end")
