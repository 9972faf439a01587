"""Spawning's ai.txt as its generators write it, and the restrictive reading of what they leave open."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from optout.robots.parser import SIZE_LIMIT, parse_robots
from optout.signals.ai_txt import AiTxtFaultCode, AiTxtMatcher, parse_ai_txt
from optout.signals.preference import Preference, Usage, preference_for
from tests.calls import calls_of

Y, N, U = Preference.ALLOWED, Preference.DISALLOWED, Preference.UNKNOWN


def said(target: str, *lines: str, token: str = "Any") -> Preference:
    matcher = AiTxtMatcher(parse_ai_txt("\n".join(lines).encode()))
    return preference_for(matcher.match((token,), target), Usage.TRAIN)


def faults(*lines: str) -> list[tuple[int, str]]:
    return [(fault.line, str(fault.code)) for fault in parse_ai_txt("\n".join(lines).encode()).faults]


GENERATED = ("# Spawning AI", "User-Agent: *", "Disallow: *.jpg", "Disallow: *.c", "Allow: *.txt", "Allow: /")


@pytest.mark.parametrize(
    ("target", "train"),
    [
        ("/a.jpg", N),
        ("/a.JPG", N),
        ("/a.jpg?w=100", N),
        ("/a%2Ejpg", N),
        ("/a.jpg/b", Y),
        ("/jpg", Y),
        ("/a.jpgx", Y),
        ("/a.css", Y),
        ("/a.c", N),
        ("/a.txt", Y),
        ("/", Y),
    ],
)
def test_a_file_of_the_generator(target: str, train: Preference) -> None:
    assert said(target, *GENERATED) is train
    assert faults(*GENERATED) == []


def test_a_kind_of_file_may_be_allowed_where_all_else_is_not() -> None:
    lines = ("User-Agent: *", "Allow: *.txt", "Disallow: /", "Disallow: *")
    assert said("/a.txt", *lines) is Y
    assert said("/a.TXT", *lines) is N
    assert said("/a", *lines) is N


def test_where_nothing_is_said_nothing_is_known() -> None:
    assert said("/a", "User-agent: *", "Disallow: *.jpg") is U
    assert said("/a") is U


def test_a_statement_names_its_line_and_repeats_it() -> None:
    statement = AiTxtMatcher(parse_ai_txt("\n".join(GENERATED).encode())).match((), "/a.jpg")[0]
    assert (statement.usage, statement.source, statement.line, statement.text) == (
        Usage.TRAIN,
        "ai.txt",
        3,
        "Disallow: *.jpg",
    )


def test_a_rule_for_a_path_and_one_for_a_kind_are_weighed_together() -> None:
    lines = ("User-agent: *", "Disallow: /img/", "Allow: *.jpeg", "Allow: /img/free/", "Allow: /")
    assert said("/img/a.jpeg", *lines) is N
    assert said("/img/free/a.jpeg", *lines) is Y
    assert said("/img/free/", *lines) is Y
    assert said("/b.jpeg", *lines) is Y


def test_a_tie_goes_to_disallow_and_is_reported() -> None:
    lines = ("User-agent: *", "Allow: *.ts", "Disallow: *.ts", "Allow: /a/b", "Disallow: /a/b")
    assert said("/x.ts", *lines) is N
    assert said("/a/b", *lines) is N
    assert faults(*lines) == [(2, "both-ways")]


def test_an_ending_without_a_star_can_only_forbid() -> None:
    assert said("/a.jpg", "User-agent: *", "Disallow: .jpg") is N
    assert said("/a.jpg", "User-agent: *", "Allow: .jpg") is U
    assert faults("User-agent: *", "Disallow: .jpg") == [(2, "pattern-without-slash")]


def test_groups_bind_as_in_a_robots_txt() -> None:
    lines = ("User-agent: *", "Disallow: /", "User-agent: Own", "Allow: /")
    assert said("/", *lines, token="own") is Y
    assert said("/", *lines, token="other") is N


def test_everyone_as_one_plugin_writes_it() -> None:
    lines = ("# Spawning AI/", "User-agent: */", "Disallow: *", "Disallow:/")
    assert said("/", *lines) is N
    assert faults(*lines) == [(2, "token-outside-grammar"), (2, "everyone-misspelled")]


def test_rules_outside_every_group_are_everyones() -> None:
    lines = ("\ufeffDisallow: *.jpg", "User-agent: Own", "Allow: /")
    assert said("/a.jpg", *lines) is N
    assert said("/a.jpg", *lines, token="own") is Y
    assert faults(*lines) == [(1, "byte-order-mark"), (1, "rule-outside-group")]


def test_a_rule_outside_every_group_at_the_limit_is_no_crash() -> None:
    data = b"#" * (SIZE_LIMIT - 13) + b"\nDisallow: /\n"
    assert {fault.code for fault in parse_ai_txt(data).faults} == {"no-rules", "rule-outside-group", "file-too-long"}


@pytest.mark.parametrize("text", ["", "Spec-Version: 1.0\nTraining: deny", "<html>", "User-agent: *", "\x00\xff"])
def test_other_files_of_the_name_say_nothing(text: str) -> None:
    ai_txt = parse_ai_txt(text.encode("latin-1"))
    assert AiTxtMatcher(ai_txt).match(("a",), "/") == ()
    assert AiTxtFaultCode.NO_RULES in {fault.code for fault in ai_txt.faults}


def test_a_file_over_the_limit_is_read_up_to_it() -> None:
    ai_txt = parse_ai_txt(b"User-agent: *\nDisallow: /\n" + b"#" * SIZE_LIMIT)
    assert preference_for(AiTxtMatcher(ai_txt).match((), "/"), Usage.TRAIN) is N
    assert [fault.code for fault in ai_txt.faults] == ["file-too-long"]


def test_every_fault_of_a_robots_txt_is_one_of_these() -> None:
    data = b"\xef\xbb\xbfDisallow: /\nUser-agent: a b\nDisallow: x%\nno colon\nx: y\n\x00\xff" + b"\n" * SIZE_LIMIT
    named = {fault.code for fault in parse_robots(data).faults}
    assert named == set(AiTxtFaultCode) - {"everyone-misspelled", "both-ways", "no-rules"}
    assert parse_ai_txt(data).faults


def test_faults_and_statements_quote_nothing_that_could_write_on_a_terminal() -> None:
    ai_txt = parse_ai_txt("User-agent: \x1b[31m\nDisallow: /\x1b[31m\u202e\n\x1b\u202e: x".encode())
    texts = [fault.text for fault in ai_txt.faults]
    texts += [statement.text for statement in AiTxtMatcher(ai_txt).match(("\x1b[31m",), "/%1b[31m%E2%80%AE")]
    assert len(texts) == 6
    for text in texts:
        assert text.isascii()
        assert text.isprintable()


def test_a_rule_repeated_ten_thousand_times_is_weighed_once() -> None:
    matcher = AiTxtMatcher(parse_ai_txt(b"User-agent: *\n" + b"Disallow: *.jpg\nDisallow: /\n" * 10_000))
    assert len(matcher.match((), "/a.jpg")) == len(matcher.match((), "/")) == 1


HOSTILE: dict[str, Callable[[int], str]] = {
    "rules": lambda n: "User-agent: *\n" + "Disallow: *.a\nAllow: *.a\nDisallow: /a*b\n" * n,
    "groups": lambda n: "User-agent: */\nDisallow: /\n" * n,
    "rules without a group": lambda n: "Disallow: *.jpg\n" * n,
    "user agents": lambda n: "User-agent: */\n" * n + "Disallow: /",
    "an ending": lambda n: "User-agent: *\nDisallow: *." + "a" * n,
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_file(shape: str) -> None:
    small, large = (HOSTILE[shape](n).encode() for n in (200, 800))
    work = [calls_of(lambda data=data: AiTxtMatcher(parse_ai_txt(data))) for data in (small, large)]  # type: ignore[misc]
    assert work[1] <= 4 * work[0] + 100
