"""The one table of things worth telling: code, severity, sentence, what to do.

Command line, notices in the window and the troubleshooting page are all made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Severity(Enum):
    """Rank a notice: what changes the picture's meaning comes before what merely informs."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """Describe one code: its severity, its sentence with blanks, and what to do.

    `of_one` is the sentence for a count of one, where grammar wants another.
    """

    code: str
    severity: Severity
    sentence: str
    cure: str = ""
    of_one: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Tell one thing about one volume or one opening.

    Attributes
    ----------
    message : str
        The whole sentence, in English.
    template, facts
        What it was made of, for who says it in another language; empty where nobody knows.
    """

    code: str
    message: str
    template: str = field(default="", compare=False, repr=False)
    facts: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def kind(self) -> NoticeKind:
        """Look up severity and cure of this code."""
        return KINDS[self.code]


def notice(code: str, **facts: object) -> Notice:
    """Fill the sentence of a code with facts; raise KeyError for an unknown code."""
    kind = KINDS[code]
    is_one = kind.of_one and facts.get("count") == 1
    template = kind.of_one if is_one else kind.sentence
    return Notice(code, template.format(**facts), template, facts)


_W, _I, _E = Severity.WARNING, Severity.INFO, Severity.ERROR

KINDS: dict[str, NoticeKind] = {
    kind.code: kind
    for kind in (
        NoticeKind(
            "different_patients",
            _W,
            "Two patients are side by side.",
            "Look at the names above the columns.",
        ),
        NoticeKind(
            "not_a_volume",
            _I,
            "This is no volume ({kind}). It is shown in one view, without planes and 3D.",
        ),
        NoticeKind(
            "gantry_tilt",
            _I,
            "The gantry was tilted by {degrees:.1f} degrees. The slices are drawn sheared, "
            "where they were.",
        ),
        NoticeKind(
            "missing_slices",
            _W,
            "{count} slices are missing ({places}). Shown hatched; distances across the "
            "gap are right.",
            "Copy the series again, complete.",
            "1 slice is missing ({places}). Shown hatched; distances across the gap are right.",
        ),
        NoticeKind(
            "uneven_spacing",
            _W,
            "The distance between slices varies from {smallest:.3g} to {largest:.3g} mm. "
            "Slices were moved by at most {moved:.2g} mm to their plane; values are read "
            "at true positions.",
        ),
        NoticeKind(
            "slices_beside",
            _W,
            "{count} slices lie up to {moved:.3g} mm beside the others ({places}). They are drawn "
            "in line with them; values are read at true positions.",
            of_one="1 slice lies {moved:.3g} mm beside the others ({places}). It is drawn in line "
            "with them; values are read at true positions.",
        ),
        NoticeKind(
            "duplicate_slices",
            _W,
            "{count} slices are there more than once ({places}). The one with the lower "
            "instance number is shown.",
            of_one="1 slice is there more than once ({places}). The one with the lower "
            "instance number is shown.",
        ),
        NoticeKind(
            "mixed_orientations",
            _I,
            "The series holds {count} orientations. Each is a volume of its own.",
        ),
        NoticeKind(
            "sheared_affine",
            _I,
            "The axes of this volume are not at right angles. It is drawn sheared.",
        ),
        NoticeKind(
            "no_spacing",
            _W,
            "The distance between pixels is not given. Distances are in pixels.",
        ),
        NoticeKind(
            "spacing_at_detector",
            _I,
            "Distances are those at the detector. In the body they are shorter.",
        ),
        NoticeKind(
            "spacing_of_region",
            _I,
            "Distances hold within the scanned part of the ultrasound picture.",
        ),
        NoticeKind("spacing_assumed", _W, "The voxel size is assumed: {assumed}."),
        NoticeKind(
            "no_orientation",
            _W,
            "The file does not say how the volume lies in the body: {why}. Left and right may be "
            "swapped.",
        ),
        NoticeKind(
            "palette_as_numbers",
            _I,
            "The palette is missing or damaged. The numbers that stand for its colours are shown.",
        ),
        NoticeKind(
            "colours_contradicted",
            _I,
            "The header says {said}, the compressed picture {found}. Shown as the picture says.",
        ),
        NoticeKind(
            "profile_ignored",
            _I,
            "The colours come with an ICC profile. They are shown as they are stored.",
        ),
        NoticeKind(
            "axes_joined",
            _I,
            "The file has {count} axes. Those behind the third are stepped through one after the "
            "other.",
        ),
        NoticeKind(
            "coarser_level",
            _W,
            "Shown at {shape} of {full} voxels: the full resolution needs {needed}.",
        ),
        NoticeKind(
            "no_position",
            _W,
            "The slices carry no position. They are stacked by instance number; directions "
            "are unknown.",
        ),
        NoticeKind(
            "orientation_normalised",
            _W,
            "The direction cosines had length {length:.3g}; they were brought to length one.",
        ),
        NoticeKind(
            "value_ignored",
            _W,
            "{attribute} is not usable ({value}) and was ignored.",
        ),
        NoticeKind(
            "still_reading",
            _W,
            "The files are still being looked at, or that was stopped: slices and series may be "
            "missing.",
            "Wait until the list is there, or open the folder again.",
        ),
        NoticeKind(
            "truncated",
            _W,
            "{count} files end early ({places}). Those slices are marked as failed.",
            "Copy the files again.",
            "1 file ends early ({places}). Its slice is marked as failed.",
        ),
        NoticeKind(
            "pages_lost",
            _W,
            "The file's chain of pages breaks off after {count}. What follows is not shown.",
            "Copy the file again.",
        ),
        NoticeKind(
            "other_files",
            _W,
            "The image has slices in {count} other files that were not found ({name}, ...). They "
            "are missing here.",
            "Put all files of the image into one folder, unpacked.",
            "The image has slices in another file that was not found ({name}). They are missing "
            "here.",
        ),
        NoticeKind(
            "relative_dose",
            _W,
            "The dose is relative, not in gray. Its numbers are shown as they are stored; times "
            "{scaling} they are parts of the reference dose.",
        ),
        NoticeKind(
            "real_world_range",
            _W,
            "What stored numbers mean is said from {low} to {high} only. The same line is used "
            "beyond.",
        ),
        NoticeKind("lossy", _I, "The pictures were compressed with loss before they came here."),
        NoticeKind(
            "chunk_failed",
            _E,
            "{count} slices could not be read: {reason}",
            "Try again, or copy the series again.",
            "1 slice could not be read: {reason}",
        ),
        NoticeKind(
            "skipped_files",
            _I,
            "{count} files were passed over: {reason}",
            of_one="1 file was passed over: {reason}",
        ),
        NoticeKind(
            "no_opengl",
            _E,
            "3D needs OpenGL 3.2; found {found}.",
            "Install a graphics driver or Mesa (libgl1-mesa-dri), or start with --software-gl.",
        ),
        NoticeKind("open_failed", _E, "{what}"),
        NoticeKind(
            "demo_from_folder",
            _I,
            "The demo was opened from its folder, not as from a server: {reason}",
        ),
        NoticeKind("settings_trouble", _W, "{what}"),
        NoticeKind(
            "ended_badly",
            _I,
            "Voxtide ended unexpectedly last time.",
            "Where a crash was written down, it is in crash.log beside the log file.",
        ),
    )
}
