"""Which loader describes a URI: by scheme, with a fallback for schemes nobody registered.

A scheme names a transport; the format is found by looking at the bytes. Drive letters and network
shares are files. Third parties register through the entry-point group `voxtide.loaders`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence

from loading import files
from loading.catalogue import Catalogue, First, NothingFound, Progress
from loading.errors import LoadError, NotFound, unexpected
from loading.sources.base import CancelToken

_log = logging.getLogger(__name__)

Describe = Callable[[Sequence[str], Progress | None, CancelToken | None], Catalogue]
"""Turns URIs of one scheme into a catalogue, from metadata alone."""

Sniffer = Callable[[str], Describe | None]
"""Looks at a URI of an unknown scheme and gives the loader for it, or None."""

ENTRY_POINT_GROUP = "voxtide.loaders"


def _describe_web(
    uris: Sequence[str], progress: Progress | None = None, cancel: CancelToken | None = None
) -> Catalogue:
    """Describe what lies on a server; the client is imported when the first address is met."""
    from loading.web.opening import describe as describe_addresses

    return describe_addresses(uris, progress, cancel)


_WEB = (
    "http", "https", "dicomweb+http", "dicomweb+https", "wadouri+http", "wadouri+https", "weasis",
)  # fmt: skip
_loaders: dict[str, Describe] = {"file": files.describe, **dict.fromkeys(_WEB, _describe_web)}
_fallbacks: list[Sniffer] = []
_seen_plugins: set[str] = set()

# one letter is a Windows drive, not a scheme (RFC 3986 allows it, nobody has one)
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")


def scheme_of(uri: str) -> str:
    r"""Give the scheme in lower case; "file" for paths, also C:\data and \\host\share."""
    match = _SCHEME.match(uri)
    return match.group(1).lower() if match else "file"


def register(scheme: str, describe: Describe, *, replace: bool = False) -> None:
    """Register a loader for a scheme; raise ValueError if there is one and `replace` is not set."""
    key = scheme.lower()
    if key in _loaders and not replace:
        raise ValueError(
            f"a loader for {key}: is registered already; say replace=True to replace it"
        )
    _loaders[key] = describe


def unregister(scheme: str) -> Describe:
    """Take a loader out again and give it back; raise KeyError when there is none."""
    return _loaders.pop(scheme.lower())


def register_fallback(sniffer: Sniffer) -> None:
    """Add a sniffer that is asked about URIs of unknown schemes, after those before it."""
    _fallbacks.append(sniffer)


def unregister_fallback(sniffer: Sniffer) -> None:
    """Take a sniffer out again."""
    _fallbacks.remove(sniffer)


def schemes() -> list[str]:
    """Name the schemes that are known, installed plug-ins included."""
    _load_plugins()
    return sorted(_loaders)


def loader_for(uri: str) -> Describe:
    """Find the loader for a URI.

    Raises
    ------
    LoadError
        Naming the schemes that are known, when none takes it.
    """
    scheme = scheme_of(uri)
    if scheme not in _loaders:
        _load_plugins()
    if scheme in _loaders:
        return _loaders[scheme]
    for sniffer in _fallbacks:
        found = sniffer(uri)
        if found is not None:
            return found
    raise LoadError(
        f"Nothing here opens {scheme}: addresses",
        where=uri,
        cure=f"Known are {', '.join(s + ':' for s in schemes())} and plain paths",
    )


def describe(
    uris: str | Sequence[str],
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    *,
    first: First | None = None,
) -> Catalogue:
    """Say what is to be had under one or several URIs, from metadata alone.

    Parameters
    ----------
    first : callable, optional
        Called at most once with the best volume so far, where files are many (see `First`).

    Raises
    ------
    NothingFound
        When nothing in them can be opened; its catalogue lists what was passed over.
    """
    wanted = [uris] if isinstance(uris, str) else list(uris)
    if not wanted:
        raise NotFound("Nothing to open", cure="Give a folder, a file or an address")
    by_loader: dict[Describe, list[str]] = {}
    for uri in wanted:
        by_loader.setdefault(loader_for(uri), []).append(uri)
    parts: list[Catalogue] = []
    failures: list[NothingFound] = []
    for describe_some, some in by_loader.items():
        try:
            if describe_some is files.describe:
                parts.append(files.describe(some, progress, cancel, first=first))
            else:
                parts.append(describe_some(some, progress, cancel))
        except NothingFound as error:
            failures.append(error)
            parts.append(error.catalogue)
        except LoadError:
            raise
        except Exception as error:  # a loader of others
            _log.exception("the loader of %s failed", ", ".join(some))
            raise unexpected(error, ", ".join(some)) from error
    if len(failures) == len(parts):
        raise failures[0]
    if len(parts) == 1:
        return parts[0]
    return Catalogue(
        uri=" ".join(wanted),
        volumes=tuple(v for part in parts for v in part.volumes),
        images=tuple(i for part in parts for i in part.images),
        skipped=tuple(s for part in parts for s in part.skipped),
        warnings=tuple(w for part in parts for w in part.warnings),
    )


def _load_plugins() -> None:
    """Import installed loaders once; a broken one is logged and left out."""
    from importlib.metadata import entry_points  # 20 ms that only plug-ins need

    for entry in entry_points(group=ENTRY_POINT_GROUP):
        if entry.name in _seen_plugins or entry.name.lower() in _loaders:
            continue
        _seen_plugins.add(entry.name)
        try:
            _loaders[entry.name.lower()] = entry.load()
        except Exception:
            _log.exception("the plug-in for %s: cannot be imported", entry.name)
