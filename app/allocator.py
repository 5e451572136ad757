"""Advice to glibc's allocator, so that a program that is open all day stays as small as it was.

Threads come and go with each volume, and what one arena once had it keeps: though nothing is held,
memory grew by a tenth of a megabyte with each series (`make soak`). Where the allocator is another
nothing is done.
"""

from __future__ import annotations

import contextlib
import os
import sys

_M_ARENA_MAX = -8
"""Of mallopt(3)."""


def bound_arenas() -> None:
    """Use one arena for each core, not eight; to be called before threads are started."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, os.cpu_count() or 2)


def give_back() -> None:
    """Give free pages back to the system: some milliseconds, after much was let go of."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
