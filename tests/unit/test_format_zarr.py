"""OME-Zarr: axes, units, levels, labels, and what happens without tensorstore."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import loading
from loading import memory
from tests.helpers import format_files as make
from tests.unit.test_format_geometry import codes, load, only_volume, read


@pytest.mark.parametrize("version", [2, 3])
def test_times_and_channels(tmp_path, version):
    array = make.voxels((2, 3, 6, 5, 4), "uint16")
    folder = make.write_zarr(tmp_path / "a.ome.zarr", array, version=version)
    entries = loading.describe(str(folder)).volumes
    assert [entry.spec.label for entry in entries] == [f"a channel {n}" for n in (1, 2, 3)]
    for channel, entry in enumerate(entries):
        spec, found = load(entry)
        assert np.array_equal(found, array[:, channel])
        assert np.allclose(spec.affine_lps, np.diag([0.0015, 0.002, 0.003, 1.0]))


def test_a_folder_of_stores_lists_each(tmp_path):
    for name in ("a", "b"):
        make.write_zarr(tmp_path / f"{name}.zarr", make.voxels(), version=3)
    labels = [entry.spec.label for entry in loading.describe(str(tmp_path)).volumes]
    assert sorted(labels) == ["a", "b"]


def test_without_a_unit_the_size_is_told_as_assumed(tmp_path):
    spec, _ = read(make.write_zarr(tmp_path / "a.zarr", make.voxels(), unit=""))
    assert codes(spec) == {"spacing_assumed"}


def test_the_finest_level_that_fits_is_opened_and_told(tmp_path, monkeypatch):
    array = make.voxels((8, 8, 8), "uint16")
    folder = make.write_zarr(tmp_path / "a.zarr", array)
    monkeypatch.setattr(memory, "free_bytes", lambda: memory.RESERVE_BYTES + 500)
    (entry,) = loading.describe(str(folder)).volumes
    monkeypatch.undo()
    spec, found = load(entry)
    assert np.array_equal(found, array[::2, ::2, ::2])
    assert np.allclose(spec.spacing_ijk_mm, (0.003, 0.004, 0.006))
    assert codes(spec) == {"coarser_level"}


def test_axes_are_named_not_guessed(tmp_path):
    array = make.voxels((4, 5, 6))
    folder = make.write_zarr(tmp_path / "a.zarr", array)
    meta = json.loads((folder / "zarr.json").read_text())
    axes = meta["attributes"]["ome"]["multiscales"][0]["axes"]
    for axis, name in zip(axes, "xyz", strict=True):
        axis["name"] = name
    (folder / "zarr.json").write_text(json.dumps(meta))
    spec, found = read(folder)
    assert np.array_equal(found, array)
    # the slowest axis is x: it steps to the left by its scale
    assert np.allclose(spec.affine_lps[:3, 2], (0.003, 0, 0))
    assert np.allclose(spec.affine_lps[:3, 0], (0, 0, 0.0015))


def test_translation_and_the_images_own_scale_count(tmp_path):
    folder = make.write_zarr(tmp_path / "a.zarr", make.voxels())
    meta = json.loads((folder / "zarr.json").read_text())
    image = meta["attributes"]["ome"]["multiscales"][0]
    image["datasets"][0]["coordinateTransformations"].append(
        {"type": "translation", "translation": [10.0, 20.0, 30.0]}
    )
    image["coordinateTransformations"] = [{"type": "scale", "scale": [2.0, 2.0, 2.0]}]
    (folder / "zarr.json").write_text(json.dumps(meta))
    spec = only_volume(folder).spec
    assert np.allclose(spec.affine_lps[:3, 3], (0.06, 0.04, 0.02))
    assert np.allclose(spec.spacing_ijk_mm, (0.003, 0.004, 0.006))


def test_a_level_outside_the_image_is_refused(tmp_path):
    folder = make.write_zarr(tmp_path / "a.zarr", make.voxels())
    make.write_zarr(tmp_path / "b.zarr", make.voxels())
    meta = json.loads((folder / "zarr.json").read_text())
    meta["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = "../b.zarr/0"
    (folder / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(loading.LoadError, match="outside"):
        loading.describe(str(folder))


def test_without_tensorstore_the_message_says_what_to_install(tmp_path, monkeypatch):
    folder = make.write_zarr(tmp_path / "a.zarr", make.voxels())
    monkeypatch.setitem(sys.modules, "tensorstore", None)
    with pytest.raises(loading.LoadError, match=r"voxtide\[zarr\]"):
        loading.describe(str(folder))


def test_chunks_deeper_than_a_slice_are_asked_for_in_order(tmp_path):
    folder = make.write_zarr(tmp_path / "a.zarr", make.voxels())
    with loading.open_entry(only_volume(folder)) as volume:
        assert volume.plan.name == "in_order"
