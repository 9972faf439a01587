"""A kept ruling says exactly what judging anew would say, and it is kept for nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout import engine as engine_module
from optout import ruling
from optout.crawlers.registry import bundled_registry
from optout.engine import Engine
from optout.policy.loader import load_policy, policy_set
from optout.signals.declaration import Published
from optout.testing import make_request
from tests.judge import SITE, engine, publishes

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
on_disallow: require-license
on_reservation: deny
contact: rights@site.example
terms: /terms
license: /license.xml
clauses:
  - {id: studio, path: /studio/, purpose: train, action: deny}
  - {id: watched, path: /watched/, mode: observe, action: deny}
  - {id: by-post, method: POST, action: deny}
  - {id: seo, purpose: seo, path: /shop/, action: deny}
"""
ROBOTS = "User-agent: *\nDisallow: /drafts/\nAllow: /drafts/open\n\nUser-agent: GPTBot\nDisallow: /gallery/\n"
TDMREP = '[{"location": "/reserved/", "tdm-reservation": 1}]'
AGENTS = (
    "GPTBot/1.4",
    "CCBot/2.0",
    "ChatGPT-User/1.0",
    "Googlebot/2.1",
    "AhrefsBot/7.0",
    "GPTBot CCBot",
    "Google-Extended",
)
PATHS = (
    "/", "/robots.txt", "/studio/a", "/watched/x", "/drafts/a", "/drafts/open", "/gallery/1?q", "/reserved/x",
    "/shop/1", "/a/../studio/x", "//gallery/2", "/terms", "/bad%zz", "/gallery/%2e%2e/x", "/x;y",
)  # fmt: skip

JUDGE = engine(POLICY)
SITES = (publishes(ROBOTS, TDMREP), publishes(ROBOTS), publishes("User-agent: GPTBot\nAllow: /\n"), publishes())


def fresh() -> Engine:
    return Engine(JUDGE.policies, JUDGE.registry)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(AGENTS),
            st.sampled_from(PATHS),
            st.sampled_from(("GET", "HEAD", "POST")),
            st.sampled_from(SITES),
            st.sampled_from(("*/*", "text/html")),
            st.sampled_from((SITE, f"{SITE}:8080", "other.example")),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_was_asked_before_changes_no_answer(asked: list[tuple[str, str, str, Published, str, str]]) -> None:
    for number, (agent, path, method, published, accept, host) in enumerate(asked):
        request = make_request(
            f"https://{host}{path}",
            agent,
            method=method,
            headers=(("Accept", accept),),
            request_id=f"01930000-0000-7000-8000-{number:012d}",
        )
        assert JUDGE.explain(request, published) == fresh().explain(request, published)


def test_two_requests_under_one_rule_share_a_decision_and_nothing_of_each_other() -> None:
    judge = fresh()
    first = judge.explain(make_request(f"https://{SITE}/gallery/one?secret", "GPTBot/1.4"), SITES[0])
    other = make_request(f"https://{SITE}/gallery/two", "GPTBot/1.4", request_id="01930000-0000-7000-8000-00000000beef")
    second = judge.explain(other, SITES[0])
    assert first is not None
    assert second is not None
    assert first.decision is second.decision
    assert second.response is not None
    assert b"beef" in second.response.body
    assert second.record is not None
    assert second.record.public["url.path"] == "/gallery/two"
    assert second.record.public["url.query.present"] is False


def test_a_new_version_of_a_document_is_judged_anew() -> None:
    judge = fresh()
    request = make_request(f"https://{SITE}/gallery/1", "GPTBot/1.4")
    for published in (publishes(ROBOTS), publishes("User-agent: GPTBot\nAllow: /\n"), publishes(ROBOTS)):
        assert judge.explain(request, published) == fresh().explain(request, published)


@pytest.mark.parametrize("agent", ["GPTBot/1.4", "x" * 600 + " GPTBot/1.4"])
def test_memory_is_bounded_whatever_strangers_ask(agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ruling, "_MOST_RULINGS", 500)
    monkeypatch.setattr(engine_module, "_REMEMBERED_CLAIMS", 500)
    monkeypatch.setattr(engine_module, "_REMEMBERED_SITES", 500)
    policies = policy_set([load_policy(POLICY.encode(), "policy.yaml", bundled_registry())])
    judge = Engine(policies, bundled_registry())
    for number in range(1_200):
        published = replace(SITES[0])  # another site's documents each time
        judge.explain(make_request(f"https://site-{number}.example/gallery/1", f"{agent} {number}"), published)
    assert len(judge._rulings._kept) <= 500
    assert len(judge._rulings._by_target) <= 500
    assert len(judge._agents) <= 500
    assert len(judge._governed) <= 500


def test_no_ruling_outlives_the_agents_by_which_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_REMEMBERED_CLAIMS", 50)
    judge = fresh()
    for number in range(420):
        judge.explain(make_request(f"https://{SITE}/gallery/1", f"GPTBot/1.4 {number}"), SITES[0])
        assert len(judge._rulings._kept) <= 50
    assert len(judge._rulings._kept) == 20


def test_a_page_asked_for_again_is_not_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = fresh()
    request = make_request(f"https://{SITE}/gallery/1", "GPTBot/1.4")
    first = judge.explain(request, SITES[0])
    monkeypatch.setattr(ruling, "gather", lambda *_: pytest.fail("the facts were gathered again"))
    assert judge.explain(request, SITES[0]) == first


def test_pages_that_strangers_make_up_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ruling, "_MOST_TARGETS", 50)
    judge = fresh()
    for number in range(120):
        judge.explain(make_request(f"https://{SITE}/{number}", "GPTBot/1.4"), SITES[0])
    judge.explain(make_request(f"https://{SITE}/{'x' * 1000}", "GPTBot/1.4"), SITES[0])
    assert len(judge._rulings._by_target) <= 50
    assert all(len(str(way[-1])) < 300 for way in judge._rulings._by_target)
