"""The one way in for what is opened: paths go to the session, addresses are looked at first.

An address that did not come from the user's own hand (a link, a drop, the clipboard) is not
contacted before the user has said so once for its host. Servers and studies open the study browser,
everything below them opens at once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from app.bars import BarHost
from app.courier import Courier
from app.known_hosts import KnownHosts
from app.language import tr
from app.links import LinkRefused, address_of, is_address, is_link
from app.web_access import WebAccess

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.saved_servers import SavedServers
    from app.sheets import Sheet
    from app.study_search import StudySearch
    from loading import LoadError
    from loading.web.links import Link

_FILE_ENDINGS = (".zip", ".dcm", ".nii", ".gz", ".nrrd", ".mha", ".tif", ".tiff", ".zarr")


class Door(QObject):
    """Open paths and addresses in one window.

    Attributes
    ----------
    bars : BarHost
        Where questions are asked.
    hosts : KnownHosts
        Who may be contacted.
    access : WebAccess
        Sign-ins and kept frames.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.bars = BarHost(window)
        self.hosts = KnownHosts(window, self.bars)
        self.access = WebAccess(window, self.bars)
        self._courier = Courier(self)

    @cached_property
    def search(self) -> StudySearch:
        """Give the search of the study browser."""
        from app.study_search import StudySearch

        made = StudySearch(self)
        made.answered.connect(self.servers.save)
        return made

    @cached_property
    def servers(self) -> SavedServers:
        """Give the servers that are kept."""
        from app.saved_servers import SavedServers

        return SavedServers(self._window)

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

        self.access.set_up()
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
                self.hosts.remember(link)
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
        self.access.set_up()
        self._window.show_sheet("studies", self._make_browser)

    def follow_names(self) -> None:
        """Show or hide names in an open browser."""
        self._window.sheets.replace("studies", self._make_browser)

    def close(self) -> None:
        """Let everybody go who waits for an answer."""
        self.access.close()
        if "search" in self.__dict__:
            self.search.stop()
        self.bars.close()

    # -- where a link leads ------------------------------------------------------------------------

    def _let_in(self, links: list[Link], place: int | None) -> None:
        self.hosts.let_in(links, lambda: self._open_links(links, place))

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
        self.access.set_up()
        self.access.allow_asking(link)
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

    def retry(self) -> None:
        """Try again what could not be read; who had declined to sign in is asked again."""
        uris = [uri for opened in self._window.session.opened for uri in opened.uris]
        if any(is_address(uri) for uri in uris):
            from loading.web.links import parse

            for uri in filter(is_address, uris):
                self.access.allow_asking(parse(uri))
        self._window.session.retry()

    def _find_servers(self, links: list[Link], place: int | None) -> None:
        """Find the servers behind viewers' pages, in a thread."""
        from loading import LoadError
        from loading.web.finding import find_server
        from loading.web.links import parse

        known = tuple(server.root for server in self.servers.all)
        hosts = set(self.hosts.names)
        strangers: list[Link] = []

        def may_contact(root: str) -> bool:
            link = parse(root)
            if str(link.origin) not in hosts:
                strangers.append(link)
            return str(link.origin) in hosts

        def ask_further(failed: LoadError) -> None:
            if strangers:
                self.hosts.ask(strangers[0], lambda: self._find_servers(links, place))
            else:
                self.tell(failed)

        def work() -> None:
            try:
                found = [find_server(link, known, may_contact=may_contact) for link in links]
            except LoadError as error:
                self._courier.post(partial(ask_further, error))
            else:
                self._courier.post(lambda: self._let_in(found, place))

        self._window.tell(tr("Looking for the server behind the page"))
        threading.Thread(target=work, name="find server", daemon=True).start()

    def tell(self, error: LoadError) -> None:
        """Tell why an address was not opened."""
        from app.opening_words import failure_of

        self._window.session_view.tell_failure(failure_of(tr("The address"), (), error))

    def _make_browser(self) -> Sheet:
        from app.study_browser import StudyBrowser

        return StudyBrowser(self._window, self.search)


def _is_browsed(link: Link) -> bool:
    """Tell whether a link is for the study browser: servers and studies, but no files."""
    if link.is_wado_uri or link.level not in ("server", "study"):
        return False
    return link.is_certain or not link.root.lower().endswith(_FILE_ENDINGS)
