"""Who asks: one identity for each origin, asked for once, seen by nobody else."""

import base64
import threading

import pytest

from loading.web.credentials import Challenge, Credentials, Identity, read_challenge
from loading.web.messages import origin_of

HERE = origin_of("https://pacs.example/dicom-web")
OTHERS = [
    origin_of(url)
    for url in (
        "http://pacs.example/dicom-web",
        "https://pacs.example:8443/dicom-web",
        "https://example/dicom-web",
        "https://pacs.example.evil.example/dicom-web",
    )
]
ANNA = Identity("basic", "anna", "hunter2:ä")


class Shelf:
    """A vault in memory."""

    def __init__(self, **kept):
        self.kept = dict(kept.get("kept", {}))
        self.reads = 0

    def read(self, origin):
        self.reads += 1
        return self.kept.get(origin)

    def forget(self, origin):
        self.kept.pop(origin, None)


def test_identities_say_who_they_are_on_the_line():
    assert ANNA.authorization == "Basic " + base64.b64encode("anna:hunter2:ä".encode()).decode()
    token = Identity("bearer", secret=" abc.def\r\nX-Evil: 1\n")
    assert token.authorization == "Bearer abc.defX-Evil:1"  # one line, whatever was pasted
    with pytest.raises(ValueError, match="kerberos"):
        Identity("kerberos")


def test_secrets_are_in_no_representation():
    challenge = Challenge(HERE, "PACS", ("basic",), "anna", True)
    credentials = Credentials()
    credentials.set(HERE, ANNA)
    for one in (ANNA, challenge, credentials, vars(credentials)):
        assert "hunter2" not in repr(one) + str(one)


def test_an_identity_is_for_its_origin_only():
    credentials = Credentials()
    credentials.set(HERE, ANNA)
    assert credentials.authorization(HERE) == ANNA.authorization
    assert [credentials.authorization(other) for other in OTHERS] == [""] * len(OTHERS)
    credentials.forget(HERE)
    assert credentials.authorization(HERE) == ""


def test_the_vault_is_read_when_a_server_asks_and_once():
    shelf = Shelf(kept={HERE: ANNA})
    credentials = Credentials(vault=shelf)
    assert credentials.authorization(HERE) == ""
    assert shelf.reads == 0
    assert credentials.refused(HERE, "Basic", "") == ANNA.authorization
    assert credentials.authorization(HERE) == ANNA.authorization
    # the server does not take it any more: nobody is there to be asked
    assert credentials.refused(HERE, "Basic", ANNA.authorization) == ""
    assert shelf.reads == 1
    credentials.forget(HERE)
    assert shelf.kept == {}


def test_many_refusals_ask_once_and_share_the_answer():
    """E4: an expired sign-in is asked for once."""
    asked, may_answer = [], threading.Event()

    def ask(challenge):
        asked.append(challenge)
        assert may_answer.wait(30)
        return ANNA

    credentials = Credentials(ask)
    answers = []

    def refuse():
        answers.append(credentials.refused(HERE, 'Basic realm="PACS"', ""))

    threads = [threading.Thread(target=refuse) for _ in range(8)]
    for thread in threads:
        thread.start()
    may_answer.set()
    for thread in threads:
        thread.join()
    assert asked == [Challenge(HERE, "PACS", ("basic",))]
    assert answers == [ANNA.authorization] * 8


def test_no_is_an_answer_until_something_is_opened_by_hand():
    asked: list[Challenge] = []
    credentials = Credentials(asked.append)
    assert credentials.refused(HERE, "", "") == ""
    assert credentials.refused(HERE, "", "") == ""
    assert len(asked) == 1
    credentials.allow_asking(HERE)
    credentials.refused(HERE, "", "")
    assert len(asked) == 2


def test_who_was_refused_is_told_when_asking_again():
    asked = []

    def ask(challenge):
        asked.append(challenge)
        return ANNA

    credentials = Credentials(ask)
    credentials.set(HERE, Identity("basic", "bob", "wrong"))
    sent = credentials.authorization(HERE)
    assert credentials.refused(HERE, 'Basic realm="x"', sent) == ANNA.authorization
    assert (asked[0].user, asked[0].was_signed_in) == ("bob", True)


@pytest.mark.parametrize(
    ("header", "realm", "offers"),
    [
        ("", "", ()),
        ("Basic", "", ("basic",)),
        ('Basic realm="Orthanc Secure Area"', "Orthanc Secure Area", ("basic",)),
        ('Bearer realm="a, \\"b\\"", error="invalid_token", Basic', 'a, "b"', ("bearer", "basic")),
        ("Negotiate, Digest realm=x, nonce=abc==, qop=auth", "x", ("negotiate", "digest")),
        ('Basic realm="never ends', "never ends", ("basic",)),
        ('Basic realm="a\nb\x1b[31m"', "ab[31m", ("basic",)),
        ('=,=,,"', "", ()),
    ],
)
def test_challenges_are_read(header, realm, offers):
    assert read_challenge(header) == (realm, offers)
