"""OME-Zarr: axes, units, levels, labels, and what happens without tensorstore."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import loading
from loading import CancelToken, Request, memory
from loading.plan import IN_ORDER, plan_requests
from loading.status import Status
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


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 7, 6), (2, 2, 9, 8, 7)])
def test_a_coarse_level_is_shown_before_the_fine_one(tmp_path, version, shape):
    """Every fine voxel shows the coarse one nearest to it, marked as coarse, then itself."""
    array = make.voxels(shape, "uint16")
    folder = make.write_zarr(tmp_path / "a.zarr", array, version=version)
    entry = loading.describe(str(folder)).volumes[-1]
    source = entry.open()
    fine = array if array.ndim == 3 else array[:, -1]
    for chunk in source.spec.chunks():
        coarse, best = source.renditions(chunk)
        assert (coarse.gives, coarse.level) == (Status.SUBRESOLUTION, 1)
        assert best.gives is Status.FULL
        out = np.empty(source.spec.read_shape(), source.spec.dtype)
        delivered = source.read(Request(chunk, coarse), out, CancelToken())
        assert (delivered.status, delivered.level) == (Status.SUBRESOLUTION, 1)
        volume = fine if fine.ndim == 3 else fine[chunk.t]
        # every second voxel is kept, so the nearest of the other ones lies before it, or last
        near = [np.minimum(np.arange(n) // 2, (n + 1) // 2 - 1) * 2 for n in volume.shape]
        assert np.array_equal(out[0], volume[np.ix_(*near)][chunk.index])
    slices = range(source.spec.shape_kji[0])
    asked = [
        request.rendition.name for request in plan_requests(IN_ORDER, slices, source.renditions)
    ]
    assert asked[: 2 * len(slices)] == ["coarse"] * len(slices) + ["full"] * len(slices)
    source.close()
    with loading.open_entry(entry) as volume:
        assert volume.wait(30) is loading.LoadState.COMPLETE
        for t in range(volume.spec.time_points):
            assert np.array_equal(volume.stored(t), fine if fine.ndim == 3 else fine[t])


def test_a_level_that_lies_elsewhere_is_not_shown_first(tmp_path):
    """Levels whose scale does not fit their size say nothing about each other."""
    folder = make.write_zarr(tmp_path / "a.zarr", make.voxels((8, 8, 8), "uint16"))
    meta = json.loads((folder / "zarr.json").read_text())
    steps = meta["attributes"]["ome"]["multiscales"][0]["datasets"][1]["coordinateTransformations"]
    steps[0]["scale"] = [1.0, 1.0, 1.0]
    (folder / "zarr.json").write_text(json.dumps(meta))
    source = only_volume(folder).open()
    assert len(source.renditions(loading.ChunkKey(0, 0, 0))) == 1
    source.close()
