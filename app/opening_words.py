"""What is said of things that could not be opened: pure functions, no widget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.language import tr
from app.links import host_of, is_address
from app.status_words import middle_words, size_words
from viewer.names import without_places

if TYPE_CHECKING:
    from loading import LoadError, NothingFound

_TITLE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be opened: as it is, and without the names of folders and files.

    Folders are often named after patients.
    """

    title: str
    text: str
    nameless_title: str
    nameless_text: str

    def words(self, *, names_hidden: bool) -> tuple[str, str]:
        """Give title and text as they may be shown."""
        if names_hidden:
            return self.nameless_title, self.nameless_text
        return self.title, self.text

    def sentence(self, *, names_hidden: bool) -> str:
        """Give both in one line, for a notice."""
        title, text = self.words(names_hidden=names_hidden)
        stop = "" if title.endswith((".", "?")) else "."
        return f"{title}{stop} {text}".strip()


def title_of(uris: Sequence[str]) -> str:
    """Name what is opened: the folder's or file's name, a server's host, "and 2 more"."""
    first = uris[0].rstrip("/\\")
    try:
        # the end of an address is a UID, which tells nobody anything
        name = host_of(first) if is_address(first) else Path(first).name
    except ValueError:  # a host that cannot be
        name = ""
    name = name or first
    if len(uris) == 1:
        return name
    return tr("{name} and {count} more").format(name=name, count=len(uris) - 1)


def without_volume(name: str, count: int) -> Failure:
    """Say that something was found, but nothing that has three dimensions."""
    one = tr("What it holds is listed with the reason.")
    many = tr("{count} things that are no volume are listed with the reason.").format(count=count)
    text = one if count == 1 else many
    return Failure(
        tr("\u201c{name}\u201d holds no volume.").format(name=name),
        text,
        tr("There is no volume."),
        text,
    )


def failure_of(name: str, uris: Sequence[str], error: Exception, beside_bytes: int = 0) -> Failure:
    """Say why an opening failed.

    Parameters
    ----------
    name : str
        What was opened, for people.
    uris : sequence of str
        What was asked for; none of it stands in the words without names.
    beside_bytes : int
        Memory that what is open beside it takes.
    """
    from loading import LoadError, NothingFound, TooLarge

    if isinstance(error, NothingFound) and len(error.catalogue.skipped) > 1:
        return _nothing(name, uris, error)
    if isinstance(error, LoadError):
        beside = beside_bytes if isinstance(error, TooLarge) else 0
        return _of_engine(name, uris, error, beside)
    text = tr("Something unexpected happened; the log file has the details.")
    title = tr("{name} could not be opened.").format(name=name)
    return Failure(title, text, tr("It could not be opened."), text)


def _nothing(name: str, uris: Sequence[str], error: NothingFound) -> Failure:
    """Say that there is no image among many files, and what they are instead."""
    skipped = error.catalogue.skipped
    reasons = Counter(without_places(one.reason, uris).rstrip(".") for one in skipped)
    said = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(2))
    more = tr("; {count} other reasons").format(count=len(reasons) - 2) if len(reasons) > 2 else ""
    count = len(skipped)
    told = tr("{count} files read: {reasons}.").format(count=count, reasons=said + more)
    text = " ".join(part for part in (told, f"{error.cure}." if error.cure else "") if part)
    title = tr("No images found in \u201c{name}\u201d").format(name=name)
    return Failure(title, text, tr("No images found"), text)


def _of_engine(name: str, uris: Sequence[str], error: LoadError, beside_bytes: int) -> Failure:
    what, where, cure = error.what, middle_words(error.where, 60), error.cure
    if beside_bytes:
        beside = tr("What is open beside it takes {size}").format(size=size_words(beside_bytes))
        cure = f"{beside}. {cure}"
    is_long = len(what) > _TITLE_LENGTH
    nameless = [without_places(part, (*uris, name)) for part in (what, cure)]
    title, *texts = [tr("\u201c{name}\u201d was not opened").format(name=name)] * is_long + [
        part for part in (what, where, cure) if part
    ]
    bare_title, *bare_texts = [tr("It was not opened")] * is_long + [p for p in nameless if p]
    return Failure(_sentences([title]), _sentences(texts), _sentences([bare_title]),
                   _sentences(bare_texts))  # fmt: skip


def _sentences(parts: Sequence[str]) -> str:
    return " ".join(part.rstrip(".") + "." for part in parts)


def remembered_as(uris: Sequence[str], title: str, label: str) -> str:
    """Name a recent item: a host alone would be the same for everything that it has."""
    if label and uris and is_address(uris[0]):
        return tr("{label} at {host}").format(label=label, host=title)
    return title
