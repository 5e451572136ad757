"""The bar at the top: menu, panels, four drop-down buttons, and the search field."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QWidget

from app.actions import CommandSet
from app.language import tr
from app.theme import toolbar_height
from app.widgets import DropDown, Elided, icon_button, label


class Toolbar(QWidget):
    """Seven buttons at most; what they open is made from the command table.

    Parameters
    ----------
    commands : CommandSet
        The table.
    main_menu : QMenu
        The whole menu, behind the first button.
    menus : mapping of str to QMenu
        Submenus for the drop-down buttons, by button name.
    """

    def __init__(self, commands: CommandSet, main_menu: QMenu, menus: dict[str, QMenu]) -> None:
        super().__init__()
        self.setObjectName("toolbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(toolbar_height())
        self.setAccessibleName(tr("Toolbar"))
        self._commands = commands
        self.name: QLabel = label("Voxtide", "section")
        self.menu = DropDown("menu", "", tr("Menu"), main_menu)
        self.series = self._switch("panel-left", "view.panel.series")
        self.opening = DropDown("folder", tr("Open"), tr("Open"), menus["open"])
        self.window_presets = DropDown(
            "window", tr("Window"), tr("Window presets"), menus["window"]
        )
        self.layouts = DropDown("layout", tr("Layout"), tr("Layout"), menus["layout"])
        self.volume = DropDown("cube", tr("3D"), tr("3D"), menus["volume"])
        self.display = self._switch("panel-right", "view.panel.display")
        self.search = QPushButton()
        self.search.setObjectName("searchField")
        self.search.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.search.setAccessibleName(tr("Search or command"))
        self.search.clicked.connect(lambda: commands.run("help.palette"))
        self._search_keys = label(role="caption")
        inside = QHBoxLayout(self.search)
        inside.setContentsMargins(8, 0, 8, 0)
        inside.setSpacing(8)
        inside.addWidget(Elided(tr("Search or command"), "second"), 1)
        inside.addWidget(self._search_keys)
        bar = QHBoxLayout(self)
        bar.setContentsMargins(4, 0, 4, 1)
        bar.setSpacing(4)
        for part in (self.menu, self.series, self.name, self.opening, self.window_presets):
            bar.addWidget(part)
        for part in (self.layouts, self.volume):
            bar.addWidget(part)
        bar.addStretch(1)
        bar.addWidget(self.search)
        bar.addWidget(self.display)
        self.set_state(is_empty=True, is_compact=False)

    def set_state(self, *, is_empty: bool, is_compact: bool) -> None:
        """Show what makes sense: little while nothing is open, icons only in a narrow window."""
        self.name.setVisible(is_empty)
        for part in (self.series, self.window_presets, self.layouts, self.volume, self.display):
            part.setVisible(not is_empty)
        self.opening.setVisible(not is_empty)
        for part in (self.opening, self.window_presets, self.layouts, self.volume):
            part.set_compact(is_compact)
        self._search_keys.setText(self._commands.keys("help.palette"))
        self.search.setFixedWidth(208 if is_compact else 260)

    def refresh(self) -> None:
        """Follow the panels that were folded elsewhere."""
        for made in (self.series, self.display):
            action = self._commands.action(str(made.property("command")))
            made.setChecked(action.isChecked())

    def _switch(self, name: str, id_: str) -> QToolButton:
        made = icon_button(name, self._commands.tip(id_), lambda: self._commands.run(id_))
        made.setCheckable(True)
        made.setProperty("command", id_)
        return made
