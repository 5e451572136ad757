"""The transfer syntaxes: what a UID says about byte order, compression and loss."""

from __future__ import annotations

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_SPECTRAL = "1.2.840.10008.1.2.4.53"
JPEG_PROGRESSIVE = "1.2.840.10008.1.2.4.55"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
JPEG_2000_PART_2_LOSSLESS = "1.2.840.10008.1.2.4.92"
JPEG_2000_PART_2 = "1.2.840.10008.1.2.4.93"
JPEG_XL_LOSSLESS = "1.2.840.10008.1.2.4.110"
JPEG_XL_JPEG = "1.2.840.10008.1.2.4.111"
JPEG_XL = "1.2.840.10008.1.2.4.112"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
HTJ2K_RPCL = "1.2.840.10008.1.2.4.202"
HTJ2K = "1.2.840.10008.1.2.4.203"
ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"

NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG})
"""Pixels lie there as they are; in the deflated syntax after inflating the whole data set."""

WRAPPED = frozenset({ENCAPSULATED_UNCOMPRESSED, DEFLATED_FRAMES})
"""Each frame is one fragment of native samples, as they are or deflated (PS3.5 A.4.11, A.4.13)."""

ONE_FRAGMENT = WRAPPED | {RLE}
"""A frame is never divided into several fragments."""

HTJ2K_FAMILY = frozenset({HTJ2K_LOSSLESS, HTJ2K_RPCL, HTJ2K})
JPEG_XL_FAMILY = frozenset({JPEG_XL_LOSSLESS, JPEG_XL_JPEG, JPEG_XL})

NAMES = {
    IMPLICIT_LITTLE: "implicit little endian",
    EXPLICIT_LITTLE: "explicit little endian",
    DEFLATED: "deflated",
    EXPLICIT_BIG: "explicit big endian",
    RLE: "RLE",
    JPEG_BASELINE: "JPEG baseline",
    JPEG_EXTENDED: "JPEG extended",
    JPEG_SPECTRAL: "JPEG spectral selection",
    JPEG_PROGRESSIVE: "JPEG full progression",
    JPEG_LOSSLESS: "JPEG lossless",
    JPEG_LOSSLESS_SV1: "JPEG lossless, first-order prediction",
    JPEG_LS: "JPEG-LS lossless",
    JPEG_LS_NEAR: "JPEG-LS near-lossless",
    JPEG_2000_LOSSLESS: "JPEG 2000 lossless",
    JPEG_2000: "JPEG 2000",
    JPEG_2000_PART_2_LOSSLESS: "JPEG 2000 Part 2 lossless",
    JPEG_2000_PART_2: "JPEG 2000 Part 2",
    JPEG_XL_LOSSLESS: "JPEG XL lossless",
    JPEG_XL_JPEG: "JPEG XL, JPEG recompression",
    JPEG_XL: "JPEG XL",
    HTJ2K_LOSSLESS: "HTJ2K lossless",
    HTJ2K_RPCL: "HTJ2K lossless RPCL",
    HTJ2K: "HTJ2K",
    ENCAPSULATED_UNCOMPRESSED: "encapsulated uncompressed",
    DEFLATED_FRAMES: "deflated frame by frame",
}


_JPEG = "1.2.840.10008.1.2.4."
NOT_DECODED = {
    **{_JPEG + n: "arithmetic JPEG" for n in ("52", "54", "56", "58")},
    **{_JPEG + n: "hierarchical JPEG" for n in ("59", "60", "61", "62", "63", "64", "65", "66")},
    **{_JPEG + n: "JPIP" for n in ("94", "95", "204", "205")},
    **{_JPEG + n: "MPEG-2 video" for n in ("100", "100.1", "101", "101.1")},
    **{
        _JPEG + n + tail: "H.264 video"
        for n in ("102", "103", "104", "105", "106")
        for tail in ("", ".1")
    },
    **{_JPEG + n: "H.265 video" for n in ("107", "108")},
    **{"1.2.840.10008.1.2.7." + n: "live video or sound" for n in ("1", "2", "3")},
    **{"1.2.840.10008.1.2.6." + n: "text around an object" for n in ("1", "2")},
    "1.2.840.10008.1.20": "Papyrus 3",
}
"""Known, so that what is listed instead of shown has a name; no decoder of ours takes them."""


def is_encapsulated(uid: str) -> bool:
    """Tell whether pixels come as a sequence of fragments (PS3.5 A.4)."""
    return uid not in NATIVE


def name_of(uid: str) -> str:
    """Give the name for people, with the UID."""
    known = NAMES.get(uid) or NOT_DECODED.get(uid)
    return f"{known} ({uid})" if known else f"transfer syntax {uid or 'not given'}"
