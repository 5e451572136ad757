"""Cornerstone3D itself, in headless Chromium, opens what Voxtide publishes and serves."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from loading.publish import publish
from tests.helpers.chromium import ask_page, find_chromium
from tests.helpers.dicom_series import INTERCEPT, phantom, write_series
from tests.helpers.serving import ROOT, page_server, served

SOURCE = ROOT / "tests" / "peers" / "cornerstone"
BUILD = ROOT / "build" / "cornerstone"


@pytest.fixture(scope="module")
def page() -> Path:
    """Give the folder of the page, installed and bundled once; kept while its sources are."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    sources = sorted(SOURCE.iterdir())
    told = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = BUILD / "stamp"
    if stamp.exists() and stamp.read_text() == told:
        return BUILD / "dist"
    BUILD.mkdir(parents=True, exist_ok=True)
    for path in sources:
        shutil.copy(path, BUILD)
    install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"]
    for command in (install, ["node", "bundle.mjs"]):
        subprocess.run(command, cwd=BUILD, check=True, timeout=240, capture_output=True)
    stamp.write_text(told)
    return BUILD / "dist"


@pytest.fixture(scope="module")
def chromium() -> str:
    program = find_chromium()
    if program is None:
        pytest.skip("chromium is not installed")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    if told.returncode and "snap" in told.stdout + told.stderr:
        pytest.skip("this system's Chromium is a snap")
    return program


@pytest.mark.slow
def test_cornerstone_shows_every_slice_as_it_is(page, chromium, tmp_path):
    """Its streaming loader, coarse by byte ranges first: each slice ends with our values."""
    stored = phantom((14, 80, 96))
    write_series(tmp_path / "in", stored)
    done = publish([str(tmp_path / "in")], tmp_path / "tree")
    study, series = done.series[0]
    with served(tmp_path / "tree") as root, page_server(page) as pages:
        address = quote(f"{root}/studies/{study}/series/{series}", safe="")
        report = ask_page(
            chromium,
            f"{pages}/index.html?series={address}",
            "window.REPORT && REPORT.done ? REPORT : null",
            90,
        )
    assert report["errors"] == []
    assert report["dimensions"] == [96, 80, 14]
    assert report["spacing"] == pytest.approx([0.5, 0.75, 2.0])
    assert report["requests"] > len(stored), "byte ranges were not asked for"
    meant = stored.astype(np.float64) + INTERCEPT
    expected = [hashlib.sha256(plane.tobytes()).hexdigest() for plane in meant]
    assert [one["sha256"] for one in report["slices"]] == expected
