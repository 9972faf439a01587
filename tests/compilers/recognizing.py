"""Shared by tests of recognition: what a front end does that asks one group after the other."""

from __future__ import annotations

import re
from pathlib import Path

from optout.compilers.recognition import groups, signers
from optout.compilers.recognition.pcre import pcre
from optout.compilers.recognition.re2 import re2
from optout.crawlers.model import Crawler
from optout.crawlers.registry import bundled_registry
from optout.messages import octets
from tests.compilers.pcre2 import pcre as compiled

REGISTRY = bundled_registry()
EVERYBODY = tuple({id(crawler): crawler for _, crawler in REGISTRY.spellings}.values())
GROUPS = groups(REGISTRY, (*EVERYBODY, *REGISTRY.signers.values()))
_RANKS = {id(each): place for place, group in enumerate(GROUPS) for _, each in (*group.spellings, *group.signers)}
_BESIDE = Path(__file__).parent.parent / "crawlers"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


def rows(file: str) -> list[list[str]]:
    """The rows of a table of the registry's own tests."""
    text = (_BESIDE / file).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


EXAMPLES = tuple(example for crawler in REGISTRY.crawlers for example in crawler.examples)
SEEN = (*EXAMPLES, *(row[2] for row in rows("recognized.tsv")))
"""User agents of crawlers, as they were sent."""
PEOPLE = tuple(row[0] for row in rows("nobody.txt"))
"""User agents of people, and of programs that are in no registry."""


_BY_PCRE = tuple((place, compiled(each.found)) for place, group in enumerate(GROUPS) for each in pcre(group))
_BY_RE2 = tuple((place, each) for place, group in enumerate(GROUPS) for each in re2(group))


def rank_by_pcre(user_agent: str) -> int | None:
    """The place of the group that governs."""
    sent = octets(user_agent)
    return next((place for place, found in _BY_PCRE if found.search(sent) is not None), None)


def rank_by_re2(user_agent: str) -> int | None:
    """The same as RE2 would say it; Python's `re` reads these expressions alike."""
    for place, each in _BY_RE2:
        if re.search(each.found, user_agent, re.ASCII) and not (each.unless and re.search(each.unless, user_agent)):
            return place
    return None


def rank_by_engine(user_agent: str) -> int | None:
    """The place of the group that the engine's own answer is of."""
    claim = REGISTRY.recognize(user_agent)
    return None if claim is None else rank_of(claim.crawler)


def rank_of(crawler: Crawler) -> int:
    """The place of a crawler's group."""
    return _RANKS[id(crawler)]


def rank_by_signer(signature_agent: str) -> int | None:
    """The place of the group that a Signature-Agent names."""
    for place, group in enumerate(GROUPS):
        expression = signers(group)
        if expression and compiled(expression).search(octets(signature_agent)):
            return place
    return None
