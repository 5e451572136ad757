"""Who asks: sign-ins of servers, one for each origin.

A sign-in is for one origin (scheme, host, port) and is never given to another one, wherever a
redirect leads. It is held in memory; a `Vault` (the system's keyring, which `app` brings) keeps it
beyond the program's end when the user says so. It is in no message, no representation, no address.

OpenID Connect and client certificates will be further kinds of `SignIn`: what a kind means on the
line is said by `authorization` alone.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from loading.errors import Unauthorised
from loading.web.messages import Origin, origin_of

_log = logging.getLogger(__name__)

KINDS = ("basic", "bearer")


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way to say who asks.

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
    status : int
        401, or 403 for somebody who is known but may not.
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
    status: int = 401
    realm: str = ""
    offers: tuple[str, ...] = ()
    user: str = ""
    was_signed_in: bool = False


Ask = Callable[[Challenge], SignIn | None]
"""Asks the user, from a worker's thread, and waits for the answer; None: no sign-in."""


class Vault(Protocol):
    """Keeps sign-ins beyond the end of the program."""

    def read(self, origin: Origin) -> SignIn | None:
        """Give what is kept; None for nothing, also when it cannot be had."""

    def forget(self, origin: Origin) -> None:
        """Take it out."""


class Credentials:
    """Sign-ins by origin; may be used from any thread.

    Attributes
    ----------
    ask : callable or None
        How to ask the user; without it nobody is asked.
    vault : Vault or None
        Where sign-ins are looked up that are not in memory.
    """

    def __init__(self, ask: Ask | None = None, vault: Vault | None = None) -> None:
        self.ask = ask
        self.vault = vault
        self._known: dict[Origin, SignIn | None] = {}
        self._declined: set[Origin] = set()
        self._guard = threading.Lock()
        self._asking: dict[Origin, threading.Lock] = {}

    def authorization(self, url: str) -> str:
        """Give the Authorization header for an address; empty for none.

        The first call for an origin may look into the vault, which can take a moment.
        """
        sign_in = self.sign_in_for(origin_of(url))
        return "" if sign_in is None else sign_in.authorization

    def sign_in_for(self, origin: Origin) -> SignIn | None:
        """Give the sign-in of an origin."""
        with self._guard:
            if origin in self._known:
                return self._known[origin]
            vault = self.vault
        found = vault.read(origin) if vault is not None else None
        with self._guard:
            # somebody may have signed in meanwhile
            return self._known.setdefault(origin, found)

    def set(self, origin: Origin, sign_in: SignIn | None) -> None:
        """Use a sign-in for an origin from now on; None: none."""
        with self._guard:
            self._known[origin] = sign_in
            self._declined.discard(origin)

    def forget(self, origin: Origin) -> None:
        """Forget a sign-in, in the vault too."""
        with self._guard:
            self._known[origin] = None
            self._declined.discard(origin)
        if self.vault is not None:
            self.vault.forget(origin)

    def renew(self, url: str, refused: str, challenge: str = "", status: int = 401) -> bool:
        """Get another sign-in after a refusal; blocks while the user is asked.

        However many requests are refused at once, the user is asked once: the others wait for the
        answer and share it. Never call this on the thread that moves bytes.

        Parameters
        ----------
        url : str
            What was refused.
        refused : str
            The Authorization that had been sent; empty for none.
        challenge : str
            The WWW-Authenticate header.
        status : int
            401 or 403.

        Returns
        -------
        bool
            There is a sign-in that has not been refused yet: try again.
        """
        origin = origin_of(url)
        with self._guard:
            lock = self._asking.setdefault(origin, threading.Lock())
        with lock:
            now = self.authorization(url)
            if now and now != refused:
                return True
            if self.ask is None or origin in self._declined:
                return False
            before = self.sign_in_for(origin)
            realm, offers = read_challenge(challenge)
            user = before.user if before is not None else ""
            answer = self.ask(Challenge(origin, status, realm, offers, user, bool(refused)))
            if answer is None:
                with self._guard:
                    self._declined.add(origin)
                return False
            self.set(origin, answer)
            return True

    def allow_asking(self, origin: Origin) -> None:
        """Ask again where the user had said no; called when something new is opened by hand."""
        with self._guard:
            self._declined.discard(origin)


def require_offer(challenge: Challenge) -> None:
    """Raise Unauthorised when a server only takes sign-ins that do not exist here."""
    if challenge.offers and not set(challenge.offers) & set(KINDS):
        raise Unauthorised(
            f"The server wants a sign-in of another kind ({', '.join(challenge.offers)})",
            where=str(challenge.origin),
            cure="Basic and Bearer can be given; ask whoever runs the server for one of them",
        )


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
"""The sign-ins of this process; the window gives it a way to ask, and the system's keyring."""
