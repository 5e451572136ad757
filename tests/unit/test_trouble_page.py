"""The troubleshooting page has every notice, in the words that the program uses."""

import runpy

from loading.notices import KINDS, NoticeKind, Severity
from tests.architecture.sources import ROOT

SCRIPT = runpy.run_path(str(ROOT / "packaging" / "write_trouble_page.py"))


def test_the_page_is_in_step_with_the_table():
    page = (ROOT / "docs" / "use" / "trouble.md").read_text("utf-8")
    assert page == SCRIPT["with_table"](page, KINDS.values()), "run: make docs"


def test_blanks_become_dots_and_the_worst_comes_first():
    kinds = [
        NoticeKind("small", Severity.INFO, "Seen {count} times."),
        NoticeKind("grave", Severity.ERROR, "At {degrees:.1f} degrees | bad.", "Stop."),
    ]
    rows = SCRIPT["table"](kinds).splitlines()
    assert rows[2] == "| `grave` | error | At … degrees \\| bad. | Stop. |"
    assert rows[3] == "| `small` | info | Seen … times. |  |"
