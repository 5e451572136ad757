"""Workers of the window stand behind its own thread where cores are scarce."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from loading.qtpool import NICENESS, QtExecutor


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of a thread is Linux's")
def test_workers_are_nicer_than_the_thread_that_started_them():
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    found = []
    executor = QtExecutor()
    executor.start(
        2, lambda: found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    )
    assert executor.join(10)
    assert found == [max(before, NICENESS)] * 2
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
