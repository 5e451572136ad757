"""Damage to bytes of DICOM files that a property test draws."""

from __future__ import annotations

from hypothesis import strategies as st

TELLING = (
    b"\xff\xff\xff\xff",
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
    b"\xfe\xff\x0d\xe0\x00\x00\x00\x00",
    b"\xfe\xff\xdd\xe0\x00\x00\x00\x00",
    b"\x00\x52\x30\x92SQ\x00\x00\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x10\x00\x00\x00",
    b"\xe0\x7f\x10\x00",
    b"nan ",
    b"SQ\x00\x00",
    b"UN\x00\x00\xff\xff\xff\xff",
)
"""Delimiters, lengths and types that lead a parser astray."""


def damaged(data, seeds, start: int) -> bytes:
    """Draw one of the seeds with bytes changed, taken away or put in, from an offset on."""
    content = bytearray(data.draw(st.sampled_from(seeds)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(start, len(content) - 16))
        kind = data.draw(st.sampled_from(["change", "overwrite", "remove", "insert"]))
        if kind == "change":
            content[at] = data.draw(st.integers(0, 255))
        elif kind == "overwrite":
            part = data.draw(st.sampled_from(TELLING))
            content[at : at + len(part)] = part
        elif kind == "remove":
            del content[at : at + data.draw(st.sampled_from([1, 2, 4, 8, 40]))]
        else:
            part = st.one_of(st.sampled_from(TELLING), st.binary(min_size=1, max_size=8))
            content[at:at] = data.draw(part)
    return bytes(content)
