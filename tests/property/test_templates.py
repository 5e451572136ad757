"""A template never says anything else of a file than a walk of that file says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loading.dicom.reader import HeaderReader
from loading.errors import LoadError
from tests.helpers.dicom_series import phantom, write_series

FILES = 12


@pytest.fixture(scope="module")
def series(tmp_path_factory) -> list[bytes]:
    """Write files that differ in values and in the lengths of several elements."""
    paths = write_series(
        tmp_path_factory.mktemp("series"),
        phantom((FILES, 4, 4)),
        InstanceNumber=lambda k: 10 ** (k % 5),
        AccessionNumber=lambda k: "2" * (2 * (k % 3)),
        StudyID=lambda k: "1" * (2 + 2 * (k % 2)),
        RescaleSlope=lambda k: str(1 + k % 3),
        PatientName=lambda k: "A" if k % 4 else "Bee^Long",
    )
    return [path.read_bytes() for path in paths]


def told(reader: HeaderReader, path: Path):
    """Give all that a reader says of a file."""
    try:
        instance = reader.read_file(str(path))
    except LoadError as error:
        return str(error)
    return instance.own, instance.shared.syntax, instance.shared.raw, instance[3:]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_is_seen_as_without_a_template(series, tmp_path, data):
    """Whatever bytes of a header change, are cut out or put in: learned and fresh agree."""
    reader, path = HeaderReader(), tmp_path / "slice.dcm"
    order = data.draw(st.permutations(range(FILES)))
    for k in order[: data.draw(st.integers(1, FILES - 1))]:
        path.write_bytes(series[k])
        reader.read_file(str(path))
    content = bytearray(series[order[-1]])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(128, len(content) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "insert", "length"]))
        if kind == "change":
            content[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 40))]
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        else:
            content[at : at + 2] = b"\xff\xff"
        if len(content) < 200:
            break
    path.write_bytes(content)
    assert told(reader, path) == told(HeaderReader(), path)


def test_lengths_that_vary_become_joints(series, tmp_path):
    """All files of a series are soon recognised, in any order of their lengths."""
    reader, path = HeaderReader(), tmp_path / "slice.dcm"
    for content in [*series, *series[::-1]]:
        path.write_bytes(content)
        assert told(reader, path) == told(HeaderReader(), path)
    walked = reader._templates.copy()
    for content in series:
        path.write_bytes(content)
        reader.read_file(str(path))
    assert sorted(map(id, reader._templates)) == sorted(map(id, walked))
    assert any(template.joints for template in walked)
