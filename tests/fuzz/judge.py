"""Open one case as the program would, and say whether that was as promised.

What is promised whatever is in the files: an answer or a LoadError; no crash; a few seconds; memory
in proportion to the bytes that are there; no file outside of the case is touched, and nothing that
is named by a path that climbs is opened; places and values are finite numbers; every plane that is
delivered was asked for.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from loading.dicom import syntaxes

MAX_CPU_S = 5.0
MAX_GROWTH_BYTES = 384 << 20
BYTES_FOR_ONE = 4096
"""A picture may be that many times as large as what lies in the files: codecs pack flat ones."""
BITS_OF_A_FLOAT = 32
"""What is stored as it is grows by no more: from one bit to a float."""
SLACK_BYTES = 1 << 16
SMALL_BYTES = 64 << 20
MAX_CLAIM_BYTES = 1 << 40
_MOST_PLANES = 6
_ALLOWED = tuple(
    os.path.realpath(path)
    for path in (sys.prefix, sys.base_prefix, Path(__file__).parents[2], "/proc", "/sys", "/dev",
                 "/usr", "/lib", "/etc/localtime", "/etc/mime.types")
)  # fmt: skip


class Verdict(NamedTuple):
    """What came of a case.

    Attributes
    ----------
    finding : str
        What was not as promised; empty when all was.
    signature : str
        What kind of answer it was; the fuzzer keeps cases whose signature is new.
    """

    finding: str
    signature: str


class Present(NamedTuple):
    """Count the bytes of a case's files, and of the largest one."""

    total: int
    largest: int


class Watch:
    """Note files that are opened outside of the case's folder."""

    def __init__(self) -> None:
        self.folder = ""
        self.outside: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not self.folder or not isinstance(arguments[0], str):
            return
        path = os.path.realpath(arguments[0])
        if not path.startswith((self.folder, *_ALLOWED)):
            self.outside.append(path)


def judge(target: str, folder: str, watch: Watch) -> Verdict:
    """Open what a case holds, and read of it."""
    started_s, before = time.process_time(), _peak_bytes()
    sizes = [path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()]
    present = Present(sum(sizes), max(sizes, default=0))
    watch.folder, watch.outside = os.path.realpath(folder), []
    try:
        finding, signature = _open(target, present)
    finally:
        watch.folder = ""
    spent_s, grown = time.process_time() - started_s, _peak_bytes() - before
    if not finding and watch.outside:
        finding = f"opened {watch.outside[0]}, which is no part of it"
    if not finding and spent_s > MAX_CPU_S:
        finding = f"took {spent_s:.1f} s of processor time for {present.total} bytes"
    if not finding and grown > MAX_GROWTH_BYTES + BYTES_FOR_ONE * present.total:
        finding = f"took {grown >> 20} MiB for {present.total} bytes"
    return Verdict(finding, signature)


def _peak_bytes() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _open(target: str, present: Present) -> tuple[str, str]:
    import loading

    try:
        catalogue = loading.describe(target)
    except loading.NothingFound as error:
        return _unforeseen(error.catalogue), _kinds("nothing", error.catalogue)
    except loading.LoadError as error:
        return _unforeseen_text(str(error)), f"refused {_plain(error.what)}"
    finding = _unforeseen(catalogue)
    entries = [*catalogue.volumes]
    entries += [loading.VolumeEntry(i.spec, i.open) for i in catalogue.images if i.spec and i.open]
    told = set()
    for entry in entries[:20]:
        finding = finding or _check_spec(entry.spec, present)
        if not finding:
            finding, states = _read_some(entry)
            told |= states
    return finding, _kinds(f"opened {min(3, len(entries))}", catalogue) + " ".join(sorted(told))


def _check_spec(spec: Any, present: Present) -> str:
    affine = spec.affine_lps
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) == 0:
        return f"an affine that is none: {affine.tolist()}"
    if not np.isfinite([spec.value_map.slope, spec.value_map.intercept]).all():
        return f"values that are none: {spec.value_map}"
    steps = spec.path.replace("\\", "/").split("/")
    if ".." in steps:
        return f"opened by a path that climbs: {spec.path}"
    _, rows, columns = spec.shape_kji
    promised = spec.chunk_count * rows * columns * spec.dtype.itemsize
    if promised > _most_bytes(spec, present):
        return f"a volume of {promised} bytes is promised of {present.total}"
    return ""


def _most_bytes(spec: Any, present: Present) -> int:
    """Give how many bytes a volume may have that comes of so many bytes in files.

    Of a series whose slices are of one size one may be whole, and the others cut off.
    """
    if any(syntaxes.is_encapsulated(uid) for uid in spec.transfer_syntaxes):
        return MAX_CLAIM_BYTES  # a flat picture of any size takes a few hundred bytes
    is_packed = syntaxes.DEFLATED in spec.transfer_syntaxes or ".zip" in spec.path
    if spec.transfer_syntaxes and not is_packed:
        return SLACK_BYTES + BITS_OF_A_FLOAT * max(present.total, spec.files * present.largest)
    return SMALL_BYTES + BYTES_FOR_ONE * present.total


def _read_some(entry: Any) -> tuple[str, set[str]]:
    import loading

    spec = entry.spec
    told = {notice.code for notice in spec.warnings}
    source = entry.open()
    chunks = [chunk for t in {0, spec.time_points - 1} for chunk in spec.chunks(t)]
    for chunk in [*chunks[: _MOST_PLANES - 2], *chunks[-2:]]:
        if spec.size_bytes > SMALL_BYTES:
            break
        for rendition in source.renditions(chunk):
            box = spec.levels[chunk.level].box(chunk.index)
            samples = [spec.samples] if spec.is_colour else []
            out = np.empty([*(part.stop - part.start for part in box), *samples], spec.dtype)
            try:
                source.read(loading.Request(chunk, rendition), out, loading.CancelToken())
            except loading.LoadError as error:
                told.add(_plain(error.what))
                if finding := _unforeseen_text(str(error)):
                    return finding, told
    source.close()
    return "", told


def _unforeseen(catalogue: Any) -> str:
    for skipped in catalogue.skipped:
        if finding := _unforeseen_text(skipped.reason):
            return finding
    return ""


def _unforeseen_text(text: str) -> str:
    """Tell a reason that nobody wrote: an exception caught at the last border."""
    for mark in ("Unexpected: ", "MemoryError", "Unable to allocate", "RecursionError"):
        if mark in text:
            return text
    return ""


def _kinds(word: str, catalogue: Any) -> str:
    reasons = sorted({_plain(skipped.reason) for skipped in catalogue.skipped})
    notices = sorted({notice.code for notice in catalogue.warnings})
    return " | ".join((word, *reasons[:4], *notices, str(len(catalogue.volumes))))


def _plain(text: str) -> str:
    """Take numbers and names out of a sentence."""
    return "".join(c for c in text.partition("(")[0] if c.isalpha() or c == " ")[:60]
