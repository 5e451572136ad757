"""Encoded frames kept on the disk, so that opening again needs no pixel from the line.

One file a frame, below a folder of the user's own (mode 0700). Its name is a keyed hash of the
address: the key lies in the folder, so a name says nothing to who has only a list of names. The
file begins with one line of JSON (validator, media type, check sum); whatever does not agree with
its check sum is thrown away. Files appear whole or not at all, and the least recently used go when
the limit is passed. A disk that is full or gone is no error of a load: the cache goes quiet, and
`trouble` says why.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

FORMAT = 1
_KEY_FILE = "key"
_SUFFIX = ".frame"
_PART = ".part"
_KEPT_SHARE = 0.9
"""Down to which part of the limit the cache is emptied, so that not every frame empties it."""
_LONGEST_HEAD = 4096
_LEFTOVER_S = 3600.0
"""A file that was not finished for so long belongs to nobody any more."""


@dataclass(frozen=True, slots=True)
class CachedFrame:
    """A frame as the server sent it.

    Attributes
    ----------
    data : bytes
        The encoded frame, without any envelope.
    syntax : str
        Transfer syntax UID; empty where it was not told.
    validator : str
        The server's ETag or date of change for this body; empty for none.
    """

    data: bytes
    syntax: str = ""
    validator: str = ""


class FrameCache:
    """A bounded folder of encoded frames; may be used from any thread and by several processes.

    Parameters
    ----------
    folder : Path
        Is made when the first frame is kept.
    limit_bytes : int
        What all files together may take.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.trouble = ""
        self._key = b""
        self._guard = threading.Lock()
        # None: the folder has not been counted yet
        self._size: int | None = None

    def get(self, url: str, version: str = "") -> CachedFrame | None:
        """Give a frame, or None.

        Parameters
        ----------
        url : str
            Address of the frame, without anything secret.
        version : str
            What the frame belongs to (a hash of the instance's metadata, say): a frame that was
            kept under another version is not given.
        """
        try:
            path = self._path(url, version, make=False)
            with path.open("rb") as file:
                head = json.loads(file.readline(_LONGEST_HEAD))
                data = file.read()
            whole = head["format"] == FORMAT and head["sum"] == _check_sum(data)
            frame = CachedFrame(data, str(head["syntax"]), str(head["validator"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(error)
            return None
        except (ValueError, KeyError, TypeError):
            whole, frame = False, None
        if not whole or frame is None:
            self._remove(path)
            return None
        # the time of change is the time of last use
        with contextlib.suppress(OSError):
            os.utime(path)
        return frame

    def put(self, url: str, frame: CachedFrame, version: str = "") -> None:
        """Keep a frame; what is larger than a quarter of the limit is not kept."""
        if self.trouble or len(frame.data) > self.limit_bytes // 4 or url.startswith(_left_out):
            return
        head = {
            "format": FORMAT,
            "sum": _check_sum(frame.data),
            "syntax": frame.syntax,
            "validator": frame.validator,
        }
        line = json.dumps(head).encode() + b"\n"
        if len(line) > _LONGEST_HEAD:
            return
        try:
            path = self._path(url, version, make=True)
            before = path.stat().st_size if path.exists() else 0
            _write_whole(path, line, frame.data)
        except FileNotFoundError:  # another process has just cleared the folder
            self._key = b""
            return
        except OSError as error:
            self._tell(error)
            return
        self._grow(len(line) + len(frame.data) - before)

    @property
    def size_bytes(self) -> int:
        """Give what all frames together take; counts the files when that is not known."""
        with self._guard:
            if self._size is None:
                self._size = sum(size for _, _, size in self._files())
            return self._size

    def clear(self) -> None:
        """Throw everything away, the key included: old names mean nothing any more."""
        with self._guard:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._key, self._size, self.trouble = b"", 0, ""

    # -- files -------------------------------------------------------------------------------------

    def _path(self, url: str, version: str, *, make: bool) -> Path:
        key = self._key or self._read_key(make=make)
        text = f"{url}\0{version}".encode()
        name = hashlib.blake2b(text, key=key, digest_size=20).hexdigest()
        folder = self.folder / name[:2]
        if make:
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder / (name + _SUFFIX)

    def _read_key(self, *, make: bool) -> bytes:
        """Read the key of the names, or make one; of several processes one wins."""
        path = self.folder / _KEY_FILE
        with self._guard:
            if make and not path.exists():
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle, part = tempfile.mkstemp(dir=self.folder, suffix=_PART)
                with os.fdopen(handle, "wb") as file:
                    file.write(secrets.token_bytes(32))
                try:
                    # a link, unlike a rename, does not replace another process's key
                    os.link(part, path)
                except FileExistsError:
                    pass
                except OSError:  # a file system without links
                    Path(part).replace(path)
                Path(part).unlink(missing_ok=True)
            self._key = path.read_bytes()[:64]
            return self._key

    def _files(self) -> list[tuple[float, Path, int]]:
        """List frames as (time of last use, path, bytes); leftovers of a killed process go."""
        found = []
        for part in self.folder.glob(f"**/*{_PART}"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > _LEFTOVER_S:
                    part.unlink()
        for path in self.folder.glob(f"*/*{_SUFFIX}"):
            with contextlib.suppress(OSError):
                about = path.stat()
                found.append((about.st_mtime, path, about.st_size))
        return found

    def _grow(self, count: int) -> None:
        """Count what was added, and make room when it is too much."""
        with self._guard:
            if self._size is not None:
                self._size += count
                if self._size <= self.limit_bytes:
                    return
            # others may have added or removed: count anew
            files = sorted(self._files(), key=lambda one: one[0])
            size = sum(one[2] for one in files)
            if size > self.limit_bytes:
                for _, path, taken in files:
                    if size <= self.limit_bytes * _KEPT_SHARE:
                        break
                    with contextlib.suppress(OSError):
                        path.unlink()
                        size -= taken
            self._size = size

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink()
        with self._guard:
            self._size = None

    def _tell(self, error: OSError) -> None:
        if not self.trouble:
            self.trouble = f"Frames are not kept on the disk: {error.strerror}"
            _log.warning("the frame cache is off: %s", error.strerror)


def _check_sum(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _write_whole(path: Path, head: bytes, data: bytes) -> None:
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=_PART)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(head)
            file.write(data)
        Path(part).replace(path)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise


_current: FrameCache | None = None
_left_out: tuple[str, ...] = ()


def use(cache: FrameCache | None) -> None:
    """Keep frames in this cache from now on; None, as at the start: keep none."""
    global _current
    _current = cache


def current() -> FrameCache | None:
    """Give the cache of this process; None while frames are not kept."""
    return _current


def leave_out(root: str) -> None:
    """Keep nothing of a server: one that is gone when this process ends, say."""
    global _left_out
    _left_out = (*_left_out, root)
