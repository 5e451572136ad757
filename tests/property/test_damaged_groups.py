"""Whatever is damaged in functional groups, CSA headers and tables: an answer, and no crash."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loading.dicom.describe import sort_out
from loading.dicom.elements import Damaged, DataSet
from loading.dicom.reader import HeaderReader
from loading.errors import LoadError
from loading.sources.base import CancelToken, Request
from loading.spec import ChunkKey
from tests.helpers.damage import damaged
from tests.helpers.dicom_series import phantom
from tests.helpers.enhanced_objects import frame_groups, one, shared_groups, write_enhanced

MANY = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LARGEST = 1 << 24


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Give enhanced objects in several encodings, two times and a table among them."""
    folder = tmp_path_factory.mktemp("seeds")
    stored = np.concatenate([phantom((3, 8, 6))] * 2)
    frames = [
        frame_groups(
            (0, 0, 2.0 * (n % 3)),
            rescale=(1, n),
            b_value=float(n // 3),
            StackID="1",
            TemporalPositionIndex=1 + n // 3,
            DimensionIndexValues=[1, 1 + n % 3, 1 + n // 3],
        )
        for n in range(6)
    ]
    dimensions = (0x00209056, 0x00209057, 0x00209128)
    forms: tuple[dict[str, Any], ...] = (
        {},
        {"syntax": "1.2.840.10008.1.2"},
        {"undefined_length": True},
        {"ModalityLUTSequence": one(LUTDescriptor=[2, 0, 16], LUTData=b"\0\0\1\0")},
    )
    paths = [
        write_enhanced(
            folder / f"{number}.dcm",
            stored,
            frames,
            shared=shared_groups(),
            dimensions=dimensions,
            **changes,
        )
        for number, changes in enumerate(forms)
    ]
    return [path.read_bytes() for path in paths]


@MANY
@given(st.data())
def test_damaged_groups_cost_little_and_raise_nothing(seeds, tmp_path, data):
    """E3: frames are placed, or the object is listed; never more than its bytes can hold."""
    path = tmp_path / "damaged.dcm"
    path.write_bytes(damaged(data, seeds, 132))
    try:
        found = sort_out([HeaderReader().read_file(str(path))])
    except LoadError:
        return
    assert found.volumes or found.images or found.skipped
    for entry in found.volumes:
        assert entry.spec.size_bytes < LARGEST
        _read_all(entry)


def _read_all(entry):
    """Read every slice of every point; what fails says why."""
    spec = entry.spec
    source = entry.open()
    reasons = []
    out = np.empty(spec.read_shape(), spec.dtype)
    for t in range(spec.time_points):
        for chunk in spec.chunks(t):
            rendition = source.renditions(chunk)[-1]
            try:
                source.read(Request(ChunkKey(t, 0, chunk.index), rendition), out, CancelToken())
            except LoadError as error:
                reasons.append(str(error))
    source.close()
    assert all(reasons)


@MANY
@given(
    st.binary(max_size=400),
    st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]),
)
def test_any_bytes_are_walked_to_an_end(raw, syntax):
    """An item loop without an end, a sequence deeper than any: told, and told soon."""
    found = DataSet(raw, syntax, len(raw))
    reason = "none"
    try:
        for element in found.top((0x52009229, 0x52009230)).values():
            for item in found.items(element):
                found.collect(item, (0x00200032,), (0x00209113,))
    except Damaged as error:
        reason = str(error)
    assert reason


def test_sequences_nested_without_end_are_refused():
    deep = b"\x00\x52\x30\x92SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 5000
    found = DataSet(deep, "1.2.840.10008.1.2.1", len(deep))
    with pytest.raises(Damaged, match="nested too deep"):
        found.top((0x52009230,))
