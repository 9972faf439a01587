"""What an audit tells, as values and for programs."""

from __future__ import annotations

import json

from optout.crawlers.registry import bundled_registry
from optout.lint.rules.site import Answer, SiteSource
from optout.messages import Fields
from optout.report.site_audit import COLUMNS, SiteAudit, as_json, audit_site

TEXT, HTML = Fields((("content-type", "text/plain"),)), (("content-type", "text/html"),)


def _audit(robots: bytes, *fields: tuple[str, str]) -> SiteAudit:
    source = SiteSource(
        robots=Answer(url="/robots.txt", status=200, fields=TEXT, body=robots),
        tdmrep=Answer(url="/t", status=404),
        ai_txt=Answer(url="/ai.txt", status=404),
        page=Answer(url="/", status=200, fields=Fields((*HTML, *fields)), body=b"<p>"),
        target="/",
    )
    return audit_site(source, bundled_registry())


RESERVED = ("tdm-reservation", "1"), ("tdm-policy", "https://photos.example/p.json")


def test_crawlers_that_are_told_the_same_share_a_row() -> None:
    robots = b"User-agent: *\nAllow: /\n\nUser-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
    rows = _audit(robots, *RESERVED).rows
    assert [names for names, _ in rows] == ["everybody", "GPTBot, CCBot"]
    assert [words[0] for _, words in rows] == ["allowed", "disallowed"]
    assert all(len(words) == len(COLUMNS) for _, words in rows)


def test_what_is_not_said_is_a_dash_and_never_a_consent() -> None:
    (row,) = _audit(b"User-agent: *\nAllow: /\n").rows
    assert row == ("everybody", ("allowed", "-", "-", "-", "-", "-"))


def test_notes_alone_do_not_fail() -> None:
    noted = _audit(b"User-agent: *\nAllow: /\n", RESERVED[0])
    assert {told.finding.severity.value for told in noted.findings} == {"note"}
    assert not noted.fails
    assert _audit(b"User-agent: *\nAllow: /\n").fails


def test_every_finding_says_what_to_write_or_which_command_writes_it() -> None:
    found = _audit(b"User-agent: *\nDisallow: /caf\xc3\xa9/\nDisallow: x\n", ("X-Robots-Tag", "no-ai")).findings
    by_code = {told.finding.code: told.instead for told in found}
    assert by_code["RT113"] == "`optout robots lint --fix` mends it"
    assert by_code["HD108"] == "X-Robots-Tag: noai"
    assert all(by_code.values())


def test_a_program_gets_the_line_that_decided_each_use() -> None:
    told = json.loads(json.dumps(as_json("https://photos.example/", _audit(b"User-agent: *\nAllow: /\n", *RESERVED))))
    (everybody,) = told["declared"]
    assert (everybody["fetch"], everybody["line"]) == ("allowed", 2)
    train = next(use for use in everybody["uses"] if use["usage"] == "train")
    assert (train["preference"], train["text"]) == ("disallowed", "tdm-reservation: 1")
    assert told["answers"][3]["fields"]["tdm-reservation"] == ["1"]
