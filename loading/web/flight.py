"""One slice under way: which bytes to ask for, and what to do with each answer.

A slice goes through at most: its form on the ladder, a beginning, more of it where the guess was
short, the rest, and, when parts do not fit, the whole in one piece. Everything here runs on the
network thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from loading.dicom.json_headers import JsonHeader
from loading.dicom.payloads import Payloads
from loading.dicom.pixels import FramePixels
from loading.errors import BadResponse, LoadError
from loading.sources.base import FULL_RENDITION, Arrival, Rendition, Request
from loading.web import wado
from loading.web.alternates import RENDITION as ALTERNATE
from loading.web.alternates import Alternates
from loading.web.frame_lists import SMALL, FrameLists, Listed
from loading.web.held import Held, Replaced
from loading.web.http import Exchange, HttpClient, HttpRequest, HttpResponse, Span
from loading.web.instances import Instances, frame_in
from loading.web.levels import Levels
from loading.web.multipart import Part
from loading.web.retrieve_options import RetrieveOptions
from loading.web.trouble import error_of, refuse_page

_log = logging.getLogger(__name__)

PIECE = 12 << 10
"""The visible slice comes in pieces of about this, side by side, so that it gets its share of a
line on which others are under way."""
MAX_PIECES = 16
_STEPS = 12
"""More answers than this for one rendition are going round in circles."""
_UNKNOWN_SIZE = 192 << 10
_HEAD = 64 << 10
"""Where the levels of a frame end stands within this."""
_WORTH_SHOWING_S = 0.05
MAX_FRAME = 1 << 30


@dataclass(slots=True, eq=False)
class Kit:
    """What the flights of one volume share."""

    client: HttpClient
    instances: Instances
    root: str
    habits: wado.Habits
    levels: Levels
    payloads: Payloads
    options: RetrieveOptions
    alternates: Alternates
    lists: FrameLists
    received: int = 0
    requests: int = 0
    finished: int = 0
    under_way: int = 0


class Flight:
    """One slice under way; `arrived` is told what it is good for, at the end with `is_last`."""

    def __init__(
        self,
        kit: Kit,
        request: Request,
        frame: FramePixels,
        held: Held,
        arrived: Callable[[Arrival], None],
        *,
        is_urgent: bool,
        grew: Callable[[], None],
    ) -> None:
        self._grew = grew
        self._kit = kit
        self._request = request
        self._frame = frame.carrier
        self._is_alone = False
        self._is_shared = frame.carrier is not frame
        self._held = held
        self._arrived = arrived
        self.is_urgent = is_urgent
        self.is_plain = False
        self.asked_s = time.perf_counter()
        self._exchanges: dict[Exchange, Span | None] = {}
        self._growing: dict[Exchange, int] = {}
        self.expected = 0
        self._counted = 0
        self._steps = 0
        self._rung: int | None = None
        self._is_over = False

    @property
    def outstanding(self) -> int:
        """Guess how many bytes are still to come."""
        return max(0, self.expected - sum(self._growing.values()))

    def stop(self) -> None:
        """Take it off the line."""
        self._is_over = True
        self._cancel_all()
        self._count(0)

    def _count(self, left: int) -> None:
        """Keep the sum of what is still to come over all flights."""
        self._kit.under_way += left - self._counted
        self._counted = left

    # -- what to do next ----------------------------------------------------------------------

    def go(self) -> None:
        """Hand over what is there already, or ask for what lacks."""
        if self._is_over:
            return
        held, level = self._held, self._request.rendition.level
        if self._request.rendition is ALTERNATE:
            self._ask_alternate()
            return
        if held.is_whole:
            self._finish_whole()
            return
        if level and self._can_show(level):
            return
        self._steps += 1
        if self._steps > _STEPS:
            self._fail(BadResponse("The server's answers do not add up", where=self._name))
            return
        spans = self._spans()
        self._count(self.outstanding)
        for span in spans:
            self._send(span)
            if self._is_over:
                return

    @property
    def _name(self) -> str:
        return self._frame.instance.place.name

    @property
    def _gives_parts(self) -> bool:
        is_native = not self._frame.coding.is_encapsulated
        is_told = self._kit.options.ranges == "never"
        is_whole = self.is_plain or self._is_shared or is_native or is_told
        return not (is_whole or self._kit.habits.ranges is False)

    def _spans(self) -> list[Span | None]:
        """Say which bytes to ask for, in how many pieces."""
        held, levels = self._held, self._kit.levels
        level = self._request.rendition.level
        if not self._gives_parts:
            held.drop()
            self.expected = levels.whole_size or _UNKNOWN_SIZE
            return [None]
        start = len(held.body)
        whole = held.total or levels.least_size or 0
        if level:
            stop = self._known_end(level) or levels.likely_end(level)
            if stop <= start:  # the guess was short of it
                stop = start + max(1024, start // 2)
            self.expected = stop - start
            return [Span(start, stop)]
        left = whole - start
        self.expected = left if left > 0 else _UNKNOWN_SIZE
        chunk = self._kit.options.chunk_bytes
        if chunk and left > chunk:
            self.expected = chunk
            return [Span(start, start + chunk)]
        pieces = min(MAX_PIECES, left // PIECE)
        if not self.is_urgent or pieces < 2 or self._kit.habits.ranges is not True:
            return [Span(start)]
        cuts = [start + left * n // pieces for n in range(pieces)]
        spans: list[Span | None] = [Span(a, b) for a, b in pairwise(cuts)]
        return [*spans, Span(cuts[-1])]

    def _known_end(self, level: int) -> int | None:
        """Give where a level ends in the body, as far as what is held tells."""
        held = self._held
        start = held.frame_start() if held.body else None
        if start is None:
            return None
        if level not in held.ends and len(held.body) > held.walked:
            held.walked = len(held.body)
            head = bytes(memoryview(held.body)[start : start + _HEAD])
            held.ends |= self._kit.levels.ends(self._frame, head, held.syntax, start)
        return held.ends.get(level)

    def _can_show(self, level: int) -> bool:
        """Hand over a coarse picture if its bytes are there; tell whether that ended the flight."""
        held = self._held
        if not held.body:
            return False
        start = held.frame_start()
        if start is not None and not self._kit.payloads.has_levels(self._frame, held.syntax):
            self._ask_whole()
            return False
        end = self._known_end(level)
        if end is None:
            if len(held.body) > max(8192, 3 * self._kit.levels.likely_end(level)):
                self._ask_whole()  # it is of another kind: nobody knows where the picture ends
            return False
        if len(held.body) < end or start is None:
            return False
        data = bytes(memoryview(held.body)[start:end])
        held.shown = level
        self._end(Arrival(self._request, data, held.syntax))
        return True

    def _ask_whole(self) -> None:
        self._request = self._request._replace(rendition=FULL_RENDITION)

    # -- asking -------------------------------------------------------------------------------

    def _send(self, span: Span | None) -> None:
        kit, place = self._kit, self._frame.instance.place
        assert isinstance(place, JsonHeader)
        address = wado.FrameAddress(
            place.name, self._frame.frame + 1, self._frame.instance.shared.syntax, place.pixels_uri
        )
        told = kit.options.accept
        first = wado.RUNG_NAMES.index(told) if told else kit.habits.rung or 0
        rung = self._rung if self._rung is not None else first
        form = None
        while rung < len(wado.LADDER):
            form = wado.url_and_accept(wado.LADDER[rung], address, kit.options)
            if form is not None:
                break
            rung += 1
        if form is None or rung >= len(wado.LADDER):
            self._fail(
                self._last_error or BadResponse("No form is left to ask in", where=place.name)
            )
            return
        self._rung = rung
        if wado.LADDER[rung].of_instance or self._is_shared:
            kit.requests += kit.instances.get(*form, self._take_instance)
            return
        if self._may_be_listed(span, wado.LADDER[rung]):
            size = self._small_size
            kit.lists.ask(place.name, form[1], address.number, size, self._take_listed)
            return
        request = HttpRequest(
            form[0],
            accept=form[1],
            span=span,
            if_range=self._held.valid if span is not None and span.start else "",
            max_bytes=MAX_FRAME,
            # a form that is not understood is answered so; another one costs less than waiting
            attempts=4 if kit.habits.rung == rung else 2,
        )
        kit.requests += 1
        exchange: Exchange | None = None

        def done(answer: HttpResponse | LoadError) -> None:
            assert exchange is not None
            self._take(exchange, answer)

        def grew(response: HttpResponse) -> None:
            assert exchange is not None
            self._growing[exchange] = response.received
            self._count(self.outstanding)
            self._stream(exchange, response)
            self._grew()

        exchange = kit.client.send(request, done, grew)
        self._exchanges[exchange] = span
        self._growing[exchange] = 0

    _last_error: LoadError | None = None

    # -- answers ------------------------------------------------------------------------------

    def _take(self, exchange: Exchange, answer: HttpResponse | LoadError) -> None:
        span = self._exchanges.pop(exchange)
        if self._is_over:
            return
        if isinstance(answer, LoadError):
            self._kit.received += self._growing.get(exchange, 0)
            self._fail(answer)
            return
        self._kit.received += answer.received
        failed = error_of(answer)
        is_past_end = (
            answer.status == 416 and span is not None and span.start > len(self._held.body)
        )
        if failed is not None and answer.status != 416:
            self._next_rung(answer, failed)
            return
        try:
            if not is_past_end:
                refuse_page(answer)
                self._held.take(answer, span)
            self._learn(answer, span)
        except Replaced:
            self._cancel_all()
            self.go()
            return
        except LoadError as error:
            self._in_one_piece(error)
            return
        if self._held.is_whole:
            self._cancel_all()
        if not self._exchanges:
            self._growing.clear()
            self.go()

    def _ask_alternate(self) -> None:
        """Ask for a smaller copy, the first time under all names; else for the frame itself."""
        kit = self._kit
        names = () if self.is_plain or self._held.body else kit.alternates.names
        self.expected = 4096
        self._count(self.expected)
        if names and kit.alternates.waits(self.go):
            return
        if not names:
            self._ask_whole()
            self.go()
            return
        kit.alternates.begin()
        answers: dict[str, HttpResponse | LoadError] = {}
        for name in names:

            def done(answer: HttpResponse | LoadError, name: str = name) -> None:
                answers[name] = answer
                if len(answers) == len(names):
                    self._take_alternates({name: answers[name] for name in names})

            url = wado.frame_url(self._name, self._frame.frame + 1, name, kit.options)
            request = HttpRequest(url, accept=wado.AS_STORED, max_bytes=MAX_FRAME, attempts=2)
            kit.requests += 1
            # not among the exchanges that stop with the slice: others wait for the answers
            kit.client.send(request, done)

    def _take_alternates(self, answers: dict[str, HttpResponse | LoadError]) -> None:
        found: dict[str, tuple[HttpResponse, Part]] = {}
        for name, answer in answers.items():
            if isinstance(answer, HttpResponse):
                self._kit.received += answer.received
                part = _part_of_success(answer)
                if part is not None:
                    found[name] = answer, part
        self._kit.alternates.end(list(found))
        if self._is_over:
            return
        if not found:
            self._ask_whole()
            self.go()
            return
        answer, part = next(iter(found.values()))
        data = bytes(answer.body[part.start : part.stop])
        syntax = wado.part_syntax(part, answer.header("content-type"))
        self._end(Arrival(self._request, data, syntax))

    @property
    def _small_size(self) -> int:
        """Give the bytes of a whole frame as far as they are known; 0: not known."""
        coding = self._frame.coding
        known = self._kit.levels.whole_size or 0
        return known if coding.is_encapsulated else (coding.form.frame_bits + 7) // 8

    def _may_be_listed(self, span: Span | None, rung: wado.Rung) -> bool:
        """Tell whether the frame may come together with others of its instance."""
        return (
            span in (None, Span(0))
            and rung.in_parts
            and not (self.is_urgent or self.is_plain or self._is_alone)
            and self._kit.habits.rung == self._rung  # not both are tried at once
            and self._kit.habits.lists is not False
            and self._frame.coding.form.frames > 1
            and 0 < self._small_size <= SMALL
        )

    def _take_listed(self, found: Listed | LoadError | None) -> None:
        if self._is_over:
            return
        if isinstance(found, LoadError):
            self._fail(found)
            return
        if found is None:
            self._is_alone = True
            self.go()
            return
        assert self._rung is not None
        self._kit.habits.rung, self._kit.habits.lists = self._rung, True
        self._kit.levels.note_whole(len(found.data))
        whole = self._request._replace(rendition=FULL_RENDITION)
        self._end(Arrival(whole, found.data, found.syntax))

    def _take_instance(self, answer: HttpResponse | LoadError) -> None:
        """Take the frame out of what came for several slices at once."""
        if self._is_over:
            return
        if isinstance(answer, LoadError):
            self._fail(answer)
            return
        failed = error_of(answer)
        if failed is not None:
            self._next_rung(answer, failed)
            return
        assert self._rung is not None
        try:
            data, syntax = frame_in(wado.LADDER[self._rung], answer, self._frame, self._name)
        except LoadError as error:
            if isinstance(error, BadResponse):  # of a damaged object another copy is no better
                self._kit.instances.forget(answer)
            self._fail(error)
            return
        self._kit.habits.rung = self._rung
        self._end(Arrival(self._request._replace(rendition=FULL_RENDITION), data, syntax))

    def _learn(self, answer: HttpResponse, span: Span | None) -> None:
        habits, held = self._kit.habits, self._held
        if self._rung is not None:
            habits.rung = self._rung
        if span is not None and answer.status == 206:
            habits.ranges = True
        elif span is not None and answer.status == 200 and not (span.start and held.valid):
            # with If-Range a 200 says that the body is another one, not that there are no parts
            habits.ranges = False
        if held.total is not None:
            self._kit.levels.note_whole(held.total)

    def _next_rung(self, answer: HttpResponse, error: LoadError) -> None:
        """Ask in another form, where the answer may mean that this one is not understood."""
        self._last_error = self._last_error or error
        is_proven = self._kit.habits.rung == self._rung
        may_be_form = answer.status in wado.REFUSALS and not (answer.status == 404 and is_proven)
        if not may_be_form or self._rung is None:
            self._fail(error)
            return
        self._cancel_all()
        self._held.drop()
        self._rung += 1
        self.go()

    def _in_one_piece(self, error: LoadError) -> None:
        """Ask for the whole, once, when parts did not fit."""
        self._cancel_all()
        self._held.drop()
        if self.is_plain:
            self._fail(error)
            return
        _log.debug("asking for the whole: %s", error)
        self.is_plain = True
        self._ask_whole()
        self.go()

    def _finish_whole(self) -> None:
        held = self._held
        try:
            data = held.frame()
        except LoadError as error:
            self._in_one_piece(error)
            return
        request = self._request
        if request.rendition.level:
            request = request._replace(rendition=FULL_RENDITION)
        self._end(Arrival(request, data, held.syntax))

    def _stream(self, exchange: Exchange, response: HttpResponse) -> None:
        """Show what a long answer is good for while it is still coming."""
        levels, held = self._kit.levels.renditions, self._held
        if not self._kit.options.streaming:
            return
        if self._request.rendition.level or not levels or held.shown <= levels[-1].level:
            return
        span = self._exchanges.get(exchange)
        before = len(held.body) if response.status == 206 else 0
        if response.status not in (200, 206) or (span is not None and span.start != before):
            return
        here = before + len(response.body)
        wanted = [r for r in levels if r.level < held.shown]
        least = held.ends.get(wanted[0].level) or self._kit.levels.likely_end(wanted[0].level)
        if here < least or not self._is_slow():
            return
        body = bytes(held.body[:before]) + bytes(response.body)
        content_type = held.content_type or response.header("content-type")
        part = wado.frame_part(content_type, body, is_whole=False)
        if part is None:
            return
        self._show_early(wanted, body, part.start, wado.part_syntax(part, content_type))

    def _show_early(self, wanted: list[Rendition], body: bytes, start: int, syntax: str) -> None:
        """Hand over the finest picture that is there, if it is finer than what was shown."""
        held, kit = self._held, self._kit
        if not kit.payloads.has_levels(self._frame, syntax):
            held.shown = 0  # no beginning of it is a picture
            return
        held.ends |= kit.levels.ends(self._frame, body[start : start + _HEAD], syntax, start)
        for rendition in reversed(wanted):
            end = held.ends.get(rendition.level)
            if end is not None and end <= len(body):
                held.shown = rendition.level
                request = self._request._replace(rendition=rendition)
                self._arrived(Arrival(request, body[start:end], syntax, is_last=False))
                return

    def _is_slow(self) -> bool:
        """Tell whether the rest takes long enough for somebody to see what is there already."""
        rate = self._kit.client.line(self._kit.root).rate
        return rate is None or self.outstanding / rate > _WORTH_SHOWING_S

    def _cancel_all(self) -> None:
        for exchange in list(self._exchanges):
            self._kit.received += self._growing.get(exchange, 0)
            exchange.cancel()
        self._exchanges.clear()
        self._growing.clear()
        self._kit.instances.stop(self._take_instance)
        self._kit.lists.stop(self._take_listed)

    def _fail(self, error: LoadError) -> None:
        self._cancel_all()
        self._end(Arrival(self._request, error=error))

    def _end(self, arrival: Arrival) -> None:
        if not self._is_over:
            self._is_over = True
            self._count(0)
            self._arrived(arrival)


def _part_of_success(answer: HttpResponse) -> Part | None:
    """Give the frame in an answer; None where that is none."""
    if answer.status != 200:
        return None
    try:
        refuse_page(answer)
        wado.refuse_text(answer, bytes(answer.body[:64]))
        part = wado.frame_part(answer.header("content-type"), answer.body, is_whole=True)
    except LoadError:
        return None
    return part if part is not None and part.stop > part.start else None
