"""The sources of the formats beside DICOM keep the contract of sources."""

from __future__ import annotations

import shutil
import zipfile
from typing import ClassVar

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

import loading
from loading.formats import shelf
from tests.contracts.source_contract import SourceContract
from tests.helpers import format_files as make


class OneFile(SourceContract):
    """A volume in one file: subclasses say how it is written, and what it holds."""

    name = ""
    dtype = "int16"

    def write(self, path, array):
        raise AssertionError("write the file under test")

    @pytest.fixture
    def expected(self):
        return make.voxels(dtype=self.dtype)

    @pytest.fixture
    def path(self, tmp_path, expected):
        return self.write(tmp_path / self.name, expected)

    @pytest.fixture
    def entry(self, path):
        return loading.describe(str(path)).volumes[0]

    @pytest.fixture
    def truncated(self, path):
        def cut(share):
            volumes = loading.describe(str(make.cut_file(path, share))).volumes
            return volumes[0] if volumes else None

        return cut


class TestNifti(OneFile):
    name = "noise.nii"

    def write(self, path, array):
        return make.write_nifti(path, array)


class TestNiftiInColour(OneFile):
    name = "noise.nii"
    dtype = "uint8"

    @pytest.fixture
    def expected(self):
        return make.voxels((4, 5, 6, 3), "uint8")

    def write(self, path, array):
        kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
        packed = np.ascontiguousarray(array).view(kind)[..., 0]
        nibabel.save(nibabel.Nifti1Image(packed.T, np.eye(4)), path)
        return path


class TestPackedNifti(TestNifti):
    name = "noise.nii.gz"


class TestFloatNifti(TestNifti):
    dtype = "float32"


class TestPair(TestNifti):
    name = "noise.img"

    def write(self, path, array):
        import nibabel

        nibabel.save(nibabel.Nifti1Pair(array.T, np.eye(4)), path)
        return path


class TestAnalyze(OneFile):
    name = "noise.hdr"

    def write(self, path, array):
        import nibabel

        nibabel.save(nibabel.AnalyzeImage(array.T, np.eye(4)), path)
        return path


class TestMgz(OneFile):
    name = "noise.mgz"

    def write(self, path, array):
        import nibabel

        nibabel.save(nibabel.MGHImage(array.T, np.eye(4)), path)
        return path


class TestNrrd(OneFile):
    name = "noise.nrrd"
    encoding = "raw"

    def write(self, path, array):
        lines = ["space: left-posterior-superior", "space directions: (1,0,0) (0,2,0) (0,0,3)"]
        return make.write_nrrd(path, array, lines, self.encoding)


class TestPackedNrrd(TestNrrd):
    encoding = "gzip"


class TestBzip2Nrrd(TestNrrd):
    encoding = "bzip2"


class TestTextNrrd(TestNrrd):
    encoding = "ascii"


class TestDetachedNrrd(OneFile):
    name = "noise.nhdr"

    def write(self, path, array):
        return make.write_itk(path, array)


class TestNrrdInSeveralPackedFiles(OneFile):
    """Each file holds some slices, behind lines and bytes that are to be skipped."""

    name = "noise.nhdr"
    each = 1

    @pytest.fixture
    def expected(self):
        return make.voxels((6, 9, 8), self.dtype)

    def write(self, path, array):
        return make.write_split_nrrd(path, array, self.each)

    @pytest.fixture
    def truncated(self, path):
        def cut(share):
            make.cut_file(path.with_name("s2.raw.gz"), share)
            volumes = loading.describe(str(path)).volumes
            return volumes[0] if volumes else None

        return cut


class TestNrrdInFewPackedFiles(TestNrrdInSeveralPackedFiles):
    each = 2


class TestMetaImage(OneFile):
    name = "noise.mha"
    packed = False

    def write(self, path, array):
        return make.write_itk(path, array, packed=self.packed)


class TestPackedMetaImage(TestMetaImage):
    packed = True


class TestDetachedMetaImage(TestMetaImage):
    name = "noise.mhd"


class TestTiff(OneFile):
    name = "noise.tif"
    options: ClassVar[dict[str, object]] = {}

    def write(self, path, array):
        import tifffile

        tifffile.imwrite(path, array, **self.options)
        return path


class TestPackedTiff(TestTiff):
    options: ClassVar[dict[str, object]] = {
        "compression": "zlib",
        "predictor": True,
        "photometric": "minisblack",
    }


class TestBigEndianBigTiff(TestTiff):
    options: ClassVar[dict[str, object]] = {
        "bigtiff": True,
        "byteorder": ">",
        "photometric": "minisblack",
    }


class TestItkTiff(TestTiff):
    dtype = "uint8"

    def write(self, path, array):
        return make.write_itk(path, array, packed=True)


class TestImageJ(TestTiff):
    dtype = "uint16"
    options: ClassVar[dict[str, object]] = {"imagej": True, "metadata": {"axes": "ZYX"}}


class TestOmeTiff(TestTiff):
    name = "noise.ome.tif"
    dtype = "uint16"
    options: ClassVar[dict[str, object]] = {"metadata": {"axes": "ZYX"}, "compression": "lzw"}


class TestOmeSet(SourceContract):
    """An image whose planes lie in three files; the one in the middle is cut."""

    @pytest.fixture
    def expected(self):
        return make.voxels((6, 9, 8), "uint16")

    @pytest.fixture
    def paths(self, tmp_path, expected):
        names = [f"{letter}.ome.tif" for letter in "abc"]
        return make.write_ome_set(tmp_path, expected[None], names, compression="zlib")

    @pytest.fixture
    def entry(self, paths):
        return loading.describe(str(paths[0].parent)).volumes[0]

    @pytest.fixture
    def truncated(self, paths):
        def cut(share):
            make.cut_file(paths[1], share)
            return loading.describe(str(paths[0].parent)).volumes[0]

        return cut


class Stack(SourceContract):
    """A folder of slices; the one in the middle is cut."""

    ending = ""
    dtype = "uint8"

    def write_slice(self, path, plane):
        raise AssertionError("write one slice")

    @pytest.fixture
    def expected(self):
        return make.voxels((12, 9, 8), self.dtype)

    @pytest.fixture
    def folder(self, tmp_path, expected):
        for k, plane in enumerate(expected):
            self.write_slice(tmp_path / f"s_{k + 1}{self.ending}", plane)
        return tmp_path

    @pytest.fixture
    def entry(self, folder):
        return loading.describe(str(folder)).volumes[0]

    @pytest.fixture
    def truncated(self, folder):
        def cut(share):
            make.cut_file(folder / f"s_6{self.ending}", share)
            return loading.describe(str(folder)).volumes[0]

        return cut


class TestPngStack(Stack):
    ending = ".png"
    dtype = "uint16"

    def write_slice(self, path, plane):
        make.write_itk(path, plane)


class TestJpegStack(Stack):
    """What is lost in packing is lost: the values are those that another reader unpacks."""

    ending = ".jpg"

    @pytest.fixture
    def expected(self, folder):
        paths = [str(folder / f"s_{k + 1}.jpg") for k in range(12)]
        return np.stack([sitk.GetArrayFromImage(sitk.ReadImage(path)) for path in paths])

    @pytest.fixture
    def folder(self, tmp_path):
        for k, plane in enumerate(make.voxels((12, 9, 8), "uint8")):
            make.write_itk(tmp_path / f"s_{k + 1}.jpg", plane)
        return tmp_path


class TestBmpStack(Stack):
    ending = ".bmp"

    def write_slice(self, path, plane):
        make.write_itk(path, plane)


class TestTiffStack(Stack):
    ending = ".tif"
    dtype = "int16"

    def write_slice(self, path, plane):
        import tifffile

        tifffile.imwrite(path, plane)


class TestWideTiffStack(Stack):
    """Samples that the array does not hold as they are: rounded once to float32."""

    ending = ".tif"
    stored = "float64"

    @pytest.fixture
    def wide(self):
        return make.voxels((12, 9, 8), "float64").astype(self.stored)

    @pytest.fixture
    def expected(self, wide):
        return wide.astype(np.float32)

    @pytest.fixture
    def folder(self, tmp_path, wide):
        import tifffile

        for k, plane in enumerate(wide):
            tifffile.imwrite(tmp_path / f"s_{k + 1}.tif", plane)
        return tmp_path


class TestHalfTiffStack(TestWideTiffStack):
    stored = "float16"


class TestLongTiffStack(TestWideTiffStack):
    stored = "int64"


class TestPackedTiffStack(TestTiffStack):
    dtype = "uint8"

    def write_slice(self, path, plane):
        make.write_itk(path, plane, packed=True)


class TestZarr(SourceContract):
    version = 3

    @pytest.fixture
    def expected(self):
        return make.voxels((9, 8, 7), "uint16")

    @pytest.fixture
    def folder(self, tmp_path, expected):
        return make.write_zarr(tmp_path / "noise.ome.zarr", expected, version=self.version)

    @pytest.fixture
    def path(self, folder):
        return folder

    @pytest.fixture
    def entry(self, path):
        return loading.describe(str(path)).volumes[0]

    @pytest.fixture
    def truncated(self, folder):
        def cut(share):
            chunks = sorted(p for p in (folder / "0").rglob("*") if p.name.isdecimal())
            make.cut_file(next(p for p in chunks if p.is_file()), share)
            return loading.describe(str(folder)).volumes[0]

        return cut


class TestZarr2(TestZarr):
    version = 2


class TestPackedZarr(TestZarr):
    @pytest.fixture
    def path(self, folder):
        archive = make.zip_folder(folder, folder.parent / "noise.zip")
        shutil.rmtree(folder)
        return archive

    @pytest.fixture
    def truncated(self, path):
        return lambda share: loading.describe(str(make.cut_file(path, share))).volumes[0]


class TestItk(OneFile):
    name = "noise.gipl"

    def write(self, path, array):
        return make.write_itk(path, array)


class TestNiftiInZip(OneFile):
    name = "noise.zip"

    def write(self, path, array):
        make.write_nifti(path.with_name("noise.nii"), array)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path.with_name("noise.nii"), "inner/noise.nii")
        return path


class TestFlowingNiftiInZip(TestNiftiInZip):
    """A member that is too long to be inflated for each read."""

    @pytest.fixture(autouse=True)
    def _all_flow(self, monkeypatch):
        monkeypatch.setattr(shelf, "FLOWING_BYTES", 1)


@pytest.mark.slow
class TestVtkByItk(OneFile):
    name = "noise.vtk"

    def write(self, path, array):
        return make.write_itk(path, array)


@pytest.mark.slow
class TestMrcByItk(OneFile):
    name = "noise.mrc"

    def write(self, path, array):
        return make.write_itk(path, array)


class TestMincByItk(OneFile):
    name = "noise.mnc"

    def write(self, path, array):
        return make.write_itk(path, array)
