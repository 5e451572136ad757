"""Frames out of what comes for several slices: a file, the pixel data of all frames, a mosaic.

Several slices of one instance are waited for together, and it is asked for once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from loading.dicom.payloads import frame_of_file, frame_of_plain
from loading.dicom.pixels import FramePixels
from loading.errors import BadResponse, LoadError
from loading.web import wado
from loading.web.http import Exchange, HttpClient, HttpRequest, HttpResponse
from loading.web.multipart import parts_of
from loading.web.trouble import refuse_page

MAX_INSTANCE = 8 << 30
KEPT_BYTES = 256 << 20
"""Instances of many frames are kept up to this, until their frames have been taken."""

Answer = HttpResponse | LoadError


@dataclass(slots=True, eq=False)
class _Whole:
    answer: HttpResponse | None = None
    exchange: Exchange | None = None
    waiting: list[Callable[[Answer], None]] = field(default_factory=list)


class Instances:
    """Fetch whole instances for the frames of one volume; used on the network thread."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self.received = 0
        self._wholes: OrderedDict[tuple[str, str], _Whole] = OrderedDict()

    def get(self, url: str, accept: str, got: Callable[[Answer], None]) -> bool:
        """Have `got` called with an instance; tell whether that takes a request of its own."""
        key = url, accept
        whole = self._wholes.get(key)
        if whole is None:
            whole = self._wholes[key] = _Whole(waiting=[got])
            request = HttpRequest(url, accept=accept, max_bytes=MAX_INSTANCE, attempts=3)
            whole.exchange = self._client.send(request, lambda answer: self._take(key, answer))
            return True
        if whole.answer is not None:
            answer = whole.answer
            self._client.call_soon(lambda: got(answer))
        else:
            whole.waiting.append(got)
        return False

    def stop(self, got: Callable[[Answer], None]) -> None:
        """Forget somebody who waits; an instance that nobody waits for is not fetched on."""
        for key, whole in list(self._wholes.items()):
            if got in whole.waiting:
                whole.waiting.remove(got)
                if not whole.waiting and whole.exchange is not None and whole.answer is None:
                    whole.exchange.cancel()
                    del self._wholes[key]

    def forget(self, answer: HttpResponse) -> None:
        """Have an answer that is no picture, such as a sign-in page, not given out again."""
        for key, whole in list(self._wholes.items()):
            if whole.answer is answer:
                del self._wholes[key]

    def drop(self) -> None:
        """Forget everything."""
        for whole in self._wholes.values():
            if whole.exchange is not None and whole.answer is None:
                whole.exchange.cancel()
        self._wholes.clear()

    def _take(self, key: tuple[str, str], answer: Answer) -> None:
        whole = self._wholes.get(key)
        if isinstance(answer, HttpResponse):
            self.received += answer.received
        if whole is None:
            return
        if isinstance(answer, HttpResponse) and answer.status == 200:
            whole.answer = answer
        else:
            del self._wholes[key]
        waiting, whole.waiting = whole.waiting, []
        for got in waiting:
            got(answer)
        self._bound()

    def _bound(self) -> None:
        kept = [key for key, whole in self._wholes.items() if whole.answer is not None]
        size = sum(len(w.answer.body) for w in self._wholes.values() if w.answer is not None)
        while size > KEPT_BYTES and len(kept) > 1:
            gone = self._wholes.pop(kept.pop(0)).answer
            size -= 0 if gone is None else len(gone.body)


def frame_in(
    rung: wado.Rung, response: HttpResponse, frame: FramePixels, name: str
) -> tuple[bytes, str]:
    """Take a frame out of what came for several slices: its bytes, and their transfer syntax.

    That is a whole instance, or one frame of which they are tiles.

    Raises
    ------
    LoadError
        When it is not in there.
    """
    refuse_page(response)
    content_type = response.header("content-type")
    parts = parts_of(content_type, response.body, is_whole=True)
    lead = parts[0]
    if not rung.of_instance:
        wado.refuse_text(response, bytes(response.body[lead.start : lead.start + 64]))
        return bytes(response.body[lead.start : lead.stop]), wado.part_syntax(lead, content_type)
    if rung.is_file:
        data = bytes(response.body[lead.start : lead.stop])
        wado.refuse_text(response, data)
        return frame_of_file(data, frame.frame, name)
    count = frame.coding.form.frames
    if len(parts) == count:
        part = parts[frame.frame]
        return bytes(response.body[part.start : part.stop]), wado.part_syntax(part, content_type)
    pixels = bytes(response.body[lead.start : lead.stop])
    bits = frame.coding.form.frame_bits
    if len(parts) == 1 and len(pixels) in (bits * count // 8, (bits * count + 7) // 8 + 1):
        return frame_of_plain(pixels, frame.frame, bits), wado.part_syntax(lead, content_type)
    raise BadResponse(f"{len(parts)} parts came where {count} frames should be", where=name)
