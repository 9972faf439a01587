"""The conductor: who leaves early, what is asked, what happens when judging or recording fails."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from optout.crawlers.registry import bundled_registry
from optout.decision import Decision, ReasonCode
from optout.engine import Engine
from optout.lookups import NO_ANSWERS, PublishedDocuments
from optout.policy.loader import load_policy, policy_set
from optout.policy.model import Action, Policy
from optout.testing import FakeResolver, make_request
from tests.judge import SITE, ask, declare, engine, publishes, user_agent

POLICY = """
version: 1
sites: [site.example]
mode: enforce
default: allow
on_error: refuse
"""
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0"


@pytest.mark.parametrize("agent", ["", CHROME, "curl/8.5.0", "Mozilla/5.0 (compatible; NotGPTBot/1.0)"])
def test_who_claims_nothing_leaves_at_once(agent: str) -> None:
    assert engine(POLICY).examine(make_request(f"https://{SITE}/", agent)) is None


def test_a_site_without_a_policy_is_passed_over() -> None:
    assert engine(POLICY).examine(make_request("https://other.example/", user_agent("GPTBot"))) is None


def test_the_only_question_is_about_the_owners_own_site() -> None:
    headers = (("Signature-Agent", '"https://evil.example"'), ("Authorization", "License abc"))
    case = engine(POLICY).examine(make_request(f"https://{SITE}/", user_agent("GPTBot"), headers=headers))
    assert case is not None
    assert case.lookups == (PublishedDocuments(authority=SITE),)


def test_a_license_token_is_shown_only_to_the_server_that_the_policy_names() -> None:
    judge = engine(
        POLICY + "license_server: https://licenses.example/olp\nlicense: /license.xml\ncontact: a@site.example\n"
    )
    request = make_request(f"https://{SITE}/a?b", user_agent("GPTBot"), headers=(("Authorization", "License s3cret"),))
    case = judge.examine(request)
    assert case is not None
    assert "s3cret" not in repr(case.lookups)
    assert [getattr(lookup, "server", "") for lookup in case.lookups] == ["", "https://licenses.example/olp"]


def test_a_door_without_a_log_is_answered_alike_and_gets_no_record_made() -> None:
    judge = engine(POLICY)
    case = judge.examine(make_request(f"https://{SITE}/", user_agent("GPTBot")))
    assert case is not None
    recorded, unrecorded = judge.conclude(case, NO_ANSWERS), judge.conclude(case, NO_ANSWERS, is_recorded=False)
    assert unrecorded.record is not None  # it is one that a log would record
    assert not unrecorded.record.public
    assert replace(unrecorded, record=recorded.record) == recorded


async def test_the_kernel_is_examine_resolve_conclude() -> None:
    judge = engine(POLICY)
    resolver = FakeResolver({PublishedDocuments(authority=SITE): publishes("User-agent: *\nDisallow: /")})
    case = judge.examine(make_request(f"https://{SITE}/", user_agent("GPTBot")))
    assert case is not None
    outcome = judge.conclude(case, await resolver.resolve(case.lookups))
    assert outcome.decision.action is Action.DENY
    assert resolver.asked == [PublishedDocuments(authority=SITE)]
    assert judge.conclude(case, NO_ANSWERS).decision.action is Action.ALLOW


@pytest.mark.parametrize(
    ("policy", "agent", "status"),
    [
        (POLICY, "GPTBot", 503),
        (POLICY.replace("refuse", "allow"), "GPTBot", None),
        (POLICY.replace("enforce", "observe"), "GPTBot", None),
        (
            POLICY + "clauses:\n  - {purpose: search, including_search: true, action: deny, path: /x}\n",
            "Googlebot",
            None,
        ),
    ],
)
def test_a_fault_takes_on_error_and_refuses_ai_alone(policy: str, agent: str, status: int | None) -> None:
    judge = engine(policy)
    case = judge.examine(make_request(f"https://{SITE}/", user_agent(agent)))
    assert case is not None
    outcome = judge.fail(case)
    assert (outcome.response.status if outcome.response else None) == status
    assert outcome.decision.deciding.code is ReasonCode.FAULT
    assert outcome.record is not None
    assert outcome.record.public["policy.clause"] == "fault"


@pytest.mark.parametrize(
    ("agent", "path", "policy", "status"),
    [
        ("GPTBot", "/a", POLICY, 503),
        ("CCBot", "/a", POLICY, 503),
        ("OAI-SearchBot", "/a", POLICY, None),
        ("ChatGPT-User", "/a", POLICY, None),
        ("GPTBot", "/robots.txt", POLICY, None),
        ("GPTBot", "/a", POLICY.replace("enforce", "observe"), None),
        ("OAI-SearchBot", "/a", POLICY + "evidence: {required_for: [search-index]}\n", 503),
        ("GPTBot", "/a", POLICY + "evidence: {required_for: []}\n", None),
        ("GPTBot", "/a", POLICY.replace("default: allow", "default: deny"), 403),
    ],
)
def test_content_for_training_goes_out_only_on_record(agent: str, path: str, policy: str, status: int | None) -> None:
    judge = engine(policy)
    outcome = ask(judge, publishes(), agent, path)
    assert outcome is not None
    response = judge.without_record(outcome, make_request(f"https://{SITE}{path}")).response
    assert (response.status if response else None) == status


def test_what_is_refused_without_being_declared_is_named() -> None:
    policy = POLICY + "clauses:\n  - {crawler: [GPTBot, CCBot], action: deny}\n"
    judge = engine(policy)
    assert judge.undeclared(SITE, publishes("User-agent: CCBot\nDisallow: /")) == ("GPTBot",)
    assert judge.undeclared(SITE, publishes("User-agent: *\nDisallow: /")) == ()
    assert judge.undeclared("other.example", publishes()) == ()
    assert engine(policy.replace("enforce", "observe")).undeclared(SITE, publishes()) == ()


def test_the_policy_of_the_right_site_decides() -> None:
    registry = bundled_registry()
    texts = {
        "a.yaml": POLICY.replace("site.example", "a.example, '*.b.example'").replace("allow", "deny"),
        "b.yaml": POLICY.replace("site.example", "x.b.example"),
    }
    judge = Engine(policy_set([load_policy(text.encode(), name, registry) for name, text in texts.items()]), registry)

    def action(host: str) -> Action | None:
        outcome = judge.explain(make_request(f"https://{host}/", user_agent("GPTBot")), publishes())
        return None if outcome is None else outcome.decision.action

    assert action("a.example") is Action.DENY
    assert action("a.example:8443") is Action.DENY
    assert action("y.b.example") is Action.DENY
    assert action("z.y.b.example:8443") is Action.DENY
    assert action("x.b.example") is Action.ALLOW
    assert action("b.example") is None
    assert action("[2001:db8::1]") is None


def test_a_request_without_a_host_meets_the_policy_of_the_only_site() -> None:
    judge = engine(POLICY.replace("default: allow", "default: deny"))
    request = replace(make_request(f"https://{SITE}/", user_agent("GPTBot")), authority="")
    outcome = judge.explain(request, publishes())
    assert outcome is not None
    assert outcome.decision.action is Action.DENY


def test_two_names_are_on_record_if_one_of_them_must_be() -> None:
    judge = engine(POLICY + "evidence: {required_for: [dataset]}\n")
    outcome = ask(judge, publishes(), "GPTBot CCBot")
    assert outcome is not None
    assert outcome.fails_closed


def test_a_second_signature_agent_does_not_hide_the_first() -> None:
    headers = (("Signature-Agent", "x"), ("Signature-Agent", '"https://chatgpt.com"'))
    outcome = ask(engine(POLICY), publishes(), "nobody", headers=headers)
    assert outcome is not None
    assert outcome.decision.agent.claim.crawler.name == "ChatGPT agent"


def test_naming_everybody_costs_no_more_than_naming_a_few() -> None:
    judge = engine(POLICY)
    everybody = " ".join(token for crawler in judge.registry.crawlers for token in crawler.tokens[:1])
    request = make_request(f"https://{SITE}/a", everybody)
    case = judge.examine(request)
    assert case is not None
    assert len(case.agent.claim.named) > 100
    judge.conclude(case, {})
    assert len(case.matcher._indexes) <= 8


def _of_sites(*texts: str) -> list[Policy]:
    registry = bundled_registry()
    return [load_policy(text.encode(), f"{number}.yaml", registry) for number, text in enumerate(texts)]


def test_a_reload_keeps_what_is_known_of_policies_that_stay_and_forgets_the_others() -> None:
    one, two = _of_sites(
        POLICY.replace("site.example", "one.example").replace("default: allow", "default: deny"),
        POLICY.replace("site.example", "two.example").replace("default: allow", "default: deny"),
    )
    changed = _of_sites(POLICY.replace("site.example", "two.example"))[0]
    before = Engine(policy_set([one, two]), bundled_registry())
    published = publishes()

    def decision(judge: Engine, host: str) -> Decision:
        outcome = judge.explain(make_request(f"https://{host}/", user_agent("GPTBot")), published)
        assert outcome is not None
        return outcome.decision

    first, second = decision(before, "one.example"), decision(before, "two.example")
    after = before.under(policy_set([one, changed]))
    assert decision(after, "one.example") is first
    assert decision(after, "two.example") is not second
    assert (second.action, decision(after, "two.example").action) == (Action.DENY, Action.ALLOW)
    assert decision(before, "two.example").action is Action.DENY
    gone = after.under(policy_set([changed]))
    assert gone.examine(make_request("https://one.example/", user_agent("GPTBot"))) is None


def test_a_request_that_is_under_way_ends_under_the_policy_that_it_began_with() -> None:
    before = engine(POLICY.replace("default: allow", "default: deny"))
    case = before.examine(make_request(f"https://{SITE}/", user_agent("GPTBot")))
    assert case is not None
    after = before.under(policy_set(_of_sites(POLICY)))
    assert after.conclude(case, NO_ANSWERS).decision.action is Action.DENY
    assert before.conclude(case, NO_ANSWERS).decision.action is Action.DENY


def test_an_override_outlives_a_reload() -> None:
    policy = POLICY.replace("default: allow", "default: deny")
    after = engine(policy, observe_only=True).under(policy_set(_of_sites(policy)))
    outcome = after.explain(make_request(f"https://{SITE}/", user_agent("GPTBot")), publishes())
    assert outcome is not None
    assert outcome.response is None


def test_a_fault_refuses_nobody_on_a_site_that_is_not_enforced_yet() -> None:
    judge = engine(POLICY + "enforce: {percent: 0}\n")
    case = judge.examine(make_request(f"https://{SITE}/", user_agent("GPTBot")))
    assert case is not None
    assert judge.fail(case).response is None


def test_what_a_page_declares_is_made_once_for_each_rule_and_site() -> None:
    judge = engine(POLICY + "license: /license.xml\n")
    tdmrep = '[{"location": "/a/*", "tdm-reservation": 1}, {"location": "/b/*", "tdm-reservation": 0}]'
    published = publishes(tdmrep=tdmrep)
    first, again, other = (declare(judge, target, published) for target in ("/a/1", "/a/2", "/b/1"))
    assert first is again
    assert (first.first("tdm-reservation"), other.first("tdm-reservation")) == ("1", "0")
    assert declare(judge, "/a/1", publishes()).first("tdm-reservation") is None
