"""Settings: few, each takes effect at once and is kept."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QKeySequenceEdit,
    QLineEdit,
    QSizePolicy,
    QWidget,
)

from app.actions import CommandSet, conflict
from app.language import tr
from app.settings import Settings
from app.sheets import Sheet
from app.widgets import Elided, NumberField, Segments, Switch, button, icon_button, label, line, row


class SettingsSheet(Sheet):
    """Show the settings; `changed` brings a name and a value."""

    changed = Signal(str, object)
    frames_cleared = Signal()

    def __init__(self, settings: Settings, commands: CommandSet) -> None:
        super().__init__(tr("Settings"), QSize(560, 640))
        self._commands = commands
        self._keys = dict(settings.keys)
        form = QFormLayout()
        form.setHorizontalSpacing(24)
        form.setVerticalSpacing(8)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.theme = self._choice(
            form,
            tr("Theme"),
            "theme",
            (("system", tr("System")), ("dark", tr("Dark")), ("light", tr("Light"))),
            settings.theme,
        )
        self.drag_up = self._choice(
            form,
            tr("Drag up"),
            "drag_up",
            (("brighter", tr("Brighter")), ("darker", tr("Darker"))),
            settings.drag_up,
        )
        self.right_button = self._choice(
            form,
            tr("Right button"),
            "right_button",
            (("zoom", tr("Zoom")), ("window", tr("Window and level"))),
            settings.right_button,
        )
        self.memory = NumberField(tr("Largest volume, MB"), empty=tr("what is free"))
        self.memory.set_value(settings.memory_limit_mb or None)
        self.memory.taken.connect(self._take_memory)
        form.addRow(label(tr("Largest volume, MB")), self.memory)
        self.recent = Switch(tr("Keep recent items"))
        self.recent.setChecked(settings.keep_recent)
        self.recent.switched.connect(lambda on: self.changed.emit("keep_recent", on))
        form.addRow(label(tr("Start page")), self.recent)
        self.frames = NumberField(tr("Kept of what came from servers, MB"), empty=tr("nothing"))
        self.frames.set_value(settings.frame_cache_mb or None)
        self.frames.taken.connect(self._take_frames)
        self.clear_frames = button(tr("Clear"), self.frames_cleared.emit, "small")
        form.addRow(label(tr("Kept from servers, MB")), _beside(self.frames, self.clear_frames))
        self.body.addLayout(form)
        self.body.addWidget(line())
        self.body.addWidget(label(tr("Keys"), "section"))
        self._trouble = label(role="error", wrap=True)
        self._trouble.hide()
        self.body.addWidget(self._trouble)
        self._fields: dict[str, QKeySequenceEdit] = {}
        for command in commands.all:
            self.body.addWidget(self._key_row(command.id, command.title, command.menu))
        self.body.addStretch(1)

    def field(self, id_: str) -> QKeySequenceEdit:
        """Give the field that shows the key of a command."""
        return self._fields[id_]

    def _take_memory(self, number: float) -> None:
        limit = max(0, round(number))
        self.memory.set_value(limit or None)
        self.changed.emit("memory_limit_mb", limit)

    def _take_frames(self, number: float) -> None:
        limit = max(0, round(number))
        self.frames.set_value(limit or None)
        self.changed.emit("frame_cache_mb", limit)

    def _choice(
        self,
        form: QFormLayout,
        words: str,
        name: str,
        choices: tuple[tuple[str, str], ...],
        value: str,
    ) -> Segments:
        made = Segments(words, choices)
        made.set_value(value)
        made.chosen.connect(lambda chosen: self.changed.emit(name, chosen))
        form.addRow(label(words), made)
        return made

    def _key_row(self, id_: str, title: str, menu: str) -> QWidget:
        made = QWidget()
        across = QHBoxLayout(made)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(8)
        for shown in (Elided(title), Elided(menu.replace("/", " \u203a "), "caption")):
            shown.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            across.addWidget(shown)
        across.addStretch(1)
        field = QKeySequenceEdit(self._commands.action(id_).shortcut())
        field.setMaximumSequenceLength(1)
        field.setFixedWidth(136)
        name = tr("Key of {title}").format(title=title)
        field.setAccessibleName(name)
        for inner in field.findChildren(QLineEdit):
            inner.setAccessibleName(name)
            inner.setPlaceholderText(tr("no key"))
            inner.setToolTip(tr("Press the key that it shall have"))
            inner.setAcceptDrops(False)
        field.editingFinished.connect(lambda: self._take_key(id_))
        across.addWidget(field)
        across.addWidget(
            icon_button("close", tr("Take the key away"), lambda: self._clear_key(id_))
        )
        across.addWidget(icon_button("reset", tr("The usual key"), lambda: self._reset_key(id_)))
        self._fields[id_] = field
        return made

    def _take_key(self, id_: str) -> None:
        keys = self._fields[id_].keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        if keys == self._commands.action(id_).shortcut().toString():
            return
        trouble = conflict(self._commands, id_, keys) if keys else ""
        self._trouble.setText(f"{trouble}. {tr('Take it away there first.')}" if trouble else "")
        self._trouble.setVisible(bool(trouble))
        if trouble:
            self._fields[id_].setKeySequence(self._commands.action(id_).shortcut())
            return
        self._keys[id_] = keys
        self.changed.emit("keys", dict(self._keys))

    def _clear_key(self, id_: str) -> None:
        self._fields[id_].clear()
        self._take_key(id_)

    def _reset_key(self, id_: str) -> None:
        self._keys.pop(id_, None)
        self.changed.emit("keys", dict(self._keys))
        self._fields[id_].setKeySequence(self._commands.action(id_).shortcut())


def _beside(*parts: QWidget) -> QWidget:
    made = QWidget()
    across = row(*parts)
    across.setStretch(0, 1)
    made.setLayout(across)
    return made
