"""Bytes in memory, read like a file."""

from __future__ import annotations

from loading.sources.places import Buffer, ends_early


class Held:
    """Bytes with the name of the file that they came from."""

    stamp = 0

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self.size = len(data)

    def read_at(self, offset: int, count: int) -> bytes:
        """Give at most `count` bytes."""
        return self.data[offset : offset + count]

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill the buffer."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        part = self.data[offset : offset + len(view)]
        if len(part) < len(view):
            raise ends_early(self.name)
        view[:] = part

    def verify(self) -> None:
        """Accept: there is no check sum."""
