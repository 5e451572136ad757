"""Read access to a static DICOMweb tree: ours or one of Static DICOMweb, nothing beyond it."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loading.publish.indexes import INSTANCE_UID, SERIES_UID, STUDY_UID, value_of
from loading.publish.tree import FramePart, is_name, read_objects, read_or_none, unwrap
from loading.serve.messages import Refusal

Object = dict[str, Any]

_CACHED = 256
_CACHED_BYTES = 32 << 20
"""Packed bytes of the lists that are kept parsed."""
_SINGLE_PARTS = {
    ".jhc": ("image/jphc", ""),
    ".jls": ("image/jls", "1.2.840.10008.1.2.4.80"),
    ".jp2": ("image/jp2", "1.2.840.10008.1.2.4.90"),
    ".jll": ("image/jll", "1.2.840.10008.1.2.4.70"),
    ".jpeg": ("image/jpeg", "1.2.840.10008.1.2.4.50"),
}


class Store:
    """A tree on a disk.

    Parameters
    ----------
    root : Path
        Folder that holds `studies`.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._guard = threading.Lock()
        self._lists: OrderedDict[Path, tuple[tuple[int, int], list[Object]]] = OrderedDict()

    def path(self, *names: str) -> Path:
        """Give a path inside the tree; names come from people and are held against that.

        Raises
        ------
        Refusal
            404 when it would lead anywhere else.
        """
        if not all(map(is_name, names)):
            raise Refusal(404, "There is no such resource")
        path = self.root.joinpath(*names)
        real = os.path.realpath(path)
        if not real.startswith(f"{self.root}{os.sep}"):  # a link inside the tree leads out
            raise Refusal(404, "There is no such resource")
        return path

    def objects(self, *names: str) -> list[Object]:
        """Give the DICOM JSON objects of a list; it is parsed once as long as it is used."""
        path = self.path(*names[:-1], names[-1])
        try:
            status = path.stat()
        except OSError:
            return []
        stamp = (status.st_mtime_ns, status.st_size)
        with self._guard:
            known = self._lists.get(path)
            if known is not None and known[0] == stamp:
                self._lists.move_to_end(path)
                return known[1]
        found = read_objects(path)
        with self._guard:
            self._lists[path] = stamp, found
            while len(self._lists) > 1 and (
                len(self._lists) > _CACHED or self._held() > _CACHED_BYTES
            ):
                self._lists.popitem(last=False)
        return found

    def _held(self) -> int:
        return sum(stamp[1] for stamp, _ in self._lists.values())

    def studies(self) -> list[Object]:
        """Give the entries of all studies."""
        return self.objects("studies", "index.json.gz")

    def series(self, study: str) -> list[Object]:
        """Give the entries of the series of a study."""
        return self.objects("studies", study, "series", "index.json.gz")

    def instances(self, study: str, series: str) -> list[Object]:
        """Give the metadata of all instances of a series."""
        here = ("studies", study, "series", series)
        return self.objects(*here, "metadata.gz") or self.objects(
            *here, "metadata", "index.json.gz"
        )

    def instance(self, study: str, series: str, uid: str) -> Object:
        """Give the metadata of an instance; raise Refusal where there is none."""
        for one in self.instances(study, series):
            if value_of(one, INSTANCE_UID) == uid:
                return one
        raise Refusal(404, "There is no such instance")

    def below(self, study: str, series: str = "") -> Iterator[tuple[str, str, Object]]:
        """Give the instances of a study, or of one of its series: study, series, metadata."""
        for entry in self.series(study):
            uid = str(value_of(entry, SERIES_UID))
            if series in ("", uid):
                for one in self.instances(study, uid):
                    yield study, uid, one

    def everything(self) -> Iterator[tuple[str, str, Object]]:
        """Give all instances."""
        for study in self.studies():
            yield from self.below(str(value_of(study, STUDY_UID)))

    def frame_file(self, study: str, series: str, uid: str, rendition: str, number: int) -> Path:
        """Find the file of a frame, in the order in which Static DICOMweb has named them.

        Raises
        ------
        Refusal
            404 when there is none.
        """
        folder = ("studies", study, "series", series, "instances", uid, rendition)
        for suffix in (".mht", ".mht.gz", "", ".gz", *_SINGLE_PARTS):
            path = self.path(*folder, f"{number}{suffix}")
            if path.is_file():
                return path
        raise Refusal(404, f"There is no frame {number} in {rendition} of this instance")

    def frame(self, study: str, series: str, uid: str, rendition: str, number: int) -> FramePart:
        """Read a frame."""
        path = self.frame_file(study, series, uid, rendition, number)
        body = read_or_none(path)
        if body is None:
            raise Refusal(404, "There is no such frame")
        if path.suffix in _SINGLE_PARTS:
            kind, syntax = _SINGLE_PARTS[path.suffix]
            return FramePart(kind, syntax, body, 0)
        if path.suffix == ".gz":
            import gzip

            body = gzip.decompress(body)
        return unwrap(body)
