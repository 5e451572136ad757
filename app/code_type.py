"""Names of files and details in code type: in sentences, and in boxes to read and copy."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPlainTextEdit

from app.theme import code_font


def details_box(text: str) -> QPlainTextEdit:
    """Make a box with text to read and copy, in code type; drops go to the window."""
    made = QPlainTextEdit(text)
    made.setReadOnly(True)
    made.setFont(code_font())
    made.setAcceptDrops(False)
    return made


class Words(QLabel):
    """Sentences in which the names of files stand in code type; `text` gives them plain."""

    def __init__(self, role: str = "", *, wrap: bool = False) -> None:
        super().__init__()
        self._plain = ""
        self.setTextFormat(Qt.TextFormat.RichText)
        if role:
            self.setProperty("role", role)
        self.setWordWrap(wrap)

    def show_words(self, text: str, names: Sequence[str] = ()) -> None:
        """Show a text; where one of the names stands between quotation marks, they go."""
        self._plain = text
        self.setAccessibleName(text)
        self.setText(f"<div>{marked_up(text, names, code_font().family())}</div>" if text else "")

    def text(self) -> str:
        """Give what it says, without any marks."""
        return self._plain


def marked_up(text: str, names: Sequence[str], family: str) -> str:
    """Write a text as rich text with the names, where they stand as words, in another font."""
    wanted = sorted((re.escape(name) for name in names if name), key=len, reverse=True)
    if not wanted:
        return html.escape(text)
    made, done = "", 0
    either = "|".join(wanted)
    for found in re.finditer(rf"\u201c({either})\u201d|(?<!\w)({either})(?!\w)", text):
        name = html.escape(found[1] or found[2])
        made += html.escape(text[done : found.start()])
        made += f"<span style=\"font-family: '{html.escape(family)}'\">{name}</span>"
        done = found.end()
    return made + html.escape(text[done:])
