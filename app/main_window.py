"""The one window: puts the parts together and passes on what happens between them.

It comes in three steps, so that something is on the screen at once: an empty frame that imports
nothing but Qt, its parts (`build`), and the views with numpy and the engine (`prepare_views`).
"""

from __future__ import annotations

import base64
import logging
import sys
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from app.language import tr

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import (
        QCloseEvent,
        QDragEnterEvent,
        QDragLeaveEvent,
        QDragMoveEvent,
        QDropEvent,
        QKeyEvent,
        QPaintEvent,
        QShowEvent,
    )

    from app.columns import Columns
    from app.command_palette import CommandPalette
    from app.key_sheet import KeySheet
    from app.settings import SettingsStore
    from app.sheets import Sheet
    from loading import VolumeEntry
    from viewer.workspace import Workspace

_log = logging.getLogger(__name__)

MINIMUM = QSize(720, 480)
LARGEST_START = QSize(1680, 1050)


class MainWindow(QMainWindow):
    """Show a session.

    Attributes
    ----------
    columns : Columns or None
        The picture area; None until `prepare_views`.
    """

    closed = Signal()
    painted = Signal()
    views_imported = Signal()
    full_screen_state = Qt.WindowState.WindowFullScreen

    def __init__(self, settings: SettingsStore | None = None, *, later: bool = False) -> None:
        super().__init__()
        from app.settings import SettingsStore, config_folder

        self.setWindowTitle("Voxtide")
        self.setMinimumSize(MINIMUM)
        self.settings = settings or SettingsStore(config_folder())
        self.columns: Columns | None = None
        self._is_built = False
        self._has_painted = False
        self._restore_geometry()
        if not later:
            self.build()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say once that the empty frame has been painted."""
        super().paintEvent(event)
        if not self._has_painted:
            self._has_painted = True
            QTimer.singleShot(0, self.painted.emit)

    # -- building ----------------------------------------------------------------------------------

    def build(self) -> None:
        """Make what the window consists of; imports it, so call it after the frame was painted."""
        from app import command_table
        from app.actions import CommandSet
        from app.files import Files
        from app.icons import program_icon
        from app.modes import Modes
        from app.navigation import Navigation
        from app.notice_book import NoticeBook
        from app.preferences import Preferences
        from app.recent import RecentStore
        from app.session import Session
        from app.session_view import SessionView
        from app.settings import config_folder
        from app.thumbnails import Thumbnailer
        from app.voxel_size import VoxelSizes

        self.setWindowIcon(program_icon())
        self.recent = RecentStore(config_folder())
        self.session = Session(self)
        self.thumbnails = Thumbnailer(self)
        self.files = Files(self)
        self.notices = NoticeBook(self)
        self.preferences = Preferences(self)
        self.session_view = SessionView(self)
        self.nav = Navigation(self)
        self.modes = Modes(self)
        self.voxel_sizes = VoxelSizes(self)
        self.session.adjust = self.voxel_sizes.adjusted
        self.commands = CommandSet(self, command_table.build(self), self.settings.value.keys)
        self._build()
        self._connect()
        self._restore()
        self.give_focus_to_views()
        self._is_built = True
        self.setAcceptDrops(True)
        self._watch_keys()

    def _build(self) -> None:
        from app.alt_menu import AltMenuBar
        from app.deck import Deck
        from app.display_panel import DisplayPanel
        from app.door import Door
        from app.drop import DropZones
        from app.focus_ring import FocusRing
        from app.menus import build_menus, fill_recent
        from app.series_panel import SeriesPanel
        from app.sheets import SheetHost
        from app.start_page import StartPage
        from app.status_line import StatusLine
        from app.status_teller import StatusTeller
        from app.toolbar import Toolbar

        self.main_menu, drop_downs = build_menus(
            self, self.commands, lambda menu: fill_recent(self, menu)
        )
        self.start = StartPage(self.recent, self.settings.value.keep_recent)
        self.series = SeriesPanel(self.session, self.thumbnails)
        self.display = DisplayPanel()
        self.status = StatusLine()
        toolbar = Toolbar(self.commands, self.main_menu, drop_downs)
        self.deck = Deck(toolbar, self.series, self.start, self.display, self.status)
        self.setCentralWidget(self.deck)
        self.teller = StatusTeller(self.session, self.status)
        self.sheets = SheetHost(self.deck, self.give_focus_to_views)
        self.drops = DropZones(self)
        self.door = Door(self)
        self._ring = FocusRing(self)
        self.menu_bar = AltMenuBar(self.deck, self.main_menu)
        value = self.settings.value
        self.deck.wants_series, self.deck.wants_display = value.series_panel, value.display_panel
        self.deck.wants_toolbar = value.toolbar
        self.series.hide_names(value.names_hidden)
        self.start.hide_names(value.names_hidden)
        self.teller.names_hidden = value.names_hidden
        self.preferences.apply_memory_limit()

    def _connect(self) -> None:
        self.deck.resized.connect(self._arrange_overlays)
        self.deck.mode_changed.connect(self._follow_modes)
        for signal, run in (
            (self.start.open_folder, self.files.open_folder),
            (self.start.demo, self.files.open_demo),
            (self.start.cancel, self.session.stop_opening),
            (self.session.opening_changed, self.session_view.follow_opening),
            (self.session.opened_changed, self.session_view.follow_opened),
            (self.session.volume_changed, self.session_view.show_volumes),
            (self.session.volume_changed, self.voxel_sizes.follow),
            (self.session.active_changed, self.session_view.follow_active),
            (self.status.notices_wanted, self.notices.show),
            (self.status.pause_wanted, self.session_view.act_on_status),
            (self.teller.moved, self.session_view.follow_load),
        ):
            signal.connect(run)
        self.start.open_uri.connect(lambda uri: self.door.open([uri]))
        self.start.open_url.connect(self.door.show_studies)
        self.start.locate.connect(self.files.locate)
        self.session.failed.connect(self.session_view.tell_failure)
        self.series.menu_wanted.connect(self._show_series_menu)
        self.series.carried.connect(self.drops.carry)
        self.series.dropped.connect(self.drops.let_go)
        self.display.command.connect(self.commands.run)
        self.commands.refused.connect(self.tell)
        self.commands.ran.connect(lambda _: self.deck.toolbar.refresh())
        self.views_imported.connect(self.prepare_views, Qt.ConnectionType.QueuedConnection)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system_theme)

    def _restore_geometry(self) -> None:
        value = self.settings.value
        screen = QGuiApplication.primaryScreen().availableGeometry()
        size = (screen.size() * 0.8).boundedTo(LARGEST_START).expandedTo(MINIMUM)
        kept = QByteArray(base64.b64decode(value.geometry)) if value.geometry else QByteArray()
        if kept.isEmpty() or not self.restoreGeometry(kept):
            self.resize(size)
            self.move(screen.center() - self.rect().center())

    def _restore(self) -> None:
        for trouble in (self.settings.trouble, self.recent.trouble):
            if trouble:
                self.notices.add("settings_trouble", trouble)
        self.commands.refresh()
        self.deck.toolbar.refresh()

    def prepare_views(self) -> None:
        """Bring in the views; imports much, so call it after the window has been painted."""
        if self.columns is not None:
            return
        from app.columns import Columns

        was_active = self.isActiveWindow()
        self.columns = columns = Columns(self._make_workspace)
        self.deck.centre.addWidget(columns)
        if was_active:
            # the first OpenGL widget makes Qt replace the native window
            self.activateWindow()
        self._watch_keys()
        self.commands.set_views(columns)
        self.display.attach(columns.active)
        columns.used.connect(self.session.activate)
        columns.close_wanted.connect(self.session.close_column)
        columns.link_wanted.connect(lambda: self.commands.run("view.link"))
        self.preferences.apply_hands()
        self.preferences.apply_names()
        if self.session.volume is not None:
            self.session_view.show_volumes()
        elif self.session.is_opening:
            self.session_view.follow_opening()
        else:
            # what is being opened paints them anyway, and waits for it
            self._warm_up_panels()

    def _make_workspace(self) -> Workspace:
        from app.menus import show_view_menu
        from viewer.workspace import Workspace

        made = Workspace()
        made.pointer_text.connect(self.teller.show_pointer)
        made.notice.connect(self.notices.add)
        made.state_changed.connect(self.commands.refresh_later)
        made.cine.changed.connect(self.commands.refresh_later)
        made.context_menu_requested.connect(lambda at, view: show_view_menu(self, at, view))
        made.warm_up(is_awaited=self.session.is_opening or self.session.volume is not None)
        return made

    def _warm_up_panels(self) -> None:
        """Lay out and paint once what a drop will show, so that the drop need not."""
        room = self.deck.room
        if self.columns is not None:
            self.columns.resize(room.size())
        self.thumbnails.warm_up()
        for panel in (self.series, self.display, self.status):
            panel.grab()

    # -- what the parts ask for --------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace | None:
        """Give the views of the active column; None until `prepare_views`."""
        return self.columns.active if self.columns is not None else None

    @property
    def views(self) -> Workspace:
        """Give the views of the active column; they are brought in when they are not there yet."""
        self.prepare_views()
        assert self.workspace is not None
        return self.workspace

    @cached_property
    def palette_(self) -> CommandPalette:
        """Give the palette; it is made when it is first opened."""
        from app.command_palette import CommandPalette
        from app.palette_rows import answers, gather

        made = CommandPalette(self.deck, lambda: gather(self), lambda text: answers(self, text))
        made.left.connect(self.give_focus_to_views)
        return made

    @cached_property
    def keys(self) -> KeySheet:
        """Give the keyboard sheet; it is made when it is first opened."""
        from app.key_sheet import KeySheet

        made = KeySheet(self.deck)
        made.closed.connect(self.give_focus_to_views)
        return made

    def tell(self, text: str) -> None:
        """Say something in the status line for a moment."""
        self.teller.tell(text)

    def give_focus_to_views(self) -> None:
        """Give the keyboard to the pictures, or to the start page while there are none."""
        target = self.workspace if self.workspace is not None and not self.deck.is_empty else None
        (target or self.deck).setFocus(Qt.FocusReason.OtherFocusReason)

    def show_sheet(self, name: str, make: Callable[[], Sheet]) -> None:
        """Open or close a sheet."""
        self.sheets.toggle(name, make)

    def show_details(self, entry: VolumeEntry) -> None:
        """Show what is known about a series."""
        from app.series_menu import DetailsSheet

        hidden = self.settings.value.names_hidden
        self.sheets.close()
        self.show_sheet("details", lambda: DetailsSheet(entry.spec, names_hidden=hidden))

    def open_palette(self, text: str = "") -> None:
        """Open the palette."""
        self.sheets.close()
        self.palette_.open(text)

    def show_keys(self) -> None:
        """Show every key there is."""
        from app.key_sheet import KeyRow

        rows = [
            KeyRow(c.menu.replace("/", " \u203a "), c.title, self.commands.keys(c.id))
            for c in self.commands.all
            if self.commands.keys(c.id)
        ]
        self.keys.open(rows)

    def show_tags(self, wanted: str = "") -> None:
        """Show the header of the slice under the crosshair."""
        from app.tags_sheet import TagsSheet, read_tags

        rows = read_tags(self)
        self.show_sheet("tags", lambda: TagsSheet(rows, wanted))

    def show_help(self) -> None:
        """Show the few lines that are enough to work."""
        from app.help_sheets import StartSheet

        self.show_sheet("start", StartSheet)

    def show_colours(self) -> None:
        """Show what the colours of the quality strip mean."""
        from app.help_sheets import ColoursSheet

        self.show_sheet("colours", ColoursSheet)

    def show_about(self) -> None:
        """Show what runs here."""
        from app.about import AboutSheet

        self.show_sheet("about", AboutSheet)

    def open_log_folder(self) -> None:
        """Show the folder of the log file."""
        from PySide6.QtCore import QUrl
        from PySide6.QtGui import QDesktopServices

        from app.settings import log_folder

        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder())))

    def copy_value(self) -> None:
        """Put the value last under the pointer on the clipboard."""
        QGuiApplication.clipboard().setText(self.teller.last_pointer)
        self.tell(tr("Value copied"))

    def close_volume(self) -> None:
        """Close the active one of two columns; else what is open, or stop opening."""
        self.session_view.remember_now()
        if len(self.session.columns) > 1 and not self.session.is_opening:
            self.session.close_column(self.session.active)
        else:
            self.session.close()

    def show_title(self) -> None:
        """Name what is open in the title bar, unless names are hidden."""
        name = "" if self.settings.value.names_hidden else self.session.title
        self.setWindowTitle(f"{name} \u2013 Voxtide" if name else "Voxtide")

    def _show_series_menu(self, entry: VolumeEntry, at: QPoint) -> None:
        from app.series_menu import show_series_menu

        show_series_menu(self, entry, at)

    # -- events ------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take what has paths or addresses; nothing is read while it hovers."""
        from app.drop import dropped_uris

        if dropped_uris(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.drops.hover(event.position().toPoint())

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show what a drop at this place would do."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.drops.hover(event.position().toPoint())

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Take the frame away."""
        self.drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped; the reading is done elsewhere."""
        from app.drop import dropped_uris

        self.drops.leave()
        self.sheets.close()
        if "palette_" in self.__dict__:
            self.palette_.leave()
        uris = dropped_uris(event.mimeData())
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.door.open(uris, self.drops.place_at(event.position().toPoint()))

    def showEvent(self, event: QShowEvent) -> None:
        """Let the focus ring watch the window, which exists from here on."""
        super().showEvent(event)
        self._watch_keys()

    def _watch_keys(self) -> None:
        handle = self.windowHandle()
        if handle is not None and self._is_built:
            self._ring.watch(handle)
            if sys.platform != "darwin":
                self.menu_bar.watch(handle)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close an open sheet with Esc, also when the keyboard has left it for a panel."""
        if event.key() == Qt.Key.Key_Escape and self._is_built and self.sheets.sheet is not None:
            self.sheets.close()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the window manager out of full screen."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self._is_built:
            is_full = bool(self.windowState() & self.full_screen_state)
            if self.deck.is_full_screen and not is_full:
                self.deck.is_full_screen = False
                self.deck.arrange()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close at once; threads end behind the vanished window."""
        if not self._is_built:
            event.accept()
            self.closed.emit()
            return
        if not self.deck.is_full_screen:
            geometry = bytes(self.saveGeometry().data())
            self.settings.change(geometry=base64.b64encode(geometry).decode())
        self.hide()
        self._hurry_threads()
        self.door.close()
        self.session_view.remember_now()
        self.session.close()
        self.display.stop()
        if self.columns is not None:
            self.columns.shut_down()
        self.thumbnails.stop()
        self.teller.watch.stop()
        event.accept()
        self.closed.emit()

    def _hurry_threads(self) -> None:
        """Tell every thread to come to an end before one of them is waited for."""
        from viewer.worker import Worker

        self.session.pause()
        self.thumbnails.hurry()
        for worker in self.findChildren(Worker):
            worker.hurry()

    def _arrange_overlays(self) -> None:
        self.sheets.arrange()
        palette: CommandPalette | None = self.__dict__.get("palette_")
        if palette is not None and palette.isVisible():
            palette.arrange()
        keys: KeySheet | None = self.__dict__.get("keys")
        if keys is not None and keys.isVisible():
            keys.setGeometry(self.deck.rect())
        self.drops.arrange()

    def _follow_modes(self) -> None:
        self.modes.fit_layout()
        if self.columns is not None:
            self.columns.set_bare(self.deck.is_bare)
        self.commands.refresh()
        self.deck.toolbar.refresh()

    def _follow_system_theme(self) -> None:
        if self.settings.value.theme == "system":
            self.modes.dress("system")
