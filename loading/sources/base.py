"""The seam between the engine and whatever holds the bytes.

A source reads one chunk in one rendition into an array that it is given. It knows nothing of
threads, order or views; it must be safe to call from several threads for different chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from loading.errors import Cancelled, LoadError
from loading.spec import ChunkKey, VolumeSpec
from loading.status import Status


class Rendition(NamedTuple):
    """A form in which a source offers a chunk.

    Attributes
    ----------
    name : str
        "full", or a name that the source understands.
    gives : Status
        What the chunk will be once this rendition has arrived.
    level : int
        Reduction of resolution: 0 is full size, n means each axis divided by 2**n.
    cost : float
        Time it takes, the full rendition being 1. Plans skip a coarse one that does not pay.
    """

    name: str
    gives: Status
    level: int = 0
    cost: float = 1.0


FULL_RENDITION = Rendition("full", Status.FULL)


class Request(NamedTuple):
    """Ask for one chunk in one rendition; `stage` is the plan's stage that asks."""

    chunk: ChunkKey
    rendition: Rendition
    stage: int = 0


class Delivered(NamedTuple):
    """Tell what has been written into the array."""

    status: Status
    bytes_read: int
    level: int = 0


class TagRow(NamedTuple):
    """One attribute of a file's header as text, for people; `depth` counts enclosing sequences."""

    tag: str
    name: str
    vr: str
    value: str
    depth: int = 0


@dataclass(slots=True, eq=False)
class CancelToken:
    """Carry the word "stop" into a read."""

    is_cancelled: bool = False
    """Whether somebody said stop."""

    def cancel(self) -> None:
        """Say stop, for good."""
        self.is_cancelled = True

    def check(self) -> None:
        """Raise Cancelled when somebody said stop."""
        if self.is_cancelled:
            raise Cancelled("Stopped")


class Source(Protocol):
    """Read chunks from what is at hand: files, an archive, an array."""

    spec: VolumeSpec

    def renditions(self, chunk: ChunkKey) -> Sequence[Rendition]:
        """Give what is offered for a chunk, cheapest first; the last one is the best there is."""
        ...

    def read(
        self, request: Request, out: npt.NDArray[np.generic], cancel: CancelToken
    ) -> Delivered:
        """Fill `out` with the chunk, or raise a LoadError and leave its content undefined.

        Parameters
        ----------
        request : Request
            Chunk and rendition.
        out : array, shape `VolumeSpec.read_shape`, dtype of the spec, C-contiguous
            Written in place; for slices its shape is (1, rows, columns), or (1, rows, columns, 3)
            with red, green and blue where the volume has colours.
        cancel : CancelToken
            Looked at between steps; Cancelled is raised when it is set.
        """
        ...

    def close(self) -> None:
        """Let go of files and memory; reads after it raise a LoadError."""
        ...


class Arrival(NamedTuple):
    """What a remote source hands over once bytes have come.

    Attributes
    ----------
    request : Request
        What the bytes are enough for, which may be less than was asked for.
    data : bytes
        Of that rendition, encoded; empty with an error.
    syntax : str
        What the sender says that they are; empty: as the header says.
    error : LoadError or None
        Why nothing came.
    is_last : bool
        Nothing more comes of what was asked.
    """

    request: Request
    data: bytes = b""
    syntax: str = ""
    error: LoadError | None = None
    is_last: bool = True


class RemoteSource(Source, Protocol):
    """Read chunks over a line, where waiting and decoding are two things.

    `is_remote` tells it from others. `ask`, `has_room`, `abort` are called on the thread of
    `call_soon` alone, `place` on workers.
    """

    is_remote: bool

    def begin(self, on_room: Callable[[], None], wants: Callable[[], bool]) -> None:
        """Tell that a load begins: what was refused before may be asked for again.

        `wants` tells whether there is something to ask for.
        `on_room` is called on the thread of `call_soon` when there is room after there was none.
        """
        ...

    def end(self) -> None:
        """Tell that the load is over: nothing is asked for until another begins."""
        ...

    def weigh(self, weight: float) -> None:
        """Say how much of the screen shows the volume: other loads over the line have the rest."""
        ...

    def call_soon(self, call: Callable[[], None], delay_s: float = 0.0) -> None:
        """Have something called on the thread that asks."""
        ...

    def has_room(self, *, is_urgent: bool) -> bool:
        """Tell whether one more request helps the line rather than those before it."""
        ...

    def ask(self, request: Request, arrived: Callable[[Arrival], None], *, is_urgent: bool) -> None:
        """Ask for what lacks for a request; `arrived` is called, at the end with `is_last`."""
        ...

    def place(
        self, arrival: Arrival, out: npt.NDArray[np.generic], cancel: CancelToken
    ) -> Delivered:
        """Decode what arrived into `out`, as `Source.read` does; waits for nothing."""
        ...

    def can_retry(self, chunk: ChunkKey) -> bool:
        """Tell whether a chunk that could not be decoded is worth asking for in another way."""
        ...

    def hinders(self, visible: Collection[ChunkKey]) -> Sequence[ChunkKey]:
        """Name what is under way and had better give way to what is visible."""
        ...

    def abort(self, chunk: ChunkKey) -> None:
        """Stop asking for a chunk; what has come of it is kept, nothing of it arrives any more."""
        ...

    @property
    def metadata_s(self) -> tuple[float, float]:
        """Give when the metadata were asked for, and when they were there (perf_counter)."""
        ...

    @property
    def received(self) -> tuple[int, int]:
        """Count the bytes of bodies and the requests so far, the metadata's included."""
        ...
