"""Catch the errors that a native decoder cannot raise.

Where the wrapper of a library meets an exception in code that cannot pass it on, Python prints it,
calls `sys.unraisablehook`, and the call returns as if all were well: with a picture that is wrong.
OpenJPH does so for two of three damaged frames (imagecodecs 2026.3.6). While `watched` is entered,
such errors of this thread are collected instead, and raised at its end.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any

_here = threading.local()
_installing = threading.Lock()
_is_installed = False


class Unraised(Exception):
    """Raise what a decoder could not."""


class _Watch:
    """What `watched` enters: plain methods, for it is passed once a frame."""

    __slots__ = ("_caught",)

    def __enter__(self) -> None:
        _install()
        self._caught: list[str] = []
        _here.caught = self._caught

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        _here.caught = None
        if self._caught and error is None:
            _forget_last_error()
            raise Unraised(self._caught[0])


def watched() -> _Watch:
    """Raise `Unraised` at the end when something in between failed without a way to say so."""
    return _Watch()


def _install() -> None:
    """Put our hooks before those that are there, once; other threads' errors pass through."""
    global _is_installed
    if _is_installed:
        return
    with _installing:
        if _is_installed:
            return
        _is_installed = True
        unraisable, uncaught = sys.unraisablehook, sys.excepthook

        def on_unraisable(told: Any) -> None:
            caught = getattr(_here, "caught", None)
            if caught is None:
                unraisable(told)
            else:
                caught.append(str(told.exc_value))

        def on_uncaught(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            caught = getattr(_here, "caught", None)
            if caught is None:
                uncaught(kind, error, trace)
            else:
                caught.append(str(error))

        sys.unraisablehook, sys.excepthook = on_unraisable, on_uncaught


def _forget_last_error() -> None:
    """Let go of the frames that Python keeps for a debugger: they hold the volume's memory."""
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
