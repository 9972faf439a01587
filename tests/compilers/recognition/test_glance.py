"""The first look for RE2 sees every crawler, and passes over people."""

from __future__ import annotations

import re

import pytest

from optout.compilers.recognition import groups
from optout.compilers.recognition.glance import glance_re2
from tests.compilers.hostile import REGISTRY
from tests.served import CHROME

EVERYBODY = groups(REGISTRY, [crawler for _, crawler in REGISTRY.spellings])
GLANCE = re.compile(glance_re2(EVERYBODY))


def test_every_example_of_the_registry_is_seen() -> None:
    for crawler in REGISTRY.crawlers:
        for example in crawler.examples:
            if REGISTRY.recognize(example) is not None:
                assert GLANCE.search(example), example


def test_every_spelling_is_seen_in_any_case_behind_what_ends_a_word() -> None:
    for token, _ in REGISTRY.spellings:
        for before in ("", " ", "(compatible; ", "x/1.0;", "%20", "é"):
            assert GLANCE.search(f"{before}{token.text.upper()}"), token


@pytest.mark.parametrize("agent", [CHROME, "curl/8.5.0", "Dalvik/2.1.0 (Linux; U; Android 14)", "", "NotGPTBot/1.0"])
def test_people_are_passed_over(agent: str) -> None:
    assert GLANCE.search(agent) is None


def test_of_nobody_nobody_is_seen() -> None:
    assert re.search(glance_re2(()), "GPTBot/1.0") is None
