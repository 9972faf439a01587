"""The tables of an edge say what the engine says, for every target that can be read in one way."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.accept import prefers_html
from optout.compilers.edge import NAME, NUMBER, OPERATOR, Answer, CrawlerClass, Edge, Onward, Outcome
from optout.compilers.tables import compile_edge
from optout.crawlers.registry import bundled_registry
from optout.decision import decide, is_always_open
from optout.identity import identify
from optout.policy.loader import load_policy
from optout.policy.matcher import PolicyMatcher
from optout.response import prepare
from optout.robots.model import normalize_path
from optout.signals.declaration import Published
from optout.targets import is_malformed, readings
from optout.testing import make_request
from tests.judge import SITE, publishes, user_agent

REGISTRY = bundled_registry()
POLICY = """
version: 1
mode: enforce
default: allow
on_error: allow
on_reservation: deny
contact: rights@site.example
terms: /terms
license: /license.xml
sites: [site.example]
clauses:
  - {id: paid, action: require-license, purpose: train, path: ["/paid/", "/*.raw$"], reason: Ask us.}
  - {id: no-posts, action: deny, purpose: [train, search-index], method: POST}
  - {id: as-published, action: published, crawler: Googlebot, path: /drafts/, including_search: true}
  - {id: welcome, action: allow, operator: Anthropic, path: /open/}
  - {id: watched, action: deny, purpose: user-fetch, mode: observe}
"""
ROBOTS = """
User-agent: GPTBot
Disallow: /gallery/
Allow: /gallery/free/

User-agent: *
Disallow: /drafts/
Disallow: /*.pdf$
Disallow:
"""
TDMREP = (
    '[{"location": "/open/*", "tdm-reservation": 0},'
    ' {"location": "/images/", "tdm-reservation": 1, "tdm-policy": "https://site.example/tdm.json"}]'
)
PUBLISHED = publishes(ROBOTS, TDMREP)
EDGE = compile_edge(load_policy(POLICY.encode(), "policy.yaml", REGISTRY), REGISTRY, PUBLISHED, authority=SITE)
AGENTS = ("GPTBot", "ClaudeBot", "ChatGPT-User", "OAI-SearchBot", "Googlebot", "CCBot", "Google-Extended", "bingbot")
PATHS = ("/", "/paid/a", "/x.raw", "/gallery/7", "/gallery/free/1", "/drafts/a", "/a.pdf", "/open/x", "/images/1")


def outcome_of(edge: Edge, group: CrawlerClass, method: str, target: str) -> Outcome:
    """What a front end does that walks the tables."""
    path = normalize_path(target)
    for table in group.tables:
        found = next(
            (
                step.outcome
                for step in table.steps
                if (not step.methods or method in step.methods)
                and (not step.patterns or any(pattern.matches(path) for pattern in step.patterns))
            ),
            table.otherwise,
        )
        if found is not Onward.NEXT:
            return found
    return Onward.PASS


def class_of(edge: Edge, agent: str) -> CrawlerClass | None:
    claim = REGISTRY.recognize(user_agent(agent))
    assert claim is not None
    return next((group for group in edge.classes if claim.crawler in group.crawlers), None)


def expected(agent: str, method: str, target: str, accept: str = "") -> tuple[int, bytes] | None:
    """Status and body of the engine's own answer."""
    headers = (("accept", accept),) if accept else ()
    request = make_request(f"https://{SITE}{target}", user_agent(agent), method=method, headers=headers)
    claim = REGISTRY.recognize(request.user_agent)
    assert claim is not None
    decision = decide(request=request, agent=identify(claim), matcher=PolicyMatcher(EDGE.policy), published=PUBLISHED)
    prepared = prepare(decision, SITE, as_page=prefers_html(request.fields))
    return None if prepared is None else (prepared.status, prepared.body)


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("target", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_class_is_told_what_the_engine_tells_it(agent: str, target: str, method: str) -> None:
    group = class_of(EDGE, agent)
    found = Onward.PASS if group is None else outcome_of(EDGE, group, method, target)
    wanted = expected(agent, method, target)
    if wanted is None:
        assert found is Onward.PASS
        return
    claim = REGISTRY.recognize(user_agent(agent))
    assert isinstance(found, Answer)
    assert claim is not None
    own = {NAME: claim.crawler.name.encode(), OPERATOR: claim.crawler.operator.encode()}
    body = found.json
    for mark, text in own.items():
        body = body.replace(mark, text)
    status, told = wanted
    problem, mine = json.loads(told), json.loads(body)
    problem.pop("tdm_policy", None) if found.clause != "reservation" else None
    assert (found.status, mine) == (status, problem)
    assert NUMBER in found.json
    assert NUMBER in found.page


SEGMENTS = st.sampled_from(["paid", "gallery", "free", "drafts", "open", "images", "a.pdf", "b.raw", "x", "", "%C3%A9"])


@given(
    agent=st.sampled_from(AGENTS),
    segments=st.lists(SEGMENTS, min_size=1, max_size=4),
    query=st.sampled_from(["", "?", "?a=b", "?x.pdf"]),
    method=st.sampled_from(["GET", "HEAD", "POST"]),
)
def test_the_tables_agree_with_the_engine_wherever_a_target_is_plain(
    agent: str, segments: list[str], query: str, method: str
) -> None:
    target = "/" + "/".join(segments) + query
    if len(readings(target)) > 1 or is_malformed(target) or is_always_open(target, EDGE.policy, PUBLISHED):
        return
    group = class_of(EDGE, agent)
    found = Onward.PASS if group is None else outcome_of(EDGE, group, method, target)
    wanted = expected(agent, method, target)
    assert (found.status if isinstance(found, Answer) else None) == (wanted[0] if wanted else None)


def test_malformed_and_ambiguous_targets_have_an_answer_of_their_own() -> None:
    group = class_of(EDGE, "GPTBot")
    assert group is not None
    assert isinstance(group.malformed, Answer)
    assert (group.malformed.status, group.malformed.code) == (400, "malformed-target")
    assert isinstance(group.ambiguous, Answer)
    assert (group.ambiguous.status, group.ambiguous.code) == (403, "ambiguous-target")


def test_who_is_left_alone_is_in_no_class() -> None:
    assert class_of(EDGE, "bingbot") is None
    assert class_of(EDGE, "Googlebot") is not None  # a clause names it


def test_what_the_policy_names_is_open_and_what_the_site_reserves_is_declared() -> None:
    assert EDGE.open_targets == ("/license.xml", "/terms")
    first, second = EDGE.declared
    assert (first.fields.items, first.reserved) == ((("tdm-reservation", "0"),), False)
    assert second.fields.first("tdm-policy") == "https://site.example/tdm.json"
    assert second.reserved
    assert EDGE.links.first("link") == '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"'


def test_a_policy_that_observes_is_compiled_with_what_it_would_tell() -> None:
    text = POLICY.replace("mode: enforce", "mode: observe", 1)
    edge = compile_edge(load_policy(text.encode(), "policy.yaml", REGISTRY), REGISTRY, PUBLISHED, authority=SITE)
    assert not edge.enforced
    group = class_of(edge, "GPTBot")
    assert group is not None
    assert isinstance(outcome_of(edge, group, "GET", "/paid/a"), Answer)


def test_nothing_published_refuses_only_by_clauses() -> None:
    nothing: Published = publishes(is_known=False)
    edge = compile_edge(load_policy(POLICY.encode(), "policy.yaml", REGISTRY), REGISTRY, nothing, authority=SITE)
    group = class_of(edge, "GPTBot")
    assert group is not None
    assert outcome_of(edge, group, "GET", "/gallery/7") is Onward.PASS
    assert isinstance(outcome_of(edge, group, "GET", "/paid/a"), Answer)


def test_an_edge_asks_for_no_signature_because_it_checks_none() -> None:
    text = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\nclauses:\n" + (
        "  - {id: unproven, action: deny, purpose: search-index, standing: unverified}\n"
    )
    policy = load_policy(text.encode(), "policy.yaml", REGISTRY)
    published = publishes("User-agent: DuckAssistBot\nDisallow: /x\n")  # which gives it a class of its own
    edge = compile_edge(policy, REGISTRY, published, authority=SITE)
    (crawler_class,) = [each for each in edge.classes if each.crawlers[0].name == "DuckAssistBot"]
    assert crawler_class.crawlers[0].signature_agents
    answer = crawler_class.tables[0].steps[0].outcome
    assert isinstance(answer, Answer)
    assert answer.fields.all("accept-signature") == ()
