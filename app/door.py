"""The one way in for what is opened: paths go to the session, addresses are looked at first.

An address that did not come from the user's own hand (a link, a drop, the clipboard) is not
contacted before the user has said so once for its host. Servers and studies open the study browser,
everything below them opens at once. What the engine needs of the window for this (who asks, where
frames are kept) is set up when the first address comes; until then nothing of it is imported.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication

from app.bars import BarHost, QuestionBar
from app.language import tr
from app.links import LinkRefused, address_of, is_address, is_link
from app.settings import cache_folder

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.sheets import Sheet
    from app.sign_in import SignInDesk
    from app.study_search import StudySearch
    from loading import LoadError
    from loading.web.frame_cache import FrameCache
    from loading.web.links import Link

_log = logging.getLogger(__name__)

_FILE_ENDINGS = (".zip", ".dcm", ".nii", ".gz", ".nrrd", ".mha", ".tif", ".tiff", ".zarr")
MOST_HOSTS = 500


class Door(QObject):
    """Open paths and addresses in one window."""

    _found = Signal(object)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.bars = BarHost(window)
        self._found.connect(lambda call: call(), Qt.ConnectionType.QueuedConnection)

    # -- in ----------------------------------------------------------------------------------------

    def open(self, uris: Sequence[str], place: int | None = None, *, by_hand: bool = False) -> None:
        """Open paths and addresses.

        Parameters
        ----------
        place : int, optional
            The column, as of `Session.open`.
        by_hand : bool
            The user wrote the addresses or agreed to them: hosts are not asked about again.
        """
        addresses = [uri for uri in uris if is_address(uri)]
        paths = [uri for uri in uris if uri not in addresses]
        if paths:
            self._window.session.open(paths, place)
        if not addresses:
            return
        from loading import LoadError
        from loading.web.links import parse

        self.set_up()
        try:
            links = [parse(address_of(one) if is_link(one) else one) for one in addresses]
        except LinkRefused as refused:
            self._window.tell(str(refused))
            return
        except LoadError as error:
            self.tell(error)
            return
        if any(link.left_out for link in links):
            self._window.tell(tr("A sign-in in the address was left out."))
        if by_hand:
            for link in links:
                self.remember_host(link)
        self._let_in(links, place)

    def paste(self) -> None:
        """Open what is on the clipboard: files, or addresses as text."""
        data = QGuiApplication.clipboard().mimeData()
        uris = [u.toLocalFile() if u.isLocalFile() else u.toString() for u in data.urls()]
        if not uris:
            uris = [line.strip() for line in data.text().splitlines() if is_address(line)]
        if uris:
            self.open(uris)
        else:
            self._window.tell(tr("There is no address and no file on the clipboard."))

    def show_studies(self) -> None:
        """Open or close the study browser."""
        self.set_up()
        self._window.show_sheet("studies", self._make_browser)

    def follow_names(self) -> None:
        """Show or hide names in an open browser."""
        self._window.sheets.replace("studies", self._make_browser)

    def close(self) -> None:
        """Let everybody go who waits for an answer."""
        if "desk" in self.__dict__:
            self.desk.close()
        if "search" in self.__dict__:
            self.search.stop()
        self.bars.close()

    # -- hosts that may be contacted ---------------------------------------------------------------

    def is_known(self, link: Link) -> bool:
        """Tell whether a host may be contacted without asking."""
        return str(link.origin) in self._window.settings.value.known_hosts

    def remember_host(self, link: Link) -> None:
        """Contact a host without asking from now on."""
        known = self._window.settings.value.known_hosts
        if str(link.origin) not in known:
            self._window.preferences.change(
                "known_hosts", [*known[-MOST_HOSTS + 1 :], str(link.origin)]
            )

    def _let_in(self, links: list[Link], place: int | None) -> None:
        """Ask about the first host that is not known, then go on."""
        unknown = next((link for link in links if not self.is_known(link)), None)
        if unknown is None:
            self._open_links(links, place)
            return
        self._ask_about(unknown, lambda: self._let_in(links, place))

    def _ask_about(self, link: Link, then: Callable[[], None]) -> None:
        """Ask whether a host may be contacted, and go on when it may."""

        def agree() -> None:
            self.remember_host(link)
            then()

        words = tr("Contact {host} for the first time?").format(host=link.host)
        more = tr("What is there is fetched; nothing of yours is sent but what you search for.")
        if link.origin.scheme == "http":
            more += " " + tr("The line is not encrypted.")
        self.bars.ask(QuestionBar(words, more, tr("Contact"), agree))

    # -- where a link leads ------------------------------------------------------------------------

    def _open_links(self, links: list[Link], place: int | None) -> None:
        pages = [link for link in links if not link.root]
        if pages:
            self._find_servers(links, place)
            return
        browsed = next((link for link in links if _is_browsed(link)), None)
        if browsed is not None and len(links) == 1:
            self.browse(browsed)
            return
        self._window.sheets.close()
        self._window.session.open([link.uri for link in links], place)

    def browse(self, link: Link) -> None:
        """Show the studies of a server."""
        self.set_up()
        self.allow_asking(link)
        self.search.connect_to(link)
        from app.study_browser import StudyBrowser

        sheet = self._window.sheets.sheet
        if isinstance(sheet, StudyBrowser):
            sheet.begin()
        else:
            self._window.sheets.close()
            self._window.show_sheet("studies", self._make_browser)

    def open_found(self, uri: str) -> None:
        """Open what was chosen in the study browser."""
        self._window.sheets.close()
        self._window.session.open([uri])

    def allow_asking(self, link: Link) -> None:
        """Ask for a sign-in again where the user had said no."""
        from loading.web.credentials import credentials

        credentials.allow_asking(link.origin)

    def retry(self) -> None:
        """Try again what could not be read; who had declined to sign in is asked again."""
        uris = [uri for opened in self._window.session.opened for uri in opened.uris]
        if any(is_address(uri) for uri in uris):
            from loading.web.links import parse

            for uri in filter(is_address, uris):
                self.allow_asking(parse(uri))
        self._window.session.retry()

    def sign_in_anew(self, link: Link, then: Callable[[], None]) -> None:
        """Ask who asks, also where a server refuses without asking (403), and go on."""
        from loading.web.credentials import credentials

        origin = link.origin
        credentials.set(origin, None)

        def work() -> None:
            if credentials.refused(origin, "", ""):
                self._post(then)

        threading.Thread(target=work, name="sign in", daemon=True).start()

    def sign_out(self, link: Link) -> None:
        """Forget who asks at a server, in the keyring too."""
        from loading.web.credentials import credentials

        origin = link.origin
        credentials.set(origin, None)
        # the keyring may ask to be unlocked
        threading.Thread(
            target=lambda: credentials.forget(origin), name="forget sign-in", daemon=True
        ).start()

    def _find_servers(self, links: list[Link], place: int | None) -> None:
        """Find the servers behind viewers' pages, in a thread."""
        from loading import LoadError
        from loading.web.finding import find_server
        from loading.web.links import parse

        known = tuple(server["root"] for server in self._window.settings.value.servers)
        hosts = set(self._window.settings.value.known_hosts)
        strangers: list[Link] = []

        def may_contact(root: str) -> bool:
            link = parse(root)
            if str(link.origin) not in hosts:
                strangers.append(link)
            return str(link.origin) in hosts

        def ask_further(failed: LoadError) -> None:
            if strangers:
                self._ask_about(strangers[0], lambda: self._find_servers(links, place))
            else:
                self.tell(failed)

        def work() -> None:
            try:
                found = [find_server(link, known, may_contact=may_contact) for link in links]
            except LoadError as error:
                self._post(partial(ask_further, error))
            else:
                self._post(lambda: self._let_in(found, place))

        self._window.tell(tr("Looking for the server behind the page"))
        threading.Thread(target=work, name="find server", daemon=True).start()

    def _post(self, call: Callable[[], None]) -> None:
        try:
            self._found.emit(call)
        except RuntimeError:  # the window has gone
            _log.debug("an answer came after the end")

    def tell(self, error: LoadError) -> None:
        """Tell why an address was not opened."""
        from app.opening_words import failure_of

        self._window.session_view.tell_failure(failure_of(tr("The address"), (), error))

    def _make_browser(self) -> Sheet:
        from app.study_browser import StudyBrowser

        return StudyBrowser(self._window, self.search)

    # -- what the engine needs of the window -------------------------------------------------------

    @cached_property
    def desk(self) -> SignInDesk:
        """Give who asks the user for sign-ins; made when the first address comes."""
        from app.keyring_vault import KeyringVault
        from app.sign_in import SignInDesk
        from loading.web.credentials import credentials

        vault = KeyringVault()
        made = SignInDesk(self, self.bars, vault)
        made.not_kept.connect(self._window.tell, Qt.ConnectionType.QueuedConnection)
        credentials.ask, credentials.vault = made.ask, vault
        return made

    @cached_property
    def search(self) -> StudySearch:
        """Give the search of the study browser."""
        from app.study_search import StudySearch

        made = StudySearch(self)
        made.answered.connect(self.save_server)
        return made

    @cached_property
    def frames(self) -> FrameCache:
        """Give the cache of frames on the disk."""
        from loading.web.frame_cache import FrameCache

        return FrameCache(cache_folder() / "frames", 0)

    def set_up(self) -> None:
        """Give the engine what it needs; quick when it has it."""
        assert self.desk is not None
        self.apply_frame_cache()

    def apply_frame_cache(self) -> None:
        """Follow the setting of how much is kept."""
        from loading.web import frame_cache

        self.frames.limit_bytes = self._window.settings.value.frame_cache_mb * 1_000_000
        frame_cache.use(self.frames if self.frames.limit_bytes else None)

    def clear_frames(self) -> None:
        """Throw away what was kept, beside the event loop."""

        def work() -> None:
            self.frames.clear()
            self._post(lambda: self._window.tell(tr("Nothing is kept of what came from servers.")))

        threading.Thread(target=work, name="clear frames", daemon=True).start()

    # -- saved servers -----------------------------------------------------------------------------

    def save_server(self, link: Link) -> None:
        """Put a server first among those that are saved."""
        from loading.web import servers

        present = servers.from_data(self._window.settings.value.servers)
        root = dataclasses.replace(link, study="", series="", instance="", frames=(), search=())
        after = servers.with_server(present, servers.server_of(root))
        if after != present:
            self._window.preferences.change("servers", servers.to_data(after))

    def forget_server(self, root: str) -> None:
        """Take a server out, its sign-in too."""
        from loading.web import servers
        from loading.web.links import Link

        present = servers.from_data(self._window.settings.value.servers)
        after = servers.without_server(present, root)
        self._window.preferences.change("servers", servers.to_data(after))
        self.sign_out(Link(root))


def _is_browsed(link: Link) -> bool:
    """Tell whether a link is for the study browser: servers and studies, but no files."""
    if link.is_wado_uri or link.level not in ("server", "study"):
        return False
    return link.is_certain or not link.root.lower().endswith(_FILE_ENDINGS)
