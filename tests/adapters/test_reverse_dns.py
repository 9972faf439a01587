"""Names that lead back, names that do not, and a name server that misbehaves in every way."""

from __future__ import annotations

import asyncio
import builtins
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters import reverse_dns
from optout.adapters.reverse_dns import ReverseNames, are_names_asked, ends_in
from optout.identity import Named
from optout.lookups import ReverseDns
from tests.adapters.name_server import Manner, Zone, honest, name_server

ADDRESS, SIX = "192.0.2.7", "2001:db8::7"
NAME = "crawl-7.operator.example."
ASKED = ReverseDns(address=ADDRESS, suffixes=(".operator.example",))
PATIENT_S = 5.0  # a test's own patience; nothing is asserted about time


def reverse(address: str) -> str:
    return ip_address(address).reverse_pointer + "."


def zone(*names: str, forward: dict[str, list[str]] | None = None) -> Zone:
    made: Zone = {(reverse(ADDRESS), "PTR"): list(names)}
    return made | {(name, "A"): values for name, values in (forward or {NAME: [ADDRESS]}).items()}


async def ask(
    found: Zone, manner: Manner = honest, lookup: ReverseDns = ASKED, within_s: float = PATIENT_S
) -> Named | None:
    async with name_server(found, manner) as server:
        names = ReverseNames(nameservers=("127.0.0.1",), port=server.port, within_s=within_s)
        try:
            return await names.ask(lookup)
        finally:
            await names.close()


async def test_a_name_that_leads_back_confirms() -> None:
    assert await ask(zone(NAME)) is Named.CONFIRMED


async def test_so_it_does_by_ipv6() -> None:
    found: Zone = {(reverse(SIX), "PTR"): [NAME], (NAME, "AAAA"): ["2001:DB8:0::7"]}
    lookup = ReverseDns(address=SIX, suffixes=(".operator.example",))
    assert await ask(found, lookup=lookup) is Named.CONFIRMED


async def test_one_of_several_names_is_enough() -> None:
    assert await ask(zone("host.isp.example.", NAME, forward={NAME: ["192.0.2.1", ADDRESS]})) is Named.CONFIRMED


@pytest.mark.parametrize(
    "name",
    [
        "crawl.operator.example.evil.org.",
        "eviloperator.example.",
        "operator.example.",
        "host.isp.example.",
        "xn--operator.example.",
    ],
)
async def test_a_name_that_only_looks_like_it_is_another(name: str) -> None:
    assert await ask(zone(name, forward={name: [ADDRESS]})) is Named.OTHER


async def test_whoever_gives_his_own_address_the_operators_name_is_not_led_back_to() -> None:
    assert await ask(zone(NAME, forward={NAME: ["198.51.100.1"]})) is Named.OTHER
    assert await ask(zone(NAME, forward={"other.example.": [ADDRESS]})) is Named.OTHER


async def test_a_name_that_cannot_be_asked_about_does_not_hide_the_next() -> None:
    broken = "crawl-1.operator.example."

    def answer(question: dns.message.Message, answer: dns.message.Message) -> bytes | None:
        return (_servfail if str(question.question[0].name) == broken else honest)(question, answer)

    two = zone(broken, NAME, forward={NAME: [ADDRESS]})
    assert await ask(two, answer) is Named.CONFIRMED
    assert await ask(zone(broken), answer) is None, "nothing was said against it"


async def test_names_of_which_only_some_were_looked_at_prove_nothing() -> None:
    strangers = [f"host-{number}.isp.example." for number in range(12)]
    assert await ask(zone(*strangers)) is None
    fitting = [f"crawl-{number}.operator.example." for number in range(5)]
    assert await ask(zone(*fitting)) is None


async def test_no_name_at_all_is_another() -> None:
    assert await ask({}) is Named.OTHER


async def test_upper_case_means_nothing() -> None:
    name = "CRAWL-7.Operator.EXAMPLE."
    assert await ask(zone(name, forward={name: [ADDRESS]})) is Named.CONFIRMED


def _silent(_question: dns.message.Message, _answer: dns.message.Message) -> bytes | None:
    return None


def _broken(_question: dns.message.Message, answer: dns.message.Message) -> bytes | None:
    return b"\x00" + answer.to_wire()[:5]


def _servfail(question: dns.message.Message, _answer: dns.message.Message) -> bytes | None:
    made = dns.message.make_response(question)
    made.set_rcode(dns.rcode.SERVFAIL)
    return made.to_wire()


def _refused(question: dns.message.Message, _answer: dns.message.Message) -> bytes | None:
    made = dns.message.make_response(question)
    made.set_rcode(dns.rcode.REFUSED)
    return made.to_wire()


def _other_id(_question: dns.message.Message, answer: dns.message.Message) -> bytes | None:
    answer.id = (answer.id + 1) & 0xFFFF
    return answer.to_wire()


def _other_question(_question: dns.message.Message, answer: dns.message.Message) -> bytes | None:
    other = dns.message.make_response(dns.message.make_query("evil.example.", "PTR"))
    other.id, other.answer = answer.id, answer.answer
    return other.to_wire()


def _huge(_question: dns.message.Message, answer: dns.message.Message) -> bytes | None:
    return answer.to_wire() + b"\x00" * 60_000


@pytest.mark.parametrize("manner", [_silent, _broken, _servfail, _refused, _other_id, _other_question, _huge])
async def test_a_server_that_misbehaves_proves_nothing(manner: Manner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_dns, "_LIFETIME_S", 0.5)
    assert await ask(zone(NAME), manner) is None


async def test_a_chain_of_aliases_in_a_circle_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_dns, "_LIFETIME_S", 0.5)
    circle: Zone = {
        (reverse(ADDRESS), "CNAME"): ["a.example."],
        ("a.example.", "CNAME"): ["b.example."],
        ("b.example.", "CNAME"): ["a.example."],
    }
    assert await ask(circle) in (None, Named.OTHER)


async def test_an_answer_that_was_cut_is_asked_for_again_whole() -> None:
    cut = []

    def once(_question: dns.message.Message, answer: dns.message.Message) -> bytes | None:
        if not cut:
            cut.append(True)
            answer.answer.clear()
            answer.flags |= dns.flags.TC
        return answer.to_wire()

    assert await ask(zone(NAME), once) is Named.CONFIRMED
    assert cut


async def test_a_thousand_names_cost_a_few_questions() -> None:
    names = [f"n{number}.operator.example." for number in range(1000)]
    async with name_server({(reverse(ADDRESS), "PTR"): names}) as server:
        asking = ReverseNames(nameservers=("127.0.0.1",), port=server.port, within_s=PATIENT_S)
        assert await asking.ask(ASKED) is None, "not all of them were looked at"
        assert len([name for name, kind in server.asked if kind == "A"]) <= 3
        await asking.close()


async def test_who_waits_is_let_go_and_the_next_finds_the_answer() -> None:
    async with name_server(zone(NAME)) as server:
        names = ReverseNames(nameservers=("127.0.0.1",), port=server.port, within_s=0.0)
        first = await names.ask(ASKED)
        assert first is None
        async with asyncio.timeout(20):
            while names.at_hand(ASKED) is None:
                await asyncio.sleep(0.01)
        assert names.at_hand(ASKED) is Named.CONFIRMED
        assert await names.ask(ASKED) is Named.CONFIRMED
        await names.close()


async def test_one_question_at_a_time_about_one_address_and_answers_are_kept() -> None:
    async with name_server(zone(NAME)) as server:
        names = ReverseNames(nameservers=("127.0.0.1",), port=server.port, within_s=PATIENT_S)
        assert await asyncio.gather(*(names.ask(ASKED) for _ in range(20))) == [Named.CONFIRMED] * 20
        assert await names.ask(ASKED) is Named.CONFIRMED
        assert len(server.asked) == 2
        await names.close()


async def test_an_answer_ends_with_its_time_and_a_failure_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_dns, "_LIFETIME_S", 0.3)
    now = [0.0]
    async with name_server(zone(NAME), ttl=10_000_000) as server:
        names = ReverseNames(nameservers=("127.0.0.1",), port=server.port, within_s=PATIENT_S, clock=lambda: now[0])
        await names.ask(ASKED)
        now[0] = 86_399.0
        assert names.at_hand(ASKED) is Named.CONFIRMED
        now[0] = 86_401.0
        assert names.at_hand(ASKED) is None
        server.manner = _silent
        assert await names.ask(ASKED) is None
        server.manner = honest
        assert await names.ask(ASKED) is None  # kept as a failure for half a minute
        now[0] += 31.0
        assert await names.ask(ASKED) is Named.CONFIRMED
        await names.close()


async def test_memory_and_questions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_dns, "_MOST_KEPT", 5)
    monkeypatch.setattr(reverse_dns, "_MOST_IN_FLIGHT", 3)
    async with name_server({}, _silent) as server:
        names = ReverseNames(nameservers=("127.0.0.1",), port=server.port, within_s=0.0)
        for number in range(20):
            await names.ask(ReverseDns(address=f"192.0.2.{number}", suffixes=(".operator.example",)))
        assert len(names._running) <= 3
        await names.close()
    async with name_server({}) as server:
        names = ReverseNames(nameservers=("127.0.0.1",), port=server.port, within_s=PATIENT_S)
        for number in range(20):
            await names.ask(ReverseDns(address=f"192.0.2.{number}", suffixes=(".operator.example",)))
        assert len(names._kept) == 5
        await names.close()


@given(st.text(max_size=80))
def test_no_name_raises(name: str) -> None:
    ends_in(name, (".operator.example", "operator.example"))


def test_it_is_off_unless_it_is_asked_for_and_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPTOUT_REVERSE_DNS", raising=False)
    assert not are_names_asked()
    monkeypatch.setenv("OPTOUT_REVERSE_DNS", "on")
    assert are_names_asked()
    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name.startswith("dns"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert not are_names_asked()
