"""Where voxels of research formats lie and what they mean, against SimpleITK and nibabel."""

from __future__ import annotations

from itertools import permutations, product

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

import loading
from loading.values import meant
from tests.helpers import format_files as make
from tests.helpers.colours import load_colours

AXIS_ORDERS = [
    (order, flips) for order in permutations(range(3)) for flips in product((1, -1), repeat=3)
]


def only_volume(path) -> loading.VolumeEntry:
    (entry,) = loading.describe(str(path)).volumes
    return entry


def read(path, t=None) -> tuple[loading.VolumeSpec, np.ndarray]:
    """Load the only volume of a file; give its spec and a copy of its array."""
    return load(only_volume(path), t)


def load(entry, t=None) -> tuple[loading.VolumeSpec, np.ndarray]:
    with loading.open_entry(entry) as volume:
        assert volume.wait(20) is loading.LoadState.COMPLETE, volume.failures
        return volume.spec, (volume.array if t is None else volume.stored(t)).copy()


def codes(spec) -> set[str]:
    return {told.code for told in spec.warnings}


def itk_affine(path) -> np.ndarray:
    """Give ITK's affine of a file: LPS, as ours."""
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = directions @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return affine


@pytest.mark.parametrize(("order", "flips"), AXIS_ORDERS)
def test_any_of_the_48_axis_orders_lies_where_itk_puts_it(tmp_path, order, flips):
    array = make.voxels((4, 5, 6))
    affine = np.zeros((4, 4))
    for axis, (world, flip) in enumerate(zip(order, flips, strict=True)):
        affine[world, axis] = flip * (1.0 + axis)
    affine[:, 3] = (11.0, -22.0, 33.0, 1.0)
    path = make.write_nifti(tmp_path / "a.nii", array, affine)
    spec, found = read(path)
    assert np.array_equal(found, array)
    assert np.allclose(spec.affine_lps, affine)
    assert np.allclose(spec.affine_lps, itk_affine(path), atol=1e-5)
    assert codes(spec) == set()


def test_a_shear_is_kept_and_told(tmp_path):
    spec, _ = read(make.write_nifti(tmp_path / "a.nii", make.voxels(), make.OBLIQUE_LPS))
    assert np.allclose(spec.affine_lps, make.OBLIQUE_LPS, atol=1e-5)
    assert codes(spec) == {"sheared_affine"}


def two_forms(path, **fields):
    """Write a file whose sform and qform differ."""
    picture = nibabel.Nifti1Image(make.voxels().T, None)
    picture.header.set_xyzt_units("mm")
    picture.set_sform(np.diag([2.0, 2.0, 2.0, 1.0]), 1)
    picture.set_qform(np.diag([3.0, 3.0, 3.0, 1.0]), 1)
    nibabel.save(picture, path)
    raw = bytearray(path.read_bytes())
    header = np.frombuffer(raw[:348], picture.header.template_dtype).copy()
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(header.tobytes() + raw[348:])
    return path


def test_the_sform_comes_first(tmp_path):
    spec, _ = read(two_forms(tmp_path / "a.nii"))
    assert spec.spacing_ijk_mm == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("damage", [0.0, np.nan, np.inf])
def test_the_qform_is_taken_where_the_sform_is_not_usable(tmp_path, damage):
    spec, _ = read(two_forms(tmp_path / "a.nii", srow_x=damage, srow_y=damage))
    assert np.allclose(spec.spacing_ijk_mm, 3.0)
    assert codes(spec) == {"value_ignored"}


def test_no_form_at_all_is_told(tmp_path):
    spec, _ = read(two_forms(tmp_path / "a.nii", sform_code=0, qform_code=0))
    assert np.allclose(spec.spacing_ijk_mm, 3.0)
    assert codes(spec) == {"no_orientation"}


def test_a_voxel_size_of_zero_is_assumed_and_told(tmp_path):
    path = two_forms(tmp_path / "a.nii", sform_code=0, qform_code=0, pixdim=0.0)
    spec, _ = read(path)
    assert spec.spacing_ijk_mm == (1.0, 1.0, 1.0)
    assert codes(spec) == {"no_orientation", "spacing_assumed"}


def test_micrometres_and_metres_become_millimetres(tmp_path):
    for unit, size in ((3, 0.002), (1, 2000.0), (2, 2.0)):
        spec, _ = read(two_forms(tmp_path / "a.nii", xyzt_units=unit))
        assert np.allclose(spec.spacing_ijk_mm, size)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64", "int64"]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_meant_values_are_those_of_nibabel(tmp_path, dtype, order):
    array = make.voxels(dtype=dtype).astype(np.dtype(dtype).newbyteorder(order))
    affine = np.eye(4)
    picture = nibabel.Nifti1Image(
        array.T, affine, nibabel.Nifti1Header(endianness=order), dtype=dtype
    )
    nibabel.save(picture, tmp_path / "plain.nii")
    path = tmp_path / "a.nii"
    raw = bytearray((tmp_path / "plain.nii").read_bytes())
    header = np.frombuffer(raw[:348], picture.header.template_dtype.newbyteorder(order)).copy()
    header["scl_slope"], header["scl_inter"] = 0.25, -3.5
    path.write_bytes(header.tobytes() + raw[348:])
    spec, found = read(path)
    expected = np.asarray(nibabel.load(path).dataobj, np.float64).T.astype(np.float32)
    assert np.array_equal(meant(found, spec.value_map), expected)


def test_a_slope_that_is_no_number_is_told_and_left_out(tmp_path):
    path = make.write_nifti(tmp_path / "a.nii", make.voxels(), np.eye(4), scl_slope=np.nan)
    spec, _ = read(path)
    assert spec.value_map.is_identity
    assert codes(spec) == {"value_ignored"}


def test_a_slope_of_zero_means_none(tmp_path):
    path = make.write_nifti(tmp_path / "a.nii", make.voxels(), np.eye(4), scl_slope=0, scl_inter=9)
    spec, _ = read(path)
    assert spec.value_map.is_identity
    assert codes(spec) == set()


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_the_fourth_axis_is_time(tmp_path, ending):
    array = make.voxels((3, 4, 5, 6))
    path = make.write_nifti(tmp_path / f"a{ending}", array, np.eye(4))
    spec, found = read(path)
    assert (spec.time_points, spec.shape_kji) == (3, (4, 5, 6))
    assert np.array_equal(found, array)


def test_further_axes_are_joined_and_told(tmp_path):
    array = make.voxels((3, 2, 4, 5, 6))
    spec, found = read(make.write_nifti(tmp_path / "a.nii", array, np.eye(4)))
    assert spec.time_points == 6
    assert np.array_equal(found, array.reshape(6, 4, 5, 6))
    assert codes(spec) == {"axes_joined"}


@pytest.mark.parametrize("samples", [3, 4])
def test_colours_of_nifti_are_colours(tmp_path, samples):
    colours = make.voxels((4, 5, 6, samples), "uint8")
    kind = np.dtype([(name, "u1") for name in "RGBA"[:samples]])
    packed = np.ascontiguousarray(colours).view(kind)[..., 0]
    nibabel.save(nibabel.Nifti1Image(packed.T, np.eye(4)), tmp_path / "a.nii")
    entry = only_volume(tmp_path / "a.nii")
    assert np.array_equal(load_colours(entry), colours[..., :3])
    assert codes(entry.spec) == set()


def test_colours_of_nrrd_are_colours(tmp_path):
    colours = make.voxels((4, 5, 6, 3), "uint8")
    kinds = ["RGB-color", "domain", "domain", "domain"]
    header = {"kinds": kinds, "spacings": [np.nan, 1.0, 1.0, 2.0], "encoding": "gzip"}
    nrrd.write(str(tmp_path / "a.nrrd"), colours.T, header)
    assert np.array_equal(load_colours(only_volume(tmp_path / "a.nrrd")), colours)


def test_complex_values_are_refused_by_name(tmp_path):
    array = make.voxels(dtype="float32").astype(np.complex64)
    nibabel.save(nibabel.Nifti1Image(array.T, np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(loading.LoadError, match="complex"):
        loading.describe(str(tmp_path / "a.nii"))


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (1, 1, 1)),
        ("LPS", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
    ],
)
def test_every_space_of_nrrd_becomes_lps(tmp_path, space, signs):
    array = make.voxels()
    lines = [
        f"space: {space}",
        "space directions: (1,0.5,0) (-0.5,1,0) (0,0,3)",
        "space origin: (10,20,30)",
    ]
    path = make.write_nrrd(tmp_path / "a.nrrd", array, lines)
    spec, found = read(path)
    assert np.array_equal(found, array)
    columns = np.array([[1, 0.5, 0], [-0.5, 1, 0], [0, 0, 3], [10, 20, 30]], float).T
    assert np.allclose(spec.affine_lps[:3], columns * np.reshape(signs, (3, 1)))
    if space != "LPS":  # ITK knows long names only
        assert np.allclose(spec.affine_lps, itk_affine(path))


@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_list_axis_may_be_fastest_slowest_or_between(tmp_path, place):
    array = make.voxels((4, 5, 6, 3))  # [k, j, i, list]
    turned = np.moveaxis(array, 3, 3 - place)
    kinds = ["domain"] * 3
    kinds.insert(place, "list")
    directions = ["(1,0,0)", "(0,2,0)", "(0,0,3)"]
    directions.insert(place, "none")
    lines = [
        "space: LPS",
        f"kinds: {' '.join(kinds)}",
        f"space directions: {' '.join(directions)}",
    ]
    spec, found = read(make.write_nrrd(tmp_path / "a.nrrd", turned, lines))
    assert (spec.time_points, spec.shape_kji) == (3, (4, 5, 6))
    assert np.array_equal(found, np.moveaxis(array, 3, 0))
    assert np.allclose(spec.spacing_ijk_mm, (1, 2, 3))


def test_nrrd_with_bare_spacings_is_told(tmp_path):
    spec, _ = read(make.write_nrrd(tmp_path / "a.nrrd", make.voxels(), ["spacings: 1 2 3"]))
    assert spec.spacing_ijk_mm == (1.0, 2.0, 3.0)
    assert codes(spec) == {"no_orientation"}


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("packed", [False, True])
def test_what_itk_writes_lies_where_itk_put_it(tmp_path, ending, packed):
    affine = make.rotation_lps()
    array = make.voxels()
    path = make.write_itk(tmp_path / f"a{ending}", array, affine, packed=packed)
    spec, found = read(path)
    assert np.array_equal(found, array)
    assert np.allclose(spec.affine_lps, affine, atol=1e-9)
    assert codes(spec) == set()


def meta(path, fields, body=b""):
    """Write a MetaImage header by hand."""
    path.write_bytes("".join(f"{k} = {v}\n" for k, v in fields.items()).encode() + body)
    return path


META = {"ObjectType": "Image", "NDims": "3", "DimSize": "5 6 7", "ElementSpacing": "1 2 3"}


def test_metaimage_in_big_endian_at_the_end_of_a_file(tmp_path):
    array = make.voxels()
    (tmp_path / "a.raw").write_bytes(b"some header" + array.astype(">i2").tobytes())
    fields = {
        **META,
        "BinaryDataByteOrderMSB": "True",
        "HeaderSize": "-1",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "a.raw",
    }
    spec, found = read(meta(tmp_path / "a.mhd", fields))
    assert np.array_equal(found, array)
    assert spec.spacing_ijk_mm == (1.0, 2.0, 3.0)


def test_metaimage_with_a_header_for_each_slice_is_refused(tmp_path):
    fields = {**META, "HeaderSizePerSlice": "8", "ElementType": "MET_SHORT"}
    path = meta(tmp_path / "a.mha", {**fields, "ElementDataFile": "LOCAL"}, bytes(1000))
    with pytest.raises(loading.LoadError, match="headers of their own"):
        loading.describe(str(path))


@pytest.mark.parametrize("form", ["LIST", "s%02d.raw 1 7 1"])
def test_metaimage_in_a_file_a_slice(tmp_path, form):
    array = make.voxels()
    for k, plane in enumerate(array):
        (tmp_path / f"s{k + 1:02d}.raw").write_bytes(plane.tobytes())
    fields = {**META, "ElementType": "MET_SHORT", "ElementDataFile": form}
    names = "".join(f"s{k + 1:02d}.raw\n" for k in range(7)) if form == "LIST" else ""
    path = meta(tmp_path / "a.mhd", fields, names.encode())
    _, found = read(path)
    assert np.array_equal(found, array)


def test_nrrd_in_a_file_a_slice(tmp_path):
    array = make.voxels()
    for k, plane in enumerate(array):
        (tmp_path / f"s{k + 1}.raw").write_bytes(plane.tobytes())
    head = "NRRD0004\ntype: short\ndimension: 3\nsizes: 5 6 7\nendian: little\nencoding: raw\n"
    for tail in (
        "data file: s%d.raw 1 7 1\n",
        "data file: LIST\n" + "".join(f"s{k + 1}.raw\n" for k in range(7)),
    ):
        (tmp_path / "a.nhdr").write_text(head + tail)
        _, found = read(tmp_path / "a.nhdr")
        assert np.array_equal(found, array)


@pytest.mark.parametrize("skips", ["line skip: 2\nbyte skip: 3\n", "byte skip: -1\n"])
def test_nrrd_skips_what_it_is_told_to(tmp_path, skips):
    array = make.voxels()
    (tmp_path / "a.raw").write_bytes(b"one\ntwo\nabc" + array.tobytes())
    head = "NRRD0004\ntype: short\ndimension: 3\nsizes: 5 6 7\nendian: little\nencoding: raw\n"
    (tmp_path / "a.nhdr").write_text(f"{head}{skips}data file: a.raw\n")
    _, found = read(tmp_path / "a.nhdr")
    assert np.array_equal(found, array)


def test_metaimage_vectors_are_stepped_through_and_colours_are_colours(tmp_path):
    vectors = make.voxels((7, 6, 5, 2), "float32")
    fields = {**META, "ElementNumberOfChannels": "2", "ElementType": "MET_FLOAT"}
    path = meta(tmp_path / "v.mha", {**fields, "ElementDataFile": "LOCAL"}, vectors.tobytes())
    spec, found = read(path)
    assert np.array_equal(found, np.moveaxis(vectors, 3, 0))
    assert codes(spec) == {"axes_joined"}
    colours = make.voxels((7, 6, 5, 3), "uint8")
    fields |= {"ElementNumberOfChannels": "3", "ElementType": "MET_UCHAR"}
    path = meta(tmp_path / "c.mha", {**fields, "ElementDataFile": "LOCAL"}, colours.tobytes())
    entry = only_volume(path)
    assert np.array_equal(load_colours(entry), colours)
    assert codes(entry.spec) == set()


def test_mgz_keeps_directions_and_frames(tmp_path):
    array = make.voxels((2, 4, 5, 6))
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ make.rotation_lps()
    nibabel.save(nibabel.MGHImage(array.T, ras), tmp_path / "a.mgz")
    spec, found = read(tmp_path / "a.mgz")
    assert np.array_equal(found, array)
    assert np.allclose(spec.affine_lps, make.rotation_lps(), atol=1e-4)


def test_a_pair_is_one_volume_whichever_file_is_named(tmp_path):
    array = make.voxels()
    nibabel.save(nibabel.Nifti1Pair(array.T, np.eye(4)), tmp_path / "a.img")
    for name in ("a.img", "a.hdr", ""):
        _, found = read(tmp_path / name)
        assert np.array_equal(found, array)
    assert [one.reason for one in loading.describe(str(tmp_path)).skipped] == [
        "It belongs to a.hdr"
    ]


@pytest.mark.parametrize("field", [b"", b"\3\0\2\0\4\0"])
def test_analyze_says_that_it_has_no_directions(tmp_path, field):
    """It lies where nibabel puts it, by the origin of SPM where there is one."""
    array = make.voxels()
    nibabel.save(nibabel.AnalyzeImage(array.T, np.diag([-2.0, 3.0, 4.0, 1.0])), tmp_path / "a.hdr")
    raw = bytearray((tmp_path / "a.hdr").read_bytes())
    raw[253 : 253 + len(field)] = field
    (tmp_path / "a.hdr").write_bytes(raw)
    spec, found = read(tmp_path / "a.hdr")
    assert np.array_equal(found, array)
    ras = nibabel.load(tmp_path / "a.hdr").affine
    assert np.allclose(spec.affine_lps, np.diag([-1, -1, 1, 1]) @ ras)
    assert codes(spec) == {"no_orientation"}
