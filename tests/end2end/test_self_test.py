"""The self-test covers what is promised, passes here, and fails where something is damaged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app import self_test
from loading.codecs import child
from loading.codecs.expected import Expected
from loading.codecs.registry import ROWS, SYNTAX_FAMILY
from loading.dicom.syntaxes import NATIVE, WRAPPED
from loading.formats import FORMATS

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "resources" / "self_test"


def test_there_is_a_sample_of_every_syntax_and_format():
    have = {sample.syntax for sample in self_test.DICOM_SAMPLES.values()}
    assert have == set(SYNTAX_FAMILY) | NATIVE | WRAPPED
    endings = [name.lower() for name in self_test.FORMAT_SAMPLES]
    for form in FORMATS:
        if form.name == "ITK":  # an extra, which not every installation has
            continue
        assert any(name.endswith(form.endings) or name == form.name for name in endings), form.name
    assert {row.family for row in ROWS} == set(SYNTAX_FAMILY.values())


def test_every_sample_is_in_the_table():
    named = set(self_test.DICOM_SAMPLES) | set(self_test.FORMAT_SAMPLES) | {"ramp.img"}
    assert {path.name for path in SAMPLES.iterdir()} == named


def test_it_passes_on_a_machine_without_a_display():
    display = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {k: v for k, v in os.environ.items() if k not in display}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "--self-test"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(self_test.DICOM_SAMPLES) + len(self_test.FORMAT_SAMPLES)
    assert done.stdout.count("\nok ") + done.stdout.startswith("ok ") >= count + 3
    assert "FAILED" not in done.stdout


def test_a_damaged_sample_is_its_own_rows_trouble(tmp_path, monkeypatch, capsys):
    """A wrong voxel and a missing file fail, and nothing else does."""
    folder = tmp_path / "self_test"
    shutil.copytree(SAMPLES, folder)
    path = folder / "explicit" / "1.dcm"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 0x04
    path.write_bytes(raw)
    (folder / "ramp.nrrd").unlink()

    def found(*parts: str) -> Path:
        place = tmp_path.joinpath(*parts) if parts[0] == "self_test" else SAMPLES.parent / parts[1]
        if not place.exists():
            raise FileNotFoundError(str(place))
        return place

    monkeypatch.setattr(self_test, "resource_path", found)
    monkeypatch.setattr(self_test, "_check_picture", lambda layout: None)
    monkeypatch.setattr(self_test, "_draw_volume", lambda: "")
    assert self_test.run() == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 2
    assert "explicit little endian" in failed[0]
    assert "away from what was encoded" in failed[0]
    assert "NRRD" in failed[1]


@pytest.mark.parametrize("frozen", [False, True])
def test_a_frame_is_decoded_apart(frozen, tmp_path, monkeypatch):
    """A frozen program starts itself as the child: here a script that passes its words on."""
    if frozen:
        program = tmp_path / "voxtide"
        program.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m app.cli "$@"\n')
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    out = np.zeros(self_test.SHAPE_KJI[1:], np.uint16)
    expected = Expected(*self_test.SHAPE_KJI[1:], 1, 16, 12, signed=False)
    data = self_test._codestream("htj2k.zip")
    child.decode(self_test.DICOM_SAMPLES["htj2k.zip"].syntax, data, expected, 12, out)
    assert (out == self_test.ramp("uint16")[0]).all()
