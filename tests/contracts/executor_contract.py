"""What every executor must do; a new one subclasses `ExecutorContract` and gives `make`."""

from __future__ import annotations

import threading
import time


class ExecutorContract:
    """Inherit, and return a fresh executor from `make`."""

    def make(self):
        raise AssertionError("give the executor under test")

    def test_every_drain_runs_in_a_thread_of_its_own(self):
        executor, ids, barrier = self.make(), set(), threading.Barrier(3)

        def drain():
            ids.add(threading.get_ident())
            barrier.wait(10)

        executor.start(3, drain)
        assert executor.join(10)
        assert len(ids) == 3
        assert threading.get_ident() not in ids

    def test_join_tells_when_somebody_is_late(self):
        executor, gate = self.make(), threading.Event()
        executor.start(1, gate.wait)
        assert not executor.join(0.05)
        gate.set()
        assert executor.join(10)

    def test_starting_again_while_others_still_run(self):
        executor, gate, ran = self.make(), threading.Event(), threading.Event()
        executor.start(2, gate.wait)
        executor.start(1, ran.set)
        assert ran.wait(10)
        gate.set()
        assert executor.join(10)

    def test_no_thread_is_left(self):
        executor = self.make()
        for _ in range(20):
            executor.start(2, lambda: None)
        assert executor.join(10)
        executor.start(2, lambda: time.sleep(0.01))
        assert executor.join(10)
