"""Everything that can go wrong, as one tree.

    LoadError                      what, where, what to do
    ├── SourceError                the bytes could not be had
    │   ├── NotFound               no such file, folder, member or resource
    │   ├── Unauthorised           the other side wants to know who asks
    │   ├── ServerError            the other side failed
    │   ├── Timeout                nothing came in time
    │   └── BadResponse            something came that is not what was asked for
    ├── DecodeError                the bytes are there, the picture is not
    │   ├── UnsupportedTransferSyntax   no decoder is installed
    │   └── CorruptFrame           the decoder or a check refused the frame
    ├── GeometryError              slices do not form the volume that was asked for
    ├── TooLarge                   more memory needed than there is
    └── Cancelled                  somebody said stop

The trouble of one chunk is data (a mark on the volume), not an exception that ends a load.
"""

from __future__ import annotations


class LoadError(Exception):
    """Raise when something could not be opened or read.

    Parameters
    ----------
    what : str
        What happened, in plain words, without a full stop.
    where : str
        File, member or address; shown as given.
    cure : str
        What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        self.what = what
        self.where = where
        self.cure = cure
        super().__init__(what, where, cure)

    def __str__(self) -> str:
        parts = [f"{self.what}: {self.where}" if self.where else self.what]
        if self.cure:
            parts.append(self.cure)
        return " ".join(part if part.endswith("?") else f"{part.rstrip('.')}." for part in parts)


def unexpected(error: Exception, where: str = "") -> LoadError:
    """Make an error of ours of one that nobody foresaw, at the border of the package."""
    return LoadError(f"Unexpected: {type(error).__name__}: {error}", where=where)


class SourceError(LoadError):
    """Raise when bytes could not be had."""


class NotFound(SourceError):
    """Raise when a file, folder, member or resource does not exist."""


class Unauthorised(SourceError):
    """Raise when the other side refuses without a sign-in."""


class ServerError(SourceError):
    """Raise when the other side failed."""


class Timeout(SourceError):
    """Raise when nothing came in time."""


class BadResponse(SourceError):
    """Raise when what came is not what was asked for."""


class DecodeError(LoadError):
    """Raise when bytes are there but no picture can be made of them."""


class UnsupportedTransferSyntax(DecodeError):
    """Raise when no installed decoder knows the encoding."""


class CorruptFrame(DecodeError):
    """Raise when a decoder, or a check before it, refused a frame."""


class GeometryError(LoadError):
    """Raise when slices do not form the volume that was asked for."""


class TooLarge(LoadError):
    """Raise when more memory is needed than there is."""


class Cancelled(LoadError):
    """Raise inside a read that was told to stop."""
