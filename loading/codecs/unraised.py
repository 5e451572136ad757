"""Catch the errors that a native decoder cannot raise.

Where the wrapper of a library meets an exception in code that cannot pass it on, Python prints it,
calls `sys.unraisablehook`, and the call returns as if all were well: with a picture that is wrong.
OpenJPH does so for two of three damaged frames (imagecodecs 2026.3.6). While `watched` is entered,
such errors of this thread are collected instead, and raised at its end.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

_here = threading.local()
_installing = threading.Lock()
_is_installed = False


class Unraised(Exception):
    """Raise what a decoder could not."""


@contextmanager
def watched() -> Iterator[None]:
    """Raise `Unraised` at the end when something in between failed without a way to say so."""
    _install()
    caught: list[str] = []
    _here.caught = caught
    try:
        yield
    finally:
        _here.caught = None
    if caught:
        _forget_last_error()
        raise Unraised(caught[0])


def _install() -> None:
    """Put our hooks before those that are there, once; other threads' errors pass through."""
    global _is_installed
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
