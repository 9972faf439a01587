"""The queue: bounded, in order, and nobody waits to put."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from optout.evidence.inbox import Inbox, Job, SignRequest
from tests.evidence.setting import SOON_S


def _job(size: int = 1) -> Job:
    return Job(fields={}, size=size, told=Future())


def test_jobs_come_out_in_the_order_they_went_in() -> None:
    inbox = Inbox(records=10, size=100)
    jobs = [_job(), SignRequest(), _job()]
    assert all(inbox.put(job) for job in jobs)
    assert inbox.take(10, 0) == jobs


def test_no_more_is_taken_than_asked_for() -> None:
    inbox = Inbox(records=10, size=100)
    jobs = [_job() for _ in range(5)]
    for job in jobs:
        inbox.put(job)
    assert inbox.take(3, 0) == jobs[:3]
    assert inbox.take(3, 0) == jobs[3:]
    assert inbox.take(3, 0) == []


def test_records_and_bytes_are_bounded_and_taking_makes_room() -> None:
    inbox = Inbox(records=3, size=10)
    assert [inbox.put(_job(4)) for _ in range(3)] == [True, True, False]
    inbox.take(1, 0)
    assert [inbox.put(_job(1)) for _ in range(3)] == [True, True, False]
    assert len(inbox) == 3


def test_a_closed_inbox_takes_nothing_and_gives_what_it_has() -> None:
    inbox = Inbox(records=3, size=10)
    job = _job()
    inbox.put(job)
    inbox.close()
    assert not inbox.put(_job())
    assert inbox.take(5, None) == [job]
    assert inbox.take(5, None) == []


def test_a_waiting_taker_is_woken_by_a_job_a_nudge_and_the_end() -> None:
    inbox = Inbox(records=3, size=10)
    taken: list[int] = []
    woken = threading.Semaphore(0)

    def take() -> None:
        for _ in range(3):
            taken.append(len(inbox.take(5, SOON_S)))
            woken.release()

    thread = threading.Thread(target=take)
    thread.start()
    for wake in (lambda: inbox.put(_job()), inbox.nudge, inbox.close):
        wake()
        assert woken.acquire(timeout=SOON_S)
    thread.join(SOON_S)
    assert taken == [1, 0, 0]


def test_who_waits_is_woken_once_for_what_is_put_together() -> None:
    inbox, taken = Inbox(records=100, size=100), []
    jobs = [_job() for _ in range(50)]
    taker = threading.Thread(target=lambda: taken.append(inbox.take(100, SOON_S)))
    taker.start()
    with inbox.together():
        for job in jobs:
            assert inbox.put(job)
    taker.join(SOON_S)
    assert taken in ([jobs], [jobs[: len(taken[0])]])  # it may have begun to wait within
    assert taken[0] + inbox.take(100, 0) == jobs


def test_a_fault_while_things_are_put_together_leaves_nobody_waiting() -> None:
    inbox = Inbox(records=100, size=100)
    job, next_one = _job(), _job()
    with pytest.raises(RuntimeError, match="planted"), inbox.together():
        inbox.put(job)
        raise RuntimeError("planted")
    assert inbox.take(1, SOON_S) == [job]
    inbox.put(next_one)
    assert inbox.take(1, SOON_S) == [next_one]
