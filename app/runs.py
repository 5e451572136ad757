"""What each run leaves while it lives: what is open, and where a native crash writes its stacks.

A run has a folder `runs/PID-TIME` with `open.json` and `crash.log`; the latter is locked as long
as the process lives, and the system lets go of the lock however it ends. A run that closes takes
its folder away; what a later start finds unlocked ended badly, and is offered to be opened again.
Nothing is kept of what is open when recent items are switched off.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.settings import read_json, write_json

_log = logging.getLogger(__name__)

FORMAT_VERSION = 1
MOST_URIS = 20
LONGEST_REPORT = 64_000


@dataclass(frozen=True, slots=True)
class Ended:
    """What runs that ended badly left.

    Attributes
    ----------
    uris : tuple of tuple of str
        What was open: each entry was opened by one drop.
    report : str
        The stacks of a native crash; empty when the process was killed from outside.
    """

    uris: tuple[tuple[str, ...], ...]
    report: str


class Run:
    """The folder of this run; without one, when nothing can be written, everything is a no-op."""

    def __init__(self, state_folder: Path) -> None:
        self._runs = state_folder / "runs"
        name = f"{os.getpid()}-{time.time_ns():x}"
        self._folder: Path | None = None
        self.crash_file: IO[str] | None = None
        made = self._runs / f".{name}"
        try:
            made.mkdir(parents=True, mode=0o700)
            self.crash_file = (made / "crash.log").open("a", encoding="utf-8")
            if _locked(self.crash_file):
                # only now others see it: what they see is locked
                self._folder = made.rename(self._runs / name)
        except OSError as error:
            _log.warning("what is open cannot be kept: %s", error.strerror)
        if self._folder is None:
            # some network folders know no locks
            if self.crash_file is not None:
                self.crash_file.close()
                self.crash_file = None
            shutil.rmtree(made, ignore_errors=True)

    def keep(self, opened: Sequence[Sequence[str]]) -> None:
        """Keep what is open now."""
        if self._folder is not None:
            listed = [list(uris) for uris in opened][:MOST_URIS]
            write_json(self._folder / "open.json", {"version": FORMAT_VERSION, "open": listed})

    def end(self) -> None:
        """Leave nothing behind: this run ends well."""
        if self.crash_file is not None:
            self.crash_file.close()
            self.crash_file = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def claim(self) -> Ended | None:
        """Take what runs that ended badly left, away from the disk; None when all ended well."""
        found: dict[tuple[str, ...], None] = {}
        reports = []
        try:
            folders = sorted(self._runs.iterdir())
        except OSError:
            return None
        is_bad = False
        for folder in folders:
            if folder == self._folder or folder.name.startswith("."):
                continue
            with contextlib.suppress(OSError):
                left = _take(folder)
                if left is not None:
                    is_bad = True
                    found.update(dict.fromkeys(left.uris))
                    reports += [left.report] if left.report else []
        return Ended(tuple(found)[:MOST_URIS], "\n".join(reports)) if is_bad else None


def _take(folder: Path) -> Ended | None:
    """Read and remove the folder of a run that is dead; None while it lives."""
    with (folder / "crash.log").open("a+", encoding="utf-8", errors="replace") as file:
        if not _locked(file):
            return None
        file.seek(0)
        report = file.read(LONGEST_REPORT)
        document, _ = read_json(folder / "open.json")
    shutil.rmtree(folder)
    return Ended(_understood(document or {}), report.strip())


def _understood(document: dict[str, object]) -> tuple[tuple[str, ...], ...]:
    listed = document.get("open")
    return tuple(
        tuple(entry)
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, list) and entry and all(isinstance(uri, str) for uri in entry)
    )


def _locked(file: IO[str]) -> bool:
    """Lock a file for this process; tell whether nobody else has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
