"""OME-TIFF: images whose planes lie in several files, and the voxel size of each image."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import loading
from tests.helpers import format_files as make
from tests.unit.test_format_geometry import codes, load
from tests.unit.test_formats_in_archives import pack

UM = 1e-3


@pytest.mark.parametrize("names", [["a.ome.tif", "b.ome.tif"], [f"{n}.tif" for n in "abcdefgh"]])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}])
def test_planes_in_several_files_are_one_image(tmp_path, names, options):
    """Whichever file is named: the channels of all of them, whole, with the size they tell."""
    array = make.voxels((2, 4, 9, 8), "uint16")
    paths = make.write_ome_set(tmp_path, array, names, **options)
    for opened in (tmp_path, paths[0], paths[-1]):
        catalogue = loading.describe(str(opened))
        assert len(catalogue.volumes) == 2
        for channel, entry in enumerate(catalogue.volumes):
            spec, found = load(entry)
            assert np.array_equal(found, array[channel])
            assert np.allclose(spec.spacing_ijk_mm, (0.5 * UM, 0.5 * UM, 2 * UM))
            assert codes(spec) == set()
            assert spec.files == len(names)
    skipped = loading.describe(str(tmp_path)).skipped
    assert [one.reason for one in skipped] == [f"It belongs to {names[0]}"] * (len(names) - 1)


@pytest.mark.parametrize("names", [["a.ome.tif", "b.ome.tif"], ["a.ome.tif"]])
def test_another_file_may_tell_of_all(tmp_path, names):
    """A companion file holds the XML, the others nothing but planes."""
    array = make.voxels((2, 4, 9, 8), "uint16")
    paths = make.write_ome_set(tmp_path, array, names, "set.companion.ome", compression="zlib")
    for opened in (tmp_path, paths[-1]):
        catalogue = loading.describe(str(opened))
        for channel, entry in enumerate(catalogue.volumes):
            spec, found = load(entry)
            assert np.array_equal(found, array[channel])
            assert np.allclose(spec.spacing_ijk_mm, (0.5 * UM, 0.5 * UM, 2 * UM))
            assert codes(spec) == set()
        assert len(catalogue.volumes) == 2
    assert {one.reason for one in loading.describe(str(tmp_path)).skipped} == {
        "It belongs to a.ome.tif"
    }


def test_slices_of_a_file_that_is_not_there_fail_and_are_told(tmp_path):
    array = make.voxels((1, 6, 9, 8), "uint16")
    paths = make.write_ome_set(tmp_path, array, ["a.ome.tif", "b.ome.tif", "c.ome.tif"])
    paths[1].unlink()
    (entry,) = loading.describe(str(tmp_path)).volumes
    assert codes(entry.spec) == {"other_files"}
    with loading.open_entry(entry) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE_WITH_FAILURES
        assert sorted(chunk.index for chunk in volume.failures) == [2, 3]
        assert all("not there" in failed.reason for failed in volume.failures.values())
        for k in (0, 1, 4, 5):
            assert np.array_equal(volume.array[k], array[0, k])


@pytest.mark.parametrize("name", ["../b.ome.tif", "/etc/b.ome.tif", "x/../../b.ome.tif"])
def test_no_file_outside_the_folder_is_opened(tmp_path, name):
    """T-path: neither by us nor by the library that follows the names."""
    inner = tmp_path / "inner"
    inner.mkdir()
    array = make.voxels((1, 6, 9, 8), "uint16")
    paths = make.write_ome_set(inner, array, ["a.ome.tif", name])
    paths[1].rename(tmp_path / "b.ome.tif")
    (entry,) = loading.describe(str(paths[0])).volumes
    spec, found = load(entry)
    assert np.array_equal(found, array[0, :3])
    assert "other_files" in codes(spec)


@pytest.mark.parametrize("name", ["../out.ome.tif", "/etc/out.ome.tif"])
def test_a_companion_leads_to_no_file_outside_either(tmp_path, name, monkeypatch):
    """Not only what is shown: nothing outside is opened at all."""
    inner = tmp_path / "inner"
    inner.mkdir()
    array = make.voxels((1, 6, 9, 8), "uint16")
    names = ["a.ome.tif", name]
    paths = make.write_ome_set(inner, array, names, "set.companion.ome")
    paths[1].rename(tmp_path / "out.ome.tif")
    opened = []
    plain = tifffile.TiffFile

    def noted(file, *args, **options):
        opened.append(str(getattr(file, "name", file)))
        return plain(file, *args, **options)

    monkeypatch.setattr(tifffile, "TiffFile", noted)
    catalogue = loading.describe(str(paths[0]))
    assert not [one for one in opened if "out.ome" in one]
    assert all("other_files" in codes(entry.spec) for entry in catalogue.volumes)


@pytest.mark.parametrize(
    "other", [{"shape": (18, 16)}, {"photometric": "miniswhite"}, {"shape": (9, 9)}]
)
def test_planes_of_another_form_are_not_read_as_if_they_were(tmp_path, other):
    """A file of the set that was replaced by one with enough bytes, but of another kind."""
    array = make.voxels((1, 4, 9, 8), "uint16")
    paths = make.write_ome_set(tmp_path, array, ["a.ome.tif", "b.ome.tif"])
    shape = other.get("shape", (9, 8))
    with tifffile.TiffWriter(paths[1]) as tif:
        for _ in range(2):
            page = np.full(shape, 7, np.uint16)
            kind = other.get("photometric", "minisblack")
            tif.write(page, photometric=kind, contiguous=False, metadata=None)
    (entry,) = loading.describe(str(paths[0])).volumes
    with loading.open_entry(entry) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE_WITH_FAILURES
        assert sorted(chunk.index for chunk in volume.failures) == [2, 3]
        assert np.array_equal(volume.array[:2], array[0, :2])


def test_a_file_that_changed_fails_its_slices(tmp_path):
    array = make.voxels((1, 4, 9, 8), "uint16")
    paths = make.write_ome_set(tmp_path, array, ["a.ome.tif", "b.ome.tif"])
    (entry,) = loading.describe(str(tmp_path)).volumes
    make.cut_file(paths[1], 0.9)
    with loading.open_entry(entry) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE_WITH_FAILURES
        assert sorted(chunk.index for chunk in volume.failures) == [2, 3]


def test_inside_an_archive_the_other_files_are_told_of(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    make.write_ome_set(folder, make.voxels((1, 6, 9, 8), "uint16"), ["a.ome.tif", "b.ome.tif"])
    entries = loading.describe(str(pack(folder))).volumes
    assert [entry.spec.shape_kji[0] for entry in entries] == [3, 3]
    assert all("other_files" in codes(entry.spec) for entry in entries)


def test_every_image_of_a_file_has_its_own_voxel_size(tmp_path):
    sizes = (1.0, 3.0)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        for size in sizes:
            told = {f"PhysicalSize{axis}": size for axis in "XYZ"}
            file.write(make.voxels((4, 9, 8), "uint16"), metadata={"axes": "ZYX", **told})
    entries = loading.describe(str(tmp_path)).volumes
    assert [entry.spec.spacing_ijk_mm for entry in entries] == [
        pytest.approx((size * UM,) * 3) for size in sizes
    ]
