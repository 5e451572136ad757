"""Formats beside DICOM inside a ZIP: read in place, the same voxels and the same guards."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import loading
from tests.helpers import format_files as make
from tests.helpers.dicom_series import phantom, write_series

LARGE = make.voxels((12, 230, 250))
"""Longer than what is inflated anew for each read."""


def pack(folder: Path, method=zipfile.ZIP_DEFLATED) -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", method) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder).as_posix())
    return archive


def voxels_of(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Load every volume; label to voxels and affine."""
    found = {}
    for entry in loading.describe(str(path)).volumes:
        with loading.open_entry(entry) as volume:
            assert volume.wait(60) is loading.LoadState.COMPLETE, volume.failures
            label = f"{entry.spec.label} {entry.spec.header.get('format')}"
            found[label] = (volume.array.copy(), entry.spec.affine_lps)
    return found


def write_all(folder: Path) -> None:
    import imagecodecs
    import nibabel
    import tifffile

    array, small = make.voxels(), make.voxels((5, 16, 18), "uint8")
    for name in ("one", "two/deep", "tiff", "png", "series"):
        (folder / name).mkdir(parents=True)
    make.write_nifti(folder / "one" / "a.nii", array)
    make.write_nifti(folder / "one" / "b.nii.gz", LARGE)
    make.write_nifti(folder / "one" / "c.nii", LARGE)
    nibabel.save(nibabel.Nifti1Pair(array.T, np.diag([1.0, 2, 3, 1])), folder / "one" / "d.hdr")
    nibabel.save(nibabel.MGHImage(array.T, np.eye(4)), folder / "one" / "e.mgz")
    head = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 18 16 5\nencoding: raw\n"
    (folder / "two" / "f.nhdr").write_text(f"{head}data file: deep/f%d.raw 1 5 1 2\n")
    for k in range(5):
        (folder / "two" / "deep" / f"f{k + 1}.raw").write_bytes(small[k].tobytes())
    make.write_nrrd(folder / "two" / "g.nrrd", LARGE, [], "gzip")
    make.write_itk(folder / "two" / "h.mhd", LARGE, make.rotation_lps())
    make.write_itk(folder / "two" / "i.mha", array, packed=True)
    tifffile.imwrite(folder / "tiff" / "j.tif", LARGE, compression="zlib")
    tifffile.imwrite(folder / "tiff" / "k.ome.tif", small, metadata={"axes": "ZYX"})
    for k in range(5):
        (folder / "png" / f"s_{k}.png").write_bytes(imagecodecs.png_encode(small[k]))
    (folder / "png" / "s_.log").write_text("Image Pixel Size (um) = 9.5\n")
    write_series(folder / "series", phantom((4, 12, 10)))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_lies_in_an_archive_is_what_lies_in_the_folder(tmp_path, method):
    """Each format, its data files and its side-car beside it, through the same registry."""
    write_all(tmp_path / "all")
    plain, packed = voxels_of(tmp_path / "all"), voxels_of(pack(tmp_path / "all", method))
    assert len(plain) == 13
    assert packed.keys() == plain.keys()
    for label, (array, affine) in plain.items():
        assert np.array_equal(packed[label][0], array), label
        assert np.array_equal(packed[label][1], affine), label


def test_a_header_reaches_no_file_beside_the_archive(tmp_path):
    """T-path: data are looked for among the members alone, not on the disk around them."""
    (tmp_path / "a.raw").write_bytes(bytes(1000))
    meta = "ObjectType = Image\nNDims = 3\nDimSize = 4 4 4\nElementType = MET_UCHAR\n"
    inner = tmp_path / "inner"
    inner.mkdir()
    for number, name in enumerate(("a.raw", "../a.raw", str(tmp_path / "a.raw"))):
        (inner / f"{number}.mhd").write_text(f"{meta}ElementDataFile = {name}\n")
    with pytest.raises(loading.NothingFound) as caught:
        loading.describe(str(pack(inner)))
    reasons = [skipped.reason for skipped in caught.value.catalogue.skipped]
    assert len(reasons) == 3
    assert all("not there" in reason or "outside" in reason for reason in reasons)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("kind", ["nii", "tif", "png"])
def test_a_wrong_check_sum_fails_slices(tmp_path, method, kind):
    """A member whose bytes are not those that were packed is never shown as if they were."""
    import imagecodecs
    import tifffile

    folder = tmp_path / "all"
    folder.mkdir()
    if kind == "nii":
        make.write_nifti(folder / "a.nii", LARGE)
    elif kind == "tif":
        tifffile.imwrite(folder / "a.tif", LARGE)
    else:
        for k in range(3):
            (folder / f"{k}.png").write_bytes(imagecodecs.png_encode(LARGE[k].astype("uint16")))
    archive = pack(folder, method)
    raw = bytearray(archive.read_bytes())
    at = raw.find(b"PK\1\2")
    while at >= 0:
        raw[at + 16] ^= 0xFF
        at = raw.find(b"PK\1\2", at + 4)
    archive.write_bytes(raw)
    if kind == "tif":  # its header lies anywhere in it
        with pytest.raises(loading.LoadError, match="check sum"):
            loading.describe(str(archive))
        return
    (entry,) = loading.describe(str(archive)).volumes
    with loading.open_entry(entry) as volume:
        assert volume.wait(60) is loading.LoadState.COMPLETE_WITH_FAILURES
        assert any("check sum" in f.reason for f in volume.failures.values())
