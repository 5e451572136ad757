"""Find what was typed into the palette: fuzzy by words, what was used last comes first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """One row of the palette.

    Attributes
    ----------
    key : str
        Names the row between two openings of the palette ("command:view.fit").
    reason : str
        Why it cannot be run now; empty when it can.
    """

    key: str
    title: str
    path: str = ""
    shortcut: str = ""
    reason: str = ""
    run: Callable[[], object] | None = None


def rank(query: str, hits: Sequence[Hit], recent: Sequence[str] = (), limit: int = 60) -> list[Hit]:
    """Order the rows that match a query, best first.

    Every word of the query must be found in title, path or shortcut: as the start of a word, else
    inside one, else as its letters in order. Rows used lately win among equals.
    """
    words = query.casefold().split()
    freshness = {key: len(recent) - place for place, key in enumerate(recent)}
    scored = []
    for place, hit in enumerate(hits):
        score = _score(words, hit)
        if score is not None:
            fresh = freshness.get(hit.key, 0)
            scored.append((-(score + 0.5 * bool(fresh)), -fresh, bool(hit.reason), place, hit))
    scored.sort(key=lambda row: row[:4])
    return [row[4] for row in scored[:limit]]


def parse_slice(query: str) -> int | None:
    """Read a leading digit as "go to slice": "212" gives 212, one-based."""
    return int(query) if re.fullmatch(r"\d{1,7}", query.strip()) else None


def parse_window(query: str) -> tuple[float, float] | None:
    """Read "w 400 40" as window 400, level 40."""
    number = r"([+-]?\d+(?:\.\d+)?)"
    found = re.fullmatch(rf"w\s+{number}[\s,/]+{number}", query.strip(), re.IGNORECASE)
    if found is None:
        return None
    window, level = float(found[1]), float(found[2])
    return (window, level) if window > 0 else None


def _score(words: Sequence[str], hit: Hit) -> float | None:
    title, rest = hit.title.casefold(), f"{hit.path} {hit.shortcut}".casefold()
    total = 0.0
    for word in words:
        best = _score_word(word, title)
        if best is None:
            best = _score_word(word, rest)
            if best is None:
                return None
            best *= 0.4
        total += best
    return total


def _score_word(word: str, text: str) -> float | None:
    if text.startswith(word):
        return 4.0
    if re.search(rf"\b{re.escape(word)}", text):
        return 3.0
    if word in text:
        return 2.0
    # letters in order, from the start of a word: "sft" finds "soft tissue"
    if len(word) > 1:
        pattern = r"\b" + r"[^\s]*?".join(re.escape(letter) for letter in word)
        if re.search(pattern, text):
            return 1.0
    return None
