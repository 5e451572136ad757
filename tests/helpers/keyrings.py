"""A keyring in memory, in the place of that of the person who runs the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError


class Drawer(KeyringBackend):
    """A keyring in memory."""

    priority = 5

    def __init__(self):
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service, username):
        if self.is_locked:
            raise KeyringError("locked: hunter2")
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        if self.is_locked:
            raise KeyringError("locked: " + password)
        self.kept[service, username] = password

    def delete_password(self, service, username):
        try:
            del self.kept[service, username]
        except KeyError as error:
            raise PasswordDeleteError("no such") from error


@contextmanager
def keyring_in_memory() -> Iterator[Drawer]:
    """Use a drawer of its own until the end of the block."""
    before = keyring.get_keyring()
    made = Drawer()
    keyring.set_keyring(made)
    try:
        yield made
    finally:
        keyring.set_keyring(before)
