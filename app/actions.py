"""The command: one row of the table from which menu, toolbar, palette, keys and tests are made.

`CommandSet` turns the rows into Qt actions. It knows nothing of what the rows do; they are written
in `app/command_table.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.language import tr
from app.search import Hit

_log = logging.getLogger(__name__)

_SOON_MS = 50


def _always() -> str:
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """One thing that the user can do.

    Attributes
    ----------
    id : str
        Never shown, never translated: "view.fit".
    title : str
        A verb or the name of a state, without a full stop.
    menu : str
        Where it stands, levels separated by "/"; each change of `group` draws a line above.
    run : callable
        Does it; called on the GUI thread.
    keys : tuple of str
        Shortcuts; the first is shown.
    reason : callable
        Why it cannot be done now, as a sentence fragment; empty when it can.
    is_on : callable, optional
        For commands that switch something: whether it is on.
    in_views : bool
        Its keys work only while the views have the focus (arrows, Tab).
    """

    id: str
    title: str
    menu: str
    run: Callable[[], object]
    keys: tuple[str, ...] = ()
    reason: Callable[[], str] = _always
    is_on: Callable[[], bool] | None = None
    group: int = 0
    in_views: bool = False


class CommandSet(QObject):
    """Make actions of commands, keep them true, run them.

    Parameters
    ----------
    window : QWidget
        Whose shortcuts they are.
    commands : iterable of Command
        The table.
    changed_keys : mapping of str to str
        Shortcuts the user chose, by command id; an empty one takes the shortcut away.
    """

    refused = Signal(str)
    ran = Signal(str)

    def __init__(
        self, window: QWidget, commands: Iterable[Command], changed_keys: Mapping[str, str]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._views: QWidget | None = None
        self._commands = {command.id: command for command in commands}
        self._actions: dict[str, QAction] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.refresh)
        for command in self._commands.values():
            self._actions[command.id] = self._make(command)
        self.set_keys(changed_keys)

    @property
    def all(self) -> tuple[Command, ...]:
        """Give the whole table."""
        return tuple(self._commands.values())

    def action(self, id_: str) -> QAction:
        """Give the action of a command; raise KeyError for an id that is not in the table."""
        return self._actions[id_]

    def set_views(self, views: QWidget) -> None:
        """Tell where the keys of `in_views` commands work."""
        self._views = views
        for command in self._commands.values():
            if command.in_views:
                action = self._actions[command.id]
                self._window.removeAction(action)
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                views.addAction(action)

    def set_keys(self, changed: Mapping[str, str]) -> None:
        """Give every action its shortcuts, the user's own where there are some."""
        for command in self._commands.values():
            own = changed.get(command.id)
            keys = command.keys if own is None else (own,) if own else ()
            self._actions[command.id].setShortcuts([QKeySequence(key) for key in keys])

    def keys(self, id_: str) -> str:
        """Give the shortcut of a command as it is shown, or nothing."""
        shown = self._actions[id_].shortcut()
        return shown.toString(QKeySequence.SequenceFormat.NativeText)

    def refresh(self) -> None:
        """Bring what is enabled, ticked and drawn up to date."""
        for id_, command in self._commands.items():
            action = self._actions[id_]
            action.setEnabled(not command.reason())
            if command.is_on is not None:
                action.setChecked(command.is_on())

    def refresh_later(self) -> None:
        """Refresh once for many changes: a drag changes the views sixty times a second."""
        if not self._soon.isActive():
            self._soon.start()

    def run(self, id_: str) -> None:
        """Run a command, or say why it cannot be run."""
        command = self._commands[id_]
        reason = command.reason()
        if reason:
            self.refused.emit(f"{command.title}: {reason}")
            return
        _log.info("command %s", id_)
        command.run()
        self.refresh()
        self.ran.emit(id_)

    def hits(self) -> list[Hit]:
        """Give the table as rows of the palette."""
        return [
            Hit(
                key=f"command:{command.id}",
                title=command.title,
                path=command.menu.replace("/", " \u203a "),
                shortcut=self.keys(command.id),
                reason=command.reason(),
                run=lambda id_=command.id: self.run(id_),  # type: ignore[misc]
            )
            for command in self._commands.values()
        ]

    def tip(self, id_: str) -> str:
        """Write the tooltip of a button: title and shortcut."""
        keys = self.keys(id_)
        title = self._commands[id_].title
        return f"{title}  ({keys})" if keys else title

    def fill_menus(self, add_menu: Callable[[str], QMenu]) -> None:
        """Build menus from the table's paths; `add_menu` makes one for each top-level name."""
        made: dict[str, QMenu] = {}
        groups: dict[str, int] = {}
        for command in self._commands.values():
            if not command.menu:
                continue
            menu = self._menu(command.menu, made, add_menu)
            if groups.get(command.menu, command.group) != command.group:
                menu.addSeparator()
            groups[command.menu] = command.group
            menu.addAction(self._actions[command.id])
        for menu in made.values():
            menu.aboutToShow.connect(self.refresh)

    def _menu(self, path: str, made: dict[str, QMenu], add_menu: Callable[[str], QMenu]) -> QMenu:
        if path not in made:
            above, _, name = path.rpartition("/")
            made[path] = (
                self._menu(above, made, add_menu).addMenu(name) if above else add_menu(name)
            )
        return made[path]

    def _make(self, command: Command) -> QAction:
        action = QAction(command.title, self._window)
        action.setObjectName(command.id)
        action.setCheckable(command.is_on is not None)
        action.setMenuRole(_ROLES.get(command.id, QAction.MenuRole.NoRole))
        action.triggered.connect(lambda _checked=False, id_=command.id: self.run(id_))
        self._window.addAction(action)
        return action


_ROLES = {
    "file.quit": QAction.MenuRole.QuitRole,
    "help.about": QAction.MenuRole.AboutRole,
    "edit.settings": QAction.MenuRole.PreferencesRole,
}


def conflict(commands: CommandSet, id_: str, keys: str) -> str:
    """Say which other command has these keys; empty when none has."""
    wanted = QKeySequence(keys)
    for other in commands.all:
        if other.id != id_ and wanted in commands.action(other.id).shortcuts():
            return tr("{keys} is the key of \u201c{title}\u201d").format(
                keys=wanted.toString(QKeySequence.SequenceFormat.NativeText), title=other.title
            )
    return ""
