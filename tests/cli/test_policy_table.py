"""cli.policy_table: a line for each visitor that a person knows, under each ready stance."""

from __future__ import annotations

import pytest

from optout.adapters.policy_files import load_policy_set
from optout.cli.policy_table import COLUMNS, PAGE, VISITORS, Row, Table, as_rows, example_site, markdown, table
from optout.crawlers.model import AI_PURPOSES, Purpose
from optout.crawlers.registry import bundled_registry
from optout.engine import Engine, Outcome
from optout.policy.loader import load_policy, policy_set
from optout.policy.model import PolicySet
from optout.signals.declaration import NOTHING_KNOWN
from optout.testing import make_request

REGISTRY = bundled_registry()
HEAD = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\ncontact: me@photos.example\n"


def _table(policies: PolicySet) -> Table:
    engine = Engine(policies, REGISTRY)
    (policy,) = policies

    def answer(user_agent: str, path: str) -> Outcome | None:
        request = make_request(f"https://{example_site(policy)}{path}", user_agent)
        return engine.explain(request, NOTHING_KNOWN)

    return table(policy, REGISTRY, answer)


def _of(text: str) -> Table:
    return _table(policy_set([load_policy((HEAD + text).encode(), "policy.yaml", REGISTRY)]))


def _row(found: Table, name: str) -> Row:
    return next(row for row in found.rows if name in row.visitor)


@pytest.mark.parametrize("visitor", [each for each in VISITORS if each.crawler], ids=lambda each: each.crawler)
def test_a_visitor_is_what_the_registry_takes_it_for(visitor: object) -> None:
    crawler = REGISTRY.by_name(visitor.crawler)  # type: ignore[attr-defined]
    assert crawler is not None
    if crawler.purpose is not Purpose.CONTROL_TOKEN:
        claim = REGISTRY.recognize(crawler.examples[0])
        assert claim is not None
        assert claim.crawler.name == crawler.name


def test_who_is_no_crawler_is_not_taken_for_an_ai() -> None:
    for visitor in VISITORS:
        if visitor.user_agent:
            claim = REGISTRY.recognize(visitor.user_agent)
            assert claim is None or claim.crawler.acts_for.isdisjoint(AI_PURPOSES)


@pytest.mark.parametrize("stance", ["observe", "no-training", "search-only", "license-required"])
def test_no_ready_stance_costs_search_previews_feeds_or_people(stance: str) -> None:
    found = _table(load_policy_set(stance, REGISTRY)[0])
    assert found.questions["Do I vanish from Google?"] == "No."
    assert found.questions["Will my link previews break?"] == "No."
    left_alone = ("person", "Google search", "Bing", "Apple", "preview", "feed reader", "Internet Archive", "browser")
    for name in left_alone:
        assert _row(found, name).passes


@pytest.mark.parametrize(
    ("stance", "training", "search", "asked"),
    [
        ("observe", "yes", "yes", "yes"),
        ("no-training", "no (403)", "yes", "yes"),
        ("search-only", "no (403)", "yes", "no (403)"),
        ("license-required", "no (402)", "yes", "yes"),
    ],
)
def test_what_each_ready_stance_tells_an_ai(stance: str, training: str, search: str, asked: str) -> None:
    found = _table(load_policy_set(stance, REGISTRY)[0])
    assert (_row(found, "GPTBot").page, _row(found, "CCBot").image) == (training, training)
    assert (_row(found, "OAI-SearchBot").page, _row(found, "PerplexityBot").page) == (search, search)
    assert (_row(found, "ChatGPT-User").page, _row(found, "Claude-User").page) == (asked, asked)


def test_a_policy_that_refuses_google_says_so() -> None:
    found = _of("clauses:\n  - {action: deny, crawler: Googlebot, path: /images/, including_search: true}\n")
    assert found.questions["Do I vanish from Google?"] == "Yes."
    row = _row(found, "Google search")
    assert (row.page, row.image) == ("yes", "no (403)")
    assert row.told.startswith("page: nothing: it gets what it asks for; image: ")


def test_a_policy_that_breaks_previews_says_which() -> None:
    found = _of("clauses:\n  - {action: deny, crawler: facebookexternalhit}\n")
    assert found.questions["Will my link previews break?"] == "Yes: Facebook."


def test_a_policy_that_observes_says_what_it_would_do() -> None:
    text = b"clauses:\n  - {action: deny, purpose: train}\n"
    observing = HEAD.replace("mode: enforce", "mode: observe").encode() + text
    found = _table(policy_set([load_policy(observing, "policy.yaml", REGISTRY)]))
    row = _row(found, "GPTBot")
    assert row.page == "yes"
    assert row.told == "nothing yet; `mode: enforce` would refuse it the page"


def test_a_clause_that_observes_is_named() -> None:
    found = _of("clauses:\n  - {action: deny, purpose: train, mode: observe}\n")
    assert _row(found, "GPTBot").told == "nothing: a clause about it only observes"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("GPTBot", "OpenAI says that it obeys robots.txt as well"),
        ("CCBot", "obeys robots.txt as well"),
        ("ChatGPT-User", "does not obey robots.txt here"),
        ("A person", "certain"),
        ("calls itself a browser", "not at all"),
    ],
)
def test_how_sure_an_answer_is(name: str, words: str) -> None:
    found = _table(load_policy_set("search-only", REGISTRY)[0])
    assert words in _row(found, name).sure


@pytest.mark.parametrize(
    ("sites", "site"), [("'*'", "site.example"), ("a.example", "a.example"), ("'*.a.example'", "www.a.example")]
)
def test_the_table_is_made_for_a_site_of_the_policy(sites: str, site: str) -> None:
    policy = load_policy(f"{HEAD}sites: {sites}\n".encode(), "policy.yaml", REGISTRY)
    assert example_site(policy) == site
    assert policy_set([policy]).find(site) is policy


def test_an_owners_reason_cannot_break_the_markdown() -> None:
    found = _of('clauses:\n  - {action: deny, purpose: train, reason: "a | b <script> \\\\"}\n')
    text = markdown(found)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(COLUMNS) + 1}
    assert "<script>" not in text


def test_the_table_as_json_has_a_cell_for_each_column() -> None:
    found = as_rows(_of(""))
    assert {len(row) for row in found["visitors"]} == {len(COLUMNS)}  # type: ignore[attr-defined]
    assert PAGE.startswith("/")
