"""A policy as robots.txt: every group whole, the signals in it, and what stands around the groups."""

from __future__ import annotations

from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.aipref import parse_content_usage
from optout.signals.content_signals import parse_content_signals
from tests.compilers.documents.published import NO_TRAINING, documents, text

SITEMAP = "https://site.example/sitemap.xml"


def robots(more: str, default: str = "allow") -> str:
    documented = f"sites: site.example\ndocuments: {{from: generated, sitemaps: {SITEMAP}}}\n"
    return text(documents(f"{documented}{more}", default), "/robots.txt")


def test_every_group_has_a_rule_and_nothing_between_its_names() -> None:
    written = robots(NO_TRAINING)
    parsed = parse_robots(written.encode())
    assert not [fault for fault in parsed.faults if fault.code != "token-outside-grammar"]
    assert all(group.rules for group in parsed.groups)
    for group in parsed.groups:
        lines = written.splitlines()[group.line - 1 : group.line - 1 + len(group.tokens)]
        assert [line.partition(": ")[2] for line in lines] == list(group.tokens)


def test_the_license_comes_first_and_the_sitemap_last() -> None:
    lines = [line for line in robots(f"license: /license.xml\n{NO_TRAINING}").splitlines() if line[:1] not in ("#", "")]
    assert lines[0] == "License: https://site.example/license.xml"
    assert lines[-1] == f"Sitemap: {SITEMAP}"


def test_signals_are_whole_in_every_group_and_explained() -> None:
    clauses = "clauses: [{action: allow, purpose: train, path: /free/}, {action: deny, purpose: [train, dataset]}]\n"
    written = robots(clauses)
    parsed = parse_robots(written.encode())
    signals, usage = parse_content_signals(parsed), parse_content_usage(parsed)
    assert not signals.faults
    assert not usage.faults
    assert {record.group for record in signals.records} == set(range(len(parsed.groups)))
    assert "Content-Signal: /free/ ai-train=yes\n" in written
    assert "Content-Usage: /free/ train-ai=y\n" in written
    assert "Article 4 of Directive (EU) 2019/790" in written


def test_where_nothing_is_said_there_is_no_signal_and_no_explanation() -> None:
    written = robots("")
    assert "Content-" not in written
    assert RobotsMatcher(parse_robots(written.encode())).match(("GPTBot",), "/").allowed
