"""One rotating log file for everything unexpected: Python, Qt, native crashes.

Nothing is sent anywhere. Names, ids and tokens never reach the file: the program does not log
them, and a filter shortens UIDs and cuts query strings from addresses, in case a library does.
"""

from __future__ import annotations

import faulthandler
import logging
import re
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_log = logging.getLogger(__name__)
_qt_log = logging.getLogger("qt")

FILE_BYTES = 1_000_000
FILE_COUNT = 5

_UID = re.compile(r"\b(?:[0-2](?:\.\d+){4,})\.(\d+)\b")
_QUERY = re.compile(r"(https?://[^\s?#]*)\?\S*")
_SIGNED_IN = re.compile(r"(://)[^/\s@]+@")
_TOKEN = re.compile(r"(?i)\b(authorization\b[=: ]+(?:\w+ +)?|(?:bearer|token|password)\b[=: ]+)\S+")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def redact(text: str) -> str:
    """Shorten UIDs to their last component and take secrets out of addresses."""
    text = _UID.sub("\u2026\\1", text)
    text = _SIGNED_IN.sub(r"\1", text)
    text = _QUERY.sub(r"\1", text)
    return _TOKEN.sub("\\1\u2026", text)


class RedactingFormatter(logging.Formatter):
    """Format a record and redact the whole of it, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        return redact(super().format(record))


def start_logging(folder: Path, crash_file: IO[str] | None) -> None:
    """Send log records, unhandled exceptions and Qt's messages to a file in `folder`.

    When the folder cannot be written the program runs without a log. A native crash writes its
    stacks into `crash_file`, which must stay open.
    """
    if crash_file is not None:
        faulthandler.enable(crash_file)
    # a full disk must not fill the terminal with the log's own troubles
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    sys.excepthook = _unhandled
    threading.excepthook = _unhandled_in_thread
    qInstallMessageHandler(_from_qt)
    from logging.handlers import RotatingFileHandler

    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "voxtide.log",
            maxBytes=FILE_BYTES,
            backupCount=FILE_COUNT - 1,
            encoding="utf-8",
        )
    except OSError as error:
        logging.basicConfig(level=logging.WARNING)
        _log.warning("no log file: %s", error.strerror)
        return
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for console in root.handlers:
        console.setLevel(logging.CRITICAL)
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def _unhandled(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.error("unhandled exception", exc_info=(kind, error, trace))


def _unhandled_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        _unhandled(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


def _from_qt(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    _qt_log.log(_LEVELS.get(kind, logging.WARNING), "%s", text)
