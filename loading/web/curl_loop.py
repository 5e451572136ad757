"""Drive libcurl's multi interface from sockets: one turn waits, moves bytes, reports ends."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

import pycurl

from loading.web.transfer import Transfer

_EVENTS = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}


class CurlLoop:
    """Own the multi handle; everything but `wake` belongs to one thread.

    Parameters
    ----------
    ended : callable
        Gets a transfer that is over, libcurl's code and its text.
    """

    def __init__(self, ended: Callable[[Transfer, int, str], None]) -> None:
        self._ended = ended
        self._transfers: dict[Any, Transfer] = {}
        self._selector = selectors.DefaultSelector()
        self._inner, self._outer = socket.socketpair()
        self._inner.setblocking(False)
        self._outer.setblocking(False)
        self._selector.register(self._inner, selectors.EVENT_READ)
        self._due_s: float | None = None
        self._multi: Any = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAXCONNECTS, 96)

    @property
    def is_busy(self) -> bool:
        """Tell whether a transfer is under way."""
        return bool(self._transfers)

    def wake(self) -> None:
        """End the wait of a turn; from any thread."""
        with contextlib.suppress(BlockingIOError, OSError):
            self._outer.send(b"\0")

    def add(self, transfer: Transfer) -> None:
        """Put a transfer on the line."""
        self._transfers[transfer.curl] = transfer
        self._multi.add_handle(transfer.curl)

    def remove(self, transfer: Transfer) -> None:
        """Take a transfer off the line: HTTP/2 resets its stream, HTTP/1.1 its connection."""
        if self._transfers.pop(transfer.curl, None) is not None:
            self._multi.remove_handle(transfer.curl)

    def turn(self, wait_s: float) -> bool:
        """Wait for sockets, a timer of libcurl's, a wake or so long; tell whether anything came."""
        if self._due_s is not None:
            wait_s = min(wait_s, max(0.0, self._due_s - time.perf_counter()))
        events = self._selector.select(wait_s)
        for key, mask in events:
            if key.fileobj is self._inner:
                with contextlib.suppress(BlockingIOError):
                    while self._inner.recv(4096):
                        pass
                continue
            action = (pycurl.CSELECT_IN if mask & selectors.EVENT_READ else 0) | (
                pycurl.CSELECT_OUT if mask & selectors.EVENT_WRITE else 0
            )
            self._multi.socket_action(key.fd, action)
        is_due = self._due_s is not None and self._due_s <= time.perf_counter()
        if is_due:
            self._due_s = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._report()
        return bool(events) or is_due

    def _report(self) -> None:
        left = 1
        while left:
            left, good, bad = self._multi.info_read()
            for curl in good:
                self._end(curl, 0, "")
            for curl, code, text in bad:
                self._end(curl, code, text)

    def _end(self, curl: Any, code: int, text: str) -> None:
        transfer = self._transfers.pop(curl)
        self._multi.remove_handle(curl)
        self._ended(transfer, code, text)

    def _watch(self, event: int, descriptor: int, _multi: object, _data: object) -> None:
        known = descriptor in self._selector.get_map()
        if event == pycurl.POLL_REMOVE:
            if known:
                self._selector.unregister(descriptor)
        elif event in _EVENTS:
            if known:
                self._selector.modify(descriptor, _EVENTS[event])
            else:
                self._selector.register(descriptor, _EVENTS[event])

    def _set_timer(self, milliseconds: int) -> None:
        self._due_s = None if milliseconds < 0 else time.perf_counter() + milliseconds / 1000

    def close(self) -> None:
        """Drop every transfer and every connection."""
        for transfer in list(self._transfers.values()):
            self.remove(transfer)
            transfer.close()
        self._multi.close()
        self._selector.close()
        self._inner.close()
        self._outer.close()
