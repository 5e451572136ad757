"""The search of one server that the study browser shows: asked in threads, kept while it is closed.

Each question is a generation: what a late answer brings is dropped, and its request is stopped.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.courier import Courier
from app.language import tr
from loading.errors import Cancelled, LoadError, Unauthorised, unexpected
from loading.sources.base import CancelToken
from loading.web.credentials import credentials
from loading.web.links import Link
from loading.web.messages import origin_of
from loading.web.paging import PAGE, Pager
from loading.web.qido import Archive, StudyQuery, trouble_of
from loading.web.qido_rows import Series, Study

_log = logging.getLogger(__name__)

PICTURES = 24
"""Small pictures of so many series are fetched; the others show their modality."""


class StudySearch(QObject):
    """Hold server, question and answers.

    Attributes
    ----------
    link : Link or None
        The server; `study` and `search` of it were asked for by an address.
    query : StudyQuery
        What was looked for last.
    studies : list of Study
        What was found so far.
    study : Study or None
        The one whose series are shown.
    series : list of Series
        Its series.
    pictures : dict
        Small pictures (JPEG or PNG) by series UID.
    error : LoadError or None
        Why the last question was not answered.
    is_searching, is_over, is_cut : bool
        A page is on its way; there are no more; there may be more that the server does not give.

    Signals
    -------
    changed
        Any of these, but for pictures.
    found(int)
        So many studies were added at the end of the list.
    pictured(str)
        A picture of a series came.
    answered(Link)
        A server that was newly connected to has answered.
    """

    changed = Signal()
    found = Signal(int)
    pictured = Signal(str)
    answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.link: Link | None = None
        self.query = StudyQuery()
        self.studies: list[Study] = []
        self.study: Study | None = None
        self.series: list[Series] = []
        self.pictures: dict[str, bytes] = {}
        self.error: LoadError | None = None
        self.is_searching = False
        self.is_over = True
        self.is_cut = False
        self.has_answered = False
        self._archive: Archive | None = None
        self._pager: Pager[Study] | None = None
        self._search_token = CancelToken()
        self._series_token = CancelToken()
        self._courier = Courier(self)

    @property
    def origin_words(self) -> str:
        """Name the server."""
        return self.link.host if self.link is not None else ""

    def connect_to(self, link: Link) -> None:
        """Take another server, and what its address asks for."""
        if self._archive is None or link.root != self._archive.root:
            self._archive = Archive(link.root)
            self.has_answered = False
        self.link = link
        of_study = (("StudyInstanceUID", link.study),) if link.study else ()
        self.search(StudyQuery.of((*link.search, *of_study)))

    def search(self, query: StudyQuery) -> None:
        """Ask anew."""
        self._search_token.cancel()
        self._search_token = CancelToken()
        self.query = query
        self.studies, self.error = [], None
        self._forget_study()
        self.is_over = self.is_cut = False
        self.is_searching = False
        if self._archive is None:
            self.is_over = True
        else:
            self._pager = self._archive.studies(query, cancel=self._search_token)
            self.more()
        self.changed.emit()

    def more(self) -> None:
        """Fetch the next page."""
        pager, token, query = self._pager, self._search_token, self.query
        if pager is None or self.is_searching or self.is_over or self.error is not None:
            return
        self.is_searching = True

        def work() -> Callable[[], None]:
            page = [study for study in pager.more() if query.accepts(study)]
            return lambda: self._take_page(pager, page)

        self._run(work, token, "search")

    def stop(self) -> None:
        """Stop searching; what was found stays."""
        self._search_token.cancel()
        self._search_token = CancelToken()
        self._series_token.cancel()
        if self.is_searching:
            self.is_searching, self.is_over, self.is_cut = False, True, True
        self.changed.emit()

    def choose(self, study: Study) -> None:
        """Ask for the series of a study."""
        if study == self.study or self._archive is None:
            return
        self._forget_study()
        self.study = study
        archive, token = self._archive, self._series_token

        def work() -> Callable[[], None]:
            series = archive.series(study, token)
            return lambda: self._take_series(study, series)

        self._run(work, token, "series")
        self.changed.emit()

    # -- answers -----------------------------------------------------------------------------------

    def _take_page(self, pager: Pager[Study], page: list[Study]) -> None:
        self.is_searching = False
        if not self.has_answered:
            self.has_answered = True
            self.answered.emit(self.link)
        self.is_over, self.is_cut = pager.is_over, pager.is_cut
        self.studies += page
        if page:
            self.found.emit(len(page))
        if not page or pager.count < PAGE:
            self.more()  # nothing of it fits, or a short page, which need not be the end
        if self.is_over and len(self.studies) == 1 and self.study is None:
            self.choose(self.studies[0])
        self.changed.emit()

    def _take_series(self, study: Study, series: list[Series]) -> None:
        self.series = series
        self.changed.emit()
        archive, token = self._archive, self._series_token
        if archive is None:
            return

        def work() -> Callable[[], None]:
            for one in series[:PICTURES]:
                picture = archive.thumbnail(study.uid, one.uid, token)
                if token.is_cancelled:
                    break
                self._post(token, partial(self._take_picture, one.uid, picture))
            return lambda: None

        self._run(work, token, "pictures", is_quiet=True)

    def _take_picture(self, uid: str, data: bytes) -> None:
        if data:
            self.pictures[uid] = data
            self.pictured.emit(uid)

    def _forget_study(self) -> None:
        self._series_token.cancel()
        self._series_token = CancelToken()
        self.study, self.series = None, []
        self.pictures.clear()

    # -- threads -----------------------------------------------------------------------------------

    def _run(
        self,
        work: Callable[[], Callable[[], None]],
        token: CancelToken,
        name: str,
        *,
        is_quiet: bool = False,
    ) -> None:
        def run() -> None:
            try:
                answer = work()
            except Cancelled:
                return
            except LoadError as error:
                failed = error
            except Exception as error:
                _log.exception("a search failed unexpectedly")
                failed = unexpected(error)
            else:
                self._post(token, answer)
                return
            if not is_quiet:
                self._post(token, lambda: self._fail(failed))

        # daemon: it waits for a server, which must not keep the program
        threading.Thread(target=run, name=f"studies {name}", daemon=True).start()

    def _post(self, token: CancelToken, call: Callable[[], None]) -> None:
        def run() -> None:
            if not token.is_cancelled:
                call()

        self._courier.post(run)

    def _fail(self, error: LoadError) -> None:
        self.is_searching = False
        self.is_over = True
        self.error = trouble_of(self._archive, error) if self._archive is not None else error
        self.changed.emit()

    # -- sign-in -----------------------------------------------------------------------------------

    @property
    def wants_sign_in(self) -> bool:
        """Tell whether a sign-in is what is missing."""
        return isinstance(self.error, Unauthorised)

    def signed_in_as(self) -> str:
        """Say who asks; empty for nobody."""
        if self.link is None:
            return ""
        identity = credentials.identity(origin_of(self.link.root))
        if identity is None:
            return ""
        return identity.user or tr("a token")
