"""The conductor: who leaves early, what is asked, what happens when judging or recording fails."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from optout.crawlers.address_book import FEWEST_ABSENT, AddressBook
from optout.crawlers.registry import bundled_registry
from optout.decision import Decision, ReasonCode
from optout.engine import Engine, Outcome
from optout.identity import Standing
from optout.lookups import NO_ANSWERS, PublishedDocuments
from optout.policy.loader import load_policy, policy_set
from optout.policy.model import Action, Policy
from optout.testing import FakeResolver, make_request
from tests.crawlers.book import NOW_US, OFF, ON, client, snapshot
from tests.crawlers.book import REGISTRY as EXAMPLE
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


def _listed(address: str | None, *, age_days: float = 1, judge: Engine | None = None) -> Outcome:
    """The outcome for ExBot from `address`, by a list that is `age_days` old."""
    judge = judge or _judge_of_exbot(age_days)
    request = make_request(f"https://{SITE}/", "ExBot/1.0", ip=address, received_us=NOW_US)
    outcome = judge.explain(request, NOTHING)
    assert outcome is not None
    return outcome


def _judge_of_exbot(age_days: float = 1) -> Engine:
    loaded = load_policy(VERIFIED_ONLY.encode(), "policy.yaml", EXAMPLE)
    return Engine(policy_set([loaded]), EXAMPLE, lists=AddressBook([snapshot(age_days=age_days)]))


NOTHING = publishes()
VERIFIED_ONLY = """
version: 1
mode: enforce
default: deny
on_error: refuse
clauses:
  - {id: known, action: allow, crawler: ExBot, standing: verified}
  - {id: forged, action: require-license, standing: contradicted, reason: forged}
contact: rights@site.example
"""


@pytest.mark.parametrize(
    ("address", "age_days", "expected"),
    [
        (ON, 1, ("verified", "known", Action.ALLOW)),
        (OFF, 1, ("contradicted", "forged", Action.REQUIRE_LICENSE)),
        (ON, 15, ("unverified", "default", Action.DENY)),
        (OFF, 15, ("unverified", "default", Action.DENY)),
        (None, 1, ("unverified", "default", Action.DENY)),
    ],
)
def test_the_operators_list_decides_what_a_claim_is_worth(
    address: str | None, age_days: float, expected: tuple[str, str, Action]
) -> None:
    outcome = _listed(address, age_days=age_days)
    decision = outcome.decision
    assert (decision.agent.standing.value, decision.clause, decision.action) == expected
    assert outcome.record is not None
    assert outcome.record.public["identity.list.sha256"] == snapshot(age_days=age_days).sha256


def test_the_same_from_the_same_list_is_judged_once() -> None:
    judge = _judge_of_exbot()
    assert _listed(ON, judge=judge).decision is _listed("192.31.196.9", judge=judge).decision
    assert _listed(OFF, judge=judge).decision is _listed("192.175.48.9", judge=judge).decision
    assert _listed(ON, judge=judge).decision is not _listed(OFF, judge=judge).decision


def test_a_new_list_is_used_from_the_next_request_on() -> None:
    before = _judge_of_exbot()
    request = make_request(f"https://{SITE}/", "ExBot/1.0", ip=OFF, received_us=NOW_US)
    case = before.examine(request)
    assert case is not None
    after = before.knowing(AddressBook([snapshot(networks=("192.175.48.0/24",))]))
    assert _listed(OFF, judge=after).decision.agent.standing is Standing.VERIFIED
    assert _listed(OFF, judge=after.under(after.policies)).decision.agent.standing is Standing.VERIFIED
    assert before.conclude(case, NO_ANSWERS).decision.agent.standing is Standing.CONTRADICTED
    none = after.knowing(AddressBook())
    assert _listed(OFF, judge=none).decision.agent.standing is Standing.UNVERIFIED
    assert _listed(OFF, judge=none).decision is _listed(ON, judge=none).decision


def test_engines_with_other_lists_do_not_share_whom_they_identified() -> None:
    before = _judge_of_exbot()
    after = before.knowing(AddressBook([snapshot(networks=("192.175.48.0/24",))]))
    assert _listed(ON, judge=before).decision.agent.standing is Standing.VERIFIED
    assert _listed(OFF, judge=after).decision.agent.standing is Standing.VERIFIED
    claim = after.recognize("ExBot/1.0")
    assert claim is not None
    assert after.identify(claim, client(OFF), NOW_US) is after.identify(claim, client(OFF), NOW_US)
    assert before.identify(claim, client(ON), NOW_US) is not after.identify(claim, client(OFF), NOW_US)


def test_a_doubted_list_contradicts_nobody() -> None:
    judge = _judge_of_exbot()
    for _ in range(FEWEST_ABSENT - 1):
        assert _listed(OFF, judge=judge).decision.agent.standing is Standing.CONTRADICTED
    found = _listed(OFF, judge=judge).decision
    assert (found.agent.standing, found.clause) == (Standing.UNVERIFIED, "default")
    assert _listed(ON, judge=judge).decision.agent.standing is Standing.VERIFIED


def test_a_user_agent_too_long_to_remember_is_identified_all_the_same() -> None:
    judge = _judge_of_exbot()
    for address, standing in ((ON, Standing.VERIFIED), (OFF, Standing.CONTRADICTED)):
        request = make_request(f"https://{SITE}/", "ExBot/1.0 " + "x" * 600, ip=address, received_us=NOW_US)
        outcome = judge.explain(request, NOTHING)
        assert outcome is not None
        assert outcome.decision.agent.standing is standing
