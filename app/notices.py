"""What the list of notices shows: gathered from catalogue, volume, views and settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.language import tr
from viewer.names import failure_parts, person_text, without_places

if TYPE_CHECKING:
    from app.session import Opened
    from loading import Notice, OpenVolume

_DETAIL_LIMIT = 200


@dataclass(frozen=True, slots=True, eq=False)
class NoticeRow:
    """One notice of the list.

    Attributes
    ----------
    severity : str
        "info", "warning" or "error".
    where : str
        What it is about and what to do; second line.
    details : str
        Everything there is to copy; behind "Details".
    act : str
        Words of the button, empty for none.
    names : tuple of str
        Files and folders that the sentences speak of; they stand in code type.
    """

    code: str
    severity: str
    message: str
    where: str = ""
    details: str = ""
    act: str = ""
    run: Callable[[], object] | None = None
    names: tuple[str, ...] = ()

    @property
    def is_serious(self) -> bool:
        """Tell whether it changes what the picture means."""
        return self.severity != "info"


def row_of(
    notice: Notice, where: str = "", act: str = "", run: Callable[[], object] | None = None
) -> NoticeRow:
    """Make a row of a notice of the engine, in the user's language; details stay as they are."""
    kind = notice.kind
    known = bool(notice.template)
    return NoticeRow(
        notice.code,
        kind.severity.value,
        tr(notice.template).format(**notice.facts) if known else notice.message,
        " ".join(part for part in (where, tr(kind.cure)) if part),
        f"{notice.code}: {notice.message}",
        act,
        run,
    )


def volume_rows(
    volume: OpenVolume,
    show: Callable[[int], object],
    retry: Callable[[], object],
    set_size: Callable[[], object],
    *,
    names_hidden: bool = False,
) -> list[NoticeRow]:
    """Give the notices of the volume on the screen.

    Parameters
    ----------
    show : callable
        Goes to a slice, counted from 0.
    retry : callable
        Tries failed slices again.
    set_size : callable
        Asks for the voxel size.
    """
    spec = volume.spec
    where = tr("Series {label}.").format(label=spec.label) if spec.label else ""
    rows = []
    for notice in spec.warnings:
        if notice.code == "truncated" and volume.state.is_over:
            continue  # its slices have been tried: they failed, or were copied again
        if notice.code == "missing_slices" and spec.absent:
            first = min(spec.absent)
            rows.append(row_of(notice, where, tr("Show"), lambda k=first: show(k)))  # type: ignore[misc]
        elif notice.code == "spacing_assumed":
            rows.append(row_of(notice, where, tr("Set"), set_size))
        else:
            rows.append(row_of(notice, where))
    failures = dict(volume.failures)
    if failures:
        rows.append(_failed_row(volume, where, retry, names_hidden=names_hidden))
    return rows


def catalogue_rows(opened: Opened, *, names_hidden: bool = False) -> list[NoticeRow]:
    """Give what is to be told about an opening as a whole; folders may be named after patients."""
    catalogue = opened.catalogue
    where, names = ("", ()) if names_hidden else (f"{opened.title}.", (opened.title,))
    rows = [replace(row_of(notice, where), names=names) for notice in catalogue.warnings]
    if catalogue.skipped:
        rows.append(_skipped_row(opened, names_hidden=names_hidden))
    return rows


def patients_row(volumes: Sequence[OpenVolume], *, names_hidden: bool) -> NoticeRow:
    """Say that two patients are side by side."""
    from loading import notice

    names = [person_text(volume.spec.header.get("patient_name", "")) for volume in volumes]
    where = "" if names_hidden or not all(names) else tr("{left} and {right}.").format(
        left=names[0], right=names[-1]
    )  # fmt: skip
    return row_of(notice("different_patients"), where)


def flat_row(kind: str) -> NoticeRow:
    """Say why there are neither planes nor 3D."""
    from loading import notice

    return row_of(notice("not_a_volume", kind=kind))


def in_order(rows: list[NoticeRow]) -> list[NoticeRow]:
    """Put what changes the meaning of the picture first."""
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted(rows, key=lambda row: rank.get(row.severity, 1))


def _failed_row(
    volume: OpenVolume, where: str, retry: Callable[[], object], *, names_hidden: bool
) -> NoticeRow:
    from loading import notice

    whole = sorted(volume.failures.items())
    parts = [failure_parts(failure.reason, volume.spec.path) for _, failure in whole]
    details = [failure.reason.rstrip(".") for _, failure in whole]
    if names_hidden:
        places = (volume.spec.path,)
        parts = [(without_places(what, places), "") for what, _ in parts]
        details = [what for what, _ in parts]
    most = Counter(what for what, _ in parts).most_common(1)[0][0]
    name = parts[0][1]
    if most[1:2].islower():
        most = most[0].lower() + most[1:]  # it follows a colon
    if len(parts) == 1 and name:
        most = f"{most} ({name})"
    told = notice("chunk_failed", count=len(parts), reason=f"{most}.")
    left = volume.progress.total - len(parts)
    rest = tr("The other {count} slices are shown.").format(count=left)
    lines = [
        tr("slice {number}: {reason}").format(number=chunk.index + 1, reason=reason)
        for (chunk, _), reason in list(zip(whole, details, strict=True))[:_DETAIL_LIMIT]
    ]
    row = row_of(told, f"{where} {rest}".strip(), tr("Try again"), retry)
    return replace(row, details="\n".join(lines), names=(name,) if name else ())


def _skipped_row(opened: Opened, *, names_hidden: bool) -> NoticeRow:
    from loading import notice

    catalogue, places = opened.catalogue, opened.uris
    # "the same slice as" so many files is one reason
    reasons = Counter(without_places(one.reason, places) for one in catalogue.skipped)
    most, count = reasons.most_common(1)[0]
    more = len(reasons) - 1
    reason = f"{most} ({count})" if more else most
    if more:
        words = tr(", 1 other reason") if more == 1 else tr(", {count} other reasons")
        reason += words.format(count=more)
    lines = [
        without_places(one.reason, places) if names_hidden else f"{one.path}: {one.reason}"
        for one in catalogue.skipped[:_DETAIL_LIMIT]
    ]
    row = row_of(notice("skipped_files", count=len(catalogue.skipped), reason=reason))
    return replace(row, details="\n".join(lines))
