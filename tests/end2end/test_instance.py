"""Real processes: one window takes what later starts name, and none is stopped by a killed one."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from app import instance
from app.instance import understood
from tests.helpers.dicom_series import write_series

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 60.0
pytestmark = pytest.mark.windows


@pytest.fixture
def home(tmp_path, display) -> Iterator[dict[str, str]]:
    """Give the environment of a person who has just come, short enough for a socket's path."""
    folders = {f"XDG_{k}_HOME": str(tmp_path / k.lower()) for k in ("CONFIG", "STATE", "CACHE")}
    runtime = Path(os.path.realpath("/tmp")) / f"vt-{os.getpid()}-{time.time_ns() % 10**8}"
    runtime.mkdir(mode=0o700)
    yield {**os.environ, **folders, "XDG_RUNTIME_DIR": str(runtime), "DISPLAY": display}
    for path in runtime.iterdir():
        path.unlink()
    runtime.rmdir()


@pytest.fixture
def series(tmp_path) -> tuple[Path, Path]:
    for name in ("first", "second"):
        write_series(tmp_path / name, np.full((3, 16, 16), 7, np.uint16))
    return tmp_path / "first", tmp_path / "second"


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "app.cli", "--software-gl", *map(str, words)]


@contextmanager
def running(home: dict[str, str], *words: object) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program, wait until it listens, end it the way a window manager does not."""
    process = subprocess.Popen(command(*words), cwd=ROOT, env=home)
    try:
        wait_for(lambda: answers(home) and process.poll() is None, "listening")
        yield process
    finally:
        process.kill()
        process.wait(timeout=20)


def wait_for(is_so, what: str) -> None:
    ends = time.monotonic() + LONG_S
    while not is_so():
        assert time.monotonic() < ends, f"no {what} within {LONG_S:g} s"
        time.sleep(0.05)


def sockets(home: dict[str, str]) -> list[Path]:
    return [p for p in Path(home["XDG_RUNTIME_DIR"]).iterdir() if stat.S_ISSOCK(p.stat().st_mode)]


def answers(home: dict[str, str]) -> bool:
    for path in sockets(home):
        with socket.socket(socket.AF_UNIX) as end:
            try:
                end.connect(str(path))
            except OSError:
                continue
            return True
    return False


def say(home: dict[str, str], line: bytes) -> bytes:
    (path,) = sockets(home)
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(LONG_S)
        end.connect(str(path))
        end.sendall(line)
        return end.recv(64)


def open_now(home: dict[str, str]) -> list[list[str]]:
    """Give what the living run says is open."""
    found = sorted(Path(home["XDG_STATE_HOME"]).glob("voxtide/runs/[0-9]*/open.json"))
    entries = json.loads(found[-1].read_text())["open"] if found else []
    return [[str(Path(uri).resolve()) for uri in uris] for uris in entries]


def start_again(home: dict[str, str], *words: object) -> None:
    done = subprocess.run(command(*words), cwd=ROOT, env=home, timeout=LONG_S)
    assert done.returncode == 0


def test_one_window_takes_everything(home, series):
    first, second = series
    with running(home, first) as process:
        wait_for(lambda: open_now(home) == [[str(first)]], "first series")
        # a relative path: the running program has another folder
        start_again(home, os.path.relpath(second, ROOT))
        wait_for(lambda: open_now(home) == [[str(second)], [str(first)]], "second series")
        start_again(home)
        (path,) = sockets(home)
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for line in (
            b"quit\n",
            b"[]\n",
            b'{"version": 1, "open": ["--screenshot"]}\n',
            b'{"version": 1, "open": ["relative/path"]}\n',
            b'{"version": 2, "open": []}\n',
            b'{"version": 1, "open": [1]}\n',
            b"\xff\xfe\n",
        ):
            assert say(home, line) == b"refused\n"
        assert open_now(home) == [[str(second)], [str(first)]]
        assert process.poll() is None


STRANGER = """
import os, socket, sys
os.setgroups([]), os.setgid(65534), os.setuid(65534)
end = socket.socket(socket.AF_UNIX)
end.settimeout(30)
try:
    end.connect(sys.argv[1])
    end.sendall(b'{"version": 1, "open": []}\\n')
    print(end.recv(64))
except OSError as error:
    print(type(error).__name__)
"""


def test_nobody_else_gets_in(home):
    with running(home):
        (path,) = sockets(home)
        if os.getuid() != 0:
            return  # only root can become a stranger; the rights are looked at above

        def knock() -> str:
            words = [sys.executable, "-c", STRANGER, str(path)]
            return subprocess.run(words, capture_output=True, text=True, timeout=LONG_S).stdout

        assert knock() == "PermissionError\n"
        # even through an open door: the kernel tells who knocks
        path.parent.chmod(0o711)
        path.chmod(0o777)
        assert knock() in ("b''\n", "ConnectionResetError\n", "BrokenPipeError\n")
        path.parent.chmod(0o700)
        assert say(home, b'{"version": 1, "open": []}\n') == b"ok\n"


def test_after_a_kill_the_next_start_listens_and_offers_what_was_open(home, series):
    first, second = series
    with running(home, first) as process:
        wait_for(lambda: open_now(home) == [[str(first)]], "first series")
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    assert len(sockets(home)) == 1, "a killed program leaves its socket"
    with running(home):
        wait_for(lambda: open_now(home) == [[str(first)]], "offer of what was open")
        start_again(home, second)
        wait_for(lambda: open_now(home) == [[str(second)]], "second series")
        runs = list(Path(home["XDG_STATE_HOME"]).glob("voxtide/runs/*"))
        assert len(runs) == 1


def test_a_window_of_its_own(home, series):
    first, second = series
    with running(home, first):
        wait_for(lambda: open_now(home) == [[str(first)]], "first series")
        other = subprocess.Popen(command("--new-window", second), cwd=ROOT, env=home)
        try:
            pattern = f"voxtide/runs/{other.pid}-*/open.json"
            state = Path(home["XDG_STATE_HOME"])
            wait_for(lambda: any(str(second) in p.read_text() for p in state.glob(pattern)), "it")
            assert other.poll() is None
        finally:
            other.kill()
            other.wait(timeout=20)


def test_a_folder_of_the_system_is_never_changed(tmp_path, monkeypatch):
    """An open one is not used; one of our own is closed."""
    shared, state = tmp_path / "shared", Path("/tmp") / f"vt-state-{os.getpid()}"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))
    monkeypatch.setattr(instance, "log_folder", lambda: state)
    try:
        assert instance.socket_folder() == state
        assert stat.S_IMODE(shared.stat().st_mode) == 0o777
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        shared.chmod(0o700)
        assert len(str(shared)) > 76 or instance.socket_folder() == shared
    finally:
        state.rmdir()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b'{"version": 1, "open": ["/a b", "voxtide://open?url=x"]}', ["/a b", "voxtide://open?url=x"]),
        (b'{"version": 1, "open": ["https://a/b"], "activation": "t-1"}', ["https://a/b"]),
        (b'{"version": 1, "open": ["/a\\u0000b"]}', None),
        (b'{"version": 1, "open": [""]}', None),
        (b'{"version": 1, "open": ["javascript:x"]}', None),
        (b'{"version": 1, "open": "/a"}', None),
        (b'{"version": 1, "open": [], "run": "x"}', []),
        (b"", None),
    ],
)  # fmt: skip
def test_only_paths_and_addresses_are_understood(line, wanted):
    found = understood(line)
    assert (found[0] if found else None) == wanted
