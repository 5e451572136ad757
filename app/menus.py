"""Menus made from the command table: the main one, those of the toolbar, those of the views."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu

from app.actions import CommandSet
from app.language import tr

if TYPE_CHECKING:
    from app.main_window import MainWindow

_OPEN_MENU = (
    "file.open_folder",
    "file.open_files",
    "file.open_url",
    "file.open_beside",
    "file.demo",
)
_SLICE_MENU = (
    "view.fit",
    "view.reset",
    "image.window.data",
    "image.window.file",
    "image.invert",
    "view.crosshair",
    "edit.copy_value",
    "edit.copy_picture",
)
_VOLUME_MENU = (
    "volume.mode.volume",
    "volume.mode.mip",
    "volume.mode.off",
    "volume.light",
    "volume.look.anterior",
    "volume.look.left",
    "volume.reset",
    "edit.copy_picture",
)


_STRIP_MENU = (
    "load.pause",
    "load.continue",
    "load.retry",
    "load.notices",
    "go.slice",
    "go.first",
    "go.last",
    "help.colours",
)


def build_menus(
    window: MainWindow, commands: CommandSet, fill_recent: Callable[[QMenu], None]
) -> tuple[QMenu, dict[str, QMenu]]:
    """Build the menu behind the first button, and those of the other buttons.

    Where the system has a menu bar of its own, the same menus stand in it.

    Returns
    -------
    menu, drop_downs
        `drop_downs` has "open", "window", "layout", "volume".
    """
    main = QMenu(window)
    made: dict[str, QMenu] = {}

    def add(name: str) -> QMenu:
        menu = QMenu(name, window)
        if sys.platform == "darwin":
            window.menuBar().addMenu(menu)
        main.addMenu(menu)
        made[name] = menu
        return menu

    commands.fill_menus(add)
    file_menu = made[tr("File")]
    recent = QMenu(tr("Open recent"), file_menu)
    file_menu.insertMenu(commands.action("file.save_picture"), recent)
    recent.aboutToShow.connect(lambda: fill_recent(recent))
    drop_downs = {
        "open": _menu_of(window, commands, _OPEN_MENU),
        "window": _by_prefix(window, commands, ("image.window.",), ("image.invert",)),
        "layout": _by_prefix(
            window, commands, ("view.layout.",), ("view.link", "view.only_pictures")
        ),
        "volume": _by_prefix(window, commands, ("volume.mode.", "volume.look."), ("volume.reset",)),
    }
    again = QMenu(tr("Open recent"), drop_downs["open"])
    drop_downs["open"].addMenu(again)
    again.aboutToShow.connect(lambda: fill_recent(again))
    return main, drop_downs


def show_view_menu(window: MainWindow, at: QPoint, view: str) -> QMenu:
    """Show the menu of a view or of the strip: eight entries at most."""
    ids = {"volume": _VOLUME_MENU, "strip": _STRIP_MENU}.get(view, _SLICE_MENU)
    menu = _menu_of(window, window.commands, ids)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    window.commands.refresh()
    menu.popup(at)
    return menu


def fill_recent(window: MainWindow, menu: QMenu) -> None:
    """List what was opened lately."""
    menu.clear()
    items = window.recent.items if window.settings.value.keep_recent else ()
    hidden = window.settings.value.names_hidden
    for item in items:
        name = item.shown_name(names_hidden=hidden)
        action = menu.addAction(name, lambda u=item.uri: window.door.open([u]))  # type: ignore[misc]
        action.setEnabled(item.is_there)
        action.setToolTip("" if hidden else item.uri)
    if not items:
        menu.addAction(tr("Nothing yet")).setEnabled(False)


def _menu_of(window: MainWindow, commands: CommandSet, ids: tuple[str, ...]) -> QMenu:
    menu = QMenu(window)
    for id_ in ids:
        menu.addAction(commands.action(id_))
    menu.aboutToShow.connect(commands.refresh)
    return menu


def _by_prefix(
    window: MainWindow,
    commands: CommandSet,
    prefixes: tuple[str, ...],
    more: tuple[str, ...],
) -> QMenu:
    menu = QMenu(window)
    for number, prefix in enumerate(prefixes):
        if number:
            menu.addSeparator()
        for command in commands.all:
            if command.id.startswith(prefix):
                menu.addAction(commands.action(command.id))
    menu.addSeparator()
    for id_ in more:
        menu.addAction(commands.action(id_))
    menu.aboutToShow.connect(commands.refresh)
    return menu
