"""How the line to one server is divided among the volumes that load over it at once.

Each has a part of what may be under way, by how much of the screen it has; one that nobody sees
asks only while the others want nothing. Used on the network thread.
"""

from __future__ import annotations

from collections.abc import Callable


class Share:
    """What one volume has of a line.

    Attributes
    ----------
    weight : float
        How much of the screen shows it; 0: nothing.
    is_waiting : bool
        It was told that there is no room; `look` is called when that may have changed.
    wants : callable
        Tells whether it has something to ask for.
    under_way : int
        Slices that are asked for.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self.look = look
        self.wants: Callable[[], bool] = lambda: False
        self.weight = 1.0
        self.is_waiting = False
        self.under_way = 0

    @property
    def is_busy(self) -> bool:
        """Tell whether it wants something of the line."""
        return self.under_way > 0 or self.wants()


class Shares:
    """The volumes that load from one server."""

    def __init__(self) -> None:
        self._members: list[Share] = []

    def join(self, share: Share) -> None:
        """Count a volume in, whose load begins."""
        if share not in self._members:
            self._members.append(share)

    def leave(self, share: Share) -> None:
        """Count a volume out, whose load is over; the others have its part from now on."""
        if share in self._members:
            self._members.remove(share)
            share.is_waiting = False
            self.freed(share)

    def part_of(self, share: Share) -> float:
        """Give which part of the line is a volume's, 0 to 1."""
        others = [one for one in self._members if one is not share and one.is_busy]
        total = share.weight + sum(one.weight for one in others)
        if total <= 0:
            return 1 / (1 + len(others))
        return share.weight / total

    def freed(self, by: Share) -> None:
        """Have the others look whether there is room: one of `by`'s requests is over."""
        for share in [one for one in self._members if one is not by and one.is_waiting]:
            share.look()
