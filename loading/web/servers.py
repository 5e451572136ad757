"""Servers that the user knows, as data for the settings: name, address, who asks. No secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loading.errors import LoadError
from loading.web.links import Link, parse

MOST_SERVERS = 64
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Server:
    """One saved server.

    Attributes
    ----------
    name : str
        What the user calls it.
    root : str
        Its DICOMweb root; never carries anything secret.
    """

    name: str
    root: str


def server_of(link: Link, name: str = "") -> Server:
    """Make a server of an address; by default it is named by host and path."""
    return Server(name.strip()[:80] or link.root.partition("://")[2], link.root)


def with_server(servers: Sequence[Server], server: Server) -> tuple[Server, ...]:
    """Put a server first; one with the same root goes."""
    others = [one for one in servers if one.root != server.root]
    return (server, *others)[:MOST_SERVERS]


def without_server(servers: Sequence[Server], root: str) -> tuple[Server, ...]:
    """Take a server out."""
    return tuple(one for one in servers if one.root != root)


def to_data(servers: Sequence[Server]) -> list[dict[str, str]]:
    """Give what the settings keep."""
    return [asdict(one) for one in servers]


def from_data(data: Any) -> tuple[Server, ...]:
    """Read what the settings kept; what is no server any more is left out.

    Addresses are taken apart and put together again, so that a secret that somebody wrote into the
    file does not stay in it.
    """
    found: list[Server] = []
    for entry in data if isinstance(data, list) else []:
        if not isinstance(entry, dict):
            continue
        root, name = entry.get("root"), entry.get("name", "")
        if not isinstance(root, str) or not isinstance(name, str) or len(root) > _LONGEST:
            continue
        try:
            link = parse(root)
        except LoadError:
            continue
        if link.root and all(one.root != link.root for one in found):
            found.append(server_of(link, name))
    return tuple(found[:MOST_SERVERS])
