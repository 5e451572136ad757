"""Stacks of pictures and TIFF in its forms: order, gaps, voxel sizes, colours, what is marked."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
import tifffile

import loading
from loading.formats import names
from loading.status import Status
from tests.helpers import format_files as make
from tests.helpers.colours import load_colours
from tests.unit.test_format_geometry import codes, load, only_volume, read


def numbered(*wanted: str) -> tuple[list[tuple[str, ...]], list[str]]:
    found, alone = names.stacks(list(wanted))
    return [stack.paths for stack in found], alone


def test_numbers_count_as_numbers():
    found, alone = numbered("s_10.png", "s_9.png", "s_1.png", "s_2.png")
    assert found == [("s_1.png", "s_2.png", "s_9.png", "s_10.png")]
    assert alone == []


def test_the_number_that_varies_most_is_the_slice():
    wanted = [f"scan7_t{t}_z{z:03d}_8bit.tif" for t in range(2) for z in range(12)]
    found, _ = numbered(*wanted)
    assert sorted(found) == [tuple(wanted[:12]), tuple(wanted[12:])]


def test_a_time_of_day_in_each_name_does_not_tear_a_stack_apart():
    wanted = [f"s{k}_{1200 + 7 * k * k}.png" for k in range(5)]
    found, _ = numbered(*reversed(wanted))
    assert found == [tuple(wanted)]


def test_pictures_without_numbers_or_too_few_are_no_stack():
    assert numbered("a.png", "b.png", "c.png") == ([], ["a.png", "b.png", "c.png"])
    assert numbered("a1.png", "a2.png") == ([], ["a1.png", "a2.png"])


def write_stack(folder, array, ending=".tif", numbers=None):
    for k, plane in zip(numbers or range(1, len(array) + 1), array, strict=True):
        path = folder / f"s_{k}{ending}"
        if ending == ".tif":
            tifffile.imwrite(path, plane)
        else:
            make.write_itk(path, plane)
    return folder


def test_a_missing_number_stays_a_gap(tmp_path):
    """E-gap: slices that are not there are not closed up."""
    array = make.voxels((6, 8, 9), "uint8")
    spec, found = read(write_stack(tmp_path, array, numbers=[2, 4, 6, 10, 12, 14]))
    assert spec.shape_kji == (7, 8, 9)
    assert spec.absent == {3}
    assert np.array_equal(found[[0, 1, 2, 4, 5, 6]], array)
    assert codes(spec) == {"missing_slices", "spacing_assumed"}


def test_a_preview_of_another_size_is_no_slice(tmp_path):
    write_stack(tmp_path, make.voxels((5, 8, 9), "uint8"))
    tifffile.imwrite(tmp_path / "s_3_preview.tif", np.zeros((4, 4), "uint8"))
    tifffile.imwrite(tmp_path / "s_6.tif", np.zeros((4, 4), "uint8"))
    catalogue = loading.describe(str(tmp_path))
    assert [v.spec.shape_kji for v in catalogue.volumes] == [(5, 8, 9)]
    assert len(catalogue.images) == 2


def test_the_size_of_voxels_is_read_from_the_scanners_log(tmp_path):
    write_stack(tmp_path, make.voxels((5, 8, 9), "uint8"))
    (tmp_path / "s_.log").write_text(
        "[Acquisition]\nImage Pixel Size (um)=26.844857\n[Reconstruction]\nPixel Size (um)=13.5\n"
    )
    spec = only_volume(tmp_path).spec
    assert np.allclose(spec.spacing_ijk_mm, 0.0135)
    assert codes(spec) == set()


def test_the_resolution_tag_of_plain_tiff_is_not_believed(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, make.voxels(), resolution=(72, 72), resolutionunit="INCH")
    spec = only_volume(path).spec
    assert spec.spacing_ijk_mm == (1.0, 1.0, 1.0)
    assert codes(spec) == {"spacing_assumed"}


def test_imagej_hyperstack(tmp_path):
    array = make.voxels((2, 4, 3, 8, 9), "uint16")  # t z c y x
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        array,
        imagej=True,
        resolution=(1 / 0.5, 1 / 0.25),
        metadata={"axes": "TZCYX", "spacing": 2.0, "unit": "um"},
    )
    entries = loading.describe(str(path)).volumes
    assert [entry.spec.label for entry in entries] == ["a c1", "a c2", "a c3"]
    for channel, entry in enumerate(entries):
        spec, found = load(entry)
        assert np.array_equal(found, array[:, :, channel])
        assert np.allclose(spec.spacing_ijk_mm, (0.0005, 0.00025, 0.002))
        assert codes(spec) == set()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_ome_with_channels_and_times(tmp_path, compression):
    array = make.voxels((2, 3, 4, 8, 9), "uint16")  # t c z y x
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        array,
        compression=compression,
        metadata={
            "axes": "TCZYX",
            "PhysicalSizeX": 0.5,
            "PhysicalSizeY": 500,
            "PhysicalSizeYUnit": "nm",
            "PhysicalSizeZ": 2.0,
        },
    )
    for channel, entry in enumerate(loading.describe(str(path)).volumes):
        spec, found = load(entry)
        assert np.array_equal(found, array[:, channel])
        assert np.allclose(spec.spacing_ijk_mm, (0.0005, 0.0005, 0.002))


def test_other_files_that_an_ome_header_names_are_not_opened(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    secret = tmp_path / "secret.ome.tif"
    tifffile.imwrite(secret, make.voxels((1, 8, 9), "uint8"), metadata={"axes": "ZYX"})
    path = inner / "a.ome.tif"
    tifffile.imwrite(path, make.voxels((1, 8, 9), "uint8"), metadata={"axes": "ZYX"})
    with tifffile.TiffFile(path) as tif:
        xml = tif.ome_metadata
    uuid = '<TiffData><UUID FileName="../secret.ome.tif">urn:uuid:1</UUID></TiffData>'
    first, _, rest = xml.partition("<TiffData")
    changed = first + uuid + "<TiffData" + rest
    tifffile.imwrite(path, make.voxels((1, 8, 9), "uint8", 5), description=changed, metadata=None)
    (image,) = loading.describe(str(path)).images
    assert image.spec is not None
    assert image.open is not None
    _, found = load(loading.VolumeEntry(image.spec, image.open))
    assert np.array_equal(found, make.voxels((1, 8, 9), "uint8", 5))


def test_colours_palettes_and_white_on_black(tmp_path):
    colours = make.voxels((4, 8, 9, 3), "uint8")
    for planar in ("contig", "separate"):
        pages = colours if planar == "contig" else np.moveaxis(colours, 3, 1)
        path = tmp_path / f"{planar}.tif"
        tifffile.imwrite(path, pages, photometric="rgb", planarconfig=planar, compression="zlib")
        assert np.array_equal(load_colours(only_volume(path)), colours)
    indices = make.voxels((4, 8, 9), "uint8")
    table = np.random.default_rng(1).integers(0, 65536, (3, 256)).astype("uint16")
    tifffile.imwrite(tmp_path / "p.tif", indices, photometric="palette", colormap=table)
    found = load_colours(only_volume(tmp_path / "p.tif"))
    assert np.array_equal(found, (table >> 8).T[indices])
    tifffile.imwrite(tmp_path / "w.tif", indices, photometric="miniswhite")
    spec, found = read(tmp_path / "w.tif")
    assert spec.inverted
    assert np.array_equal(found, indices)


def test_jpeg_slices_are_marked_as_lossy(tmp_path):
    planes = make.voxels((4, 16, 16), "uint8")
    for k, plane in enumerate(planes):
        (tmp_path / f"s{k}.jpg").write_bytes(imagecodecs.jpeg8_encode(plane, level=90))
    entry = only_volume(tmp_path)
    assert "lossy" in codes(entry.spec)
    with loading.open_entry(entry) as volume:
        volume.wait(10)
        assert {volume.status(k) for k in range(4)} == {Status.LOSSY}
        for k in range(4):
            data = (tmp_path / f"s{k}.jpg").read_bytes()
            assert np.array_equal(volume.array[k], imagecodecs.jpeg8_decode(data))


def test_a_jpeg_that_ends_early_fails_instead_of_being_filled_in(tmp_path):
    """E3: the decoder would fill in what is missing without a word."""
    for k, plane in enumerate(make.voxels((4, 64, 64), "uint8")):
        data = imagecodecs.jpeg8_encode(plane, level=90)
        (tmp_path / f"s{k}.jpg").write_bytes(data[: len(data) // 2] if k == 2 else data)
    with loading.open_entry(only_volume(tmp_path)) as volume:
        assert volume.wait(10) is loading.LoadState.COMPLETE_WITH_FAILURES
        assert [chunk.index for chunk in volume.failures] == [2]


def test_colour_png_slices(tmp_path):
    colours = make.voxels((3, 8, 9, 3), "uint8")
    for k, plane in enumerate(colours):
        (tmp_path / f"s{k}.png").write_bytes(imagecodecs.png_encode(plane))
    assert np.array_equal(load_colours(only_volume(tmp_path)), colours)


def test_a_broken_chain_of_pages_is_told(tmp_path):
    path = tmp_path / "a.tif"
    array = make.voxels((7, 60, 50), "uint16")
    tifffile.imwrite(path, array, compression="zlib", photometric="minisblack")
    make.cut_file(path, 0.5)
    entry = only_volume(path)
    assert "pages_lost" in codes(entry.spec)
    with loading.open_entry(entry) as volume:
        assert volume.wait(10) is loading.LoadState.COMPLETE_WITH_FAILURES
        failed = {chunk.index for chunk in volume.failures}
        assert 0 < len(failed) < entry.spec.shape_kji[0]
        for k in set(range(entry.spec.shape_kji[0])) - failed:
            assert np.array_equal(volume.array[k], array[k])


def test_slices_in_either_byte_order_make_one_stack(tmp_path):
    array = make.voxels((6, 8, 9), "uint16")
    for k, plane in enumerate(array):
        tifffile.imwrite(tmp_path / f"s{k}.tif", plane, byteorder="<>"[k % 2])
    _, found = read(tmp_path)
    assert np.array_equal(found, array)


def test_several_strips_that_lie_elsewhere_are_read_from_there(tmp_path):
    """Files with equal headers but other places of their strips are not mistaken for each other."""
    array = make.voxels((6, 64, 32), "uint16")
    for k, plane in enumerate(array):
        tifffile.imwrite(tmp_path / f"s{k}.tif", plane, rowsperstrip=8)
    _, found = read(tmp_path)
    assert np.array_equal(found, array)


def test_a_chain_of_pages_that_bites_its_tail_is_refused(tmp_path):
    """Found by the fuzzer: such a chain was followed without end."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, make.voxels((4, 6, 5)), compression="zlib", photometric="minisblack")
    with tifffile.TiffFile(path) as tif:
        places = [page.offset for page in tif.pages]
        last = tif.pages.next_page_offset
    raw = bytearray(path.read_bytes())
    for place in places:
        raw[last : last + 4] = place.to_bytes(4, "little")
        path.write_bytes(raw)
        with pytest.raises(loading.LoadError, match="circle"):
            loading.describe(str(path))
