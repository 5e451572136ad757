"""Real volumes in research formats against their oracles: values, places, warnings."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

import loading
from tests.conftest import data_path
from tests.unit.test_format_geometry import codes, load

SETS = ("16_nifti_orientations", "17_tiff_nrrd_meta", "19_ome_zarr")

# The oracle of this case has its slices in the order of strings (s_1, s_10, s_11, ..., s_2),
# against its own note; the next test holds the order of numbers to the volume that the slices
# were cut from.
OTHER_ORDER = "slices"


def cases() -> list[tuple[str, dict]]:
    found = []
    for name in SETS:
        path = data_path() / name / "oracle.json"
        if path.is_file():
            found += [(name, case) for case in json.loads(path.read_text())["cases"]]
    return found


@pytest.mark.data
@pytest.mark.skipif(not cases(), reason="no test data (set VOXTIDE_DATA)")
@pytest.mark.parametrize(
    ("folder", "case"), cases(), ids=[f"{name[:2]}-{case['input']}" for name, case in cases()]
)
def test_volumes_equal_their_oracles(folder, case):
    (wanted,) = case["volumes"]
    entry = loading.describe(str(data_path() / folder / case["input"])).volumes[0]
    with loading.open_entry(entry) as volume:
        assert volume.wait(30) is loading.LoadState.COMPLETE
        if case["input"] != OTHER_ORDER:
            assert volume.digest().sha256 == wanted["sha256"]
        if "sha256_all" in wanted:
            hashes = [volume.digest(t).sha256 for t in range(volume.spec.time_points)]
            assert hashes == wanted["sha256_all"]
    spec = entry.spec
    assert list(spec.shape_kji) == wanted["shape_kji"]
    assert spec.time_points == wanted["time_points"]
    checks = case.get("checks", ["affine", "warnings"])
    if "affine" in checks:
        tolerance = min(0.1, 0.1 * min(wanted["spacing_ijk_mm"]))
        corners = np.array([[i, j, k, 1] for k in (0, 1) for j in (0, 1) for i in (0, 1)], float)
        corners[:, :3] *= np.array(spec.shape_kji[::-1]) - 1
        apart = corners @ (spec.affine_lps - np.array(wanted["affine_lps"])).T
        assert np.abs(apart).max() <= tolerance
    if "warnings" in checks:
        assert codes(spec) <= {*case["expect_warnings"], *case.get("allow_warnings", [])}


@pytest.mark.data
@pytest.mark.skipif(not cases(), reason="no test data (set VOXTIDE_DATA)")
def test_slices_follow_each_other_as_in_the_volume_they_were_cut_from():
    folder = data_path() / "17_tiff_nrrd_meta"
    (entry,) = loading.describe(str(folder / "slices")).volumes
    _, found = load(entry)
    assert np.array_equal(found, tifffile.imread(folder / "strips_raw.tif")[: len(found)])
