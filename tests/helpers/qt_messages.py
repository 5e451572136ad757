"""Catch Qt's own messages, so that a warning on the console becomes a failed test."""

from __future__ import annotations

from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

#: What a virtual X server makes Qt say, whatever the program does.
HARMLESS = (
    "XSETTINGS",
    "propagateSizeHints",
    "Could not connect to any X display's session manager",
)


class QtMessages:
    """Hold warnings and worse while it is entered."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __enter__(self) -> QtMessages:
        self._before = qInstallMessageHandler(self._take)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        qInstallMessageHandler(self._before)

    def unexpected(self) -> list[str]:
        """Give the messages that nobody expected."""
        return [text for text in self.texts if not any(word in text for word in HARMLESS)]

    def _take(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg):
            self.texts.append(text)
