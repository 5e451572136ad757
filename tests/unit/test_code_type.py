"""Names of files in sentences: in code type where they stand, whatever they are called."""

import pytest

from app.code_type import marked_up


def code(name):
    return f"<span style=\"font-family: 'mono'\">{name}</span>"


@pytest.mark.parametrize(
    ("text", "names", "shown"),
    [
        (
            "No images found in \u201cpapers\u201d",
            ("papers",),
            f"No images found in {code('papers')}",
        ),
        ("It ends early (1.dcm).", ("1.dcm",), f"It ends early ({code('1.dcm')})."),
        ("/a/span. A span.", ("/a/span", "span"), f"{code('/a/span')}. A {code('span')}."),
        ("A case", ("a",), "A case"),
        ("\u201c<b>&\u201d was not opened", ("<b>&",), f"{code('&lt;b&gt;&amp;')} was not opened"),
        ("1 < 2", ("",), "1 &lt; 2"),
    ],
)
def test_names_are_marked_where_they_are_words(text, names, shown):
    assert marked_up(text, names, "mono") == shown
