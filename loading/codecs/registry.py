"""Which decoder takes which transfer syntax: one table, nothing imported before it is used.

Each row names the library, the module it needs and a function that writes a frame into an array.
The first row whose library is there is taken; the error names all that were looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loading.codecs import native
from loading.errors import UnsupportedTransferSyntax

Frame = npt.NDArray[np.generic]
Decode = Callable[[bytes, Frame, int], None]

_J2K = "1.2.840.10008.1.2.4."
SYNTAX_FAMILY = {
    "1.2.840.10008.1.2.5": "rle",
    _J2K + "50": "jpeg",
    _J2K + "51": "jpeg",
    _J2K + "53": "jpeg-progressive",
    _J2K + "55": "jpeg-progressive",
    _J2K + "57": "jpeg-lossless",
    _J2K + "70": "jpeg-lossless",
    _J2K + "80": "jpeg-ls",
    _J2K + "81": "jpeg-ls",
    _J2K + "90": "jpeg-2000",
    _J2K + "91": "jpeg-2000",
    _J2K + "92": "jpeg-2000",
    _J2K + "93": "jpeg-2000",
    _J2K + "110": "jpeg-xl",
    _J2K + "111": "jpeg-xl",
    _J2K + "112": "jpeg-xl",
    _J2K + "201": "htj2k",
    _J2K + "202": "htj2k",
    _J2K + "203": "htj2k",
}
"""Transfer syntax UID to family of codecs."""


class Row(NamedTuple):
    """One decoder of one family."""

    family: str
    library: str
    module: str
    decode: Decode


ROWS: list[Row] = [
    Row("rle", "imagecodecs", "imagecodecs", native.rle),
    Row("jpeg", "imagecodecs", "imagecodecs", native.jpeg),
    Row("jpeg-progressive", "imagecodecs", "imagecodecs", native.jpeg),
    Row("jpeg-lossless", "imagecodecs", "imagecodecs", native.jpeg_lossless),
    Row("jpeg-ls", "imagecodecs", "imagecodecs", native.jpeg_ls),
    Row("jpeg-2000", "imagecodecs", "imagecodecs", native.jpeg_2000),
    Row("jpeg-2000", "pylibjpeg-openjpeg", "openjpeg", native.openjpeg),
    Row("htj2k", "imagecodecs", "imagecodecs", native.htj2k),
    Row("htj2k", "pylibjpeg-openjpeg", "openjpeg", native.openjpeg),
    Row("jpeg-xl", "imagecodecs", "imagecodecs", native.jpeg_xl),
]


@cache
def is_installed(module: str) -> bool:
    """Tell whether a module can be imported, without importing it."""
    return find_spec(module) is not None


def decoders_for(syntax: str, name: str = "") -> list[Row]:
    """Give the installed decoders of a transfer syntax, best first.

    Raises
    ------
    UnsupportedTransferSyntax
        Naming the libraries that would do, when none is there.
    """
    family = SYNTAX_FAMILY.get(syntax)
    rows = [row for row in ROWS if row.family == family]
    installed = [row for row in rows if is_installed(row.module)]
    if installed:
        return installed
    if not rows:
        raise UnsupportedTransferSyntax(
            f"Pictures of transfer syntax {syntax or '(none given)'} cannot be decoded", where=name
        )
    libraries = " or ".join(row.library for row in rows)
    raise UnsupportedTransferSyntax(
        f"{family} pictures ({syntax}) cannot be decoded", where=name, cure=f"Install {libraries}"
    )


def register(row: Row, *, first: bool = False) -> None:
    """Add a decoder, behind the present ones of its family or before them."""
    ROWS.insert(0 if first else len(ROWS), row)
