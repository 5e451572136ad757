"""Undo and redo for values that are replaced, never changed in place."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")
LIMIT = 200


class History(Generic[T]):
    """Remember states; changes that carry the same gesture become one step.

    Parameters
    ----------
    first : T
        The state before any change.
    """

    def __init__(self, first: T) -> None:
        self._past: list[T] = []
        self._future: list[T] = []
        self._now = first
        self._gesture: object = None

    @property
    def now(self) -> T:
        """Give the present state."""
        return self._now

    @property
    def can_undo(self) -> bool:
        """Tell whether there is an older state."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Tell whether a step was taken back."""
        return bool(self._future)

    def push(self, state: T, gesture: object = None) -> bool:
        """Make `state` the present one and tell whether it differs from the last.

        Parameters
        ----------
        gesture : object, optional
            One drag of the mouse passes one object: its many changes are undone together.
        """
        if state == self._now:
            return False
        if gesture is None or gesture != self._gesture:
            self._past.append(self._now)
            del self._past[:-LIMIT]
        self._gesture = gesture
        self._future.clear()
        self._now = state
        return True

    def put(self, state: T) -> bool:
        """Replace the present state without a step to go back to; tell whether it differs."""
        changed = state != self._now
        self._now = state
        return changed

    def undo(self) -> bool:
        """Go one step back, if there is one."""
        if not self._past:
            return False
        self._future.append(self._now)
        self._now = self._past.pop()
        self._gesture = None
        return True

    def redo(self) -> bool:
        """Go one step forward again, if one was taken back."""
        if not self._future:
            return False
        self._past.append(self._now)
        self._now = self._future.pop()
        self._gesture = None
        return True

    def clear(self, first: T) -> None:
        """Start anew with `first`."""
        self._past.clear()
        self._future.clear()
        self._now = first
        self._gesture = None
