"""What an object is, in words for people: by SOP class (PS3.4 B.5) and image type."""

from __future__ import annotations

from loading.dicom import tags
from loading.dicom.header import Attributes

_STORAGE = "1.2.840.10008.5.1.4.1.1."

_KINDS = {
    "1": "radiograph",
    "1.1": "radiograph",
    "1.1.1": "radiograph",
    "1.2": "mammogram",
    "1.2.1": "mammogram",
    "1.3": "dental radiograph",
    "1.3.1": "dental radiograph",
    "2": "CT slice",
    "2.1": "enhanced CT",
    "2.2": "converted enhanced CT",
    "3.1": "ultrasound loop",
    "4": "MR slice",
    "4.1": "enhanced MR",
    "4.2": "MR spectroscopy",
    "4.3": "enhanced MR, colour",
    "4.4": "converted enhanced MR",
    "6.1": "ultrasound image",
    "6.2": "ultrasound volume",
    "6.3": "photoacoustic image",
    "7": "secondary capture",
    "7.1": "secondary capture, 1 bit",
    "7.2": "secondary capture",
    "7.3": "secondary capture",
    "7.4": "secondary capture, colour",
    "9.1.1": "electrocardiogram",
    "9.1.2": "electrocardiogram",
    "9.1.3": "electrocardiogram",
    "9.2.1": "haemodynamic waveform",
    "9.4.1": "voice recording",
    "11.1": "presentation state",
    "11.2": "presentation state, colour",
    "12.1": "angiogram",
    "12.1.1": "enhanced angiogram",
    "12.2": "fluoroscopy",
    "13.1.1": "3D angiogram",
    "13.1.2": "3D craniofacial radiograph",
    "13.1.3": "breast tomosynthesis",
    "13.1.4": "breast projections",
    "13.1.5": "breast projections",
    "20": "nuclear medicine image",
    "30": "parametric map",
    "66": "raw data",
    "66.1": "spatial registration",
    "66.2": "spatial fiducials",
    "66.3": "deformable registration",
    "66.4": "segmentation",
    "66.5": "surface segmentation",
    "66.6": "tractography",
    "66.7": "segmentation, labels",
    "67": "real world value mapping",
    "77.1.1": "endoscopic image",
    "77.1.2": "microscopic image",
    "77.1.4": "photograph",
    "77.1.5.1": "ophthalmic photograph",
    "77.1.5.4": "optical coherence tomogram",
    "77.1.6": "whole slide image",
    "88.11": "structured report",
    "88.22": "structured report",
    "88.33": "structured report",
    "88.34": "structured report",
    "88.40": "procedure log",
    "88.50": "CAD report",
    "88.59": "key object selection",
    "88.67": "radiation dose report",
    "91.1": "slide annotations",
    "104.1": "encapsulated PDF",
    "104.2": "encapsulated CDA document",
    "104.3": "encapsulated STL surface",
    "128": "PET slice",
    "130": "enhanced PET",
    "481.1": "radiotherapy image",
    "481.2": "radiotherapy dose",
    "481.3": "radiotherapy structure set",
    "481.4": "radiotherapy beams record",
    "481.5": "radiotherapy plan",
    "481.8": "radiotherapy ion plan",
}

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"

_STACKED = {_STORAGE + tail for tail in ("2", "4", "128")}


_WITHOUT_PIXELS = {
    _STORAGE + tail
    for tail in _KINDS
    if tail.startswith(("9.", "11.", "66", "67", "88.", "91.", "104.", "481."))
    and tail not in ("66.4", "66.7", "481.1", "481.2")
} | {_STORAGE + "4.2"}


def class_of(shared: Attributes) -> str:
    """Give the SOP class, from the file's meta header where the object itself does not say it."""
    return shared.text(tags.SOP_CLASS) or shared.text(tags.MEDIA_SOP_CLASS)


def kind_of(shared: Attributes) -> str:
    """Name an object for people."""
    uid = class_of(shared)
    if is_localizer(shared):
        return "localizer"
    tail = uid.removeprefix(_STORAGE) if uid.startswith(_STORAGE) else ""
    if tail in _KINDS:
        return _KINDS[tail]
    modality = shared.modality
    return f"{modality} object" if modality.isalnum() else "DICOM object"


def needs_no_pixels(shared: Attributes) -> bool:
    """Tell whether the class is one of objects without pixels (reports, plans, waveforms)."""
    return class_of(shared) in _WITHOUT_PIXELS


def is_localizer(shared: Attributes) -> bool:
    """Tell whether the image type says localizer (a scout that other slices are planned on)."""
    return "LOCALIZER" in shared.words(tags.IMAGE_TYPE)


def stacks_without_position(shared: Attributes) -> bool:
    """Tell whether slices of this class belong on a stack even when no position is given."""
    return class_of(shared) in _STACKED


def is_slide(shared: Attributes) -> bool:
    """Tell whether the frames are tiles of a slide under a microscope, which are no slices."""
    return class_of(shared) == _STORAGE + "77.1.6"


def is_segmentation(shared: Attributes) -> bool:
    """Tell whether the frames are masks of segments, not pictures."""
    return class_of(shared) in (_STORAGE + "66.4", _STORAGE + "66.7")


def is_dose(shared: Attributes) -> bool:
    """Tell whether the pixels are a dose on a grid (PS3.3 C.8.8.3)."""
    return class_of(shared) == _STORAGE + "481.2"


def is_nuclear(shared: Attributes) -> bool:
    """Tell whether the frames are numbered by the vectors of nuclear medicine."""
    return class_of(shared) == _STORAGE + "20"


def holds_real_values(shared: Attributes) -> bool:
    """Tell whether only a mapping to the real world says what the numbers are.

    In parametric maps (PS3.3 A.75) and enhanced PET (A.56), which name units nowhere else.
    """
    return class_of(shared) in (_STORAGE + "30", _STORAGE + "130")
