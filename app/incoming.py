"""What comes from outside the window: the command line, later starts, links, a run that crashed."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton

from app.code_type import details_box
from app.language import tr
from app.links import LinkRefused, address_of, is_link
from app.logs import redact
from app.runs import Ended, Run
from app.settings import log_folder
from app.sheets import Sheet
from app.widgets import button, label

if TYPE_CHECKING:
    from app.main_window import MainWindow

_log = logging.getLogger(__name__)

TELL_AFTER_MS = 3000


class Incoming(QObject):
    """Pass on to one window what is to be opened."""

    def __init__(self, window: MainWindow, run: Run) -> None:
        super().__init__(window)
        self._window, self._run = window, run
        self._offered: tuple[tuple[str, ...], ...] = ()
        self._again: list[tuple[str, ...]] = []
        window.session.opened_changed.connect(self._keep)
        window.session.opening_changed.connect(self._keep)
        window.session.opening_changed.connect(self._go_on, Qt.ConnectionType.QueuedConnection)

    def take(self, uris: Sequence[str]) -> None:
        """Open paths and addresses; ask about links."""
        links = [uri for uri in uris if is_link(uri)]
        plain = [uri for uri in uris if not is_link(uri)]
        if plain:
            self._window.door.open(plain, by_hand=True)
        if links:
            self._follow(links[0])

    def take_and_rise(self, uris: Sequence[str], token: str) -> None:
        """Do the same for a later start, whose window system may have given it a token."""
        if token:
            # Qt's Wayland plug-in takes it from there when the window is next activated
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        window = self._window
        if window.isMinimized():
            window.showNormal()
        window.raise_()
        window.activateWindow()
        self.take(uris)

    # -- links -------------------------------------------------------------------------------------

    def _follow(self, link: str) -> None:
        """Open the address of a link; its host is asked about where it is not known."""
        window = self._window
        try:
            address_of(link)
        except LinkRefused as error:
            _log.warning("a link was refused")
            refused = str(error)
            window.sheets.close()
            window.show_sheet("link", lambda: RefusedSheet(refused))
            return
        window.door.open([link])

    # -- what a run that ended badly left ----------------------------------------------------------

    def offer(self, ended: Ended | None, *, is_idle: bool) -> None:
        """Offer to open again what was open; a report is kept beside the log.

        Parameters
        ----------
        is_idle : bool
            Nothing else is being opened: the offer may stand where the invitation stands.
        """
        if ended is None or not (ended.uris or ended.report):
            return
        report = _without_home(ended.report)
        if report:
            try:
                log_folder().mkdir(parents=True, exist_ok=True)
                (log_folder() / "crash.log").write_text(report, "utf-8")
            except OSError as error:
                _log.warning("the crash report cannot be kept: %s", error.strerror)
        window = self._window
        if not is_idle:
            said = tr("Voxtide ended unexpectedly last time.")
            # notices need the engine, which the thread that opens is importing just now
            QTimer.singleShot(
                TELL_AFTER_MS, window, lambda: window.notices.add("ended_badly", said)
            )
            return
        self._offered = ended.uris
        self._keep()
        window.start.card.show_words(
            tr("Voxtide ended unexpectedly"),
            self._offer_words(),
            self._offer_buttons(report),
            () if self._window.settings.value.names_hidden else self._names(),
        )

    def _names(self) -> list[str]:
        """Give the names of the first three things that were open."""
        return [Path(uris[0].rstrip("/\\")).name for uris in self._offered[:3]]

    def _offer_words(self) -> str:
        if not self._offered:
            return tr("Nothing was open. Nothing was sent anywhere.")
        if self._window.settings.value.names_hidden:
            return tr("{count} things were open.").format(count=len(self._offered))
        names = ", ".join(self._names())
        more = len(self._offered) - 3
        if more > 0:
            names = tr("{name} and {count} more").format(name=names, count=more)
        return tr("It had open: {names}.").format(names=names)

    def _offer_buttons(self, report: str) -> list[QPushButton]:
        window = self._window
        buttons = []
        if self._offered:
            buttons.append(button(tr("Open again"), self._open_again, "filled"))
        if report:
            show = lambda: window.show_sheet("crash", lambda: CrashSheet(report))  # noqa: E731
            buttons.append(button(tr("Crash report"), show, "plain"))
        buttons.append(button(tr("Not now"), self._decline, "plain"))
        return buttons

    def _open_again(self) -> None:
        # one after the other; the first entry is the one that stood in front, so it comes last
        self._again = list(self._offered)
        self._offered = ()
        self._go_on()

    def _go_on(self) -> None:
        """Open the next one of those that are opened again."""
        if self._again and not self._window.session.is_opening:
            self._window.door.open(self._again.pop(), by_hand=True)

    def _decline(self) -> None:
        self._offered = ()
        self._keep()
        self._window.start.invite()

    def _keep(self) -> None:
        """Write down what is open, or what is offered as long as nothing is."""
        session = self._window.session
        opened = [one.uris for one in session.opened]
        if opened or session.is_opening:
            self._offered = ()
        is_wanted = self._window.settings.value.keep_recent
        self._run.keep((opened or self._offered) if is_wanted else ())


class RefusedSheet(Sheet):
    """Say why a link was not followed."""

    def __init__(self, reason: str) -> None:
        super().__init__(tr("A link was not opened"), QSize(480, 160))
        self.body.addWidget(label(reason, wrap=True))


class CrashSheet(Sheet):
    """Show the report of a crash, and let it be copied; nothing is sent."""

    def __init__(self, report: str) -> None:
        super().__init__(tr("Crash report"), QSize(640, 480))
        words = tr("What each thread was doing. It names no patients. Nothing was sent anywhere.")
        self.body.addWidget(label(words, "second", wrap=True))
        shown = details_box(report)
        shown.setMinimumHeight(280)
        shown.setAccessibleName(tr("Crash report"))
        self.body.addWidget(shown)

        def copy() -> None:
            from app.about import diagnostics

            QGuiApplication.clipboard().setText(f"{diagnostics()}\n\n{report}")

        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(button(tr("Copy with diagnostics"), copy, "plain"))
        self.body.addLayout(foot)


def _without_home(report: str) -> str:
    """Take the user's name out of the paths of program files."""
    home = os.path.expanduser("~")  # noqa: PTH111 - a string that may occur inside others
    return redact(report.replace(home, "~") if len(home) > 1 else report)
