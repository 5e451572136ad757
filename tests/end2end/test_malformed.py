"""Damaged and hostile files through the real program: what the manifest expects of each.

Each case runs as a process of its own, so that a crash, a hang or a flood of memory is seen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import data_path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 20
"""Of processor time: what a loaded machine takes beyond it says nothing of the program."""
HANG_S = 300
LIMIT_BYTES = 1 << 30
OTHER_FORMATS = ("nifti/", "other/")

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.timeout(600)]


class Outcome(NamedTuple):
    """What a run of `voxtide info --json --checksum` did."""

    status: int
    report: dict
    errors: str
    peak_bytes: int

    @property
    def volumes(self):
        return self.report.get("volumes", [])

    @property
    def images(self):
        return self.report.get("images", [])

    @property
    def skipped(self):
        return self.report.get("skipped", [])

    @property
    def codes(self):
        found = {told["code"] for told in self.report.get("warnings", [])}
        return found | {told["code"] for volume in self.volumes for told in volume["warnings"]}

    @property
    def shown(self):
        """Name the pictures whose values came out whole."""
        return [image["path"] for image in self.images if image.get("sha256")]


def info(path: Path) -> Outcome:
    """Run the program on a path, with its limits."""
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", "info", str(path), "--json", "--checksum"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        guard = threading.Timer(HANG_S, process.kill)
        guard.start()
        assert process.stdout is not None
        assert process.stderr is not None
        with ThreadPoolExecutor(1) as pool:
            errors = pool.submit(process.stderr.read)
            output = process.stdout.read().decode()
            told = errors.result().decode()
        _, code, usage = os.wait4(process.pid, 0)
        guard.cancel()
        process.returncode = os.waitstatus_to_exitcode(code)
    assert process.returncode in (0, 1), f"{path}: status {process.returncode} {told[-300:]}"
    assert "Traceback" not in output + told
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert peak < LIMIT_BYTES, f"{path}: {peak >> 20} MiB"
    spent = usage.ru_utime + usage.ru_stime
    assert spent < LIMIT_S, f"{path}: {spent:.1f} s"
    return Outcome(process.returncode, json.loads(output) if output.strip() else {}, told, peak)


def is_named_or_shown(outcome: Outcome) -> bool:
    """Tell whether the case was shown, or listed with a reason, or refused with one."""
    return bool(
        outcome.volumes
        or outcome.images
        or (
            all(item["reason"] for item in outcome.skipped)
            and (outcome.skipped or outcome.errors.strip())
        )
    )


def is_skipped(outcome: Outcome) -> bool:
    """Tell whether nothing was shown and a reason was given."""
    said = outcome.skipped or outcome.errors.strip()
    return not outcome.volumes and not outcome.shown and bool(said)


def opens(outcome: Outcome) -> bool:
    """Tell whether it is shown, whole."""
    return outcome.status == 0 and bool(outcome.volumes or outcome.shown)


def opens_with_warning_or_is_skipped(outcome: Outcome) -> bool:
    """Tell whether what was not usable was told, in one way or the other."""
    return bool(outcome.codes) if opens(outcome) else is_skipped(outcome)


EXPECTED = {
    "named; shown only with the missing part marked, never as zeros passed off as data": is_skipped,
    "skipped with a reason": is_skipped,
    "skipped or marked; no allocation by the claimed length": is_skipped,
    "opens": opens,
    "opens or is skipped; no file is made from the text, no markup is interpreted": (
        is_named_or_shown
    ),
    "opens with a warning, or is skipped with a reason": opens_with_warning_or_is_skipped,
    "shown or skipped; no crash": is_named_or_shown,
    "each opens or is skipped; no crash, no hang": is_named_or_shown,
    "that slice is skipped with a reason, the rest opens with a missing slice": lambda o: (
        len(o.volumes) == 1 and len(o.skipped) == 1 and "missing_slices" in o.codes
    ),
    "no volume made up; duplicate_slices or images": lambda o: not o.volumes and len(o.images) > 1,
    "no volume in patient space; images or a warning": lambda o: (
        "no_position" in o.codes or not o.volumes
    ),
    "as above": lambda o: "no_position" in o.codes or not o.volumes,
    "normalised with a warning, or refused": lambda o: o.codes == {"orientation_normalised"},
    "warning; no division by zero, no empty view": lambda o: (
        "no_spacing" in o.codes and min(o.volumes[0]["spacing_ijk_mm"]) > 0
    ),
    "warning or refusal": lambda o: bool(o.codes) or not o.volumes,
    "stack in instance order with a warning, or images": lambda o: "no_position" in o.codes,
    "two groups, never a broken stack": lambda o: len(o.volumes) == 2,
    "two groups or a warning": lambda o: len(o.volumes) == 2 or bool(o.codes),
    "no file outside; the honest member opens": lambda o: (
        len(o.shown) == 1 and o.shown[0].endswith("ok/a.dcm") and len(o.skipped) == 3
    ),
    "bounded memory and time": is_skipped,
    "nested archives are not opened, or only within a bound": is_skipped,
    "nothing outside the medium is opened": lambda o: (
        is_skipped(o) and all("DICOMDIR" in item["path"] for item in o.skipped)
    ),
}


def cases():
    """Give (path, expected) of every DICOM case of the manifest."""
    folder = data_path() / "18_malformed_fuzz"
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return []
    found = [
        (case["path"], case["expected"])
        for case in json.loads(manifest.read_text("utf-8"))["cases"]
        if not case["path"].startswith(OTHER_FORMATS) and case["path"] != "random"
    ]
    random = "each opens or is skipped; no crash, no hang"
    return found + [(f"random/{path.name}", random) for path in (folder / "random").glob("*")]


@pytest.fixture(scope="module")
def outcomes(data_folder):
    """Run all cases, two at a time."""
    folder = data_folder / "18_malformed_fuzz"
    before = escaped(folder)
    with ThreadPoolExecutor(2) as pool:
        names = [path for path, _ in cases()]
        found = dict(zip(names, pool.map(lambda name: info(folder / name), names), strict=True))
    assert escaped(folder) == before
    return found


def escaped(folder: Path) -> set[Path]:
    """List what a hostile file would have written."""
    places = (Path("/tmp"), ROOT, ROOT.parent, folder)
    return {path for place in places for path in place.glob("*escape*")}


def test_the_manifest_expects_nothing_that_is_not_checked(data_folder):
    assert data_folder.is_dir()
    assert {expected for _, expected in cases()} == set(EXPECTED)


def test_each_case_of_the_manifest(outcomes):
    """Every DICOM case ends as the manifest expects (E3: each with a message of its own)."""
    wrong = {
        path: (expected, outcomes[path].report or outcomes[path].errors)
        for path, expected in cases()
        if not EXPECTED[expected](outcomes[path])
    }
    assert not wrong


def test_different_damage_has_different_messages(outcomes):
    """E3: truncated, wrong size, wrong syntax, not DICOM, empty: each says what it is."""
    told = {}
    for path in (
        "truncated/at_0_95.dcm",
        "truncated/preamble_only.dcm",
        "lengths/rgb_claimed.dcm",
        "lengths/bits_7.dcm",
        "lengths/zero_rows.dcm",
        "values/wrong_ts_jpegll.dcm",
        "values/wrong_ts_unknown.dcm",
        "encapsulated/rle_200_segments.dcm",
        "encapsulated/empty_fragments.dcm",
        "containers/half.zip",
    ):
        outcome = outcomes[path]
        told[path] = outcome.skipped[0]["reason"] if outcome.skipped else outcome.errors
    assert len(set(told.values())) == len(told), told


@pytest.mark.parametrize(
    "name", ["11_transfer_syntaxes_single_files", "12_non_volumes", "18_malformed_fuzz"]
)
def test_every_file_of_a_folder_is_shown_or_named(data_folder, name):
    """All in one folder: within the limits, and nothing is lost."""
    folder = data_folder / name
    outcome = info(folder)
    named = {item["path"] for item in outcome.skipped + outcome.images}
    stacked = sum(volume["files"] for volume in outcome.volumes)
    files = {str(path) for path in folder.rglob("*") if path.is_file()}
    assert named <= files
    assert len(named) + stacked == len(files)


@pytest.mark.parametrize("name", ["11_transfer_syntaxes_single_files", "12_non_volumes"])
def test_each_file_alone_is_shown_or_named(data_folder, name):
    files = sorted(path for path in (data_folder / name).iterdir() if path.is_file())
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(files, pool.map(info, files), strict=True))
    assert not [path.name for path, outcome in found.items() if not is_named_or_shown(outcome)]
