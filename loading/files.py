"""Find what lies under local paths: folders (with all below them), single files, ZIP archives.

Names inside archives and files are shown, never followed: nothing is extracted, and no path is
ever made of a text that stands in a file.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Iterator, Sequence
from urllib.parse import unquote, urlsplit

from loading import formats
from loading.catalogue import Catalogue, First, NothingFound, Progress, Skipped
from loading.choice import rank
from loading.dicom.describe import sort_out
from loading.dicom.header import Instance
from loading.dicom.reader import HeaderReader
from loading.errors import LoadError, NotFound, unexpected
from loading.sources.archives import is_archive, open_archive
from loading.sources.base import CancelToken
from loading.sources.places import source_error

_log = logging.getLogger(__name__)

_EVERY = 64
"""Files between two looks at the cancel token and two calls of the progress function."""

FIRST_FILES = 256
"""Fewer files are listed before anybody waits."""
FIRST_S = 0.1
LONGEST_FIRST_S = 0.25
"""So long the end of a folder is waited for: what lies in one is most often whole."""


def describe(
    uris: Sequence[str],
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    *,
    first: First | None = None,
) -> Catalogue:
    """Describe what lies under paths, from headers alone.

    Parameters
    ----------
    uris : sequence of str
        Paths or file: URLs of folders, files and ZIP archives.
    progress : callable, optional
        Called with how many of how many files have been looked at.
    cancel : CancelToken, optional
    first : callable, optional
        Called once with the best volume known after a tenth of a second, where there are so many
        files that the catalogue takes longer.

    Raises
    ------
    LoadError
        When nothing can be opened, with what, where and what to do; Cancelled when told to stop.
    """
    if isinstance(uris, str):
        uris = [uris]
    paths = [path_of(uri) for uri in uris]
    cancel = cancel or CancelToken()
    survey = _Survey(progress, cancel, first)
    for path in paths:
        survey.add(path)
    survey.finish()
    found = sort_out(survey.instances, cancel)
    others = formats.describe(survey.offers, cancel)
    skipped = [*survey.skipped, *found.skipped, *others.skipped]
    catalogue = Catalogue(
        uri=paths[0] if len(paths) == 1 else "",
        volumes=(*found.volumes, *others.volumes),
        images=tuple(sorted([*found.images, *others.images], key=lambda image: image.path)),
        skipped=tuple(sorted(skipped, key=lambda item: item.path)),
        warnings=tuple(dict.fromkeys(found.warnings)),
    )
    if not catalogue.volumes and not catalogue.images:
        raise _nothing(paths, catalogue)
    return catalogue


def path_of(uri: str) -> str:
    """Turn a file: URL into a path; give a path back as it is."""
    if uri[:5].lower() == "file:":
        from urllib.request import url2pathname  # brings in HTTP, TLS and mail: 20 ms

        parts = urlsplit(uri)
        if parts.netloc and parts.netloc.lower() != "localhost":
            return url2pathname(f"//{parts.netloc}{unquote(parts.path)}")
        return url2pathname(parts.path)
    return uri


def _nothing(paths: Sequence[str], catalogue: Catalogue) -> NothingFound:
    where, skipped = ", ".join(paths[:3]), catalogue.skipped
    if not skipped:
        return NothingFound(
            catalogue, "There are no files", where=where, cure="Choose a folder with DICOM files"
        )
    if len(skipped) == 1:
        reason, path = skipped[0].reason, skipped[0].path
        return NothingFound(catalogue, f"Nothing can be opened: {reason}", where=path)
    return NothingFound(
        catalogue,
        f"Nothing can be opened: none of {len(skipped)} files holds an image "
        f"(the first: {skipped[0].reason})",
        where=where,
        cure="Choose a folder with DICOM files",
    )


class _Survey:
    """Collect header records under several paths, each file once."""

    def __init__(self, progress: Progress | None, cancel: CancelToken, first: First | None) -> None:
        self._progress = progress
        self._cancel = cancel
        self._first = first
        self._began_s = time.monotonic()
        self._reader = HeaderReader()
        self._seen: set[str] = set()
        self._looked_at = 0
        self.instances: list[Instance] = []
        self.skipped: list[Skipped] = []
        self.offers = formats.Offers()

    def add(self, path: str) -> None:
        """Look at a path that the user named."""
        try:
            status = os.stat(path)  # noqa: PTH116 -- paths are plain strings here, for speed
        except (OSError, ValueError) as error:
            raise _cannot_open(path, error) from error
        if stat.S_ISDIR(status.st_mode):
            self._add_folder(path)
        elif not stat.S_ISREG(status.st_mode):
            raise NotFound("This is neither a file nor a folder", where=path)
        elif os.path.basename(path).upper() == "DICOMDIR":  # noqa: PTH119
            # The directory of a medium stands for the medium. The paths in it are not needed,
            # and so cannot lead elsewhere.
            self._add_folder(os.path.dirname(path) or ".")  # noqa: PTH120
        elif is_archive(path) and formats.is_packed_store(path):
            self.offers.add_store(path)
        elif is_archive(path):
            self._add_archive(path)
        else:
            self._add_file(path)

    def finish(self) -> None:
        """Say the last word on progress."""
        if self._progress is not None:
            self._progress(self._looked_at, self._looked_at)

    def _add_folder(self, folder: str) -> None:
        if formats.is_store(folder):
            self.offers.add_store(folder)
            return
        here = ""
        for path in files_below(folder, self.skipped, self.offers.stores):
            if self._first is not None:
                below = os.path.dirname(path)  # noqa: PTH120
                self._look_for_first(is_whole=below != here)
                here = below
            self._add_file(path)

    def _look_for_first(self, *, is_whole: bool) -> None:
        """Give the best volume so far, once, at the end of a folder if that comes soon."""
        waited_s = time.monotonic() - self._began_s
        patience_s = FIRST_S if is_whole else LONGEST_FIRST_S
        if self._first is None or self._looked_at < FIRST_FILES or waited_s < patience_s:
            return
        found = sort_out(self.instances, self._cancel)
        best = min(found.volumes, key=rank, default=None)
        if best is not None:
            tell, self._first = self._first, None
            tell(best)
        else:
            self._began_s = time.monotonic()

    def _add_file(self, path: str) -> None:
        if path in self._seen:
            return
        self._seen.add(path)
        self._tick()
        try:
            self.instances.append(self._reader.read_file(path))
        except LoadError as error:
            self.offers.add(path, error.what)
        except Exception as error:  # whatever it is, the other files are still there
            _log.exception("a header cannot be read")
            self.skipped.append(Skipped(path, unexpected(error).what))

    def _add_archive(self, path: str) -> None:
        for member, reason in open_archive(path):
            self._tick()
            if reason:
                self.skipped.append(Skipped(member.name, reason))
                continue
            try:
                self.instances.append(self._reader.read_place(member))
            except LoadError as error:
                self.offers.add_member(member, error.what)
            except Exception as error:  # as for files
                _log.exception("the header of a member cannot be read")
                self.skipped.append(Skipped(member.name, unexpected(error).what))

    def _tick(self) -> None:
        self._looked_at += 1
        if self._looked_at % _EVERY == 0:
            self._cancel.check()
            if self._progress is not None:
                self._progress(self._looked_at, 0)


def _cannot_open(path: str, error: Exception) -> LoadError:
    if isinstance(error, OSError):
        return source_error(error, path)
    return NotFound("This is no path", where=path.replace("\0", "?"))


def files_below(
    folder: str, skipped: list[Skipped], stores: list[str] | None = None
) -> Iterator[str]:
    """Give the regular files in a folder and all folders below it.

    Links to folders are not followed, so that a link cannot lead in circles or out of the
    folder that was chosen; devices and pipes are passed over. Folders that are one image by
    themselves (.zarr) are not entered but put into `stores`.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if stores is not None and entry.name.endswith(".zarr"):
                            stores.append(entry.path)
                            continue
                        waiting.append(entry.path)
                    elif entry.is_file():
                        yield entry.path
                    else:
                        skipped.append(Skipped(entry.path, "neither a file nor a folder"))
        except OSError as error:
            skipped.append(Skipped(here, source_error(error, here).what))
