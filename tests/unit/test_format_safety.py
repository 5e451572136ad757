"""Damaged and hostile files are refused with a reason, in bounded memory and time."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import loading
from tests.architecture.sources import ROOT
from tests.conftest import data_path
from tests.helpers import format_files as make
from tests.helpers.dicom_series import phantom, write_series
from tests.unit.test_format_geometry import codes, only_volume, read

MALFORMED = data_path() / "18_malformed_fuzz"


def cases() -> list[tuple[str, str]]:
    """Give path and expectation of the cases that are no DICOM."""
    manifest = MALFORMED / "manifest.json"
    if not manifest.is_file():
        return []
    return [
        (case["path"], case["expected"])
        for case in json.loads(manifest.read_text())["cases"]
        if case["path"].startswith(("nifti/", "other/")) or case["path"].endswith(".nii.gz")
    ]


REFUSED = ("refused with a reason, bounded memory", "skipped with a reason")
WARNED = {
    "slope taken as 1 with a warning, or refused": {"value_ignored"},
    "warning; no division by zero": {"spacing_assumed", "no_orientation"},
    "qform or a warning": {"value_ignored"},
}
REFUSED_OR_ASKED = ("refused or asked; never shown silently", "refused or asked")
PARTS = ("what is whole may be shown, marked", "ends; one page or refused")

MEASURED = """
import json, resource, sys
import loading
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
try:
    found = loading.describe(sys.argv[1])
    report = {
        "volumes": [[w.code for w in v.spec.warnings] for v in found.volumes],
        "images": [i.spec.shape_kji for i in found.images],
    }
    for entry in found.volumes:
        with loading.open_entry(entry) as volume:
            report["state"] = volume.wait(20).value
except loading.LoadError as error:
    report = {"refused": str(error)}
print(json.dumps(report))
"""


@pytest.mark.data
@pytest.mark.skipif(not cases(), reason="no test data (set VOXTIDE_DATA)")
@pytest.mark.parametrize(("path", "expected"), cases(), ids=[path for path, _ in cases()])
def test_malformed_files_of_other_formats(path, expected):
    """E4: each case does what its manifest expects, within 1 GiB of addresses and 20 seconds."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(MALFORMED / path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    if expected in WARNED:
        assert "refused" in report or set(report["volumes"][0]) & WARNED[expected]
    elif expected in PARTS:
        # a single page, or a reason: never a volume that pretends to be whole
        assert "refused" in report or (not report["volumes"] and len(report["images"]) == 1)
    else:
        assert expected in (*REFUSED, *REFUSED_OR_ASKED)
        assert report["refused"].count(": ") >= 1


NAMES = ["/etc/passwd", "../secret.raw", "sub/../../secret.raw", "C:\\secret.raw", "..\\secret.raw"]


@pytest.mark.parametrize("name", NAMES)
def test_data_files_outside_the_folder_are_not_opened(tmp_path, name):
    """T-path: neither NRRD nor MetaImage follows a name out of the header's folder."""
    inner = tmp_path / "inner"
    (inner / "sub").mkdir(parents=True)
    (tmp_path / "secret.raw").write_bytes(bytes(1000))
    head = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 4 4\nencoding: raw\n"
    (inner / "a.nhdr").write_text(f"{head}data file: {name}\n")
    (inner / "b.nhdr").write_text(f"{head}data file: LIST\n{name}\n{name}\n")
    meta = "ObjectType = Image\nNDims = 3\nDimSize = 4 4 4\nElementType = MET_UCHAR\n"
    (inner / "a.mhd").write_text(f"{meta}ElementDataFile = {name}\n")
    (inner / "b.mhd").write_text(f"{meta}ElementDataFile = LIST\n{name}\n{name}\n")
    for header in ("a.nhdr", "b.nhdr", "a.mhd", "b.mhd"):
        with pytest.raises(loading.LoadError, match=r"outside|not there"):
            loading.describe(str(inner / header))


def test_data_files_in_a_folder_below_are_opened(tmp_path):
    array = make.voxels((4, 4, 4), "uint8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.raw").write_bytes(array.tobytes())
    (tmp_path / "a.nhdr").write_text(
        "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 4 4\nencoding: raw\ndata file: data/a.raw\n"
    )
    _, found = read(tmp_path / "a.nhdr")
    assert np.array_equal(found, array)


def test_nrrd_without_byte_order_is_refused(tmp_path):
    path = make.write_nrrd(tmp_path / "a.nrrd", make.voxels(), [])
    path.write_bytes(path.read_bytes().replace(b"endian: little\n", b""))
    with pytest.raises(loading.LoadError, match="order of the bytes"):
        loading.describe(str(path))


def test_files_of_several_formats_lie_side_by_side(tmp_path):
    """Everything in a folder is found: DICOM, the formats beside it, and what is neither."""
    write_series(tmp_path / "ct", phantom())
    make.write_nifti(tmp_path / "head.nii.gz", make.voxels())
    make.write_itk(tmp_path / "scan.mhd", make.voxels())
    (tmp_path / "notes.txt").write_text("nothing to see")
    found = loading.describe(str(tmp_path))
    assert [v.spec.header.get("format", "DICOM") for v in found.volumes] == [
        "DICOM",
        "NIfTI",
        "MetaImage",
    ]
    assert {s.path.rsplit("/", 1)[1]: s.reason for s in found.skipped} == {
        "notes.txt": "This is not a DICOM object",
        "scan.raw": "It belongs to scan.mhd",
    }


def test_dicom_pays_for_no_other_format(tmp_path):
    """Libraries of other formats are imported when a file of their kind is met, not before."""
    write_series(tmp_path, phantom())
    (tmp_path / "notes.txt").write_text("nothing to see")
    code = (
        "import sys, loading; loading.describe(sys.argv[1]);"
        "heavy = {'nibabel', 'nrrd', 'tifffile', 'tensorstore', 'imagecodecs'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("ending", [".nii", ".nrrd", ".mha", ".tif", ".mgz", ".png"])
def test_garbage_with_a_known_ending_is_passed_over(tmp_path, ending):
    rng = np.random.default_rng(11)
    for seed in range(20):
        path = tmp_path / f"a{seed}{ending}"
        magic = {".nrrd": b"NRRD0005\n", ".tif": b"II*\0", ".png": b"\x89PNG\r\n\x1a\n"}
        path.write_bytes(magic.get(ending, b"") + rng.bytes(int(rng.integers(0, 2000))))
        with pytest.raises(loading.LoadError):
            loading.describe(str(path))


@pytest.mark.parametrize("position", range(0, 352, 4))
def test_any_four_bytes_of_a_nifti_header_may_be_damaged(tmp_path, position):
    """E4: whatever stands in the header, it opens with finite geometry or is refused."""
    path = make.write_nifti(tmp_path / "a.nii", make.voxels(), np.eye(4))
    raw = bytearray(path.read_bytes())
    for damage in (b"\xff\xff\xff\xff", b"\x00\x00\xc0\x7f", b"\x00\x00\x00\x80", bytes(4)):
        path.write_bytes(raw[:position] + damage + raw[position + 4 :])
        try:
            found = loading.describe(str(path))
        except loading.LoadError:
            continue
        for entry in found.volumes:
            assert np.isfinite(entry.spec.affine_lps).all()
            assert abs(np.linalg.det(entry.spec.affine_lps[:3, :3])) > 0
            assert entry.spec.size_bytes <= 8 * len(raw)


def test_a_volume_larger_than_memory_is_refused_with_both_numbers(tmp_path, monkeypatch):
    path = make.write_nifti(tmp_path / "a.nii", make.voxels(), np.eye(4))
    entry = only_volume(path)
    assert codes(entry.spec) == set()
    monkeypatch.setattr("loading.memory.free_bytes", lambda: 0)
    with pytest.raises(loading.TooLarge, match="needed"):
        loading.open_entry(entry)
