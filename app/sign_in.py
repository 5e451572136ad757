"""Sign-in: the bar with two fields, and the way from a refused request to it and back.

The request waits on a thread of its own; the window never waits.
"""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QLineEdit

from app.bars import Bar, BarHost
from app.keyring_vault import KeyringVault
from app.language import tr
from app.widgets import Field, Segments, Switch, button
from loading.web.credentials import Challenge, Identity

_FIELD_WIDTH = 176


class SignInBar(Bar):
    """Ask who asks at one server; `given` brings the identity and whether to keep it."""

    given = Signal(object, bool)
    declined = Signal()

    def __init__(self, challenge: Challenge, keyring_trouble: str) -> None:
        host = str(challenge.origin).partition("://")[2]
        words = tr("{host} asks you to sign in.").format(host=host)
        if challenge.was_signed_in:
            words = tr("{host} did not take this sign-in.").format(host=host)
        super().__init__(words, more=_more_words(challenge, keyring_trouble))
        self.kinds = Segments(
            tr("Sign in with"), (("basic", tr("Name and password")), ("bearer", tr("Token")))
        )
        self.kinds.chosen.connect(self._choose)
        self.user = self._field(tr("User name"))
        self.user.setText(challenge.user)
        self.secret = self._field("")
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)
        self.keep = Switch(tr("Keep in the keyring"))
        self.keep.setVisible(not keyring_trouble)
        self.enter = button(tr("Sign in"), self._give, "filled")
        for part in (self.kinds, self.user, self.secret, self.enter, self.keep):
            self.answers.addWidget(part)
        self.answers.addStretch(1)
        only_bearer = "bearer" in challenge.offers and "basic" not in challenge.offers
        self.kind = "bearer" if only_bearer else "basic"
        self.kinds.set_value(self.kind)
        self._choose(self.kind)

    def _field(self, name: str) -> Field:
        made = Field()
        made.setPlaceholderText(name)
        made.setAccessibleName(name)
        made.setMaximumWidth(_FIELD_WIDTH)
        made.returnPressed.connect(self._give)
        return made

    def take_focus(self) -> None:
        """Put the keyboard into the first field that is empty."""
        is_named = self.kind == "bearer" or bool(self.user.text())
        (self.secret if is_named else self.user).setFocus(Qt.FocusReason.OtherFocusReason)

    def refuse(self) -> None:
        """Go on without a sign-in."""
        if not self._is_left:
            self.secret.clear()
            self.leave()
            self.declined.emit()

    def _choose(self, kind: str) -> None:
        self.kind = kind
        self.user.setVisible(kind == "basic")
        name = tr("Password") if kind == "basic" else tr("Token")
        self.secret.setPlaceholderText(name)
        self.secret.setAccessibleName(name)

    def _give(self) -> None:
        if self.kind == "basic" and not self.user.text():
            self.user.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        if not self.secret.text() and self.kind == "bearer":
            self.secret.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        user = self.user.text() if self.kind == "basic" else ""
        identity = Identity(self.kind, user, self.secret.text())
        # the field's own copy goes with the bar, its undo history included
        self.secret.clear()
        is_kept = self.keep.isChecked() and not self.keep.isHidden()
        self.leave()
        self.given.emit(identity, is_kept)


def _more_words(challenge: Challenge, keyring_trouble: str) -> str:
    parts = []
    if challenge.realm:
        parts.append(tr("It calls itself “{name}”.").format(name=challenge.realm))
    if challenge.origin.scheme == "http":
        parts.append(tr("The line is not encrypted: others on it can read the password."))
    parts.append(keyring_trouble)
    return " ".join(part for part in parts if part)


class _Question:
    """One wait for an answer."""

    def __init__(self, challenge: Challenge, keyring_trouble: str) -> None:
        self.challenge = challenge
        self.keyring_trouble = keyring_trouble
        self.identity: Identity | None = None
        self.is_kept = False
        self.answered = threading.Event()


class SignInDesk(QObject):
    """Ask the user for the engine; `ask` is what `loading.web.credentials` wants.

    `not_kept` brings a sentence when the keyring did not take a sign-in.
    """

    not_kept = Signal(str)
    _asked = Signal(object)

    def __init__(self, parent: QObject, bars: BarHost, vault: KeyringVault) -> None:
        super().__init__(parent)
        self._bars = bars
        self._vault = vault
        self._open: list[_Question] = []
        self._is_closed = False
        self._asked.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def ask(self, challenge: Challenge) -> Identity | None:
        """Show the bar and wait for the answer; called on a thread that may wait."""
        question = _Question(challenge, self._vault.trouble())
        self._open.append(question)
        if self._is_closed:
            return None
        self._asked.emit(question)
        question.answered.wait()
        if question.identity is not None and question.is_kept:
            trouble = self._vault.write(challenge.origin, question.identity)
            if trouble:
                self.not_kept.emit(trouble)
        return question.identity

    def close(self) -> None:
        """Let everybody go who waits."""
        self._is_closed = True
        for question in list(self._open):
            self._answer(question, None)

    def _show(self, question: _Question) -> None:
        if question.answered.is_set():  # the window was closed meanwhile
            return
        bar = SignInBar(question.challenge, question.keyring_trouble)
        bar.given.connect(lambda identity, is_kept: self._answer(question, identity, is_kept))
        bar.declined.connect(lambda: self._answer(question, None))
        self._bars.ask(bar)

    def _answer(
        self, question: _Question, identity: Identity | None, is_kept: bool = False
    ) -> None:
        if question in self._open:
            self._open.remove(question)
        question.identity, question.is_kept = identity, is_kept
        question.answered.set()
