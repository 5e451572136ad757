"""Body-weight SUV of PET: the factor, or the reason why there is none. Pure functions on facts.

SUVbw [g/ml] = activity [Bq/ml] x weight [g] / dose [Bq], both decay-corrected to one moment. The
moment that the pixels were corrected to is said by Decay Correction (0054,1102): START means the
start of the acquisition, ADMIN the injection, so that the dose then needs no decay at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST_DOSE_BQ = 1e5
"""Less than this was written in MBq, whatever the standard says; nobody guesses here."""
UNIT = "g/ml SUVbw"


@dataclass(frozen=True, slots=True)
class PetFacts:
    """What the header of a PET series says.

    Attributes
    ----------
    units, suv_type, decay_correction : str
        (0054,1001), (0054,1006), (0054,1102).
    corrected : tuple of str
        (0028,0051).
    injected : datetime or None
        Start of the injection, when a date comes with it.
    injected_time : datetime or None
        Its time of day on the date of the series, when there is no date.
    series_start, first_acquired, vendor_start : datetime or None
        Series Date and Time; the earliest acquisition; GE's own start of the scan.
    reference_ms, duration_ms : float or None
        Frame Reference Time and Actual Frame Duration of the earliest acquisition.
    corrected_to : datetime or None
        The moment to which decay was corrected, where the file says it (0018,9701).
    vendor_suv, vendor_activity : float or None
        Philips' own factors from counts to SUV and to Bq/ml.
    """

    units: str = ""
    suv_type: str = ""
    decay_correction: str = ""
    corrected: tuple[str, ...] = ()
    weight_kg: float | None = None
    dose_bq: float | None = None
    half_life_s: float | None = None
    injected: datetime | None = None
    injected_time: datetime | None = None
    series_start: datetime | None = None
    first_acquired: datetime | None = None
    vendor_start: datetime | None = None
    reference_ms: float | None = None
    duration_ms: float | None = None
    corrected_to: datetime | None = None
    vendor_suv: float | None = None
    vendor_activity: float | None = None


@dataclass(frozen=True, slots=True)
class Suv:
    """The factor from the file's values to SUVbw, or None and the reason.

    `unit` is that of the file's values; empty where they are SUV already.
    """

    factor: float | None
    reason: str = ""
    unit: str = ""


def suv_of(facts: PetFacts) -> Suv:
    """Work out the factor that turns rescaled values into body-weight SUV."""
    if facts.units == "GML":
        if facts.suv_type in ("", "BW"):
            return Suv(1.0)
        return Suv(None, f"the values are SUV by {facts.suv_type}, not by body weight")
    if facts.units == "CNTS":
        return _from_counts(facts)
    if facts.units == "BQML":
        return _from_activity(facts)
    return Suv(None, f"the unit is {facts.units}" if facts.units else "the unit is not given")


def _from_counts(facts: PetFacts) -> Suv:
    """Use the vendor's factors, the only ones that lead from counts anywhere."""
    if _positive(facts.vendor_suv):
        return Suv(facts.vendor_suv, unit="counts")
    if facts.vendor_activity is None or not _positive(facts.vendor_activity):
        return Suv(None, "the values are counts, without a factor of the vendor")
    found = _from_activity(facts)
    if found.factor is None:
        return found
    return Suv(found.factor * facts.vendor_activity, unit="counts")


def _from_activity(facts: PetFacts) -> Suv:
    reason = _what_is_missing(facts)
    weight, dose = facts.weight_kg, facts.dose_bq
    if reason or weight is None or dose is None:
        return Suv(None, reason)
    if facts.decay_correction == "ADMIN":
        return Suv(weight * 1000.0 / dose, unit="Bq/ml")
    decay = _decay(facts)
    if isinstance(decay, str):
        return Suv(None, decay)
    return Suv(weight * 1000.0 / (dose * decay), unit="Bq/ml")


def _what_is_missing(facts: PetFacts) -> str:
    for name in ("ATTN", "DECY"):
        if name not in facts.corrected:
            return f"the values are not corrected for {_CORRECTIONS[name]}"
    if facts.decay_correction not in ("START", "ADMIN") and facts.corrected_to is None:
        return "it is not said to which moment decay was corrected"
    if not _positive(facts.weight_kg):
        return "the weight is missing"
    if not _positive(facts.dose_bq):
        return "the dose is missing"
    if facts.dose_bq is not None and facts.dose_bq < LEAST_DOSE_BQ:
        return f"a dose of {facts.dose_bq:g} Bq cannot be right"
    return ""


_CORRECTIONS = {"ATTN": "attenuation", "DECY": "decay"}


def _decay(facts: PetFacts) -> float | str:
    """Give the part of the dose that is left at the moment of the scan, or a reason."""
    half_life = facts.half_life_s
    if half_life is None or not _positive(half_life):
        return "the half-life is missing"
    scan = scan_start(facts)
    if scan is None:
        return "the start of the scan is missing"
    injected = facts.injected
    if injected is None and facts.injected_time is not None:
        injected = facts.injected_time
        if injected > scan:  # a time of day alone: the injection was before midnight
            injected -= timedelta(days=1)
    if injected is None:
        return "the time of injection is missing"
    passed = (scan - injected).total_seconds()
    if passed < 0:
        return "the injection is later than the scan"
    left = 2.0 ** (-passed / half_life)
    return left if left > 1e-6 else "the dose had decayed before the scan"


def scan_start(facts: PetFacts) -> datetime | None:
    """Give the moment to which decay was corrected for START.

    The series' own time, unless it was written after the acquisition (by a workstation that made
    a new series); then the vendor's; then what the frame's reference time leads back to.
    """
    if facts.corrected_to is not None and facts.decay_correction not in ("START", "ADMIN"):
        return facts.corrected_to
    series, acquired = facts.series_start, facts.first_acquired
    if series is not None and (acquired is None or series <= acquired):
        return series
    if facts.vendor_start is not None:
        return facts.vendor_start
    if acquired is None or facts.reference_ms is None or not _positive(facts.half_life_s):
        return None
    shift = average_rate_s(facts.duration_ms, facts.half_life_s) - facts.reference_ms / 1000.0
    return acquired + timedelta(seconds=shift)


def average_rate_s(duration_ms: float | None, half_life_s: float | None) -> float:
    """Give how long after its start a frame's rate is that of its average (PS3.3 C.8.9.4.1.4)."""
    if duration_ms is None or half_life_s is None or duration_ms <= 0:
        return 0.0
    rate = math.log(2.0) / half_life_s
    whole = rate * duration_ms / 1000.0
    return math.log(whole / -math.expm1(-whole)) / rate


def _positive(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0


def moment(date: str, time: str) -> datetime | None:
    """Parse a DICOM date (DA) and time (TM); None where they are not both there and right."""
    date = date.replace(".", "").strip()
    digits, _, fraction = time.replace(":", "").strip().partition(".")
    if len(date) != 8 or len(digits) not in (2, 4, 6) or not (date + digits).isdigit():
        return None
    digits = digits.ljust(6, "0")
    try:
        start = datetime.strptime(date + digits, "%Y%m%d%H%M%S")
    except ValueError:
        return None
    part = float(f"0.{fraction}") if fraction.isdigit() else 0.0
    return start + timedelta(seconds=part)


def moment_of(text: str) -> datetime | None:
    """Parse a DICOM date-time (DT); its offset from UTC is that of the other times."""
    for sign in "+-":
        text = text.partition(sign)[0]
    return moment(text[:8], text[8:])
