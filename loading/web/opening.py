"""From an address to a catalogue: metadata of DICOMweb series, or a file that lies on the web."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from loading.catalogue import Catalogue, NothingFound, Progress, Skipped
from loading.dicom.describe import sort_out
from loading.dicom.header import Instance
from loading.dicom.json_headers import JsonObject, JsonReader, instance_uid, series_uid
from loading.errors import BadResponse, NotFound
from loading.sources.base import CancelToken
from loading.web import links
from loading.web.http import HttpRequest, HttpResponse, shared_client
from loading.web.messages import without_secrets
from loading.web.source import Session, make_source
from loading.web.trouble import refuse_page
from loading.web.wado import habits_of

_log = logging.getLogger(__name__)

JSON = "application/dicom+json"
MAX_METADATA = 1 << 30
MAX_FILE = 16 << 30
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
    parts = [_describe_one(links.parse(uri), progress, cancel) for uri in uris]
    if len(parts) == 1:
        return parts[0]
    return Catalogue(
        uri=" ".join(part.uri for part in parts),
        volumes=tuple(v for part in parts for v in part.volumes),
        images=tuple(i for part in parts for i in part.images),
        skipped=tuple(s for part in parts for s in part.skipped),
        warnings=tuple(w for part in parts for w in part.warnings),
    )


def _describe_one(link: links.Link, progress: Progress | None, cancel: CancelToken) -> Catalogue:
    if link.study:
        return _describe_resource(link, progress, cancel)
    raise NotFound(
        "This is the address of a server, not of a study",
        where=link.url,
        cure="Choose a study in the study browser",
    )


def _describe_resource(
    link: links.Link, progress: Progress | None, cancel: CancelToken
) -> Catalogue:
    client = shared_client()
    session = Session(client, link.root, habits_of(link.root))
    url = _level_url(link) + "/metadata"
    response = client.get(
        HttpRequest(
            url,
            accept=JSON,
            compressed=True,
            max_bytes=MAX_METADATA,
            stall_s=_METADATA_STALL_S,
        ),
        cancel,
    )
    session = session._replace(metadata_bytes=response.received, metadata_requests=1)
    objects = objects_in(response)
    reader = JsonReader()
    instances: list[Instance] = []
    skipped: list[Skipped] = []
    for number, data in enumerate(objects):
        if progress is not None and number % 64 == 0:
            progress(number, len(objects))
        try:
            instances.append(reader.read(data, partial(_instance_url, link)))
        except BadResponse as error:
            skipped.append(Skipped(url, error.what))
    found = sort_out(instances, cancel, partial(make_source, session))
    catalogue = Catalogue(
        uri=link.uri,
        volumes=tuple(found.volumes),
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
