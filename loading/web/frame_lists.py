"""Small frames of one instance several at a time, where the server gives lists of frames.

What is asked for in one turn of the network thread goes into one request: a frame of a few hundred
bytes costs more in headers and waiting than in pixels. Frames are asked for in rising order, which
is the order of the parts whether a server keeps the list's own (PS3.18 10.4.1) or the frames'. An
answer that has not one part for each is no answer: then frames are asked for one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from loading.errors import BadResponse, LoadError
from loading.web import wado
from loading.web.http import Exchange, HttpClient, HttpRequest, HttpResponse
from loading.web.multipart import parts_of
from loading.web.retrieve_options import RetrieveOptions
from loading.web.trouble import BUSY, error_of, refuse_page

SMALL = 16 << 10
"""Frames of more bytes gain nothing: a line of 100 Mbit/s is full with one on each connection."""
LIST_BYTES = 128 << 10
MOST_FRAMES = 64
_SAME_FOR_ALL = BUSY | {401, 407}
"""Answers that a single frame would get as well."""


class Listed(NamedTuple):
    """A frame out of a list: its bytes, and the transfer syntax that the answer tells."""

    data: bytes
    syntax: str


Got = Callable[[Listed | LoadError | None], None]
"""Gets a frame, why there is none, or nothing: ask for it alone."""


@dataclass(slots=True, eq=False)
class _List:
    instance_url: str
    accept: str
    waiting: dict[int, Got] = field(default_factory=dict)
    exchange: Exchange | None = None


class FrameLists:
    """Collect frames for one volume and ask for them together; used on the network thread."""

    def __init__(self, client: HttpClient, habits: wado.Habits, options: RetrieveOptions) -> None:
        self._client = client
        self._habits = habits
        self._options = options
        self._open: dict[tuple[str, str], list[_List]] = {}
        self._sent: set[_List] = set()
        self._is_posted = False
        self.received = 0
        self.requests = 0

    def ask(self, instance_url: str, accept: str, number: int, size: int, got: Got) -> None:
        """Have a frame, counted from 1, asked for together with others of about its size."""
        lists = self._open.setdefault((instance_url, accept), [])
        most = max(1, min(MOST_FRAMES, LIST_BYTES // max(1, size)))
        fitting = [one for one in lists if len(one.waiting) < most and number not in one.waiting]
        if not fitting:
            fitting = [_List(instance_url, accept)]
            lists.append(fitting[0])
        fitting[0].waiting[number] = got
        if not self._is_posted:
            self._is_posted = True
            self._client.call_soon(self._send_all)

    def stop(self, got: Got) -> None:
        """Forget somebody who waits; a list that nobody waits for is not fetched on."""
        for one in [*self._sent, *(each for lists in self._open.values() for each in lists)]:
            numbers = [number for number, waiting in one.waiting.items() if waiting == got]
            for number in numbers:
                # its part is still counted in the answer
                one.waiting[number] = _nobody
            if one.exchange is not None and all(w is _nobody for w in one.waiting.values()):
                one.exchange.cancel()
                self._sent.discard(one)

    def _send_all(self) -> None:
        self._is_posted = False
        lists, self._open = [each for lists in self._open.values() for each in lists], {}
        for one in lists:
            if any(waiting is not _nobody for waiting in one.waiting.values()):
                self._send(one)

    def _send(self, one: _List) -> None:
        one.waiting = dict(sorted(one.waiting.items()))
        numbers = ",".join(map(str, one.waiting))
        path = self._options.frames_path
        url = wado.frame_url(one.instance_url, numbers, path, self._options)
        request = HttpRequest(url, accept=one.accept, max_bytes=MOST_FRAMES * LIST_BYTES)
        self.requests += 1
        self._sent.add(one)
        one.exchange = self._client.send(request, lambda answer: self._take(one, answer))

    def _take(self, one: _List, answer: HttpResponse | LoadError) -> None:
        self._sent.discard(one)
        failed = answer if isinstance(answer, LoadError) else error_of(answer)
        found: list[Listed] = []
        if isinstance(answer, HttpResponse):
            self.received += answer.received
            if failed is None:
                found = _frames_in(answer, list(one.waiting))
            elif answer.status in wado.REFUSALS:
                failed = None
        if len(one.waiting) > 1 and _may_be_for_the_list(answer):
            failed = None
        if not found and failed is None and len(one.waiting) > 1:
            self._habits.lists = False
        for place, got in enumerate(one.waiting.values()):
            got(failed or (found[place] if found else None))


def _may_be_for_the_list(answer: HttpResponse | LoadError) -> bool:
    """Tell whether a single frame may be answered otherwise.

    Object stores answer 403 for a name that they do not have, and a list is none of theirs.
    """
    if isinstance(answer, LoadError):
        return isinstance(answer, BadResponse)
    return answer.status not in _SAME_FOR_ALL


def _frames_in(answer: HttpResponse, numbers: list[int]) -> list[Listed]:
    """Take the answer apart; nothing where it is not one part for each of the frames."""
    content_type = answer.header("content-type")
    try:
        refuse_page(answer)
        parts = parts_of(content_type, answer.body, is_whole=True)
        if len(parts) != len(numbers):
            return []
        for part, number in zip(parts, numbers, strict=True):
            told = re.search(r"/frames/(\d+)/?$", part.headers.get("content-location", ""))
            if part.stop <= part.start or (told is not None and int(told[1]) != number):
                return []
            wado.refuse_text(answer, bytes(answer.body[part.start : part.start + 64]))
    except LoadError:
        return []
    return [
        Listed(bytes(answer.body[p.start : p.stop]), wado.part_syntax(p, content_type))
        for p in parts
    ]


def _nobody(_found: Listed | LoadError | None) -> None:
    """Stand for somebody who does not wait any more."""
