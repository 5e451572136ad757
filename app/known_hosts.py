"""Hosts that may be contacted: those that the user named or agreed to, once for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.bars import BarHost, QuestionBar
from app.language import tr

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from loading.web.links import Link

MOST_HOSTS = 500


class KnownHosts:
    """Ask before a host is contacted for the first time."""

    def __init__(self, window: MainWindow, bars: BarHost) -> None:
        self._window = window
        self._bars = bars

    @property
    def names(self) -> Sequence[str]:
        """Give the origins that may be contacted, the oldest first."""
        return self._window.settings.value.known_hosts

    def knows(self, link: Link) -> bool:
        """Tell whether a host may be contacted without asking."""
        return str(link.origin) in self.names

    def remember(self, link: Link) -> None:
        """Contact a host without asking from now on."""
        known = self.names
        if str(link.origin) not in known:
            self._window.preferences.change(
                "known_hosts", [*known[-MOST_HOSTS + 1 :], str(link.origin)]
            )

    def let_in(self, links: Sequence[Link], then: Callable[[], None]) -> None:
        """Ask about one host after the other that is not known, then go on."""
        unknown = next((link for link in links if not self.knows(link)), None)
        if unknown is None:
            then()
        else:
            self.ask(unknown, lambda: self.let_in(links, then))

    def ask(self, link: Link, then: Callable[[], None]) -> None:
        """Ask whether a host may be contacted, and go on when it may."""

        def agree() -> None:
            self.remember(link)
            then()

        words = tr("Contact {host} for the first time?").format(host=link.host)
        more = tr("What is there is fetched; nothing of yours is sent but what you search for.")
        if link.origin.scheme == "http":
            more += " " + tr("The line is not encrypted.")
        self._bars.ask(QuestionBar(words, more, tr("Contact"), agree))
