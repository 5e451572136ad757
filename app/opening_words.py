"""What is said of things that could not be opened: pure functions, no widget."""

from __future__ import annotations

import re
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
    from loading.catalogue import Skipped

_TITLE_LENGTH = 60
_NAME_LENGTH = 40
_PATH_LENGTH = 60
_OTHER_KIND = re.compile(r"This is (?:an? )?(.+), not a DICOM object")
_DAMAGE = re.compile(
    r"\b(ends (early|inside|before)|is empty|damaged(?!, or)|cut off|are missing)\b", re.IGNORECASE
)
_NO_KIND = "This is not a DICOM object"
_TEXTS = {".txt", ".md", ".log", ".csv", ".tsv", ".ini", ".cfg", ".py", ".rst"}
_KINDS = {
    ".json": "JSON", ".xml": "XML", ".htm": "web page", ".html": "web page", ".doc": "Word",
    ".docx": "Word", ".xls": "Excel", ".xlsx": "Excel", ".exe": "program", ".dll": "program",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be opened: as it is, and without the names of folders and files.

    Folders are often named after patients. `names` are those that title and text speak of; they
    stand in code type.
    """

    title: str
    text: str
    nameless_title: str
    nameless_text: str
    names: tuple[str, ...] = ()

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
    name = middle_words(name, _NAME_LENGTH)
    title = tr("\u201c{name}\u201d holds no volume.").format(name=name)
    return Failure(title, text, tr("There is no volume."), text, (name,))


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

    if isinstance(error, NothingFound):
        return _nothing(name, uris, error)
    if isinstance(error, LoadError):
        beside = beside_bytes if isinstance(error, TooLarge) else 0
        return _of_engine(name, uris, error, beside)
    text = tr("Something unexpected happened; the log file has the details.")
    title = tr("{name} could not be opened.").format(name=name)
    return Failure(title, text, tr("It could not be opened."), text)


def _nothing(name: str, uris: Sequence[str], error: NothingFound) -> Failure:
    """Say that there is no image among the files, and what they are instead."""
    skipped = error.catalogue.skipped
    kinds: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for one in skipped:
        kind = _kind_of(one)
        if kind:
            kinds[kind] += 1
        else:
            reasons[without_places(one.reason, uris).rstrip(".")] += 1
    told = [f"{count} {kind}" for kind, count in kinds.most_common(3)]
    other = sum(kinds.values()) - sum(count for _, count in kinds.most_common(3))
    if other:
        told.append(tr("{count} others").format(count=other))
    many = tr("{count} files read").format(count=len(skipped))
    read = tr("1 file read") if len(skipped) == 1 else many
    parts = [f"{read}: {', '.join(told)}" if told else read]
    parts += [
        f"{reason[:1].upper()}{reason[1:]} ({count})" for reason, count in reasons.most_common(2)
    ]
    if len(reasons) > 2:
        parts.append(tr("There are other reasons"))
    if not skipped:
        parts = [tr("There are no files in it")]
    name = middle_words(name, _NAME_LENGTH)
    if reasons and not kinds and all(map(_DAMAGE.search, reasons)):  # images, but damaged
        text = _sentences([*parts, tr("Copy it again, or choose another folder")])
        title = tr("\u201c{name}\u201d could not be read").format(name=name)
        return Failure(title, text, tr("It could not be read"), text, (name,))
    cure = error.cure or ("" if reasons else tr("Choose a folder with DICOM files"))
    text = _sentences([*parts, *[cure] * bool(cure)])
    title = tr("No images found in \u201c{name}\u201d").format(name=name)
    return Failure(title, text, tr("No images found"), text, (name,))


def _kind_of(skipped: Skipped) -> str:
    """Name what a file is that is no image; empty for one that could not be read."""
    found = _OTHER_KIND.fullmatch(skipped.reason)
    if found is not None:
        return found[1]
    if skipped.reason != _NO_KIND:
        return ""
    ending = Path(skipped.path).suffix.lower()
    if ending in _TEXTS:
        return tr("text")
    return tr(_KINDS.get(ending, "")) or ending or tr("of unknown kind")


def _of_engine(name: str, uris: Sequence[str], error: LoadError, beside_bytes: int) -> Failure:
    what, where, cure = error.what, middle_words(error.where, _PATH_LENGTH), error.cure
    name = middle_words(name, _NAME_LENGTH)
    if beside_bytes:
        beside = tr("What is open beside it takes {size}").format(size=size_words(beside_bytes))
        cure = f"{beside}. {cure}"
    is_long = len(what) > _TITLE_LENGTH
    nameless = [without_places(part, (*uris, name)) for part in (what, cure)]
    title, *texts = [tr("\u201c{name}\u201d was not opened").format(name=name)] * is_long + [
        part for part in (what, where, cure) if part
    ]
    bare_title, *bare_texts = [tr("It was not opened")] * is_long + [p for p in nameless if p]
    is_path = "/" in where or "\\" in where
    names = (where, name) if is_path else (name,)
    return Failure(_sentences([title]), _sentences(texts), _sentences([bare_title]),
                   _sentences(bare_texts), names)  # fmt: skip


def _sentences(parts: Sequence[str]) -> str:
    return " ".join(part if part.endswith("?") else part.rstrip(".") + "." for part in parts)


def remembered_as(uris: Sequence[str], title: str, label: str) -> str:
    """Name a recent item: a host alone would be the same for everything that it has."""
    if label and uris and is_address(uris[0]):
        return tr("{label} at {host}").format(label=label, host=title)
    return title
