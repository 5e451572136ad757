"""Links of other viewers: pages of OHIF and Stone, commands of Weasis.

A viewer's page names studies, but seldom the server that has them. Then the link has a `site`, and
`places_to_look` says where the server is likely to be; the one who may contact hosts tries them.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import unquote_plus, urljoin, urlsplit

from loading.errors import LoadError
from loading.web.links import Link, checked_uid, three, web_parts
from loading.web.messages import origin_of

_ROOTS = ("dicom-web", "dicomweb", "rs", "orthanc/dicom-web", "dcm4chee-arc/aets/DCM4CHEE/rs")
"""Where servers have their DICOMweb root unless told otherwise: Orthanc, OHIF's own examples,
dcm4chee."""

_OHIF_PAGE = re.compile(r"^(?P<site>.*?)/(viewer|segmentation|tmtv|microscopy)(/(?P<rest>.*))?$")
_CONFIGURED = re.compile(r"""\b(?:wadoRoot|qidoRoot)["']?\s*:\s*["'`]([^"'`]+)["'`]""")
_KEYWORDS = {"patientID": "PatientID", "accessionNumber": "AccessionNumber"}


def parse_page(base: str, arguments: list[tuple[str, str]]) -> Link | None:
    """Understand the address of a viewer's page; None when it is none.

    Parameters
    ----------
    base : str
        Address without arguments.
    arguments : list of (str, str)
        Its arguments.
    """
    lower = {key.lower(): value for key, value in arguments}
    study = lower.get("studyinstanceuids") or lower.get("studyinstanceuid") or ""
    series = lower.get("seriesinstanceuids") or lower.get("seriesinstanceuid") or ""
    if "/stone-webviewer" in base:
        study, series = lower.get("study", ""), lower.get("series", "")
        site = base.partition("/stone-webviewer")[0]
    elif "/studies" in urlsplit(base).path:
        return None
    elif lower.get("studyuid"):  # IHE Invoke Image Display
        study, site = lower["studyuid"], base.rpartition("/")[0]
    else:
        match = _OHIF_PAGE.match(base)
        if match is None and not study:
            return None
        site = match["site"] if match else base
        if not study and match and re.fullmatch(r"[\d.]+", match["rest"] or ""):
            study = match["rest"]
        if not study:
            return None
    # several are named with commas; the first is opened, the others are one click away
    study, series = study.split(",")[0], series.split(",")[0]
    uids = [checked_uid(uid, base) if uid else "" for uid in (study, series)]
    return Link("", *three(uids), site=site)


def places_to_look(link: Link) -> list[str]:
    """Give the roots that a viewer's page may mean, the likeliest first."""
    folders = dict.fromkeys((link.site.rstrip("/"), str(origin_of(link.site))))
    return [f"{folder}/{name}" for folder in folders for name in _ROOTS]


def configuration_of(link: Link) -> str:
    """Give the address of the file in which an OHIF page keeps its servers."""
    return f"{link.site.rstrip('/')}/app-config.js"


def roots_in(configuration: str, site: str) -> list[str]:
    """Find the DICOMweb roots in OHIF's configuration; only http(s), whatever is written there."""
    found = (urljoin(f"{site}/", value).rstrip("/") for value in _CONFIGURED.findall(configuration))
    return list(dict.fromkeys(one for one in found if urlsplit(one).scheme in ("http", "https")))


def parse_weasis(text: str) -> Link:
    """Understand `weasis://$dicom:rs --url "..." -r "studyUID=..."`.

    A sign-in among its options (`-H "Authorization: ..."`) is left out.

    Raises
    ------
    LoadError
        When it is another of Weasis's commands: manifests and plain files.
    """
    command = unquote_plus(re.sub(r"^weasis:(//)?[/?]*(url[/?]*)?", "", text, flags=re.IGNORECASE))
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if "$dicom:rs" not in words:
        raise LoadError(
            "Of Weasis's links, those to a DICOMweb server can be opened",
            where="weasis:",
            cure="Copy the address of the server instead",
        )
    options = _options(words[words.index("$dicom:rs") + 1 :])
    base, _, left_out = web_parts(options.get("--url", ""))
    if "-H" in options:
        left_out = (*left_out, "Authorization")
    asked = dict(pair.partition("=")[::2] for pair in options.get("-r", "").split("&") if pair)
    uids = [
        checked_uid(asked[key], base) if asked.get(key) else ""
        for key in ("studyUID", "seriesUID", "objectUID")
    ]
    if uids[1] and not uids[0]:  # a series without its study is found by a search
        search: tuple[tuple[str, str], ...] = (("SeriesInstanceUID", uids[1]),)
        return Link(base, search=search, left_out=left_out)
    search = tuple((_KEYWORDS[key], asked[key]) for key in _KEYWORDS if asked.get(key))
    return Link(base, *three(uids), search=search, left_out=left_out)


def _options(words: list[str]) -> dict[str, str]:
    names = {"--request": "-r", "--header": "-H"}
    made: dict[str, str] = {}
    place = 0
    while place < len(words) and not words[place].startswith("$"):
        name, equals, value = words[place].partition("=")
        if not equals and place + 1 < len(words):
            place += 1
            value = words[place]
        made.setdefault(names.get(name, name), value)
        place += 1
    return made
