"""From an address to a catalogue: metadata of DICOMweb series, or a file that lies on the web."""

from __future__ import annotations

import atexit
import json
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from loading import files
from loading.catalogue import Catalogue, NothingFound, Progress, Skipped, VolumeEntry
from loading.dicom.describe import sort_out
from loading.dicom.header import Instance
from loading.dicom.json_headers import JsonObject, JsonReader, instance_uid, series_uid
from loading.errors import (
    BadResponse,
    Cancelled,
    LoadError,
    NotFound,
    SourceError,
    Unauthorised,
)
from loading.sources.base import CancelToken
from loading.web import links, long_values
from loading.web.finding import find_server
from loading.web.http import HttpRequest, HttpResponse, shared_client
from loading.web.messages import without_secrets
from loading.web.source import Session, make_source
from loading.web.trouble import refuse_page
from loading.web.wado import habits_of

_log = logging.getLogger(__name__)

JSON = "application/dicom+json"
MAX_METADATA = 1 << 30
MAX_FILE = 4 << 30
_METADATA_STALL_S = 60.0


def describe(
    uris: Sequence[str], progress: Progress | None = None, cancel: CancelToken | None = None
) -> Catalogue:
    """Describe what addresses name, from metadata alone where the server has them.

    Raises
    ------
    LoadError
        When nothing can be opened, with what, where and what to do.
    """
    cancel = cancel or CancelToken()
    found = [find_server(links.parse(uri), cancel=cancel) for uri in uris]
    parts: list[Catalogue] = []
    whole = [link for link in found if link.is_wado_uri]
    if whole:
        parts.append(_describe_files([(link.url, _wado_name(link)) for link in whole], cancel))
    for link in found:
        if link.is_wado_uri:
            continue
        if link.study:
            parts.append(_describe_resource(link, progress, cancel))
        elif link.is_certain:
            raise _is_server(link)
        else:
            parts.append(_describe_unknown(link, cancel))
    if len(parts) == 1:
        return parts[0]
    return Catalogue(
        uri=" ".join(part.uri for part in parts),
        volumes=tuple(v for part in parts for v in part.volumes),
        images=tuple(i for part in parts for i in part.images),
        skipped=tuple(s for part in parts for s in part.skipped),
        warnings=tuple(w for part in parts for w in part.warnings),
    )


def _is_server(link: links.Link) -> NotFound:
    return NotFound(
        "This is the address of a server, not of a study",
        where=link.url,
        cure="Choose a study in the study browser",
    )


# -- DICOMweb -----------------------------------------------------------------------------------


def _describe_resource(
    link: links.Link, progress: Progress | None, cancel: CancelToken
) -> Catalogue:
    session = Session(shared_client(), link.root, habits_of(link.root))
    responses = [_metadata(each, cancel) for each in _series_of(link, cancel)]
    session = session._replace(
        metadata_bytes=sum(r.received for r in responses), metadata_requests=len(responses)
    )
    reader = JsonReader()
    instances: list[Instance] = []
    skipped: list[Skipped] = []
    told = [one for response in responses for one in objects_in(response)]
    objects = long_values.put_in(
        [(one, _instance_url(link, one) if isinstance(one, dict) else "") for one in told],
        shared_client(),
        cancel,
    )
    session = session._replace(sent_s=responses[0].sent_s, parsed_s=time.perf_counter())
    for number, data in enumerate(objects):
        if progress is not None and number % 64 == 0:
            progress(number, len(objects))
        try:
            instances.append(reader.read(data, partial(_instance_url, link)))
        except BadResponse as error:
            skipped.append(Skipped(link.url, error.what))
    found = sort_out(instances, cancel, partial(make_source, session))
    catalogue = Catalogue(
        uri=link.uri,
        volumes=tuple(map(_named_by_series, found.volumes)),
        images=tuple(found.images),
        skipped=(*skipped, *found.skipped),
        warnings=tuple(dict.fromkeys(found.warnings)),
    )
    if not catalogue.volumes and not catalogue.images:
        reason = catalogue.skipped[0].reason if catalogue.skipped else "there are no instances"
        raise NothingFound(
            catalogue, f"Nothing can be opened: {reason}", where=link.url, cure="Choose another"
        )
    return catalogue


def _named_by_series(entry: VolumeEntry) -> VolumeEntry:
    """Call a volume by the address of its series, not by what its instances' have in common."""
    path = entry.spec.path.removesuffix("/instances")
    return VolumeEntry(replace(entry.spec, path=path), entry.open)


def _series_of(link: links.Link, cancel: CancelToken) -> list[links.Link]:
    """Give a study's series one by one, so that no answer is larger than it must be."""
    if link.series:
        return [link]
    request = HttpRequest(f"{_level_url(link)}/series", accept=JSON, compressed=True)
    try:
        objects = objects_in(shared_client().get(request, cancel))
    except (Cancelled, Unauthorised):
        raise
    except LoadError as error:
        _log.debug("the series of a study cannot be listed: %s", error)
        return [link]
    uids = list(dict.fromkeys(uid for uid in map(series_uid, objects) if uid))
    return [replace(link, series=uid) for uid in uids] or [link]


def _metadata(link: links.Link, cancel: CancelToken) -> HttpResponse:
    request = HttpRequest(
        _level_url(link) + "/metadata",
        accept=JSON,
        compressed=True,
        max_bytes=MAX_METADATA,
        stall_s=_METADATA_STALL_S,
    )
    return shared_client().get(request, cancel)


def _level_url(link: links.Link) -> str:
    url = f"{link.root}/studies/{link.study}"
    if link.series:
        url += f"/series/{link.series}"
        if link.instance:
            url += f"/instances/{link.instance}"
    return url


def _instance_url(link: links.Link, data: JsonObject) -> str:
    series = link.series or series_uid(data)
    return f"{link.root}/studies/{link.study}/series/{series}/instances/{instance_uid(data)}"


def objects_in(response: HttpResponse) -> list[Any]:
    """Read an answer of DICOM JSON: an array, or one object; nothing of a 204.

    Raises
    ------
    BadResponse
        When it is something else, with what it is.
    """
    if response.status == 204 or not response.body.strip():
        return []
    refuse_page(response)
    try:
        found = json.loads(bytes(response.body))
    except (ValueError, RecursionError) as error:
        raise BadResponse(
            "The server's answer is not JSON", where=without_secrets(response.url)
        ) from error
    return found if isinstance(found, list) else [found]


# -- files on the web ---------------------------------------------------------------------------


def _describe_unknown(link: links.Link, cancel: CancelToken) -> Catalogue:
    """Find out what a bare address is: a DICOMweb service, or a file."""
    search = HttpRequest(f"{link.root}/studies?limit=1", accept=JSON, compressed=True, attempts=2)
    try:
        objects_in(shared_client().get(search, cancel))
    except (Cancelled, Unauthorised):
        raise
    except LoadError as error:
        _log.debug("no DICOMweb service: %s", error)
    else:
        raise _is_server(link)
    name = unquote(urlsplit(link.root).path.rpartition("/")[2]) or "download"
    return _describe_files([(link.root, name)], cancel)


def _wado_name(link: links.Link) -> str:
    return f"{link.instance or 'instance'}.dcm"


def _describe_files(wanted: list[tuple[str, str]], cancel: CancelToken) -> Catalogue:
    """Fetch files into a folder of this process's own, and describe them like any others."""
    folder = Path(tempfile.mkdtemp(prefix="voxtide-"))
    # volumes read from it as long as they are open
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        for number, (url, name) in enumerate(wanted):
            response = shared_client().get(HttpRequest(url, max_bytes=MAX_FILE), cancel)
            refuse_page(response)
            safe = re.sub(r"[^\w.-]", "_", name)[-80:] or "download"
            place = folder / f"{number:05}"
            place.mkdir()
            (place / safe).write_bytes(response.body)
        # each by its name: a ZIP that lies in a folder is not looked into
        kept = sorted(path for path in folder.rglob("*") if path.is_file())
        return files.describe([str(path) for path in kept], None, cancel)
    except OSError as error:
        raise SourceError(
            f"The file cannot be kept ({error.strerror})", where=str(folder), cure="Make room there"
        ) from error
