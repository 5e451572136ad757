"""What the fuzzer found, each as small as it gets and made by code, so that it stays mended."""

from __future__ import annotations

import zipfile

import pytest

import loading


def test_a_member_without_a_name_is_passed_over(tmp_path):
    """Found in "zip": an entry of the directory whose name is empty ended the opening."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"x" * 200)
    raw = path.read_bytes()
    at = raw.rfind(b"PK\1\2")
    size = int.from_bytes(raw[-10:-6], "little") - 1
    nameless = raw[at : at + 28] + b"\0\0" + raw[at + 30 : at + 46]
    end = raw[raw.rfind(b"PK\5\6") :]
    path.write_bytes(raw[:at] + nameless + end[:12] + size.to_bytes(4, "little") + end[16:])
    with pytest.raises(loading.NothingFound) as caught:
        loading.describe(str(path))
    assert [skipped.reason for skipped in caught.value.catalogue.skipped] == ["it has no name"]
