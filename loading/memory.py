"""May this be allocated? Bytes needed against bytes free, before anything is touched."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from loading.errors import TooLarge

RESERVE_BYTES = 256 << 20
"""Left to the rest of the program and the system: windows, textures, decoders' scratch."""


def free_bytes() -> int:
    """Give the memory that can be had without swapping, a container's limit included."""
    free = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return min(free, max(0, limit - used))


def check(needed_bytes: int, what: str, limit_bytes: int | None = None) -> None:
    """Raise TooLarge, with both numbers, when that much memory is not to be had.

    Parameters
    ----------
    needed_bytes : int
        Bytes about to be allocated.
    what : str
        Named in the message.
    limit_bytes : int, optional
        The user's own limit.
    """
    free = max(0, free_bytes() - RESERVE_BYTES)
    if limit_bytes is not None and needed_bytes > limit_bytes:
        raise TooLarge(
            f"{human_bytes(needed_bytes)} needed, the limit is {human_bytes(limit_bytes)}",
            where=what,
            cure="Raise the memory limit in the settings, or open a part of the volume",
        )
    if needed_bytes > free:
        raise TooLarge(
            f"{human_bytes(needed_bytes)} needed, {human_bytes(free)} free",
            where=what,
            cure="Close other volumes or programs, or open a part of the volume",
        )


def refused(needed_bytes: int, what: str) -> TooLarge:
    """Say that the system did not give the memory, although it looked free."""
    return TooLarge(
        f"{human_bytes(needed_bytes)} needed, {human_bytes(free_bytes())} free",
        where=what,
        cure="Close other volumes or programs, or open a part of the volume",
    )


def peak_rss_bytes() -> int:
    """Give the most memory that this process has had resident so far."""
    try:
        # Not getrusage: its number survives exec and may be that of whoever started the program.
        for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    try:
        import resource
    except ImportError:  # Windows counts it elsewhere
        return int(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def human_bytes(count: float) -> str:
    """Write a byte count for people: 252 MB, 41 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return (
                f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
            )
        count /= 1000
    return f"{count:.1f} TB" if count < 1e6 else f"{count:.3g} TB"
