"""Sign-ins in the keyring of the system: the only place where a secret outlives the program.

Looking into a keyring may ask the user to unlock it, so everything here may take long and belongs
on a thread of its own. A machine without a keyring is no error: `trouble` says so, and sign-ins
last until the program ends.
"""

from __future__ import annotations

import json
import logging

from loading.web.credentials import KINDS, Identity
from loading.web.messages import Origin

_log = logging.getLogger(__name__)

SERVICE = "voxtide"


class KeyringVault:
    """Keep identities by origin."""

    def read(self, origin: Origin) -> Identity | None:
        """Give what is kept; None for nothing, also when the keyring cannot be had."""
        import keyring

        if not self._is_there():
            return None
        try:
            text = keyring.get_password(SERVICE, str(origin))
            document = json.loads(text) if text else None
        except Exception as error:  # backends raise whatever their system gives them
            self._log("read", error)
            return None
        if not isinstance(document, dict) or document.get("kind") not in KINDS:
            return None
        user, secret = document.get("user", ""), document.get("secret", "")
        if not isinstance(user, str) or not isinstance(secret, str):
            return None
        return Identity(document["kind"], user, secret)

    def write(self, origin: Origin, identity: Identity) -> str:
        """Keep an identity; give a sentence when that cannot be done."""
        import keyring

        if sentence := self.trouble():
            return sentence
        fields = {"kind": identity.kind, "user": identity.user, "secret": identity.secret}
        try:
            keyring.set_password(SERVICE, str(origin), json.dumps(fields))
        except Exception as error:
            from app.language import tr

            self._log("write", error)
            return tr("The keyring did not take it; the sign-in lasts until Voxtide is closed.")
        return ""

    def forget(self, origin: Origin) -> None:
        """Take an identity out; what is not there is no trouble."""
        import keyring

        if not self._is_there():
            return
        try:
            if keyring.get_password(SERVICE, str(origin)) is not None:
                keyring.delete_password(SERVICE, str(origin))
        except Exception as error:
            self._log("forget", error)

    def trouble(self) -> str:
        """Say why nothing can be kept; empty when it can."""
        from app.language import tr  # Qt, which the command line does without

        if self._is_there():
            return ""
        return tr(
            "This computer has no keyring that is running; "
            "the sign-in lasts until Voxtide is closed."
        )

    def _is_there(self) -> bool:
        import keyring
        from keyring.backends import fail, null

        try:
            backend = keyring.get_keyring()
            works = backend.priority > 0
        except Exception as error:
            self._log("find", error)
            return False
        # keyrings.alt has files that anybody can read
        is_open = type(backend).__module__.startswith("keyrings.alt")
        return works and not is_open and not isinstance(backend, fail.Keyring | null.Keyring)

    def _log(self, verb: str, error: Exception) -> None:
        # the kind only: the text of a backend may hold what was to be kept
        _log.warning("the keyring could not %s: %s", verb, type(error).__name__)
