"""A language whose words are 40 percent longer, as German and Finnish ones are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QCoreApplication, QTranslator

MARK = "\u00f1"
"""What every text that went through the translation ends with; no English one does."""


class Longer(QTranslator):
    """Lengthen every text that asks to be translated."""

    def translate(
        self, context: str, source: str, disambiguation: str | None = None, n: int = -1
    ) -> str:
        """Give the text with two fifths of its length added."""
        return source + MARK * math.ceil(0.4 * len(source)) if source else source

    def isEmpty(self) -> bool:
        """Say that there are translations."""
        return False


@contextmanager
def longer_words() -> Iterator[None]:
    """Let the program speak that language for a while."""
    translator = Longer()
    QCoreApplication.installTranslator(translator)
    try:
        yield
    finally:
        QCoreApplication.removeTranslator(translator)
