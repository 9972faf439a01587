"""Recorded requests, judged again: by the engine, each once, with what was in force for it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.registry import bundled_registry
from optout.engine import Engine
from optout.policy.loader import load_policy, policy_set
from optout.report.replay import Answer, Recorded, parse_recorded, replay
from optout.signals.declaration import (
    NOTHING_KNOWN,
    ROBOTS_NAME,
    TDMREP_NAME,
    Published,
    absent,
    known,
    parse_published,
)
from tests.calls import calls_of

HEAD = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n"
STRICT = HEAD + "clauses:\n  - {id: no-training, action: deny, purpose: train, path: /gallery/}\n"
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36; compatible; GPTBot/1.4; +https://openai.com/gptbot"


def _engine(text: str) -> Engine:
    registry = bundled_registry()
    return Engine(policy_set([load_policy(text.encode(), "policy.yaml", registry)]), registry)


def _asked(path: str | None, user_agent: str = GPTBOT, **more: object) -> Recorded:
    return Recorded(type="crawl.request", host="site.example", path=path, user_agent=user_agent, **more)  # type: ignore[arg-type]


def _nothing(_: Recorded) -> Published:
    return NOTHING_KNOWN


def test_requests_with_one_change_stand_together_with_their_bytes_and_some_examples() -> None:
    asked = [(_asked(f"/gallery/{number}"), 100) for number in range(5)]
    asked += [(_asked("/gallery/0"), None), (_asked("/about"), 7)]  # type: ignore[list-item]
    found = replay(_engine(HEAD), _engine(STRICT), iter(asked), _nothing)
    (change,) = found.changes
    assert (change.crawler, change.operator, change.purpose) == ("GPTBot", "OpenAI", "train")
    assert (str(change.before), str(change.after)) == ("allow (200)", "deny (403)")
    assert (change.count, change.content_bytes) == (6, 500)
    assert change.examples == [f"site.example/gallery/{number}" for number in range(3)]
    assert (found.judged, found.changed, found.without_path, found.unknown) == (7, 6, 0, 0)
    assert "no-training" in change.why


def test_a_policy_against_itself_changes_nothing() -> None:
    found = replay(_engine(STRICT), _engine(STRICT), [(_asked("/gallery/1"), 1)], _nothing)
    assert (found.changes, found.judged) == ((), 1)


def test_only_observed_is_another_answer() -> None:
    observed = _engine(STRICT.replace("enforce", "observe"))
    (change,) = replay(observed, _engine(STRICT), [(_asked("/gallery/1"), 1)], _nothing).changes
    assert (change.before, change.after) == (Answer("deny", 200, False), Answer("deny", 403, True))
    assert str(change.before) == "deny (200), only observed"


def test_what_was_published_then_counts() -> None:
    closed = parse_published(known(ROBOTS_NAME, b"User-agent: GPTBot\nDisallow: /\n"), absent(TDMREP_NAME))
    obeying = _engine(HEAD + "on_disallow: deny\n")
    licensing = _engine(HEAD + "on_disallow: require-license\ncontact: mailto:a@site.example\n")
    asked = [(_asked("/a", robots="then"), 1), (_asked("/a"), 1)]
    found = replay(obeying, licensing, asked, lambda recorded: closed if recorded.robots else NOTHING_KNOWN)
    assert [(change.after.action, change.count) for change in found.changes] == [("require-license", 1)]


def test_a_crawler_keeps_the_standing_that_it_had() -> None:
    policy = HEAD + "clauses:\n  - {id: fakes, action: deny, standing: contradicted}\n"
    asked = [(_asked("/", standing=standing), 1) for standing in ("contradicted", "unverified", "of another day")]
    assert [change.count for change in replay(_engine(HEAD), _engine(policy), asked, _nothing).changes] == [1]


def test_what_cannot_be_judged_is_counted_and_not_guessed() -> None:
    asked = [(_asked(None), 1), (_asked("/gallery", is_cut=True), 1), (_asked("/gallery/", "Mozilla/5.0 Firefox"), 1)]
    found = replay(_engine(HEAD), _engine(STRICT), asked, _nothing)
    assert (found.judged, found.without_path, found.unknown, found.changes) == (0, 2, 1, ())


def test_requests_are_taken_one_at_a_time_so_that_a_log_need_not_fit_into_memory() -> None:
    taken = 0

    def requests() -> Iterator[tuple[Recorded, int]]:
        nonlocal taken
        for taken in range(1, 100):
            yield _asked(f"/gallery/{taken}"), 1

    def published(recorded: Recorded) -> Published:
        assert recorded.path == f"/gallery/{taken}"
        return NOTHING_KNOWN

    assert replay(_engine(HEAD), _engine(STRICT), requests(), published).changed == 99


def test_the_work_grows_in_step_with_the_requests() -> None:
    def work(count: int) -> int:
        asked = [(_asked(f"/gallery/{number % 50}"), 1) for number in range(count)]
        engines = _engine(HEAD), _engine(STRICT)
        return calls_of(lambda: replay(*engines, asked, _nothing))

    few, many = work(500), work(1_000)
    assert many < 2.2 * few


def test_the_facts_of_a_record() -> None:
    fields = {
        "type": "crawl.request",
        "server.address": "site.example",
        "server.port": 8443,
        "url.path": "/a",
        "http.request.header.signature-agent": ['"https://chatgpt.com"'],
        "more": [1],
    }
    recorded = parse_recorded(msgspec.json.encode(fields))
    assert recorded is not None
    assert (recorded.authority, recorded.path, recorded.method) == ("site.example:8443", "/a", "GET")
    assert recorded.signature_agent == ('"https://chatgpt.com"',)


@pytest.mark.parametrize("record", [b"", b"[]", b'{"type":"crawl.outcome"}', b'{"type":"crawl.request","url.path":1}'])
def test_what_is_no_request_has_no_facts(record: bytes) -> None:
    assert parse_recorded(record) is None


@given(st.binary())
def test_any_bytes_are_read_without_an_exception(record: bytes) -> None:
    parse_recorded(record)
