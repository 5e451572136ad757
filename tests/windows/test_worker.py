"""The thread for work on pixels: newest wish first, told to end before it is waited for."""

import threading

import pytest

from tests.helpers.window import wait_until
from viewer.worker import Worker


@pytest.fixture
def worker(qapp):
    made = Worker("under test")
    yield made
    made.stop()


def test_of_jobs_that_wait_the_newest_of_each_name_is_done(worker):
    go_on = threading.Event()
    done: list[int] = []
    taken: list[int] = []

    def job(number: int) -> int:
        done.append(number)
        return number

    worker.run("first", lambda: go_on.wait(30), lambda _: None)
    for number in range(5):
        worker.run("same", lambda n=number: job(n), taken.append)
    go_on.set()
    wait_until(lambda: taken == [4], "the result on this thread")
    assert done == [4]


def test_of_a_job_that_raises_its_asker_is_told(worker, caplog):
    told: list[str] = []

    def job() -> None:
        raise OSError("no such plane")

    worker.run("bad", job, lambda _: told.append("then"), lambda: told.append("failed"))
    worker.run("good", lambda: None, lambda _: told.append("good"))
    wait_until(lambda: "good" in told, "the job after it")
    assert told == ["failed", "good"]
    assert "no such plane" in caplog.text


def test_a_long_job_gives_up_when_it_is_told_to_hurry(worker):
    begun = threading.Event()
    results: list[object] = []

    def long_job():
        begun.set()
        while True:
            worker.go_on_with("long")

    worker.run("long", long_job, results.append)
    assert begun.wait(30)
    worker.hurry()
    worker.run("later", lambda: 1, results.append)
    at_end = threading.Event()
    assert worker.stop(at_end.set), "the thread has ended"
    assert at_end.is_set()
    assert results == []
