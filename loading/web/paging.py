"""Reading a long list page by page from servers that count in different ways.

Pure logic. A page that is shorter than asked for is no sign of the end (servers cap pages at what
they like); an empty page is, and so is one that brings nothing new (servers that ignore `offset`
give the first page for ever). Rows that come twice are shown once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Row = TypeVar("Row")

PAGE = 100
"""Rows asked for at once; every server that was looked at allows as many."""
MOST = 10_000
"""Nobody scrolls further; it ends servers that make up rows without end."""


class Pager(Generic[Row]):
    """Fetch the pages of one list.

    Parameters
    ----------
    fetch : callable
        Gets how many rows to pass over and how many to give, and gives rows.
    key_of : callable
        Gives what tells rows apart; rows with an empty key are left out.
    size, most : int
        Rows of a page; rows at which it ends in any case.

    Attributes
    ----------
    is_over : bool
        There is nothing more to fetch.
    is_cut : bool
        It ended though the server may have more.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Sequence[Row]],
        key_of: Callable[[Row], str],
        *,
        size: int = PAGE,
        most: int = MOST,
    ) -> None:
        self._fetch = fetch
        self._key_of = key_of
        self._size = size
        self._most = most
        self._offset = 0
        self._seen: set[str] = set()
        self._first: list[str] = []
        self.is_over = False
        self.is_cut = False

    @property
    def count(self) -> int:
        """Give how many rows there have been."""
        return len(self._seen)

    def more(self) -> list[Row]:
        """Fetch the next page and give what is new in it; empty when it is over."""
        if self.is_over:
            return []
        rows = self._fetch(self._offset, self._size)
        new = []
        for row in rows:
            key = self._key_of(row)
            if key and key not in self._seen:
                self._seen.add(key)
                new.append(row)
        if not new:
            self.is_over = True
            # the first page again, and it was full: the server cannot count on
            keys = [self._key_of(row) for row in rows]
            self.is_cut = len(rows) >= self._size and keys == self._first
        elif len(rows) > self._size:
            self.is_over = True  # it does not page at all: this is everything
        elif self.count >= self._most:
            self.is_over = self.is_cut = True
        if not self._offset:
            self._first = [self._key_of(row) for row in rows]
        self._offset += len(rows)
        return new
