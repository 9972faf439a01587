"""What a refused crawler is told: status, fields, problem details, page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.licensing.token import Grant, GrantState
from optout.lookups import Introspection
from optout.messages import Fields, Response
from optout.response import bad_request, prepare, prepare_both
from optout.testing import make_request
from tests.judge import SITE, ask, declare, engine, publishes, user_agent

LICENSED = """
version: 1
mode: enforce
default: require-license
on_error: refuse
contact: rights@site.example
terms: https://site.example/terms
license: https://site.example/license.xml
tdm_policy: https://site.example/tdm.json
"""
DENIED = LICENSED.replace("default: require-license", "default: deny")
WITH_SERVER = LICENSED + "license_server: https://licenses.example/olp\n"
OWN_SITE = LICENSED.replace("https://site.example/license.xml", "/license.xml") + "sites: [site.example]\n"
RESERVED = '[{"location": "/", "tdm-reservation": 1}]'


def refusal(policy: str = LICENSED, *, accept: str | None = None, method: str = "GET", **documents: str) -> Response:
    headers = (("Accept", accept),) if accept is not None else ()
    outcome = ask(engine(policy), publishes(**documents), "GPTBot", "/a", method=method, headers=headers)
    assert outcome is not None
    assert outcome.response is not None
    return outcome.response


def test_a_license_refusal_carries_the_whole_offer() -> None:
    response = refusal(tdmrep=RESERVED)
    assert response.status == 402
    assert response.fields.first("content-type") == "application/problem+json"
    assert response.fields.first("content-length") == str(len(response.body))
    assert response.fields.all("link") == (
        '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"',
        '<https://site.example/terms>; rel="terms-of-service"; type="text/html"',
    )
    assert response.fields.first("tdm-reservation") == "1"
    assert response.fields.first("tdm-policy") == "https://site.example/tdm.json"
    problem = json.loads(response.body)
    assert (problem["status"], problem["title"]) == (402, "Payment Required")
    assert problem["detail"].startswith("A license is required for this use.")
    assert problem["code"] == "default"
    assert problem["source"] == "policy.yaml:4"
    assert problem["instance"].startswith("urn:uuid:")
    assert problem["contact"] == "mailto:rights@site.example"
    assert problem["terms"] == "https://site.example/terms"
    assert problem["license"] == "https://site.example/license.xml"
    assert problem["agent"]["name"] == "GPTBot"


def test_a_denial_is_403_and_offers_no_license_in_words() -> None:
    response = refusal(DENIED)
    assert response.status == 403
    assert "A license can be had" not in json.loads(response.body)["detail"]


def test_a_license_of_the_site_s_own_is_told_by_its_absolute_url() -> None:
    link = '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"'
    assert refusal(OWN_SITE).fields.all("link")[0] == link
    assert declare(engine(OWN_SITE), "/", publishes()).all("link") == (link,)
    anywhere = OWN_SITE.replace("sites: [site.example]", "")
    assert refusal(anywhere).fields.all("link")[0].startswith("</license.xml>")  # the visitor alone named the host


def test_no_cache_keeps_a_refusal() -> None:
    for response in (refusal(), refusal(DENIED), bad_request()):
        assert response.fields.first("cache-control") == "no-store"
        assert response.fields.first("vary") == "User-Agent, Signature-Agent"


def test_head_gets_what_get_gets() -> None:
    assert refusal(method="HEAD").fields == refusal().fields


def test_a_range_or_a_condition_does_not_soften_a_refusal() -> None:
    headers = (("Range", "bytes=0-9"), ("If-None-Match", "*"), ("If-Modified-Since", "Tue, 24 Nov 2026 00:00:00 GMT"))
    outcome = ask(engine(DENIED), publishes(), "GPTBot", "/a", headers=headers)
    assert outcome is not None
    assert outcome.response is not None
    assert outcome.response.status == 403
    assert outcome.response.fields.first("content-range") is None


def test_an_unset_reservation_declares_nothing() -> None:
    for documents in ({}, {"tdmrep": '[{"location": "/", "tdm-reservation": "1"}]'}):
        assert refusal(**documents).fields.first("tdm-reservation") is None


@pytest.mark.parametrize(
    ("state", "status", "error"),
    [
        (None, 401, "invalid_request"),
        (GrantState.INVALID, 401, "invalid_token"),
        (GrantState.UNPAID, 402, "insufficient_scope"),
        (GrantState.WRONG_USE, 403, None),
        (GrantState.UNAVAILABLE, 503, None),
    ],
)
def test_a_license_server_makes_the_status_of_the_token(
    state: GrantState | None, status: int, error: str | None
) -> None:
    headers = (("Authorization", "License abc"),) if state is not None else ()
    request = make_request(f"https://{SITE}/a", user_agent("GPTBot"), headers=headers)
    judge = engine(WITH_SERVER)
    case = judge.examine(request)
    assert case is not None
    questions = [lookup for lookup in case.lookups if isinstance(lookup, Introspection)]
    answers = {question: Grant(state=state) for question in questions if state is not None}
    response = judge.conclude(case, answers).response
    assert response is not None
    assert response.status == status
    challenge = response.fields.first("www-authenticate")
    assert (challenge is None) == (error is None)
    assert error is None or (challenge is not None and challenge.startswith(f'License error="{error}"'))
    assert (response.fields.first("retry-after") is not None) == (status == 503)


def test_a_license_server_that_gives_no_answer_is_503_and_a_valid_grant_opens() -> None:
    request = make_request(f"https://{SITE}/a", user_agent("GPTBot"), headers=(("Authorization", "License abc"),))
    judge = engine(WITH_SERVER)
    case = judge.examine(request)
    assert case is not None
    silent = judge.conclude(case, {}).response
    assert silent is not None
    assert silent.status == 503
    answers = {case.lookups[1]: Grant(state=GrantState.VALID, license_id="L-1")}
    opened = judge.conclude(case, answers)
    assert opened.response is None
    assert opened.fields == Fields((("Cache-Control", "private"),))
    assert opened.record is not None
    assert opened.record.public["license.id"] == "L-1"


def test_a_license_does_not_cover_what_the_origin_may_read_otherwise() -> None:
    headers = (("Authorization", "License abc"),)
    request = make_request(f"https://{SITE}/free/..%2fpaid", user_agent("GPTBot"), headers=headers)
    judge = engine(WITH_SERVER)
    case = judge.examine(request)
    assert case is not None
    assert judge.conclude(case, {case.lookups[1]: Grant(state=GrantState.VALID)}).response is not None


def test_a_token_that_was_refused_is_told_and_recorded() -> None:
    request = make_request(f"https://{SITE}/a", user_agent("GPTBot"), headers=(("Authorization", "License abc"),))
    judge = engine(WITH_SERVER)
    case = judge.examine(request)
    assert case is not None
    grant = Grant(state=GrantState.INVALID, reason="revoked in spring")
    outcome = judge.conclude(case, {case.lookups[1]: grant})
    assert outcome.response is not None
    problem = json.loads(outcome.response.body)
    assert (problem["code"], "revoked in spring" in problem["reason"]) == ("grant-refused", True)
    assert outcome.record is not None
    assert outcome.record.public["decision.reason"] == "grant-refused"


def test_an_open_file_asks_no_license_server() -> None:
    headers = (("Authorization", "License abc"),)
    case = engine(WITH_SERVER).examine(
        make_request(f"https://{SITE}/robots.txt", user_agent("GPTBot"), headers=headers)
    )
    assert case is not None
    assert len(case.lookups) == 1


def test_without_a_contact_the_page_says_where_one_may_stand() -> None:
    policy = LICENSED.replace("contact: rights@site.example\n", "")
    assert "/.well-known/security.txt" in _Page(refusal(policy, accept="text/html").body.decode()).links


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/markdown, text/html, */*", True),
        ("text/html;q=0.5, application/problem+json", False),
        ("text/html;q=0", False),
        ("text/html;q=huge", True),
        ("application/problem+json;q=0.2, text/html;q=0.3", True),
    ],
)
def test_people_get_a_page_and_machines_get_problem_details(accept: str | None, html: bool) -> None:
    kind = refusal(accept=accept).fields.first("content-type")
    assert kind == ("text/html; charset=utf-8" if html else "application/problem+json")


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "a":
            self.links.append(found.get("href") or "")
        if tag == "html":
            self.language = found.get("lang") or ""

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and data.strip():
            self.scripts.append(data)


@pytest.mark.parametrize("policy", [LICENSED, DENIED, WITH_SERVER, OWN_SITE])
def test_both_forms_at_once_are_what_each_is_alone(policy: str) -> None:
    outcome = ask(engine(policy), publishes(tdmrep=RESERVED), "GPTBot", "/a")
    assert outcome is not None
    both = prepare_both(outcome.decision, SITE)
    assert both is not None
    details, page = both
    alone = prepare(outcome.decision, SITE, as_page=True)
    assert details == prepare(outcome.decision, SITE, as_page=False)
    assert alone is not None
    assert page == alone.body
    allowed = replace(outcome.decision, enforced=False)
    assert prepare_both(allowed, SITE) is None


def test_the_page_tells_a_wrongly_refused_person_how_to_ask() -> None:
    response = refusal(accept="text/html", tdmrep=RESERVED)
    text = response.body.decode()
    page = _Page(text)
    assert page.language == "en"
    assert {"title", "main", "h1", "h2"} <= set(page.tags)
    assert "mailto:rights@site.example" in page.links
    assert "If you are a person" in text
    embedded = json.loads(page.scripts[0])
    assert embedded["instance"] in text
    assert embedded["status"] == 402


HOSTILE = ("</script><script>alert(1)</script>", "javascript:alert(1)", "//evil.example", '"><img src=x>', "\u202e")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_a_stranger_sent_reaches_page_fields_or_problem(text: str) -> None:
    headers = (("Accept", "text/html"), ("Referer", text), ("X-Forwarded-Host", "evil.example"), ("From", text))
    outcome = ask(engine(LICENSED), publishes(), "GPTBot", f"/a?{text}", headers=headers)
    assert outcome is not None
    assert outcome.response is not None
    everything = outcome.response.body.decode() + repr(outcome.response.fields)
    assert text not in everything
    assert "evil" not in everything
    assert outcome.response.fields.first("location") is None


def test_a_script_end_in_the_owners_words_does_not_end_the_script() -> None:
    policy = LICENSED + 'clauses:\n  - {id: a, action: deny, reason: "</script><b>no</b>"}\n'
    page = _Page(refusal(policy, accept="text/html").body.decode())
    assert "b" not in page.tags
    assert "</script><b>no</b>" in json.loads(page.scripts[0])["detail"]


@given(st.text(max_size=300))
def test_no_accept_field_raises(accept: str) -> None:
    assert refusal(accept=accept).status == 402


def test_declaring_fields_are_for_everybody_and_only_where_something_is_declared() -> None:
    judge = engine(LICENSED)
    published = publishes(
        tdmrep='[{"location": "/open", "tdm-reservation": 0}, {"location": "/a", "tdm-reservation": 1}]'
    )
    link = ("Link", '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"')
    assert declare(judge, "/a", published) == Fields(
        (("tdm-reservation", "1"), ("tdm-policy", "https://site.example/tdm.json"), link)
    )
    assert declare(judge, "/open", published) == Fields((("tdm-reservation", "0"), link))
    assert declare(judge, "/x", published) == Fields((link,))


def test_observing_declares_nothing() -> None:
    judge = engine(LICENSED.replace("enforce", "observe"))
    assert len(declare(judge, "/a", publishes(tdmrep=RESERVED))) == 0


def test_fields_never_carry_a_line_end() -> None:
    response = refusal(WITH_SERVER, tdmrep=RESERVED)
    assert not any(re.search(r"[\r\n]", name + value) for name, value in response.fields)
