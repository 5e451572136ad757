"""Values that metadata keep apart for their length, where pictures cannot be made without them.

Tables of colours and of modality values, and where the tiles of a Siemens mosaic lie. They are
fetched before the metadata are read, each address once, so that a header from a server says what
the same one in a file says.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from loading.errors import Cancelled, LoadError
from loading.sources.base import CancelToken
from loading.web.http import HttpClient, HttpRequest
from loading.web.multipart import is_multipart, parts_of
from loading.web.trouble import refuse_page
from loading.web.wado import bulk_url

_log = logging.getLogger(__name__)

Object = dict[str, Any]

_PALETTES = ("00281201", "00281202", "00281203", "00281221", "00281222", "00281223")
_SIEMENS, _SIEMENS_CREATOR = "0029", "SIEMENS CSA HEADER"
_MODALITY_TABLES, _TABLE = "00283000", "00283006"
_MOST_BYTES = 1 << 20
_MOST_TOGETHER = 256 << 20
_AT_ONCE = 8


class _Room:
    """How many bytes all values of one opening may still have; used from several threads."""

    def __init__(self, left: int) -> None:
        self._lock = threading.Lock()
        self._left = left
        self.is_full = False

    def take(self, count: int) -> bool:
        """Have room for a value, or none from now on."""
        with self._lock:
            if self.is_full or count > self._left:
                if not self.is_full:
                    _log.warning("tables of headers are left apart: there are too many bytes")
                self.is_full = True
                return False
            self._left -= count
            return True


def put_in(
    objects: Sequence[tuple[Object, str]], client: HttpClient, cancel: CancelToken
) -> list[Object]:
    """Give metadata with the tables that they keep apart.

    What cannot be fetched, or is beyond 256 MiB together, stays where it is: the object is then
    told to lack it.

    Parameters
    ----------
    objects : sequence of (dict, str)
        DICOM JSON of instances and their addresses.
    """
    places = {
        (number, key): url
        for number, (data, url_of) in enumerate(objects)
        for key, element in _tables_of(data)
        if (url := bulk_url(str(element["BulkDataURI"]), url_of))
    }
    if not places:
        return [data for data, _ in objects]
    urls = list(dict.fromkeys(places.values()))
    room = _Room(_MOST_TOGETHER)
    with ThreadPoolExecutor(min(_AT_ONCE, len(urls)), "long values") as pool:
        values = dict(
            zip(urls, pool.map(lambda url: _fetch(url, client, cancel, room), urls), strict=True)
        )
    cancel.check()
    found = [data for data, _ in objects]
    # encoded once, however many objects name it
    inline = {
        url: {"vr": "OW", "InlineBinary": base64.b64encode(value).decode()}
        for url, value in values.items()
        if value
    }
    for (number, key), url in places.items():
        if url in inline:
            found[number] = _with(found[number], key, inline[url])
    return found


def _tables_of(data: object) -> Iterator[tuple[str, Object]]:
    """Give the tables that are kept apart, by tag."""
    if not isinstance(data, dict):
        return
    elements = {key: data.get(key) for key in _PALETTES}
    elements[_TABLE] = (_item_of(data) or {}).get(_TABLE)
    if "MOSAIC" in _values(data, "00080008"):
        blocks = (f"{number:02X}" for number in range(0x10, 0x100))
        elements |= {
            f"{_SIEMENS}{block}10": data.get(f"{_SIEMENS}{block}10")
            for block in blocks
            if _SIEMENS_CREATOR in _values(data, f"{_SIEMENS}00{block}")
        }
    for key, element in elements.items():
        if isinstance(element, dict) and isinstance(element.get("BulkDataURI"), str):
            yield key, element


def _values(data: Object, tag: str) -> list[Any]:
    element = data.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _item_of(data: Object) -> Object | None:
    """Give the item of the Modality LUT Sequence."""
    item = next(iter(_values(data, _MODALITY_TABLES)), None)
    return item if isinstance(item, dict) else None


def _with(data: Object, key: str, inline: Object) -> Object:
    """Put a value into a copy; its own representation does not matter to who reads bytes."""
    if key != _TABLE:
        return data | {key: inline}
    item = (_item_of(data) or {}) | {key: inline}
    return data | {_MODALITY_TABLES: {"vr": "SQ", "Value": [item]}}


def _fetch(url: str, client: HttpClient, cancel: CancelToken, room: _Room) -> bytes:
    """Fetch a value, alone or as the one part of a body; none where it cannot be had."""
    if room.is_full:
        return b""
    try:
        answer = client.get(HttpRequest(url, max_bytes=_MOST_BYTES), cancel)
        refuse_page(answer)
        kind = answer.header("content-type")
        if not is_multipart(kind, answer.body):
            value = bytes(answer.body)
        else:
            part = parts_of(kind, answer.body, is_whole=True)[0]
            value = bytes(answer.body[part.start : part.stop])
        return value if room.take(len(value)) else b""
    except Cancelled:
        return b""
    except LoadError as error:
        _log.warning("a table of a header cannot be fetched: %s", error)
        return b""
