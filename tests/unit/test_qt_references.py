"""PySide6 gives back every reference that it takes.

PySide6 6.12.0 below Python 3.12 takes one of True with each emitted signal and one of None with
each paint event, runnable and single shot; after some hundred the interpreter ends the process.
"""

import json
import os
import subprocess
import sys

import pytest

CALLS = 200

SCRIPT = """
import json, sys
from PySide6.QtCore import QObject, QRunnable, QThreadPool, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

application = QApplication([])
calls = {calls}

class Sender(QObject):
    spoken = Signal()

class Task(QRunnable):
    def run(self):
        pass

class Painted(QWidget):
    def paintEvent(self, event):
        global painted
        painted += 1

painted = 0
sender, widget, pool = Sender(), Painted(), QThreadPool()
sender.spoken.connect(lambda: None)
widget.show()
application.processEvents()

def emit():
    sender.spoken.emit()

def run_task():
    pool.start(Task())
    pool.waitForDone()

def run_callable():
    pool.start(lambda: None)
    pool.waitForDone()

def single_shot():
    QTimer.singleShot(0, lambda: None)
    application.processEvents()

def paint():
    widget.repaint()

lost = {{}}
for action in (emit, run_task, run_callable, single_shot, paint):
    action()
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(calls):
        action()
    after = sys.getrefcount(None), sys.getrefcount(True)
    lost[action.__name__] = [a - b for a, b in zip(after, before)]
assert painted > calls
print(json.dumps(lost), flush=True)
"""


@pytest.fixture(scope="module")
def lost() -> dict[str, list[int]]:
    """Give, for each kind of call, by how much the counts of None and True changed."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(calls=CALLS)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[int]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("action", ["emit", "run_task", "run_callable", "single_shot", "paint"])
def test_references_are_given_back(lost: dict[str, list[int]], action: str) -> None:
    """A leak of one reference a call would show as a change of the size of CALLS."""
    assert max(map(abs, lost[action])) < CALLS / 4
