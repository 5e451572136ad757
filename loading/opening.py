"""From a URI to an open volume, in one call."""

from __future__ import annotations

from collections.abc import Sequence

from loading import registry
from loading.cache import VolumeCache
from loading.catalogue import VolumeEntry
from loading.choice import choose
from loading.executor import Executor
from loading.loader import OpenVolume
from loading.plan import COARSE_FIRST, Plan

volume_cache = VolumeCache()
"""Volumes opened by `open_volume`, up to a byte limit."""


def open_entry(
    entry: VolumeEntry,
    *,
    plan: Plan = COARSE_FIRST,
    executor: Executor | None = None,
    worker_count: int | None = None,
    replicate: bool = True,
    memory_limit_bytes: int | None = None,
    start: bool = True,
) -> OpenVolume:
    """Open what a catalogue lists; parameters as of `OpenVolume`.

    Parameters
    ----------
    start : bool
        Start to load at once; otherwise `load()` does.
    """
    volume = OpenVolume(
        entry,
        plan=plan,
        executor=executor,
        worker_count=worker_count,
        replicate=replicate,
        memory_limit_bytes=memory_limit_bytes,
    )
    if start:
        volume.load()
    return volume


def open_volume(
    uris: str | Sequence[str], volume: str | None = None, *, plan: Plan = COARSE_FIRST
) -> OpenVolume:
    """Open a volume by URI: its spec is there on return, its array fills in the background.

    One whose files have not changed since it was opened is given as it is.

    Parameters
    ----------
    uris : str or sequence of str
        A folder, file, ZIP or address.
    volume : str, optional
        Number or label, where several are there; by default the one a viewer opens first.
    plan : Plan
        Order of loading; it does not change the content, so a volume that is open is given as is.

    Raises
    ------
    LoadError
        And nothing else: NotFound, TooLarge, ... with what, where, what to do.
    """
    # By what is there now, not by its name: a folder may hold something else than last time.
    entry = choose(registry.describe(uris), volume)
    return volume_cache.get_or_open(entry.spec.key, lambda: open_entry(entry, plan=plan))
