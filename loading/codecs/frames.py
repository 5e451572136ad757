"""Decode one frame: judge its header, choose a decoder, write into the array that is given.

Whatever a library raises becomes a CorruptFrame. A codestream with a header that no ordinary
encoder writes goes to a child process with a time-out, since a thread in native code cannot be
ended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from loading.codecs import child, htj2k, jpeg, jpeg2000, jpegxl, native, rle
from loading.codecs.expected import Expected, Facts
from loading.codecs.registry import SYNTAX_FAMILY, Frame, Row, decoders_for
from loading.codecs.unraised import Unraised, watched
from loading.errors import LoadError

_log = logging.getLogger(__name__)

_PROCESSES = {
    # Writers mix up baseline and extended; the decoder is the same.
    "jpeg": frozenset({jpeg.BASELINE, jpeg.EXTENDED}),
    "jpeg-progressive": frozenset({jpeg.BASELINE, jpeg.EXTENDED, jpeg.PROGRESSIVE}),
    "jpeg-lossless": frozenset({jpeg.LOSSLESS}),
    "jpeg-ls": frozenset({jpeg.JPEG_LS}),
}
_UNPACK = {
    "jpeg-2000": jpeg2000.strip_box,
    "htj2k": jpeg2000.strip_box,
    "jpeg-xl": jpegxl.codestream_of,
}
"""What takes a codestream out of the file that some writers put into the fragment."""


def inspect(syntax: str, data: bytes, expected: Expected) -> Facts:
    """Hold the head of a codestream against the DICOM attributes, without decoding.

    Raises
    ------
    UnsupportedTransferSyntax
        When no installed decoder takes it.
    CorruptFrame
        When it is not the picture that the header promises.
    """
    decoders_for(syntax, expected.name)
    return _judge(syntax, SYNTAX_FAMILY[syntax], data, expected)


def _judge(syntax: str, family: str, data: bytes, expected: Expected) -> Facts:
    if family == "rle":
        return rle.judge(data, expected)
    if family in _PROCESSES:
        return jpeg.judge(data, expected, _PROCESSES[family])
    if family == "jpeg-xl":
        return jpegxl.judge(syntax, data, expected)
    return jpeg2000.judge(data, expected, htj2k=family == "htj2k")


def decode(syntax: str, data: bytes, expected: Expected, out: Frame) -> Facts:
    """Decode a frame into `out`; tell what it was: whether values were lost, what its colours are.

    Parameters
    ----------
    out : array, shape `expected.shape`, dtype `expected.dtype`, C-contiguous

    Raises
    ------
    CorruptFrame, UnsupportedTransferSyntax
    """
    rows = decoders_for(syntax, expected.name)
    family = SYNTAX_FAMILY[syntax]
    facts = _judge(syntax, family, data, expected)
    unpack = _UNPACK.get(family)
    if unpack is not None:
        data = unpack(data)
    if facts.doubt:
        _log.debug("decoding apart: %s", facts.doubt)
        child.decode(syntax, data, expected, facts.depth, out)
        _give_sign(out, expected, facts)
        return facts
    last: Exception | None = None
    for row in rows:
        try:
            with watched():
                row.decode(data, out, facts.depth)
        except Unraised as error:
            # The bytes are damaged: a library that did not notice would give a wrong picture.
            raise _refused(expected, row, error) from error
        except Exception as error:
            last = last or error
        else:
            _give_sign(out, expected, facts)
            return facts
    raise _refused(expected, rows[0], last) from last


def _refused(expected: Expected, row: Row, error: Exception | None) -> LoadError:
    text = str(error).strip().splitlines()[0][:120] if error and str(error).strip() else "damaged"
    return expected.corrupt(f"The frame cannot be decoded ({row.library}: {text})")


def level_end(read_prefix: Callable[[int], bytes], expected: Expected, level: int) -> int | None:
    """Tell after how many bytes an HTJ2K frame can be shown reduced by 2**level; None: unknown.

    `read_prefix` gives the first so many bytes of the codestream.
    """
    return htj2k.level_end(read_prefix, expected, level)


def level_ends(head: bytes, expected: Expected, finest: int) -> dict[int, int]:
    """Tell where the levels of an HTJ2K frame end, down to a finest one, as far as `head` tells."""
    return htj2k.level_ends(head, expected, finest)


def decode_prefix(prefix: bytes, expected: Expected, out: Frame) -> None:
    """Decode the first bytes of an HTJ2K frame into a picture of full size.

    The caller has cut the prefix where a level ends (`level_end`): the decoder itself never says
    that something is missing.
    """
    facts = jpeg2000.judge(prefix, expected, htj2k=True, prefix=True)
    if facts.doubt:
        raise expected.corrupt(f"A coarse picture is not made of {facts.doubt}")
    try:
        with watched():
            native.htj2k_prefix(prefix, out, facts.depth)
    except Exception as error:
        raise expected.corrupt("The coarse picture cannot be decoded") from error
    _give_sign(out, expected, facts)


def _give_sign(out: Frame, expected: Expected, facts: Facts) -> None:
    """Read the top bit of a codestream's samples as their sign where the header says so.

    Where all bits that are stored were coded, the stored ones are read so later on.
    """
    if expected.signed and facts.lacks_sign and facts.depth < expected.stored:
        spare = out.dtype.type(8 * out.dtype.itemsize - facts.depth)
        np.left_shift(out, spare, out=out)
        np.right_shift(out, spare, out=out)
