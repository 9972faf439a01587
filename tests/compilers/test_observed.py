"""A front end's line becomes the records that a door would have written, marked, and without anything private."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from optout.compilers.access_log import MEMBERS, Line, parse_line
from optout.compilers.observed import observed
from optout.crawlers.registry import bundled_registry
from optout.evidence.schema import conform
from optout.record import Record
from tests.front_end_lines import SHA, line, number, passed

REGISTRY = bundled_registry()
READ_US = 1_795_000_999_000_000


def _records(data: bytes) -> list[Record]:
    found = parse_line(data)
    assert isinstance(found, Line)
    return list(observed(found, data, REGISTRY, tenant="atelier", ingested_us=READ_US))


def test_a_refusal_is_one_record_with_observation_and_inference_apart() -> None:
    data = line(host="Site.Example:8443", signature_agent='"https://agent.example"', robots=SHA)
    (record,) = _records(data)
    assert record.private == {}
    assert record.public == {
        "v": 1,
        "type": "crawl.request",
        "id": number(1),
        "time_us": 1_795_000_001_250_000,
        "tenant": "atelier",
        "clock.src": "front-end",
        "observed.by": "front-end nginx",
        "observed.ingested_us": READ_US,
        "observed.line.sha256": hashlib.sha256(data).hexdigest(),
        "http.request.method": "GET",
        "network.protocol.version": "1.1",
        "url.scheme": "https",
        "url.query.present": False,
        "url.path": "/gallery/1.jpg",
        "server.address": "site.example",
        "server.port": 8443,
        "user_agent.original": "Mozilla/5.0 (compatible; GPTBot/1.2)",
        "http.request.header.signature-agent": ['"https://agent.example"'],
        "crawl.product": "GPTBot",
        "crawl.operator": "OpenAI",
        "crawl.purpose": "train",
        "crawl.named": ["GPTBot"],
        "crawl.registry.sha256": REGISTRY.sha256,
        "identity.claimed": "GPTBot",
        "identity.claim_source": "ua",
        "identity.standing": "unverified",
        "identity.verified": "none",
        "policy.version": "1",
        "policy.sha256": SHA,
        "policy.clause": "no-training",
        "robots.sha256": SHA,
        "decision.action": "deny",
        "decision.reason": "clause",
        "decision.enforced": True,
        "http.response.status_code": 403,
    }


def test_a_request_that_went_on_has_its_outcome_in_a_second_record() -> None:
    request, outcome = _records(passed(bytes="5000"))
    assert "http.response.status_code" not in request.public
    assert outcome.public["type"] == "crawl.outcome"
    assert outcome.public["crawl.request.id"] == request.public["id"] == number(1)
    assert (outcome.public["http.response.status_code"], outcome.public["http.response.body.size"]) == (200, 5000)
    assert outcome.public["observed.by"] == "front-end nginx"


def test_a_refusal_that_was_only_written_down_went_on_too() -> None:
    request, outcome = _records(line(enforced="0", status="200"))
    assert request.public["decision.enforced"] is False
    assert outcome.public["http.response.status_code"] == 200


def test_a_visitor_who_left_early_is_told_as_broken_off() -> None:
    _, outcome = _records(passed(status="499"))
    assert outcome.public["outcome.aborted"] is True
    assert "http.response.status_code" not in outcome.public


def test_the_same_line_makes_the_same_ids() -> None:
    first, second = ([record.public["id"] for record in _records(passed())] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2


def test_no_path_is_kept_of_a_fetch_that_a_person_asked_for() -> None:
    for data in (
        passed(crawler="ChatGPT-User", user_agent="ChatGPT-User/1.0", path="/secret"),
        passed(crawler="GPTBot", user_agent="GPTBot ChatGPT-User/1.0", path="/secret"),
        passed(crawler="Of Another Release", path="/secret"),
    ):
        assert all("secret" not in str(record.public) for record in _records(data))


def test_a_query_that_stands_in_the_line_is_left_out() -> None:
    (record,) = _records(line(path="/a?secret#more", address="203.0.113.9", target="/a?secret"))
    assert (record.public["url.path"], record.public["url.query.present"]) == ("/a", True)
    assert "secret" not in str(record.public)
    assert "203.0.113.9" not in str(record.public)


def test_a_crawler_of_another_release_keeps_its_name_and_both_registries() -> None:
    (record,) = _records(line(crawler="NewBot", registry=SHA))
    assert record.public["crawl.product"] == record.public["identity.claimed"] == "NewBot"
    assert (record.public["crawl.registry.sha256"], record.public["observed.registry.sha256"]) == (SHA, REGISTRY.sha256)
    assert "crawl.operator" not in record.public


def test_a_control_token_in_a_user_agent_contradicts_itself() -> None:
    (record,) = _records(line(crawler="Google-Extended", user_agent="Google-Extended/1.0"))
    assert record.public["identity.standing"] == record.public["identity.verified"] == "contradicted"


_FREE = ("method", "host", "path", "user_agent", "signature_agent", "crawler")


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_FREE), st.text(min_size=1, max_size=60)))
def test_any_words_of_a_stranger_make_records_that_the_log_takes(other: dict[str, str]) -> None:
    assert set(_FREE) <= MEMBERS.keys()
    for record in _records(passed(**other)):
        assert conform(record.public)["type"] in ("crawl.request", "crawl.outcome")
