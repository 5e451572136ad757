"""Undo and redo for frozen dataclasses that are replaced, never changed in place."""

from __future__ import annotations

from dataclasses import Field, dataclass, fields, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

LIMIT = 200


class Dataclass(Protocol):
    """What every dataclass has."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


T = TypeVar("T", bound=Dataclass)


@dataclass(frozen=True, slots=True)
class _Step:
    """What one change did: the fields it touched, as they were and as it left them."""

    before: dict[str, Any]
    after: dict[str, Any]


class History(Generic[T]):
    """Remember changes; those that carry the same gesture become one step.

    A step remembers only the fields that it changed, so that taking it back leaves alone what
    changed beside it without being a step (`put`).

    Parameters
    ----------
    first : T
        The state before any change.
    """

    def __init__(self, first: T) -> None:
        self._past: list[_Step] = []
        self._future: list[_Step] = []
        self._now = first
        self._gesture: object = None

    @property
    def now(self) -> T:
        """Give the present state."""
        return self._now

    @property
    def can_undo(self) -> bool:
        """Tell whether there is a step to take back."""
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
        step = _difference(self._now, state)
        if not step.after:
            return False
        if self._past and gesture is not None and gesture == self._gesture:
            step = _joined(self._past.pop(), step)
        self._past.append(step)
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
        """Take the last step back, if there is one."""
        if not self._past:
            return False
        step = self._past.pop()
        self._future.append(step)
        self._now = replace(self._now, **step.before)
        self._gesture = None
        return True

    def redo(self) -> bool:
        """Do again the step that was taken back last, if there is one."""
        if not self._future:
            return False
        step = self._future.pop()
        self._past.append(step)
        self._now = replace(self._now, **step.after)
        self._gesture = None
        return True

    def clear(self, first: T) -> None:
        """Start anew with `first`."""
        self._past.clear()
        self._future.clear()
        self._now = first
        self._gesture = None


def _difference(before: Dataclass, after: Dataclass) -> _Step:
    names = [
        one.name for one in fields(before) if getattr(before, one.name) != getattr(after, one.name)
    ]
    return _Step(
        {name: getattr(before, name) for name in names},
        {name: getattr(after, name) for name in names},
    )


def _joined(first: _Step, second: _Step) -> _Step:
    return _Step(second.before | first.before, first.after | second.after)
