"""What is written for ever, and what must not be."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from optout.crawlers.registry import bundled_registry
from optout.record import Ending, crawl_outcome, served_hash
from optout.signals.verdict import signal_fields
from optout.testing import make_request
from tests.judge import SITE, ask, engine, publishes, user_agent

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
tenant: atelier
"""
ROBOTS = "User-agent: GPTBot\nDisallow: /gallery/\n"
TDMREP = '[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/tdm.json"}]'
CANARIES = ("203.0.113.77", "canary-query", "canary-cookie", "canary-referer")


def _request(agent: str, path: str = "/gallery/canary-path?canary-query=1"):  # type: ignore[no-untyped-def]
    headers = (
        ("Cookie", "canary-cookie"),
        ("Referer", "https://canary-referer.example"),
        ("Authorization", "Basic canary-cookie"),
        ("X-Forwarded-For", "203.0.113.77"),
        ("Accept", "text/markdown"),
    )
    return make_request(f"https://{SITE}:8443{path}", user_agent(agent), headers=headers, ip="203.0.113.77")


def test_a_record_holds_observation_and_inference_in_fields_of_their_own() -> None:
    judge = engine(POLICY)
    outcome = judge.explain(_request("GPTBot"), publishes(ROBOTS, TDMREP))
    assert outcome is not None
    assert outcome.record is not None
    public = dict(outcome.record.public)
    assert public.pop("robots.sha256") != public.pop("tdm.sha256")
    assert len(str(public.pop("policy.sha256"))) == 64
    assert public == {
        "v": 1,
        "type": "crawl.request",
        "id": "01930000-0000-7000-8000-000000000000",
        "time_us": 1_764_000_000_000_000,
        "mono_us": 0,
        "tenant": "atelier",
        "http.request.method": "GET",
        "network.protocol.version": "1.1",
        "url.scheme": "https",
        "server.address": SITE,
        "server.port": 8443,
        "url.path": "/gallery/canary-path",
        "url.query.present": True,
        "user_agent.original": user_agent("GPTBot"),
        "http.request.header.accept": ["text/markdown"],
        "observed.prefers_markdown": True,
        "crawl.product": "GPTBot",
        "crawl.operator": "OpenAI",
        "crawl.purpose": "train",
        "crawl.named": ["GPTBot"],
        "crawl.registry.sha256": bundled_registry().sha256,
        "identity.claimed": "GPTBot",
        "identity.claim_source": "ua",
        "identity.standing": "unverified",
        "identity.verified": "none",
        "policy.version": "1",
        "policy.clause": "robots.txt",
        "robots.group": "GPTBot",
        "robots.line": 2,
        "tdm.channel": "tdmrep",
        "tdm.reservation": 1,
        "tdm.policy.url": "https://site.example/tdm.json",
        "usage.verdict": [f"{use}=disallowed tdmrep.json:1" for use in ("train", "input", "index", "mine")],
        "decision.action": "deny",
        "decision.reason": "robots-disallow",
        "decision.reasons": ["robots-disallow robots.txt:2"],
        "decision.enforced": True,
        "decision.us": 0,
        "http.response.status_code": 403,
    }


@pytest.mark.parametrize("agent", ["GPTBot", "ChatGPT-User", "Google-Extended", "CCBot ChatGPT-User"])
def test_no_address_query_or_secret_is_public(agent: str) -> None:
    outcome = engine(POLICY).explain(_request(agent), publishes(ROBOTS))
    assert outcome is not None
    assert outcome.record is not None
    written = json.dumps(dict(outcome.record.public))
    assert not any(canary in written for canary in CANARIES)


@pytest.mark.parametrize("agent", ["ChatGPT-User", "Perplexity-User", "GPTBot ChatGPT-User"])
def test_a_fetch_that_a_person_asked_for_leaves_no_path(agent: str) -> None:
    outcome = engine(POLICY).explain(_request(agent), publishes())
    assert outcome is not None
    assert outcome.record is not None
    assert "canary-path" not in json.dumps(dict(outcome.record.public))
    assert outcome.record.private["url.path"] == "/gallery/canary-path"


def test_a_person_s_own_address_and_a_fragment_stay_private() -> None:
    judge = engine(POLICY)
    headers = (("From", "person@home.example"),)
    outcome = ask(judge, publishes(), "ChatGPT-User", headers=headers)
    assert outcome is not None
    assert outcome.record is not None
    assert "http.request.header.from" not in outcome.record.public
    request = replace(make_request(f"https://{SITE}/", user_agent("GPTBot")), target="/reset#token=secret")
    outcome = judge.explain(request, publishes())
    assert outcome is not None
    assert outcome.record is not None
    assert outcome.record.public["url.path"] == "/reset"


def test_what_was_offered_is_recorded_by_its_hash() -> None:
    outcome = ask(engine(POLICY.replace("allow", "require-license") + "terms: /terms\n"), publishes(), "GPTBot")
    assert outcome is not None
    assert outcome.record is not None
    assert outcome.record.public["offer.sha256"] == hashlib.sha256(b'{"terms":"/terms"}').hexdigest()


def test_a_contradicted_claim_is_recorded_as_one() -> None:
    outcome = ask(engine(POLICY), publishes(), "Google-Extended")
    assert outcome is not None
    assert outcome.record is not None
    assert outcome.record.public["identity.standing"] == "contradicted"
    assert outcome.record.public["identity.verified"] == "contradicted"


def test_an_outcome_names_its_request_and_what_was_sent() -> None:
    request = _request("GPTBot")
    outcome = engine(POLICY).explain(request, publishes())
    assert outcome is not None
    found = crawl_outcome(
        record_id="x",
        request=request,
        decision=outcome.decision,
        time_us=5,
        mono_us=7,
        ending=Ending(status=200, body_bytes=12, aborted=True),
    )
    assert dict(found.public) == {
        "v": 1,
        "type": "crawl.outcome",
        "id": "x",
        "time_us": 5,
        "mono_us": 7,
        "tenant": "atelier",
        "crawl.request.id": request.id,
        "http.response.status_code": 200,
        "http.response.body.size": 12,
        "outcome.aborted": True,
        "outcome.us": 7,
    }


def test_an_outcome_tells_what_the_answer_s_fields_say_and_where_they_contradict_the_site() -> None:
    request = _request("GPTBot", "/")
    robots = "User-agent: *\nContent-Usage: train-ai=y\nContent-Signal: ai-input=no\nAllow: /\n"
    outcome = engine(POLICY).explain(request, publishes(robots))
    assert outcome is not None
    assert outcome.record is not None
    assert outcome.record.public["usage.verdict"] == [
        "train=allowed robots.txt Content-Usage:2",
        "input=disallowed robots.txt Content-Signal:3",
    ]
    fields = [("Content-Type", "text/html"), ("content-usage", "train-ai=n"), ("X-Other", "train-ai=y")]
    ending = Ending(status=200, body_bytes=1, aborted=False, said=signal_fields(fields))
    found = crawl_outcome(
        record_id="x", request=request, decision=outcome.decision, time_us=5, mono_us=7, ending=ending
    )
    assert found.public["usage.response"] == ["train=disallowed Content-Usage"]
    assert found.public["usage.verdict"] == [
        "train=disallowed Content-Usage",
        "input=disallowed robots.txt Content-Signal:3",
    ]
    contradiction = "train=disallowed Content-Usage, train=allowed robots.txt Content-Usage:2"
    assert found.public["usage.conflicts"] == [contradiction]


def test_an_answer_that_says_nothing_of_uses_adds_nothing() -> None:
    assert not signal_fields([("Content-Type", "text/html"), ("Link", "<https://site.example/>")])


@given(st.text(), st.sampled_from(["Content-Usage", "X-Robots-Tag", "tdm-reservation", "tdm-policy"]))
def test_no_field_of_an_answer_breaks_its_record(value: str, name: str) -> None:
    request = _request("GPTBot", "/")
    outcome = engine(POLICY).explain(request, publishes())
    assert outcome is not None
    ending = Ending(status=200, body_bytes=1, aborted=False, said=signal_fields([(name, value)]))
    found = crawl_outcome(
        record_id="x", request=request, decision=outcome.decision, time_us=5, mono_us=7, ending=ending
    )
    said = found.public.get("usage.response", [])
    assert isinstance(said, list)
    assert all(each.isascii() and each.isprintable() for each in said)


@given(st.lists(st.sampled_from(range(12)), max_size=40))
def test_what_was_asked_before_changes_no_record(order: list[int]) -> None:
    judge, fresh = engine(POLICY), [engine(POLICY) for _ in range(1)]
    requests = [
        make_request(
            f"https://{SITE}{path}",
            user_agent(agent),
            headers=(("Accept", accept), ("From", "a@example.org"), *more),
        )
        for agent in ("GPTBot", "ChatGPT-User")
        for path in ("/gallery/a", "/b?c")
        for accept, more in (("text/html", ()), ("*/*", ()), ("*/*", (("Signature-Input", "sig=()"),)))
    ]
    for number in order:
        outcome = judge.explain(requests[number], publishes(ROBOTS, TDMREP))
        other = fresh[0].explain(requests[number], publishes(ROBOTS, TDMREP))
        fresh[0] = engine(POLICY)
        assert outcome is not None
        assert other is not None
        assert outcome.record is not None
        assert other.record is not None
        assert dict(outcome.record.public) == dict(other.record.public)


def test_heads_that_strangers_make_up_do_not_fill_the_memory() -> None:
    judge = engine(POLICY)
    published, forms = publishes(ROBOTS, TDMREP), judge._rulings._records
    for number in range(6000):
        for _ in range(2 if number < 1000 else 1):
            request = make_request(f"https://{SITE}/a", user_agent("GPTBot"), headers=(("Accept", f"a/{number}"),))
            assert judge.explain(request, published) is not None
        assert len(forms._kept) <= 128
        assert len(forms._seen) <= 2048
    assert forms._kept


@pytest.mark.parametrize(
    ("status", "aborted", "told"), [(200, False, True), (200, True, False), (206, False, False), (404, False, False)]
)
def test_bytes_as_served_are_told_of_a_whole_declaration_only(status: int, aborted: bool, told: bool) -> None:
    request = make_request(f"https://{SITE}/robots.txt", user_agent("GPTBot"))
    outcome = ask(engine(POLICY), publishes(ROBOTS), "GPTBot", "/robots.txt")
    assert outcome is not None
    served = served_hash(request)
    assert served is not None
    served.update(b"User-agent: *")
    ending = Ending(status=status, body_bytes=13, aborted=aborted, served=served)
    found = crawl_outcome(
        record_id="x", request=request, decision=outcome.decision, time_us=5, mono_us=7, ending=ending
    )
    assert ("served.sha256" in found.public) is told


def test_nothing_but_a_declaration_is_hashed() -> None:
    for method, path in (("GET", "/"), ("HEAD", "/robots.txt"), ("GET", "/robots.txt?x")):
        assert served_hash(make_request(f"https://{SITE}{path}", user_agent("GPTBot"), method=method)) is None
