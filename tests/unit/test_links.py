"""What a link from a web page may do: open one address of the web, and nothing else."""

import pytest

from app.links import LinkRefused, address_of, host_of, is_link


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("voxtide://open?url=https%3A%2F%2Fpacs.example%2Fstudies%2F1", "https://pacs.example/studies/1"),
        ("VOXTIDE://open?url=https%3A%2F%2Fa.example%3A8443%2F%3Fx%3D1%26y", "https://a.example:8443/?x=1&y"),
        ("voxtide:open?url=https://a.example/b", "https://a.example/b"),
        ("voxtide://open/?url=http%3A%2F%2Flocalhost%3A8042%2F", "http://localhost:8042/"),
        ("voxtide://open?url=http%3A%2F%2F%5B%3A%3A1%5D%3A8042%2F", "http://[::1]:8042/"),
    ],
)  # fmt: skip
def test_a_good_link(link, address):
    assert is_link(link)
    assert address_of(link) == address


@pytest.mark.parametrize(
    "link",
    [
        "voxtide://open?url=ftp%3A%2F%2Fpacs.example%2F",
        "voxtide://open?url=file%3A%2F%2F%2Fetc%2Fpasswd",
        "voxtide://open?url=%2Fetc%2Fpasswd",
        "voxtide://open?url=https%3A%2F%2Fname%3Asecret%40a.example%2F",
        "voxtide://open?url=https%3A%2F%2Fname%40a.example%2F",
        "voxtide://open?url=https%3A%2F%2Flocalhost%40evil.example%2F",
        "voxtide://open?url=https%3A%2F%2Fa%0Ab%2F",
        "voxtide://open?url=https%3A%2F%2Fa.example%5C%40b%2F",
        "voxtide://open?url=https%3A%2F%2F%2Fpath",
        "voxtide://open?url=https://a.example&url=https://b.example",
        "voxtide://open?url=https://a.example&run=1",
        "voxtide://open?path=https://a.example",
        "voxtide://run?url=https://a.example",
        "voxtide://open",
        "voxtide:",
        "voxtide://open?url=https://[::1",
        "voxtide://open?url=https://a.example/" + "x" * 5000,
        "voxtide://open?url=voxtide%3A%2F%2Fopen",
        "voxtide://open ?url=https://a.example",
        "voxtide://open?url=https://a.example:99999/",
        "voxtide://open?url=https://" + "a" * 70 + ".example/",
    ],
)
def test_everything_else_is_refused_with_a_sentence(link):
    with pytest.raises(LinkRefused, match=r"^The link .*\.$"):
        address_of(link)


def test_a_path_is_no_link():
    assert not is_link("scans/voxtide:/open")
    assert not is_link("voxtide")


def test_the_host_is_shown_as_it_is_asked_for():
    assert host_of("https://a.example/b") == "a.example"
    assert host_of("https://a.example:8443/") == "a.example:8443"
    # a Cyrillic a
    assert host_of("https://p\u0430cs.example/").startswith("xn--pcs-")
