"""The real program as a subprocess: what it prints, and with which status it ends."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.helpers.dicom_series import INTERCEPT, phantom, write_series

ROOT = Path(__file__).resolve().parents[2]


def voxtide(*words, **environment):
    """Run the program; give status, the JSON it printed (or None), and its errors."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    lines = done.stdout.strip().splitlines()
    if "--json" in words:
        assert len(lines) <= 1, "JSON is one line, and alone on standard output"
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(lines[0]) if lines and "--json" in words else None, done


@pytest.fixture(scope="module")
def stored():
    return phantom()


@pytest.fixture(scope="module")
def series(tmp_path_factory, stored):
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, stored)
    return folder


@pytest.fixture(scope="module")
def meant(stored):
    return (stored.astype(np.float64) + INTERCEPT).astype("<f4")


def test_a_window_without_a_screen_is_refused_in_one_line(series):
    no_screen = dict.fromkeys(
        ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_SESSION_TYPE"), ""
    )
    for words in ([series], ["demo"]):
        status, _, done = voxtide(*words, **no_screen)
        assert status == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith("voxtide: There is no screen")
        assert "voxtide snapshot" in line


def test_info(series, meant):
    status, report, _ = voxtide("info", series, "--json", "--checksum")
    assert status == 0
    (volume,) = report["volumes"]
    assert volume["shape_kji"] == [12, 48, 40]
    assert volume["spacing_ijk_mm"] == [0.5, 0.75, 2.0]
    assert volume["affine_lps"] == [[0.5, 0, 0, -10], [0, 0.75, 0, 5], [0, 0, 2, 0], [0, 0, 0, 1]]
    assert (volume["label"], volume["modality"], volume["unit"]) == ("Phantom", "CT", "HU")
    assert (volume["files"], volume["chunks"], volume["time_points"]) == (12, 12, 1)
    assert volume["path"] == str(series)
    assert volume["value_range"] == [float(meant.min()), float(meant.max())]
    assert volume["warnings"] == []
    assert volume["sha256"] == hashlib.sha256(meant.tobytes()).hexdigest()


def test_probe(series, meant):
    points = [("-10", "5", "0"), ("-5.1", "12.6", "8.9"), ("500", "0", "0")]
    words = [word for point in points for word in ("--lps", *point)]
    status, report, _ = voxtide("probe", series, *words, "--json")
    assert status == 0
    assert [p["ijk"] for p in report["probes"]] == [[0, 0, 0], [10, 10, 4]]
    assert [p["value"] for p in report["probes"]] == [meant[0, 0, 0], meant[4, 10, 10]]
    assert {(p["unit"], p["status"], p["volume"], p["time_point"]) for p in report["probes"]} == {
        ("HU", "full", 0, 0)
    }


@pytest.mark.parametrize("plan", ["coarse_first", "interleaved", "sequential"])
def test_load(series, meant, plan):
    status, report, _ = voxtide("load", series, "--json", "--checksum", "--plan", plan)
    assert status == 0
    assert report["failures"] == 0
    assert report["requests"] == 12
    assert report["bytes_read"] == 12 * 48 * 40 * 2
    assert report["sha256"] == hashlib.sha256(meant.tobytes()).hexdigest()
    assert 0 < report["first_ms"] <= report["full_ms"] <= report["total_ms"]
    assert report["coverage_ms"] <= report["own_ms"] <= report["quarter_ms"] <= report["full_ms"]
    assert len(report["sums"]) == 12
    assert report["metadata_ms"] > 0
    assert report["peak_rss_bytes"] > 0


def test_load_with_a_broken_slice(tmp_path, stored):
    paths = write_series(tmp_path, stored[:5])
    paths[2].write_bytes(paths[2].read_bytes()[:-100])
    status, report, done = voxtide("load", tmp_path, "--json")
    assert status == 0
    assert report["failures"] == 1
    assert "slice 3" in done.stderr
    assert paths[2].name in done.stderr


@pytest.mark.parametrize("name", ["out.nii.gz", "out.nii", "out.nrrd"])
def test_export(series, tmp_path, meant, name):
    """What was written is read back by an independent program."""
    sitk = pytest.importorskip("SimpleITK")
    status, _, done = voxtide("export", series, "-o", tmp_path / name)
    assert status == 0, done.stderr
    picture = sitk.ReadImage(str(tmp_path / name))
    assert np.array_equal(sitk.GetArrayFromImage(picture), meant)
    assert np.allclose(picture.GetOrigin(), (-10, 5, 0))
    assert np.allclose(picture.GetSpacing(), (0.5, 0.75, 2))
    assert np.allclose(picture.GetDirection(), np.eye(3).ravel())


def test_what_cannot_be_written_leaves_nothing(series, tmp_path):
    assert voxtide("export", series, "-o", tmp_path / "out.xyz")[0] == 1
    assert voxtide("export", series, "-o", tmp_path / "no" / "out.nii")[0] == 1
    assert not list(tmp_path.iterdir())


def test_errors_are_one_line_with_status_one(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture here")
    for words in (["info", "/nowhere"], ["info", tmp_path], ["load", tmp_path]):
        status, report, done = voxtide(*words, "--json")
        assert status == 1
        assert report is not None, "JSON comes with status 1 too"
        assert len(done.stderr.strip().splitlines()) == 1
        assert done.stderr.startswith("voxtide: ")
    _, report, _ = voxtide("info", tmp_path, "--json")
    assert report["skipped"][0]["path"].endswith("notes.txt")
    assert report["skipped"][0]["reason"]


@pytest.mark.parametrize(
    "words",
    [
        ["info"],
        ["probe", ".", "--lps", "1", "2"],
        ["probe", "."],
        ["snapshot", ".", "-o", "x.png", "--size", "wide"],
        ["--no-such-option"],
    ],
)
def test_wrong_usage_is_status_two_and_one_line(words):
    status, _, done = voxtide(*words)
    assert status == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("voxtide")


def test_an_unknown_plan_is_wrong_usage(series):
    status, _, done = voxtide("load", series, "--plan", "backwards")
    assert status == 2
    assert "coarse_first" in done.stderr


def test_volumes_are_chosen_by_number_and_label(tmp_path, stored):
    write_series(tmp_path / "a", stored[:4], SeriesDescription="Small")
    write_series(tmp_path / "b", stored, SeriesDescription="Large")
    by_default = voxtide("load", tmp_path, "--json")[1]
    small = voxtide("load", tmp_path, "--json", "--volume", "Small")[1]
    assert len({by_default["requests"], small["requests"]}) == 2
    assert small["requests"] == 4
    status, report, _ = voxtide("load", tmp_path, "--json", "--volume", "Other")
    assert status == 1
    assert "Large" in report["error"]
    assert voxtide("load", tmp_path, "--json", "--time", "3")[0] == 1


def test_json_has_no_nan(tmp_path):
    """A voxel that is no number is null: the line is JSON for every reader."""
    voxels = np.zeros((4, 4, 4), np.float32)
    voxels[1, 1, 1] = np.nan
    path = tmp_path / "a.nii"
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)
    status, report, done = voxtide("probe", path, "--lps", -1, -1, 1, "--json")
    assert status == 0
    assert "NaN" not in done.stdout
    assert [one["value"] for one in report["probes"]] == [None]
    assert voxtide("probe", path, "--lps", "nan", 0, 0, "--json")[1] == {"probes": []}


def test_a_name_that_the_terminal_does_not_have_is_still_listed(tmp_path, stored):
    write_series(
        tmp_path / "series", stored, SpecificCharacterSet="ISO_IR 192", SeriesDescription="Schädel"
    )
    status, _, done = voxtide("info", tmp_path / "series", PYTHONIOENCODING="ascii")
    assert status == 0
    assert r"Sch\xe4del" in done.stdout


@pytest.mark.parametrize("size", ["0x0", "-5x10", "99999999x9", "12", "axb"])
def test_a_size_that_is_none_is_wrong_usage(series, tmp_path, size):
    status, _, done = voxtide("snapshot", series, "-o", tmp_path / "x.png", f"--size={size}")
    assert status == 2
    assert "no size" in done.stderr
