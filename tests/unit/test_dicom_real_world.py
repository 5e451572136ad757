"""Real world values are further units, and the meant ones where nothing else says what is meant."""

from __future__ import annotations

import highdicom as hd
import numpy as np
import pydicom
import pytest
from highdicom.sr.coding import Code
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

import loading
from loading.dicom.suv import UNIT
from loading.files import describe
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import frame_groups, one, shared_groups, write_enhanced

SHAPE = (6, 16, 12)


@pytest.fixture
def stored():
    return phantom(SHAPE)


def mapping(slope, intercept, code="mm2/s", first=0, last=4095, label="ADC", **more):
    units = one(CodeValue=code, CodingSchemeDesignator="UCUM", CodeMeaning=code)
    made = one(
        RealWorldValueFirstValueMapped=first,
        RealWorldValueLastValueMapped=last,
        RealWorldValueIntercept=float(intercept),
        RealWorldValueSlope=float(slope),
        LUTLabel=label,
        MeasurementUnitsCodeSequence=units,
    )[0]
    for name, value in more.items():
        setattr(made, name, value)
    for name in [name for name, value in more.items() if value is None]:
        delattr(made, name)
    return made


def table(entries, first=0, last=4095, code="mm2/s", label="ADC"):
    """Make a mapping by a table (0040,9212)."""
    values = [float(one) for one in entries]
    without = {"RealWorldValueSlope": None, "RealWorldValueIntercept": None}
    made = mapping(1, 0, code, first, last, label, **without)
    made.RealWorldValueLUTData = values
    return made


def only(path):
    found = describe([str(path)])
    (entry,) = found.volumes
    return entry


def meant(entry):
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert not volume.failures
        values = entry.spec.value_map
        return np.array(volume.stored(), np.float64) * values.slope + values.intercept


def others(entry):
    values = meant(entry)
    return {
        other.unit: values * other.value_map.slope + other.value_map.intercept
        for other in entry.spec.other_units
    }


def test_a_mapping_is_a_further_unit_of_the_meant_values(tmp_path, stored):
    items = [mapping(1e-6, 5e-5), mapping(2, 0, "s", label="T1")]
    write_series(tmp_path / "s", stored, RealWorldValueMappingSequence=Sequence(items))
    entry = only(tmp_path / "s")
    assert entry.spec.unit == "HU"
    found = others(entry)
    assert list(found) == ["mm2/s", "s"]
    assert np.allclose(found["mm2/s"], stored * 1e-6 + 5e-5, rtol=1e-9)
    assert np.allclose(found["s"], stored * 2.0)


def test_slices_scaled_one_by_one_share_a_unit(tmp_path, stored):
    slopes = [str(1 + k / 7)[:12] for k in range(SHAPE[0])]
    write_series(
        tmp_path / "s",
        stored,
        Modality="MR",
        RescaleSlope=lambda k: slopes[k],
        RescaleIntercept="0",
        RealWorldValueMappingSequence=lambda k: Sequence([mapping(3 * float(slopes[k]), 0, "g/l")]),
    )
    entry = only(tmp_path / "s")
    assert entry.spec.dtype == np.float32
    expected = stored * 3.0 * np.array([float(slope) for slope in slopes])[:, None, None]
    assert np.allclose(others(entry)["g/l"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "item",
    [
        mapping(1, -1024, "[hnsf'U]"),
        mapping(0, 7),
        mapping(float("nan"), 7),
        mapping(float("inf"), 7),
        mapping(1, 0, RealWorldValueSlope=None),
        mapping(1, 0, RealWorldValueLastValueMapped=None),
        table([1.5] * 4095),
        table([1.5] * 4095 + [float("nan")]),
    ],
    ids=["the same", "flat", "no number", "no end of it", "no slope", "no end", "too short", "NaN"],
)
def test_what_adds_nothing_or_is_not_sure_is_not_offered(tmp_path, stored, item):
    write_series(tmp_path / "s", stored, RealWorldValueMappingSequence=Sequence([item]))
    assert only(tmp_path / "s").spec.other_units == ()


def readings(entry, unit):
    """Read every voxel in a unit; NaN where the file says nothing."""
    (other,) = [other for other in entry.spec.other_units if other.unit == unit]
    found = [other.reading(float(one)) for one in meant(entry).reshape(-1)]
    return np.array([np.nan if one is None else one for one in found]).reshape(SHAPE)


@pytest.mark.parametrize(("first", "last"), [(0, 1000), (60, 4095), (40, 1100)])
def test_a_mapping_counts_where_it_is_said_to(tmp_path, stored, first, last):
    """Beyond its ends nothing is said of a value, so nothing is shown."""
    item = mapping(2, 3, first=first, last=last)
    write_series(tmp_path / "s", stored, RealWorldValueMappingSequence=Sequence([item]))
    inside = (stored >= first) & (stored <= last)
    assert inside.any()
    assert not inside.all()
    expected = np.where(inside, stored * 2.0 + 3, np.nan)
    assert np.allclose(readings(only(tmp_path / "s"), "mm2/s"), expected, equal_nan=True)


@pytest.mark.parametrize("slope", ["1", "-0.5"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_table_is_looked_up(tmp_path, stored, syntax, slope):
    entries = np.sqrt(np.arange(1000))
    frames = [frame_groups((0, 0, 2.0 * k)) for k in range(SHAPE[0])]
    common = shared_groups((float(slope), -7))
    common.RealWorldValueMappingSequence = Sequence([table(entries, 20, 1019)])
    pixels = stored.byteswap() if syntax == ExplicitVRBigEndian else stored
    path = write_enhanced(tmp_path / "e.dcm", pixels, frames, shared=common, syntax=syntax)
    inside = (stored >= 20) & (stored < 1020)
    assert 0.1 < inside.mean() < 0.99
    expected = np.where(inside, entries[np.clip(stored.astype(int) - 20, 0, 999)], np.nan)
    assert np.allclose(readings(only(path), "mm2/s"), expected, equal_nan=True)


def test_slices_that_do_not_agree_have_no_further_unit(tmp_path, stored):
    write_series(
        tmp_path / "s",
        stored,
        RealWorldValueMappingSequence=lambda k: Sequence([mapping(1 + (k == 3), 0)]),
    )
    assert only(tmp_path / "s").spec.other_units == ()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("shared", [True, False])
def test_mappings_of_frames(tmp_path, stored, syntax, shared):
    frames = [frame_groups((0, 0, 2.0 * k)) for k in range(SHAPE[0])]
    common = shared_groups((2, -7))
    for groups in [common] if shared else frames:
        groups.RealWorldValueMappingSequence = Sequence([mapping(0.5, 3)])
    pixels = stored.byteswap() if syntax == ExplicitVRBigEndian else stored
    path = write_enhanced(tmp_path / "e.dcm", pixels, frames, shared=common, syntax=syntax)
    entry = only(path)
    assert np.array_equal(meant(entry), stored * 2.0 - 7)
    assert np.allclose(others(entry)["mm2/s"], stored * 0.5 + 3)


@pytest.mark.parametrize("limits", [(-1e9, 1e9), (0.0, 0.5)])
def test_a_parametric_map_means_its_real_world_values(tmp_path, stored, limits):
    """As highdicom writes it; dcmqi gives the range of the numbers that occur."""
    paths = write_series(
        tmp_path / "s",
        stored,
        **dict.fromkeys(("PatientID", "PatientName", "PatientBirthDate", "PatientSex"), ""),
        **dict.fromkeys(("AccessionNumber", "StudyID", "StudyDate", "StudyTime"), ""),
        ReferringPhysicianName="",
        SliceThickness="2",
    )
    sources = [pydicom.dcmread(path) for path in paths]
    path = tmp_path / "map.dcm"
    hd.pm.ParametricMap(
        source_images=sources,
        pixel_array=stored.astype(np.float32) / 7,
        series_instance_uid=hd.UID(),
        series_number=2,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="M",
        manufacturer_model_name="M",
        software_versions="1",
        device_serial_number="1",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            hd.pm.RealWorldValueMapping(
                lut_label="ADC",
                lut_explanation="Diffusion",
                unit=Code("mm2/s", "UCUM", "mm2/s"),
                value_range=limits,
                slope=2e-3,
                intercept=1.0,
            )
        ],
        voi_lut_transformations=[hd.VOILUTTransformation(window_center=1, window_width=2)],
    ).save_as(path)
    entry = only(path)
    assert entry.spec.unit == "mm2/s"
    assert np.allclose(meant(entry), stored.astype(np.float32) / 7 * 2e-3 + 1.0, rtol=1e-5)


def write_map(path, stored, items, **changes):
    """Write a parametric map of whole numbers (PS3.3 A.75) with these mappings."""
    frames = [frame_groups((0, 0, 2.0 * k)) for k in range(len(stored))]
    common = shared_groups((1, 0))
    common.RealWorldValueMappingSequence = Sequence(items)
    kind = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.30", "Modality": "MR"}
    return write_enhanced(path, stored, frames, shared=common, **(kind | changes))


def test_a_map_means_what_its_table_says(tmp_path, stored):
    entries = np.sqrt(np.arange(4096)) - 9
    entry = only(write_map(tmp_path / "m.dcm", stored, [table(entries)]))
    assert entry.spec.unit == "mm2/s"
    assert np.allclose(meant(entry), entries[stored], rtol=1e-6)


@pytest.mark.parametrize("ends", [(0.5, 4095.5), (4095.0, 0.0), (float("-inf"), 5.0)])
def test_a_table_whose_entries_have_no_sure_place_is_not_used(tmp_path, stored, ends):
    """Ends that are no stored numbers would shift it, ends in the wrong order turn it round."""
    item = table(np.arange(4096) / 3)
    item.DoubleFloatRealWorldValueFirstValueMapped = ends[0]
    item.DoubleFloatRealWorldValueLastValueMapped = ends[1]
    entry = only(write_map(tmp_path / "m.dcm", stored, [item]))
    assert (entry.spec.unit, entry.spec.other_units) == ("", ())
    assert np.array_equal(meant(entry), stored)


def test_a_map_whose_line_ends_before_says_so(tmp_path, stored):
    """Writers give the range of the numbers that occur, or less."""
    entry = only(write_map(tmp_path / "m.dcm", stored, [mapping(0.5, 2, last=1000)]))
    assert entry.spec.unit == "mm2/s"
    assert np.allclose(meant(entry), stored * 0.5 + 2)
    (told,) = [one for one in entry.spec.warnings if one.code == "real_world_range"]
    assert "from 0 to 1000" in told.message


def test_a_map_whose_table_ends_before_keeps_its_numbers(tmp_path, stored):
    entry = only(write_map(tmp_path / "m.dcm", stored, [table(np.arange(1001) / 3, last=1000)]))
    assert entry.spec.unit == ""
    assert np.array_equal(meant(entry), stored)
    assert [other.unit for other in entry.spec.other_units] == ["mm2/s"]


INJECTED, SCANNED = "20200504100000", "20200504114946.2"
FLUORINE = 6586.2


def write_enhanced_pet(path, stored, unit="Bq/ml", item=None, **changes):
    common = shared_groups()
    items = [item or mapping(3.5, 0, unit, last=65535)]
    common.RealWorldValueMappingSequence = Sequence(items)
    dose = one(
        RadionuclideTotalDose="350000000",
        RadionuclideHalfLife=str(FLUORINE),
        RadiopharmaceuticalStartDateTime=INJECTED,
    )
    attributes = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.130",
        "Modality": "PT",
        "PatientWeight": "70",
        "RadiopharmaceuticalInformationSequence": dose,
        "DecayCorrected": "YES",
        "AttenuationCorrected": "YES",
        "DecayCorrectionDateTime": SCANNED,
    }
    frames = [frame_groups((0, 0, 2.0 * k)) for k in range(len(stored))]
    return write_enhanced(path, stored, frames, shared=common, **(attributes | changes))


def test_enhanced_pet_is_shown_in_suv(tmp_path, stored):
    """One half-life has passed since the injection: the dose is half of what it was."""
    entry = only(write_enhanced_pet(tmp_path / "p.dcm", stored))
    assert entry.spec.unit == UNIT
    assert np.allclose(meant(entry), stored * 3.5 * 70_000 / (350e6 / 2), rtol=1e-6)
    assert np.allclose(others(entry)["Bq/ml"], stored * 3.5, rtol=1e-6)


def test_enhanced_pet_by_a_table_is_shown_in_suv(tmp_path, stored):
    entries = np.sqrt(np.arange(4096)) * 40
    path = write_enhanced_pet(tmp_path / "p.dcm", stored, item=table(entries, code="Bq/ml"))
    entry = only(path)
    assert entry.spec.unit == UNIT
    assert np.allclose(meant(entry), entries[stored] * 70_000 / (350e6 / 2), rtol=1e-6)


def test_enhanced_pet_corrected_to_the_injection(tmp_path, stored):
    path = write_enhanced_pet(tmp_path / "p.dcm", stored, DecayCorrectionDateTime=INJECTED)
    assert np.allclose(meant(only(path)), stored * 3.5 * 70_000 / 350e6, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"DecayCorrected": "NO"}, "not corrected for decay"),
        ({"AttenuationCorrected": "NO"}, "not corrected for attenuation"),
        ({"DecayCorrectionDateTime": ""}, "to which moment"),
        ({"PatientWeight": ""}, "weight"),
        ({"RadiopharmaceuticalInformationSequence": None}, "dose is missing"),
        ({"unit": "/s"}, "the unit is /s"),
    ],
)
def test_enhanced_pet_without_suv_says_why(tmp_path, stored, changes, reason):
    entry = only(write_enhanced_pet(tmp_path / "p.dcm", stored, **changes))
    assert reason in entry.spec.header["suv"]
    assert entry.spec.unit == changes.get("unit", "Bq/ml")
    assert np.allclose(meant(entry), stored * 3.5)


def test_converted_pet_equals_the_files_it_was_made_of(tmp_path, data_folder):
    """N1: highdicom converts a real series; dose and unit stand in groups of the converted."""
    folder = data_folder / "06_pet_suv_and_ct_pair" / "pet_bqml"
    sources = [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]
    for source in sources:
        source.PatientName = ""
    path = tmp_path / "c.dcm"
    hd.legacy.LegacyConvertedEnhancedPETImage(
        legacy_datasets=sources,
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
    ).save_as(path)
    classic, converted = only(folder), only(path)
    assert converted.spec.unit == classic.spec.unit == UNIT
    assert np.allclose(converted.spec.affine_lps, classic.spec.affine_lps)
    assert np.array_equal(meant(converted), meant(classic))


def test_a_probe_tells_what_the_file_says_of_a_value(tmp_path, stored):
    """Beside the meant value, and nothing where the mapping does not hold."""
    item = mapping(2, 3, first=0, last=500)
    write_series(tmp_path / "s", stored, RealWorldValueMappingSequence=Sequence([item]))
    entry = only(tmp_path / "s")
    origin = entry.spec.affine_lps @ (0, 0, 0, 1)
    middle = entry.spec.affine_lps @ (6, 8, 3, 1)
    points = [(float(x), float(y), float(z)) for x, y, z, _ in (origin, middle)]
    dark, bright = loading.probe([(0, entry)], points)
    assert stored[0, 0, 0] < 500 < stored[3, 8, 6]
    assert dark.readings == ((stored[0, 0, 0] * 2.0 + 3, "mm2/s"),)
    assert bright.readings == ()
