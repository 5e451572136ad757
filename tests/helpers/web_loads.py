"""What tests of loads over a line share: waiting, gates, a line of known rate, options."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loading.web import retrieve_options
from loading.web.line import Line
from tests.helpers.web_server import Asked, Handler, Reply

LONG_S = 60.0
"""A time-out, not a measurement: a slow machine is no failure."""


def until(is_so: Callable[[], bool], what: str = "it") -> None:
    """Wait until something is so; fail with its name when it never is."""
    ends = time.monotonic() + LONG_S
    while not is_so():
        if time.monotonic() > ends:
            raise AssertionError(f"{what} did not happen within {LONG_S:g} s")
        time.sleep(0.002)


class Gate:
    """A handler that keeps some requests waiting until it is opened.

    Parameters
    ----------
    is_held : callable
        Says of a request whether it has to wait.
    """

    def __init__(self, handler: Handler, is_held: Callable[[Asked], bool]) -> None:
        self._handler = handler
        self._is_held = is_held
        self._opened = threading.Event()

    def open(self) -> None:
        self._opened.set()

    def __call__(self, asked: Asked) -> Reply:
        if self._is_held(asked):
            self._opened.wait(LONG_S)
        return self._handler(asked)


def measured_as(monkeypatch: pytest.MonkeyPatch, *, rtt_s: float, rate: float) -> None:
    """Have every line taken for one that was measured so, however busy the machine is."""
    monkeypatch.setattr(Line, "rtt_s", property(lambda _: rtt_s))
    monkeypatch.setattr(Line, "rate", property(lambda _: rate))


def with_options(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """Have frames retrieved as one table of options says."""
    path = folder / "retrieve.toml"
    path.write_text("[[retrieve]]\n" + text)
    monkeypatch.setenv(retrieve_options.VARIABLE, str(path))


def after_all_calls(volume: object) -> None:
    """Wait until the network thread has done what was posted to it so far."""
    passed = threading.Event()
    source = volume._source  # type: ignore[attr-defined]
    source.call_soon(lambda: source.call_soon(passed.set))
    assert passed.wait(LONG_S)
