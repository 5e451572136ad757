"""Which of several volumes is meant: by number, by label, or the one that opens first."""

from __future__ import annotations

from loading.catalogue import Catalogue, VolumeEntry
from loading.errors import NotFound

_PREFERRED = ("CT", "MR", "PT")


def first_choice(catalogue: Catalogue) -> VolumeEntry | None:
    """Give the volume that opens without asking: CT, MR and PET before others, then most slices.

    Of equals CT before MR before PET, which is read with another beside it, then the first one
    listed; a volume of fewer than three slices only when nothing larger
    is there (localizers are images, not volumes, and never come here).
    """
    return min(catalogue.volumes, key=rank, default=None)


def rank(entry: VolumeEntry) -> tuple[bool, bool, int, int]:
    """Give the key that sorts volumes in the order in which a viewer would choose them."""
    spec = entry.spec
    return (
        spec.shape_kji[0] < 3,
        spec.modality not in _PREFERRED,
        -(spec.chunk_count // max(1, spec.time_points)),
        _PREFERRED.index(spec.modality) if spec.modality in _PREFERRED else len(_PREFERRED),
    )


def choose(catalogue: Catalogue, which: str | None = None) -> VolumeEntry:
    """Give the volume of this number (from 0) or label; without either the first choice.

    Raises
    ------
    NotFound
        When there is no such volume, naming those that are there.
    """
    first = first_choice(catalogue)
    if first is None:
        reasons = {skipped.reason for skipped in catalogue.skipped}
        raise NotFound(
            "No volume found",
            where=catalogue.uri,
            cure=f"{len(catalogue.images)} images, {len(catalogue.skipped)} files passed over"
            + (f": {min(reasons)}" if reasons else ""),
        )
    if which is None:
        return first
    # a number first: a series may be called "1"
    names = [str(number) for number in range(len(catalogue.volumes))]
    for wanted in (names, [entry.spec.label for entry in catalogue.volumes]):
        if which in wanted:
            return catalogue.volumes[wanted.index(which)]
    labels = ", ".join(f"{n} {e.spec.label!r}" for n, e in enumerate(catalogue.volumes))
    raise NotFound(f"No volume {which!r}", where=catalogue.uri, cure=f"There are {labels}")
