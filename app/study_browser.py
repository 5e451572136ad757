"""The study browser: servers, a search, studies, the series of one, and what opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QRect, QSize, QSortFilterProxyModel, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QScrollArea,
    QTableView,
    QWidget,
)

from app.language import tr
from app.links import is_address
from app.sheets import Sheet
from app.study_form import StudyForm
from app.study_search import StudySearch
from app.study_table import SORT_ROLE, WIDTHS, SeriesTile, StudyTable, tiles_of
from app.widgets import Choice, Elided, Field, button, icon_button, label, row
from loading.errors import LoadError, NotFound
from loading.web.links import Link, parse

if TYPE_CHECKING:
    from app.main_window import MainWindow

_SIZE = QSize(1040, 760)
_TILES_HEIGHT = 152


class StudyBrowser(Sheet):
    """Show a search; it goes on where it was when the browser is opened again."""

    def __init__(self, window: MainWindow, search: StudySearch) -> None:
        super().__init__(tr("Studies on a server"), _SIZE)
        self._window, self._search = window, search
        self._shown_series: list[str] = []
        self._address_error = ""
        self._build_server_row()
        self.form = StudyForm()
        self.form.asked.connect(self._ask)
        self.body.addWidget(self.form)
        self._build_message()
        self._build_table()
        self._build_series()
        self.form.fill(search.query)
        search.changed.connect(self.refresh)
        search.pictured.connect(self._show_picture)
        self.setFocusProxy(self.form if search.link is not None else self.address)
        self.refresh()

    # -- building ----------------------------------------------------------------------------------

    def _build_server_row(self) -> None:
        self.servers = Choice(tr("Saved servers"))
        self.servers.setPlaceholderText(tr("Saved servers"))
        self.servers.chosen.connect(self._choose_server)
        self.address = Field()
        self.address.setPlaceholderText(tr("Address of a server, study or series: https://"))
        self.address.setAccessibleName(tr("Address"))
        self.address.returnPressed.connect(self.go)
        self.go_button = button(tr("Connect"), self.go)
        self.remove = icon_button("close", tr("Forget this server and its sign-in"), self._forget)
        across = QHBoxLayout()
        across.setSpacing(8)
        across.addWidget(self.servers, 1)
        across.addWidget(self.remove)
        across.addWidget(self.address, 2)
        across.addWidget(self.go_button)
        self.body.addLayout(across)

    def _build_message(self) -> None:
        self.error = label(role="error", wrap=True)
        self.act = button("", self._act, "small")
        self._trouble = QWidget()
        told = row(self.error, self.act)
        told.setStretch(0, 1)
        self._trouble.setLayout(told)
        self.state = Elided("", "second")
        self.who = label("", "second")
        self.sign_out = button(tr("Sign out"), self._sign_out, "small")
        self.body.addWidget(self._trouble)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.state, 1)
        head.addWidget(self.who)
        head.addWidget(self.sign_out)
        self.body.addLayout(head)

    def _build_table(self) -> None:
        hidden = self._window.settings.value.names_hidden
        self.model = StudyTable(self._search, names_hidden=hidden)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(SORT_ROLE)
        self.table = QTableView()
        self.table.setAccessibleName(tr("Studies"))
        self.table.setModel(self._sorted)
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(160)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(28)
        head = self.table.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setHighlightSections(False)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        for column, width in enumerate(WIDTHS):
            if width:
                wide = max(width, head.sectionSizeHint(column))
                self.table.setColumnWidth(column, wide)
            else:
                head.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.table.setSortingEnabled(True)
        self.table.selectionModel().currentRowChanged.connect(self._choose_row)
        self.table.activated.connect(lambda _: self._open_study())
        self.body.addWidget(self.table, 1)

    def _build_series(self) -> None:
        self.series_words = Elided("", "section")
        self.open_button = button(tr("Open study"), self._open_study, "filled")
        self._series_head = QWidget()
        head = row(self.series_words, self.open_button)
        head.setStretch(0, 1)
        head.setContentsMargins(0, 4, 0, 0)
        self._series_head.setLayout(head)
        self._tiles = QHBoxLayout()
        self._tiles.setContentsMargins(0, 0, 0, 0)
        self._tiles.setSpacing(8)
        inner = QWidget()
        across = QHBoxLayout(inner)
        across.setContentsMargins(0, 0, 0, 0)
        across.addLayout(self._tiles)
        across.addStretch(1)
        self._strip = QScrollArea()
        self._strip.setWidgetResizable(True)
        self._strip.setFrameShape(QScrollArea.Shape.NoFrame)
        self._strip.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._strip.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._strip.setFixedHeight(_TILES_HEIGHT)
        self._strip.setWidget(inner)
        self.body.addWidget(self._series_head)
        self.body.addWidget(self._strip)

    def place(self, room: QRect) -> None:
        """Take all the room there is up to the wanted size: the table fills it."""
        width = min(_SIZE.width(), room.width() - 32)
        height = min(_SIZE.height(), room.height() - 32)
        left, top = room.left() + (room.width() - width) // 2, room.top() + 16
        self.setGeometry(left, top, width, height)

    # -- what the user does ------------------------------------------------------------------------

    def go(self) -> None:
        """Connect to the address, or open what it names."""
        text = self.address.text().strip()
        if not text:
            return
        self._address_error = ""
        whole = text if is_address(text) else _with_scheme(text)
        try:
            link = parse(whole)
        except LoadError as error:
            self._address_error = str(error)
            self.refresh()
            return
        self.address.setText(link.url if link.root else "")
        self._window.door.open([whole], by_hand=True)

    def _choose_server(self, root: str) -> None:
        self._connect(Link(root))

    def _connect(self, link: Link) -> None:
        self._window.door.hosts.remember(link)
        self._window.door.browse(link)

    def begin(self) -> None:
        """Show what another server was asked, and wait for words to look for."""
        self._address_error = ""
        self.form.fill(self._search.query)
        self.address.clear()
        self.refresh()
        self.form.setFocus(Qt.FocusReason.OtherFocusReason)

    def _forget(self) -> None:
        root = self.servers.value()
        if root:
            self._window.door.servers.forget(root)
            self._window.door.access.sign_out(Link(root))
            self.refresh()

    def _ask(self) -> None:
        if self._search.link is None:
            self.address.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        query, words = self.form.read()
        self._address_error = words
        if query is not None:
            self._search.search(query)
        self.refresh()

    def _act(self) -> None:
        """Do what the button beside an error says: sign in, or ask again."""
        search = self._search
        if search.link is None:
            return
        if search.wants_sign_in:
            self._window.door.access.sign_in_anew(search.link, lambda: search.search(search.query))
        elif self._may_be_file:
            self._window.door.open_found(search.link.url)
        else:
            search.search(search.query)

    def _sign_out(self) -> None:
        link = self._search.link
        if link is not None:
            self._window.door.access.sign_out(link)
            self.refresh()

    def _choose_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            place = self._sorted.mapToSource(current).row()
            self._search.choose(self.model.study(place))

    def _open_study(self) -> None:
        link, study = self._search.link, self._search.study
        if link is not None and study is not None:
            self._window.door.open_found(Link(link.root, study.uid).uri)

    def _open_series(self, uid: str) -> None:
        link, study = self._search.link, self._search.study
        if link is not None and study is not None:
            self._window.door.open_found(Link(link.root, study.uid, uid).uri)

    # -- what is shown -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show how the search stands."""
        search = self._search
        self._show_servers()
        words = self._address_error or (str(search.error) if search.error is not None else "")
        self.error.setText(words)
        self._trouble.setVisible(bool(words))
        self.act.setVisible(search.error is not None and not self._address_error)
        self.act.setText(self._act_words())
        self.state.set_text(self._state_words())
        who = search.signed_in_as()
        self.who.setText(tr("Signed in as {name}").format(name=who) if who else "")
        self.who.setVisible(bool(who))
        self.sign_out.setVisible(bool(who))
        self.form.setEnabled(search.link is not None)
        self._show_series()

    @property
    def _may_be_file(self) -> bool:
        """Tell whether an address that is no server's may be that of a file."""
        search = self._search
        is_vague = search.link is not None and not search.link.is_certain
        return is_vague and isinstance(search.error, NotFound)

    def _act_words(self) -> str:
        if self._search.wants_sign_in:
            return tr("Sign in")
        return tr("Open as a file") if self._may_be_file else tr("Try again")

    def _show_servers(self) -> None:
        saved = self._window.door.servers.all
        link = self._search.link
        known = [(one.root, one.name) for one in saved]
        if link is not None and all(root != link.root for root, _ in known):
            known.insert(0, (link.root, link.root.partition("://")[2]))
        if known != [(self.servers.itemData(n), self.servers.itemText(n))
                     for n in range(self.servers.count())]:  # fmt: skip
            self.servers.set_choices(known)
        self.servers.set_value(link.root if link is not None else "")
        self.servers.setVisible(bool(known))
        self.remove.setVisible(any(one.root == self.servers.value() for one in saved))

    def _state_words(self) -> str:
        search, count = self._search, len(self._search.studies)
        if search.link is None:
            if self.servers.count():
                return tr("Choose a server, or give the address of another one.")
            return tr("Give the address of a DICOMweb server.")
        if search.error is not None and not count:
            return ""
        if search.is_searching and not count:
            return tr("Searching {host}").format(host=search.link.host)
        if not count:
            return tr("No study fits.")
        words = tr("1 study") if count == 1 else tr("{count} studies").format(count=count)
        if search.is_cut:
            return words + "; " + tr("the server gives no more: narrow the search")
        return words if search.is_over else words + "; " + tr("more follow as you scroll")

    def _show_series(self) -> None:
        search = self._search
        self._series_head.setVisible(search.study is not None)
        self._strip.setVisible(search.study is not None)
        if search.study is None:
            wanted: list[str] = []
        else:
            wanted = [one.uid for one in search.series]
            count = len(wanted)
            what = search.study.description or tr("Study")
            words = tr("1 series") if count == 1 else tr("{count} series").format(count=count)
            self.series_words.set_text(f"{what}: {words}" if wanted else what)
        if wanted == self._shown_series:
            return
        self._shown_series = wanted
        while (item := self._tiles.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        for tile in tiles_of(search.series):
            tile.chosen.connect(self._open_series)
            self._tiles.addWidget(tile)
            if tile.uid in search.pictures:
                tile.set_picture(search.pictures[tile.uid])

    def tiles(self) -> list[SeriesTile]:
        """Give the tiles of the series that are shown."""
        found = (self._tiles.itemAt(n) for n in range(self._tiles.count()))
        widgets = (item.widget() for item in found if item is not None)
        return [widget for widget in widgets if isinstance(widget, SeriesTile)]

    def _show_picture(self, uid: str) -> None:
        for tile in self.tiles():
            if tile.uid == uid:
                tile.set_picture(self._search.pictures[uid])


def _with_scheme(text: str) -> str:
    """Put before an address what people leave out; on this computer nothing is encrypted."""
    host = text.partition("/")[0].partition(":")[0]
    return f"{'http' if host in ('localhost', '127.0.0.1') else 'https'}://{text}"
