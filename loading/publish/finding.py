"""Find the DICOM objects under the sources of a publication: folders, files, ZIP archives."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from loading.catalogue import Skipped
from loading.dicom import tags
from loading.dicom.header import Instance
from loading.dicom.reader import HeaderReader
from loading.errors import LoadError, NotFound
from loading.files import files_below, path_of
from loading.publish.tree import is_name
from loading.sources.archives import is_archive, open_archive
from loading.sources.base import CancelToken
from loading.sources.places import Place, source_error

_EVERY = 64
Grouped = dict[tuple[str, str], dict[str, Instance]]
"""(study UID, series UID) to instances by their UID."""


def find(
    sources: Sequence[str],
    skipped: list[Skipped],
    cancel: CancelToken,
    looked_at: Callable[[int], None],
) -> Grouped:
    """Read all headers; give each object once, in order of study, series and instance.

    Raises
    ------
    LoadError
        When a source is not there.
    """
    reader = HeaderReader()
    found: Grouped = {}
    count = 0
    for source in sources:
        for place in _places(path_of(source), skipped):
            cancel.check()
            count += 1
            if count % _EVERY == 0:
                looked_at(count)
            try:
                instance = (
                    reader.read_file(place) if isinstance(place, str) else reader.read_place(place)
                )
                _add(found, instance, skipped)
            except LoadError as error:
                name = place if isinstance(place, str) else place.name
                skipped.append(Skipped(name, error.what))
    return {key: dict(sorted(found[key].items())) for key in sorted(found)}


def _places(path: str, skipped: list[Skipped]) -> Iterator[str | Place]:
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise source_error(error, path) from error
        raise NotFound("This is no path", where=path.replace("\0", "?")) from error
    if stat.S_ISDIR(mode):
        yield from files_below(path, skipped)
    elif not is_archive(path):
        yield path
    else:
        for member, reason in open_archive(path):
            if reason:
                skipped.append(Skipped(member.name, reason))
            else:
                yield member


def uids_of(instance: Instance) -> tuple[str, str, str]:
    """Give the UIDs of study, series and instance."""
    shared = instance.shared
    uid = instance.own_text(tags.SOP_INSTANCE)
    return shared.text(tags.STUDY_UID), shared.text(tags.SERIES_UID), uid


def _add(found: Grouped, instance: Instance, skipped: list[Skipped]) -> None:
    name = instance.place.name
    study, series, uid = uids_of(instance)
    if not all(map(is_name, (study, series, uid))):
        skipped.append(Skipped(name, "its study, series or instance has no usable UID"))
        return
    known = found.setdefault((study, series), {})
    if uid in known:
        skipped.append(Skipped(name, f"the same instance is in {known[uid].place.name}"))
        return
    known[uid] = instance
