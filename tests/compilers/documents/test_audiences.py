"""Who reads which group."""

from __future__ import annotations

from optout.compilers.documents.audiences import Audiences, audiences
from optout.crawlers.registry import bundled_registry
from optout.robots.parser import parse_robots
from tests.compilers.documents.published import NO_TRAINING, policy


def groups(more: str, default: str = "allow") -> Audiences:
    return audiences(policy(more, default), bundled_registry(), (), ("/terms",))


def told(found: Audiences, token: str) -> list[str]:
    return next(
        (
            [f"{'+' if line.allows else '-'}{line.pattern.written}" for line in group.ordered.lines]
            for group in found.groups
            if token in group.tokens
        ),
        [],
    )


def test_a_policy_that_refuses_nobody_has_one_group() -> None:
    found = groups("")
    assert [group.tokens for group in found.groups] == [("*",)]
    assert told(found, "*") == ["+/"]


def test_who_is_refused_is_named_and_everybody_else_is_not() -> None:
    found = groups(NO_TRAINING)
    assert told(found, "GPTBot") == ["+/terms$", "-/"]
    assert told(found, "Googlebot") == told(found, "OAI-SearchBot") == []
    assert found.groups[-1].tokens == ("*",)


def test_a_control_token_is_told_what_its_operators_training_crawler_would_be() -> None:
    assert told(groups(NO_TRAINING), "Google-Extended") == ["+/terms$", "-/"]
    assert told(groups("clauses: [{action: deny, operator: Google}]\n"), "Google-Extended") == ["+/terms$", "-/"]
    assert told(groups("clauses: [{action: deny, operator: Google}]\n"), "Applebot-Extended") == []


def test_who_would_read_another_ones_group_gets_one_of_its_own() -> None:
    found = groups("clauses: [{action: deny, crawler: Googlebot, including_search: true}]\n")
    assert told(found, "Googlebot") == ["+/terms$", "-/"]
    assert told(found, "Applebot") == told(found, "Googlebot-News") == ["+/"]


def test_a_longer_name_comes_before_a_name_within_it() -> None:
    found = groups("clauses: [{action: deny, crawler: GoogleOther}, {action: allow, crawler: GoogleOther-Image}]\n")
    order = [group.tokens for group in found.groups]
    longer = next(place for place, tokens in enumerate(order) if "GoogleOther-Image" in tokens)
    assert longer < next(place for place, tokens in enumerate(order) if "GoogleOther" in tokens)
    assert not found.tangled


def test_names_of_several_crawlers_and_crawlers_without_a_name_are_told() -> None:
    found = groups("clauses: [{action: deny, purpose: user-fetch}]\n")
    assert found.shared == ("Kagibot",)
    assert "ChatGPT agent" in found.tokenless


BASE = """
User-agent: *
Disallow: /admin/
User-agent: Googlebot
Crawl-delay: 3
Disallow: /drafts/
User-agent: UnknownBot
Disallow: /
"""


def test_rules_below_the_clauses_stand_where_no_clause_speaks() -> None:
    found = audiences(policy(NO_TRAINING), bundled_registry(), (), ("/terms",), parse_robots(BASE.encode()))
    assert told(found, "*") == ["-/admin/", "+/"]
    assert told(found, "GPTBot") == ["+/terms$", "-/"]
    assert told(found, "Googlebot") == ["-/drafts/", "+/"]
    assert told(found, "UnknownBot") == ["+/terms$", "-/"]
    assert next(group.others for group in found.groups if "Googlebot" in group.tokens) == (("crawl-delay", "3"),)


def test_a_permission_does_not_lift_the_rules_around_its_path() -> None:
    clauses = "clauses: [{action: allow, purpose: train, path: /admin/open/}]\n"
    found = audiences(policy(clauses), bundled_registry(), (), (), parse_robots(BASE.encode()))
    assert told(found, "GPTBot") == ["+/admin/open/", "-/admin/", "+/"]


def test_very_many_names_are_not_compared_one_by_one_and_that_is_told() -> None:
    many = "".join(f"User-agent: name{number}\n" for number in range(2_500))
    found = audiences(policy(NO_TRAINING), bundled_registry(), (), (), parse_robots(f"{many}Disallow: /x\n".encode()))
    assert {"name1", "GPTBot"} <= set(found.tangled)
    assert told(found, "name7") == ["-/x", "+/"]
