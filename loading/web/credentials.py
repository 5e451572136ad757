"""Who asks: sign-ins of servers, one for each origin.

An identity is for one origin (scheme, host, port) and is never given to another one, wherever a
redirect leads. It is held in memory; a `Vault` (the system's keyring, which `app` brings) keeps it
beyond the program's end when the user says so. It is in no message, no representation, no address.

OpenID Connect and client certificates will be further kinds of `Identity`: what a kind means on the
line is said by `Identity.authorization` alone.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from loading.web.messages import Origin

KINDS = ("basic", "bearer")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, and what proves it.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    user : str
        For "basic".
    secret : str
        Password or token.
    """

    kind: str
    user: str = ""
    secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a sign-in is one of {', '.join(KINDS)}, not {self.kind}")

    @property
    def authorization(self) -> str:
        """Give the value of the Authorization header (RFC 7617, RFC 6750)."""
        if self.kind == "bearer":
            # a line end inside would make another header
            return "Bearer " + "".join(self.secret.split())
        pair = f"{self.user}:{self.secret}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A refusal that a sign-in may lift.

    Attributes
    ----------
    realm : str
        What the server calls the place, in its own words.
    offers : tuple of str
        Schemes that the server names, in lower case ("basic", "bearer", ...); empty: not told.
    user : str
        Who asked, when somebody did.
    was_signed_in : bool
        What was sent has been refused.
    """

    origin: Origin
    realm: str = ""
    offers: tuple[str, ...] = ()
    user: str = ""
    was_signed_in: bool = False


Ask = Callable[[Challenge], Identity | None]
"""Asks the user, from a worker's thread, and waits for the answer; None: no sign-in."""


class Vault(Protocol):
    """Keeps sign-ins beyond the end of the program."""

    def read(self, origin: Origin) -> Identity | None:
        """Give what is kept; None for nothing, also when it cannot be had."""

    def forget(self, origin: Origin) -> None:
        """Take it out."""


class Credentials:
    """Who asks, by origin: what `loading.web.http` wants to know. For any thread.

    Attributes
    ----------
    ask : callable or None
        How to ask the user; without it nobody is asked.
    vault : Vault or None
        Where identities are looked up that are not in memory, when a server asks for one.
    """

    def __init__(self, ask: Ask | None = None, vault: Vault | None = None) -> None:
        self.ask = ask
        self.vault = vault
        self._known: dict[Origin, Identity] = {}
        self._looked_up: set[Origin] = set()
        self._declined: set[Origin] = set()
        self._guard = threading.Lock()
        self._asking: dict[Origin, threading.Lock] = {}

    def authorization(self, origin: Origin) -> str:
        """Give the Authorization header for an origin; empty for none. Does not wait."""
        identity = self.identity(origin)
        return "" if identity is None else identity.authorization

    def identity(self, origin: Origin) -> Identity | None:
        """Give who asks at an origin, as far as it is in memory."""
        with self._guard:
            return self._known.get(origin)

    def set(self, origin: Origin, identity: Identity | None) -> None:
        """Use an identity for an origin from now on; None: none."""
        with self._guard:
            self._declined.discard(origin)
            if identity is None:
                self._known.pop(origin, None)
            else:
                self._known[origin] = identity

    def forget(self, origin: Origin) -> None:
        """Forget an identity, in the vault too."""
        self.set(origin, None)
        if self.vault is not None:
            self.vault.forget(origin)

    def refused(self, origin: Origin, challenge: str, sent: str) -> str:
        """Give another Authorization after a refusal, empty for none; waits for the user.

        However many requests are refused at once, the user is asked once: the others wait for the
        answer and share it. What the user declined is not asked again before `allow_asking`.

        Parameters
        ----------
        challenge : str
            The WWW-Authenticate header.
        sent : str
            The Authorization that was refused; empty for none.
        """
        with self._guard:
            lock = self._asking.setdefault(origin, threading.Lock())
        with lock:
            now = self.authorization(origin)
            if now and now != sent:
                return now
            kept = self._look_up(origin)
            if kept is not None and kept.authorization != sent:
                self.set(origin, kept)
                return kept.authorization
            return self._ask(origin, challenge, sent)

    def allow_asking(self, origin: Origin) -> None:
        """Ask again where the user had said no; called when something is opened by hand."""
        with self._guard:
            self._declined.discard(origin)

    def _look_up(self, origin: Origin) -> Identity | None:
        with self._guard:
            vault = None if origin in self._looked_up else self.vault
            self._looked_up.add(origin)
        return vault.read(origin) if vault is not None else None

    def _ask(self, origin: Origin, challenge: str, sent: str) -> str:
        with self._guard:
            ask = None if origin in self._declined else self.ask
        if ask is None:
            return ""
        realm, offers = read_challenge(challenge)
        before = self.identity(origin)
        user = before.user if before is not None else ""
        answer = ask(Challenge(origin, realm, offers, user, bool(sent)))
        if answer is None:
            with self._guard:
                self._declined.add(origin)
                self._known.pop(origin, None)  # what was refused is of no more use
            return ""
        self.set(origin, answer)
        return answer.authorization


def read_challenge(header: str) -> tuple[str, tuple[str, ...]]:
    """Read WWW-Authenticate: the realm, and the schemes in the order given (RFC 9110 11.6.1)."""
    realm, offers = "", []
    place, end = 0, len(header)
    while place < end:
        while place < end and header[place] in " \t,":
            place += 1
        start = place
        while place < end and header[place] not in ' \t,="':
            place += 1
        word = header[start:place]
        if place < end and header[place] == "=":
            value, place = _value(header, place + 1)
            if word.lower() == "realm" and not realm:
                realm = value
        elif word:
            offers.append(word.lower())
        else:
            place += 1
    return "".join(c for c in realm if c.isprintable())[:80], tuple(dict.fromkeys(offers))


def _value(header: str, place: int) -> tuple[str, int]:
    """Read a token or a quoted text; give it and where it ends."""
    if header[place : place + 1] != '"':
        end = place
        while end < len(header) and header[end] not in " \t,":
            end += 1
        return header[place:end], end
    text, place = [], place + 1
    while place < len(header) and header[place] != '"':
        if header[place] == "\\":
            place += 1
        text.append(header[place : place + 1])
        place += 1
    return "".join(text), place + 1


credentials = Credentials()
"""Who asks, for the whole process; the window gives it a way to ask, and the system's keyring."""
