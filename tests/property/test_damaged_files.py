"""Damaged files through the whole way, in this process: an error of ours or a picture, never else.

The native decoders have a test of their own in a process apart (`tests/unit/test_codecs.py`); here
are the encodings whose decoders are Python's and ours, and every header.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loading import CancelToken, LoadError, Request
from loading.files import describe
from tests.helpers.dicom_encodings import NATIVE, encode_file
from tests.helpers.dicom_series import phantom, write_series

MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MAX_BYTES = 1 << 20
"""The files have a few hundred bytes of pixels: nothing may be allocated for what they claim."""


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Give three slices in each of five encodings, and three with colours."""
    folder = tmp_path_factory.mktemp("originals")
    found = []
    for name, syntax in {**NATIVE, "rle": "1.2.840.10008.1.2.5"}.items():
        paths = write_series(folder / name, phantom((3, 12, 10)))
        for path in paths:
            if name != "explicit":
                encode_file(path, syntax)
        found.append([path.read_bytes() for path in paths])
    colours = phantom((3, 12, 10 * 3)).astype(np.uint8)
    for name, facts in COLOURS.items():
        stored = colours if facts["SamplesPerPixel"] == 3 else colours[..., :10].copy()
        paths = write_series(folder / name, stored, **{**BYTES, **facts})
        found.append([path.read_bytes() for path in paths])
    return found


BYTES = {"Columns": 10, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
TABLES = {
    f"{name}PaletteColorLookupTable{part}": value
    for name in ("Red", "Green", "Blue")
    for part, value in (("Descriptor", [256, 0, 8]), ("Data", bytes(range(256))))
}
COLOURS: dict[str, dict[str, Any]] = {
    "red, green and blue": {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 1,
    },
    "luminance and chroma": {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "YBR_FULL",
        "PlanarConfiguration": 0,
    },
    "palette": {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "PALETTE COLOR",
        **TABLES,
    },
}


@st.composite
def damages(draw):
    """Draw changes as (share of the length, what to do)."""
    kind = st.one_of(
        st.tuples(st.just("set"), st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("remove"), st.integers(1, 40)),
        st.tuples(st.just("insert"), st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("cut"), st.just(b"")),
    )
    return draw(st.lists(st.tuples(st.floats(0.05, 0.999), kind), max_size=5))


def damaged(data, changes):
    content = bytearray(data)
    for share, (kind, what) in changes:
        at = int(share * len(content))
        if kind == "set":
            content[at : at + len(what)] = what
        elif kind == "remove":
            del content[at : at + what]
        elif kind == "insert":
            content[at:at] = what
        else:
            del content[at:]
    return bytes(content)


@MANY
@given(st.data())
def test_a_damaged_folder_is_described_and_read_or_refused(tmp_path_factory, originals, data):
    """E3: whatever is in the files, only LoadErrors come out, and no file is lost."""
    folder = tmp_path_factory.mktemp("damaged")
    series = data.draw(st.sampled_from(originals))
    for number, content in enumerate(series):
        (folder / f"{number}.dcm").write_bytes(damaged(content, data.draw(damages())))
    try:
        found = describe([str(folder)])
    except LoadError:
        return
    stacked = sum(entry.spec.files for entry in found.volumes)
    assert stacked + len(found.images) + len(found.skipped) == len(series)
    offered = [(entry.spec, entry.open) for entry in found.volumes]
    offered += [(image.spec, image.open) for image in found.images if image.spec and image.open]
    for spec, opened in offered:
        assert spec.size_bytes < MAX_BYTES
        read_all(spec, opened())


def read_all(spec, source):
    """Read every chunk; what cannot be read is a LoadError."""
    assert np.isfinite(spec.affine_lps).all()
    assert abs(np.linalg.det(spec.affine_lps[:3, :3])) > 0
    for chunk in spec.chunks():
        out = np.empty(spec.read_shape(), spec.dtype)
        with contextlib.suppress(LoadError):
            request = Request(chunk, source.renditions(chunk)[-1])
            assert source.read(request, out, CancelToken()).status.is_final
    source.close()
