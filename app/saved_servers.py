"""The servers that have answered, kept in the settings; the one used last comes first."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from loading.web import servers
from loading.web.links import Link

if TYPE_CHECKING:
    from app.main_window import MainWindow


class SavedServers:
    """Put servers into the settings and take them out; sign-ins are not kept there."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    @property
    def all(self) -> tuple[servers.Server, ...]:
        """Give the servers in their order."""
        return servers.from_data(self._window.settings.value.servers)

    def save(self, link: Link) -> None:
        """Put a server first."""
        present = self.all
        root = dataclasses.replace(link, study="", series="", instance="", frames=(), search=())
        after = servers.with_server(present, servers.server_of(root))
        if after != present:
            self._window.preferences.change("servers", servers.to_data(after))

    def forget(self, root: str) -> None:
        """Take a server out."""
        after = servers.without_server(self.all, root)
        self._window.preferences.change("servers", servers.to_data(after))
