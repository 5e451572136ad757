"""The source of volumes on a server: what to ask for next, and what the answers are good for.

A slice is asked for by its beginning, as far as a coarse picture needs it, then by the rest; its
bytes are kept in between. How far a resolution reaches is learned from the frame's own header; for
frames that have not been seen it is guessed from those that have. A server that gives no parts
gives whole frames, which are shown as they come. All that is decided here happens on the network
thread; decoding happens in `place`, on workers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loading.dicom import syntaxes
from loading.dicom.json_headers import JsonHeader
from loading.dicom.payloads import Payloads, sniff_syntax
from loading.dicom.pixels import FramePixels
from loading.errors import Cancelled, LoadError, SourceError, Unauthorised
from loading.sources.base import (
    FULL_RENDITION,
    Arrival,
    CancelToken,
    Delivered,
    Rendition,
    Request,
    TagRow,
)
from loading.spec import ChunkKey, VolumeSpec
from loading.status import Status
from loading.web import frame_cache, retrieve_options
from loading.web.alternates import RENDITION as ALTERNATE
from loading.web.alternates import Alternates
from loading.web.flight import Flight, Kit
from loading.web.frame_cache import CachedFrame
from loading.web.frame_lists import FrameLists
from loading.web.held import Held
from loading.web.http import HttpClient
from loading.web.instances import Instances
from loading.web.levels import Levels
from loading.web.line import Line, beginnings_pay
from loading.web.shares import Share, Shares
from loading.web.wado import Habits

_log = logging.getLogger(__name__)

HELD_LIMIT = 512 << 20
"""Partial bytes of slices that are not final yet; beyond this those held longest are dropped."""
_ENOUGH_REFUSALS = 8
_LEAST_SLOTS = 2


class Session(NamedTuple):
    """What the sources of one server share.

    Attributes
    ----------
    root : str
        Address of the service.
    sent_s, parsed_s : float
        When the metadata were asked for, and were there; `time.perf_counter()`.
    """

    client: HttpClient
    root: str
    habits: Habits
    metadata_bytes: int = 0
    metadata_requests: int = 0
    sent_s: float = 0.0
    parsed_s: float = 0.0


class WebSource:
    """Read the slices of one volume from a server.

    Parameters
    ----------
    session : Session
    spec : VolumeSpec
    frames : sequence of FramePixels or None
        One for each plane of each time point; None where the series has no slice.
    """

    is_remote = True

    def __init__(
        self, session: Session, spec: VolumeSpec, frames: Sequence[FramePixels | None]
    ) -> None:
        self.spec = spec
        self._session = session
        self._frames = frames
        self._payloads = Payloads()
        syntax = spec.transfer_syntaxes[0] if len(spec.transfer_syntaxes) == 1 else ""
        options = retrieve_options.current().for_frames(session.root, syntax)
        self._levels = Levels(self._payloads, spec.shape_kji[1:], options)
        reduced = options.reduced_path or options.lossy_path
        alternates = Alternates(session.habits, spec.series_uid, reduced, options.reduced_sampling)
        self._kit = Kit(
            session.client,
            Instances(session.client),
            session.root,
            session.habits,
            self._levels,
            self._payloads,
            options,
            alternates,
            FrameLists(session.client, session.habits, options),
        )
        self._held: dict[ChunkKey, Held] = {}
        self._flights: dict[ChunkKey, Flight] = {}
        self._plain: set[ChunkKey] = set()
        self._from_disk: set[ChunkKey] = set()
        self._to_disk: set[str] = set()
        self._refused: LoadError | None = None
        self._refusals = 0
        self._is_closed = threading.Event()
        self._share = Share(self._look_for_room)
        self._next_look_s = 0.0
        self._on_room: Callable[[], None] | None = None

    # -- Source -------------------------------------------------------------------------------

    def renditions(self, chunk: ChunkKey) -> Sequence[Rendition]:
        """Give what is offered for a slice, as far as its header tells."""
        frame = self._frame(chunk)
        if frame is None:
            return ()
        full = FULL_RENDITION
        if frame.coding.is_lossy:
            full = full._replace(gives=Status.LOSSY)
        if frame.carrier is not frame or not frame.is_stored:
            return (full,)  # what there is of smaller copies shows all tiles
        options = self._kit.options
        if options.reduced_path or options.lossy_path:
            return (ALTERNATE, full)
        if not self._payloads.has_levels(frame, ""):
            may_have = frame.coding.is_encapsulated and options.partial
            return (ALTERNATE, full) if may_have else (full,)
        return (*self._levels.renditions, full)

    def read(
        self, request: Request, out: npt.NDArray[np.generic], cancel: CancelToken
    ) -> Delivered:
        """Fetch and decode one slice, and wait for it."""
        arrived = threading.Event()
        got: list[Arrival] = []

        def take(arrival: Arrival) -> None:
            if arrival.is_last:
                got.append(arrival)
                arrived.set()

        for _ in range(2):
            got.clear()
            arrived.clear()
            self.call_soon(lambda: self._ask_alone(request, take))
            while not arrived.wait(0.05):
                if cancel.is_cancelled:
                    self.call_soon(lambda: self.abort(request.chunk))
                    raise Cancelled("Stopped")
            error = got[0].error
            if error is not None:
                raise error
            try:
                return self.place(got[0], out, cancel)
            except LoadError:
                if not self.can_retry(request.chunk):
                    raise
        raise SourceError("The frame cannot be had", where=self.spec.path)

    def _ask_alone(self, request: Request, arrived: Callable[[Arrival], None]) -> None:
        try:
            self.ask(request, arrived, is_urgent=False)
        except LoadError as error:
            arrived(Arrival(request, error=error))

    def tags(self, k: int, t: int = 0) -> list[TagRow]:
        """Give the header of slice k's instance as text."""
        from loading.dicom.tag_table import tag_rows

        frame = self._frame(ChunkKey(t, 0, k))
        return [] if frame is None else tag_rows(frame.instance.place)

    def close(self) -> None:
        """Let go: nothing is asked for any more, nothing is held."""
        self._is_closed.set()
        self._on_room = None

        def drop() -> None:
            for chunk in list(self._flights):
                self.abort(chunk)
            self.end()
            self._held.clear()
            self._kit.instances.drop()

        self.call_soon(drop)

    # -- RemoteSource -------------------------------------------------------------------------

    def begin(self, on_room: Callable[[], None], wants: Callable[[], bool]) -> None:
        """Forget that a sign-in was refused; tell `on_room` when there is room again."""
        self._on_room = on_room
        self._refused, self._refusals = None, 0

        def join() -> None:
            self._share.wants = wants
            self._shares.join(self._share)

        self.call_soon(join)

    def end(self) -> None:
        """Leave the line to others."""
        self._shares.leave(self._share)

    def weigh(self, weight: float) -> None:
        """Say how much of the screen shows the volume."""

        def change() -> None:
            self._share.weight = max(0.0, weight)
            self._look_for_room()

        self.call_soon(change)

    @property
    def _shares(self) -> Shares:
        return self._session.client.shares(self._session.root)

    def call_soon(self, call: Callable[[], None], delay_s: float = 0.0) -> None:
        """Have something called on the network thread."""
        self._session.client.call_soon(call, delay_s)

    @property
    def received(self) -> tuple[int, int]:
        """Count the bytes of bodies and the requests, the metadata's included."""
        session, kit = self._session, self._kit
        received = kit.received + kit.instances.received + kit.lists.received
        requests = kit.requests + kit.lists.requests
        return session.metadata_bytes + received, session.metadata_requests + requests

    @property
    def metadata_s(self) -> tuple[float, float]:
        """Give when the metadata were asked for, and when they were there."""
        return self._session.sent_s, self._session.parsed_s

    def has_room(self, *, is_urgent: bool) -> bool:
        """Tell whether one more request helps: while the line has less to do than it can carry."""
        client, url = self._session.client, self._session.root
        share, part = self._share, self._shares.part_of(self._share)
        most = self._kit.options.concurrency
        if part <= 0 or client.room(url) <= 0 or (most and len(self._flights) >= most):
            share.is_waiting = True
            return False
        if is_urgent:
            return True
        share.is_waiting = self._has_enough(client.line(url), part)
        return not share.is_waiting

    def _has_enough(self, line: Line, part: float) -> bool:
        """Tell whether so much is under way that more would not come sooner."""
        wait_s = self._visible_left_s(line) - line.likely_wait_s
        if wait_s > 0 and self._next_look_s <= time.perf_counter():
            self._next_look_s = time.perf_counter() + wait_s
            self.call_soon(self._look_for_room, wait_s)
        slots = max(_LEAST_SLOTS, part * self._session.client.slots(self._session.root))
        return (
            wait_s > 0
            or self._kit.under_way >= part * line.in_flight_bytes
            or (part < 1 and len(self._flights) >= slots)
        )

    def _visible_left_s(self, line: Line) -> float:
        """Guess how long what is displayed still needs the line for itself.

        Others are asked for so late that their first bytes come right behind. By the clock as well
        as by its bytes: a slice that the server is slow with holds up nothing else.
        """
        urgent = [flight for flight in self._flights.values() if flight.is_urgent]
        if not urgent:
            return 0.0
        expected = sum(flight.expected for flight in urgent)
        left = sum(flight.outstanding for flight in urgent)
        asked_s = max(flight.asked_s for flight in urgent)
        by_clock = asked_s + line.likely_s(expected) - time.perf_counter()
        return min(by_clock, line.likely_s(left, is_coming=left < expected))

    def _look_for_room(self) -> None:
        """Tell who asks that bytes have come, when there were too many under way."""
        if not self._share.is_waiting or self._on_room is None:
            return
        if self.has_room(is_urgent=False):
            self._on_room()

    def ask(self, request: Request, arrived: Callable[[Arrival], None], *, is_urgent: bool) -> None:
        """Ask for what lacks for a request."""
        chunk = request.chunk
        frame = self._frame(chunk)
        if self._is_closed.is_set() or frame is None:
            raise SourceError("There is no such slice any more", where=self.spec.path)
        if self._refused is not None:
            raise self._refused
        held = self._held.setdefault(chunk, Held())
        kept = self._kept(frame, chunk) if not held.body else None
        if kept is not None:
            best = request._replace(rendition=self.renditions(chunk)[-1])
            arrived(Arrival(best, kept.data, kept.syntax))
            return
        if request.rendition.level and not self._pays(request.rendition):
            request = request._replace(rendition=self.renditions(chunk)[-1])

        def over(arrival: Arrival) -> None:
            if arrival.is_last:
                self._land(chunk)
            if not isinstance(arrival.error, Unauthorised):
                self._refusals = 0
            else:
                self._refusals += 1
                if self._refusals >= _ENOUGH_REFUSALS:
                    self._refused = arrival.error  # to ask on would be hammering
            arrived(arrival)

        flight = Flight(
            self._kit, request, frame, held, over, is_urgent=is_urgent, grew=self._look_for_room
        )
        flight.is_plain = chunk in self._plain
        self._flights[chunk] = flight
        self._share.under_way = len(self._flights)
        flight.go()
        if self._kit.requests % 64 == 0:
            self._bound_held()

    def _pays(self, rendition: Rendition) -> bool:
        """Tell whether a beginning can be had, and is worth a request of its own."""
        if not self._levels.is_possible:
            return False
        if self._session.habits.ranges is False and rendition is not ALTERNATE:
            return False
        line = self._session.client.line(self._session.root)
        left = self.spec.chunk_count - self._kit.finished
        return beginnings_pay(line.rtt_s, line.rate, self._levels.whole_size, left)

    def place(
        self, arrival: Arrival, out: npt.NDArray[np.generic], cancel: CancelToken
    ) -> Delivered:
        """Decode what arrived into `out`."""
        request = arrival.request
        frame = self._frame(request.chunk)
        if self._is_closed.is_set() or frame is None:
            raise SourceError("The volume was closed", where=self.spec.path)
        cancel.check()
        level = request.rendition.level
        if not frame.is_stored:
            frame.read(out[0], cancel)
            self._done_with(request.chunk)
            return Delivered(Status.FULL, 0)
        if request.rendition is ALTERNATE:
            level = self._kit.alternates.put(
                self._payloads, frame, arrival.data, arrival.syntax, out[0]
            )
            return Delivered(Status.SUBRESOLUTION, len(arrival.data), level)
        if level:
            self._payloads.put_prefix(frame, arrival.data, arrival.syntax, out[0])
            return Delivered(Status.SUBRESOLUTION, len(arrival.data), level)
        syntax = self._syntax_of(frame, arrival)
        is_lossy = self._payloads.put(frame, arrival.data, syntax, out[0], cancel)
        self._keep(frame, request.chunk, arrival.data, syntax)
        self._done_with(request.chunk)
        return Delivered(Status.LOSSY if is_lossy else Status.FULL, len(arrival.data))

    def _syntax_of(self, frame: FramePixels, arrival: Arrival) -> str:
        """Give the syntax: what the sender says, unless the bytes are plainly something else."""
        frame = frame.carrier
        native = self._payloads.coding(frame, "").form.native_bytes
        sniffed = sniff_syntax(arrival.data, native)
        told = arrival.syntax or frame.instance.shared.syntax
        coding = self._payloads.coding(frame, told)
        if not sniffed or coding.syntax == sniffed:
            return told
        looks_plain = not self._payloads.coding(frame, sniffed).is_encapsulated
        if not coding.is_encapsulated:
            return told if looks_plain else sniffed
        magic = (*_MAGIC, _JPEG_XL) if told in syntaxes.JPEG_XL_FAMILY else _MAGIC
        return sniffed if looks_plain and arrival.data[:2] not in magic else told

    def can_retry(self, chunk: ChunkKey) -> bool:
        """Have a slice that could not be decoded asked for once more, whole and in one piece."""
        if chunk in self._plain:
            return False
        self._plain.add(chunk)
        held = self._held.pop(chunk, None)
        return held is not None

    def hinders(self, visible: Collection[ChunkKey]) -> Sequence[ChunkKey]:
        """Name the slices whose transfer would hold up the visible one noticeably."""
        if self._session.habits.ranges is not True:
            return ()
        line = self._session.client.line(self._session.root)
        rate, rtt = line.rate, line.rtt_s
        if rate is None or rtt is None:
            return ()
        bearable = rate * max(3 * rtt, 0.15)
        waiting = [c for c in self._flights if c not in visible]
        return [c for c in waiting if self._flights[c].outstanding > bearable]

    def abort(self, chunk: ChunkKey) -> None:
        """Stop asking for a slice; what came of it is kept."""
        flight = self._land(chunk)
        if flight is not None:
            flight.stop()

    def _land(self, chunk: ChunkKey) -> Flight | None:
        """Take a slice off the list of those that are under way."""
        flight = self._flights.pop(chunk, None)
        self._share.under_way = len(self._flights)
        self._shares.freed(self._share)
        return flight

    # -- inside -------------------------------------------------------------------------------

    def _frame(self, chunk: ChunkKey) -> FramePixels | None:
        return self._frames[chunk.t * self.spec.shape_kji[0] + chunk.index]

    def _kept(self, frame: FramePixels, chunk: ChunkKey) -> CachedFrame | None:
        """Give a frame that was kept on the disk when the volume was open before, once."""
        if not frame.is_stored:
            return CachedFrame(b"")
        cache = frame_cache.current()
        if cache is None:
            return None
        url, version = _cache_key(frame)
        kept = None if chunk in self._from_disk else cache.get(url, version)
        if kept is not None:
            self._from_disk.add(chunk)
        return kept

    def _keep(self, frame: FramePixels, chunk: ChunkKey, data: bytes, syntax: str) -> None:
        cache = frame_cache.current()
        if cache is None:
            return
        url, version = _cache_key(frame)
        if chunk not in self._from_disk and url not in self._to_disk:
            self._to_disk.add(url)
            cache.put(url, CachedFrame(data, syntax), version)

    def _done_with(self, chunk: ChunkKey) -> None:
        """Have the bytes of a slice dropped that is as good as it gets."""
        held = self._held.get(chunk)
        if held is not None:
            self.call_soon(lambda: self._let_go(chunk, held))

    def _let_go(self, chunk: ChunkKey, held: Held) -> None:
        if self._held.get(chunk) is held:
            del self._held[chunk]
            self._kit.finished += 1

    def _bound_held(self) -> None:
        """Drop the bytes that have been held longest, when there are too many."""
        size = sum(held.size for held in self._held.values())
        for chunk in list(self._held) if size > HELD_LIMIT else ():
            if size <= HELD_LIMIT:
                break
            if chunk not in self._flights:
                size -= self._held.pop(chunk).size


def _cache_key(frame: FramePixels) -> tuple[str, str]:
    """Name a frame on the disk: its address, and a hash of all that the metadata say of it."""
    place = frame.instance.place
    assert isinstance(place, JsonHeader)
    return f"{place.name}/frames/{frame.carrier.frame + 1}", place.version


_MAGIC = (b"\xff\xd8", b"\xff\x4f")
_JPEG_XL = b"\xff\x0a"


def make_source(
    session: Session, spec: VolumeSpec, frames: Sequence[FramePixels | None]
) -> WebSource:
    """Make the source of a volume whose frames' headers came as JSON."""
    lead = next((frame for frame in frames if frame is not None), None)
    assert lead is None or isinstance(lead.instance.place, JsonHeader)
    return WebSource(session, spec, frames)
