"""The loop beside a WSGI application: begun by the first request, forgotten by a fork, gone at the end."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from optout.adapters.driver import Driver
from optout.adapters.embedded import settings_of
from optout.adapters.forward_auth import NothingPublished
from optout.adapters.wsgi import loop as wsgi_loop
from optout.adapters.wsgi.loop import LoopThread
from optout.engine import Outcome
from optout.evidence.log import EvidenceLog
from optout.record import Ending
from optout.testing import make_request
from tests.adapters.test_embedded import POLICY
from tests.judge import leaves

REQUEST = make_request("https://site.example/", "GPTBot/1.0")


@contextmanager
def looped(place: Path, policy: str = POLICY) -> Iterator[LoopThread]:
    file = place / "policy.yaml"
    file.write_text(policy)
    settings = settings_of(
        software="test",
        policy=file,
        evidence=place / "evidence",
        state=place / "state",
        trusted_proxies=(),
        forwarded_field="x-forwarded-for",
        observe_only=False,
    )
    found = LoopThread(lambda: Driver(settings, NothingPublished()))
    try:
        yield found
    finally:
        found.close()


def decided(found: LoopThread) -> Outcome:
    claim = found.driver.recognize("site.example", "GPTBot/1.0", None)
    assert claim is not None
    found.begin()
    outcome = found.decide(REQUEST, claim)
    assert outcome is not None
    return outcome


def status(outcome: Outcome) -> int:
    return outcome.response.status if outcome.response is not None else 200


def recorded(place: Path) -> list[object]:
    return [leaf["type"] for leaf in leaves(place / "evidence") if str(leaf["type"]).startswith("crawl.")]


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("optout")]


def test_there_is_no_thread_before_the_first_request_and_none_after_the_end(tmp_path: Path) -> None:
    with looped(tmp_path) as found:
        assert threads() == []
        assert status(decided(found)) == 403
        assert "optout" in threads()
    assert threads() == []
    assert recorded(tmp_path) == ["crawl.request"]


def test_many_threads_that_begin_at_once_begin_one_loop(tmp_path: Path) -> None:
    with looped(tmp_path) as found:
        outcomes: list[Outcome] = []
        asking = [threading.Thread(target=lambda: outcomes.append(decided(found))) for _ in range(8)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert [status(outcome) for outcome in outcomes] == [403] * 8
        assert threads().count("optout") == 1
    assert recorded(tmp_path) == ["crawl.request"] * 8


def test_closing_signs_and_lets_the_log_go_and_a_later_request_begins_anew(tmp_path: Path) -> None:
    with looped(tmp_path) as found:
        decided(found)
        found.close()
        EvidenceLog.open(tmp_path / "evidence", software="another").close()
        assert status(decided(found)) == 403
        found.close()
        found.close()
    assert recorded(tmp_path) == ["crawl.request"] * 2


def test_an_ending_is_on_record_and_after_the_end_it_is_no_fault(tmp_path: Path) -> None:
    ending = Ending(status=200, body_bytes=3, aborted=False)
    with looped(tmp_path, POLICY.replace("deny", "allow")) as found:
        outcome = decided(found)
        found.ended(outcome, REQUEST, ending)
        found.close()
        found.ended(outcome, REQUEST, ending)
    assert recorded(tmp_path) == ["crawl.request", "crawl.outcome"]


def test_a_crawler_that_comes_while_it_ends_is_answered_by_on_error(tmp_path: Path) -> None:
    with looped(tmp_path) as found:
        decided(found)
        claim = found.driver.recognize("site.example", "GPTBot/1.0", None)
        assert claim is not None
        loop = found._loop
        found.close()
        at_the_end = found.decide(REQUEST, claim)
        found._loop = loop  # seen by a thread a moment before
        too_late = found.decide(REQUEST, claim)
        found._loop = None
    for outcome in (at_the_end, too_late):
        assert outcome is not None
        assert status(outcome) == 503


def test_who_asks_a_loop_that_is_being_stopped_is_answered_by_it(tmp_path: Path) -> None:
    with looped(tmp_path) as found:
        decided(found)
        claim = found.driver.recognize("site.example", "GPTBot/1.0", None)
        assert claim is not None
        held, go_on = threading.Event(), threading.Event()
        answers: list[Outcome | None] = []

        def hold() -> None:
            held.set()
            go_on.wait()

        assert found._loop is not None
        found._loop.call_soon_threadsafe(hold)
        held.wait()
        asking = threading.Thread(target=lambda: answers.append(found.decide(REQUEST, claim)))
        asking.start()
        closing = threading.Thread(target=found.close)
        closing.start()
        go_on.set()
        asking.join()
        closing.join()
    assert answers[0] is not None
    assert status(answers[0]) in (403, 503)


def test_a_driver_that_does_not_answer_does_not_hold_a_thread_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi_loop, "_DECIDED_WITHIN_S", 0.0)
    with looped(tmp_path) as found:

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(found.driver, "decide", never)
        assert status(decided(found)) == 503


def test_a_loop_that_cannot_be_made_is_not_tried_again_at_once_and_then_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    make = asyncio.new_event_loop

    def full() -> asyncio.AbstractEventLoop:
        tries.append(1)
        raise OSError("too many open files")

    with looped(tmp_path) as found:
        monkeypatch.setattr(asyncio, "new_event_loop", full)
        assert [status(decided(found)) for _ in range(3)] == [503] * 3
        assert len(tries) == 1
        monkeypatch.setattr(asyncio, "new_event_loop", make)
        found._again_at = 0.0
        assert status(decided(found)) == 403


FORK = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from optout.evidence.log import EvidenceLog
from tests.adapters.wsgi.test_loop import decided, looped, status

place = Path({place!r})


def in_a_child(work):
    child = os.fork()
    if child == 0:
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def closed():
    try:
        return status(decided(found)) % 256
    finally:
        found.close()


with looped(place) as found:
    before = in_a_child(closed)
    decided(found)
    held = in_a_child(closed)
    (place / "policy.yaml").write_text("version: 1\\n")
    broken = in_a_child(closed)
    own = status(decided(found))
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.read(reader, 1)
        os._exit(0)
EvidenceLog.open(place / "evidence", software="another").close()
os.write(writer, b"x")
os.wait()
print([before, held, broken, own])
"""


def test_a_forked_child_makes_its_own_loop_and_does_not_share_its_parent_s_log(tmp_path: Path) -> None:
    root = str(Path(__file__).parent.parent.parent.parent)
    result = subprocess.run(
        [sys.executable, "-c", FORK.format(root=root, place=str(tmp_path))],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    # Forked before the first request: as its parent. After it: the parent holds the log, and the child records beside
    # it; where the policy has been broken since, `on_error` decides. And a child that lives on does not hold the log
    # for its parent.
    assert json.loads(result.stdout) == [403 % 256, 403 % 256, 503 % 256, 403]
    assert recorded(tmp_path) == ["crawl.request"] * 4


ENDS = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from optout.adapters.driver import Driver
from optout.adapters.forward_auth import NothingPublished
from tests.adapters.wsgi.test_loop import decided, looped

context = looped(Path({place!r}))
found = context.__enter__()
decided(found)
"""


def test_a_process_that_ends_without_a_word_signs_its_log(tmp_path: Path) -> None:
    root = str(Path(__file__).parent.parent.parent.parent)
    script = ENDS.format(root=root, place=str(tmp_path))
    result = subprocess.run([sys.executable, "-c", script], check=True, timeout=120, capture_output=True)
    assert b"Traceback" not in result.stderr
    checkpoint = (tmp_path / "evidence" / "checkpoint").read_text().splitlines()
    assert int(checkpoint[1]) == len(leaves(tmp_path / "evidence"))
