"""P1: retrieve options are data that is checked, and do what they say."""

from pathlib import Path

import numpy as np
import pytest

import loading
from loading.web import retrieve_options
from loading.web.retrieve_options import DESCRIPTIONS, OptionsError, RetrieveOptions, parse, read
from loading.web.wado import forget_habits
from tests.helpers.dicomweb_store import Store, phantom
from tests.helpers.web_loads import measured_as
from tests.helpers.web_server import WebServer

ROOT = Path(__file__).resolve().parents[2]
SYNTAX = "1.2.840.10008.1.2.4.202"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[retrieve]]\ninitialBytes = 5", r"retrieve\[0\].initialBytes"),
        ("[[retrieve]]\n[[retrieve]]\nranges = 'yes'", r"retrieve\[1\].ranges"),
        ("[[retrieve]]\nprefix_bytes = true", "prefix_bytes"),
        ("[[retrieve]]\ndecode_level = 9", "decode_level"),
        ("[[retrieve]]\nframes_path = '../..'", "frames_path"),
        ("[[retrieve]]\nwado_uri = 'file:///x'", "wado_uri"),
        ("[[retrieve]]\nsyntax = 5", "syntax"),
        ("[retrieve]\nranges = 'auto'", "list"),
        ("[other]\nx = 1", "other"),
        ("retrieve = [", "TOML"),
    ],
)
def test_what_cannot_be_is_an_error_with_its_place(tmp_path, text, words):
    """P1: an unknown key or a value that cannot be names where it stands."""
    path = tmp_path / "retrieve.toml"
    path.write_text(text)
    with pytest.raises(OptionsError, match=words) as raised:
        read(path)
    assert str(path) in str(raised.value)


def test_later_tables_win_and_only_where_they_fit():
    table = parse(
        {
            "retrieve": [
                {"prefix_bytes": 1000, "concurrency": 4},
                {"server": "https://a.example/web/", "prefix_bytes": 2000},
                {"syntax": SYNTAX, "ranges": "never"},
            ]
        }
    )
    assert table.for_frames("https://b.example/web", "") == RetrieveOptions(
        prefix_bytes=1000, concurrency=4
    )
    both = table.for_frames("https://a.example/web", SYNTAX)
    assert (both.prefix_bytes, both.concurrency, both.ranges) == (2000, 4, "never")


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("prefix_bytes = 3000", lambda asked: any("bytes=0-2999" in h for h in ranges(asked))),
        ("ranges = 'never'", lambda asked: not ranges(asked)),
        ("partial = false", lambda asked: all(h.endswith("-") for h in ranges(asked))),
        (
            "chunk_bytes = 4096",
            lambda asked: all(4096 in sizes_of_rests(asked, k) for k in (0, 1, 3)),
        ),
        ("url_arguments = 'a=b'", lambda asked: all(one.query == {"a": ["b"]} for one in asked)),
        ("accept = 'no accept'", lambda asked: all("accept" not in o.headers for o in asked)),
        ("concurrency = 1", lambda asked: len({one.connection for one in asked}) == 1),
        ("decode_level = 2", lambda asked: 0 < least_first(asked) < 32 * 32 * 2),
        ("streaming = false", lambda asked: bool(asked)),
        ("frames_path = 'frames'", lambda asked: bool(asked)),
    ],
)
def test_each_option_does_what_it_says(tmp_path, monkeypatch, text, check):
    """P1: seen at the server; the volume is right whatever is said."""
    path = tmp_path / "retrieve.toml"
    path.write_text("[[retrieve]]\n" + text)
    monkeypatch.setenv(retrieve_options.VARIABLE, str(path))
    measured_as(monkeypatch, rtt_s=0.04, rate=1e5)
    forget_habits()
    store = Store(phantom(4, 128))
    with WebServer(store) as server:
        entry = loading.choose(loading.describe(server.url + store.path))
        with loading.open_entry(entry) as volume:
            assert volume.wait(60) is loading.LoadState.COMPLETE
            assert np.array_equal(volume.array, store.volume)
        asked = [one for one in server.asked if store.slice_of(one) is not None]
    assert check(asked)


def sizes_of_rests(asked, k):
    """Give how many bytes were asked for at once of a slice, behind its first ones."""
    spans = [one.span for one in asked if one.path.split("/")[-3].endswith(f".{k + 1}")]
    return {span[1] - span[0] for span in spans if span[0] and span[1]}


def least_first(asked):
    """Give the fewest bytes that were asked for as the beginning of a frame."""
    return min((one.span[1] for one in asked if one.span[0] == 0 and one.span[1]), default=0)


def ranges(asked):
    return [one.headers["range"] for one in asked if "range" in one.headers]


def test_a_bad_file_is_told_when_something_is_opened(tmp_path, monkeypatch):
    monkeypatch.setenv(retrieve_options.VARIABLE, str(tmp_path / "none.toml"))
    store = Store(phantom(2, 64))
    with WebServer(store) as server:
        entry = loading.choose(loading.describe(server.url + store.path))
        with pytest.raises(OptionsError):
            entry.open()


def test_the_page_has_a_row_for_each_option():
    page = (ROOT / "docs" / "dicomweb.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows[: len(DESCRIPTIONS)]] == list(DESCRIPTIONS)
    for key, words in DESCRIPTIONS.items():
        assert any(row.startswith(f"| `{key}` | {words} |") for row in rows)
