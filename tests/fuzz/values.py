"""Values that break programs, by what stands in their place; shared by all grammars."""

from __future__ import annotations

import random
import re

NUMBERS = (
    b"0", b"-1", b"1", b"2", b"3", b"7", b"255", b"65535", b"65536", b"2147483647", b"4294967295",
    b"4294967296", b"9223372036854775808", b"999999999999999999999", b"1e400", b"-1e400", b"nan",
    b"inf", b"1e-320", b"0.0000001", b"0x10", b"1,5", b"", b" ", b"1e",
)  # fmt: skip
"""Numbers as text: none, too large, not finite, not quite."""

PATHS = (
    b"../escape", b"..", b"/etc/hostname", b"a/../../escape", b"C:\\escape", b"..\\escape",
    b"\0", b"con", b".", b"./x", b"//host/share", b"x" * 300,
)  # fmt: skip

BYTES = (
    *(
        b"\xff" * 4,
        bytes(4),
        b"\xff\xff\xff\x7f",
        b"\0\0\0\x80",
        b"\1\0\0\x80",
        b"\xfe\xff\xff\xff",
    ),
    *(b"\xff\xff", bytes(2), b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\0\0\xf0\x7f", b"\1\0\0\0"),
    *(b"\0\0\0\1", b"\xff" * 8, bytes(8), bytes(16), b"\x7f", b"\x80"),
)
"""Whole and floating-point numbers of two, four and eight bytes at the ends of what they hold."""

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z_0-9./-]*")


def scramble(data: bytes, rng: random.Random) -> bytes:
    """Change a few bytes anywhere, most often near the beginning, where headers are."""
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        if not content:
            break
        at = rng.randrange(min(len(content), rng.choice((64, 400, 4000, len(content)))))
        act = rng.randrange(7)
        if act == 0:
            content[at] = rng.randrange(256)
        elif act == 1:
            part = rng.choice(BYTES)
            content[at : at + len(part)] = part
        elif act == 2:
            del content[at : at + rng.choice((1, 2, 4, 8, 40))]
        elif act == 3:
            start = rng.randrange(len(content))
            content[at:at] = content[start : start + rng.choice((1, 4, 8, 64))]
        elif act == 4:
            content[at] ^= 1 << rng.randrange(8)
        elif act == 5:
            content[at:at] = rng.choice(BYTES)
        elif rng.random() < 0.3:
            del content[at:]
    return bytes(content)


def scramble_text(data: bytes, rng: random.Random) -> bytes:
    """Change numbers, words and lines of a text."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        lines = data.split(b"\n")
        act = rng.randrange(6)
        at = rng.randrange(len(lines))
        if act == 0:
            lines.insert(at, rng.choice(lines))
        elif act == 1 and len(lines) > 1:
            del lines[at]
        elif act == 2:
            lines[at] = _swap_match(_WORD, lines[at], rng.choice((*PATHS, *lines)), rng)
        else:
            lines[at] = _swap_match(_NUMBER, lines[at], rng.choice(NUMBERS), rng)
        data = b"\n".join(lines)
    return data


def _swap_match(pattern: re.Pattern[bytes], text: bytes, new: bytes, rng: random.Random) -> bytes:
    found = list(pattern.finditer(text))
    if not found:
        return text + new
    chosen = rng.choice(found)
    return text[: chosen.start()] + new + text[chosen.end() :]
