"""One answer per use: each standard by its own rule, then restrictively across them; contradictions are listed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.messages import Fields
from optout.signals.preference import Preference, Usage
from optout.signals.verdict import Signals, UsageVerdict, usage_verdict

RESERVED = b'[{"location": "/", "tdm-reservation": 1}]'
FREE = b'[{"location": "/", "tdm-reservation": 0}]'


def _said(verdict: UsageVerdict) -> dict[str, str]:
    return {use.usage.value: use.preference.value for use in verdict.uses if use.preference is not Preference.UNKNOWN}


def _ask(target: str = "/a", token: str = "GPTBot", **what: object) -> UsageVerdict:
    return usage_verdict(Signals(**what), (token,), target)  # type: ignore[arg-type]


def test_nothing_said_is_unknown_and_never_consent() -> None:
    verdict = _ask()
    assert {use.preference for use in verdict.uses} == {Preference.UNKNOWN}
    assert [use.usage for use in verdict.uses] == list(Usage)
    assert (verdict.heard, verdict.conflicts) == ((), ())


def test_a_reservation_is_for_mining_and_leaves_search_alone() -> None:
    assert _said(_ask(tdmrep=RESERVED)) == dict.fromkeys(("train", "input", "index", "mine"), "disallowed")
    assert _said(_ask(tdmrep=FREE)) == dict.fromkeys(("train", "input", "index", "mine"), "allowed")


def test_within_tdmrep_a_later_stage_replaces_an_earlier_one_also_0_over_1() -> None:
    field = Fields((("tdm-reservation", "0"),))
    assert _said(_ask(tdmrep=RESERVED, fields=field))["train"] == "allowed"
    page = b'<head><meta name="tdm-reservation" content="1"></head>'
    verdict = _ask(tdmrep=RESERVED, fields=field, page=page)
    assert _said(verdict)["train"] == "disallowed"
    assert verdict.uses[0].decided is not None
    assert verdict.uses[0].decided.source == "tdm-reservation in the page"


def test_a_permission_of_one_standard_cancels_no_restriction_of_another() -> None:
    robots = b"User-agent: *\nAllow: /\nContent-Signal: ai-train=no, search=yes\n"
    verdict = _ask(tdmrep=FREE, robots=robots)
    assert _said(verdict)["train"] == "disallowed"
    assert _said(verdict)["search"] == "allowed"
    (conflict,) = verdict.conflicts
    assert conflict.usage is Usage.TRAIN
    assert (conflict.allowed.source, conflict.disallowed.source) == ("tdmrep.json", "robots.txt Content-Signal")
    assert conflict.disallowed.line == 3


def test_a_header_and_a_robots_rule_of_aipref_are_combined_restrictively() -> None:
    robots = b"User-agent: *\nAllow: /\nContent-Usage: train-ai=n\n"
    verdict = _ask(robots=robots, fields=Fields((("content-usage", "train-ai=y"),)))
    assert verdict.preference(Usage.TRAIN) is Preference.DISALLOWED
    assert len(verdict.conflicts) == 1


def test_groups_do_not_inherit_so_a_named_crawler_hears_nothing_of_the_signals_for_everyone() -> None:
    robots = b"User-agent: *\nAllow: /\nContent-Signal: ai-train=no\n\nUser-agent: GPTBot\nAllow: /\n"
    assert _said(_ask(robots=robots)) == {}
    assert _said(_ask(robots=robots, token="CCBot")) == {"train": "disallowed"}


def test_page_tags_and_ai_txt_are_heard() -> None:
    assert _said(_ask(fields=Fields((("x-robots-tag", "noai"),)))) == {"train": "disallowed"}
    assert _said(_ask(page=b'<head><meta name="robots" content="noai"></head>')) == {"train": "disallowed"}
    assert "disallowed" in _said(_ask(ai_txt=b"User-Agent: *\nDisallow: /\n")).values()


LICENSE = "https://site.example/license.xml"
DOCUMENT = (
    b'<rsl xmlns="https://rslstandard.org/rsl">\n<content url="/">\n<license><permits type="usage">search</permits>'
    b"</license></content></rsl>"
)


def test_a_license_document_is_heard_where_robots_names_it_to_this_crawler() -> None:
    robots = f"User-agent: GPTBot\nLicense: {LICENSE}\nAllow: /\n".encode()
    verdict = _ask(robots=robots, rsl=((LICENSE, DOCUMENT),))
    assert _said(verdict) == {**dict.fromkeys(("train", "input", "index", "mine"), "disallowed"), "search": "allowed"}
    assert verdict.uses[0].decided is not None
    assert (verdict.uses[0].decided.source, verdict.uses[0].decided.line) == (f"RSL {LICENSE}", 3)
    assert _said(_ask(robots=robots, rsl=((LICENSE, DOCUMENT),), token="CCBot")) == {}
    assert _said(_ask(rsl=((LICENSE, DOCUMENT),))) == {}


def test_a_license_document_is_heard_where_the_response_or_the_page_names_it() -> None:
    fields = Fields((("link", f'<{LICENSE}>; rel="license"; type="application/rsl+xml"'),))
    page = f'<link rel="license" type="application/rsl+xml" href="{LICENSE}">'.encode()
    assert _said(_ask(fields=fields, rsl=((LICENSE, DOCUMENT),)))["train"] == "disallowed"
    assert _said(_ask(page=page, rsl=((LICENSE, DOCUMENT),)))["train"] == "disallowed"


def test_a_license_document_in_the_page_is_heard_with_the_line_of_the_page() -> None:
    inside = DOCUMENT.replace(b'url="/"', b'url=""')
    verdict = _ask(page=b'<head>\n<script type="application/rsl+xml">' + inside + b"</script>")
    assert verdict.uses[0].decided is not None
    assert (verdict.uses[0].decided.source, verdict.uses[0].decided.line) == ("RSL in the page", 4)


def test_a_license_and_another_signal_that_contradict_one_another_are_told() -> None:
    robots = f"License: {LICENSE}\nUser-agent: *\nAllow: /\nContent-Signal: ai-train=yes\n".encode()
    (conflict,) = _ask(robots=robots, rsl=((LICENSE, DOCUMENT),)).conflicts
    assert (conflict.usage, conflict.disallowed.text) == (Usage.TRAIN, "permits only search")


def test_a_license_document_of_another_site_says_nothing_of_this_one() -> None:
    document = DOCUMENT.replace(b'url="/"', b'url="https://other.example/"')
    robots = f"License: {LICENSE}\n".encode()
    assert _said(_ask(robots=robots, rsl=((LICENSE, document),), authority="site.example")) == {}


@pytest.mark.parametrize("usage", Usage)
def test_the_answer_is_that_of_its_statement(usage: Usage) -> None:
    verdict = _ask(tdmrep=RESERVED, robots=b"User-agent: *\nAllow: /\nContent-Signal: search=yes\n")
    use = next(use for use in verdict.uses if use.usage is usage)
    assert use.decided is not None
    assert use.decided.preference is use.preference
    assert use.decided in verdict.heard


_BYTES = st.binary(max_size=120)


@given(_BYTES, _BYTES, _BYTES, _BYTES, st.text(max_size=20), st.text(max_size=20))
def test_no_bytes_raise(robots: bytes, tdmrep: bytes, ai_txt: bytes, page: bytes, token: str, target: str) -> None:
    fields = Fields((("content-usage", token), ("x-robots-tag", target), ("tdm-reservation", token)))
    named = b"License: https://a.example/\n" + robots
    rsl = (("https://a.example/", tdmrep),)
    signals = Signals(robots=named, tdmrep=tdmrep, ai_txt=ai_txt, page=page, fields=fields, rsl=rsl)
    verdict = usage_verdict(signals, (token,), target)
    assert len(verdict.uses) == len(Usage)
