"""The bytes of one frame as they come: in one answer, in parts, out of order.

They are kept until the slice is as good as it gets, so that the next rendition asks for the rest
alone. Every answer is held against what was asked: only a 206 with the right Content-Range is a
part, a 200 replaces everything, whatever else is none of the frame's bytes.
"""

from __future__ import annotations

from loading.errors import BadResponse
from loading.web import wado
from loading.web.messages import HttpResponse, Span, without_secrets


class Replaced(Exception):
    """Raise when what is held belongs to another body than what came: it has been dropped."""


class Held:
    """Bytes of one frame.

    Attributes
    ----------
    body : bytearray
        The body from its beginning on, envelope included.
    total : int or None
        Length of the whole body; None: not told yet.
    ends : dict of int to int
        Where levels end in the body, as far as that is known.
    shown : int
        The finest level that was handed over.
    walked : int
        From how many bytes that was last told.
    """

    __slots__ = (
        "_later",
        "_start",
        "body",
        "content_type",
        "ends",
        "received",
        "shown",
        "syntax",
        "total",
        "valid",
        "walked",
    )

    def __init__(self) -> None:
        self.received = 0
        self.shown = 99
        self.drop()

    def drop(self) -> None:
        """Forget everything."""
        self.body = bytearray()
        self.total: int | None = None
        self.content_type = ""
        self.syntax = ""
        self.valid = ""
        self._later: dict[int, bytearray] = {}
        self._start: int | None = None
        self.ends: dict[int, int] = {}
        self.walked = 0

    @property
    def size(self) -> int:
        """Count the bytes held, those that came before their turn included."""
        return len(self.body) + sum(map(len, self._later.values()))

    @property
    def is_whole(self) -> bool:
        """Tell whether all is there."""
        return self.total is not None and len(self.body) == self.total

    def take(self, response: HttpResponse, asked: Span | None) -> None:
        """Take in an answer.

        Raises
        ------
        BadResponse
            When it is not what was asked for; nothing of it is kept.
        Replaced
            When it is a part of another body than the bytes held: those are gone, ask anew.
        """
        self.received += response.received
        where = without_secrets(response.url)
        if response.status == 206:
            self._take_part(response, asked, where)
        elif response.status == 200:
            if not response.body:
                raise BadResponse("The server sent nothing", where=where)
            self.drop()
            self._begin(response)
            self.body = response.body
            self.total = len(response.body)
        elif response.status == 416:
            told = response.content_range
            if told is None or told.total is None or told.total != len(self.body):
                self.drop()
                raise Replaced
            self.total = told.total
        else:
            raise BadResponse(f"The server answered with status {response.status}", where=where)

    def _take_part(self, response: HttpResponse, asked: Span | None, where: str) -> None:
        told = response.content_range
        if asked is None or told is None:
            raise BadResponse("The server sent a part without saying which", where=where)
        behind = told.total if asked.stop is None else asked.stop
        is_right = (
            told.start == asked.start
            and told.stop - told.start == len(response.body) > 0
            and (told.total is None or told.stop <= told.total)
            # a server may give less than was asked only where the body ends
            and (behind is None or told.stop == behind or told.stop == told.total)
        )
        if not is_right:
            raise BadResponse("The server sent another part than was asked for", where=where)
        if told.total is None:
            raise BadResponse("The server does not say how long the whole is", where=where)
        is_other = self.total not in (None, told.total) or (
            bool(self.valid) and bool(response.validator) and self.valid != response.validator
        )
        if is_other:
            self.drop()
            raise Replaced
        if not self.body:
            self._begin(response)
        self.total = told.total
        if told.start == len(self.body):
            self.body += response.body
            while (more := self._later.pop(len(self.body), None)) is not None:
                self.body += more
        elif told.start > len(self.body):
            self._later[told.start] = response.body

    def _begin(self, response: HttpResponse) -> None:
        self.content_type = response.header("content-type")
        self.valid = response.validator
        wado.refuse_text(response, bytes(response.body[:64]))

    def view(self, growing: HttpResponse | None = None) -> tuple[bytearray, str]:
        """Give body and content type, of an answer that is still coming where there is one."""
        if growing is not None and growing.status == 200:
            return growing.body, growing.header("content-type")
        if growing is not None and growing.status == 206 and not self.body:
            return growing.body, growing.header("content-type")
        return self.body, self.content_type

    def frame_start(self, growing: HttpResponse | None = None) -> int | None:
        """Give where the frame begins in the body; None while that is not there."""
        if self._start is None:
            body, content_type = self.view(growing)
            part = wado.frame_part(content_type, body, is_whole=False) if body else None
            if part is None:
                return None
            self._start = part.start
            self.syntax = wado.part_syntax(part, content_type)
        return self._start

    def frame(self) -> bytes:
        """Give the whole frame.

        Raises
        ------
        BadResponse
            When the body is not ended as it should be.
        """
        part = wado.frame_part(self.content_type, self.body, is_whole=True)
        assert part is not None
        self._start, self.syntax = part.start, wado.part_syntax(part, self.content_type)
        if part.stop <= part.start:
            raise BadResponse("The server sent a frame without bytes")
        return bytes(self.body[part.start : part.stop])
