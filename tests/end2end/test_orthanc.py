"""Volumes out of a real Orthanc, held against oracles that are not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import loading
from tests.helpers.orthanc import Orthanc, files_of, orthanc, series_uid_of, why_not

ROOT = Path(__file__).resolve().parents[2]
SETS = {
    "01_ct_uncompressed_zip": "ct.zip",
    "05_siemens_mosaic": "epi_rl",
    "06_pet_suv_and_ct_pair": "pet_bqml",
    "07_jpeg2000_lossless": "ct",
    "08_jpegls_lossless": "ct",
    "09_jpeg_lossless_sv1": "ct",
    "10_rle": "mr",
}

pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "-"),
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory, data_folder):
    with orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        for name, part in SETS.items():
            server.store(files_of(data_folder / name / part))
        yield server


def expected(data_folder: Path, name: str, part: str) -> dict:
    cases = json.loads((data_folder / name / "oracle.json").read_text())["cases"]
    return next(case for case in cases if case["input"] == part)["volumes"][0]


def address(archive: Orthanc, data_folder: Path, name: str) -> str:
    uid = series_uid_of(files_of(data_folder / name / SETS[name])[0])
    return archive.series()[uid][1]


@pytest.mark.parametrize("name", SETS)
def test_a_series_of_orthanc_is_what_the_oracle_says(archive, data_folder, name):
    """H3, H10: Orthanc's media types are read, and its wants are met."""
    entry = loading.first_choice(loading.describe(address(archive, data_folder, name)))
    assert entry is not None
    volume = loading.open_entry(entry)
    try:
        assert volume.wait(120) is loading.LoadState.COMPLETE, volume.failures
        oracle = expected(data_folder, name, SETS[name])
        assert list(volume.spec.shape_kji) == oracle["shape_kji"]
        assert np.allclose(volume.spec.affine_lps, oracle["affine_lps"], atol=1e-3)
        if volume.spec.unit == oracle["unit"]:
            assert volume.digest(0).sha256 == oracle["sha256"]
        # a PET is shown as SUV, each slice with a slope of its own
        factor = oracle.get("suvbw_per_bqml", 1.0) if volume.spec.unit != oracle["unit"] else 1.0
        values = loading.values.meant(volume.stored(), volume.spec.value_map)
        for probe in oracle["probes"]:
            i, j, k = probe["ijk"]
            assert values[k, j, i] == pytest.approx(probe["value"] * factor, rel=1e-5, abs=1e-3)
    finally:
        volume.close()


def test_the_program_opens_an_address_and_writes_no_secret_down(
    archive, data_folder, display, tmp_path
):
    """The real program: the picture is there; a token in the address is in no file."""
    secret = "hunter2-not-to-be-found"
    plain = address(archive, data_folder, "07_jpeg2000_lossless")
    guarded = plain.replace("://", f"://anna:{secret}@") + f"?token={secret}"
    environment = {
        **os.environ,
        **{f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "CACHE")},
    }
    picture = tmp_path / "seen.png"
    done = subprocess.run(
        [sys.executable, "-m", "app", guarded, "--screenshot", str(picture)],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert picture.stat().st_size > 20_000
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".frame" for path in files)
    assert any(path.name == "voxtide.log" for path in files)
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    uids = [part for part in plain.split("/") if part.count(".") > 4]
    assert [path for path in files if any(uid in path.name for uid in uids)] == []
