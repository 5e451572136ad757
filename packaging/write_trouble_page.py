"""Write the table of notices in docs/use/trouble.md from the one in loading/notices.py.

python packaging/write_trouble_page.py
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from loading.notices import KINDS, NoticeKind, Severity

PAGE = Path(__file__).resolve().parents[1] / "docs" / "use" / "trouble.md"
BEGIN, END = "<!-- notices begin -->\n", "<!-- notices end -->\n"
_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def table(kinds: Iterable[NoticeKind]) -> str:
    """Make the table, worst first; what a notice fills in is shown as three dots."""
    rows = ["| Code | Severity | What it says | What to do |", "| --- | --- | --- | --- |"]
    for kind in sorted(kinds, key=lambda kind: (_ORDER.index(kind.severity), kind.code)):
        sentence = re.sub(r"\{[^}]*\}", "…", kind.sentence).replace("|", "\\|")
        if not sentence.strip("…. "):
            sentence = "What happened, and where."
        rows.append(f"| `{kind.code}` | {kind.severity.value} | {sentence} | {kind.cure} |")
    return "\n".join(rows) + "\n"


def with_table(page: str, kinds: Iterable[NoticeKind]) -> str:
    """Give the page with what stands between the two marks replaced."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table(kinds) + END + after


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), KINDS.values()), "utf-8")
    sys.stdout.write(f"{PAGE}: {len(KINDS)} notices\n")
