"""SUV by body weight: every rule with a number worked out by hand, and every refusal."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pydicom
import pytest

import loading
from loading.dicom.suv import PetFacts, average_rate_s, moment, moment_of, scan_start, suv_of
from loading.files import describe
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import one

SCAN = datetime(2020, 5, 4, 11, 0, 0)
FLUORINE = 6586.2
GIVEN = PetFacts(
    units="BQML",
    decay_correction="START",
    corrected=("DECY", "ATTN"),
    weight_kg=70.0,
    dose_bq=3.5e8,
    half_life_s=FLUORINE,
    injected_time=SCAN - timedelta(seconds=FLUORINE),
    series_start=SCAN,
    first_acquired=SCAN,
)
UNDECAYED = 70_000 / 3.5e8


def test_one_half_life_doubles_the_factor():
    found = suv_of(GIVEN)
    assert found.factor == pytest.approx(2 * UNDECAYED)
    assert (found.reason, found.unit) == ("", "Bq/ml")


def test_admin_needs_no_decay():
    """The pixels were corrected to the injection already; no time counts."""
    found = suv_of(replace(GIVEN, decay_correction="ADMIN", injected_time=None, series_start=None))
    assert found.factor == pytest.approx(UNDECAYED)


def test_values_that_are_suv_stay():
    assert suv_of(PetFacts(units="GML")).factor == 1.0
    assert suv_of(PetFacts(units="GML", suv_type="BW")).factor == 1.0
    other = suv_of(PetFacts(units="GML", suv_type="LBM"))
    assert other.factor is None
    assert "LBM" in other.reason


def test_counts_need_the_vendors_factor():
    counts = replace(GIVEN, units="CNTS")
    assert "counts" in suv_of(counts).reason
    found = suv_of(replace(counts, vendor_suv=0.002))
    assert (found.factor, found.unit) == (0.002, "counts")
    by_activity = suv_of(replace(counts, vendor_suv=0.0, vendor_activity=3.0))
    assert by_activity.factor == pytest.approx(6 * UNDECAYED)
    assert suv_of(replace(counts, vendor_activity=3.0, weight_kg=None)).factor is None


def test_an_injection_before_midnight():
    """A time of day later than the scan belongs to the day before."""
    night = datetime(2020, 5, 4, 0, 30)
    facts = replace(
        GIVEN,
        series_start=night,
        first_acquired=night,
        injected_time=datetime(2020, 5, 4, 23, 30),
        half_life_s=3600.0,
    )
    assert suv_of(facts).factor == pytest.approx(2 * UNDECAYED)


def test_a_date_with_the_injection_is_believed():
    facts = replace(GIVEN, injected=SCAN + timedelta(minutes=5))
    assert suv_of(facts).reason == "the injection is later than the scan"
    facts = replace(GIVEN, injected=SCAN - timedelta(seconds=2 * FLUORINE))
    assert suv_of(facts).factor == pytest.approx(4 * UNDECAYED)


def test_a_series_made_later_leads_back_to_the_scan():
    """Series Time of a reconstruction is later than the acquisition and is not the reference."""
    late = replace(GIVEN, series_start=SCAN + timedelta(hours=3))
    assert scan_start(late) is None
    assert suv_of(late).reason == "the start of the scan is missing"
    assert scan_start(replace(late, vendor_start=SCAN)) == SCAN
    framed = replace(late, reference_ms=1_000_000.0, duration_ms=0.0)
    assert scan_start(framed) == SCAN - timedelta(seconds=1000)
    averaged = replace(late, reference_ms=0.0, duration_ms=600_000.0)
    start = scan_start(averaged)
    assert start is not None
    assert (start - SCAN).total_seconds() == pytest.approx(
        average_rate_s(600_000.0, FLUORINE), abs=1e-3
    )


def test_the_moment_of_the_average_rate():
    """At that moment the activity is the mean over the frame."""
    rate = math.log(2) / 100.0
    mean = (1 - math.exp(-rate * 250.0)) / (rate * 250.0)
    at = average_rate_s(250_000.0, 100.0)
    assert math.exp(-rate * at) == pytest.approx(mean)
    assert average_rate_s(None, 100.0) == average_rate_s(250.0, None) == 0.0


REFUSED: dict[str, dict[str, Any]] = {
    "the values are not corrected for attenuation": {"corrected": ("DECY",)},
    "the values are not corrected for decay": {"corrected": ("ATTN",)},
    "it is not said to which moment decay was corrected": {"decay_correction": "NONE"},
    "the weight is missing": {"weight_kg": 0.0},
    "the dose is missing": {"dose_bq": None},
    "a dose of 370 Bq cannot be right": {"dose_bq": 370.0},
    "the half-life is missing": {"half_life_s": float("nan")},
    "the time of injection is missing": {"injected_time": None},
    "the dose had decayed before the scan": {"half_life_s": 1.0},
    "the unit is PROPCPS": {"units": "PROPCPS"},
    "the unit is not given": {"units": ""},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_every_refusal_has_its_reason(reason):
    found = suv_of(replace(GIVEN, **REFUSED[reason]))
    assert (found.factor, found.reason) == (None, reason)


def test_moments():
    assert moment("20200504", "110000") == SCAN
    assert moment("2020.05.04", "11") == SCAN
    assert moment("20200504", "110000.25") == SCAN + timedelta(seconds=0.25)
    assert moment_of("20200504110000.00-0500") == SCAN
    for date, time in (
        ("", "110000"),
        ("20200504", ""),
        ("20201304", "110000"),
        ("20200504", "9x"),
    ):
        assert moment(date, time) is None


def write_pet(folder, stored, half_life="6586.2", **changes):
    folder.mkdir(exist_ok=True, parents=True)
    return write_series(
        folder,
        stored,
        Modality="PT",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.128",
        Units="BQML",
        DecayCorrection="START",
        CorrectedImage=["DECY", "ATTN"],
        PatientWeight="70",
        SeriesDate="20200504",
        SeriesTime="110000",
        AcquisitionDate="20200504",
        AcquisitionTime="110000",
        RescaleIntercept="0",
        RescaleSlope=lambda k: str(k + 1),
        RadiopharmaceuticalInformationSequence=lambda _: one(
            RadiopharmaceuticalStartTime="091013.8",
            RadionuclideTotalDose="3.5E8",
            RadionuclideHalfLife=half_life,
        ),
        **changes,
    )


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_a_series_is_shown_in_suv(tmp_path, syntax):
    stored = phantom((4, 12, 10))
    for path in write_pet(tmp_path, stored):
        dataset = pydicom.dcmread(path)
        plain = pydicom.Dataset()
        plain.update(dataset)
        plain.file_meta = dataset.file_meta
        plain.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(
            path,
            plain,
            implicit_vr=syntax == "1.2.840.10008.1.2",
            little_endian=True,
            enforce_file_format=True,
        )
    (entry,) = describe([str(tmp_path)]).volumes
    spec = entry.spec
    assert spec.unit == "g/ml SUVbw"
    assert spec.warnings == ()
    assert spec.header["suv"] == "Bq/ml x 0.0004"
    factor = 2 * UNDECAYED
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        expected = stored * np.arange(1.0, 5.0)[:, None, None] * factor
        assert np.allclose(volume.stored(), expected, rtol=1e-6)
    (other,) = spec.other_units
    assert other.unit == "Bq/ml"
    assert other.value_map.slope == pytest.approx(1 / factor)
    (window,) = spec.windows
    assert window.function == "LINEAR_EXACT"
    assert window.width == pytest.approx(399 * factor)
    assert window.center == pytest.approx(39.5 * factor)


def test_without_suv_the_unit_of_the_file_stays(tmp_path):
    stored = phantom((4, 12, 10))
    write_pet(tmp_path, stored, half_life="0")
    spec = describe([str(tmp_path)]).volumes[0].spec
    assert (spec.unit, spec.other_units) == ("Bq/ml", ())
    assert spec.header["suv"] == "not available: the half-life is missing"


def test_files_that_do_not_agree_have_no_suv(tmp_path):
    """A factor of one slice is never that of another."""
    write_pet(tmp_path, phantom((4, 12, 10)))
    path = max(tmp_path.iterdir())
    dataset = pydicom.dcmread(path)
    dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = "1E8"
    dataset.save_as(path)
    spec = describe([str(tmp_path)]).volumes[0].spec
    assert spec.unit == "Bq/ml"
    assert "differ" in spec.header["suv"]


@pytest.mark.parametrize("block", [0x10, 0x11, 0x1F])
def test_the_makers_factor_stands_in_the_makers_block(tmp_path, block):
    """Philips' private group may be any block; another maker's elements are not Philips'."""
    stored = phantom((4, 12, 10))
    for path in write_pet(tmp_path, stored):
        dataset = pydicom.dcmread(path)
        dataset.Units = "CNTS"
        for other in {0x10, 0x11} - {block}:
            dataset.add_new((0x7053, other), "LO", "SOMEBODY ELSE")
            dataset.add_new((0x7053, other << 8), "DS", "77")
        dataset.add_new((0x7053, block), "LO", "Philips PET Private Group")
        dataset.add_new((0x7053, block << 8), "DS", "0.0005")
        dataset.save_as(path)
    (entry,) = describe([str(tmp_path)]).volumes
    assert entry.spec.unit == "g/ml SUVbw"
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        expected = stored * np.arange(1.0, 5.0)[:, None, None] * 0.0005
        assert np.allclose(volume.stored(), expected, rtol=1e-6)
