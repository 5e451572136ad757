"""What the numbers of slices mean, all in one: modality, real world values, SUV, relative doses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from loading.dicom.forms import PixelForm
from loading.dicom.header import Instance
from loading.dicom.pet import is_pet, other_units, suv_of_series, words_of
from loading.dicom.real_world import further_units, meant_by, worlds_of
from loading.dicom.suv import Suv
from loading.dicom.values import (
    Values,
    relative_dose,
    stored_range_of,
    values_of,
    windows_in_suv,
    windows_of,
)
from loading.notices import Notice
from loading.spec import OtherUnit, Window


class Meaning(NamedTuple):
    """What the numbers mean, in which further units, and what is to be told of it.

    Attributes
    ----------
    words : dict of str to str or None
        For people: how SUV came about, or why it did not.
    """

    values: Values
    other_units: tuple[OtherUnit, ...]
    windows: tuple[Window, ...]
    told: list[Notice]
    words: dict[str, str] | None


def meaning_of(
    instances: Sequence[Instance], forms: Sequence[PixelForm], lead: Instance
) -> Meaning:
    """Work out what the numbers of grey slices mean; windows are those of the `lead`."""
    worlds = worlds_of(instances)
    ends, is_real = stored_range_of(forms), forms[0].real
    real = meant_by(instances, worlds, ends, is_real=is_real)
    unit = "" if real is None else real.unit
    suv = suv_of_series(instances, unit) if is_pet(instances[0]) else None
    values, told = values_of(instances, forms, suv, real and (real.maps, real.unit))
    windows, more = windows_of(lead)
    if suv is not None and suv.factor is not None:
        windows = windows_in_suv(windows, suv.factor)
    others = (
        *other_units(suv),
        *relative_dose(lead.shared),
        *further_units(worlds, values, ends, is_real=is_real),
    )
    told = [*told, *([] if real is None else real.told), *more]
    return Meaning(values, others, windows, told, _words(suv))


def _words(suv: Suv | None) -> dict[str, str] | None:
    return None if suv is None else {"suv": words_of(suv)}
