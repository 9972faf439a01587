"""A signed request from the first look to its record: who is believed, who is asked, and what stays behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from optout.adapters.documents import CallableSource
from optout.adapters.driver import Driver, Settings
from optout.adapters.key_directories import KeyDirectories
from optout.adapters.refusals import refusal_of
from optout.engine import Case, Engine, Outcome
from optout.lookups import PublishedDocuments, SignatureCheck
from optout.messages import Request
from optout.signatures.directory import parse_directory
from optout.signatures.proof import Recheck, recheck
from optout.signatures.verification import Checked, check
from optout.testing import make_request
from tests.adapters.test_key_directories import Double
from tests.cli.evidence.setting import run
from tests.judge import SITE, engine, leaves, user_agent
from tests.signatures.signer import NOW, Signer, directory

AGENT = 'sig1="https://chatgpt.com"'
CHROME = "Mozilla/5.0 (Macintosh) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
contact: rights@site.example
clauses:
  - {id: proven, action: allow, standing: verified}
  - {id: denied, action: deny, standing: contradicted}
  - {id: unproven, action: require-license, purpose: user-fetch}
"""
SIGNER = Signer()
URL = f"https://{SITE}/page?q=1"
KEYS = parse_directory(directory(SIGNER.jwk))


def signed(
    agent: str = CHROME,
    *,
    address: str | None = "8.8.8.8",
    url: str = URL,
    received: int = NOW,
    signer: str = AGENT,
    **more: object,
) -> Request:
    """A request as ChatGPT's agent signs it."""
    headers = SIGNER.headers(URL, agent=signer, **more)  # type: ignore[arg-type]
    return make_request(url, agent, headers=headers, ip=address, received_us=received * 1_000_000)


def examined(judge: Engine, request: Request) -> Case:
    case = judge.examine(request)
    assert case is not None
    return case


def questions(case: Case) -> list[SignatureCheck]:
    return [lookup for lookup in case.lookups if isinstance(lookup, SignatureCheck)]


def concluded(judge: Engine, request: Request, answer: Checked | str | None = "keys") -> Outcome:
    """The outcome where the keys are at hand, or where the question about the signature is answered so."""
    case = examined(judge, request)
    answers: dict[object, object] = {}
    for question in questions(case):
        if answer == "keys":
            answers[question] = check(
                keyid=question.keyid, base=question.base, value=question.value, keys=KEYS, now_s=question.at_s
            )
        elif answer is not None:
            answers[question] = answer
    return judge.conclude(case, answers)  # type: ignore[arg-type]


def standing(outcome: Outcome) -> tuple[str, str, str]:
    agent = outcome.decision.agent
    return agent.standing.value, agent.method.value, outcome.decision.clause


def test_a_valid_signature_verifies_whoever_signs_there() -> None:
    judge = engine(POLICY)
    case = examined(judge, signed())
    (question,) = questions(case)
    assert (question.host, question.keyid, question.nonce, question.at_s) == ("chatgpt.com", SIGNER.keyid, "n1", NOW)
    assert standing(concluded(judge, signed())) == ("verified", "signature", "proven")


def test_a_signature_verifies_where_the_address_is_unknown() -> None:
    assert standing(concluded(engine(POLICY), signed(address=None)))[:2] == ("verified", "signature")


def test_a_bad_signature_contradicts_unless_something_unknown_stands_between() -> None:
    other = f"https://{SITE}.other/page"
    judge = engine(POLICY)
    assert standing(concluded(judge, signed(url=other))) == ("contradicted", "signature", "denied")
    assert standing(concluded(judge, signed(url=other, address=None))) == ("unverified", "none", "unproven")


@pytest.mark.parametrize("answer", [None, "nonsense"])
def test_keys_that_could_not_be_had_contradict_nobody(answer: Checked | str | None) -> None:
    outcome = concluded(engine(POLICY), signed(), answer)
    assert standing(outcome) == ("unverified", "unavailable", "unproven")
    assert "could not be had" in outcome.decision.agent.note


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"received": NOW + 3600}, "expired"),
        ({"received": NOW - 3600}, "in the future"),
        ({"covered": '"@authority"'}, "does not cover Signature-Agent"),
        ({"tag": "other"}, "not one of Web Bot Auth"),
        ({"signer": 'sig1="https://chatgpt.com/backend/file.json"'}, "elsewhere than in the directory"),
    ],
)
def test_what_could_not_count_is_asked_of_nobody_and_contradicts_nobody(changed: dict[str, object], note: str) -> None:
    judge = engine(POLICY)
    request = signed(**changed)  # type: ignore[arg-type]
    assert not questions(examined(judge, request))
    outcome = concluded(judge, request)
    assert standing(outcome) == ("unverified", "none", "unproven")
    assert note in outcome.decision.agent.note


@pytest.mark.parametrize("agent", ["GPTBot", "ClaudeBot", "GPTBot Googlebot"])
def test_another_signer_verifies_no_claim_to_be_somebody_else(agent: str) -> None:
    judge = engine(POLICY)
    for by in (AGENT, 'sig1="https://evil.example"', 'sig1="https://bot.trychannel3.com"'):
        request = signed(user_agent(agent), signer=by)
        assert not questions(examined(judge, request))
        assert standing(concluded(judge, request))[:2] == ("unverified", "none")


def test_no_directory_is_asked_because_a_stranger_named_it() -> None:
    case = examined(engine(POLICY), signed(user_agent("GPTBot"), signer='sig1="https://169.254.169.254"'))
    assert case.lookups == (PublishedDocuments(authority=SITE),)


def test_requests_with_the_same_proof_are_judged_once() -> None:
    judge = engine(POLICY)
    first, second = (concluded(judge, signed(nonce=nonce)) for nonce in ("a", "b"))
    assert first.decision is second.decision
    assert first.record is not None
    assert second.record is not None
    assert first.record.public["signature.base"] != second.record.public["signature.base"]


def test_the_record_can_be_checked_again_by_anybody() -> None:
    outcome = concluded(engine(POLICY), signed())
    assert outcome.record is not None
    public = outcome.record.public
    assert public["identity.verified"] == "signature"
    assert public["signature.signer"] == "chatgpt.com"
    assert recheck(public) is Recheck.GOOD


def test_a_path_that_a_person_asked_for_stays_sealed_though_it_is_signed() -> None:
    covered = '"@authority" "@path" "signature-agent";key="sig1"'
    outcome = concluded(engine(POLICY), signed(covered=covered))
    assert outcome.record is not None
    assert "/page" not in repr(dict(outcome.record.public))
    assert recheck(outcome.record.public) is Recheck.SEALED
    assert recheck({**outcome.record.public, **outcome.record.private}) is Recheck.GOOD


def refusal_of_signer(policy: str, request: Request) -> tuple[str, ...]:
    response = concluded(engine(policy), request, None).response
    assert response is not None
    return response.fields.all("accept-signature")


UNSIGNED = make_request(URL, CHROME, headers=(("Signature-Agent", '"https://chatgpt.com"'),), ip="8.8.8.8")
SHUT = """
version: 1
mode: enforce
default: allow
on_error: refuse
clauses:
  - {id: shut, action: deny, purpose: user-fetch, %s}
"""


def test_a_refusal_asks_for_a_signature_where_the_policy_asks_for_proof() -> None:
    asked = ('sig1=("@authority" "signature-agent";key="sig1");created;expires;keyid;tag="web-bot-auth"',)
    assert refusal_of_signer(POLICY, UNSIGNED) == asked
    assert refusal_of_signer(SHUT % "standing: unverified", UNSIGNED) == asked
    assert refusal_of_signer(POLICY, signed()) == asked  # whose keys could not be had


def test_it_asks_nobody_whom_a_signature_would_not_help() -> None:
    assert refusal_of_signer(SHUT % "path: /", UNSIGNED) == ()
    other = SHUT.replace("user-fetch", "[user-fetch, train]") % "standing: unverified"
    assert refusal_of_signer(other, make_request(URL, user_agent("GPTBot"))) == ()  # which is not known to sign
    verified = concluded(engine(SHUT % "standing: verified"), signed()).response
    assert verified is not None
    assert verified.fields.all("accept-signature") == ()


def test_who_signs_as_he_is_asked_to_is_verified() -> None:
    judge = engine(POLICY)
    (asked,) = refusal_of_signer(POLICY, UNSIGNED)
    covered = asked[asked.index("(") + 1 : asked.index(")")]
    assert standing(concluded(judge, signed(covered=covered)))[0] == "verified"


def test_a_fault_does_not_stand_in_the_way_of_on_error() -> None:
    judge = engine(POLICY)
    outcome = judge.fail(examined(judge, signed()))
    assert outcome.response is not None
    assert outcome.response.status == 503


@asynccontextmanager
async def running(place: Path, double: Double, *, within: float = 5.0) -> AsyncIterator[Driver]:
    (place / "policy.yaml").write_text(POLICY)
    settings = Settings(
        state=place / "state", software="test", policy=place / "policy.yaml", evidence=place / "evidence"
    )
    driver = Driver(settings, CallableSource(lambda _authority, _path: None))
    keys = KeyDirectories(double, {"chatgpt.com"}, within=within, on_keys=driver._on_keys)
    driver.keys = driver._resolver._signatures = keys  # its own would go to the internet
    await driver.start()
    try:
        await driver.published.ask(SITE, within=10)
        yield driver
    finally:
        await driver.stop()


async def visit(driver: Driver, request: Request) -> Outcome:
    claim = driver.recognize(request.authority, request.user_agent, request.signature_agent)
    assert claim is not None
    outcome = await driver.decide(request, claim)
    assert outcome is not None
    return outcome


async def test_a_signature_counts_once_and_its_keys_go_into_the_evidence(tmp_path: Path) -> None:
    document = directory(SIGNER.jwk)
    async with running(tmp_path, Double(document)) as driver:
        found = [standing(await visit(driver, signed(nonce=nonce))) for nonce in ("a", "b", "b")]
    assert found == [("verified", "signature", "proven")] * 2 + [("unverified", "none", "unproven")]
    kept = leaves(tmp_path / "evidence")
    (snapshot,) = [leaf for leaf in kept if leaf.get("snapshot.kind") == "key-directory"]
    asked = [leaf for leaf in kept if leaf["type"] == "crawl.request"]
    assert snapshot["host"] == "chatgpt.com"
    assert {leaf["signature.keys.sha256"] for leaf in asked} == {snapshot["snapshot.sha256"]}
    assert (tmp_path / "evidence" / "snapshots" / str(snapshot["snapshot.sha256"])).read_bytes() == document
    assert [leaf["signature.verdict"] for leaf in asked] == ["verified", "verified", "replayed"]
    assert [recheck(leaf) for leaf in asked] == [Recheck.GOOD] * 3


async def test_what_is_sealed_is_checked_again_when_it_is_revealed(tmp_path: Path) -> None:
    request = signed(covered='"@authority" "@path" "@query" "signature-agent";key="sig1"')
    async with running(tmp_path, Double(directory(SIGNER.jwk))) as driver:
        await visit(driver, request)
    shown = ["show", tmp_path / "evidence", request.id, "--json"]
    assert json.loads(run(*shown).output)["signature"] == "sealed"
    found = json.loads(run(*shown, "--private", "--reason", "a dispute").output)
    assert (found["signature"], found["signature_key_listed"]) == ("good", True)
    assert found["private"]["signature.base"].startswith('"@authority": site.example\n"@path": /page\n"@query": ?q=1\n')


async def test_a_directory_that_never_answers_holds_up_no_person_and_no_claimant_for_long(tmp_path: Path) -> None:
    double = Double(directory(SIGNER.jwk))
    double.gate.clear()
    async with running(tmp_path, double, within=0.02) as driver:
        claimants = [asyncio.ensure_future(visit(driver, signed(nonce=str(n)))) for n in range(20)]
        await asyncio.sleep(0)
        assert driver.recognize(SITE, CHROME, None) is None  # a person: nothing is awaited
        found = await asyncio.gather(*claimants)
    assert {standing(outcome) for outcome in found} == {("unverified", "unavailable", "unproven")}
    assert len(double.asked) == 1


async def test_a_refusal_of_a_signed_request_is_judged_anew_each_time(tmp_path: Path) -> None:
    async with running(tmp_path, Double(directory())) as driver:
        request = signed()
        outcome = await visit(driver, request)
        assert outcome.response is not None
        assert refusal_of(driver, driver.engine, request, outcome) is None
        plain = make_request(URL, CHROME, headers=(("Signature-Agent", '"https://chatgpt.com"'),), ip="8.8.8.8")
        assert refusal_of(driver, driver.engine, plain, await visit(driver, plain)) is not None
