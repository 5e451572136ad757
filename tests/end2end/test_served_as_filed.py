"""Real series come from a server as they come from their files: values, units, geometry."""

from __future__ import annotations

import json
import urllib.request

import numpy as np
import pytest

import loading
from loading.publish import publish
from tests.helpers.serving import served


def by_key(volumes):
    """Name volumes so that the same one of files and of a server can be told."""
    named = {}
    for entry in volumes:
        spec = entry.spec
        place = np.round(spec.affine_lps, 4).tobytes()
        named[spec.series_uid, spec.label, spec.shape_kji, spec.unit, place] = entry
    return named


def values(entry):
    with loading.open_entry(entry) as volume:
        assert volume.wait(60) is loading.LoadState.COMPLETE
        return volume.array.copy()


@pytest.mark.parametrize("name", ["05_siemens_mosaic", "06_pet_suv_and_ct_pair"])
def test_what_headers_keep_apart_comes_too(data_folder, tmp_path, name):
    """Mosaics lie by a private block, SUV by a sequence: neither is in plain attributes."""
    source = str(data_folder / name)
    publish([source], tmp_path)
    files = by_key(loading.describe(source).volumes)
    with served(tmp_path) as root:
        with urllib.request.urlopen(f"{root}/studies") as answer:
            studies = [one["0020000D"]["Value"][0] for one in json.load(answer)]
        found = [v for one in studies for v in loading.describe(f"{root}/studies/{one}").volumes]
        over_the_line = by_key(found)
        assert over_the_line.keys() == files.keys()
        for key, entry in files.items():
            assert np.array_equal(values(entry), values(over_the_line[key])), key[0]
