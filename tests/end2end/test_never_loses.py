"""Killed, crashed, on a full disk or without a place to write: the next start works and says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.runs import Run
from tests.end2end.test_instance import (
    command,
    home,  # noqa: F401 - a fixture
    open_now,
    running,
    series,  # noqa: F401 - a fixture
    start_again,
    wait_for,
)

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.windows

ON_A_FULL_DISK = """
import resource, sys
# from here on no file can grow: every write fails as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from app.graphics import set_up_graphics
set_up_graphics(software_gl=True)
from PySide6.QtWidgets import QApplication
application = QApplication([])
from app.logs import start_logging
from app.runs import Run
from app.settings import log_folder
run = Run(log_folder())
start_logging(log_folder(), run.crash_file)
from app.main_window import MainWindow
window = MainWindow()
window.show()
application.processEvents()
run.keep([["/some/where"]])
window.preferences.change("names_hidden", True)
window.recent.add("/some/where", "where", 3, "CT")
print(window.settings.trouble)
print([row.code for row in window.notices.rows()])
window.close()
run.end()
print("closed")
"""


def test_a_crash_is_written_down_and_told(home, series):  # noqa: F811
    first, _ = series
    log = Path(home["XDG_STATE_HOME"]) / "voxtide" / "crash.log"
    with running(home, first) as process:
        wait_for(lambda: open_now(home) == [[str(first)]], "first series")
        process.send_signal(signal.SIGSEGV)
        process.wait(timeout=20)
        assert process.returncode == -signal.SIGSEGV
    assert not log.exists()
    with running(home):
        wait_for(log.exists, "crash report")
        report = log.read_text()
        assert "Segmentation fault" in report
        assert "app/main.py" in report
        assert str(Path.home()) not in report
        wait_for(lambda: open_now(home) == [[str(first)]], "offer of what was open")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_logout_is_no_crash(home, series, number):  # noqa: F811
    first, _ = series
    with running(home, first) as process:
        wait_for(lambda: open_now(home) == [[str(first)]], "first series")
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
    assert list(Path(home["XDG_STATE_HOME"]).glob("voxtide/runs/*")) == []


@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.6])
def test_killed_at_any_moment_the_next_start_works(home, series, after_s):  # noqa: F811
    """The moments are spread over a start; where exactly they fall does not matter."""
    first, second = series
    process = subprocess.Popen(command(first), cwd=ROOT, env=home)
    time.sleep(after_s)
    process.kill()
    process.wait(timeout=20)
    with running(home):
        start_again(home, second)
        wait_for(lambda: open_now(home)[:1] == [[str(second)]], "second series")


def test_on_a_full_disk_it_says_so_and_runs(home):  # noqa: F811
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK],
        cwd=ROOT, env=home, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    trouble, notices, closed = done.stdout.strip().splitlines()
    assert "cannot be written" in trouble
    assert "settings_trouble" in notices
    assert closed == "closed"
    assert "Traceback" not in done.stderr
    left = [path for path in Path(home["XDG_CONFIG_HOME"]).rglob("*") if path.is_file()]
    assert left == [], "half-written files"


def test_without_a_place_to_write_a_run_is_a_no_op(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    run = Run(blocked)
    run.keep([["/a"]])
    assert run.crash_file is None
    assert run.claim() is None
    run.end()


def test_a_run_that_lives_is_left_alone_and_a_dead_one_is_taken_once(tmp_path):
    living, other = Run(tmp_path), Run(tmp_path)
    living.keep([["/a", "/b"], ["/c"]])
    assert other.claim() is None
    # as the system does it for a process that ends
    assert living.crash_file is not None
    living.crash_file.write("Fatal Python error: Segmentation fault\n")
    living.crash_file.close()
    ended = other.claim()
    assert ended is not None
    assert ended.uris == (("/a", "/b"), ("/c",))
    assert ended.report == "Fatal Python error: Segmentation fault"
    assert other.claim() is None
    other.end()
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", '{"open": 3}', '{"open": [[1], [], "x", ["/a"]]}'])
def test_a_damaged_list_stops_nobody(tmp_path, text):
    folder = tmp_path / "runs" / "1-1"
    folder.mkdir(parents=True)
    (folder / "open.json").write_text(text)
    run = Run(tmp_path)
    ended = run.claim()
    assert ended is not None
    assert ended.uris == ((("/a",),) if "/a" in text else ())
    run.end()
    assert os.listdir(tmp_path / "runs") == []  # noqa: PTH208
