import pytest

from app.search import Hit, parse_slice, parse_window, rank

ROWS = [
    Hit("1", "Soft tissue  400 / 40", "Image > Window", "2"),
    Hit("2", "Save picture", "File", "Ctrl+Shift+S"),
    Hit("3", "Copy picture", "Edit", "Ctrl+C"),
    Hit("4", "Reset this view", "View", "R"),
    Hit("5", "Reset camera", "3D", reason="nothing is open"),
]


def titles(query, recent=()):
    return [hit.title for hit in rank(query, ROWS, recent)]


def test_nothing_typed_shows_everything_in_order_of_the_menus():
    assert titles("") == [
        "Soft tissue  400 / 40", "Save picture", "Copy picture", "Reset this view", "Reset camera",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("pic", "Save picture"),
        ("copy pic", "Copy picture"),
        ("sft", "Soft tissue  400 / 40"),
        ("RESET cam", "Reset camera"),
        ("window soft", "Soft tissue  400 / 40"),
        ("ctrl+c", "Copy picture"),
    ],
)
def test_words_find_their_row(query, first):
    assert titles(query)[0] == first


def test_every_word_must_be_found():
    assert titles("reset zebra") == []


def test_what_was_used_last_comes_first_among_equals():
    assert titles("pic", recent=("3",))[0] == "Copy picture"
    assert titles("", recent=("4", "3"))[:2] == ["Reset this view", "Copy picture"]


def test_what_cannot_be_run_stays_in_the_list_after_its_equals():
    assert titles("reset") == ["Reset this view", "Reset camera"]


@pytest.mark.parametrize(("text", "number"), [("212", 212), (" 7 ", 7), ("7a", None), ("", None)])
def test_a_number_is_a_slice(text, number):
    assert parse_slice(text) == number


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("w 400 40", (400.0, 40.0)),
        ("W 1500 -600", (1500.0, -600.0)),
        ("w 4.5, 2.25", (4.5, 2.25)),
        ("w 0 40", None),
        ("w 400", None),
        ("window", None),
    ],
)
def test_w_and_two_numbers_are_a_window(text, window):
    assert parse_window(text) == window
