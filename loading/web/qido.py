"""Searching a server: studies by who and when, the series of a study, a small picture of each."""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from loading.errors import BadResponse, LoadError, NotFound, ServerError
from loading.sources.base import CancelToken
from loading.web.http import HttpClient, HttpRequest, shared_client
from loading.web.paging import PAGE, Pager
from loading.web.qido_rows import TAG, Series, Study, day_of, series_of, study_of
from loading.web.trouble import refuse_page

LITERAL = "*,/-^:?"
"""What stays as it is in a search; Orthanc 1.10 does not decode it (PS3.18 8.3.4 asks for it)."""
_MAX_LIST = 64 << 20
_MAX_PICTURE = 4 << 20
_WANTED = ("StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedSeries",
           "NumberOfStudyRelatedInstances")  # fmt: skip
_WANTED_OF_SERIES = ("SeriesDescription", "NumberOfSeriesRelatedInstances")
_PICTURES = ("thumbnail", "rendered?viewport=128,128")

_FIELDS = {
    "PatientName": "patient",
    "PatientID": "patient_id",
    "ModalitiesInStudy": "modality",
    "StudyDescription": "description",
    "AccessionNumber": "accession",
}
"""Keys that have a field in a query."""

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """What to look for; empty fields ask nothing.

    Attributes
    ----------
    patient, patient_id, description, accession : str
        Words: a part of the value is enough, case does not matter; * and ? as in file names.
    first_day, last_day : date or None
        Between which days, both included.
    modality : str
        As DICOM writes it: CT, MR, ...
    more : tuple of (str, str)
        Further keys as they stand in an address.
    """

    patient: str = ""
    patient_id: str = ""
    first_day: datetime.date | None = None
    last_day: datetime.date | None = None
    modality: str = ""
    description: str = ""
    accession: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Give the keys of the search, in the order of the fields."""
        made = [
            ("PatientName", _wild(self.patient)),
            ("PatientID", _wild(self.patient_id)),
            ("StudyDate", _days(self.first_day, self.last_day)),
            ("ModalitiesInStudy", self.modality.strip().upper()),
            ("StudyDescription", _wild(self.description)),
            ("AccessionNumber", _wild(self.accession)),
            *self.more,
        ]
        return [(key, value) for key, value in made if value]

    @classmethod
    def of(cls, search: Parameters) -> StudyQuery:
        """Make a query of the keys in an address; those that have no field are kept as they are."""
        fields: dict[str, Any] = {}
        more = []
        for key, value in search:
            if key == "StudyDate":
                first, dash, last = value.partition("-")
                fields["first_day"] = day_of(first)
                fields["last_day"] = day_of(last if dash else first)
            elif key in _FIELDS:
                fields[_FIELDS[key]] = value
            else:
                more.append((key, value))
        return cls(**fields, more=tuple(more))

    def accepts(self, study: Study) -> bool:
        """Tell whether a study fits, as far as it tells: some servers give all they have."""
        if study.day is not None:
            if self.first_day is not None and study.day < self.first_day:
                return False
            if self.last_day is not None and study.day > self.last_day:
                return False
        wanted = self.modality.strip().upper()
        if wanted and study.modalities and wanted not in study.modalities:
            return False
        pairs = (
            (self.patient, study.patient),
            (self.patient_id, study.patient_id),
            (self.description, study.description),
            (self.accession, study.accession),
        )
        return all(not words or not value or _fits(words, value) for words, value in pairs)


class Archive:
    """Search one server.

    Parameters
    ----------
    root : str
        Its DICOMweb root, without a slash at the end.
    client : HttpClient, optional
        By default the one that the process shares.
    """

    def __init__(self, root: str, client: HttpClient | None = None) -> None:
        self.root = root.rstrip("/")
        self._client = client or shared_client()
        self._picture_forms = list(_PICTURES)

    def studies(
        self, query: StudyQuery, *, size: int = PAGE, cancel: CancelToken | None = None
    ) -> Pager[Study]:
        """Search for studies; nothing is sent before the first page is asked for.

        The pages raise LoadError: Unauthorised, NotFound, BadResponse, ...
        """
        asked = _Asked(self, query.parameters, cancel)

        def fetch(offset: int, count: int) -> list[Study]:
            return [study_of(row) for row in asked.page(offset, count)]

        return Pager(fetch, lambda study: study.uid, size=size)

    def series(self, study: Study, cancel: CancelToken | None = None) -> list[Series]:
        """Give the series of a study by their numbers; its own count saves asking for an end.

        Raises
        ------
        LoadError
            When the server does not give them.
        """
        path = f"studies/{study.uid}/series"

        def fetch(offset: int, count: int) -> list[Series]:
            asked = [*_fields(_WANTED_OF_SERIES), ("limit", str(count)), ("offset", str(offset))]
            try:
                rows = self.rows(path, asked, cancel)
            except BadResponse:
                # some take neither fields nor pages here
                if offset:
                    return []
                rows = self.rows(path, (), cancel)
            return [series_of(row) for row in rows]

        pager = Pager(fetch, lambda one: one.uid, size=PAGE)
        found: list[Series] = []
        while not pager.is_over and len(found) != study.series_count:
            found += pager.more()
        return sorted(found, key=lambda one: (one.number is None, one.number or 0, one.uid))

    def thumbnail(
        self, study_uid: str, series_uid: str, cancel: CancelToken | None = None
    ) -> bytes:
        """Give a small picture of a series as JPEG or PNG; empty when the server has none.

        It is for looking at, never for values.
        """
        base = f"{self.root}/studies/{study_uid}/series/{series_uid}"
        for form in list(self._picture_forms):
            try:
                request = HttpRequest(
                    f"{base}/{form}", accept="image/jpeg", max_bytes=_MAX_PICTURE, attempts=1
                )
                answer = self._client.get(request, cancel)
            except (NotFound, BadResponse, ServerError):
                # Orthanc answers 500 for what it cannot decode itself
                continue
            if answer.content_type.startswith("image/") or answer.body[:2] == b"\xff\xd8":
                # what works for one series works for the next
                self._picture_forms.sort(key=lambda one: one != form)
                return bytes(answer.body)
        return b""

    def rows(
        self, path: str, parameters: Parameters, cancel: CancelToken | None = None
    ) -> list[dict[str, Any]]:
        """Send one search and give its rows, each a DICOM JSON object."""
        literal, encoded = query_text(parameters), query_text(parameters, literal="")
        try:
            return self._rows(f"{self.root}/{path}{literal}", cancel)
        except BadResponse:
            if literal == encoded:
                raise
            return self._rows(f"{self.root}/{path}{encoded}", cancel)

    def _rows(self, url: str, cancel: CancelToken | None) -> list[dict[str, Any]]:
        request = HttpRequest(
            url, accept="application/dicom+json", compressed=True, max_bytes=_MAX_LIST
        )
        answer = self._client.get(request, cancel)
        if answer.status == 204 or not answer.body.strip():
            return []
        refuse_page(answer)
        try:
            found = json.loads(bytes(answer.body))
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and any(TAG.fullmatch(key) for key in found):
            found = [found]
        if not isinstance(found, list):
            raise BadResponse(
                "The server's answer to a search is no list",
                where=self.root,
                cure="Check that this is the address of a DICOMweb server",
            )
        return [row for row in found if isinstance(row, dict)]


class _Asked:
    """One search for studies under way: which form of it the server takes."""

    def __init__(self, archive: Archive, keys: Parameters, cancel: CancelToken | None) -> None:
        self._archive, self._keys, self._cancel = archive, list(keys), cancel
        self._fields = _fields(_WANTED)

    def page(self, offset: int, count: int) -> list[dict[str, Any]]:
        """Fetch a page; the first one finds out what the server puts up with."""
        if offset:
            return self._fetch(offset, count)
        try:
            rows = self._fetch(0, count)
        except BadResponse:
            if not self._fields:
                raise
            self._fields = []
            rows = self._fetch(0, count)
        relaxed = [(key, _relaxed(value)) for key, value in self._keys]
        if not rows and relaxed != self._keys:
            # a server that does not decode %20 or %C3%BC finds nothing; fit is looked at here
            self._keys = relaxed
            rows = self._fetch(0, count)
        return rows

    def _fetch(self, offset: int, count: int) -> list[dict[str, Any]]:
        pages = [("limit", str(count)), ("offset", str(offset))]
        return self._archive.rows("studies", [*self._keys, *self._fields, *pages], self._cancel)


def query_text(parameters: Parameters, literal: str = LITERAL) -> str:
    """Write parameters as the end of an address; empty for none."""
    pairs = [f"{quote(k, safe='')}={quote(v, safe=literal)}" for k, v in parameters]
    return "?" + "&".join(pairs) if pairs else ""


def _fields(names: Iterable[str]) -> list[tuple[str, str]]:
    return [("includefield", name) for name in names]


def _wild(words: str) -> str:
    """Make a key that finds a part of the value, unless it says itself what may follow."""
    # between words anything may stand: MILLER^ANNA is shown as "Miller, Anna"
    joined = "*".join(re.split(r"[\s,]+", words.strip()))
    return joined if not joined or "*" in words or "?" in words else f"*{joined}*"


def _days(first: datetime.date | None, last: datetime.date | None) -> str:
    """Write a range of days (PS3.4 C.2.2.2.5)."""
    if first is None and last is None:
        return ""
    return "-".join(day.strftime("%Y%m%d") if day is not None else "" for day in (first, last))


def _relaxed(value: str) -> str:
    """Replace what would be encoded by wildcards."""
    return re.sub(r"\*{2,}", "*", re.sub(r"[^A-Za-z0-9_.~*,/^:?-]+", "*", value))


def _fits(words: str, value: str) -> bool:
    """Compare as a server would, without regard to case and accents."""
    pattern = re.escape(_folded(_wild(words))).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern.replace(r"\^", "[^a-z0-9]+"), _folded(value)) is not None


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def trouble_of(archive: Archive, error: LoadError) -> LoadError:
    """Say of an error of a search what it means for the server; the search itself stays out."""
    if isinstance(error, NotFound):
        return NotFound(
            "There is no DICOMweb server at this address",
            where=archive.root,
            cure="The address often ends in /dicom-web, /dicomweb or /rs",
        )
    return type(error)(error.what, where=archive.root, cure=error.cure)
