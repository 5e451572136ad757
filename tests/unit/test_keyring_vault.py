"""Sign-ins in the keyring: kept there and nowhere else, and no trouble where there is none."""

import keyring
import pytest
from keyring.backends import fail

from app.keyring_vault import KeyringVault
from loading.web.credentials import Credentials, Identity
from loading.web.messages import origin_of
from tests.helpers.keyrings import keyring_in_memory

HERE, THERE = origin_of("https://pacs.example/rs"), origin_of("https://pacs.example:8443/rs")
ANNA = Identity("basic", "anna", "hunter2:ä")
TOKEN = Identity("bearer", secret="abc")


@pytest.fixture
def drawer():
    with keyring_in_memory() as made:
        yield made


def test_what_is_kept_is_there_for_the_next_start_and_for_its_origin_only(drawer):
    vault = KeyringVault()
    assert vault.trouble() == ""
    assert vault.write(HERE, ANNA) == ""
    assert vault.write(THERE, TOKEN) == ""
    assert list(drawer.kept) == [
        ("voxtide", "https://pacs.example"),
        ("voxtide", "https://pacs.example:8443"),
    ]
    next_start = Credentials(vault=KeyringVault())
    assert next_start.refused(HERE, "Basic", "") == ANNA.authorization
    assert next_start.refused(THERE, "", "") == TOKEN.authorization
    next_start.forget(HERE)
    next_start.forget(HERE)
    assert KeyringVault().read(HERE) is None
    assert KeyringVault().read(THERE) == TOKEN


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"kind": "x"}', '{"kind": "basic", "user": 7}']
)
def test_what_others_left_in_the_drawer_is_no_identity(drawer, text):
    drawer.kept["voxtide", str(HERE)] = text
    assert KeyringVault().read(HERE) is None


def test_a_locked_drawer_is_told_and_its_words_are_not_repeated(drawer, caplog):
    drawer.is_locked = True
    vault = KeyringVault()
    assert vault.read(HERE) is None
    assert "lasts until Voxtide is closed" in vault.write(HERE, ANNA)
    vault.forget(HERE)
    assert "hunter2" not in caplog.text
    assert "KeyringError" in caplog.text


def test_a_machine_without_a_keyring_gets_a_sentence():
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    try:
        vault = KeyringVault()
        assert vault.trouble().startswith("This computer has no keyring")
        assert vault.write(HERE, ANNA) == vault.trouble()
        assert vault.read(HERE) is None
        vault.forget(HERE)
    finally:
        keyring.set_keyring(before)
